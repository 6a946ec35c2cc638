// SPDX-License-Identifier: Apache-2.0
/* Inside of the library behind device_table.h: one GPU (struct device_state), networks on it (struct
 * device_plan). gpu_state.c: the GPU, data and memory; gpu_plan.c: a plan's memory and parameters;
 * gpu_conv.c, gpu_norm.c: layers by cuDNN and cuBLAS; gpu_run.c: steps.
 *
 * Tensors on the device are float [image][c][h][w]. A plan has one stream: what is queued there runs in
 * order. Parameters lie in one piece that goes up before a step (the inbox), gradients and statistics in
 * one that comes back (the outbox): the CPU keeps the parameters and updates them. */
#ifndef MPQ_CUDA_GPU_H
#define MPQ_CUDA_GPU_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <pthread.h>

#include "cuda/kernels.h"
#include "train/device_table.h"

enum { GPU_MAX_DATA = 16 };

/* A dataset on the device, shared by plans. */
struct gpu_data {
    const uint8_t *key; /* images on the host; NULL: free */
    size_t count;
    uint8_t *images;
    uint16_t *labels;
    int users;
};

struct device_state {
    int number, limit; /* limit: plans at the same time, 0: by memory */
    bool deterministic;
    char name[128];
    size_t total_bytes;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t freed; /* a plan has gone */
    int plans;
    struct gpu_data data[GPU_MAX_DATA];
};

/* Memory that is handed out from one piece; base NULL: only counted. */
struct gpu_arena {
    char *base;
    size_t used;
};

struct gpu_conv {
    cudnnTensorDescriptor_t in, out;
    cudnnFilterDescriptor_t filter;
    cudnnConvolutionDescriptor_t conv;
    cudnnConvolutionFwdAlgo_t forward;
    cudnnConvolutionBwdDataAlgo_t data;
    cudnnConvolutionBwdFilterAlgo_t weights;
    /* Padding that is not the same on both sides, which cuDNN does not have: by copying. */
    bool is_padded;
    struct window pad;
    float *padded, *padded_gradients;
};

struct gpu_norm {
    cudnnTensorDescriptor_t values, channels; /* of one ghost */
    float *scale, *shift;                     /* [channels], inbox */
    float *mean, *variance;                   /* [ghosts][channels], outbox */
    float *scale_gradients, *shift_gradients; /* the same */
    float *saved_mean, *saved_inverse;        /* [ghosts][channels] */
};

struct gpu_requantize {
    bool on;
    size_t channels;
    double *factor; /* [channels], inbox */
    float ma, mb;
    int low, high;
};

struct gpu_layer {
    const struct net_layer *net;
    int owner;          /* the layer whose values these are; itself, unless it changes nothing */
    bool has_gradients; /* some layer up to it has weights */
    bool adds_before;   /* backward: gradients of the values before it are there already */
    bool adds_with;     /* the same of `with` */
    float *values, *gradients;
    float *weights, *bias;                    /* inbox */
    float *weight_gradients, *bias_gradients; /* outbox */
    struct gpu_conv conv;
    cudnnPoolingDescriptor_t pool; /* NULL: our own kernel */
    cudnnTensorDescriptor_t pool_in, pool_out;
    struct gpu_norm norm;
    struct gpu_requantize requantize;
    uint64_t *numbers; /* of DROPOUT: [gpu_random_count()][images] */
};

struct device_plan {
    struct device_state *state;
    const struct net *net;
    int images, ghosts;
    bool can_train, training, integers;
    bool identity[NET_MAX_LAYERS];
    bool dirty; /* the inbox has changed since it went up */
    cudaStream_t stream;
    cudnnHandle_t cudnn;
    cublasHandle_t cublas;
    struct gpu_arena inbox, outbox, rest; /* on the device, in one piece */
    char *memory, *host;                  /* that piece; inbox and outbox on the host, pinned */
    bool is_counted;                      /* among state->plans */
    float *input;                         /* [images][c][h][w] */
    uint32_t *order;                      /* inbox, [images] */
    struct augment_draw *draws;           /* inbox, [images] */
    double *losses;                       /* outbox, [images] */
    float *parts;                         /* of sums */
    void *workspace;
    size_t workspace_bytes;
    const struct gpu_data *train_data;
    struct gpu_layer layers[NET_MAX_LAYERS];
};

/* ---- Errors: STATUS_OK, or what could not be done with the library's own words ---- */
MUST_CHECK enum status gpu_check(cudaError_t result, const char *what, struct error *err);
MUST_CHECK enum status gpu_check_cudnn(cudnnStatus_t result, const char *layer, struct error *err);
MUST_CHECK enum status gpu_check_cublas(cublasStatus_t result, const char *layer,
                                        struct error *err);

/* ---- gpu_state.c ---- */
MUST_CHECK enum status gpu_open(const struct device_setup *setup, struct device_state **out,
                                struct error *err);
