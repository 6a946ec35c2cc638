// SPDX-License-Identifier: Apache-2.0
/* The layers of the integer model. Shapes and arithmetic: model_format.h; tiles: infer_path.h. */
#include "infer_layer.h"

#include <stdlib.h>
#include <string.h>
#include "pack_weights.h"

/* ---- Set-up of weighted layers ---- */

static bool has_weights(const struct infer_layer *layer)
{
    return layer->layer.op == OP_CONV2D || layer->layer.op == OP_FC;
}

/* Activations of one segment of a window. */
static int segment_length(const struct infer_layer *layer)
{
    return layer->layer.op == OP_FC ? (int)layer->in.size_bytes
                                    : layer->layer.kernel_w * layer->in.channels;
}

/* Blocks of channels differ by one channel at most. */
static int block_start(const struct infer_layer *layer, int block)
{
    return (int)((int64_t)block * layer->out.channels / layer->block_count);
}

/* Words of all weights of one channel. */
static size_t channel_words(const struct infer_layer *layer)
{
    return (size_t)layer->segment_count * (size_t)layer->step_count;
}

static void plan_windows(struct infer_layer *layer, const struct infer_path *path)
{
    const struct model_layer *l = &layer->layer;
    const bool padded = l->pad_top || l->pad_left || l->pad_bottom || l->pad_right;
    const size_t width = (size_t)layer->in.width + l->pad_left + l->pad_right;
    const size_t height = (size_t)layer->in.height + l->pad_top + l->pad_bottom;
    layer->segment_count = l->op == OP_FC ? 1 : l->kernel_h;
    layer->step_count = (segment_length(layer) + path->step_elements - 1) / path->step_elements;
    layer->block_count = (layer->out.channels + path->channels_max - 1) / path->channels_max;
    layer->plane_row = width * layer->in.channels * INFER_LANES;
    layer->plane_bytes = padded ? height * layer->plane_row : 0;
}

/* The weights of one channel that step number step of a segment meets. */
static uint32_t pack_word(const int8_t *segment, int length, int step, int step_elements)
{
    const int bits = 32 / step_elements;
    const uint32_t mask = UINT32_MAX >> (32 - bits);
    uint32_t word = 0;
    for (int j = 0; j < step_elements && step * step_elements + j < length; j++)
        word |= ((uint32_t)segment[step * step_elements + j] & mask) << (bits * j);
    return word;
}

/* weight: [out channels][segments][length]. */
static void pack_blocks(struct infer_layer *layer, const struct infer_path *path,
                        const int8_t *weight)
{
    const int length = segment_length(layer);
    uint32_t *word = layer->weights;
    for (int b = 0; b < layer->block_count; b++) {
        for (size_t i = 0; i < channel_words(layer); i++) {
            const int segment = (int)i / layer->step_count, step = (int)i % layer->step_count;
            for (int c = block_start(layer, b); c < block_start(layer, b + 1); c++) {
                const size_t row = (size_t)c * (size_t)layer->segment_count + (size_t)segment;
                *word++ =
                    pack_word(weight + row * (size_t)length, length, step, path->step_elements);
            }
        }
    }
}

static void set_channels(struct infer_layer *layer, const uint8_t *params, const int8_t *weight,
                         int row_count)
{
    for (int c = 0; c < layer->out.channels; c++, weight += row_count) {
        const struct unpacked_channel p = unpack_channel(params, c);
        int64_t sum = 0;
        for (int i = 0; i < row_count; i++)
            sum += weight[i];
        layer->channels[c] = (struct infer_channel){((uint32_t)p.bias << p.bias_shift) -
                                                        (uint32_t)(infer_zero(&layer->in) * sum),
                                                    p.multiplier, p.shift};
    }
}

