// SPDX-License-Identifier: Apache-2.0
/* The instructions of version 2 by their operations (see model/nn_stream_model.h), and the whole
 * state of the unit: read, written, compared. For cores that have them. */
#ifndef MPQ_TEST_STREAM_H
#define MPQ_TEST_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include "model/nn_stream_model.h"

/* A function each for every operation and every CSR from 0x7c0 on; a stub is STREAM_STUB bytes. */
enum { STREAM_STUB = 8, STREAM_CSR_FIRST = 0x7c0, STREAM_CSRS = 64 };
extern const uint8_t stream_loads[], stream_stores[], stream_csr_reads[], stream_csr_writes[];

void stream_load(uint32_t operation, const uint32_t *word);
void stream_store(uint32_t operation, uint32_t *word);
uint32_t stream_read_csr(uint32_t number);
void stream_write_csr(uint32_t number, uint32_t value);

/* Calls a stub with address in a0; registers[1..31] are what the stub left. Number i was
 * STREAM_MARK + i, but for ra, sp, t0 (the stub) and a0 (the address). */
enum { STREAM_MARK = 0x5eed0000 };
void stream_guarded(const void *address, const void *stub, uint32_t registers[32]);

/* Reads the unit's state into nn, but for window[0], which nothing can read without losing another
 * part; it becomes 0. What it was is lost in the unit, as are the rest and the accumulators: call
 * stream_restore(). The procedure of rtl/README.md, section "Saving and restoring the unit". */
void stream_save(struct nn_stream_model *nn);
void stream_restore(const struct nn_stream_model *nn);

/* Number of CSRs of the unit that are not as nn says. */
uint32_t stream_wrong_csrs(const struct nn_stream_model *nn);

/* Multiplies with every entry and with the window, in nn, or in the unit if nn is NULL: any
 * difference between the two is one of the CSRs then. */
void stream_probe(struct nn_stream_model *nn);

/* The same in both. Returns stream_wrong_csrs(). */
uint32_t stream_wrong_after_probe(struct nn_stream_model *nn);

/* A state in which everything is different. */
void stream_some_state(struct nn_stream_model *nn, uint32_t seed);

#endif
