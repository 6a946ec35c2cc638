// SPDX-License-Identifier: Apache-2.0
/* Dot products in plain C, a function for each weight width and sign of the activations. */
#include "dot_rv32.h"

static void w8_unsigned(const uint8_t *weights, const uint8_t *row, uint32_t words, uint32_t acc[4])
{
    dot_rv32_add_row(8, false, weights, row, words, acc);
}

static void w8_signed(const uint8_t *weights, const uint8_t *row, uint32_t words, uint32_t acc[4])
{
    dot_rv32_add_row(8, true, weights, row, words, acc);
}

static void w4_unsigned(const uint8_t *weights, const uint8_t *row, uint32_t words, uint32_t acc[4])
{
    dot_rv32_add_row(4, false, weights, row, words, acc);
}

static void w4_signed(const uint8_t *weights, const uint8_t *row, uint32_t words, uint32_t acc[4])
{
    dot_rv32_add_row(4, true, weights, row, words, acc);
}

static void w2_unsigned(const uint8_t *weights, const uint8_t *row, uint32_t words, uint32_t acc[4])
{
    dot_rv32_add_row(2, false, weights, row, words, acc);
}

static void w2_signed(const uint8_t *weights, const uint8_t *row, uint32_t words, uint32_t acc[4])
{
    dot_rv32_add_row(2, true, weights, row, words, acc);
}

dot_rv32_fn *dot_rv32_select(unsigned width, bool is_signed)
{
    if (width == 8)
        return is_signed ? w8_signed : w8_unsigned;
    if (width == 4)
        return is_signed ? w4_signed : w4_unsigned;
    return is_signed ? w2_signed : w2_unsigned;
}
