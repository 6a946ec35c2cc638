// SPDX-License-Identifier: Apache-2.0
/* A network on the GPU: which layers share memory, who writes which gradients first, and all memory in
 * one piece. Memory is laid out twice: to count it, then for real. */
#include "cuda/gpu.h"

#include <stdlib.h>
#include <string.h>

static const size_t ALIGN = 256;

void *gpu_arena_take(struct gpu_arena *arena, size_t bytes)
{
    void *taken = arena->base ? arena->base + arena->used : NULL;
    arena->used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return taken;
}

void *gpu_host(const struct device_plan *plan, const void *on_device)
{
    const char *place = on_device;
    if (place >= plan->inbox.base && place < plan->inbox.base + plan->inbox.used)
        return plan->host + (place - plan->inbox.base);
    return plan->host + plan->inbox.used + (place - plan->outbox.base);
}

float *gpu_values(const struct device_plan *plan, int layer)
{
    return layer < 0 ? plan->input : plan->layers[layer].values;
}

float *gpu_gradients(const struct device_plan *plan, int layer)
{
    return layer < 0 ? NULL : plan->layers[layer].gradients;
}

/* ---- Who owns values and writes gradients ---- */

static bool changes_nothing(const struct device_plan *plan, int index)
{
    const struct net_layer *l = &plan->net->layers[index];
    return plan->identity[index] ||
           (l->op == NET_FLATTEN && (l->in.c == 1 || l->in.h * l->in.w == 1));
}

static int owner_of(const struct device_plan *plan, int layer)
{
    return layer < 0 ? -1 : plan->layers[layer].owner;
}

static void find_owners(struct device_plan *plan)
{
    bool has_gradients = false;
    for (int i = 0; i < plan->net->layer_count; i++) {
        struct gpu_layer *layer = &plan->layers[i];
        layer->net = &plan->net->layers[i];
        layer->owner = changes_nothing(plan, i) ? owner_of(plan, i - 1) : i;
        has_gradients = has_gradients || layer->net->weighted_index >= 0;
        layer->has_gradients = has_gradients;
    }
}

/* Marks that a reader of `layer` writes its gradients; returns whether another one has. */
static bool mark(const struct device_plan *plan, int layer, bool *written)
{
    const int owner = owner_of(plan, layer);
    const bool before = owner >= 0 && written[owner];
    if (owner >= 0)
        written[owner] = true;
    return before;
}

/* Backward, the first writer of a layer's gradients overwrites them, later ones add. Those before a
 * BRANCH come from a later ADD or BRANCH that takes up the values there, which net_layers.c demands. */
static void find_writers(struct device_plan *plan)
{
    bool written[NET_MAX_LAYERS] = {false};
    for (int i = plan->net->layer_count - 1; i >= 0; i--) {
        struct gpu_layer *layer = &plan->layers[i];
        if (layer->owner != i)
            continue;
        if (layer->net->op == NET_BRANCH) {
            layer->adds_with = mark(plan, layer->net->with, written);
            continue;
        }
        layer->adds_before = mark(plan, i - 1, written);
        if (layer->net->op == NET_ADD)
            layer->adds_with = mark(plan, layer->net->with, written);
    }
}

/* ---- Memory ---- */

static void place_parameters(struct device_plan *plan, int index)
{
    struct gpu_layer *layer = &plan->layers[index];
    const size_t weights = net_layer_weights(layer->net) * sizeof(float);
    const size_t channels = (size_t)layer->net->out.c * sizeof(float);
    layer->weights = gpu_arena_take(&plan->inbox, weights);
    layer->bias = gpu_arena_take(&plan->inbox, channels);
    layer->weight_gradients = gpu_arena_take(&plan->outbox, weights);
    layer->bias_gradients = gpu_arena_take(&plan->outbox, channels);
}

static bool may_requantize(const struct device_plan *plan, const struct net_layer *l)
{
    return plan->integers && (l->weighted_index >= 0 || l->op == NET_ADD || l->op == NET_RELU6);
}

static void place_layer(struct device_plan *plan, int index)
{
    struct gpu_layer *layer = &plan->layers[index];
    const struct net_layer *l = layer->net;
    const size_t bytes = gpu_count(plan, index) * sizeof(float);
    if (layer->owner != index) {
        layer->values = gpu_values(plan, layer->owner);
        layer->gradients = gpu_gradients(plan, layer->owner);
        return;
    }
    layer->values = gpu_arena_take(&plan->rest, bytes);
    layer->gradients = layer->has_gradients ? gpu_arena_take(&plan->rest, bytes) : NULL;
    if (l->weighted_index >= 0)
        place_parameters(plan, index);
    if (l->op == NET_CONV)
        gpu_conv_place(plan, index);
    if (l->op == NET_BATCHNORM)
        gpu_norm_place(plan, index);
    if (l->op == NET_DROPOUT)
        layer->numbers = gpu_arena_take(&plan->rest, gpu_random_count(l) * (size_t)plan->images *
                                                         sizeof *layer->numbers);
    if (may_requantize(plan, l))
        layer->requantize.factor = gpu_arena_take(&plan->inbox, (size_t)l->out.c * sizeof(double));
}

