// SPDX-License-Identifier: Apache-2.0
/* Makes a container: plan (pack_layers.c, pack_arena.c), bytes, metadata. */
#include "pack/pack.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "pack/container.h"
#include "pack/pack_arena.h"
#include "pack/pack_layers.h"
#include "pack/pack_weights.h"

enum { CONTAINER_BYTES_MAX = 1 << 30 };

struct pack {
    const struct quant_model *quant;
    struct model plan;
    struct model_tables tables;   /* the plan's */
    int source[MODEL_MAX_LAYERS]; /* layer of the network, or PACK_NO_SOURCE */
};

/* NULL for a layer without weights. */
static const struct quant_layer *layer_weights(const struct pack *pack, int layer)
{
    const int source = pack->source[layer];
    const int index = source < 0 ? -1 : pack->quant->net->layers[source].weighted_index;
    return index < 0 ? NULL : pack->quant->layers[index];
}

/* NULL for other layers than ADD. */
static const struct quant_add *layer_add(const struct pack *pack, int layer)
{
    return pack->plan.layers[layer].op == OP_ADD ? &pack->quant->adds[pack->source[layer]] : NULL;
}

/* q: of a layer of the plan. */
static struct pack_layout layer_layout(const struct pack *pack, int layer,
                                       const struct quant_layer *q)
{
    const struct model *plan = &pack->plan;
    const struct model_layer *l = &plan->layers[layer];
    return (struct pack_layout){
        .out_count = q->out_count,
        .row_count = q->row_count,
        .bits = q->bits,
        .groups = l->op == OP_CONV2D ? l->groups : 1,
        .depthwise = model_is_depthwise(l, &plan->buffers[l->in], &plan->buffers[l->out]),
        .kernel_h = l->op == OP_CONV2D ? l->kernel_h : 1,
        .kernel_w = l->op == OP_CONV2D ? l->kernel_w : 1,
    };
}

static size_t param_bytes(const struct pack *pack, int layer)
{
    const struct quant_layer *q = layer_weights(pack, layer);
    if (layer_add(pack, layer))
        return MODEL_GROUP_BYTES;
    if (!q)
        return 0;
    const struct pack_layout layout = layer_layout(pack, layer, q);
    return pack_layout_param_bytes(&layout);
}

static size_t weight_bytes(const struct pack *pack, int layer)
{
    const struct quant_layer *q = layer_weights(pack, layer);
    if (!q)
        return 0;
    const struct pack_layout layout = layer_layout(pack, layer, q);
    return pack_layout_weight_bytes(&layout);
}

/* Gives each block its place; container_bytes in the end. */
static enum status place_blocks(struct pack *pack, struct error *err)
{
    struct model *plan = &pack->plan;
    size_t at = MODEL_HEADER_BYTES + (size_t)plan->buffer_count * MODEL_BUFFER_BYTES +
                (size_t)plan->layer_count * MODEL_LAYER_BYTES;
    for (int i = 0; i < plan->layer_count; i++) {
        const size_t size = param_bytes(pack, i);
        plan->layers[i].param_offset = size ? (uint32_t)at : 0;
        plan->layers[i].param_bytes = (uint32_t)size;
        at += size;
    }
    for (int i = 0; i < plan->layer_count; i++) {
        const size_t size = weight_bytes(pack, i);
        if (size > CONTAINER_BYTES_MAX - at)
            return error_set(err, STATUS_INPUT,
                             "model %s: weights up to layer %s make more than %d bytes",
                             pack->quant->net->name, pack->quant->net->layers[pack->source[i]].name,
                             CONTAINER_BYTES_MAX);
        plan->layers[i].weight_offset = size ? (uint32_t)at : 0;
        plan->layers[i].weight_bytes = (uint32_t)size;
        at += size;
    }
    plan->container_bytes = (uint32_t)at;
    return STATUS_OK;
}

