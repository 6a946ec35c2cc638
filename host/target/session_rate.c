// SPDX-License-Identifier: Apache-2.0
/* Changes of the line's rate. */
#include "target/session_rate.h"

#include <string.h>

#include "bytes.h"
#include "line_rate.h"

enum {
    TRIAL_FRAMES = 15,
    TRIAL_BYTES = 128, /* a frame that comes through on a line of which one in 200 bytes is bad */
    TRIAL_PAUSE_MS = 100, /* more than the usual wait before a repetition */
};

size_t session_rates(uint32_t clock_hz, int most_hz, int rates[SESSION_RATES_MAX])
{
    static const int usual[SESSION_RATES_MAX] = {LINK_BAUD_MAX_HZ, 2500000, 2000000, 1500000,
                                                 1000000,          921600,  460800,  230400};
    size_t count = 0;
    for (size_t i = 0; i < SESSION_RATES_MAX; i++)
        if (usual[i] <= most_hz && line_divisor(clock_hz, (uint32_t)usual[i]))
            rates[count++] = usual[i];
    return count;
}

bool session_is_fast(const struct session *session)
{
    return session->link->baud_hz > PROTO_BAUD_HZ;
}

enum status session_slow_down(struct session *session, struct error *err)
{
    if (!session_is_fast(session))
        return STATUS_OK;
    return session->link->ops->set_baud(session->link, PROTO_BAUD_HZ, err);
}

/* Edges in every place, long runs of each level, and every byte. */
static void make_pattern(unsigned number, uint8_t *bytes)
{
    uint32_t state = number + 1;
    for (unsigned i = 0; i < TRIAL_BYTES; i++) {
        static const uint8_t levels[] = {0x55, 0xff, 0xaa, 0x80, 0x01, 0xfe, 0x7f, 0x0f};
        state = state * 1664525u + 1013904223u;
        bytes[i] = number % 3 == 0   ? (uint8_t)(i + number / 3 * TRIAL_BYTES)
                   : number % 3 == 1 ? levels[(i / 32 + number / 3) % sizeof levels]
                                     : (uint8_t)(state >> 24);
    }
}

/* Sends the pattern there and back. *passed: undamaged, at the first try, at this rate. */
static enum status try_rate(struct session *session, bool *passed, struct error *err)
{
    const uint64_t resent = session->statistics.frames_resent;
    uint8_t pattern[TRIAL_BYTES];
    enum status status = STATUS_OK;
    *passed = true;
    session->rate_on_trial = true;
    for (unsigned i = 0; i < TRIAL_FRAMES && *passed && !status; i++) {
        struct session_answer answer;
        const struct session_request request = {PROTO_ECHO, pattern, sizeof pattern, TRIAL_PAUSE_MS,
                                                0};
        make_pattern(i, pattern);
        status = session_ask(session, &request, &answer, err);
        *passed = !status && answer.status == PROTO_OK && answer.size == sizeof pattern &&
                  !memcmp(answer.data, pattern, sizeof pattern) &&
                  session->statistics.frames_resent == resent;
    }
    session->rate_on_trial = false;
    return status;
}

/* Asks the core for a rate. *granted: it goes over to it now. */
static enum status ask_rate(struct session *session, int baud_hz, bool *granted, struct error *err)
{
    uint8_t payload[4];
    struct session_answer answer;
    const struct session_request request = {PROTO_RATE, payload, sizeof payload, 0, 0};
    put_u32(payload, (uint32_t)baud_hz);
    const enum status status = session_ask(session, &request, &answer, err);
    *granted = !status && answer.status == PROTO_OK;
    return status;
}

/* Whether the port itself can do a rate. */
static bool port_does(struct link *link, int baud_hz)
{
    struct error unused;
    const bool does = link->ops->set_baud(link, baud_hz, &unused) == STATUS_OK;
    return link->ops->set_baud(link, PROTO_BAUD_HZ, &unused) == STATUS_OK && does;
}

enum outcome { RATE_REFUSED, RATE_FAILED, RATE_STAYS };

/* Goes over to a rate and stays there if it is good. */
static enum status change_rate(struct session *session, int baud_hz, enum outcome *outcome,
                               struct error *err)
{
    struct link *link = session->link;
    bool granted = false, passed = false;
    enum status status = STATUS_OK;
    *outcome = RATE_REFUSED;
    if (port_does(link, baud_hz))
        status = ask_rate(session, baud_hz, &granted, err);
    if (status || !granted)
        return status;
    status = link->ops->set_baud(link, baud_hz, err);
    if (!status)
        status = try_rate(session, &passed, err);
    *outcome = passed ? RATE_STAYS : RATE_FAILED;
    if (status || passed || !session_is_fast(session))
        return status;
    status = ask_rate(session, PROTO_BAUD_HZ, &granted, err); /* it works, but badly */
    return status ? status : session_slow_down(session, err);
}

enum status session_speed_up(struct session *session, uint32_t clock_hz, struct error *err)
{
    int rates[SESSION_RATES_MAX];
    const struct link *link = session->link;
    enum status status = STATUS_OK;
    enum outcome outcome = RATE_REFUSED;
    if (link->baud_hz != PROTO_BAUD_HZ || !link->ops->set_baud)
        return STATUS_OK;
    int most_hz = link->baud_max_hz;
    const size_t count = session_rates(clock_hz, most_hz, rates);
    for (size_t i = 0; i < count && outcome != RATE_STAYS && !status; i++) {
        if (rates[i] > most_hz)
            continue;
        status = change_rate(session, rates[i], &outcome, err);
        if (outcome == RATE_FAILED)
            most_hz = rates[i] / 2; /* one that is little slower fails too, and each costs time */
    }
    session->chunk_bytes = PROTO_DATA_MAX; /* a rate that failed says nothing of this one */
    return status;
}

void session_leave(struct session *session)
{
    uint8_t payload[4], frame[PROTO_FRAME_MAX], wire[32];
    struct error unused;
    if (!session->open || !session_is_fast(session) || session->count)
        return;
    put_u32(payload, PROTO_BAUD_HZ);
    const size_t size =
        frame_encode(PROTO_RATE, session->next_seq++, payload, sizeof payload, frame, wire);
    if (session->link->ops->write(session->link, wire, size, &unused) != STATUS_OK)
        session->open = false; /* the line is gone, and with it the question */
}
