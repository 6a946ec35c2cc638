// SPDX-License-Identifier: Apache-2.0
/* The neural instructions in C, for hosts that lack them. State is per thread. Lanes count from the
 * most significant byte. Host only; equal to the core instruction by instruction. */
#include "nn_insn.h"
#include "nn_state.h"
#include "requantize.h"

enum { MODE_W8 = 0, MODE_DEPTHWISE = 1, MODE_W4 = 2, MODE_W2 = 3, MODE_SIGNED = 4 };

static _Thread_local struct {
    uint32_t acc[4];
    uint32_t mode, it;
} unit;

static int32_t activation(uint32_t word, unsigned lane)
{
    const uint8_t byte = (uint8_t)(word >> (24 - 8 * lane));

    return unit.mode & MODE_SIGNED ? (int8_t)byte : byte;
}

/* Signed field of width bits that ends at bit low. */
static int32_t weight(uint32_t word, unsigned low, unsigned width)
{
    return (int32_t)(word << (32 - low - width)) >> (32 - width);
}

static unsigned lane_shift(uint32_t word, unsigned lane)
{
    return requantize_shift(word, 3 - lane);
}

void nn_emulate_neur_init(uint32_t rs1, uint32_t rs2)
{
    for (unsigned k = 0; k < 4; k++)
        unit.acc[k] = (uint32_t)weight(rs1, 24 - 8 * k, 8) << lane_shift(rs2, k);
    unit.mode = rs2 & 7;
    unit.it = 0;
}

static int32_t dot(uint32_t w, uint32_t a, unsigned k)
{
    const unsigned b = 2 * (unit.it & 1);
    int32_t sum = 0;

    switch (unit.mode & 3) {
    case MODE_W8:
        return weight(w, 24 - 8 * k, 8) * activation(a, unit.it);
    case MODE_DEPTHWISE:
        return weight(w, 24 - 8 * k, 8) * activation(a, k);
    case MODE_W4:
        return weight(w, 28 - 4 * k, 4) * activation(a, b) +
               weight(w, 12 - 4 * k, 4) * activation(a, b + 1);
    default:
        for (unsigned j = 0; j < 4; j++)
            sum += weight(w, 30 - 8 * j - 2 * k, 2) * activation(a, j);
        return sum;
    }
}

static void mac(uint32_t w, uint32_t a)
{
    for (unsigned k = 0; k < 4; k++)
        unit.acc[k] += (uint32_t)dot(w, a, k);
    unit.it = (unit.it + 1) & 3;
}

/* The mode picks the width, not the instruction. */
void nn_emulate_nn_mac_8b(uint32_t rs1, uint32_t rs2)
{
    mac(rs1, rs2);
}

void nn_emulate_nn_mac_4b(uint32_t rs1, uint32_t rs2)
{
    mac(rs1, rs2);
}

void nn_emulate_nn_mac_2b(uint32_t rs1, uint32_t rs2)
{
    mac(rs1, rs2);
}

uint32_t nn_emulate_neur_res(uint32_t rs1, uint32_t rs2)
{
    uint32_t results = 0;

    for (unsigned k = 0; k < 4; k++) {
        const int32_t r =
            requantize(unit.acc[k], rs1 >> (24 - 8 * k) & 0xff, lane_shift(rs2, k), rs2 & 1);

        results |= ((uint32_t)r & 0xff) << (24 - 8 * k);
    }
    return results;
}

void nn_emulate_exchange(uint32_t acc[4])
{
    for (unsigned k = 0; k < 4; k++) {
        const uint32_t old = unit.acc[k];

        unit.acc[k] = acc[k];
        acc[k] = old;
    }
}
