// SPDX-License-Identifier: Apache-2.0
/* Sliding window with go-back-N on the loader's protocol. */
#include "target/session.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/progress.h"
#include "bytes.h"
#include "target/session_rate.h"

enum {
    SLICE_MS = 200, /* how long a read may wait, so that Ctrl-C is seen */
    PAUSE_MIN_MS = 200,
    PAUSE_MAX_MS = 4000,
    PAUSE_FAST_MS = 1000, /* the same where the core may have left the rate: it does so sooner */
    PATIENCE_MS = 10000,
    WORK_FACTOR = 40, /* patience per expected time of work */
    NOISE_FACTOR = 4, /* more patience where frames come damaged */
    TRIES_MIN = 3,
    TRIES_MAX = 200,
    CHUNK_MIN = 64,
    NOISY_WINDOW = 4, /* requests on their way where even the smallest come damaged */
    GOOD_ANSWERS_TO_GROW = 16,
    RATE_TRIES = 3, /* at a rate other than that of start-up, before it is given up */
    RATE_TRIAL_TRIES = 2,
    WRITE_HEAD = 8,
};

/* One wait: from the last progress on. */
struct patience {
    int64_t began_ms, sent_ms; /* clock */
    int silent_ms;             /* without a byte, as the link waited */
    int pause_ms, waited_ms;   /* until the next repetition */
    int limit_ms, work_ms;
    unsigned tries, damaged; /* frames sent again; frames that came damaged, there or here */
};

enum event { EVENT_SILENCE, EVENT_NOISE, EVENT_PROGRESS };

void session_init(struct session *session, struct link *link)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    memset(session, 0, sizeof *session);
    session->link = link;
    session->nonce = (uint32_t)t.tv_nsec ^ (uint32_t)t.tv_sec << 12 ^ (uint32_t)getpid() << 20;
    session->chunk_bytes = PROTO_DATA_MAX;
    frame_receiver_init(&session->receiver);
}

static struct session_slot *slot_at(struct session *session, unsigned index)
{
    return &session->slots[(session->first + index) % PROTO_WINDOW_MAX];
}

/* The place of the unanswered request with this number; count if there is none. */
static unsigned find_slot(struct session *session, uint8_t seq)
{
    unsigned i = 0;
    while (i < session->count && slot_at(session, i)->seq != seq)
        i++;
    return i;
}

static void drop_slots(struct session *session, unsigned count)
{
    session->first = (session->first + count) % PROTO_WINDOW_MAX;
    session->count -= count;
}

/* All behind a damaged frame are sent again: on a bad line, many on their way are so much noise. */
static unsigned window_now(const struct session *session)
{
    return session->chunk_bytes <= CHUNK_MIN && session->window > NOISY_WINDOW ? NOISY_WINDOW
                                                                               : session->window;
}

/* A damaged frame: smaller ones have a better chance. */
static void note_damage(struct session *session)
{
    session->good_answers = 0;
    if (session->chunk_bytes > CHUNK_MIN)
        session->chunk_bytes /= 2;
}

/* A repeated request's answer says nothing of the latency where frames get lost (Karn and Partridge
 * 1987); where none does, the answer is late, and to the first sending. */
static void note_answer(struct session *session, const struct session_slot *slot)
{
    const int64_t sample = clock_ms() - slot->sent_ms;
    const int bounded = sample < PAUSE_MAX_MS ? (int)sample : PAUSE_MAX_MS;
    if (!slot->repeated || !session->noisy)
        session->latency_ms +=
            (bounded - session->latency_ms + (bounded > session->latency_ms) * 3) / 4;
    if (++session->good_answers >= GOOD_ANSWERS_TO_GROW && session->chunk_bytes < PROTO_DATA_MAX) {
        session->chunk_bytes *= 2;
        session->good_answers = 0;
    }
}

static enum status send_slot(struct session *session, struct session_slot *slot, bool again,
                             struct error *err)
{
    slot->repeated = again;
    const size_t skip = again || slot->type == PROTO_HELLO ? 0 : 1;
    session->statistics.bytes_sent += slot->wire_size - skip;
    session->statistics.frames_sent++;
    session->statistics.frames_resent += again;
    return session->link->ops->write(session->link, slot->wire + skip, slot->wire_size - skip, err);
}

/* Repeats the oldest unanswered request and all behind it. */
static enum status resend(struct session *session, struct patience *patience, struct error *err)
{
    enum status status = STATUS_OK;
    note_damage(session);
    patience->tries++;
    patience->waited_ms = 0;
    for (unsigned i = 0; i < session->count && !status; i++)
        status = send_slot(session, slot_at(session, i), true, err);
    patience->sent_ms = clock_ms();
    return status;
}

