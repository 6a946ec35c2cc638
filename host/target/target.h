// SPDX-License-Identifier: Apache-2.0
/* A core under the loader's protocol (protocol.h), on any link: the host's side of the sliding window. */
#ifndef MPQ_TARGET_H
#define MPQ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "pack/pack.h"
#include "protocol.h"
#include "target/link.h"

struct target;

struct target_info {
    unsigned protocol_version, window, tiers, isa_version, model_version;
    uint32_t clock_hz, ram_bytes, model_area_bytes, core_config, marchid, mimpid;
    char firmware[13];    /* version */
    uint32_t firmware_id; /* tells builds of one version apart */
};

struct target_result {
    uint16_t layers, class_index;
    size_t output_bytes;
    uint8_t output[PROTO_DATA_MAX];
    uint64_t counters[COUNTER_COUNT];
};

/* What the transfer cost so far. */
struct target_statistics {
    uint64_t bytes_sent, bytes_received, frames_sent, frames_resent, naks, timeouts, blocks_skipped,
        blocks_sent;
};

/* Takes over link (closes it with the target, also when this fails) and says hello. */
MUST_CHECK enum status target_attach(struct link *link, struct target **out, struct error *err);
/* link_open() and target_attach(). */
MUST_CHECK enum status target_open(const char *name, struct target **out, struct error *err);
void target_close(struct target *target);

const struct target_info *target_info(const struct target *target);
/* The line's rate now; 0: a simulator's own link or a socket, which has none. */
int target_baud_hz(const struct target *target);
const struct target_statistics *target_statistics(const struct target *target);

/* Sends the blocks of the container that the core does not hold yet and commits it. */
MUST_CHECK enum status target_load(struct target *target, const struct container *container,
                                   struct error *err);
/* Writes the input buffer of the loaded model. size must be its size. */
MUST_CHECK enum status target_set_input(struct target *target, const uint8_t *input, size_t size,
                                        struct error *err);
/* stop_layer: layers to run, 0 all. profile: count each layer (target_counters()). */
MUST_CHECK enum status target_run(struct target *target, enum proto_tier tier, bool profile,
                                  unsigned stop_layer, struct target_result *result,
                                  struct error *err);
/* Counters of each layer of the last profiled run: out[layer_count][COUNTER_COUNT]. */
MUST_CHECK enum status target_counters(struct target *target, size_t layer_count,
                                       uint64_t (*out)[COUNTER_COUNT], struct error *err);
/* Bytes of an activation buffer as the last run left it. */
MUST_CHECK enum status target_read_buffer(struct target *target, unsigned buffer, size_t offset,
                                          size_t size, uint8_t *out, struct error *err);
MUST_CHECK enum status target_reset(struct target *target,
                                    struct error *err); /* and says hello again */

#endif