enum status infer_layer_init(struct infer_layer *layer, const struct infer_path *path,
                             const struct model *model, int index, struct error *err)
{
    *layer = (struct infer_layer){.layer = model->layers[index]};
    const struct model_layer *l = &layer->layer;
    layer->in = model->buffers[l->in];
    layer->out = model->buffers[l->out];
    if (!has_weights(layer))
        return STATUS_OK;
    plan_windows(layer, path);
    const int channels = layer->out.channels, row_count = (int)model_row_elements(l, &layer->in);
    int8_t *weight = malloc((size_t)channels * (size_t)row_count);
    layer->weights = malloc((size_t)channels * channel_words(layer) * sizeof *layer->weights);
    layer->channels = malloc((size_t)channels * sizeof *layer->channels);
    if (!weight || !layer->weights || !layer->channels) {
        free(weight);
        return error_set(err, STATUS_NO_MEMORY, "integer model %s: layers[%d]: out of memory",
                         model->name, index);
    }
    unpack_weights(model->bytes + l->weight_offset, channels, row_count, l->weight_bits, weight);
    pack_blocks(layer, path, weight);
    set_channels(layer, model->bytes + l->param_offset, weight, row_count);
    free(weight);
    return STATUS_OK;
}

void infer_layer_clear(struct infer_layer *layer)
{
    free(layer->weights);
    free(layer->channels);
}

/* ---- Weighted layers ---- */

static void fill_plane(const struct infer_layer *layer, const uint8_t *in, uint8_t *plane)
{
    const size_t pixel = (size_t)layer->in.channels * INFER_LANES, row = layer->in.width * pixel;
    uint8_t *to = plane + layer->layer.pad_top * layer->plane_row + layer->layer.pad_left * pixel;
    memset(plane, infer_zero(&layer->in), layer->plane_bytes);
    for (int y = 0; y < layer->in.height; y++, in += row, to += layer->plane_row)
        memcpy(to, in, row);
}

/* One row of output pixels, block by block. row: complete but for what differs between blocks. */
static void run_blocks(const struct infer_layer *layer, const struct infer_path *path,
                       struct infer_row row, uint8_t *out)
{
    for (int b = 0; b < layer->block_count; b++) {
        const int first = block_start(layer, b);
        row.channel_count = block_start(layer, b + 1) - first;
        row.channels = layer->channels + first;
        row.weights = layer->weights + (size_t)first * channel_words(layer);
        row.out = out + first * INFER_LANES;
        path->run_row(&row);
    }
}

static void run_weighted(const struct infer_layer *layer, const struct infer_path *path,
                         const uint8_t *in, uint8_t *out, uint8_t *plane)
{
    const size_t pixel = (size_t)layer->out.channels * INFER_LANES;
    struct infer_row row = {
        .in = in,
        .pixel_count = layer->out.width,
        .segment_count = layer->segment_count,
        .step_count = layer->step_count,
        .segment_stride = layer->plane_row,
        .in_stride = (size_t)layer->layer.stride_w * layer->in.channels * INFER_LANES,
        .out_stride = pixel,
        .relu = layer->layer.relu,
    };
    if (layer->plane_bytes) {
        fill_plane(layer, in, plane);
        row.in = plane;
    }
    for (int y = 0; y < layer->out.height; y++) {
        run_blocks(layer, path, row, out);
        row.in += layer->layer.stride_h * layer->plane_row;
        out += layer->out.width * pixel;
    }
}

/* ---- Pooling ---- */

/* The part of the input that an output pixel sees. */
struct window {
    const uint8_t *in; /* first element, first channel */
    int rows, columns;
    size_t row_stride, column_stride; /* bytes */
};

/* One channel of one output pixel. */
typedef void pool_fn(const struct window *window, uint8_t *out);

static void pool_max(const struct window *window, uint8_t *out)
{
    const uint8_t *row = window->in;
    memcpy(out, row, INFER_LANES);
    for (int y = 0; y < window->rows; y++, row += window->row_stride) {
        const uint8_t *in = row;
        for (int x = 0; x < window->columns; x++, in += window->column_stride)
#pragma omp simd
            for (int lane = 0; lane < INFER_LANES; lane++)
                out[lane] = in[lane] > out[lane] ? in[lane] : out[lane];
    }
}

