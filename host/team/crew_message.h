// SPDX-License-Identifier: Apache-2.0
/* What the two sides of a crew send one another. Inside of crew.h.
 *
 *   HELLO   follower -> leader   struct crew_hello
 *   seat    leader -> follower   a request; the tag is the seat's number
 *   seat    follower -> leader   struct crew_answer: the answer, or the text of a failure
 *   STOP    leader -> follower   struct crew_stop, the last message */
#ifndef MPQ_CREW_MESSAGE_H
#define MPQ_CREW_MESSAGE_H

#include <stdint.h>
#include <time.h>
#include "team/crew.h"

enum { CREW_HELLO = CREW_SEATS_MAX, CREW_STOP };

struct crew_hello {
    uint64_t seats;
};

struct crew_stop {
    uint64_t at_once;
};

struct crew_answer {
    uint64_t status;           /* enum status */
    uint8_t bytes[CREW_BYTES]; /* as many as there are */
};

enum { CREW_ANSWER_HEAD = sizeof(uint64_t) };

/* Sleeps between looks for a message: longer each time, up to max_ns. *pause_ns: 0 after a
 * message. */
static inline void crew_pause(long *pause_ns, long max_ns)
{
    static const long FIRST_NS = 20000;
    *pause_ns = *pause_ns ? 2 * *pause_ns : FIRST_NS;
    *pause_ns = *pause_ns < max_ns ? *pause_ns : max_ns;
    const struct timespec pause = {.tv_nsec = *pause_ns};
    nanosleep(&pause, NULL);
}

#endif
