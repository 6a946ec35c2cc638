// SPDX-License-Identifier: Apache-2.0
/* Inside of dnn.h, shared by dnn_plan.c (primitives) and dnn_run.c (shards). */
#ifndef MPQ_DNN_PLAN_H
#define MPQ_DNN_PLAN_H

#include <stddef.h>
#include <oneapi/dnnl/dnnl.h>
#include "dnn.h"

/* A primitive with the layouts that it chose. Absent: primitive NULL. */
struct dnn_op {
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t desc;
};

struct dnn_layer {
    const struct net_layer *net;
    bool needs_gradient;        /* some layer before it has weights */
    dnnl_memory_desc_t in, out; /* nhwc */
    struct dnn_op forward, backward_data, backward_weights;
    /* Weighted layers. plain: the caller's layout. The backward copy is the forward one if the
     * layouts are equal. */
    dnnl_memory_desc_t plain, bias_desc;
    dnnl_memory_t plain_memory, forward_weights, backward_data_weights, bias;
    float *forward_buffer, *backward_data_buffer, *bias_buffer;
    struct dnn_op to_forward, to_backward_data, from_gradient; /* reorders */
};

struct dnn_plan {
    const struct net *net;
    int images;
    bool training;
    dnnl_engine_t engine;
    dnnl_stream_t stream; /* for weights; each shard has its own */
    dnnl_primitive_attr_t attr;
    size_t scratch_bytes; /* largest need of a primitive */
    struct dnn_layer layers[NET_MAX_LAYERS];
};

/* Zero-filled memory aligned for oneDNN, of at least one byte. NULL: none left. */
void *dnn_alloc(size_t bytes);

/* STATUS_OK, or an error that names the layer and what oneDNN would not do. */
MUST_CHECK enum status dnn_check(dnnl_status_t result, const struct net_layer *layer,
                                 const char *what, struct error *err);

const dnnl_memory_desc_t *dnn_op_desc(const struct dnn_op *op, dnnl_query_t what);

#endif