static void put_header(const struct model *plan, uint8_t *h)
{
    put_u32(h + MH_MAGIC, MODEL_MAGIC);
    put_u16(h + MH_VERSION, MODEL_VERSION);
    put_u16(h + MH_HEADER_BYTES, MODEL_HEADER_BYTES);
    put_u32(h + MH_CONTAINER_BYTES, plan->container_bytes);
    put_u16(h + MH_ISA_VERSION, plan->isa_version);
    put_u16(h + MH_LAYER_COUNT, plan->layer_count);
    put_u16(h + MH_BUFFER_COUNT, plan->buffer_count);
    put_u16(h + MH_INPUT_BUFFER, plan->input);
    put_u16(h + MH_OUTPUT_BUFFER, plan->output);
    put_u16(h + MH_CLASS_BUFFER, plan->class_out);
    put_u32(h + MH_ARENA_BYTES, plan->arena_bytes);
    put_u32(h + MH_SCRATCH_OFFSET, plan->scratch_offset);
    put_u32(h + MH_SCRATCH_BYTES, plan->scratch_bytes);
    put_u32(h + MH_BUFFER_TABLE, MODEL_HEADER_BYTES);
    put_u32(h + MH_LAYER_TABLE,
            MODEL_HEADER_BYTES + (uint32_t)plan->buffer_count * MODEL_BUFFER_BYTES);
    memcpy(h + MH_NAME, plan->name, MODEL_NAME_BYTES);
}

static void put_buffer(const struct model_buffer *buffer, uint8_t *entry)
{
    put_u32(entry + MB_ARENA_OFFSET, buffer->arena_offset);
    put_u16(entry + MB_HEIGHT, buffer->height);
    put_u16(entry + MB_WIDTH, buffer->width);
    put_u16(entry + MB_CHANNELS, buffer->channels);
    put_u16(entry + MB_FLAGS, buffer->is_signed ? BUFFER_SIGNED : 0);
}

static void put_layer(const struct model_layer *layer, uint8_t *entry)
{
    entry[ML_OP] = layer->op;
    entry[ML_WEIGHT_BITS] = layer->weight_bits;
    entry[ML_FLAGS] = layer->relu ? LAYER_RELU : 0;
    put_u16(entry + ML_IN_BUFFER, layer->in);
    put_u16(entry + ML_IN2_BUFFER, layer->in2);
    put_u16(entry + ML_OUT_BUFFER, layer->out);
    put_u16(entry + ML_GROUPS, layer->groups);
    entry[ML_KERNEL_H] = layer->kernel_h;
    entry[ML_KERNEL_W] = layer->kernel_w;
    entry[ML_STRIDE_H] = layer->stride_h;
    entry[ML_STRIDE_W] = layer->stride_w;
    entry[ML_PAD_TOP] = layer->pad_top;
    entry[ML_PAD_LEFT] = layer->pad_left;
    entry[ML_PAD_BOTTOM] = layer->pad_bottom;
    entry[ML_PAD_RIGHT] = layer->pad_right;
    put_u32(entry + ML_WEIGHT_OFFSET, layer->weight_offset);
    put_u32(entry + ML_WEIGHT_BYTES, layer->weight_bytes);
    put_u32(entry + ML_PARAM_OFFSET, layer->param_offset);
    put_u32(entry + ML_PARAM_BYTES, layer->param_bytes);
}

/* Parameters and weights of a layer. */
static void put_blocks(const struct pack *pack, int layer, uint8_t *bytes)
{
    const struct model_layer *l = &pack->plan.layers[layer];
    const struct quant_layer *q = layer_weights(pack, layer);
    const struct quant_add *add = layer_add(pack, layer);
    if (add)
        pack_add(add, bytes + l->param_offset);
    if (!q)
        return;
    const struct pack_layout layout = layer_layout(pack, layer, q);
    pack_layout_params(&layout, q, bytes + l->param_offset);
    pack_layout_weights(&layout, q->weight, bytes + l->weight_offset);
}

