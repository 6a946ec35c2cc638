// SPDX-License-Identifier: Apache-2.0
/* Round the firmware's run_prepare(), by the linker's --wrap: layer 1 is an illegal instruction, so
 * that a core really traps. */
#include "run.h"

void __real_run_prepare(const struct model *model, uint8_t *arena, struct run_call *calls);
void __wrap_run_prepare(const struct model *model, uint8_t *arena, struct run_call *calls);

static void trap(const struct kernel_args *args)
{
    (void)args;
    __asm__ volatile(".word 0xffffffff");
}

void __wrap_run_prepare(const struct model *model, uint8_t *arena, struct run_call *calls)
{
    __real_run_prepare(model, arena, calls);
    if (model->layer_count > 1)
        calls[1].kernels[TIER_NN] = calls[1].kernels[TIER_RV32] = trap;
}
