// SPDX-License-Identifier: Apache-2.0
/* Quantization-aware training: the shared loop (train_loop.h) over the integer pass (qat_pass.h)
 * and layers with learned scales (qat_layer.h). */
#include "qat/qat.h"

#include <stdlib.h>
#include <string.h>
#include "qat/qat_layer.h"
#include "qat/qat_pass.h"
#include "train/train_loop.h"
#include "train/train_optimizer.h"

struct qat {
    const struct net *net;
    struct net_recipe recipe;
    struct float_model trained;  /* net borrowed; weights and biases owned */
    struct qat_layer **layers;   /* [weighted_count] */
    struct quant_model *present; /* borrows layers[k]->quant */
    struct quant_model *kept;    /* owns its layers */
    struct qat_pass *pass;
    struct train_optimizer *scale_optimizer;
};

/* ---- Hooks of the training loop ---- */

static enum status load_hook(void *context, struct dnn_plan *plan, struct error *err)
{
    struct qat *qat = context;
    for (int k = 0; k < qat->net->weighted_count; k++)
        qat_layer_quantize(qat->layers[k]);
    return qat_pass_load(qat->pass, qat->present, plan, err);
}

static enum status forward_hook(void *context, struct dnn_shard *shard, struct error *err)
{
    return qat_pass_forward(((struct qat *)context)->pass, shard, err);
}

static enum status backward_hook(void *context, struct dnn_shard *shard, struct error *err)
{
    return qat_pass_backward(((struct qat *)context)->pass, shard, err);
}

static void convert_hook(void *context, int k, float *weights, float *bias)
{
    qat_layer_convert(((struct qat *)context)->layers[k], weights, bias);
}

static void step_hook(void *context, float rate)
{
    struct qat *qat = context;
    train_optimizer_begin(qat->scale_optimizer, rate);
    for (int k = 0; k < qat->net->weighted_count; k++) {
        struct qat_layer *layer = qat->layers[k];
        const struct train_tensor tensor = {layer->log_scale, layer->scale_gradient,
                                            (size_t)layer->quant->out_count, false};
        train_optimizer_update(qat->scale_optimizer, k, &tensor);
    }
}

static void copy_layer(const struct quant_layer *from, struct quant_layer *to)
{
    const size_t n = (size_t)from->out_count;
    memcpy(to->weight, from->weight, n * (size_t)from->row_count);
    memcpy(to->bias, from->bias, n);
    memcpy(to->bias_shift, from->bias_shift, n);
    memcpy(to->multiplier, from->multiplier, n);
    memcpy(to->shift, from->shift, n);
    memcpy(to->weight_scale, from->weight_scale, n * sizeof *to->weight_scale);
    to->bits = from->bits;
    to->relu = from->relu;
    to->in_signed = from->in_signed;
    to->in_scale = from->in_scale;
    to->out_scale = from->out_scale;
}

/* The integers of the last load_hook(), which the loop has just evaluated. */
static void keep_hook(void *context)
{
    struct qat *qat = context;
    for (int k = 0; k < qat->net->weighted_count; k++)
        copy_layer(qat->layers[k]->quant, qat->kept->layers[k]);
}

/* ---- Setting up ---- */

/* The model file's phases share the epochs evenly; a single rate falls along a cosine instead. */
static struct net_recipe make_recipe(const struct net *net, int epochs)
{
    struct net_recipe recipe = net->qat;
    recipe.early_stopping_epochs = 0;
    for (int p = 0; p < recipe.phase_count; p++)
        recipe.epochs[p] = (int)((int64_t)epochs * (p + 1) / recipe.phase_count -
                                 (int64_t)epochs * p / recipe.phase_count);
    return recipe;
}

static bool copy_floats(const float *from, size_t count, float **to)
{
    *to = calloc(count, sizeof **to);
    if (*to)
        memcpy(*to, from, count * sizeof **to);
    return *to != NULL;
}

/* Copies of the weights, which training changes. */
static bool create_weights(struct qat *qat, const struct float_model *model)
{
    const struct net *net = qat->net;
    const size_t count = (size_t)net->weighted_count;
    struct float_model *trained = &qat->trained;
    trained->net = model->net;
    trained->weights = calloc(count, sizeof(float *));
    trained->biases = calloc(count, sizeof(float *));
    qat->layers = calloc(count, sizeof(struct qat_layer *));
    bool good = trained->weights && trained->biases && qat->layers;
    for (int k = 0; good && k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        good = copy_floats(model->weights[k], net_layer_weights(layer), &trained->weights[k]) &&
               copy_floats(model->biases[k], (size_t)layer->out.c, &trained->biases[k]);
    }
    return good;
}

