// SPDX-License-Identifier: Apache-2.0
/* The side that asks. One thread takes all answers and wakes who waits for them; the lock guards
 * the seats. */
#include "team/crew.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "team/crew_message.h"

static const long LEADER_PAUSE_NS = 250000;

struct seat {
    int rank, number; /* the process, its seat */
    pthread_cond_t answered;
    size_t size; /* of the answer; 0: not there yet */
    struct crew_answer answer;
};

struct crew {
    struct team *team;
    size_t count;
    struct seat *seats; /* [count], by rank */
    size_t *first;      /* [team size]: of each process, its first seat's place in seats */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    bool ending, cancelled;
};

static void stop_others(struct crew *crew, bool at_once)
{
    const struct crew_stop stop = {.at_once = at_once};
    for (int rank = 1; rank < team_size(crew->team); rank++) {
        team_send(crew->team, rank, CREW_STOP, &stop, sizeof stop);
    }
}

static void take_answer(struct crew *crew, int rank, int tag, const void *bytes, size_t size)
{
    pthread_mutex_lock(&crew->lock);
    struct seat *seat = &crew->seats[crew->first[rank] + (size_t)tag];
    memcpy(&seat->answer, bytes, size);
    seat->size = size;
    pthread_cond_signal(&seat->answered);
    pthread_mutex_unlock(&crew->lock);
}

/* Nobody waits any longer. */
static void cancel(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->cancelled = true;
    for (size_t i = 0; i < crew->count; i++) {
        pthread_cond_signal(&crew->seats[i].answered);
    }
    pthread_mutex_unlock(&crew->lock);
}

static bool is_ending(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    const bool ending = crew->ending;
    pthread_mutex_unlock(&crew->lock);
    return ending;
}

static void *take_answers(void *argument)
{
    struct crew *crew = argument;
    uint8_t bytes[TEAM_MESSAGE_BYTES];
    long pause_ns = 0;
    bool told = false;
    while (!is_ending(crew)) {
        int rank, tag;
        size_t size;
        if (team_receive(crew->team, &rank, &tag, bytes, &size)) {
            take_answer(crew, rank, tag, bytes, size);
            pause_ns = 0;
            continue;
        }
        if (interrupt_requested() && !told) {
            told = true;
            cancel(crew);
        }
        crew_pause(&pause_ns, LEADER_PAUSE_NS);
    }
    return NULL;
}

/* Waits until each other process has told its seats: seats[team size]. */
static enum status hear_hellos(struct team *team, size_t *seats, struct error *err)
{
    uint8_t bytes[TEAM_MESSAGE_BYTES];
    long pause_ns = 0;
    for (int heard = 1; heard < team_size(team);) {
        int rank, tag;
        size_t size;
        if (interrupt_requested()) {
            return error_set(err, STATUS_CANCELLED, "interrupted");
        }
        if (team_receive(team, &rank, &tag, bytes, &size)) {
            struct crew_hello hello;
            memcpy(&hello, bytes, sizeof hello);
            seats[rank] = (size_t)hello.seats;
            heard++;
            pause_ns = 0;
        } else {
            crew_pause(&pause_ns, LEADER_PAUSE_NS);
        }
    }
    return STATUS_OK;
}

static enum status make_seats(struct crew *crew, const size_t *seats, struct error *err)
{
    const int size = team_size(crew->team);
    for (int rank = 1; rank < size; rank++) {
        if (seats[rank] == 0) {
            return error_set(err, STATUS_IO, "process %d: cannot start its threads; lower --jobs",
                             rank);
        }
        crew->first[rank] = crew->count;
        crew->count += seats[rank];
    }
    crew->seats = calloc(crew->count + 1, sizeof *crew->seats);
    if (!crew->seats) {
        crew->count = 0;
        return error_set(err, STATUS_NO_MEMORY, "%d processes: out of memory", size);
    }
    for (int rank = 1; rank < size; rank++) {
        for (size_t i = 0; i < seats[rank]; i++) {
            struct seat *seat = &crew->seats[crew->first[rank] + i];
            seat->rank = rank;
            seat->number = (int)i;
            pthread_cond_init(&seat->answered, NULL);
        }
    }
    return STATUS_OK;
}

enum status crew_open(struct team *team, struct crew **out, struct error *err)
{
    const size_t size = (size_t)team_size(team);
    struct crew *crew = calloc(1, sizeof *crew);
    size_t *seats = calloc(size, sizeof *seats);
    enum status status = STATUS_OK;
    *out = NULL;
    if (crew) {
        crew->team = team;
        crew->first = calloc(size, sizeof *crew->first);
        pthread_mutex_init(&crew->lock, NULL);
    }
    if (!crew || !crew->first || !seats) {
        status = error_set(err, STATUS_NO_MEMORY, "%zu processes: out of memory", size);
    } else {
        status = hear_hellos(team, seats, err);
    }
    if (status == STATUS_OK) {
        status = make_seats(crew, seats, err);
    }
    if (status == STATUS_OK && pthread_create(&crew->thread, NULL, take_answers, crew) != 0) {
        status = error_set(err, STATUS_IO, "cannot start a thread");
    }
    free(seats);
    if (status != STATUS_OK) {
        crew_close(crew, true);
        return status;
    }
    crew->running = true;
    *out = crew;
    return STATUS_OK;
}

size_t crew_seats(const struct crew *crew)
{
    return crew->count;
}

/* What the answer says. */
static enum status read_answer(const struct seat *seat, void *answer, size_t *answer_size,
                               struct error *err)
{
    const size_t size = seat->size - CREW_ANSWER_HEAD;
    const enum status status = (enum status)seat->answer.status;
    if (status != STATUS_OK) {
        error_format(err, "%.*s", (int)size, (const char *)seat->answer.bytes);
        return error_wrap(err, status, "process %d", seat->rank);
    }
    memcpy(answer, seat->answer.bytes, size);
    *answer_size = size;
    return STATUS_OK;
}

enum status crew_ask(struct crew *crew, size_t place, const void *request, size_t size,
                     void *answer, size_t *answer_size, struct error *err)
{
    struct seat *seat = &crew->seats[place];
    enum status status = STATUS_OK;
    seat->size = 0;
    team_send(crew->team, seat->rank, seat->number, request, size);
    pthread_mutex_lock(&crew->lock);
    while (!seat->size && !crew->cancelled) {
        pthread_cond_wait(&seat->answered, &crew->lock);
    }
    if (crew->cancelled) {
        status = error_set(err, STATUS_CANCELLED, "interrupted");
    } else {
        status = read_answer(seat, answer, answer_size, err);
    }
    pthread_mutex_unlock(&crew->lock);
    return status;
}

void crew_close(struct crew *crew, bool at_once)
{
    if (!crew) {
        return;
    }
    pthread_mutex_lock(&crew->lock);
    crew->ending = true;
    pthread_mutex_unlock(&crew->lock);
    if (crew->running) {
        pthread_join(crew->thread, NULL);
    }
    stop_others(crew, at_once);
    for (size_t i = 0; i < crew->count; i++) {
        pthread_cond_destroy(&crew->seats[i].answered);
    }
    pthread_mutex_destroy(&crew->lock);
    free(crew->seats);
    free(crew->first);
    free(crew);
}
