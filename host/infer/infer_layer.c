// SPDX-License-Identifier: Apache-2.0
/* The layers of the integer model. Shapes and arithmetic: model_format.h; tiles: infer_path.h. */
#include "infer/infer_layer.h"

#include <stdlib.h>
#include <string.h>
#include "base/vector.h"
#include "infer/infer_store.h"
#include "pack/pack_weights.h"

/* ---- Set-up of weighted layers ---- */

static bool has_weights(const struct infer_layer *layer)
{
    return layer->layer.op == OP_CONV2D || layer->layer.op == OP_FC;
}

/* Convolutions that stand side by side. */
static int group_count(const struct infer_layer *layer)
{
    return layer->layer.op == OP_CONV2D ? layer->layer.groups : 1;
}

/* Activations of one segment of a window. */
static int segment_length(const struct infer_layer *layer)
{
    return (int)model_row_elements(&layer->layer, &layer->in) / layer->segment_count;
}

/* First channel of a block, blocks counted through all groups. */
static int block_start(const struct infer_layer *layer, int block)
{
    const int channels = layer->out.channels / group_count(layer);
    return block / layer->block_count * channels +
           infer_block_start(channels, layer->block_count, block % layer->block_count);
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
    const int groups = group_count(layer);
    layer->segment_count = l->op == OP_FC || groups > 1 || path->takes_all_blocks ? 1 : l->kernel_h;
    layer->step_count = (segment_length(layer) + path->step_elements - 1) / path->step_elements;
    layer->block_count =
        (layer->out.channels / groups + path->channels_max - 1) / path->channels_max;
    layer->window_bytes = (size_t)layer->step_count * path->window_step_bytes;
    layer->plane_row = width * layer->in.channels * INFER_LANES;
    layer->plane_bytes = padded ? height * layer->plane_row : 0;
}