static bool is_right_hello(const struct session *session, const uint8_t *payload, size_t size)
{
    return payload[0] != PROTO_OK ||
           (size == PROTO_STATUS_BYTES + HELLO_DATA_BYTES &&
            get_u32(payload + PROTO_STATUS_BYTES + HELLO_NONCE) == session->nonce);
}

/* Takes an answer; false if it answers nothing that waits (a repetition, an older session's). */
static bool take_answer(struct session *session, uint8_t type, uint8_t seq, const uint8_t *payload,
                        size_t size)
{
    const unsigned place = find_slot(session, seq);
    if (place == session->count || size < PROTO_STATUS_BYTES)
        return false;
    const struct session_slot *slot = slot_at(session, place);
    if (type != (slot->type | PROTO_RESPONSE))
        return false;
    if (slot->type == PROTO_HELLO && !is_right_hello(session, payload, size))
        return false;
    if (slot->type == PROTO_WRITE) {
        if (!session->write_status)
            session->write_status = payload[0];
    } else {
        memcpy(session->answer, payload, size);
        session->answer_size = size;
    }
    if (payload[0] == PROTO_E_NO_SESSION) {
        session->open = false;
        session->restarted = true;
    }
    note_answer(session, slot);
    drop_slots(session, place + 1);
    return true;
}

static enum status take_nak(struct session *session, const uint8_t *payload, size_t size,
                            struct patience *patience, enum event *event, struct error *err)
{
    session->statistics.naks++;
    session->noisy = true;
    patience->damaged++;
    if (size != 2 || session->count == 0)
        return STATUS_OK;
    const unsigned place = find_slot(session, payload[0]);
    if (place == session->count && slot_at(session, 0)->type != PROTO_HELLO)
        return STATUS_OK; /* all was executed, or the core restarted: the answers will tell */
    if (place < session->count && place > 0) {
        drop_slots(session, place);
        *event = EVENT_PROGRESS;
    }
    return resend(session, patience, err);
}

static enum status take_trap(struct session *session, const uint8_t *payload, size_t size,
                             struct error *err)
{
    char text[256];
    const bool expected = session->count && slot_at(session, 0)->type == PROTO_HELLO;
    if (size != SESSION_TRAP_BYTES || expected)
        return STATUS_OK; /* an earlier session's; HELLO starts afresh */
    session->open = false;
    session_trap_text(payload, text, sizeof text);
    return error_set(err, STATUS_LINK, "%s: %s; it has restarted", session->link->name, text);
}

static enum status take_frame(struct session *session, size_t size, struct patience *patience,
                              enum event *event, struct error *err)
{
    const uint8_t type = session->receiver.bytes[0], seq = session->receiver.bytes[1];
    const uint8_t *payload = session->receiver.bytes + 2;
    if (type == PROTO_NAK)
        return take_nak(session, payload, size, patience, event, err);
    if (type == PROTO_TRAP)
        return take_trap(session, payload, size, err);
    if (take_answer(session, type, seq, payload, size))
        *event = EVENT_PROGRESS;
    return STATUS_OK;
}

/* Reads bytes if none are left; EVENT_SILENCE if none came. */
static enum status fill_input(struct session *session, int timeout_ms, bool *silent,
                              struct error *err)
{
    *silent = false;
    if (session->in_at < session->in_size)
        return STATUS_OK;
    session->in_at = session->in_size = 0;
    const enum status status = session->link->ops->read(
        session->link, session->in, sizeof session->in, timeout_ms, &session->in_size, err);
    session->statistics.bytes_received += session->in_size;
    *silent = !session->in_size;
    return status;
}

/* Works off what has arrived, up to the first frame that matters. */
static enum status next_event(struct session *session, struct patience *patience, int timeout_ms,
                              enum event *event, struct error *err)
{
    bool silent;
    enum status status = fill_input(session, timeout_ms, &silent, err);
    *event = silent ? EVENT_SILENCE : EVENT_NOISE;
    while (!status && session->in_at < session->in_size && *event != EVENT_PROGRESS) {
        size_t size;
        const uint8_t byte = session->in[session->in_at++];
        switch (frame_receiver_feed(&session->receiver, byte, &size)) {
        case FRAME_READY:
            status = take_frame(session, size, patience, event, err);
            break;
        case FRAME_BAD:
            session->noisy = true;
            patience->damaged++;
            note_damage(session);
            break;
        case FRAME_NONE:
            break;
        }
    }
    return status;
}

static int pause_max_ms(const struct session *session)
{
    return session_is_fast(session) ? PAUSE_FAST_MS : PAUSE_MAX_MS;
}

static void begin_patience(const struct session *session, struct patience *patience)
{
    const int pause = PAUSE_MIN_MS + 4 * session->latency_ms, most = pause_max_ms(session);
    patience->began_ms = patience->sent_ms = clock_ms();
    patience->silent_ms = patience->waited_ms = 0;
    patience->pause_ms = (pause < most ? pause : most) + patience->work_ms;
    patience->tries = 1;
    patience->damaged = 0;
}

