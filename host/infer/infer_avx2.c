// SPDX-License-Identifier: Apache-2.0
/* The integer model's inner loops for AVX2: pairs of activations and weights widened to 16 bits,
 * multiplied and summed by vpmaddwd, which is exact. (vpmaddubsw would take bytes, but
 * saturates.) */
#include "infer/infer_path.h"

#ifdef __x86_64__
#include <immintrin.h>
#include "infer/infer_store.h"

#define TARGET __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline))

enum { CHANNELS = 6 }; /* 12 accumulators of the 16 registers */

struct sums {
    __m256i low, high; /* lanes 0..7, 8..15 */
};

/* Two activations of each lane and their weights for count channels. */
INLINE TARGET void step(struct sums *acc, const uint32_t *weights, const uint8_t *in0,
                        const uint8_t *in1, int count)
{
    const __m128i a = _mm_loadu_si128((const __m128i *)in0);
    const __m128i b = _mm_loadu_si128((const __m128i *)in1);
    const __m256i low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
    const __m256i high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
#pragma GCC unroll 6
    for (int c = 0; c < count; c++) {
        const __m256i w = _mm256_set1_epi32((int)weights[c]);
        acc[c].low = _mm256_add_epi32(acc[c].low, _mm256_madd_epi16(low, w));
        acc[c].high = _mm256_add_epi32(acc[c].high, _mm256_madd_epi16(high, w));
    }
}

INLINE TARGET void add_window(const struct infer_row *row, const uint8_t *window, struct sums *acc,
                              int count)
{
    const uint32_t *weights = row->weights;
    for (int s = 0; s < row->segment_count; s++, window += row->segment_stride) {
        const uint8_t *in = window;
        for (int i = 0; i < row->step_count; i++, in += 2 * INFER_LANES, weights += count)
            step(acc, weights, in, in + INFER_LANES, count);
    }
}

INLINE TARGET void add_gathered(const struct infer_row *row, const uint8_t *window,
                                struct sums *acc, int count)
{
    const uint32_t *weights = row->weights, *offset = row->offsets;
    for (int i = 0; i < row->step_count; i++, offset += 2, weights += count)
        step(acc, weights, window + offset[0], window + offset[1], count);
}

INLINE TARGET void run_pixel(const struct infer_row *row, const uint8_t *window, uint8_t *out,
                             int count, bool gathered)
{
    struct sums acc[CHANNELS];
#pragma GCC unroll 6
    for (int c = 0; c < count; c++)
        acc[c].low = acc[c].high = _mm256_set1_epi32((int)row->channels[c].start);
    if (gathered)
        add_gathered(row, window, acc, count);
    else
        add_window(row, window, acc, count);
#pragma GCC unroll 6
    for (int c = 0; c < count; c++) {
        int32_t values[INFER_LANES];
        _mm256_storeu_si256((__m256i *)values, acc[c].low);
        _mm256_storeu_si256((__m256i *)(values + 8), acc[c].high);
        infer_store(values, &row->channels[c], row->relu, out + c * INFER_LANES);
    }
}

/* count and gathered are constants: accumulators stay in registers. */
INLINE TARGET void run_pixels(const struct infer_row *row, int count, bool gathered)
{
    const uint8_t *window = row->in;
    uint8_t *out = row->out;
    for (int x = 0; x < row->pixel_count; x++, window += row->in_stride, out += row->out_stride)
        run_pixel(row, window, out, count, gathered);
}

INLINE TARGET void run_channels(const struct infer_row *row, bool gathered)
{
    switch (row->channel_count) {
    case 1:
        run_pixels(row, 1, gathered);
        break;
    case 2:
        run_pixels(row, 2, gathered);
        break;
    case 3:
        run_pixels(row, 3, gathered);
        break;
    case 4:
        run_pixels(row, 4, gathered);
        break;
    case 5:
        run_pixels(row, 5, gathered);
        break;
    default:
        run_pixels(row, CHANNELS, gathered);
        break;
    }
}

static TARGET void run_row(const struct infer_row *row)
{
    run_channels(row, false);
}

static TARGET void run_gathered(const struct infer_row *row)
{
    run_channels(row, true);
}

static bool is_supported(void)
{
    return __builtin_cpu_supports("avx2");
}

const struct infer_path infer_path_avx2 = {"avx2",       2,       CHANNELS,
                                           is_supported, run_row, run_gathered};
#endif
