// SPDX-License-Identifier: Apache-2.0
/* Texts of the container faults. Host only: the core sends numbers. */
#include "model.h"

const char *model_fault_text(enum model_fault_code code)
{
    static const char *const texts[] = {
#define X(name, text) [name] = (text),
        MODEL_FAULTS(X)
#undef X
    };

    return (unsigned)code < sizeof texts / sizeof texts[0] ? texts[code] : "fault not known here";
}