/* A row is 255 activations at most: its sum fits 16 bits. */
static void add_row(const struct window *window, const uint8_t *in, uint32_t sum[INFER_LANES])
{
    uint16_t row_sum[INFER_LANES] = {0};
    for (int x = 0; x < window->columns; x++, in += window->column_stride)
#pragma omp simd
        for (int lane = 0; lane < INFER_LANES; lane++)
            row_sum[lane] = (uint16_t)(row_sum[lane] + in[lane]);
#pragma omp simd
    for (int lane = 0; lane < INFER_LANES; lane++)
        sum[lane] += row_sum[lane];
}

/* The 128 in signed activations is 128 in their mean as well. */
static void pool_average(const struct window *window, uint8_t *out)
{
    const uint32_t count = (uint32_t)(window->rows * window->columns);
    const uint8_t *row = window->in;
    uint32_t sum[INFER_LANES] = {0};
    for (int y = 0; y < window->rows; y++, row += window->row_stride)
        add_row(window, row, sum);
    if (count & (count - 1)) {
        for (int lane = 0; lane < INFER_LANES; lane++)
            out[lane] = (uint8_t)((2 * sum[lane] + count) / (2 * count));
    } else {
        const int log2 = __builtin_ctz(count);
#pragma omp simd
        for (int lane = 0; lane < INFER_LANES; lane++)
            out[lane] = (uint8_t)((2 * sum[lane] + count) >> (log2 + 1));
    }
}

/* One direction of a window: where it starts and how much of it lies on the input. */
static int clip(int start, int kernel, int size, int *count)
{
    const int begin = start > 0 ? start : 0, end = start + kernel < size ? start + kernel : size;
    *count = end - begin;
    return begin;
}

static void run_pool(const struct infer_layer *layer, pool_fn *pool, const uint8_t *in,
                     uint8_t *out)
{
    const struct model_layer *l = &layer->layer;
    const size_t pixel = (size_t)layer->in.channels * INFER_LANES, row = layer->in.width * pixel;
    struct window window = {.row_stride = row, .column_stride = pixel};
    for (int i = 0; i < layer->out.height * layer->out.width; i++) {
        const int y = clip(i / layer->out.width * l->stride_h - l->pad_top, l->kernel_h,
                           layer->in.height, &window.rows);
        const int x = clip(i % layer->out.width * l->stride_w - l->pad_left, l->kernel_w,
                           layer->in.width, &window.columns);
        window.in = in + (size_t)y * row + (size_t)x * pixel;
        for (int c = 0; c < layer->in.channels; c++, window.in += INFER_LANES, out += INFER_LANES)
            pool(&window, out);
    }
}

/* ---- The others ---- */

static void run_relu(const struct infer_layer *layer, const uint8_t *in, uint8_t *out)
{
    const size_t size = (size_t)layer->in.size_bytes * INFER_LANES;
    const uint8_t in_zero = infer_zero(&layer->in), out_zero = infer_zero(&layer->out);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)((in[i] > in_zero ? in[i] : in_zero) - in_zero + out_zero);
}

static void run_argmax(const struct infer_layer *layer, const uint8_t *in, uint8_t *out)
{
    const uint8_t zero = infer_zero(&layer->out);
    for (int lane = 0; lane < INFER_LANES; lane++) {
        size_t best = 0;
        for (size_t i = 1; i < layer->in.size_bytes; i++) {
            if (in[i * INFER_LANES + (size_t)lane] > in[best * INFER_LANES + (size_t)lane])
                best = i;
        }
        out[lane] = (uint8_t)(best ^ zero);
        out[INFER_LANES + lane] = (uint8_t)(best >> 8 ^ zero);
    }
}

void infer_layer_run(const struct infer_layer *layer, const struct infer_path *path,
                     const uint8_t *in, uint8_t *out, uint8_t *plane)
{
    switch (layer->layer.op) {
    case OP_MAXPOOL:
        run_pool(layer, pool_max, in, out);
        break;
    case OP_AVGPOOL:
        run_pool(layer, pool_average, in, out);
        break;
    case OP_RELU:
        run_relu(layer, in, out);
        break;
    case OP_ARGMAX:
        run_argmax(layer, in, out);
        break;
    default:
        run_weighted(layer, path, in, out, plane);
        break;
    }
}
