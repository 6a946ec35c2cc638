// SPDX-License-Identifier: Apache-2.0
/* The integer model's inner loops in plain C. The product of an 8-bit weight and an 8-bit
 * activation fits 16 bits, so that a compiler's 16-bit vector multiplication will do. */
#include "infer_store.h"

/* One channel of one pixel: few enough accumulators for a compiler to keep them in registers. */
static void add_window(const struct infer_row *row, const uint8_t *window,
                       uint32_t acc[INFER_LANES])
{
    const uint32_t *weights = row->weights;
    for (int s = 0; s < row->segment_count; s++, window += row->segment_stride) {
        const uint8_t *in = window;
        for (int i = 0; i < row->step_count; i++, in += 2 * INFER_LANES) {
            const uint32_t word = *weights++;
            const int16_t w0 = (int16_t)word, w1 = (int16_t)(word >> 16);
#pragma omp simd
            for (int lane = 0; lane < INFER_LANES; lane++) {
                const int16_t a = (int16_t)(w0 * in[lane]);
                const int16_t b = (int16_t)(w1 * in[INFER_LANES + lane]);
                acc[lane] += (uint32_t)(a + b);
            }
        }
    }
}

static void run_row(const struct infer_row *row)
{
    const uint8_t *window = row->in;
    uint8_t *out = row->out;
    for (int x = 0; x < row->pixel_count; x++, window += row->in_stride, out += row->out_stride) {
        uint32_t acc[INFER_LANES];
        for (int lane = 0; lane < INFER_LANES; lane++)
            acc[lane] = row->channels->start;
        add_window(row, window, acc);
        infer_store((const int32_t *)acc, row->channels, row->relu, out);
    }
}

static bool is_supported(void)
{
    return true;
}

const struct infer_path infer_path_portable = {"portable", 2, 1, is_supported, run_row};
