// SPDX-License-Identifier: Apache-2.0
/* Layers that need no primitive: ReLU, ReLU6, ADD, DROPOUT, whose gradients always lie in place, and
 * BRANCH. */
#include <string.h>
#include "base/vector.h"
#include "train/dnn_plan.h"
#include "train/dropout.h"

size_t dnn_value_count(const struct dnn_shard *shard, int layer)
{
    return (size_t)shard->plan->images * shape_size(shard->plan->net->layers[layer].out);
}

void dnn_copy_forward(struct dnn_shard *shard, int index)
{
    const float *in = dnn_shard_values(shard, index - 1);
    float *out = dnn_shard_values(shard, index);
    if (in != out)
        memcpy(out, in, dnn_value_count(shard, index) * sizeof *out);
}

/* NaN stays: the loss must show it. */
VECTOR_CLONES
void dnn_relu_forward(struct dnn_shard *shard, int index)
{
    const float *in = dnn_shard_values(shard, index - 1);
    float *out = dnn_shard_values(shard, index);
    const size_t count = dnn_value_count(shard, index);
    if (index && shard->plan->layers[index - 1].is_rectified)
        return;
    if (shard->plan->net->layers[index].op == NET_RELU) {
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            out[i] = in[i] < 0.0f ? 0.0f : in[i];
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        const float low = in[i] < 0.0f ? 0.0f : in[i];
        out[i] = low > 6.0f ? 6.0f : low;
    }
}

VECTOR_CLONES
void dnn_relu_backward(struct dnn_shard *shard, int index)
{
    const float *values = dnn_shard_values(shard, index);
    float *gradients = dnn_shard_gradients(shard, index);
    const size_t count = gradients ? dnn_value_count(shard, index) : 0;
    if (shard->plan->net->layers[index].op == NET_RELU) {
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            gradients[i] = values[i] > 0.0f ? gradients[i] : 0.0f;
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        const float active = values[i] < 6.0f ? gradients[i] : 0.0f;
        gradients[i] = values[i] > 0.0f ? active : 0.0f;
    }
}

VECTOR_CLONES
void dnn_add(float *restrict sum, const float *restrict values, size_t count)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        sum[i] += values[i];
}

VECTOR_CLONES
void dnn_add_forward(struct dnn_shard *shard, int index)
{
    const float *a = dnn_shard_values(shard, index - 1);
    const float *b = dnn_shard_values(shard, shard->plan->net->layers[index].with);
    float *out = dnn_shard_values(shard, index);
    const size_t count = dnn_value_count(shard, index);
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        out[i] = a[i] + b[i];
}

/* sum[i] += factor * values[i] */
VECTOR_CLONES
static void add_scaled(float *restrict sum, const float *restrict values, float factor,
                       size_t count)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        sum[i] += factor * values[i];
}

/* Gradients of an ADD or BRANCH layer to its source. */
static void pass_to_source(struct dnn_shard *shard, int index, float factor)
{
    const int with = shard->plan->net->layers[index].with;
    float *passed = with < 0 ? NULL : shard->layers[with].passed_back;
    float *gradients = dnn_shard_gradients(shard, index);
    const size_t count = gradients ? dnn_value_count(shard, index) : 0;
    if (passed && shard->plan->layers[index].is_last_reader)
        memset(passed, 0, count * sizeof *passed); /* backward, it comes first */
    if (passed)
        add_scaled(passed, gradients, factor, count);
}

void dnn_shard_backward_add(struct dnn_shard *shard, int index, float before_factor,
                            float with_factor)
{
    pass_to_source(shard, index, with_factor);
    dnn_shard_backward_scale(shard, index, before_factor);
}

void dnn_branch_forward(struct dnn_shard *shard, int index)
{
    const float *from = dnn_shard_values(shard, shard->plan->net->layers[index].with);
    memcpy(dnn_shard_values(shard, index), from, dnn_value_count(shard, index) * sizeof *from);
}

/* The values before it have no gradients but those that are passed back to them. */
void dnn_branch_backward(struct dnn_shard *shard, int index)
{
    float *before = dnn_shard_gradients(shard, index - 1);
    pass_to_source(shard, index, 1);
    if (before)
        memset(before, 0, dnn_value_count(shard, index - 1) * sizeof *before);
}

void dnn_shard_backward_scale(struct dnn_shard *shard, int index, float factor)
{
    float *gradients = dnn_shard_gradients(shard, index);
    const size_t count = gradients ? dnn_value_count(shard, index) : 0;
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        gradients[i] *= factor;
    dnn_take_passed_back(shard, index);
}

void dnn_take_passed_back(struct dnn_shard *shard, int index)
{
    if (index && shard->layers[index - 1].passed_back)
        dnn_add(shard->layers[index - 1].gradients, shard->layers[index - 1].passed_back,
                dnn_value_count(shard, index - 1));
}

static void drop(const struct dnn_shard *shard, int index, const float *in, float *out)
{
    const struct net_layer *layer = &shard->plan->net->layers[index];
    const struct dropout dropout = dropout_of(layer->drop_rate);
    const size_t count = shape_size(layer->out);
    for (int i = 0; i < shard->plan->images; i++, in += count, out += count) {
        struct rng rng =
            dropout_rng(shard->draw_seed, shard->draw_step, shard->draw_first + (uint32_t)i, index);
        for (size_t j = 0; j < count; j += DROPOUT_VALUES) {
            const size_t n = count - j < DROPOUT_VALUES ? count - j : DROPOUT_VALUES;
            const uint64_t number = rng_draw(&rng);
            for (size_t place = 0; place < n; place++)
                out[j + place] = in[j + place] * dropout_factor(&dropout, number, place);
        }
    }
}

void dnn_dropout_forward(struct dnn_shard *shard, int index)
{
    drop(shard, index, dnn_shard_values(shard, index - 1), dnn_shard_values(shard, index));
}

void dnn_dropout_backward(struct dnn_shard *shard, int index)
{
    float *gradients = dnn_shard_gradients(shard, index);
    if (gradients)
        drop(shard, index, gradients, gradients);
}
