// SPDX-License-Identifier: Apache-2.0
/* The integer model's inner loops in plain C. The product of an 8-bit weight and an 8-bit
 * activation fits 16 bits, so that a compiler's 16-bit vector multiplication will do. */
#include "infer/infer_store.h"

/* Two activations of each lane and their weights. */
static inline void step(uint32_t word, const uint8_t *in0, const uint8_t *in1,
                        uint32_t acc[INFER_LANES])
{
    const int16_t w0 = (int16_t)word, w1 = (int16_t)(word >> 16);
#pragma omp simd
    for (int lane = 0; lane < INFER_LANES; lane++) {
        const int16_t a = (int16_t)(w0 * in0[lane]);
        const int16_t b = (int16_t)(w1 * in1[lane]);
        acc[lane] += (uint32_t)(a + b);
    }
}

/* One channel of one pixel. The accumulators stay in registers if the loop over lanes is unrolled. */
static void add_window(const struct infer_row *row, const uint8_t *window,
                       uint32_t acc[INFER_LANES])
{
    const uint32_t *weights = row->weights;
    for (int s = 0; s < row->segment_count; s++, window += row->segment_stride) {
        const uint8_t *in = window;
        for (int i = 0; i < row->step_count; i++, in += 2 * INFER_LANES)
            step(*weights++, in, in + INFER_LANES, acc);
    }
}

static void add_gathered(const struct infer_row *row, const uint8_t *window,
                         uint32_t acc[INFER_LANES])
{
    const uint32_t *offset = row->offsets;
    for (int i = 0; i < row->step_count; i++, offset += 2)
        step(row->weights[i], window + offset[0], window + offset[1], acc);
}

/* Of one channel. gathered is a constant. */
static inline void run_pixels(const struct infer_row *row, bool gathered)
{
    const uint8_t *window = row->in;
    uint8_t *out = row->out;
    for (int x = 0; x < row->pixel_count; x++, window += row->in_stride, out += row->out_stride) {
        uint32_t acc[INFER_LANES];
        for (int lane = 0; lane < INFER_LANES; lane++)
            acc[lane] = row->channels->start;
        if (gathered)
            add_gathered(row, window, acc);
        else
            add_window(row, window, acc);
        infer_store((const int32_t *)acc, row->channels, row->relu, out);
    }
}

static void run_row(const struct infer_row *row)
{
    run_pixels(row, false);
}

static void run_gathered(const struct infer_row *row)
{
    run_pixels(row, true);
}

static bool is_supported(void)
{
    return true;
}

const struct infer_path infer_path_portable = {
    .name = "portable",
    .step_elements = 2,
    .channels_max = 1,
    .is_supported = is_supported,
    .run_row = run_row,
    .run_gathered = run_gathered,
};