/* What the user should look at first. */
static const char *silence_hint(const struct session *session, const struct patience *patience)
{
    if (session->open && patience->damaged)
        return "frames were damaged, the line is noisy: shorten the cable, lower the baud rate, "
               "or reset the board";
    if (session->open)
        return "the core hangs or the line is broken: reset the board";
    if (session->statistics.bytes_received > 0)
        return "bytes arrive that are no answer: check the baud rate and that the loader runs on "
               "the core";
    return "check that this is the right port and that the loader runs on the core";
}

static enum status no_answer(struct session *session, const struct patience *patience,
                             struct error *err)
{
    const char *name = session->link->name;
    const char *what = session_type_name(slot_at(session, 0)->type);
    if (patience->tries >= TRIES_MAX)
        return error_set(err, STATUS_LINK,
                         "%s: %s: not one of %u tries came through, the line is too noisy; "
                         "shorten the cable or lower the baud rate",
                         name, what, patience->tries);
    return error_set(err, STATUS_LINK, "%s: no answer to %s after %u tries; %s", name, what,
                     patience->tries, silence_hint(session, patience));
}

/* After a wait that brought nothing: repeat or give up. */
static enum status lose_patience(struct session *session, struct patience *patience,
                                 struct error *err)
{
    const int64_t now = clock_ms();
    const int64_t clock_waited = now - patience->began_ms;
    const int waited = patience->silent_ms > clock_waited ? patience->silent_ms : (int)clock_waited;
    if (interrupt_requested())
        return error_set(err, STATUS_CANCELLED, "%s: interrupted", session->link->name);
    const bool noisy = session->open && patience->damaged; /* and the core is alive */
    if ((waited / (noisy ? NOISE_FACTOR : 1) >= patience->limit_ms &&
         patience->tries >= TRIES_MIN) ||
        patience->tries >= TRIES_MAX)
        return no_answer(session, patience, err);
    if (patience->waited_ms < patience->pause_ms &&
        now - patience->sent_ms < PAUSE_MAX_MS + patience->pause_ms)
        return STATUS_OK;
    session->statistics.timeouts++;
    if (!noisy && patience->pause_ms < pause_max_ms(session) + patience->work_ms)
        patience->pause_ms *= 2;
    if (session_is_fast(session) &&
        patience->tries >= (session->rate_on_trial ? RATE_TRIAL_TRIES : RATE_TRIES)) {
        const enum status status = session_slow_down(session, err);
        if (status)
            return status;
        session->latency_ms = 0;
        begin_patience(session, patience); /* the core has to follow first */
    }
    return resend(session, patience, err);
}

/* Waits until at most `most` requests are unanswered. */
static enum status wait_answers(struct session *session, unsigned most, int work_ms,
                                int patience_ms, struct error *err)
{
    struct patience patience = {.work_ms = work_ms,
                                .limit_ms = (patience_ms ? patience_ms : PATIENCE_MS) +
                                            WORK_FACTOR * work_ms};
    enum status status = STATUS_OK;
    begin_patience(session, &patience);
    while (!status && session->count > most) {
        enum event event;
        const int left = patience.pause_ms - patience.waited_ms;
        const int slice = left < 1 ? 1 : left < SLICE_MS ? left : SLICE_MS;
        status = next_event(session, &patience, slice, &event, err);
        if (status)
            break;
        if (event == EVENT_PROGRESS) {
            begin_patience(session, &patience);
            continue;
        }
        patience.waited_ms = event == EVENT_SILENCE ? patience.waited_ms + slice : 0;
        patience.silent_ms += event == EVENT_SILENCE ? slice : 0;
        status = lose_patience(session, &patience, err);
    }
    return status;
}

/* A failed wait leaves requests of unknown fate: the next one needs a HELLO. */
static enum status abandon(struct session *session, enum status status)
{
    session->open = false;
    session->count = 0;
    return status;
}

/* Puts a request behind the others and sends it. There is room. */
static enum status push(struct session *session, enum proto_type type, const uint8_t *payload,
                        size_t size, struct error *err)
{
    uint8_t frame[PROTO_FRAME_MAX];
    struct session_slot *slot = slot_at(session, session->count);
    slot->type = (uint8_t)type;
    slot->seq = session->next_seq++;
    slot->wire[0] = 0;
    slot->wire_size = 1 + frame_encode(slot->type, slot->seq, payload, size, frame, slot->wire + 1);
    slot->sent_ms = clock_ms();
    session->count++;
    return send_slot(session, slot, false, err);
}

