// SPDX-License-Identifier: Apache-2.0
/* A link to the firmware's loader in this process: its own code, on the host. The line can lose,
 * damage and repeat bytes; the core can restart, trap, hang and have its memory changed. Nothing
 * waits: a read without bytes returns at once, as if its time had passed. */
#ifndef MPQ_TEST_LOADER_LINK_H
#define MPQ_TEST_LOADER_LINK_H

#include "host/scratch.h"

#include "base/rng.h"
#include "loader.h"
#include "target/link.h"

enum { LOADER_LINK_CLOCK_HZ = 25000000 };

struct loader_link_setup {
    uint32_t area_bytes;
    uint16_t isa_version;
    uint64_t seed;
    uint32_t noise; /* one of so many bytes is lost, damaged or repeated, each way; 0: none */
    /* The line has a rate: bytes are garbled where the two sides' rates differ, or are above the
     * second number, which the line can do. 0: it has none. */
    int baud_max_hz, good_baud_hz;
};

/* What happens when a complete request of this type has arrived, before the loader sees its end. */
struct loader_link_event {
    int type;  /* enum proto_type; -1: any */
    int after; /* so many of them pass before */
    void (*act)(void *context);
    void *context;
    bool swallow; /* the loader never sees it */
};

struct loader_link {
    struct link base; /* first */
    struct loader loader;
    struct loader_platform platform;
    struct rng rng;
    uint32_t noise;
    uint8_t *out; /* bytes on their way to the host; out_at of out_size are taken */
    size_t out_at, out_size, out_room;
    struct loader_link_event event;
    void (*after_run)(struct loader_link *link); /* behind the last layer of each run that is not
                                                    profiled, before its answer; may be NULL */
    unsigned readings;                           /* of the counters */
    bool is_dead;                                /* swallows everything */
    unsigned requests[16];                       /* that reached the loader, by type */
    unsigned resets;
    int core_baud_hz, good_baud_hz;
    int lose_answer_to; /* enum proto_type: its next answer is lost, and this set to 0 */
    uint64_t waited_ms; /* by reads that brought nothing: the only time there is */
    uint64_t alarm_ms;  /* loader_alarm() is due when so much was waited; 0: never */
    unsigned rates_set; /* by the core, its way back included */
    bool *closed;       /* set when the link is closed; may be NULL */
};

/* Close it by closing the link. */
struct loader_link *loader_link_create(const struct loader_link_setup *setup);

/* Acts for events; context: the link. */
void loader_link_restart(void *context); /* as after a power failure: all state is lost */
void loader_link_trap(void *context);    /* illegal instruction in layer 2, then a restart */
void loader_link_die(void *context);

#endif
