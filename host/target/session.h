// SPDX-License-Identifier: Apache-2.0
/* The host's half of the loader's conversation (protocol.h): frames, numbering, window, repetition.
 * Knows requests and answers, not what models are. One thread at a time.
 *
 * Invariants
 *  1. slots hold the unanswered requests in sequence order; all but the last are WRITEs.
 *  2. An answer to a request means that the core has executed all older ones (it works in order):
 *     they are dropped.
 *  3. Nothing waits longer than its patience without an answer that brings the conversation
 *     forward. */
#ifndef MPQ_SESSION_H
#define MPQ_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "protocol.h"
#include "target/link.h"
#include "target/target.h"

struct session_slot {
    uint8_t type, seq;
    bool repeated;
    size_t wire_size;
    int64_t sent_ms;
    /* A delimiter first: it ends whatever a damaged line left at the core. */
    uint8_t wire[1 + PROTO_WIRE_MAX];
};

struct session {
    struct link *link; /* owned by the target */
    struct frame_receiver receiver;
    uint8_t in[4096]; /* bytes read; in_at of in_size are taken */
    size_t in_at, in_size;
    bool open;      /* HELLO was answered and the core has not restarted since */
    bool restarted; /* the core has said so, without a trap: a new HELLO may be tried */
    uint32_t nonce;
    uint8_t next_seq;
    unsigned window;
    struct session_slot slots[PROTO_WINDOW_MAX];
    unsigned first, count;             /* ring */
    enum proto_status write_status;    /* the first WRITE that failed since the last drain */
    uint8_t answer[PROTO_PAYLOAD_MAX]; /* to the last request that was no WRITE */
    size_t answer_size;
    size_t chunk_bytes; /* of data in a frame now: small on a noisy line */
    unsigned good_answers;
    bool noisy;         /* frames came damaged, there or here */
    bool rate_on_trial; /* session_rate.c: it is given up sooner */
    int latency_ms;     /* smoothed */
    struct target_statistics statistics;
};

/* An answer; data lives until the next call. */
struct session_answer {
    enum proto_status status;
    uint8_t detail[PROTO_STATUS_BYTES - 1];
    const uint8_t *data;
    size_t size;
};

/* work_ms: about how long the core will compute; it is given that much more time before a
 * repetition, and much more before the host gives up. */
struct session_request {
    enum proto_type type;
    const uint8_t *payload;
    size_t size;
    int work_ms, patience_ms; /* patience_ms 0: the default */
};

void session_init(struct session *session, struct link *link);

/* Starts the numbering afresh; fills info. */
MUST_CHECK enum status session_hello(struct session *session, struct target_info *info,
                                     struct error *err);

/* Sends bytes into a space in frames of suitable size, without waiting for the last answers. */
MUST_CHECK enum status session_write(struct session *session, enum proto_space space,
                                     uint32_t offset, const uint8_t *bytes, size_t size,
                                     struct error *err);

/* Waits for the answers to all WRITEs; fails if one was refused. */
MUST_CHECK enum status session_drain(struct session *session, struct error *err);

/* Drains, sends a request and waits for its answer. STATUS_OK also if the core refuses
 * (answer->status). */
MUST_CHECK enum status session_ask(struct session *session, const struct session_request *request,
                                   struct session_answer *answer, struct error *err);

/* The same; a refusal is an error that says what was asked. */
MUST_CHECK enum status session_demand(struct session *session,
                                      const struct session_request *request,
                                      struct session_answer *answer, struct error *err);

/* Error text for a refusal. Returns STATUS_LINK, or STATUS_INPUT where the request was at fault. */
MUST_CHECK enum status session_refused(const struct session *session, enum proto_type type,
                                       enum proto_status status, struct error *err);

const char *session_status_text(unsigned status);
const char *session_type_name(unsigned type);

/* "the core trapped in layer 2: illegal instruction (mcause 0x2) at pc 0x00101234, value 0x..." */
void session_trap_text(const uint8_t *payload, char *out, size_t size);
enum { SESSION_TRAP_BYTES = 14 };

#endif
