// SPDX-License-Identifier: Apache-2.0
/* Proves what a folder of codegen.h computes: builds it, runs it in the simulator on inputs that go
 * over the serial line, and compares all outputs with the integer model, bit for bit. Knows nothing
 * of the folder's C but the conversation of codegen/template/serve.c. */
#ifndef MPQ_CODEGEN_VERIFY_H
#define MPQ_CODEGEN_VERIFY_H

#include <stddef.h>
#include "base/error.h"
#include "base/progress.h"
#include "data/dataset.h"
#include "model.h"
#include "protocol.h"

/* Builds a tier with make. STATUS_INPUT with the last lines that make said. */
MUST_CHECK enum status codegen_build(const char *folder, enum proto_tier tier, struct error *err);

/* All borrowed. */
struct codegen_verify {
    const char *folder, *simulator; /* the latter as in link.h: "sim", "sim:two_stage" */
    const struct model *model;      /* what the folder should compute */
    const struct dataset *data;     /* all items are run */
    struct progress *progress;      /* counts on from `done` */
    size_t done;
};

struct codegen_verify_result {
    size_t verified, mismatches; /* inputs; of these, inputs whose output or class differs */
    struct error first;          /* the first mismatch: input, element, got, want */
};

/* Runs a tier that codegen_build() has built. A mismatch is no failure. STATUS_CANCELLED after
 * Ctrl-C. Sets MPQ_FIRMWARE in the environment of the process. */
MUST_CHECK enum status codegen_verify_tier(const struct codegen_verify *verify,
                                           enum proto_tier tier, struct codegen_verify_result *out,
                                           struct error *err);

#endif
