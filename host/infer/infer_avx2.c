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

/* Two activations of each lane, widened to 16 bits. */
struct pair {
    __m256i low, high; /* lanes 0..7, 8..15 */
};

INLINE TARGET struct pair load_pair(const uint8_t *in0, const uint8_t *in1)
{
    const __m128i a = _mm_loadu_si128((const __m128i *)in0);
    const __m128i b = _mm_loadu_si128((const __m128i *)in1);
    return (struct pair){_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)),
                         _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b))};
}

/* Adds a pair times its weights for count channels. */
INLINE TARGET void step(struct sums *acc, const uint32_t *weights, struct pair in, int count)
{
#pragma GCC unroll 6
    for (int c = 0; c < count; c++) {
        const __m256i w = _mm256_set1_epi32((int)weights[c]);
        acc[c].low = _mm256_add_epi32(acc[c].low, _mm256_madd_epi16(in.low, w));
        acc[c].high = _mm256_add_epi32(acc[c].high, _mm256_madd_epi16(in.high, w));
    }
}

INLINE TARGET void add_gathered(const struct infer_row *row, const uint8_t *window,
                                struct sums *acc, int count)
{
    const uint32_t *weights = row->weights, *offset = row->offsets;
    for (int i = 0; i < row->step_count; i++, offset += 2, weights += count)
        step(acc, weights, load_pair(window + offset[0], window + offset[1]), count);
}

INLINE TARGET void add_widened(const struct infer_row *row, struct sums *acc, int count)
{
    const uint32_t *weights = row->weights;
    const __m256i *in = (const __m256i *)row->window;
    for (int i = 0; i < row->step_count; i++, in += 2, weights += count)
        step(acc, weights, (struct pair){_mm256_loadu_si256(in), _mm256_loadu_si256(in + 1)},
             count);
}

/* A window to the work space, for all blocks. */
INLINE TARGET void widen(const struct infer_row *row, const uint8_t *window)
{
    const uint32_t *offset = row->offsets;
    __m256i *out = (__m256i *)row->window;
    for (int i = 0; i < row->step_count; i++, offset += 2, out += 2) {
        const struct pair in = load_pair(window + offset[0], window + offset[1]);
        _mm256_storeu_si256(out, in.low);
        _mm256_storeu_si256(out + 1, in.high);
    }
}

/* Requantization and store of one channel. */
INLINE TARGET void store(const struct sums *acc, const struct infer_channel *channel, bool relu,
                         uint8_t *out)
{
    if (channel->shift < INFER_EASY_SHIFT) {
        int32_t values[INFER_LANES];
        _mm256_storeu_si256((__m256i *)values, acc->low);
        _mm256_storeu_si256((__m256i *)(values + 8), acc->high);
        infer_store(values, channel, relu, out);
        return;
    }
    const __m256i multiplier = _mm256_set1_epi32((int32_t)channel->multiplier);
    const __m256i half = _mm256_set1_epi32((int32_t)channel->half);
    const __m128i shift = _mm_loadl_epi64((const __m128i *)&channel->shift);
    const __m256i low_sum = _mm256_add_epi32(_mm256_mullo_epi32(acc->low, multiplier), half);
    const __m256i high_sum = _mm256_add_epi32(_mm256_mullo_epi32(acc->high, multiplier), half);
    const __m256i low = _mm256_sra_epi32(low_sum, shift), high = _mm256_sra_epi32(high_sum, shift);
    /* Packing clamps; it works in halves of a register, which leaves lanes 0..3, 8..11, 4..7, 12..15. */
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    const __m128i first = _mm256_castsi256_si128(words), last = _mm256_extracti128_si256(words, 1);
    const __m128i bytes = relu ? _mm_packus_epi16(first, last)
                               : _mm_xor_si128(_mm_packs_epi16(first, last), _mm_set1_epi8(-128));
    _mm_storeu_si128((__m128i *)out, bytes);
}

/* One block; window NULL: it lies widened in the work space. */
INLINE TARGET void run_block(const struct infer_row *row, const uint8_t *window, uint8_t *out,
                             int count)
{
    struct sums acc[CHANNELS];
#pragma GCC unroll 6
    for (int c = 0; c < count; c++)
        acc[c].low = acc[c].high = _mm256_set1_epi32((int)row->channels[c].start);
    if (window)
        add_gathered(row, window, acc, count);
    else
        add_widened(row, acc, count);
#pragma GCC unroll 6
    for (int c = 0; c < count; c++)
        store(&acc[c], &row->channels[c], row->relu, out + c * INFER_LANES);
}

/* All pixels, one block; count is a constant: accumulators stay in registers. */
INLINE TARGET void run_pixels(const struct infer_row *row, bool widened, int count)
{
    const uint8_t *window = row->in;
    uint8_t *out = row->out;
    for (int x = 0; x < row->pixel_count; x++, window += row->in_stride, out += row->out_stride)
        run_block(row, widened ? NULL : window, out, count);
}

INLINE TARGET void run_channels(const struct infer_row *row, bool widened)
{
    switch (row->channel_count) {
    case 1:
        run_pixels(row, widened, 1);
        break;
    case 2:
        run_pixels(row, widened, 2);
        break;
    case 3:
        run_pixels(row, widened, 3);
        break;
    case 4:
        run_pixels(row, widened, 4);
        break;
    case 5:
        run_pixels(row, widened, 5);
        break;
    default:
        run_pixels(row, widened, CHANNELS);
        break;
    }
}

/* Several blocks share what it takes to widen a window. */
static TARGET void run_gathered(const struct infer_row *row)
{
    if (row->block_count == 1) {
        run_channels(row, false);
        return;
    }
    struct infer_row pixel = *row;
    pixel.pixel_count = 1;
    for (int x = 0; x < row->pixel_count; x++) {
        widen(&pixel, pixel.in);
        for (int b = 0; b < row->block_count; b++) {
            const struct infer_row block = infer_block(&pixel, b);
            run_channels(&block, true);
        }
        pixel.in += row->in_stride;
        pixel.out += row->out_stride;
    }
}

static bool is_supported(void)
{
    return __builtin_cpu_supports("avx2");
}

const struct infer_path infer_path_avx2 = {
    .name = "avx2",
    .step_elements = 2,
    .channels_max = CHANNELS,
    .takes_all_blocks = true,
    .window_step_bytes = sizeof(struct pair),
    .is_supported = is_supported,
    .run_gathered = run_gathered,
};
#endif
