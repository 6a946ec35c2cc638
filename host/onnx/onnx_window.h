// SPDX-License-Identifier: Apache-2.0
/* Windows of convolution and pooling nodes, inside of onnx_import.h. */
#ifndef MPQ_ONNX_WINDOW_H
#define MPQ_ONNX_WINDOW_H

#include "onnx/onnx_walk.h"

/* Kernel, stride, padding and the height and width of the output from the node's attributes and the
 * view's pads, into layer, whose kernel is kept if the node names none. Refuses dilation, and
 * ceil_mode where it would change the output. */
MUST_CHECK enum status onnx_window(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                   const struct onnx_view *view, struct net_layer *layer);
/* The values behind the last layer as the node's output: [N, C, H, W], or [N, H, W, C]. */
MUST_CHECK enum status onnx_put_image(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                      int64_t batch, bool nhwc);

#endif
