// SPDX-License-Identifier: Apache-2.0
/* Whether the core has the instructions of version 2 (rtl/README.md), and the kernels that need
 * them. They take the same weights as those of version 1 and give the same results. */
#ifndef MPQ_STREAM_H
#define MPQ_STREAM_H

/* Banks of accumulators, and entries of weights: one for each word of activations. */
#define STREAM_BANKS   8
#define STREAM_ENTRIES 16

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include "conv2d.h"

#ifdef __riscv
#include "address_map.h"
#include "mmio.h"
#include "nn_insn.h"

static inline bool stream_is_there(void)
{
    return mmio_read(SYSCTL_ISA_VERSION) >= NN_ISA_STREAM;
}
#else
static inline bool stream_is_there(void)
{
    return false;
}
#endif

/* A function that runs only where stream_is_there() says no: elsewhere the model may lie over it. (Some
 * lie where code is made: linker/firmware.ld.) */
#define STREAM_FALLBACK __attribute__((section(".fallback")))

#endif
#endif
