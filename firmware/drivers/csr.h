// SPDX-License-Identifier: Apache-2.0
/* Control and status registers by number. The compiler is told of no zicsr extension, which would
 * pick another folder of libraries; the assembler is, here. */
#ifndef MPQ_CSR_H
#define MPQ_CSR_H

#include <stdint.h>

enum csr {
    CSR_MIE = 0x304,
    CSR_MCOUNTINHIBIT = 0x320,
    CSR_MIP = 0x344,
    CSR_MCYCLE = 0xb00,
    CSR_MINSTRET = 0xb02,
    CSR_MHPMCOUNTER3 = 0xb03,
    CSR_HIGH_HALF = 0x80, /* from a counter to its upper half */
    CSR_MARCHID = 0xf12,
    CSR_MIMPID = 0xf13,
};

/* number must be a constant. */
#define CSR_READ(number)                                                                           \
    __extension__({                                                                                \
        uint32_t csr_value_;                                                                       \
        __asm__ volatile(".option push\n.option arch, +zicsr\n\tcsrr %0, %1\n.option pop"          \
                         : "=r"(csr_value_)                                                        \
                         : "i"(number));                                                           \
        csr_value_;                                                                                \
    })

#define CSR_WRITE(number, value)                                                                   \
    __asm__ volatile(".option push\n.option arch, +zicsr\n\tcsrw %0, %1\n.option pop"              \
                     :                                                                             \
                     : "i"(number), "r"(value))

#endif
