// SPDX-License-Identifier: Apache-2.0
/* Work that the first process of a team hands out, one request at a time to each of the seats of the
 * others, as these come free. Requests and answers are bytes; all processes are of one build and of
 * one kind of machine, so that structs may travel as they are. */
#ifndef MPQ_CREW_H
#define MPQ_CREW_H

#include "team/team.h"

struct crew;

enum {
    CREW_SEATS_MAX = 256,
    CREW_BYTES = TEAM_MESSAGE_BYTES - 16
}; /* of a request, of an answer */

/* Does a request at a seat of this process; different seats at the same time. answer: room for
 * CREW_BYTES. A failure's text goes to the asker. */
typedef enum status crew_do_fn(void *context, size_t seat, const void *request, size_t size,
                               void *answer, size_t *answer_size, struct error *err);

/* In the first process, while the others come to crew_serve(): learns of their seats. */
MUST_CHECK enum status crew_open(struct team *team, struct crew **out, struct error *err);
size_t crew_seats(const struct crew *crew); /* of all other processes together */

/* Has a request of at most CREW_BYTES done and waits for the answer. Each seat is asked by one
 * thread at a time. Fails as the other process does, with its rank in front of the text, or with
 * STATUS_CANCELLED when this process was interrupted. answer: room for CREW_BYTES. */
MUST_CHECK enum status crew_ask(struct crew *crew, size_t seat, const void *request, size_t size,
                                void *answer, size_t *answer_size, struct error *err);

/* Ends crew_serve() in the others; at_once: what they are doing is not wanted any more. Accepts
 * NULL. */
void crew_close(struct crew *crew, bool at_once);

/* In the other processes: does what comes in until the first one closes its crew. seats: 1 to
 * CREW_SEATS_MAX. STATUS_CANCELLED after crew_close() at once. */
MUST_CHECK enum status crew_serve(struct team *team, size_t seats, crew_do_fn *work, void *context,
                                  struct error *err);

#endif