static enum status create_layer(struct qat *qat, const struct calibration *calibration, int k,
                                int bits, struct error *err)
{
    enum status status =
        qat_layer_create(&qat->trained, calibration, k, bits, &qat->layers[k], err);
    if (status != STATUS_OK)
        return status;
    const struct quant_layer *quant = qat->layers[k]->quant;
    qat->present->layers[k] = qat->layers[k]->quant;
    return quant_layer_create(quant->out_count, quant->row_count, &qat->kept->layers[k], err);
}

static enum status create_optimizer(struct qat *qat, struct error *err)
{
    size_t sizes[NET_MAX_LAYERS];
    for (int k = 0; k < qat->net->weighted_count; k++)
        sizes[k] = (size_t)qat->layers[k]->quant->out_count;
    return train_optimizer_create(&qat->recipe, sizes, qat->net->weighted_count,
                                  &qat->scale_optimizer, err);
}

static enum status qat_create(struct qat *qat, const struct float_model *model,
                              const struct calibration *calibration, const int *bits,
                              struct error *err)
{
    if (!create_weights(qat, model))
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train", qat->net->name);
    enum status status = quant_model_create(qat->net, &qat->present, err);
    if (status == STATUS_OK)
        status = quant_model_create(qat->net, &qat->kept, err);
    if (status != STATUS_OK)
        return status;
    qat->kept->owns_layers = true;
    quant_model_set_adds(qat->present, calibration);
    quant_model_set_adds(qat->kept, calibration);
    for (int k = 0; status == STATUS_OK && k < qat->net->weighted_count; k++)
        status = create_layer(qat, calibration, k, bits[k], err);
    if (status == STATUS_OK)
        status = create_optimizer(qat, err);
    if (status == STATUS_OK)
        status = qat_pass_create(qat->net, &qat->pass, err);
    return status;
}

static void qat_free(struct qat *qat)
{
    for (int k = 0; k < qat->net->weighted_count; k++) {
        if (qat->trained.weights)
            free(qat->trained.weights[k]);
        if (qat->trained.biases)
            free(qat->trained.biases[k]);
        if (qat->layers)
            qat_layer_free(qat->layers[k]);
    }
    free(qat->trained.weights);
    free(qat->trained.biases);
    free(qat->layers);
    quant_model_free(qat->present);
    quant_model_free(qat->kept);
    qat_pass_free(qat->pass);
    train_optimizer_free(qat->scale_optimizer);
}

enum status qat_train(const struct float_model *model, const struct calibration *calibration,
                      const int *bits, const struct data_split *data,
                      const struct qat_options *options, train_epoch_fn *on_epoch, void *context,
                      struct quant_model **out, struct error *err)
{
    const struct net *net = model->net;
    *out = NULL;
    if (options->epochs < 1)
        return error_set(err, STATUS_USAGE,
                         "quantization-aware training: want 1 epoch or more, got %d",
                         options->epochs);
    struct qat qat = {.net = net, .recipe = make_recipe(net, options->epochs)};
    enum status status = qat_create(&qat, model, calibration, bits, err);
    const struct train_job job = {
        .net = net,
        .recipe = &qat.recipe,
        .data = data,
        .weights = qat.trained.weights,
        .biases = qat.trained.biases,
        .cosine = qat.recipe.phase_count == 1,
        .keep_best = true,
        .label = "train integers",
        .options = {.seed = options->seed,
                    .threads = options->threads,
                    .progress = options->progress,
                    .device = options->device},
        .on_epoch = on_epoch,
        .on_epoch_context = context,
        .hooks = {.context = &qat,
                  .input_scale = 1,
                  .logit_scale = calibration->logit_scale,
                  .load = load_hook,
                  .forward = forward_hook,
                  .backward = backward_hook,
                  .convert = convert_hook,
                  .step = step_hook,
                  .keep = keep_hook},
    };
    if (status == STATUS_OK)
        status = train_loop(&job, err);
    if (status == STATUS_OK) {
        *out = qat.kept;
        qat.kept = NULL;
    }
    qat_free(&qat);
    return status;
}
