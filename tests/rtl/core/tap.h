// SPDX-License-Identifier: Apache-2.0
/* TAP lines over the UART, for test programs on the core, and the configuration that the host says
 * the core has. */
#ifndef MPQ_TEST_TAP_H
#define MPQ_TEST_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void tap_text(const char *text);
void tap_number(uint32_t value);

/* One result; got and want are printed when they differ. */
void tap_equal(const char *fact, uint32_t got, uint32_t want);
void tap_true(const char *fact, bool holds);

/* Number of failed results so far: what main() returns. */
uint32_t tap_failures(void);

/* A row of rtl/tables/core_configs.tsv, as the host sends it before anything else: digits of index,
 * writeback stage, branch-target ALU, neural unit, alias, instructions of version 2, and a line end. */
struct tap_config {
    uint32_t index;
    bool writeback_stage, branch_target_alu, nn, alias, stream;
};
struct tap_config tap_read_config(void);

#endif