enum status session_drain(struct session *session, struct error *err)
{
    enum status status = wait_answers(session, 0, 0, 0, err);
    if (status)
        return abandon(session, status);
    if (session->write_status) {
        const enum proto_status refusal = session->write_status;
        session->write_status = PROTO_OK;
        return session_refused(session, PROTO_WRITE, refusal, err);
    }
    return STATUS_OK;
}

enum status session_write(struct session *session, enum proto_space space, uint32_t offset,
                          const uint8_t *bytes, size_t size, struct error *err)
{
    uint8_t payload[WRITE_HEAD + PROTO_DATA_MAX] = {(uint8_t)space};
    enum status status = STATUS_OK;
    while (size > 0 && !status) {
        if (session->count >= window_now(session))
            status = wait_answers(session, window_now(session) - 1, 0, 0, err);
        if (status)
            break;
        const size_t part = size < session->chunk_bytes ? size : session->chunk_bytes;
        put_u32(payload + 4, offset);
        memcpy(payload + WRITE_HEAD, bytes, part);
        status = push(session, PROTO_WRITE, payload, WRITE_HEAD + part, err);
        bytes += part;
        offset += (uint32_t)part;
        size -= part;
    }
    return status ? abandon(session, status) : STATUS_OK;
}

static enum status ask(struct session *session, const struct session_request *request,
                       struct session_answer *answer, struct error *err)
{
    enum status status = push(session, request->type, request->payload, request->size, err);
    if (!status)
        status = wait_answers(session, 0, request->work_ms, request->patience_ms, err);
    if (status)
        return abandon(session, status);
    answer->status = session->answer[0];
    memcpy(answer->detail, session->answer + 1, sizeof answer->detail);
    answer->data = session->answer + PROTO_STATUS_BYTES;
    answer->size = session->answer_size - PROTO_STATUS_BYTES;
    return STATUS_OK;
}

enum status session_ask(struct session *session, const struct session_request *request,
                        struct session_answer *answer, struct error *err)
{
    const enum status status = session_drain(session, err);
    return status ? status : ask(session, request, answer, err);
}

enum status session_demand(struct session *session, const struct session_request *request,
                           struct session_answer *answer, struct error *err)
{
    const enum status status = session_ask(session, request, answer, err);
    if (!status && answer->status)
        return session_refused(session, request->type, answer->status, err);
    return status;
}

static void parse_info(const uint8_t *data, struct target_info *info)
{
    info->protocol_version = get_u16(data + HELLO_VERSION);
    info->window = data[HELLO_WINDOW];
    info->tiers = data[HELLO_TIERS];
    info->isa_version = get_u16(data + HELLO_ISA_VERSION);
    info->model_version = get_u16(data + HELLO_MODEL_VERSION);
    info->clock_hz = get_u32(data + HELLO_CLOCK_HZ);
    info->ram_bytes = get_u32(data + HELLO_RAM_BYTES);
    info->model_area_bytes = get_u32(data + HELLO_MODEL_AREA_BYTES);
    info->core_config = get_u32(data + HELLO_CORE_CONFIG);
    info->marchid = get_u32(data + HELLO_MARCHID);
    info->mimpid = get_u32(data + HELLO_MIMPID);
    memcpy(info->firmware, data + HELLO_FIRMWARE, sizeof info->firmware - 1);
    info->firmware[sizeof info->firmware - 1] = '\0';
    info->firmware_id = get_u32(data + HELLO_BUILD_ID);
}

static enum status check_info(const struct session *session, const struct session_answer *answer,
                              struct error *err)
{
    if (answer->status == PROTO_E_VERSION)
        return error_set(err, STATUS_LINK,
                         "%s: the core speaks protocol version %u, this tool %d; "
                         "use firmware and tool of one build",
                         session->link->name, answer->detail[0], PROTO_VERSION);
    return answer->status ? session_refused(session, PROTO_HELLO, answer->status, err) : STATUS_OK;
}

enum status session_hello(struct session *session, struct target_info *info, struct error *err)
{
    uint8_t payload[6];
    struct session_answer answer;
    enum status status = session_slow_down(session, err);
    if (status)
        return status;
    session->count = 0;
    session->open = session->restarted = false;
    session->write_status = PROTO_OK;
    session->nonce = session->nonce * 1664525u + 1013904223u;
    session->next_seq = (uint8_t)(session->nonce >> 24);
    put_u32(payload, session->nonce);
    put_u16(payload + 4, PROTO_VERSION);
    const struct session_request request = {PROTO_HELLO, payload, sizeof payload, 0, 0};
    status = ask(session, &request, &answer, err);
    if (!status)
        status = check_info(session, &answer, err);
    if (status)
        return status;
    parse_info(answer.data, info);
    session->window = info->window < 1                  ? 1
                      : info->window > PROTO_WINDOW_MAX ? PROTO_WINDOW_MAX
                                                        : info->window;
    session->open = true;
    return STATUS_OK;
}
