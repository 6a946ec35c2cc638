// SPDX-License-Identifier: Apache-2.0
/* The side that works: the calling thread takes messages, one thread for each seat does the work.
 * The lock guards the seats. */
#include "team/crew.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "team/crew_message.h"

static const long FOLLOWER_PAUSE_NS = 1000000;

struct serving;

struct seat {
    struct serving *serving;
    size_t number;
    pthread_t thread;
    pthread_cond_t called;
    size_t size; /* of the request; 0: there is none */
    uint8_t request[TEAM_MESSAGE_BYTES];
};

struct serving {
    struct team *team;
    crew_do_fn *work;
    void *context;
    struct seat *seats;
    size_t started;
    pthread_mutex_t lock;
    bool ending;
    unsigned answers; /* sent so far */
};

/* The seat's next request into bytes; its size, 0 at the end. */
static size_t next_request(struct seat *seat, uint8_t *bytes)
{
    struct serving *serving = seat->serving;
    pthread_mutex_lock(&serving->lock);
    while (!seat->size && !serving->ending) {
        pthread_cond_wait(&seat->called, &serving->lock);
    }
    const size_t size = seat->size;
    memcpy(bytes, seat->request, size);
    seat->size = 0;
    pthread_mutex_unlock(&serving->lock);
    return size;
}

static void answer(struct seat *seat, const uint8_t *request, size_t size)
{
    struct serving *serving = seat->serving;
    struct crew_answer out = {.status = STATUS_OK};
    struct error err = {""};
    size_t used = 0;
    out.status =
        serving->work(serving->context, seat->number, request, size, out.bytes, &used, &err);
    if (out.status != STATUS_OK) {
        used = strlen(err.text);
        memcpy(out.bytes, err.text, used);
    }
    team_send(serving->team, 0, (int)seat->number, &out, CREW_ANSWER_HEAD + used);
    pthread_mutex_lock(&serving->lock);
    serving->answers++;
    pthread_mutex_unlock(&serving->lock);
}

static void *seat_main(void *argument)
{
    struct seat *seat = argument;
    uint8_t request[TEAM_MESSAGE_BYTES];
    for (size_t size = next_request(seat, request); size > 0; size = next_request(seat, request)) {
        answer(seat, request, size);
    }
    return NULL;
}

static void call(struct serving *serving, int tag, const uint8_t *bytes, size_t size)
{
    struct seat *seat = &serving->seats[tag];
    pthread_mutex_lock(&serving->lock);
    memcpy(seat->request, bytes, size);
    seat->size = size;
    pthread_cond_signal(&seat->called);
    pthread_mutex_unlock(&serving->lock);
}

static unsigned count_answers(struct serving *serving)
{
    pthread_mutex_lock(&serving->lock);
    const unsigned answers = serving->answers;
    pthread_mutex_unlock(&serving->lock);
    return answers;
}

/* Until the first process says stop; whether at once. */
static bool take_requests(struct serving *serving)
{
    uint8_t bytes[TEAM_MESSAGE_BYTES];
    unsigned answers = 0;
    long pause_ns = 0;
    for (;;) {
        int rank, tag;
        size_t size;
        if (team_receive(serving->team, &rank, &tag, bytes, &size)) {
            struct crew_stop stop;
            memcpy(&stop, bytes, sizeof stop);
            if (tag == CREW_STOP) {
                return stop.at_once != 0;
            }
            call(serving, tag, bytes, size);
            pause_ns = 0;
            continue;
        }
        const unsigned now = count_answers(serving);
        pause_ns = now != answers ? 0 : pause_ns; /* who has answered is asked again soon */
        answers = now;
        crew_pause(&pause_ns, FOLLOWER_PAUSE_NS);
    }
}

static enum status start_seats(struct serving *serving, size_t seats, struct error *err)
{
    serving->seats = calloc(seats, sizeof *serving->seats);
    if (!serving->seats) {
        return error_set(err, STATUS_NO_MEMORY, "%zu seats: out of memory", seats);
    }
    for (size_t i = 0; i < seats; i++) {
        struct seat *seat = &serving->seats[i];
        seat->serving = serving;
        seat->number = i;
        pthread_cond_init(&seat->called, NULL);
        if (pthread_create(&seat->thread, NULL, seat_main, seat) != 0) {
            return error_set(err, STATUS_IO, "cannot start a thread; lower --jobs");
        }
        serving->started++;
    }
    return STATUS_OK;
}

static void end_seats(struct serving *serving)
{
    pthread_mutex_lock(&serving->lock);
    serving->ending = true;
    for (size_t i = 0; i < serving->started; i++) {
        pthread_cond_signal(&serving->seats[i].called);
    }
    pthread_mutex_unlock(&serving->lock);
    for (size_t i = 0; i < serving->started; i++) {
        pthread_join(serving->seats[i].thread, NULL);
        pthread_cond_destroy(&serving->seats[i].called);
    }
    free(serving->seats);
}

enum status crew_serve(struct team *team, size_t seats, crew_do_fn *work, void *context,
                       struct error *err)
{
    struct serving serving = {.team = team, .work = work, .context = context};
    pthread_mutex_init(&serving.lock, NULL);
    enum status status = start_seats(&serving, seats, err);
    const struct crew_hello hello = {.seats = status == STATUS_OK ? seats : 0};
    team_send(team, 0, CREW_HELLO, &hello, sizeof hello);
    if (take_requests(&serving)) {
        interrupt_request();
        status = status == STATUS_OK
                     ? error_set(err, STATUS_CANCELLED, "ended by the first process")
                     : status;
    }
    end_seats(&serving);
    pthread_mutex_destroy(&serving.lock);
    return status;
}
