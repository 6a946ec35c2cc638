// SPDX-License-Identifier: Apache-2.0
/* The instructions of version 2 by their operations, and the unit's state by software. */
#include "stream.h"

#include <stddef.h>
#include "model/test_random.h"

enum {
    ACC = NN_STREAM_CSR_FIRST,
    STATE = NN_STREAM_CSR_FIRST + 4,
    STARTED = NN_STREAM_CSR_STARTED,
    BANKS = NN_STREAM_CSR_BANKS,
    MODE_8_BIT = 0,
    MODE_DEPTHWISE = 1,
    ENTRY_LDW_MAC = 15,
};

static uint32_t lda_mac(uint32_t bank, uint32_t entry)
{
    return bank << 4 | entry;
}

static uint32_t ldw(uint32_t entry, uint32_t first)
{
    return 0x80 | entry << 2 | first;
}

static uint32_t ldw_mac(uint32_t bank, uint32_t first)
{
    return 0xe0 | bank << 2 | first;
}

enum { LDA = 0xc0 };

void stream_load(uint32_t operation, const uint32_t *word)
{
    ((void (*)(const uint32_t *))(uintptr_t)(stream_loads + STREAM_STUB * operation))(word);
}

void stream_store(uint32_t operation, uint32_t *word)
{
    ((void (*)(uint32_t *))(uintptr_t)(stream_stores + STREAM_STUB * operation))(word);
}

uint32_t stream_read_csr(uint32_t number)
{
    const uint8_t *stub = stream_csr_reads + STREAM_STUB * (number - STREAM_CSR_FIRST);
    return ((uint32_t(*)(void))(uintptr_t)stub)();
}

void stream_write_csr(uint32_t number, uint32_t value)
{
    const uint8_t *stub = stream_csr_writes + STREAM_STUB * (number - STREAM_CSR_FIRST);
    ((void (*)(uint32_t))(uintptr_t)stub)(value);
}

/* ---- Save ---- */

static const uint32_t one_hot[4] = {1u << 24, 1u << 16, 1u << 8, 1u}, zero = 0, ones = 0x01010101;

static void write_acc(const uint32_t acc[4])
{
    for (uint32_t k = 0; k < 4; k++)
        stream_write_csr(ACC + k, acc[k]);
}

static void save_csrs(struct nn_stream_model *nn)
{
    const uint32_t state = stream_read_csr(STATE), started = stream_read_csr(STARTED);
    nn->five.mode = state & 7;
    nn->five.it = (uint8_t)(state >> 3);
    nn->multipliers = stream_read_csr(NN_STREAM_CSR_MULTIPLIERS);
    nn->shifts = stream_read_csr(NN_STREAM_CSR_SHIFTS);
    for (uint32_t k = 0; k < 4; k++)
        nn->five.acc[k] = stream_read_csr(ACC + k);
    stream_write_csr(STARTED, 0xff);
    for (uint32_t b = 0; b < NN_STREAM_BANKS; b++) {
        nn->started[b] = started >> b & 1;
        for (uint32_t k = 0; k < 4; k++)
            nn->bank[b][k] = stream_read_csr(BANKS + 4 * b + k);
    }
}

/* The weights of an entry for activation j, by a product with 1 in its lane alone. Moves the
 * window. Accumulators are 0. */
static void save_weights(struct nn_stream_model *nn, uint32_t entry, uint32_t j)
{
    stream_write_csr(STATE, MODE_8_BIT);
    stream_write_csr(STARTED, 0);
    stream_load(lda_mac(0, entry), &one_hot[j]);
    for (uint32_t k = 0; k < 4; k++)
        nn->weight[entry][j][k] = (int32_t)stream_read_csr(BANKS + k);
}

/* The oldest word of the window, by the difference between products with 1 and with 0 in the
 * weights for activation 0 of entry 15, which are 0 then. */
static uint32_t save_oldest(void)
{
    uint32_t word = 0;
    stream_write_csr(STATE, MODE_DEPTHWISE);
    stream_write_csr(STARTED, 0);
    stream_load(ldw_mac(0, 0), &ones);
    stream_load(ldw_mac(1, 0), &zero);
    for (uint32_t k = 0; k < 4; k++)
        word = word << 8 | (stream_read_csr(BANKS + k) - stream_read_csr(BANKS + 4 + k));
    return word;
}

