// SPDX-License-Identifier: Apache-2.0
/* The five neural instructions, executed one operation at a time as their description says. The
 * oracle of the RTL, of the emulation and of the kernels; shares no code with any of them. */
#ifndef MPQ_NN_MODEL_H
#define MPQ_NN_MODEL_H

#include <stdint.h>

/* What the instructions remember. */
struct nn_model {
    uint32_t acc[4];
    uint8_t mode; /* 3 bits */
    uint8_t it;   /* 0..3 */
};

void nn_model_init(struct nn_model *nn, uint32_t rs1, uint32_t rs2);

/* All three nn_mac instructions: the mode selects, not the instruction. */
void nn_model_mac(struct nn_model *nn, uint32_t rs1, uint32_t rs2);

/* The value for rd. */
uint32_t nn_model_res(const struct nn_model *nn, uint32_t rs1, uint32_t rs2);

#endif
