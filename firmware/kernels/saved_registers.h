// SPDX-License-Identifier: Apache-2.0
/* For assembly: the caller's registers ra and s0 to s11 on the stack. A function moves sp down by
 * SAVED_BYTES and says `for_saved_registers save`; at its end `for_saved_registers restore`, and sp
 * up again. Words 13 to 15 are free. */
#ifndef MPQ_SAVED_REGISTERS_H
#define MPQ_SAVED_REGISTERS_H

#define SAVED_BYTES 64

/* clang-format off */
    .macro for_saved_registers do
    \do ra, 0
    \do s0, 4
    \do s1, 8
    \do s2, 12
    \do s3, 16
    \do s4, 20
    \do s5, 24
    \do s6, 28
    \do s7, 32
    \do s8, 36
    \do s9, 40
    \do s10, 44
    \do s11, 48
    .endm
    .macro save register, at
    sw \register, \at(sp)
    .endm
    .macro restore register, at
    lw \register, \at(sp)
    .endm
/* clang-format on */

#endif
