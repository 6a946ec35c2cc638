// SPDX-License-Identifier: Apache-2.0
#ifndef MPQ_TEST_FINISH_H
#define MPQ_TEST_FINISH_H

#include <stdint.h>

/* Ends the simulation with an exit code, 0 to 255. */
_Noreturn void finish(uint32_t code);

#endif
