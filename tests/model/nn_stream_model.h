// SPDX-License-Identifier: Apache-2.0
/* The neural unit with the instructions of version 2 (rtl/tables/stream_instructions.tsv), executed
 * one operation at a time as their description in rtl/README.md says. The oracle of the RTL and of
 * the kernels; shares no code with either. An operation is the eight bits {funct3, rd} of a load,
 * {funct3, rs2} of a store. */
#ifndef MPQ_NN_STREAM_MODEL_H
#define MPQ_NN_STREAM_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include "nn_model.h"

enum {
    NN_STREAM_ENTRIES = 16,
    NN_STREAM_BANKS = 8,
    NN_STREAM_WINDOW = 4,
    NN_STREAM_CSR_FIRST = 0x7c8, /* accumulators of neur_init, then state, started, scales */
    NN_STREAM_CSR_STARTED = 0x7cd,
    NN_STREAM_CSR_MULTIPLIERS = 0x7ce,
    NN_STREAM_CSR_SHIFTS = 0x7cf,
    NN_STREAM_CSR_BANKS = 0x7e0, /* + 4 * bank + lane */
    NN_STREAM_CSR_END = 0x800,
};

/* Everything that the unit remembers. */
struct nn_stream_model {
    struct nn_model five;                    /* what neur_init, nn_mac and neur_res work on */
    int32_t weight[NN_STREAM_ENTRIES][4][4]; /* [entry][activation][lane], -128..127 */
    uint32_t window[NN_STREAM_WINDOW];       /* words of activations, the newest last */
    uint32_t bank[NN_STREAM_BANKS][4];
    bool started[NN_STREAM_BANKS]; /* an unstarted bank stands for five.acc */
    uint32_t multipliers, shifts;  /* rs1 and rs2 of neur_res, for nn_res_st */
};

/* neur_init. nn_mac and neur_res are those of nn_model.h on nn->five. */
void nn_stream_model_init(struct nn_stream_model *nn, uint32_t rs1, uint32_t rs2);

bool nn_stream_model_is_load(uint32_t operation);
bool nn_stream_model_is_store(uint32_t operation);

/* A load that brought word; operation must be one of a load. */
void nn_stream_model_load(struct nn_stream_model *nn, uint32_t operation, uint32_t word);

/* The word that nn_res_st stores. */
uint32_t nn_stream_model_store(const struct nn_stream_model *nn, uint32_t operation);

/* CSRs; number must be one of the unit's. Writes to a bank's accumulators have no effect. */
bool nn_stream_model_is_csr(uint32_t number);
uint32_t nn_stream_model_read_csr(const struct nn_stream_model *nn, uint32_t number);
void nn_stream_model_write_csr(struct nn_stream_model *nn, uint32_t number, uint32_t value);

#endif
