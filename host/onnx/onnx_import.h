// SPDX-License-Identifier: Apache-2.0
/* From a float ONNX graph to the layers and weights of a network of net.h. Knows no files.
 *
 * A network here is a chain: each node must take the values of the node before it; ADD alone takes
 * values from further back. Constants may be computed by nodes. What an affine node (batch
 * normalization, bias, scaling) does is folded into the weights before it, else into those behind
 * it, else it becomes a 1x1 depthwise convolution of its own. */
#ifndef MPQ_ONNX_IMPORT_H
#define MPQ_ONNX_IMPORT_H

#include "base/error.h"
#include "net/net.h"
#include "onnx.pb-c.h"

enum { ONNX_NODE_BYTES = 64, ONNX_MAX_CHANNELS = 64 };

/* Order of the dimensions of a four-dimensional input. */
enum onnx_layout { ONNX_LAYOUT_AUTO, ONNX_LAYOUT_NCHW, ONNX_LAYOUT_NHWC };

struct onnx_import_options {
    const char *label;  /* the file, in errors */
    const char *folder; /* where external data are */
    enum onnx_layout layout;
    struct shape shape; /* of the data; used for a graph with flat inputs of as many values; h 0:
                           not known */
    /* The network was trained on (x - mean) / deviation: [channel_count], or 1 for all; 0: on x. */
    int channel_count;
    double mean[ONNX_MAX_CHANNELS], deviation[ONNX_MAX_CHANNELS];
};

/* A layer, with fields of net_layer other than name and momentum set. */
struct onnx_layer {
    struct net_layer layer;
    char node[ONNX_NODE_BYTES]; /* what it comes from */
    double *weights, *bias;     /* CONV and FC: order of float_model.h; owned */
};

struct onnx_network {
    struct shape input;
    int layer_count;
    struct onnx_layer layers[NET_MAX_LAYERS];
    enum { ONNX_NO_SOFTMAX, ONNX_SOFTMAX, ONNX_LOG_SOFTMAX } softmax; /* behind the last layer */
};

/* Errors: "net.onnx: node /act/Elu (Elu): ...". */
MUST_CHECK enum status onnx_import(const Onnx__ModelProto *model,
                                   const struct onnx_import_options *options,
                                   struct onnx_network **out, struct error *err);
/* Of the last layer's values. */
static inline struct shape onnx_network_output(const struct onnx_network *network)
{
    return network->layer_count ? network->layers[network->layer_count - 1].layer.out
                                : network->input;
}
void onnx_network_free(struct onnx_network *network); /* accepts NULL */

#endif
