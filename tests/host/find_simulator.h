// SPDX-License-Identifier: Apache-2.0
/* For tests that run on the simulated core, in the folder that the test was started in. */
#ifndef MPQ_TEST_FIND_SIMULATOR_H
#define MPQ_TEST_FIND_SIMULATOR_H

#include "host/scratch.h"

/* Lets the target "sim" find simulator and firmware: those in $BUILD, unless the environment names
 * others. Skips the test if one is missing. */
static inline void find_simulator(void)
{
    static char simulator[4096], firmware[4096];
    const char *build = getenv("BUILD");
    snprintf(simulator, sizeof simulator, "%s/mpq-sim", build ? build : "build");
    snprintf(firmware, sizeof firmware, "%s/firmware/loader.elf", build ? build : "build");
    setenv("MPQ_SIM", simulator, 0);
    setenv("MPQ_FIRMWARE", firmware, 0);
    if (access(getenv("MPQ_SIM"), X_OK) == 0 && access(getenv("MPQ_FIRMWARE"), R_OK) == 0)
        return;
    print_message("# %s or %s is missing; build them with: make sim firmware\n", getenv("MPQ_SIM"),
                  getenv("MPQ_FIRMWARE"));
    skip();
}

#endif
