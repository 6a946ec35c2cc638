// SPDX-License-Identifier: Apache-2.0
/* Makes a QUANT file with made-up integer weights: the same bytes on every machine, so that the
 * core's cycles on it can be compared with numbers on file.
 * usage: make_model MODEL.json BITS QUANT      BITS: 4,8,2,8,8 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "net/net.h"
#include "pack/pack.h"
#include "pack/quant_meta.h"
#include "quant/quant.h"

static int log2_floor(int value)
{
    int result = 0;
    while (value >>= 1)
        result++;
    return result;
}

/* Multiplier and shift bring typical accumulators to about 8 bits and keep |acc| * multiplier below
 * 2^31 for rows of up to 500 elements. */
static void fill_layer(struct quant_layer *layer, int index)
{
    const int limit = quant_weight_limit(layer->bits);
    const uint8_t shift = (uint8_t)(log2_floor(layer->row_count) / 2 + layer->bits + 5);
    struct rng rng;
    rng_init(&rng, 1, (uint64_t)index);
    for (int i = 0; i < layer->out_count * layer->row_count; i++)
        layer->weight[i] = (int8_t)((int)rng_below(&rng, (uint32_t)(2 * limit + 1)) - limit);
    for (int c = 0; c < layer->out_count; c++) {
        layer->bias[c] = (int8_t)((int)rng_below(&rng, 255) - 127);
        layer->bias_shift[c] = (uint8_t)rng_below(&rng, 6);
        layer->multiplier[c] = (uint8_t)(64 + rng_below(&rng, 64));
        layer->shift[c] = shift;
        layer->weight_scale[c] = 1;
    }
    layer->in_scale = layer->out_scale = 1;
}

static enum status make_layer(const struct net *net, int index, int bits, struct quant_layer **out,
                              struct error *err)
{
    const struct net_layer *from = &net->layers[net->weighted[index]];
    const int rows = from->out.c;
    const enum status status =
        quant_layer_create(rows, (int)(net_layer_weights(from) / (size_t)rows), out, err);
    if (status != STATUS_OK)
        return status;
    (*out)->bits = bits;
    (*out)->relu = quant_fused_relu(net, net->weighted[index]) >= 0;
    (*out)->in_signed = quant_is_signed(net, net->weighted[index] - 1);
    fill_layer(*out, index);
    return STATUS_OK;
}

static void make_add(const struct net *net, int index, struct quant_add *add)
{
    const struct net_layer *layer = &net->layers[index];
    const int with = layer->op == NET_ADD ? layer->with : index - 1;
    *add = (struct quant_add){
        .relu = !quant_is_signed(net, index),
        .a_signed = quant_is_signed(net, index - 1),
        .b_signed = quant_is_signed(net, with),
        .a_scale = 1,
        .b_scale = 1,
        .out_scale = 1,
    };
    quant_add_set(add, layer->op == NET_ADD);
}

static enum status make_model(const struct net *net, const struct quant_meta *meta,
                              struct quant_model *model, struct error *err)
{
    enum status status = STATUS_OK;
    model->owns_layers = true;
    for (int k = 0; k < net->weighted_count && status == STATUS_OK; k++)
        status = make_layer(net, k, meta->bits[k], &model->layers[k], err);
    for (int i = 0; i < net->layer_count; i++)
        if (quant_is_add(net, i))
            make_add(net, i, &model->adds[i]);
    return status;
}

static enum status parse_bits(const char *text, const struct net *net, struct quant_meta *meta,
                              struct error *err)
{
    for (const char *p = text; *p && meta->layer_count < NET_MAX_LAYERS; p += p[1] ? 2 : 1)
        meta->bits[meta->layer_count++] = *p - '0';
    return meta->layer_count == net->weighted_count
               ? STATUS_OK
               : error_set(err, STATUS_USAGE, "bits: want %d, got '%s'", net->weighted_count, text);
}

static enum status run(char **argv, struct error *err)
{
    struct net *net = NULL;
    struct quant_model *model = NULL;
    struct container *container = NULL;
    struct quant_meta meta = {.seed = 1, .val_accuracy = NAN, .accuracy = NAN};
    enum status status = net_load(argv[1], &net, err);
    if (status == STATUS_OK)
        status = parse_bits(argv[2], net, &meta, err);
    if (status == STATUS_OK)
        status = quant_model_create(net, &model, err);
    if (status == STATUS_OK)
        status = make_model(net, &meta, model, err);
    if (status == STATUS_OK)
        status = pack_model(model, &container, err);
    if (status == STATUS_OK)
        status = quant_meta_write(container, &meta, err);
    if (status == STATUS_OK)
        status = container_save(container, argv[3], err);
    container_free(container);
    if (model)
        quant_model_free(model);
    net_free(net);
    return status;
}

int main(int argc, char **argv)
{
    struct error err = {""};
    if (argc != 4) {
        fputs("usage: make_model MODEL.json BITS QUANT\n", stderr);
        return 2;
    }
    const enum status status = run(argv, &err);
    if (status != STATUS_OK)
        fprintf(stderr, "make_model: %s\n", err.text);
    return status_exit_code(status);
}
