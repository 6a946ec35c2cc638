// SPDX-License-Identifier: Apache-2.0
/* The way into code that was made: jit.h. */
#include "nn_insn.h"

#define PARAMS a3
#define CODE   a4
#define ZEROS  t0

    .section .text.jit_run, "ax", @progbits
    .option arch, +zicsr
    .globl jit_run
    .type jit_run, @function
jit_run:
    lw t1, 0(PARAMS)
    lw t2, 4(PARAMS)
    lw t3, 8(PARAMS)
    lw t4, 12(PARAMS)
    csrw 0x7ce, t3
    csrw 0x7cf, t4
    la ZEROS, jit_code
    jr CODE
    .size jit_run, . - jit_run
