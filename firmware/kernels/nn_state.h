// SPDX-License-Identifier: Apache-2.0
/* The neural unit's accumulators as values: two output pixels share the unit by taking turns, so
 * that each weight is loaded once for both. An exchange costs four cycles. */
#ifndef MPQ_NN_STATE_H
#define MPQ_NN_STATE_H

#include "nn_insn.h"
#include "words.h"

struct nn_acc {
    uint32_t acc[4];
};

#ifdef NN_EMULATE
void nn_emulate_exchange(uint32_t acc[4]);

ALWAYS_INLINE struct nn_acc nn_exchange(struct nn_acc with)
{
    nn_emulate_exchange(with.acc);
    return with;
}

ALWAYS_INLINE struct nn_acc nn_read_acc(void)
{
    const struct nn_acc acc = nn_exchange((struct nn_acc){{0, 0, 0, 0}});

    (void)nn_exchange(acc);
    return acc;
}
#else
/* CSRs nn_acc0 to nn_acc3, 0x7c8 to 0x7cb. */
#define NN_CSR_(text, ...)                                                                         \
    __asm__ volatile(".option push\n.option arch, +zicsr\n\t" text "\n.option pop" __VA_ARGS__)

/* Puts accumulators into the unit and returns those that were there. */
ALWAYS_INLINE struct nn_acc nn_exchange(struct nn_acc with)
{
    NN_CSR_("csrrw %0, 0x7c8, %0", : "+r"(with.acc[0]));
    NN_CSR_("csrrw %0, 0x7c9, %0", : "+r"(with.acc[1]));
    NN_CSR_("csrrw %0, 0x7ca, %0", : "+r"(with.acc[2]));
    NN_CSR_("csrrw %0, 0x7cb, %0", : "+r"(with.acc[3]));
    return with;
}

ALWAYS_INLINE struct nn_acc nn_read_acc(void)
{
    struct nn_acc acc;

    NN_CSR_("csrr %0, 0x7c8", : "=r"(acc.acc[0]));
    NN_CSR_("csrr %0, 0x7c9", : "=r"(acc.acc[1]));
    NN_CSR_("csrr %0, 0x7ca", : "=r"(acc.acc[2]));
    NN_CSR_("csrr %0, 0x7cb", : "=r"(acc.acc[3]));
    return acc;
}
#endif

#endif
