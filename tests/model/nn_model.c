// SPDX-License-Identifier: Apache-2.0
/* Oracle of the neural instructions: slow and literal. Bit fields are cut out by their numbers in
 * the description; wrap-around is done in 64 bits and reduced. */
#include "nn_model.h"

/* Bits high..low of word, unsigned. */
static uint32_t bits(uint32_t word, int high, int low)
{
    uint32_t value = 0;
    for (int bit = high; bit >= low; bit--)
        value = value * 2 + (word >> bit) % 2;
    return value;
}

/* Bits high..low of word as a two's complement number. */
static int64_t signed_bits(uint32_t word, int high, int low)
{
    int64_t value = bits(word, high, low);
    if (bits(word, high, high) == 1)
        value -= (int64_t)1 << (high - low + 1);
    return value;
}

static uint32_t wrap(int64_t value)
{
    int64_t rest = value % 4294967296;
    return (uint32_t)(rest < 0 ? rest + 4294967296 : rest);
}

static int lane_shift(uint32_t rs2, int lane)
{
    switch (lane) {
    case 0:
        return (int)bits(rs2, 31, 27);
    case 1:
        return (int)bits(rs2, 24, 20);
    case 2:
        return (int)bits(rs2, 17, 13);
    default:
        return (int)bits(rs2, 10, 6);
    }
}

void nn_model_init(struct nn_model *nn, uint32_t rs1, uint32_t rs2)
{
    for (int k = 0; k < 4; k++) {
        int64_t bias = signed_bits(rs1, 31 - 8 * k, 24 - 8 * k);
        int64_t power = (int64_t)1 << lane_shift(rs2, k);
        nn->acc[k] = wrap(bias * power);
    }
    nn->mode = (uint8_t)bits(rs2, 2, 0);
    nn->it = 0;
}

static int64_t activation(const struct nn_model *nn, uint32_t rs2, int lane)
{
    int high = 31 - 8 * lane;
    return nn->mode >= 4 ? signed_bits(rs2, high, high - 7) : (int64_t)bits(rs2, high, high - 7);
}

static int64_t weight8(uint32_t rs1, int k)
{
    return signed_bits(rs1, 31 - 8 * k, 24 - 8 * k);
}

static int64_t dot(const struct nn_model *nn, uint32_t rs1, uint32_t rs2, int k)
{
    int first;
    int64_t sum = 0;
    switch (nn->mode % 4) {
    case 0:
        return weight8(rs1, k) * activation(nn, rs2, nn->it);
    case 1:
        return weight8(rs1, k) * activation(nn, rs2, k);
    case 2:
        first = nn->it % 2 == 0 ? 0 : 2;
        return signed_bits(rs1, 31 - 4 * k, 28 - 4 * k) * activation(nn, rs2, first) +
               signed_bits(rs1, 15 - 4 * k, 12 - 4 * k) * activation(nn, rs2, first + 1);
    default:
        for (int j = 0; j < 4; j++)
            sum +=
                signed_bits(rs1, 31 - 8 * j - 2 * k, 30 - 8 * j - 2 * k) * activation(nn, rs2, j);
        return sum;
    }
}

void nn_model_mac(struct nn_model *nn, uint32_t rs1, uint32_t rs2)
{
    uint32_t next[4];
    for (int k = 0; k < 4; k++)
        next[k] = wrap((int64_t)nn->acc[k] + dot(nn, rs1, rs2, k));
    for (int k = 0; k < 4; k++)
        nn->acc[k] = next[k];
    nn->it = (uint8_t)((nn->it + 1) % 4);
}

static uint32_t requantize(uint32_t acc, uint32_t multiplier, int shift, int relu)
{
    int64_t value = signed_bits(acc, 31, 0);
    uint32_t magnitude = wrap(value < 0 ? -value : value);
    uint32_t product = wrap((int64_t)magnitude * (int64_t)multiplier);
    uint32_t rounding = shift == 0 ? 0 : (uint32_t)1 << (shift - 1);
    uint32_t sum = value >= 0 ? product + rounding : ~product + (rounding | 1);
    int64_t divisor = (int64_t)1 << shift;
    int64_t number = signed_bits(sum, 31, 0);
    int64_t quotient = number / divisor;
    if (number % divisor < 0)
        quotient--;
    int64_t low = relu ? 0 : -128, high = relu ? 255 : 127;
    if (quotient < low)
        quotient = low;
    if (quotient > high)
        quotient = high;
    return bits(wrap(quotient), 7, 0);
}

uint32_t nn_model_res(const struct nn_model *nn, uint32_t rs1, uint32_t rs2)
{
    uint32_t result = 0;
    for (int k = 0; k < 4; k++) {
        uint32_t multiplier = bits(rs1, 31 - 8 * k, 24 - 8 * k);
        uint32_t lane =
            requantize(nn->acc[k], multiplier, lane_shift(rs2, k), (int)bits(rs2, 0, 0));
        result = result * 256 + lane;
    }
    return result;
}