void gpu_close(struct device_state *state);
void gpu_text(const struct device_state *state, char text[DEVICE_TEXT_BYTES]);
void gpu_versions(char text[DEVICE_TEXT_BYTES]);
/* Memory for a plan; waits for room while other plans have it. */
MUST_CHECK enum status gpu_memory_take(struct device_state *state, const char *name, size_t bytes,
                                       char **out, struct error *err);
void gpu_memory_return(struct device_state *state, char *memory);
/* Brings a dataset up, if it is not there; to be released. */
MUST_CHECK enum status gpu_data_take(struct device_state *state, const struct dataset *data,
                                     const struct gpu_data **out, struct error *err);
void gpu_data_release(struct device_state *state, const struct gpu_data *data); /* accepts NULL */

/* ---- gpu_plan.c ---- */
MUST_CHECK enum status gpu_plan_create(struct device_state *state,
                                       const struct device_plan_setup *setup,
                                       struct device_plan **out, struct error *err);
void gpu_plan_free(struct device_plan *plan);
void *gpu_arena_take(struct gpu_arena *arena, size_t bytes);
/* The host's copy of something in the inbox or outbox. */
void *gpu_host(const struct device_plan *plan, const void *on_device);
/* Values and gradients behind a layer, -1 the input, which has no gradients. */
float *gpu_values(const struct device_plan *plan, int layer);
float *gpu_gradients(const struct device_plan *plan, int layer);
static inline size_t gpu_count(const struct device_plan *plan, int layer)
{
    const struct shape s = layer < 0 ? plan->net->input : plan->net->layers[layer].out;
    return (size_t)plan->images * shape_size(s);
}

/* Random numbers that DROPOUT takes for an image. */
static inline size_t gpu_random_count(const struct net_layer *l)
{
    return (shape_size(l->out) + DROPOUT_VALUES - 1) / DROPOUT_VALUES;
}

/* ---- gpu_parameters.c ---- */
void gpu_set_training(struct device_plan *plan, bool on);
void gpu_set_weights(struct device_plan *plan, int k, const float *weights, const float *bias);
void gpu_set_scale(struct device_plan *plan, int k, const float *scale);
void gpu_set_requantize(struct device_plan *plan, int layer,
                        const struct device_requantize *requantize);
void gpu_get_gradients(const struct device_plan *plan, int k, float *weights, float *bias);
void gpu_get_scale_gradients(const struct device_plan *plan, int k, float *scale);
void gpu_get_statistics(const struct device_plan *plan, int k, int ghost, const float **mean,
                        const float **variance);

/* ---- gpu_conv.c: convolution and fully connected layers, without bias ---- */
MUST_CHECK enum status gpu_conv_create(struct device_plan *plan, int index, struct error *err);
void gpu_conv_place(struct device_plan *plan, int index);
void gpu_conv_free(struct gpu_conv *conv);
MUST_CHECK enum status gpu_conv_forward(struct device_plan *plan, int index, struct error *err);
/* Gradients of weights and of the values before. */
MUST_CHECK enum status gpu_conv_backward(struct device_plan *plan, int index, struct error *err);
MUST_CHECK enum status gpu_fc_forward(struct device_plan *plan, int index, struct error *err);
MUST_CHECK enum status gpu_fc_backward(struct device_plan *plan, int index, struct error *err);

/* ---- gpu_norm.c: batch normalization and pooling ---- */
MUST_CHECK enum status gpu_norm_create(struct device_plan *plan, int index, struct error *err);
void gpu_norm_place(struct device_plan *plan, int index);
MUST_CHECK enum status gpu_norm_forward(struct device_plan *plan, int index, struct error *err);
MUST_CHECK enum status gpu_norm_backward(struct device_plan *plan, int index, struct error *err);
MUST_CHECK enum status gpu_pool_create(struct device_plan *plan, int index, struct error *err);
MUST_CHECK enum status gpu_pool_forward(struct device_plan *plan, int index, struct error *err);
MUST_CHECK enum status gpu_pool_backward(struct device_plan *plan, int index, struct error *err);
void gpu_norm_free(struct gpu_layer *layer); /* pooling too */

/* ---- gpu_layers.c: one layer by our own kernels or one of those above ---- */
MUST_CHECK enum status gpu_layer_forward(struct device_plan *plan, int index, uint64_t seed,
                                         uint64_t step, struct error *err);
MUST_CHECK enum status gpu_layer_backward(struct device_plan *plan, int index, struct error *err);

/* ---- gpu_run.c ---- */
MUST_CHECK enum status gpu_step(struct device_plan *plan, const struct device_batch *batch,
                                double *loss, struct error *err);
MUST_CHECK enum status gpu_count_correct(struct device_plan *plan, const struct dataset *data,
                                         float input_scale, size_t *correct, struct error *err);
MUST_CHECK enum status gpu_read(struct device_plan *plan, int layer, bool gradients, float *out,
                                struct error *err);

#endif
