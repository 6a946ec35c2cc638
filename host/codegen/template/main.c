// SPDX-License-Identifier: Apache-2.0
/* Runs the network on the samples of inputs.h and prints what comes out, compared with what the host's integer model
 * computed; then the cycles of each layer. Exit code of the simulation: 0 if all outputs are equal. */
#include <stdio.h>
#include <string.h>
#include "inputs.h"
#include "layers.h"
#include "network.h"
#include "system.h"

static uint64_t total_cycles(void)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < layer_count; i++)
        total += layer_times[i].cycles;
    return total;
}

static unsigned class_index(void)
{
    return network_class[0] | (unsigned)network_class[1] << 8;
}

static bool run_sample(unsigned index)
{
    const struct sample *sample = &samples[index];
    bool equal;

    memcpy(network_input, sample->input, NETWORK_INPUT_BYTES);
    layers_restart();
    network_run();
    equal = !memcmp(network_output, sample->output, NETWORK_OUTPUT_BYTES) &&
            class_index() == sample->class_index;
    printf("input %u: class %u, expected %u, ", index, class_index(), sample->class_index);
    if (sample->label >= 0)
        printf("label %d, ", sample->label);
    printf("outputs %s, %lu cycles\n", equal ? "equal" : "DIFFER", (unsigned long)total_cycles());
    return equal;
}

int main(void)
{
    unsigned equal = 0;

    system_start();
    printf("%s\n", NETWORK_NAME);
    for (unsigned i = 0; i < SAMPLE_COUNT; i++)
        equal += run_sample(i);
    printf("\n%-32s %12s\n", "layer", "cycles");
    for (unsigned i = 0; i < layer_count; i++)
        printf("%-32s %12lu\n", layer_times[i].name, (unsigned long)layer_times[i].cycles);
    printf("%-32s %12lu\n", "total", (unsigned long)total_cycles());
    printf("\n%u of %u outputs equal\n", equal, (unsigned)SAMPLE_COUNT);
    system_end(equal == SAMPLE_COUNT ? 0 : 1);
}
