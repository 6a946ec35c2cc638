// SPDX-License-Identifier: Apache-2.0
/* Inside of dnn.h, shared by dnn_plan.c (primitives), dnn_layout.c (which values share memory),
 * dnn_batchnorm.c, dnn_elementwise.c, dnn_pool.c and dnn_run.c (shards). */
#ifndef MPQ_DNN_PLAN_H
#define MPQ_DNN_PLAN_H

#include <stddef.h>
#include <oneapi/dnnl/dnnl.h>
#include "train/device_table.h"
#include "train/dnn.h"

/* A primitive with the layouts that it chose. Absent: primitive NULL. */
struct dnn_op {
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t desc;
};

struct dnn_layer {
    const struct net_layer *net;
    bool needs_gradient;        /* some layer before it has weights */
    bool values_in_place;       /* they lie where those of the layer before lie */
    bool gradients_in_place;    /* the same of gradients */
    bool is_rectified;          /* its primitive does the RELU behind it too */
    bool is_source;             /* `with` of an ADD or BRANCH layer behind */
    bool is_last_reader;        /* the last ADD or BRANCH layer of its source */
    dnnl_memory_desc_t in, out; /* nhwc */
    struct dnn_op forward, backward_data, backward_weights;
    /* Weighted layers. plain: the caller's layout. The backward copy is the forward one if the
     * layouts are equal. */
    dnnl_memory_desc_t plain, bias_desc;
    dnnl_memory_t plain_memory, forward_weights, backward_data_weights, bias;
    float *forward_buffer, *backward_data_buffer, *bias_buffer;
    struct dnn_op to_forward, to_backward_data, from_gradient; /* reorders */
    /* BATCHNORM in training: [2][channels] */
    dnnl_memory_t scale_shift;
    float *scale_shift_buffer;
};

struct dnn_plan {
    const struct net *net;
    int images;
    enum dnn_use use;
    bool training; /* BATCHNORM and DROPOUT work at present */
    dnnl_engine_t engine;
    dnnl_stream_t stream;                       /* for weights; each shard has its own */
    dnnl_primitive_attr_t attr, rectified_attr; /* the second: and RELU behind */
    size_t scratch_bytes;                       /* largest need of a primitive */
    const struct net_layer *slow_layer;         /* with reference code only, or NULL */
    struct dnn_layer layers[NET_MAX_LAYERS];
    /* Of a plan on a device (dnn_device.h), which has nothing of oneDNN; else NULL. */
    const struct device_table *table;
    struct device_plan *on_device;
    int ghosts; /* shards that were created */
};

/* Memory objects of one layer in a shard; NULL where not needed. */
struct shard_layer {
    float *values, *gradients; /* behind the layer */
    float *passed_back;        /* of a source: gradients from its ADD and BRANCH layers */
    uint8_t *choices;          /* of our MAXPOOL: where in its window each value was found */
    dnnl_memory_t in, out, in_gradient, out_gradient, workspace, weights_gradient, bias_gradient;
    float *workspace_buffer, *weights_gradient_buffer, *bias_gradient_buffer;
    /* BATCHNORM in training; gradient of [2][channels] */
    dnnl_memory_t mean, variance, scale_shift_gradient;
    float *mean_buffer, *variance_buffer, *scale_shift_gradient_buffer;
};

struct dnn_shard {
    struct dnn_plan *plan;
    int ghost; /* of a plan on a device: its number */
    dnnl_stream_t stream;
    dnnl_memory_t scratch;
    float *scratch_buffer;
    float *input;
    uint64_t draw_seed, draw_step;
    uint32_t draw_first;
    struct shard_layer layers[NET_MAX_LAYERS];
};

/* Zero-filled memory aligned for oneDNN, of at least one byte. NULL: none left. */
void *dnn_alloc(size_t bytes);

/* STATUS_OK, or an error that names the layer and what oneDNN would not do. */
MUST_CHECK enum status dnn_check(dnnl_status_t result, const struct net_layer *layer,
                                 const char *what, struct error *err);

const dnnl_memory_desc_t *dnn_op_desc(const struct dnn_op *op, dnnl_query_t what);
/* Makes op of layer from an operation descriptor. hint: the forward primitive, for backward ones.
 */
MUST_CHECK enum status dnn_op_create(struct dnn_plan *plan, struct dnn_layer *layer,
                                     const_dnnl_op_desc_t desc, struct dnn_op *op,
                                     struct error *err);
/* A memory object over buffer; over a new buffer of its own size if *buffer is NULL. */
dnnl_status_t dnn_bind(struct dnn_plan *plan, const dnnl_memory_desc_t *desc, float **buffer,
                       dnnl_memory_t *memory);

/* Sets the *_in_place, is_* fields of all layers. */
void dnn_layout(struct dnn_plan *plan);

/* ---- BATCHNORM in a DNN_TRAIN plan; the layer's in is set ---- */
MUST_CHECK enum status dnn_batchnorm_create(struct dnn_plan *plan, struct dnn_layer *layer,
                                            struct error *err);
dnnl_status_t dnn_batchnorm_create_shard(struct dnn_shard *shard, int index);
dnnl_status_t dnn_batchnorm_forward(struct dnn_shard *shard, int index);
dnnl_status_t dnn_batchnorm_backward(struct dnn_shard *shard, int index);

/* ---- Layers without primitives; values and gradients lie in place or not ---- */
void dnn_relu_forward(struct dnn_shard *shard, int index);
void dnn_relu_backward(struct dnn_shard *shard, int index);
void dnn_add_forward(struct dnn_shard *shard, int index);
void dnn_branch_forward(struct dnn_shard *shard, int index);
void dnn_branch_backward(struct dnn_shard *shard, int index);
void dnn_dropout_forward(struct dnn_shard *shard, int index);
void dnn_dropout_backward(struct dnn_shard *shard, int index);
/* Whether MAXPOOL is done by dnn_maxpool_*, not by a primitive. */
bool dnn_maxpool_is_ours(const struct net_layer *layer);
void dnn_maxpool_forward(struct dnn_shard *shard, int index);
void dnn_maxpool_backward(struct dnn_shard *shard, int index);
/* Whether each input of a pooling lies in exactly one window. */
bool dnn_pool_is_tiling(const struct net_layer *layer);
void dnn_avgpool_forward(struct dnn_shard *shard, int index);
void dnn_avgpool_backward(struct dnn_shard *shard, int index);
/* Layers that pass their input on, if that does not lie in place anyway. */
void dnn_copy_forward(struct dnn_shard *shard, int index);
/* sum[i] += values[i] */
void dnn_add(float *restrict sum, const float *restrict values, size_t count);

/* All layers from index on have passed their gradients back: adds what ADD and BRANCH layers passed to
 * the layer before. */
void dnn_take_passed_back(struct dnn_shard *shard, int index);

/* Values behind a layer in a shard. */
size_t dnn_value_count(const struct dnn_shard *shard, int layer);
dnnl_status_t dnn_execute(struct dnn_shard *shard, const struct dnn_op *op,
                          const dnnl_exec_arg_t *args, int count);

#endif