/* bytes: container_bytes zeros. */
static void put_container(const struct pack *pack, uint8_t *bytes)
{
    const struct model *plan = &pack->plan;
    uint8_t *entry = bytes + MODEL_HEADER_BYTES;
    put_header(plan, bytes);
    for (int i = 0; i < plan->buffer_count; i++, entry += MODEL_BUFFER_BYTES)
        put_buffer(&plan->buffers[i], entry);
    for (int i = 0; i < plan->layer_count; i++, entry += MODEL_LAYER_BYTES) {
        const struct model_layer *layer = &plan->layers[i];
        put_layer(layer, entry);
        put_blocks(pack, i, bytes);
    }
    put_u32(bytes + MH_CHECKSUM, model_checksum(bytes, plan->container_bytes));
}

static bool add_scales(cJSON *meta, const struct quant_model *quant)
{
    cJSON *in = cJSON_AddArrayToObject(meta, "in_scale");
    cJSON *out = cJSON_AddArrayToObject(meta, "out_scale");
    cJSON *weight = cJSON_AddArrayToObject(meta, "weight_scale");
    bool good = in && out && weight;
    for (int k = 0; k < quant->net->weighted_count && good; k++) {
        const struct quant_layer *q = quant->layers[k];
        good = cJSON_AddItemToArray(in, cJSON_CreateNumber((double)q->in_scale)) &&
               cJSON_AddItemToArray(out, cJSON_CreateNumber((double)q->out_scale)) &&
               cJSON_AddItemToArray(weight, cJSON_CreateFloatArray(q->weight_scale, q->out_count));
    }
    return good;
}

static bool add_add_scales(cJSON *meta, const struct pack *pack)
{
    cJSON *list = cJSON_AddArrayToObject(meta, "add_scale");
    bool good = list;
    for (int i = 0; i < pack->plan.layer_count && good; i++) {
        const struct quant_add *add = layer_add(pack, i);
        if (!add)
            continue;
        const float scales[] = {add->a_scale, add->b_scale, add->out_scale};
        good = cJSON_AddItemToArray(list, cJSON_CreateFloatArray(scales, 3));
    }
    return good;
}

static char *make_meta(const struct pack *pack)
{
    const struct net *net = pack->quant->net;
    cJSON *meta = cJSON_CreateObject();
    cJSON *names = cJSON_AddArrayToObject(meta, "layers");
    bool good =
        names && cJSON_AddStringToObject(meta, "model_json", net->json_text ? net->json_text : "");
    for (int i = 0; i < pack->plan.layer_count && good; i++) {
        const int source = pack->source[i];
        const char *name =
            source < 0 ? container_op_name(pack->plan.layers[i].op) : net->layers[source].name;
        good = cJSON_AddItemToArray(names, cJSON_CreateString(name));
    }
    good = good && add_scales(meta, pack->quant) && add_add_scales(meta, pack);
    char *text = good ? cJSON_PrintUnformatted(meta) : NULL;
    cJSON_Delete(meta);
    return text;
}

static enum status make_container(const struct pack *pack, struct container **out,
                                  struct error *err)
{
    const char *name = pack->quant->net->name;
    struct container *container = container_create(pack->plan.container_bytes);
    struct model_fault fault;
    enum status status = STATUS_OK;
    if (!container)
        return error_set(err, STATUS_NO_MEMORY, "model %s: no memory for a container of %u bytes",
                         name, pack->plan.container_bytes);
    put_container(pack, container->bytes);
    container->meta_json = make_meta(pack);
    if (!container->meta_json)
        status = error_set(err, STATUS_NO_MEMORY, "model %s: out of memory", name);
    else if (!container_parse(container, &fault))
        status = container_refused(container, name, &fault, err);
    if (status == STATUS_OK)
        *out = container;
    else
        container_free(container);
    return status;
}

enum status pack_model(const struct quant_model *model, struct container **out, struct error *err)
{
    struct pack *pack = calloc(1, sizeof *pack);
    *out = NULL;
    if (!pack)
        return error_set(err, STATUS_NO_MEMORY, "model %s: out of memory", model->net->name);
    pack->quant = model;
    model_set_tables(&pack->plan, &pack->tables);
    enum status status = pack_layers(model, &pack->plan, pack->source, err);
    if (status == STATUS_OK) {
        pack_arena(&pack->plan);
        status = place_blocks(pack, err);
    }
    if (status == STATUS_OK)
        status = make_container(pack, out, err);
    free(pack);
    return status;
}
