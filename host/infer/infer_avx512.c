// SPDX-License-Identifier: Apache-2.0
/* The integer model's inner loops for AVX-512 with VNNI: vpdpbusd multiplies four unsigned
 * activations by four signed weights and adds all to a 32-bit lane, which wraps. */
#include "infer/infer_path.h"

#ifdef __x86_64__
#include <immintrin.h>
#include "infer/infer_store.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline))

enum { CHANNELS = 8 };

/* Four activations [4][lane] to [lane][4]: first 4 x 4 dwords across the register, then 4 x 4 bytes in each quarter. */
INLINE TARGET __m512i transpose(__m512i in)
{
    const __m512i dwords = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(dwords, in), bytes);
}

INLINE TARGET __m512i gather(const uint8_t *window, const uint32_t *offset)
{
    __m512i in = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(window + offset[0])));
    in = _mm512_inserti32x4(in, _mm_loadu_si128((const __m128i *)(window + offset[1])), 1);
    in = _mm512_inserti32x4(in, _mm_loadu_si128((const __m128i *)(window + offset[2])), 2);
    return _mm512_inserti32x4(in, _mm_loadu_si128((const __m128i *)(window + offset[3])), 3);
}

INLINE TARGET void step(__m512i *acc, const uint32_t *weights, __m512i in, int count)
{
    const __m512i quads = transpose(in);
#pragma GCC unroll 8
    for (int c = 0; c < count; c++)
        acc[c] = _mm512_dpbusd_epi32(acc[c], quads, _mm512_set1_epi32((int)weights[c]));
}

INLINE TARGET void add_window(const struct infer_row *row, const uint8_t *window, __m512i *acc,
                              int count)
{
    const uint32_t *weights = row->weights;
    for (int s = 0; s < row->segment_count; s++, window += row->segment_stride) {
        const uint8_t *in = window;
        for (int i = 0; i < row->step_count; i++, in += 4 * INFER_LANES, weights += count)
            step(acc, weights, _mm512_loadu_si512(in), count);
    }
}

INLINE TARGET void add_gathered(const struct infer_row *row, const uint8_t *window, __m512i *acc,
                                int count)
{
    const uint32_t *weights = row->weights, *offset = row->offsets;
    for (int i = 0; i < row->step_count; i++, offset += 4, weights += count)
        step(acc, weights, gather(window, offset), count);
}

INLINE TARGET void run_pixel(const struct infer_row *row, const uint8_t *window, uint8_t *out,
                             int count, bool gathered)
{
    __m512i acc[CHANNELS];
#pragma GCC unroll 8
    for (int c = 0; c < count; c++)
        acc[c] = _mm512_set1_epi32((int)row->channels[c].start);
    if (gathered)
        add_gathered(row, window, acc, count);
    else
        add_window(row, window, acc, count);
#pragma GCC unroll 8
    for (int c = 0; c < count; c++) {
        int32_t values[INFER_LANES];
        _mm512_storeu_si512(values, acc[c]);
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
    case 6:
        run_pixels(row, 6, gathered);
        break;
    case 7:
        run_pixels(row, 7, gathered);
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
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

const struct infer_path infer_path_avx512 = {
    .name = "avx512",
    .step_elements = 4,
    .channels_max = CHANNELS,
    .is_supported = is_supported,
    .run_row = run_row,
    .run_gathered = run_gathered,
};
#endif
