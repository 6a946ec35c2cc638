// SPDX-License-Identifier: Apache-2.0
/* Generator of random programs for the core: neural instructions of both versions among loads,
 * stores, multiplications, divisions, branches, compressed instructions and traps, while a timer
 * interrupt at random moments saves what the five instructions of version 1 change in the neural
 * unit, uses the unit with them, and restores it.
 *
 * A program ends by sending its log, its registers, the unit's state and its data over the UART and
 * leaving with exit code 0; the last four bytes are the number of interrupts, the only thing that
 * may differ between two machines. */
#ifndef MPQ_TEST_RANDOM_PROGRAM_H
#define MPQ_TEST_RANDOM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RANDOM_PROGRAM_RAM_BYTES = 0x60000, /* what a program uses of the RAM, from its start */
    RANDOM_PROGRAM_ENTRY = 0x80,
    RANDOM_PROGRAM_TRAP_COUNTER = 0x1102c,
    RANDOM_PROGRAM_INTERRUPT_COUNTER = 0x11028,
};

struct random_program_options {
    uint64_t seed;
    uint32_t items;      /* size of the loop's body */
    uint32_t iterations; /* of the loop */
    bool stream;         /* with the instructions of version 2 */
};

/* Writes the program into ram, RANDOM_PROGRAM_RAM_BYTES zero bytes which stand for the RAM from
 * ram_base on. False if it got too large. */
bool random_program_make(const struct random_program_options *options, uint32_t ram_base,
                         uint8_t *ram);

#endif
