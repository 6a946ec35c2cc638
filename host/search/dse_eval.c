// SPDX-License-Identifier: Apache-2.0
/* Accuracy with shared prefixes. */
#include "search/dse_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum { CLASS_BYTES = 2 };

/* A place between two layers where activations are kept. */
struct cut {
    int layer;       /* number of the layer behind it */
    int weighted;    /* weighted layers in front of it */
    uint8_t *values; /* [data->count][bytes]; NULL at the input */
};

struct dse_eval {
    const struct dataset *data;
    struct dse_eval_options options;
    int layer_count, cut_count;
    /* By layer; the first one is the input, the last one in front of the argmax. */
    struct cut cuts[MODEL_MAX_LAYERS + 1];
    int bits[MODEL_MAX_LAYERS]; /* of the candidate that the values belong to */
    int known;                  /* leading weighted layers for which they hold */
    uint8_t *classes;           /* [data->count] little-endian 16-bit */
};

enum status dse_eval_create(const struct dataset *data, const struct dse_eval_options *options,
                            struct dse_eval **out, struct error *err)
{
    struct dse_eval *eval = calloc(1, sizeof *eval);
    *out = NULL;
    if (eval) {
        eval->data = data;
        eval->options = *options;
        eval->classes = malloc(data->count * CLASS_BYTES + 1);
    }
    if (!eval || !eval->classes) {
        dse_eval_free(eval);
        return error_set(err, STATUS_NO_MEMORY, "accuracy of %zu images: out of memory",
                         data->count);
    }
    *out = eval;
    return STATUS_OK;
}

void dse_eval_free(struct dse_eval *eval)
{
    if (eval) {
        for (int i = 0; i < eval->cut_count; i++) {
            free(eval->cuts[i].values);
        }
        free(eval->classes);
        free(eval);
    }
}

static bool is_weighted(const struct model *model, int layer)
{
    return model->layers[layer].weight_bits != 0;
}

/* Whether the layers from `cut` on read nothing that is made in front of it but its own input. */
static bool is_closed(const struct model *model, int cut)
{
    bool made[MODEL_MAX_BUFFERS] = {false};
    made[model->layers[cut].in] = true;
    for (int i = cut; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        if (!made[layer->in] || (layer->op == OP_ADD && !made[layer->in2])) {
            return false;
        }
        made[layer->out] = true;
    }
    return true;
}

/* Whether activations are worth keeping in front of this layer. */
static bool is_place(const struct model *model, int layer)
{
    return is_weighted(model, layer) && is_closed(model, layer);
}

/* Decides where activations are kept: in front of the argmax for the loss, then from the last
 * weighted layer to the front while the budget lasts. */
static enum status plan_cuts(struct dse_eval *eval, const struct model *model,
                             const struct infer *infer, struct error *err)
{
    struct cut found[MODEL_MAX_LAYERS + 1];
    const int argmax = model->layer_count - 1;
    int count = 0, weighted = 0;
    size_t left = eval->options.budget_bytes;
    for (int layer = 0; layer < argmax; layer++) {
        weighted += is_weighted(model, layer);
    }
    for (int layer = argmax; layer > 0; layer--) {
        weighted -= is_weighted(model, layer);
        const size_t size = infer_layer_in_bytes(infer, layer) * eval->data->count;
        const bool wanted =
            layer == argmax || (is_place(model, layer) && weighted > 0 && size <= left);
        uint8_t *values = wanted ? malloc(size + 1) : NULL;
        if (values) {
            left -= layer == argmax ? 0 : size;
            found[count++] = (struct cut){layer, weighted, values};
        }
    }
    eval->cuts[0] = (struct cut){0, 0, NULL};
    for (int i = 0; i < count; i++) {
        eval->cuts[i + 1] = found[count - 1 - i];
    }
    eval->cut_count = count + 1;
    eval->layer_count = model->layer_count;
    return eval->cuts[count].layer == argmax
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, "accuracy of %zu images: out of memory",
                           eval->data->count);
}