static void place_all(struct device_plan *plan)
{
    const size_t images = (size_t)plan->images;
    size_t channels = 1;
    plan->inbox.used = plan->outbox.used = plan->rest.used = 0;
    plan->order = gpu_arena_take(&plan->inbox, images * sizeof *plan->order);
    plan->draws = gpu_arena_take(&plan->inbox, images * sizeof *plan->draws);
    plan->losses = gpu_arena_take(&plan->outbox, images * sizeof *plan->losses);
    plan->input = gpu_arena_take(&plan->rest, gpu_count(plan, -1) * sizeof(float));
    for (int i = 0; i < plan->net->layer_count; i++) {
        place_layer(plan, i);
        const size_t own = (size_t)plan->net->layers[i].out.c;
        channels = own > channels ? own : channels;
    }
    plan->parts = gpu_arena_take(&plan->rest, channels * SUM_PARTS * sizeof(float));
    plan->workspace = gpu_arena_take(&plan->rest, plan->workspace_bytes);
}

static enum status allocate(struct device_plan *plan, struct error *err)
{
    place_all(plan);
    const size_t in = plan->inbox.used, out = plan->outbox.used, bytes = in + out + plan->rest.used;
    enum status status = gpu_memory_take(plan->state, plan->net->name, bytes, &plan->memory, err);
    if (status != STATUS_OK)
        return status;
    plan->is_counted = true;
    plan->inbox.base = plan->memory;
    plan->outbox.base = plan->memory + in;
    plan->rest.base = plan->memory + in + out;
    place_all(plan);
    cudaError_t result = cudaMallocHost((void **)&plan->host, in + out);
    if (result == cudaSuccess) {
        memset(plan->host, 0, in + out);
        result = cudaMemsetAsync(plan->memory, 0, bytes, plan->stream);
    }
    return gpu_check(result, "parameters", err);
}

/* ---- Creation ---- */

static enum status create_libraries(struct device_plan *plan, struct error *err)
{
    enum status status = gpu_check(cudaSetDevice(plan->state->number), "using the device", err);
    if (status == STATUS_OK)
        status = gpu_check(cudaStreamCreateWithFlags(&plan->stream, cudaStreamNonBlocking),
                           "a stream", err);
    if (status == STATUS_OK)
        status = gpu_check_cudnn(cudnnCreate(&plan->cudnn), "any", err);
    if (status == STATUS_OK)
        status = gpu_check_cudnn(cudnnSetStream(plan->cudnn, plan->stream), "any", err);
    if (status == STATUS_OK)
        status = gpu_check_cublas(cublasCreate(&plan->cublas), "any", err);
    if (status == STATUS_OK)
        status = gpu_check_cublas(cublasSetStream(plan->cublas, plan->stream), "any", err);
    if (status == STATUS_OK) /* products and sums in float: exact for integers */
        status =
            gpu_check_cublas(cublasSetMathMode(plan->cublas, CUBLAS_PEDANTIC_MATH), "any", err);
    return status;
}

static enum status create_layer(struct device_plan *plan, int index, struct error *err)
{
    if (plan->layers[index].owner != index)
        return STATUS_OK;
    switch (plan->net->layers[index].op) {
    case NET_CONV:
        return gpu_conv_create(plan, index, err);
    case NET_BATCHNORM:
        return gpu_norm_create(plan, index, err);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
        return gpu_pool_create(plan, index, err);
    default:
        return STATUS_OK;
    }
}

enum status gpu_plan_create(struct device_state *state, const struct device_plan_setup *setup,
                            struct device_plan **out, struct error *err)
{
    *out = NULL;
    struct device_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for its layers",
                         setup->net->name);
    plan->state = state;
    plan->net = setup->net;
    plan->images = setup->images;
    plan->ghosts = setup->ghosts;
    plan->can_train = plan->training = setup->training;
    plan->integers = setup->integers;
    memcpy(plan->identity, setup->identity,
           (size_t)setup->net->layer_count * sizeof *plan->identity);
    find_owners(plan);
    find_writers(plan);
    enum status status = create_libraries(plan, err);
    for (int i = 0; status == STATUS_OK && i < plan->net->layer_count; i++)
        status = create_layer(plan, i, err);
    if (status == STATUS_OK)
        status = allocate(plan, err);
    if (status == STATUS_OK)
        *out = plan;
    else
        gpu_plan_free(plan);
    return status;
}

void gpu_plan_free(struct device_plan *plan)
{
    if (!plan)
        return;
    (void)cudaSetDevice(plan->state->number);
    if (plan->stream)
        (void)cudaStreamSynchronize(plan->stream);
    for (int i = 0; i < plan->net->layer_count; i++) {
        gpu_conv_free(&plan->layers[i].conv);
        gpu_norm_free(&plan->layers[i]);
    }
    if (plan->cublas)
        (void)cublasDestroy(plan->cublas);
    if (plan->cudnn)
        (void)cudnnDestroy(plan->cudnn);
    if (plan->stream)
        (void)cudaStreamDestroy(plan->stream);
    if (plan->host)
        (void)cudaFreeHost(plan->host);
    gpu_data_release(plan->state, plan->train_data);
    if (plan->is_counted)
        gpu_memory_return(plan->state, plan->memory);
    free(plan);
}
