// SPDX-License-Identifier: Apache-2.0
/* Offline placement, the largest first, each at the lowest place that is free throughout its life
 * (Pisarchyk and Lee 2020, "greedy by size"). */
#include "pack_arena.h"

#include <stdlib.h>
#include <string.h>

enum { SCRATCH = MODEL_MAX_BUFFERS, ITEMS_MAX = MODEL_MAX_BUFFERS + 1 };

/* A stretch of arena: the buffers that share it in place, or the scratch. */
struct item {
    int number;      /* first buffer, or SCRATCH */
    int first, last; /* layers that need it */
    uint32_t size;   /* multiple of MODEL_ALIGN */
    uint32_t offset; /* once it is placed */
};

struct planner {
    const struct model *model;
    int item_count;
    struct item items[ITEMS_MAX];            /* placed ones first */
    int item_of[MODEL_MAX_BUFFERS];          /* number of the item that holds a buffer */
    uint32_t scratch_need[MODEL_MAX_LAYERS]; /* bytes */
};

static uint32_t align(uint32_t size)
{
    return (size + MODEL_ALIGN - 1) / MODEL_ALIGN * MODEL_ALIGN;
}

/* FLATTEN writes nothing; RELU does, but not over what has to stay. */
static bool in_place(const struct planner *planner, const struct model_layer *layer)
{
    const int item = planner->item_of[layer->in];
    return layer->op == OP_FLATTEN ||
           (layer->op == OP_RELU && item != planner->item_of[planner->model->input] &&
            item != planner->item_of[planner->model->output]);
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
    for (int b = 0; b < model->buffer_count; b++) {
        planner->item_of[b] = b;
        for (int i = 0; i < model->layer_count; i++)
            if (model->layers[i].out == b && in_place(planner, &model->layers[i]))
                planner->item_of[b] = planner->item_of[model->layers[i].in];
        if (planner->item_of[b] == b)
            planner->items[planner->item_count++] = (struct item){.number = b, .first = end};
    }
    for (int i = 0; i <= end; i++) {
        need_buffer(planner, model->layers[i].in, i, i);
        need_buffer(planner, model->layers[i].out, i, i);
    }
    need_buffer(planner, model->input, 0, end);
    need_buffer(planner, model->output, end, end);
    if (model->class_out != MODEL_NONE)
        need_buffer(planner, model->class_out, end, end);
}

static void collect_scratch(struct planner *planner)
{
    const struct model *model = planner->model;
    struct item item = {.number = SCRATCH, .first = model->layer_count, .last = -1};
    for (int i = 0; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        const uint32_t need =
            model_scratch_bytes(layer, &model->buffers[layer->in], &model->buffers[layer->out]);
        planner->scratch_need[i] = need;
        if (need && item.last < 0)
            item.first = i;
        if (need)
            item.last = i;
        item.size = align(need) > item.size ? align(need) : item.size;
    }
    if (item.size)
        planner->items[planner->item_count++] = item;
}

/* Scratch keeps nothing from one layer to the next: it is in the way only in layers that use it. */
static bool meets_scratch(const struct planner *planner, const struct item *item)
{
    for (int i = item->first; i <= item->last; i++)
        if (planner->scratch_need[i])
            return true;
    return false;
}

static bool live_together(const struct planner *planner, const struct item *a, const struct item *b)
{
    if (a->number == SCRATCH)
        return meets_scratch(planner, b);
    if (b->number == SCRATCH)
        return meets_scratch(planner, a);
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
    item->offset = 0;
    while (moved) {
        moved = false;
        for (int i = 0; i < index; i++) {
            const struct item *other = &planner->items[i];
            if (live_together(planner, item, other) && item->offset < other->offset + other->size &&
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
    uint32_t end = 0;
    collect_buffers(&planner);
    collect_scratch(&planner);
    qsort(planner.items, (size_t)planner.item_count, sizeof *planner.items, compare_size);
    for (int i = 0; i < planner.item_count; i++)
        place(&planner, i);
    plan->scratch_offset = plan->scratch_bytes = 0;
    for (int i = 0; i < planner.item_count; i++) {
        const struct item *item = &planner.items[i];
        const uint32_t slack = item->number == SCRATCH ? 0 : MODEL_SLACK;
        if (item->number == SCRATCH) {
            plan->scratch_offset = item->offset;
            plan->scratch_bytes = item->size;
        }
        if (item->offset + item->size + slack > end)
            end = item->offset + item->size + slack;
    }
    for (int b = 0; b < plan->buffer_count; b++)
        plan->buffers[b].arena_offset = find_item(&planner, planner.item_of[b])->offset;
    plan->arena_bytes = align(end);
}
