// SPDX-License-Identifier: Apache-2.0
/* Oracle of the instructions of version 2: slow and literal, field by field. */
#include "nn_stream_model.h"

enum { LDW_MAC_ENTRY = 15 };

/* count bits of word from bit `low` on, as a two's complement number if is_signed. */
static int32_t cut(uint32_t word, int low, int count, bool is_signed)
{
    const int32_t limit = 1 << count, value = (int32_t)(word >> low) & (limit - 1);
    return is_signed && value >= limit / 2 ? value - limit : value;
}

/* Lane 0 is the most significant byte. */
static int32_t lane(uint32_t word, int number, bool is_signed)
{
    return cut(word, 24 - 8 * number, 8, is_signed);
}

void nn_stream_model_init(struct nn_stream_model *nn, uint32_t rs1, uint32_t rs2)
{
    nn_model_init(&nn->five, rs1, rs2);
    for (int b = 0; b < NN_STREAM_BANKS; b++)
        nn->started[b] = false;
}

/* ---- Operations ---- */

enum kind { LDA_MAC, LDW, LDA, LDW_MAC, NONE };

static enum kind kind_of(uint32_t operation)
{
    if (operation < 0x80)
        return LDA_MAC;
    if (operation < 0xc0)
        return LDW;
    if (operation == 0xc0)
        return LDA;
    return operation >= 0xe0 && operation <= 0xff ? LDW_MAC : NONE;
}

bool nn_stream_model_is_load(uint32_t operation)
{
    return kind_of(operation) != NONE;
}

bool nn_stream_model_is_store(uint32_t operation)
{
    return operation < NN_STREAM_BANKS;
}

/* One word of weights: 4 of 8 bits, 8 of 4 bits or 16 of 2 bits. */
static void set_weights(struct nn_stream_model *nn, int entry, int first, uint32_t word)
{
    for (int k = 0; k < 4; k++) {
        switch (nn->five.mode % 4) {
        case 0:
        case 1:
            nn->weight[entry][first][k] = lane(word, k, true);
            break;
        case 2:
            first -= first % 2;
            nn->weight[entry][first][k] = cut(word, 28 - 4 * k, 4, true);
            nn->weight[entry][first + 1][k] = cut(word, 12 - 4 * k, 4, true);
            break;
        default:
            for (int j = 0; j < 4; j++)
                nn->weight[entry][j][k] = cut(word, 30 - 8 * j - 2 * k, 2, true);
        }
    }
}

static void add_window(struct nn_stream_model *nn, uint32_t word)
{
    for (int i = 0; i + 1 < NN_STREAM_WINDOW; i++)
        nn->window[i] = nn->window[i + 1];
    nn->window[NN_STREAM_WINDOW - 1] = word;
}

static void multiply(struct nn_stream_model *nn, int bank, int entry)
{
    const bool is_signed = nn->five.mode >= 4, is_depthwise = nn->five.mode % 4 == 1;
    for (int k = 0; k < 4; k++) {
        int32_t sum = 0;
        for (int j = 0; j < 4; j++) {
            int32_t activation = is_depthwise
                                     ? lane(nn->window[j], k, is_signed)
                                     : lane(nn->window[NN_STREAM_WINDOW - 1], j, is_signed);
            sum += nn->weight[entry][j][k] * activation;
        }
        uint32_t start = nn->started[bank] ? nn->bank[bank][k] : nn->five.acc[k];
        nn->bank[bank][k] = start + (uint32_t)sum;
    }
    nn->started[bank] = true;
}

void nn_stream_model_load(struct nn_stream_model *nn, uint32_t operation, uint32_t word)
{
    switch (kind_of(operation)) {
    case LDA_MAC:
        add_window(nn, word);
        multiply(nn, cut(operation, 4, 3, false), cut(operation, 0, 4, false));
        break;
    case LDW:
        set_weights(nn, cut(operation, 2, 4, false), cut(operation, 0, 2, false), word);
        break;
    case LDA:
        add_window(nn, word);
        break;
    case LDW_MAC:
        set_weights(nn, LDW_MAC_ENTRY, cut(operation, 0, 2, false), word);
        multiply(nn, cut(operation, 2, 3, false), LDW_MAC_ENTRY);
        break;
    case NONE:
        break;
    }
}

static uint32_t bank_lane(const struct nn_stream_model *nn, int bank, int k)
{
    return nn->started[bank] ? nn->bank[bank][k] : nn->five.acc[k];
}

uint32_t nn_stream_model_store(const struct nn_stream_model *nn, uint32_t operation)
{
    struct nn_model scaled = nn->five;
    for (int k = 0; k < 4; k++)
        scaled.acc[k] = bank_lane(nn, (int)operation, k);
    return nn_model_res(&scaled, nn->multipliers, nn->shifts);
}

/* ---- CSRs ---- */

bool nn_stream_model_is_csr(uint32_t number)
{
    return (number >= NN_STREAM_CSR_FIRST && number <= NN_STREAM_CSR_SHIFTS) ||
           (number >= NN_STREAM_CSR_BANKS && number < NN_STREAM_CSR_END);
}

uint32_t nn_stream_model_read_csr(const struct nn_stream_model *nn, uint32_t number)
{
    uint32_t started = 0;
    if (number >= NN_STREAM_CSR_BANKS)
        return bank_lane(nn, (int)(number - NN_STREAM_CSR_BANKS) / 4, (int)number % 4);
    switch (number) {
    case NN_STREAM_CSR_SHIFTS:
        return nn->shifts;
    case NN_STREAM_CSR_MULTIPLIERS:
        return nn->multipliers;
    case NN_STREAM_CSR_STARTED:
        for (int b = 0; b < NN_STREAM_BANKS; b++)
            started += nn->started[b] ? 1u << b : 0;
        return started;
    case NN_STREAM_CSR_STARTED - 1:
        return nn->five.mode + 8u * nn->five.it;
    default:
        return nn->five.acc[number - NN_STREAM_CSR_FIRST];
    }
}

void nn_stream_model_write_csr(struct nn_stream_model *nn, uint32_t number, uint32_t value)
{
    if (number >= NN_STREAM_CSR_BANKS)
        return;
    switch (number) {
    case NN_STREAM_CSR_SHIFTS: /* shifts at 31:27, 24:20, 17:13, 10:6, relu at 0 */
        nn->shifts = value & 0xf9f3e7c1u;
        break;
    case NN_STREAM_CSR_MULTIPLIERS:
        nn->multipliers = value;
        break;
    case NN_STREAM_CSR_STARTED:
        for (int b = 0; b < NN_STREAM_BANKS; b++)
            nn->started[b] = value >> b & 1;
        break;
    case NN_STREAM_CSR_STARTED - 1:
        nn->five.mode = (uint8_t)(value % 8);
        nn->five.it = (uint8_t)(value / 8 % 4);
        break;
    default:
        nn->five.acc[number - NN_STREAM_CSR_FIRST] = value;
    }
}