void stream_save(struct nn_stream_model *nn)
{
    static const uint32_t nothing[4];
    save_csrs(nn);
    write_acc(nothing);
    nn->window[0] = 0;
    for (uint32_t j = 0; j < 4; j++) {
        save_weights(nn, ENTRY_LDW_MAC, j);
        if (j < 3)
            nn->window[j + 1] = save_oldest();
    }
    for (uint32_t entry = 0; entry < ENTRY_LDW_MAC; entry++)
        for (uint32_t j = 0; j < 4; j++)
            save_weights(nn, entry, j);
}

/* ---- Restore ---- */

static void restore_weights(const struct nn_stream_model *nn)
{
    for (uint32_t entry = 0; entry < NN_STREAM_ENTRIES; entry++) {
        for (uint32_t j = 0; j < 4; j++) {
            uint32_t word = 0;
            for (uint32_t k = 0; k < 4; k++)
                word = word << 8 | (uint8_t)nn->weight[entry][j][k];
            stream_load(ldw(entry, j), &word);
        }
    }
}

void stream_restore(const struct nn_stream_model *nn)
{
    uint32_t started = 0;
    stream_write_csr(STATE, MODE_8_BIT);
    stream_write_csr(STARTED, 0);
    restore_weights(nn);
    for (uint32_t b = 0; b < NN_STREAM_BANKS; b++) {
        started |= (uint32_t)nn->started[b] << b;
        write_acc(nn->bank[b]);
        stream_load(lda_mac(b, 0), &zero);
    }
    for (uint32_t i = 0; i < NN_STREAM_WINDOW; i++)
        stream_load(LDA, &nn->window[i]);
    write_acc(nn->five.acc);
    stream_write_csr(STATE, nn->five.it * 8u + nn->five.mode);
    stream_write_csr(STARTED, started);
    stream_write_csr(NN_STREAM_CSR_MULTIPLIERS, nn->multipliers);
    stream_write_csr(NN_STREAM_CSR_SHIFTS, nn->shifts);
}

/* ---- Comparison ---- */

uint32_t stream_wrong_csrs(const struct nn_stream_model *nn)
{
    uint32_t wrong = 0;
    for (uint32_t csr = STREAM_CSR_FIRST; csr < STREAM_CSR_FIRST + STREAM_CSRS; csr++)
        if (nn_stream_model_is_csr(csr))
            wrong += stream_read_csr(csr) != nn_stream_model_read_csr(nn, csr);
    return wrong;
}

static void probe_load(struct nn_stream_model *nn, uint32_t operation, uint32_t word)
{
    if (nn)
        nn_stream_model_load(nn, operation, word);
    else
        stream_load(operation, &word);
}

static void probe_csr(struct nn_stream_model *nn, uint32_t number, uint32_t value)
{
    if (nn)
        nn_stream_model_write_csr(nn, number, value);
    else
        stream_write_csr(number, value);
}

/* Each product is with other numbers, so that differences do not cancel. The window comes first:
 * what moves it also loses its oldest word. */
void stream_probe(struct nn_stream_model *nn)
{
    uint32_t number = 0x01234567;
    probe_csr(nn, STARTED, 0xff);
    probe_csr(nn, STATE, MODE_DEPTHWISE);
    for (uint32_t j = 0; j < 4; j++)
        probe_load(nn, ldw_mac(j, j), number = number * 1664525 + 1013904223);
    probe_csr(nn, STATE, MODE_8_BIT);
    for (uint32_t entry = 0; entry < NN_STREAM_ENTRIES; entry++)
        for (uint32_t i = 0; i < 2; i++)
            probe_load(nn, lda_mac(entry % 8, entry), number = number * 1664525 + 1013904223);
}

uint32_t stream_wrong_after_probe(struct nn_stream_model *nn)
{
    stream_probe(NULL);
    stream_probe(nn);
    return stream_wrong_csrs(nn);
}

void stream_some_state(struct nn_stream_model *nn, uint32_t seed)
{
    struct test_random random = {seed};
    *nn = (struct nn_stream_model){0};
    for (uint32_t csr = STREAM_CSR_FIRST; csr < BANKS; csr++)
        if (nn_stream_model_is_csr(csr))
            nn_stream_model_write_csr(nn, csr, test_random_next(&random));
    for (uint32_t b = 0; b < NN_STREAM_BANKS; b++)
        for (uint32_t k = 0; k < 4; k++)
            nn->bank[b][k] = test_random_next(&random);
    for (uint32_t i = 0; i < NN_STREAM_WINDOW; i++)
        nn->window[i] = test_random_next(&random);
    for (uint32_t e = 0; e < NN_STREAM_ENTRIES; e++)
        for (uint32_t j = 0; j < 4; j++)
            for (uint32_t k = 0; k < 4; k++)
                nn->weight[e][j][k] = (int8_t)(test_random_next(&random) >> 8);
}
