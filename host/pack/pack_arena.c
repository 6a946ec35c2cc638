// SPDX-License-Identifier: Apache-2.0
/* Offline placement, the largest first, each at the lowest place that is free throughout its life
 * (Pisarchyk and Lee 2020, "greedy by size"). Scratch lies at the start: a layer takes what it needs
 * from there on, and its buffers lie behind that. */
#include "pack/pack_arena.h"

#include <stdlib.h>
#include <string.h>

/* A stretch of arena: the buffers that share it in place. */
struct item {
    int number;      /* first buffer */
    int first, last; /* layers that need it */
    uint32_t size;   /* multiple of MODEL_ALIGN */
    uint32_t offset; /* once it is placed */
};

struct planner {
    const struct model *model;
    int item_count;
    struct item items[MODEL_MAX_BUFFERS];    /* placed ones first */
    int item_of[MODEL_MAX_BUFFERS];          /* number of the item that holds a buffer */
    uint32_t scratch_need[MODEL_MAX_LAYERS]; /* bytes, a multiple of MODEL_ALIGN */
};

static uint32_t align(uint32_t size)
{
    return (size + MODEL_ALIGN - 1) / MODEL_ALIGN * MODEL_ALIGN;
}

/* Whether a layer from number `first` on reads what the item of buffer b holds. */
static bool is_read_from(const struct planner *planner, int first, uint16_t b)
{
    const struct model *model = planner->model;
    const int item = planner->item_of[b];
    for (int i = first; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        if (planner->item_of[layer->in] == item ||
            (layer->in2 != MODEL_NONE && planner->item_of[layer->in2] == item))
            return true;
    }
    return false;
}

/* Whether layer number index may write over what it reads from buffer b. */
static bool may_overwrite(const struct planner *planner, int index, uint16_t b)
{
    const int item = planner->item_of[b];
    return item != planner->item_of[planner->model->input] &&
           item != planner->item_of[planner->model->output] && !is_read_from(planner, index + 1, b);
}

/* The item in whose place layer number index leaves its result, -1 if it has a place of its own.
 * FLATTEN writes nothing; RELU and ADD do, but not over what is needed later. */
static int in_place(const struct planner *planner, int index)
{
    const struct model_layer *layer = &planner->model->layers[index];
    if (layer->op == OP_FLATTEN)
        return planner->item_of[layer->in];
    if ((layer->op == OP_RELU || layer->op == OP_ADD) && may_overwrite(planner, index, layer->in))
        return planner->item_of[layer->in];
    if (layer->op == OP_ADD && may_overwrite(planner, index, layer->in2))
        return planner->item_of[layer->in2];
    return -1;
}

static struct item *find_item(struct planner *planner, int number)
{
    int i = 0;
    while (planner->items[i].number != number)
        i++;
    return &planner->items[i];
}

/* Buffer b is needed from layer first to layer last. */
static void need_buffer(struct planner *planner, uint16_t b, int first, int last)
{
    struct item *item = find_item(planner, planner->item_of[b]);
    const uint32_t size = align(planner->model->buffers[b].size_bytes);
    item->first = first < item->first ? first : item->first;
    item->last = last > item->last ? last : item->last;
    item->size = size > item->size ? size : item->size;
}

static void collect_buffers(struct planner *planner)
{
    const struct model *model = planner->model;
    const int end = model->layer_count - 1;
    for (int b = 0; b < model->buffer_count; b++)
        planner->item_of[b] = b;
    for (int i = 0; i <= end; i++) {
        const int item = in_place(planner, i);
        if (item >= 0)
            planner->item_of[model->layers[i].out] = item;
    }
    for (int b = 0; b < model->buffer_count; b++)
        if (planner->item_of[b] == b)
            planner->items[planner->item_count++] = (struct item){.number = b, .first = end};
    for (int i = 0; i <= end; i++) {
        need_buffer(planner, model->layers[i].in, i, i);
        if (model->layers[i].in2 != MODEL_NONE)
            need_buffer(planner, model->layers[i].in2, i, i);
        need_buffer(planner, model->layers[i].out, i, i);
    }
    need_buffer(planner, model->input, 0, 0); /* from before the run */
    need_buffer(planner, model->output, end, end);
    if (model->class_out != MODEL_NONE)
        need_buffer(planner, model->class_out, end, end);
}

/* Returns the largest need. */
static uint32_t collect_scratch(struct planner *planner)
{
    const struct model *model = planner->model;
    uint32_t largest = 0;
    for (int i = 0; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        const uint32_t need = align(
            model_scratch_bytes(layer, &model->buffers[layer->in], &model->buffers[layer->out]));
        planner->scratch_need[i] = need;
        largest = need > largest ? need : largest;
    }
    return largest;
}

/* End of the scratch that is in use at any time in an item's life. */
static uint32_t scratch_end(const struct planner *planner, const struct item *item)
{
    uint32_t end = 0;
    for (int i = item->first; i <= item->last; i++)
        end = planner->scratch_need[i] > end ? planner->scratch_need[i] : end;
    return end;
}

static bool live_together(const struct item *a, const struct item *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static int compare_size(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Moves item number `index` up until none of the items before it is in its way. Only places at
 * another item's end are tried: the lowest free one is among them. */
static void place(struct planner *planner, int index)
{
    struct item *item = &planner->items[index];
    bool moved = true;
    item->offset = scratch_end(planner, item);
    while (moved) {
        moved = false;
        for (int i = 0; i < index; i++) {
            const struct item *other = &planner->items[i];
            if (live_together(item, other) && item->offset < other->offset + other->size &&
                other->offset < item->offset + item->size) {
                item->offset = other->offset + other->size;
                moved = true;
            }
        }
    }
}

void pack_arena(struct model *plan)
{
    struct planner planner = {.model = plan};
    collect_buffers(&planner);
    plan->scratch_offset = 0;
    plan->scratch_bytes = collect_scratch(&planner);
    uint32_t end = plan->scratch_bytes;
    qsort(planner.items, (size_t)planner.item_count, sizeof *planner.items, compare_size);
    for (int i = 0; i < planner.item_count; i++) {
        const struct item *item = &planner.items[i];
        place(&planner, i);
        if (item->offset + item->size + MODEL_SLACK > end)
            end = item->offset + item->size + MODEL_SLACK;
    }
    for (int b = 0; b < plan->buffer_count; b++)
        plan->buffers[b].arena_offset = find_item(&planner, planner.item_of[b])->offset;
    plan->arena_bytes = align(end);
}