/* offsets: zeros. A fully connected layer's window is all its input, one row. */
static void fill_offsets(struct infer_layer *layer)
{
    const struct model_layer *l = &layer->layer;
    const size_t pixel = (size_t)layer->in.channels * INFER_LANES;
    const int kernel_h = l->op == OP_FC ? 1 : l->kernel_h;
    const int row = segment_length(layer) / kernel_h, /* activations of a row of the window */
        channels = l->op == OP_FC ? row : layer->in.channels / l->groups;
    uint32_t *offset = layer->offsets;
    for (int y = 0; y < kernel_h; y++)
        for (int i = 0; i < row; i++)
            *offset++ = (uint32_t)((size_t)y * layer->plane_row + (size_t)(i / channels) * pixel +
                                   (size_t)(i % channels) * INFER_LANES);
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
    for (int b = 0; b < group_count(layer) * layer->block_count; b++) {
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

static struct pack_layout layout_of(const struct infer_layer *layer)
{
    return (struct pack_layout){
        .out_count = layer->out.channels,
        .row_count = (int)model_row_elements(&layer->layer, &layer->in),
        .bits = layer->layer.weight_bits,
        .groups = group_count(layer),
        .depthwise = model_is_depthwise(&layer->layer, &layer->in, &layer->out),
        .kernel_h = layer->layer.op == OP_CONV2D ? layer->layer.kernel_h : 1,
        .kernel_w = layer->layer.op == OP_CONV2D ? layer->layer.kernel_w : 1,
    };
}

static void set_channels(struct infer_layer *layer, const struct pack_layout *layout,
                         const uint8_t *params, const int8_t *weight)
{
    for (int c = 0; c < layer->out.channels; c++, weight += layout->row_count) {
        const struct unpacked_channel p = unpack_layout_channel(layout, params, c);
        int64_t sum = 0;
        for (int i = 0; i < layout->row_count; i++)
            sum += weight[i];
        const uint32_t zeros = (uint32_t)(infer_zero(&layer->in) * sum);
        layer->channels[c] =
            infer_channel(((uint32_t)p.bias << p.bias_shift) - zeros, p.multiplier, p.shift);
    }
}

static bool has_offsets(const struct infer_layer *layer, const struct infer_path *path)
{
    return group_count(layer) > 1 || path->takes_all_blocks;
}

static bool allocate(struct infer_layer *layer, const struct infer_path *path)
{
    const size_t channels = layer->out.channels;
    const size_t elements = (size_t)layer->step_count * (size_t)path->step_elements;
    layer->weights = malloc(channels * channel_words(layer) * sizeof *layer->weights);
    layer->channels = malloc(channels * sizeof *layer->channels);
    if (!has_offsets(layer, path))
        return layer->weights && layer->channels;
    layer->offsets = calloc(elements, sizeof *layer->offsets);
    return layer->weights && layer->channels && layer->offsets;
}

static bool init_weighted(struct infer_layer *layer, const struct infer_path *path,
                          const struct model *model)
{
    plan_windows(layer, path);
    const struct pack_layout layout = layout_of(layer);
    int8_t *weight = malloc((size_t)layout.out_count * (size_t)layout.row_count);
    if (!weight || !allocate(layer, path)) {
        free(weight);
        return false;
    }
    unpack_layout_weights(&layout, model->bytes + layer->layer.weight_offset, weight);
    pack_blocks(layer, path, weight);
    set_channels(layer, &layout, model->bytes + layer->layer.param_offset, weight);
    if (layer->offsets)
        fill_offsets(layer);
    free(weight);
    return true;
}

enum status infer_layer_init(struct infer_layer *layer, const struct infer_path *path,
                             const struct model *model, int index, struct error *err)
{
    *layer = (struct infer_layer){.layer = model->layers[index]};
    const struct model_layer *l = &layer->layer;
    layer->in = model->buffers[l->in];
    layer->out = model->buffers[l->out];
    if (l->op == OP_ADD) {
        layer->in2 = model->buffers[l->in2];
        layer->add = unpack_add(model->bytes + l->param_offset);
    }
    if (!has_weights(layer) || init_weighted(layer, path, model))
        return STATUS_OK;
    return error_set(err, STATUS_NO_MEMORY, "integer model %s: layers[%d]: out of memory",
                     model->name, index);
}

void infer_layer_clear(struct infer_layer *layer)
{
    free(layer->weights);
    free(layer->channels);
    free(layer->offsets);
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

/* One row of output pixels, group by group. row: complete for the first group. */
static void run_groups(const struct infer_layer *layer, const struct infer_path *path,
                       struct infer_row row)
{
    const int groups = group_count(layer), group_in = layer->in.channels / groups;
    void (*const run)(const struct infer_row *) =
        layer->offsets ? path->run_gathered : path->run_row;
    for (int g = 0; g < groups; g++) {
        for (int b = 0; !path->takes_all_blocks && b < row.block_count; b++) {
            const struct infer_row block = infer_block(&row, b);
            run(&block);
        }
        if (path->takes_all_blocks)
            run(&row);
        row.in += group_in * INFER_LANES;
        row.out += row.channel_count * INFER_LANES;
        row.channels += row.channel_count;
        row.weights += (size_t)row.channel_count * channel_words(layer);
    }
}

static void run_weighted(const struct infer_layer *layer, const struct infer_path *path,
                         const struct infer_tiles *tiles)
{
    const size_t pixel = (size_t)layer->out.channels * INFER_LANES;
    struct infer_row row = {
        .in = tiles->in,
        .out = tiles->out,
        .weights = layer->weights,
        .channels = layer->channels,
        .window = tiles->window,
        .channel_count = layer->out.channels / group_count(layer),
        .block_count = layer->block_count,
        .offsets = layer->offsets,
        .pixel_count = layer->out.width,
        .segment_count = layer->segment_count,
        .step_count = layer->step_count,
        .segment_stride = layer->plane_row,
        .in_stride = (size_t)layer->layer.stride_w * layer->in.channels * INFER_LANES,
        .out_stride = pixel,
        .relu = layer->layer.relu,
    };
    if (layer->plane_bytes) {
        fill_plane(layer, tiles->in, tiles->plane);
        row.in = tiles->plane;
    }
    for (int y = 0; y < layer->out.height; y++) {
        run_groups(layer, path, row);
        row.in += layer->layer.stride_h * layer->plane_row;
        row.out += layer->out.width * pixel;
    }
}

/* ---- Pooling ---- */

/* The part of the input that an output pixel sees. */
struct window {
    const uint8_t *in; /* first element, first channel */
    int rows, columns;
    size_t row_stride, column_stride; /* bytes */
};

/* The window of one output pixel, channel by channel. */
typedef void pool_fn(const struct window *window, size_t channels, uint8_t *out);

VECTOR_CLONES
static void pool_max(const struct window *window, size_t channels, uint8_t *out)
{
    const size_t size = channels * INFER_LANES;
    const uint8_t *row = window->in;
    memcpy(out, row, size);
    for (int y = 0; y < window->rows; y++, row += window->row_stride) {
        const uint8_t *in = row;
        for (int x = 0; x < window->columns; x++, in += window->column_stride)
#pragma omp simd
            for (size_t i = 0; i < size; i++)
                out[i] = in[i] > out[i] ? in[i] : out[i];
    }
}

/* Rounded half up. The 128 in signed activations is 128 in their mean as well. */
static uint8_t average(uint32_t sum, uint32_t count)
{
    return (uint8_t)((2 * sum + count) / (2 * count));
}

/* A window of any size. A row is 255 activations at most: its sum fits 16 bits. */
static void average_large(const struct window *window, const uint8_t *in, uint8_t *out)
{
    uint32_t sum[INFER_LANES] = {0};
    for (int y = 0; y < window->rows; y++, in += window->row_stride) {
        uint16_t row_sum[INFER_LANES] = {0};
        for (int x = 0; x < window->columns; x++)
#pragma omp simd
            for (int lane = 0; lane < INFER_LANES; lane++)
                row_sum[lane] = (uint16_t)(row_sum[lane] +
                                           in[(size_t)x * window->column_stride + (size_t)lane]);
#pragma omp simd
        for (int lane = 0; lane < INFER_LANES; lane++)
            sum[lane] += row_sum[lane];
    }
    for (int lane = 0; lane < INFER_LANES; lane++)
        out[lane] = average(sum[lane], (uint32_t)(window->rows * window->columns));
}

typedef uint16_t word_lanes __attribute__((vector_size(2 * INFER_LANES)));

/* A window of rows * columns <= 256 activations: sums and what rounding adds fit 16 bits. */
static inline __attribute__((always_inline)) void
average_small(const struct window *window, const uint8_t *in, int rows, int columns, uint8_t *out)
{
    const uint32_t count = (uint32_t)(rows * columns);
    word_lanes sum = {0};
    for (int y = 0; y < rows; y++, in += window->row_stride)
        for (int x = 0; x < columns; x++) {
            byte_lanes bytes;
            memcpy(&bytes, in + (size_t)x * window->column_stride, sizeof bytes);
            sum += __builtin_convertvector(bytes, word_lanes);
        }
    if (count & (count - 1)) {
        for (int lane = 0; lane < INFER_LANES; lane++)
            out[lane] = average(sum[lane], count);
    } else {
        sum = (sum + (uint16_t)(count / 2)) >> (uint16_t)__builtin_ctz(count);
        const byte_lanes bytes = __builtin_convertvector(sum, byte_lanes);
        memcpy(out, &bytes, sizeof bytes);
    }
}

VECTOR_CLONES
static void pool_average(const struct window *window, size_t channels, uint8_t *out)
{
    const uint8_t *in = window->in;
    const int rows = window->rows, columns = window->columns;
    for (size_t c = 0; c < channels; c++, in += INFER_LANES, out += INFER_LANES) {
        if (rows == 2 && columns == 2)
            average_small(window, in, 2, 2, out);
        else if (rows * columns <= 256)
            average_small(window, in, rows, columns, out);
        else
            average_large(window, in, out);
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
        pool(&window, layer->in.channels, out);
        out += layer->in.channels * INFER_LANES;
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

static void run_add(const struct infer_layer *layer, const uint8_t *a, const uint8_t *b,
                    uint8_t *out)
{
    const size_t size = (size_t)layer->in.size_bytes * INFER_LANES;
    const int32_t ma = layer->add.ma, mb = layer->add.mb;
    const int32_t start = -ma * infer_zero(&layer->in) - mb * infer_zero(&layer->in2);
    const struct infer_channel channel =
        infer_channel((uint32_t)start, layer->add.multiplier, layer->add.shift);
    for (size_t i = 0; i < size; i += INFER_LANES) {
        int32_t acc[INFER_LANES];
#pragma omp simd
        for (size_t lane = 0; lane < INFER_LANES; lane++)
            acc[lane] = start + ma * a[i + lane] + mb * b[i + lane];
        infer_store(acc, &channel, layer->layer.relu, out + i);
    }
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
                     const struct infer_tiles *tiles)
{
    switch (layer->layer.op) {
    case OP_MAXPOOL:
        run_pool(layer, pool_max, tiles->in, tiles->out);
        break;
    case OP_AVGPOOL:
        run_pool(layer, pool_average, tiles->in, tiles->out);
        break;
    case OP_RELU:
        run_relu(layer, tiles->in, tiles->out);
        break;
    case OP_ARGMAX:
        run_argmax(layer, tiles->in, tiles->out);
        break;
    case OP_ADD:
        run_add(layer, tiles->in, tiles->in2, tiles->out);
        break;
    default:
        run_weighted(layer, path, tiles);
        break;
    }
}