/* The deepest cut whose values hold for bits. */
static int shared_cut(const struct dse_eval *eval, const int *bits)
{
    int shared = 0, cut = 0;
    while (bits && shared < eval->known && bits[shared] == eval->bits[shared]) {
        shared++;
    }
    while (cut + 1 < eval->cut_count && eval->cuts[cut + 1].weighted <= shared) {
        cut++;
    }
    return cut;
}

/* Runs from cut number start to the end. */
static enum status run_from(struct dse_eval *eval, const struct infer *infer, int start,
                            struct error *err)
{
    for (int i = start; i < eval->cut_count; i++) {
        const bool is_last = i + 1 == eval->cut_count;
        const uint8_t *in = eval->cuts[i].values ? eval->cuts[i].values : eval->data->images;
        uint8_t *out = is_last ? eval->classes : eval->cuts[i + 1].values;
        const int end = is_last ? eval->layer_count : eval->cuts[i + 1].layer;
        const enum status status = infer_run(infer, eval->cuts[i].layer, end, in, eval->data->count,
                                             out, eval->options.threads, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static double percent_correct(const struct dse_eval *eval)
{
    size_t correct = 0;
    for (size_t i = 0; i < eval->data->count; i++) {
        correct += get_u16(eval->classes + i * CLASS_BYTES) == eval->data->labels[i];
    }
    return eval->data->count ? 100.0 * (double)correct / (double)eval->data->count : 0.0;
}

/* -log of the softmax's value for the label, as log-sum-exp. */
static double cross_entropy(const uint8_t *values, const struct model_buffer *buffer,
                            unsigned label, double scale)
{
    double sum = 0;
    int top = -256;
    for (uint32_t i = 0; i < buffer->size_bytes; i++) {
        const int value = buffer->is_signed ? (int8_t)values[i] : values[i];
        top = value > top ? value : top;
    }
    for (uint32_t i = 0; i < buffer->size_bytes; i++) {
        const int value = buffer->is_signed ? (int8_t)values[i] : values[i];
        sum += exp(scale * (value - top));
    }
    const int own = buffer->is_signed ? (int8_t)values[label] : values[label];
    return log(sum) - scale * (own - top);
}

static double mean_loss(const struct dse_eval *eval, const struct model *model)
{
    const struct model_buffer *buffer = &model->buffers[model->layers[model->layer_count - 1].in];
    const uint8_t *values = eval->cuts[eval->cut_count - 1].values;
    double sum = 0;
    for (size_t i = 0; i < eval->data->count; i++) {
        const unsigned label = eval->data->labels[i];
        sum += label < buffer->size_bytes ? cross_entropy(values + i * buffer->size_bytes, buffer,
                                                          label, eval->options.scale)
                                          : 0;
    }
    return eval->data->count ? sum / (double)eval->data->count : 0.0;
}

static enum status check_model(const struct dse_eval *eval, const struct model *model,
                               struct error *err)
{
    const bool fits = model->layer_count > 1 &&
                      model->layers[model->layer_count - 1].op == OP_ARGMAX &&
                      (eval->cut_count == 0 || eval->layer_count == model->layer_count);
    return fits ? STATUS_OK
                : error_set(err, STATUS_INPUT,
                            "model %s: want the candidates' layers, with argmax the last one",
                            model->name);
}

enum status dse_eval_score(struct dse_eval *eval, const struct model *model,
                           const struct infer *infer, const int *bits, struct dse_score *score,
                           struct error *err)
{
    enum status status = check_model(eval, model, err);
    if (status == STATUS_OK && eval->cut_count == 0) {
        status = plan_cuts(eval, model, infer, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const int start = shared_cut(eval, bits);
    eval->known = 0;
    status = run_from(eval, infer, start, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (int layer = 0; bits && layer < model->layer_count; layer++) {
        if (is_weighted(model, layer)) {
            eval->bits[eval->known] = bits[eval->known];
            eval->known++;
        }
    }
    *score = (struct dse_score){percent_correct(eval), mean_loss(eval, model)};
    return STATUS_OK;
}
