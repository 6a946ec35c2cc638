// SPDX-License-Identifier: Apache-2.0
/* Reads a container and checks everything that a kernel relies on: sizes, places, shapes, operands.
 * Sums and products of fields are made in 64 bits. No globals; writes *out and *fault only. */
#include <string.h>
#include "bytes.h"
#include "conv2d_plan.h"
#include "model.h"

enum { CLASS_BYTES = 2, CLASS_COUNT_MAX = 0xffff };
/* Bits of the parameter words that are neither shift nor mode nor relu. */
enum {
    SHIFT_BITS = (int)0xf9f3e7c0,
    BIAS_WORD_BITS = SHIFT_BITS | 7,
    RESULT_WORD_BITS = SHIFT_BITS | 1,
    FACTOR_SIGNS = (int)0x80808080, /* factors of ADD are 0..127 */
};

static bool has_weights(const struct model_layer *layer)
{
    return layer->op == OP_CONV2D || layer->op == OP_FC;
}

static bool has_window(const struct model_layer *layer)
{
    return layer->op == OP_CONV2D || layer->op == OP_MAXPOOL || layer->op == OP_AVGPOOL;
}

static bool all_zero(const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

static bool ranges_overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
    return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

/* A block of size bytes that is 4-byte aligned, behind the header and inside the container. */
static bool block_fits(const struct model *model, uint32_t offset, uint64_t size)
{
    return offset % 4 == 0 && offset >= MODEL_HEADER_BYTES &&
           offset + size <= model->container_bytes;
}

static enum model_fault_code check_identity(const uint8_t *bytes, uint32_t size)
{
    uint32_t container_bytes;

    if (size < MODEL_HEADER_BYTES)
        return MODEL_TRUNCATED;
    if (get_u32(bytes + MH_MAGIC) != MODEL_MAGIC)
        return MODEL_BAD_MAGIC;
    if (get_u16(bytes + MH_VERSION) != MODEL_VERSION)
        return MODEL_BAD_VERSION;
    container_bytes = get_u32(bytes + MH_CONTAINER_BYTES);
    if (get_u16(bytes + MH_HEADER_BYTES) != MODEL_HEADER_BYTES ||
        container_bytes < MODEL_HEADER_BYTES || container_bytes % 4)
        return MODEL_BAD_HEADER;
    if (container_bytes > size)
        return MODEL_TRUNCATED;
    if (model_checksum(bytes, container_bytes) != get_u32(bytes + MH_CHECKSUM))
        return MODEL_BAD_CHECKSUM;
    return MODEL_OK;
}

static enum model_fault_code read_header(struct model *out, uint32_t area_bytes)
{
    const uint8_t *h = out->bytes;

    out->container_bytes = get_u32(h + MH_CONTAINER_BYTES);
    out->isa_version = get_u16(h + MH_ISA_VERSION);
    out->layer_count = get_u16(h + MH_LAYER_COUNT);
    out->buffer_count = get_u16(h + MH_BUFFER_COUNT);
    out->input = get_u16(h + MH_INPUT_BUFFER);
    out->output = get_u16(h + MH_OUTPUT_BUFFER);
    out->class_out = get_u16(h + MH_CLASS_BUFFER);
    out->arena_bytes = get_u32(h + MH_ARENA_BYTES);
    out->scratch_offset = get_u32(h + MH_SCRATCH_OFFSET);
    out->scratch_bytes = get_u32(h + MH_SCRATCH_BYTES);
    memcpy(out->name, h + MH_NAME, MODEL_NAME_BYTES);
    out->name[MODEL_NAME_BYTES] = 0;
    if (!out->layer_count || out->layer_count > MODEL_MAX_LAYERS || !out->buffer_count ||
        out->buffer_count > MODEL_MAX_BUFFERS)
        return MODEL_BAD_HEADER;
    if ((uint64_t)out->container_bytes + MODEL_ALIGN - 1 + out->arena_bytes > area_bytes)
        return MODEL_TOO_LARGE;
    out->arena_start = (out->container_bytes + MODEL_ALIGN - 1) / MODEL_ALIGN * MODEL_ALIGN;
    if (!block_fits(out, get_u32(h + MH_BUFFER_TABLE),
                    (uint64_t)out->buffer_count * MODEL_BUFFER_BYTES) ||
        !block_fits(out, get_u32(h + MH_LAYER_TABLE),
                    (uint64_t)out->layer_count * MODEL_LAYER_BYTES))
        return MODEL_BAD_TABLE;
    if (out->scratch_offset % MODEL_ALIGN ||
        (uint64_t)out->scratch_offset + out->scratch_bytes > out->arena_bytes)
        return MODEL_BAD_SCRATCH;
    if (out->input >= out->buffer_count || out->output >= out->buffer_count)
        return MODEL_BAD_INDEX;
    return MODEL_OK;
}

static enum model_fault_code read_buffer(const struct model *model, const uint8_t *entry,
                                         struct model_buffer *out)
{
    const uint16_t flags = get_u16(entry + MB_FLAGS);
    uint64_t size;

    out->arena_offset = get_u32(entry + MB_ARENA_OFFSET);
    out->height = get_u16(entry + MB_HEIGHT);
    out->width = get_u16(entry + MB_WIDTH);
    out->channels = get_u16(entry + MB_CHANNELS);
    out->is_signed = flags & BUFFER_SIGNED;
    if ((flags & ~BUFFER_SIGNED) ||
        !all_zero(entry + MB_RESERVED, MODEL_BUFFER_BYTES - MB_RESERVED))
        return MODEL_BAD_RESERVED;
    size = (uint64_t)out->height * out->width * out->channels;
    if (!size || out->height > MODEL_MAX_DIM || out->width > MODEL_MAX_DIM ||
        out->channels > MODEL_MAX_DIM || out->arena_offset % MODEL_ALIGN ||
        out->arena_offset + size + MODEL_SLACK > model->arena_bytes)
        return MODEL_BAD_BUFFER;
    out->size_bytes = (uint32_t)size;
    return MODEL_OK;
}

static enum model_fault_code read_layer(const struct model *model, const uint8_t *entry,
                                        struct model_layer *out)
{
    const uint8_t flags = entry[ML_FLAGS];

    out->op = entry[ML_OP];
    out->weight_bits = entry[ML_WEIGHT_BITS];
    out->relu = flags & LAYER_RELU;
    out->in = get_u16(entry + ML_IN_BUFFER);
    out->in2 = get_u16(entry + ML_IN2_BUFFER);
    out->out = get_u16(entry + ML_OUT_BUFFER);
    out->groups = get_u16(entry + ML_GROUPS);
    out->kernel_h = entry[ML_KERNEL_H];
    out->kernel_w = entry[ML_KERNEL_W];
    out->stride_h = entry[ML_STRIDE_H];
    out->stride_w = entry[ML_STRIDE_W];
    out->pad_top = entry[ML_PAD_TOP];
    out->pad_left = entry[ML_PAD_LEFT];
    out->pad_bottom = entry[ML_PAD_BOTTOM];
    out->pad_right = entry[ML_PAD_RIGHT];
    out->weight_offset = get_u32(entry + ML_WEIGHT_OFFSET);
    out->weight_bytes = get_u32(entry + ML_WEIGHT_BYTES);
    out->param_offset = get_u32(entry + ML_PARAM_OFFSET);
    out->param_bytes = get_u32(entry + ML_PARAM_BYTES);
    if (out->op < OP_CONV2D || out->op > OP_ADD)
        return MODEL_BAD_OP;
    if ((flags & ~LAYER_RELU) || entry[ML_RESERVED_A] ||
        !all_zero(entry + ML_RESERVED_B, MODEL_LAYER_BYTES - ML_RESERVED_B))
        return MODEL_BAD_RESERVED;
    if (out->in >= model->buffer_count || out->out >= model->buffer_count ||
        (out->op == OP_ADD ? out->in2 >= model->buffer_count : out->in2 != MODEL_NONE))
        return MODEL_BAD_INDEX;
    return MODEL_OK;
}

static enum model_fault_code check_window(const struct model_layer *layer,
                                          const struct model_buffer *in)
{
    const bool any_pad = model_is_padded(layer);

    if (!has_window(layer))
        return layer->kernel_h || layer->kernel_w || layer->stride_h || layer->stride_w || any_pad
                   ? MODEL_BAD_WINDOW
                   : MODEL_OK;
    if (!layer->kernel_h || !layer->kernel_w || !layer->stride_h || !layer->stride_w ||
        layer->pad_top >= layer->kernel_h || layer->pad_bottom >= layer->kernel_h ||
        layer->pad_left >= layer->kernel_w || layer->pad_right >= layer->kernel_w)
        return MODEL_BAD_WINDOW;
    if (layer->kernel_h > in->height + layer->pad_top + layer->pad_bottom ||
        layer->kernel_w > in->width + layer->pad_left + layer->pad_right)
        return MODEL_BAD_WINDOW;
    if (layer->op == OP_AVGPOOL && any_pad)
        return MODEL_BAD_WINDOW;
    return MODEL_OK;
}

/* Output size of a window operation, checked by check_window(). */
static bool window_shape_fits(const struct model_layer *layer, const struct model_buffer *in,
                              const struct model_buffer *out)
{
    const int height = in->height + layer->pad_top + layer->pad_bottom - layer->kernel_h;
    const int width = in->width + layer->pad_left + layer->pad_right - layer->kernel_w;

    return out->height == height / layer->stride_h + 1 && out->width == width / layer->stride_w + 1;
}

/* Only convolutions have groups. */
static bool groups_fit(const struct model_layer *layer, const struct model_buffer *in,
                       const struct model_buffer *out)
{
    if (layer->op != OP_CONV2D)
        return layer->groups == 0;
    return layer->groups && in->channels % layer->groups == 0 && out->channels % layer->groups == 0;
}

static bool same_shape(const struct model_buffer *a, const struct model_buffer *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels;
}

static enum model_fault_code check_shape(const struct model *model, const struct model_layer *layer,
                                         const struct model_buffer *in,
                                         const struct model_buffer *out)
{
    bool fits = false;

    if (!groups_fit(layer, in, out))
        return MODEL_BAD_SHAPE;
    switch (layer->op) {
    case OP_CONV2D: /* relu leaves 0..255, else the result is signed */
        fits = window_shape_fits(layer, in, out) && out->is_signed == !layer->relu;
        break;
    case OP_ADD:
        fits = same_shape(in, out) && same_shape(&model->buffers[layer->in2], out) &&
               out->is_signed == !layer->relu;
        break;
    case OP_FC:
        fits = out->height == 1 && out->width == 1 && out->is_signed == !layer->relu;
        break;
    case OP_MAXPOOL:
    case OP_AVGPOOL:
        fits = window_shape_fits(layer, in, out) && out->channels == in->channels &&
               out->is_signed == in->is_signed;
        break;
    case OP_RELU:
        fits = same_shape(in, out) && (in->is_signed || !out->is_signed);
        break;
    case OP_FLATTEN:
        fits = out->size_bytes == in->size_bytes && out->is_signed == in->is_signed;
        break;
    case OP_ARGMAX:
        fits = out->height == 1 && out->width == 1 && out->channels == CLASS_BYTES &&
               in->size_bytes <= CLASS_COUNT_MAX;
        break;
    default:
        break;
    }
    return fits ? MODEL_OK : MODEL_BAD_SHAPE;
}

/* The mode field of neur_init. */
static uint32_t layer_mode(const struct model_layer *layer, const struct model_buffer *in,
                           bool is_depthwise)
{
    const uint32_t width = layer->weight_bits == 8 ? 0 : layer->weight_bits == 4 ? 2 : 3;

    return (is_depthwise ? 1 : width) | (in->is_signed ? 4 : 0);
}

static enum model_fault_code check_params(const struct model *model,
                                          const struct model_layer *layer, uint32_t mode,
                                          uint32_t groups)
{
    const uint8_t *p;

    if (layer->param_bytes != groups * MODEL_GROUP_BYTES ||
        !block_fits(model, layer->param_offset, layer->param_bytes))
        return MODEL_BAD_PARAMS;
    p = model->bytes + layer->param_offset;
    for (uint32_t g = 0; g < groups; g++, p += MODEL_GROUP_BYTES) {
        const uint32_t bias_word = get_u32(p + 4), result_word = get_u32(p + 12);

        if ((bias_word & ~(uint32_t)BIAS_WORD_BITS) || (bias_word & 7) != mode ||
            (result_word & ~(uint32_t)RESULT_WORD_BITS) || (result_word & 1) != layer->relu)
            return MODEL_BAD_OPERAND;
    }
    return MODEL_OK;
}

/* The bits of the weight words of a row's last activation word that belong to elements behind the
 * row: whatever an activation holds there, it must count nothing. elements: 1..3 that belong to the
 * row. */
static bool row_tail_zero(const uint8_t *words, unsigned weight_bits, unsigned elements)
{
    static const uint32_t masks_w2[] = {0, 0xffffff00, 0xffff0000, 0xff000000};

    if (weight_bits == 2) /* element j stands in byte j */
        return !(get_u32(words) & masks_w2[elements]);
    if (weight_bits == 4) /* words: elements (3, 2), (1, 0), the larger one in the upper half */
        return !(get_u32(words) & (elements == 3 ? 0xffff0000 : 0xffffffff)) &&
               !(get_u32(words + 4) & (elements == 1 ? 0xffff0000 : 0));
    return all_zero(words, 4 * (4 - elements)); /* words: elements 3, 2, 1, 0 */
}

/* All four bytes of a word are alike. */
static bool is_uniform(uint32_t word)
{
    return word == (word & 0xff) * 0x01010101u;
}

static enum model_fault_code check_add(const struct model *model, const struct model_layer *layer)
{
    const uint8_t *p = model->bytes + layer->param_offset;
    uint32_t ma, mb, result_word, shift;

    if (layer->param_bytes != MODEL_GROUP_BYTES ||
        !block_fits(model, layer->param_offset, layer->param_bytes))
        return MODEL_BAD_PARAMS;
    ma = get_u32(p);
    mb = get_u32(p + 4);
    result_word = get_u32(p + 12);
    shift = result_word >> 6 & 31;
    if (!is_uniform(ma) || !is_uniform(mb) || !is_uniform(get_u32(p + 8)) ||
        ((ma | mb) & (uint32_t)FACTOR_SIGNS))
        return MODEL_BAD_OPERAND;
    if (result_word != (shift << 27 | shift << 20 | shift << 13 | shift << 6 | layer->relu))
        return MODEL_BAD_OPERAND;
    return MODEL_OK;
}

/* Depthwise: words of 8 / bits taps; those behind the last tap are zero. */
static enum model_fault_code check_depthwise(const struct model *model,
                                             const struct model_layer *layer, uint32_t groups)
{
    const uint32_t taps = (uint32_t)layer->kernel_h * layer->kernel_w;
    const uint32_t taps_bytes = taps * layer->weight_bits / 2; /* four channels */
    const uint32_t group_bytes = (taps_bytes + 3) & ~3u;
    const uint8_t *p;

    if (layer->weight_bytes != groups * (uint64_t)group_bytes ||
        !block_fits(model, layer->weight_offset, layer->weight_bytes))
        return MODEL_BAD_WEIGHTS;
    p = model->bytes + layer->weight_offset + taps_bytes;
    for (uint32_t g = 0; g < groups; g++, p += group_bytes) {
        if (!all_zero(p, group_bytes - taps_bytes))
            return MODEL_BAD_WEIGHTS;
    }
    return MODEL_OK;
}

/* What a row of weights is made of: count pieces of so many elements in so many words. */
struct weight_pieces {
    uint32_t count, elements, words;
};

static struct weight_pieces weight_pieces(const struct model_layer *layer,
                                          const struct model_buffer *in)
{
    if (layer->op == OP_CONV2D) {
        const uint32_t channels = (uint32_t)in->channels / layer->groups;
        const uint32_t dense = layer->kernel_h * channels;
        const uint32_t column = model_column_elements(layer->kernel_h, channels);

        if (column != dense)
            return (struct weight_pieces){layer->kernel_w, dense, column / 4};
    }
    return (struct weight_pieces){1, model_row_elements(layer, in), model_row_words(layer, in)};
}

static enum model_fault_code check_weights(const struct model *model,
                                           const struct model_layer *layer,
                                           const struct model_buffer *in, uint32_t groups)
{
    const uint32_t word_bytes = layer->weight_bits == 8 ? 16 : layer->weight_bits * 2u;
    const uint64_t group_bytes = (uint64_t)model_row_words(layer, in) * word_bytes;
    struct weight_pieces pieces = weight_pieces(layer, in);
    const uint8_t *end;

    if (layer->weight_bytes != groups * group_bytes ||
        !block_fits(model, layer->weight_offset, layer->weight_bytes))
        return MODEL_BAD_WEIGHTS;
    end = model->bytes + layer->weight_offset;
    for (uint32_t i = 0; pieces.elements % 4 && i < groups * pieces.count; i++) {
        end += pieces.words * word_bytes;
        if (!row_tail_zero(end - word_bytes, layer->weight_bits, pieces.elements % 4))
            return MODEL_BAD_WEIGHTS;
    }
    return MODEL_OK;
}

static enum model_fault_code check_operands(const struct model *model,
                                            const struct model_layer *layer)
{
    const struct model_buffer *in = &model->buffers[layer->in], *out = &model->buffers[layer->out];
    const bool is_depthwise = model_is_depthwise(layer, in, out);
    const uint32_t groups = model_channel_groups(layer, in, out);
    enum model_fault_code code;

    if (!has_weights(layer)) {
        if (layer->weight_bits)
            return MODEL_BAD_BITS;
        if (layer->weight_offset || layer->weight_bytes)
            return MODEL_BAD_WEIGHTS;
        if (layer->op == OP_ADD)
            return check_add(model, layer);
        if (layer->param_offset || layer->param_bytes)
            return MODEL_BAD_PARAMS;
        return layer->relu ? MODEL_BAD_OPERAND : MODEL_OK;
    }
    if (layer->weight_bits != 8 && layer->weight_bits != 4 && layer->weight_bits != 2)
        return MODEL_BAD_BITS;
    code = is_depthwise ? check_depthwise(model, layer, groups)
                        : check_weights(model, layer, in, groups);
    return code ? code : check_params(model, layer, layer_mode(layer, in, is_depthwise), groups);
}

uint32_t model_scratch_bytes(const struct model_layer *layer, const struct model_buffer *in,
                             const struct model_buffer *out)
{
    uint64_t size;

    if (layer->op != OP_CONV2D)
        return 0;
    if (model_is_depthwise(layer, in, out)) {
        const struct depthwise_plan plan = depthwise_plan_make(layer, in);

        size = (uint64_t)plan.weight_size + plan.band_size;
    } else {
        const struct conv2d_plan plan = conv2d_plan_make(layer, in);
        const struct conv2d_plane_plan plane = conv2d_plane_plan_make(layer, in, out);
        const uint32_t plane_size = plane.weight_size + plane.band_size + CONV2D_SLACK;
        const struct conv2d_rows_plan rows = conv2d_rows_plan_make(layer, in, out);

        size = plane.fits && plane_size > plan.size ? plane_size : plan.size;
        size = rows.fits && rows.band_size > size ? rows.band_size : size;
    }
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* Some operations may write their result where an operand lies; other overlaps are faults. */
static bool may_share(const struct model_layer *layer, const struct model_buffer *in,
                      const struct model_buffer *out)
{
    const bool in_place =
        (layer->op == OP_RELU || layer->op == OP_FLATTEN || layer->op == OP_ADD) &&
        in->arena_offset == out->arena_offset;

    return in_place ||
           !ranges_overlap(in->arena_offset, in->size_bytes, out->arena_offset, out->size_bytes);
}

static enum model_fault_code check_memory(const struct model *model,
                                          const struct model_layer *layer)
{
    const struct model_buffer *in = &model->buffers[layer->in], *out = &model->buffers[layer->out];
    const uint32_t need = model_scratch_bytes(layer, in, out);

    if (!may_share(layer, in, out))
        return MODEL_OVERLAP;
    if (layer->op == OP_ADD && !may_share(layer, &model->buffers[layer->in2], out))
        return MODEL_OVERLAP;
    if (need > model->scratch_bytes)
        return MODEL_BAD_SCRATCH;
    if (need && (ranges_overlap(in->arena_offset, in->size_bytes, model->scratch_offset, need) ||
                 ranges_overlap(out->arena_offset, out->size_bytes, model->scratch_offset, need)))
        return MODEL_OVERLAP;
    return MODEL_OK;
}

static enum model_fault_code check_layer(const struct model *model, const struct model_layer *layer)
{
    const struct model_buffer *in = &model->buffers[layer->in], *out = &model->buffers[layer->out];
    enum model_fault_code code = check_window(layer, in);

    if (!code)
        code = check_shape(model, layer, in, out);
    if (!code)
        code = check_operands(model, layer);
    if (!code)
        code = check_memory(model, layer);
    return code;
}

static enum model_fault_code read_buffers(struct model *out, struct model_fault *fault)
{
    const uint8_t *entry = out->bytes + get_u32(out->bytes + MH_BUFFER_TABLE);
    enum model_fault_code code;

    for (uint16_t i = 0; i < out->buffer_count; i++, entry += MODEL_BUFFER_BYTES) {
        code = read_buffer(out, entry, &out->buffers[i]);
        if (code) {
            fault->buffer = (int16_t)i;
            return code;
        }
    }
    return MODEL_OK;
}

static enum model_fault_code read_layers(struct model *out, struct model_fault *fault)
{
    const uint8_t *entry = out->bytes + get_u32(out->bytes + MH_LAYER_TABLE);
    enum model_fault_code code;

    for (uint16_t i = 0; i < out->layer_count; i++, entry += MODEL_LAYER_BYTES) {
        code = read_layer(out, entry, &out->layers[i]);
        if (!code)
            code = check_layer(out, &out->layers[i]);
        if (code) {
            fault->layer = (int16_t)i;
            return code;
        }
    }
    return MODEL_OK;
}

/* The class buffer, if there is one, is what an ARGMAX writes. */
static enum model_fault_code check_class(const struct model *model)
{
    if (model->class_out == MODEL_NONE)
        return MODEL_OK;
    for (uint16_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].op == OP_ARGMAX && model->layers[i].out == model->class_out)
            return MODEL_OK;
    }
    return MODEL_BAD_INDEX;
}

enum model_fault_code model_parse(const uint8_t *bytes, uint32_t size, uint32_t area_bytes,
                                  struct model *out, struct model_fault *fault)
{
    enum model_fault_code code = check_identity(bytes, size);

    fault->layer = fault->buffer = -1;
    out->bytes = bytes;
    if (!code)
        code = read_header(out, area_bytes);
    if (!code)
        code = read_buffers(out, fault);
    if (!code)
        code = read_layers(out, fault);
    if (!code)
        code = check_class(out);
    fault->code = code;
    return code;
}
