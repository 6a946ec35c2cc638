// SPDX-License-Identifier: Apache-2.0
/* Interpreter of RV32IMC programs with the neural instructions: the oracle of the random programs.
 * It executes one instruction at a time in program order, knows no cycles and no interrupts, and
 * skips over an instruction that traps (as the programs' handler does). Written from the RISC-V
 * manual and nn_stream_model.h. */
#ifndef MPQ_TEST_RV_INTERPRETER_H
#define MPQ_TEST_RV_INTERPRETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/nn_stream_model.h"

struct rv {
    uint32_t x[32];
    uint32_t pc;
    struct nn_stream_model nn;
    bool stream;  /* the instructions of version 2 exist; else they trap */
    uint8_t *ram; /* borrowed */
    uint32_t ram_base, ram_bytes;
    uint8_t *uart; /* bytes written to the UART, borrowed */
    size_t uart_size, uart_capacity;
    uint64_t instructions, nn_instructions;
    uint32_t traps;
    uint32_t trap_counter_address; /* the handler's counter in RAM */
    bool exited;
    uint32_t exit_code;
    const char *stuck; /* why the interpreter cannot go on; NULL while it can */
};

/* Runs until the program writes sysctl exit, at most max_instructions. Returns rv->exited. */
bool rv_run(struct rv *rv, uint64_t max_instructions);

#endif
