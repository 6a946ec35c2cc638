// SPDX-License-Identifier: Apache-2.0
/* In place of the firmware's run_layer(), by the linker's --wrap: layer 1 is an illegal instruction,
 * so that a core really traps. */
#include "run.h"

void __real_run_layer(const struct model *model, uint8_t *arena, unsigned layer, unsigned tier);
void __wrap_run_layer(const struct model *model, uint8_t *arena, unsigned layer, unsigned tier);

void __wrap_run_layer(const struct model *model, uint8_t *arena, unsigned layer, unsigned tier)
{
    if (layer == 1)
        __asm__ volatile(".word 0xffffffff");
    __real_run_layer(model, arena, layer, tier);
}
