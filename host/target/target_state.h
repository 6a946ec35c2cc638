// SPDX-License-Identifier: Apache-2.0
/* Inside of target.h, shared by target.c and target_load.c.
 *
 * Invariants
 *  1. loaded implies that the core has committed the model of which `model` is a copy, and that
 *     nothing has told us since that it lost it. session.open false makes it meaningless.
 *  2. held[0 .. held_size) is what the core's model area begins with, if the core's memory is sound;
 *     only a new HELLO, a failed load and a successful one change it. COMMIT checks it anyway. */
#ifndef MPQ_TARGET_STATE_H
#define MPQ_TARGET_STATE_H

#include "target/session.h"
#include "target/target.h"

struct target {
    struct link *link;
    struct session session;
    struct target_info info;
    bool loaded;
    struct model model; /* without its bytes */
    struct model_tables tables;
    uint8_t *held;
    size_t held_size;
    uint32_t speed_hz; /* cycles in a second of the host's clock, as last seen */
};

/* HELLO: the core is greeted and holds nothing that we rely on. */
MUST_CHECK enum status target_greet(struct target *target, struct error *err);

/* How long so many cycles take, for session_request.work_ms. */
int target_work_ms(const struct target *target, uint64_t cycles);

#endif
