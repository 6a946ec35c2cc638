// SPDX-License-Identifier: Apache-2.0
/* Candidates on their way between processes. */
#include "search/dse_team.h"

#include <stdlib.h>
#include <string.h>

#include "model_format.h"
#include "team/crew.h"

enum dse_call { CALL_EVALUATE, CALL_SCREEN, CALL_VERIFY, CALL_PROFILE };

struct dse_request {
    enum dse_call call;
    size_t end; /* VERIFY */
    struct candidate candidate;
};

/* Cycles and bytes of the layers, then the rest. */
enum { PROFILE_REST = 5, PROFILE_VALUES = 2 * MODEL_MAX_LAYERS + PROFILE_REST };

_Static_assert(sizeof(struct dse_request) <= CREW_BYTES, "a candidate fits a message");
_Static_assert(PROFILE_VALUES * sizeof(uint64_t) <= CREW_BYTES, "a profile fits a message");

struct dse_team {
    struct dse_workers own;
    struct crew *crew;
};

/* A worker: own, or that of a seat. */
struct team_worker {
    struct dse_team *team;
    void *own;   /* NULL: another process's */
    size_t seat; /* there */
};

enum status dse_team_open(struct team *team, const struct dse_workers *own, struct dse_team **out,
                          struct error *err)
{
    struct dse_team *workers = calloc(1, sizeof *workers);
    enum status status =
        workers ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    *out = NULL;
    status = team_agree(team, status, err); /* the others have opened theirs */
    if (workers && status == STATUS_OK) {
        workers->own = *own;
        status = crew_open(team, &workers->crew, err);
    }
    if (status != STATUS_OK) {
        free(workers);
        return status;
    }
    *out = workers;
    return STATUS_OK;
}

size_t dse_team_jobs(const struct dse_team *workers)
{
    return workers->own.jobs + crew_seats(workers->crew);
}

void dse_team_close(struct dse_team *workers, bool at_once)
{
    if (workers) {
        crew_close(workers->crew, at_once);
        free(workers);
    }
}

/* ---- The first process's side ---- */

static enum status open_worker(void *context, size_t number, void **out, struct error *err)
{
    struct dse_team *team = context;
    struct team_worker *worker = calloc(1, sizeof *worker);
    enum status status = STATUS_OK;
    *out = NULL;
    if (!worker) {
        return error_set(err, STATUS_NO_MEMORY, "worker %zu: out of memory", number);
    }
    worker->team = team;
    if (number < team->own.jobs) {
        status = team->own.ops->open(team->own.context, number, &worker->own, err);
    } else {
        worker->seat = number - team->own.jobs;
    }
    if (status != STATUS_OK) {
        free(worker);
        return status;
    }
    *out = worker;
    return STATUS_OK;
}

static void close_worker(void *state)
{
    struct team_worker *worker = state;
    if (worker->own) {
        worker->team->own.ops->close(worker->own);
    }
    free(worker);
}

static enum status ask(const struct team_worker *worker, enum dse_call call,
                       struct candidate *candidate, size_t end, struct error *err)
{
    const struct dse_request request = {call, end, *candidate};
    uint8_t answer[CREW_BYTES];
    size_t size = 0;
    const enum status status =
        crew_ask(worker->team->crew, worker->seat, &request, sizeof request, answer, &size, err);
    if (status == STATUS_OK) {
        memcpy(candidate, answer, sizeof *candidate);
    }
    return status;
}

static enum status evaluate(void *state, struct candidate *candidate, struct error *err)
{
    const struct team_worker *worker = state;
    return worker->own ? worker->team->own.ops->evaluate(worker->own, candidate, err)
                       : ask(worker, CALL_EVALUATE, candidate, 0, err);
}

static enum status screen(void *state, struct candidate *candidate, struct error *err)
{
    const struct team_worker *worker = state;
    return worker->own ? worker->team->own.ops->screen(worker->own, candidate, err)
                       : ask(worker, CALL_SCREEN, candidate, 0, err);
}

static enum status verify(void *state, struct candidate *candidate, size_t end, struct error *err)
{
    const struct team_worker *worker = state;
    return worker->own ? worker->team->own.ops->verify(worker->own, candidate, end, err)
                       : ask(worker, CALL_VERIFY, candidate, end, err);
}

static size_t put_profile(const struct dse_profile *profile, size_t layers, uint64_t *values)
{
    memcpy(values, profile->layer_cycles, layers * sizeof *values);
    memcpy(values + layers, profile->layer_bytes, layers * sizeof *values);
    values[2 * layers] = (uint64_t)profile->other_cycles;
    values[2 * layers + 1] = profile->other_bytes;
    values[2 * layers + 2] = profile->fixed_ram_bytes;
    values[2 * layers + 3] = profile->target_ram_bytes;
    values[2 * layers + 4] = profile->too_large;
    return (2 * layers + PROFILE_REST) * sizeof *values;
}

static void get_profile(const uint64_t *values, size_t layers, struct dse_profile *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out->layer_cycles, values, layers * sizeof *values);
    memcpy(out->layer_bytes, values + layers, layers * sizeof *values);
    out->other_cycles = (int64_t)values[2 * layers];
    out->other_bytes = values[2 * layers + 1];
    out->fixed_ram_bytes = values[2 * layers + 2];
    out->target_ram_bytes = values[2 * layers + 3];
    out->too_large = values[2 * layers + 4] != 0;
}

static enum status profile(void *state, const int *bits, struct dse_profile *out, struct error *err)
{
    const struct team_worker *worker = state;
    const struct dse_workers *own = &worker->team->own;
    const size_t layers = (size_t)own->layer_count;
    struct dse_request request = {.call = CALL_PROFILE};
    uint64_t answer[CREW_BYTES / sizeof(uint64_t)];
    size_t size = 0;
    if (worker->own) {
        return own->ops->profile(worker->own, bits, out, err);
    }
    memcpy(request.candidate.bits, bits, layers * sizeof *bits);
    const enum status status =
        crew_ask(worker->team->crew, worker->seat, &request, sizeof request, answer, &size, err);
    if (status == STATUS_OK) {
        get_profile(answer, layers, out);
    }
    return status;
}

const struct dse_ops dse_team_ops = {
    .open = open_worker,
    .close = close_worker,
    .evaluate = evaluate,
    .screen = screen,
    .verify = verify,
    .profile = profile,
};

/* ---- The others' side ---- */

struct serving {
    const struct dse_workers *own;
    void **workers; /* [own->jobs] */
};

static enum status do_profile(const struct serving *serving, void *worker, const int *bits,
                              void *answer, size_t *answer_size, struct error *err)
{
    struct dse_profile profile;
    const enum status status = serving->own->ops->profile(worker, bits, &profile, err);
    if (status == STATUS_OK) {
        *answer_size = put_profile(&profile, (size_t)serving->own->layer_count, answer);
    }
    return status;
}

static enum status do_request(void *context, size_t seat, const void *bytes, size_t size,
                              void *answer, size_t *answer_size, struct error *err)
{
    const struct serving *serving = context;
    const struct dse_ops *ops = serving->own->ops;
    void *worker = serving->workers[seat];
    struct dse_request request;
    enum status status = STATUS_OK;
    (void)size;
    memcpy(&request, bytes, sizeof request);
    switch (request.call) {
    case CALL_EVALUATE:
        status = ops->evaluate(worker, &request.candidate, err);
        break;
    case CALL_SCREEN:
        status = ops->screen(worker, &request.candidate, err);
        break;
    case CALL_VERIFY:
        status = ops->verify(worker, &request.candidate, request.end, err);
        break;
    case CALL_PROFILE:
        return do_profile(serving, worker, request.candidate.bits, answer, answer_size, err);
    }
    memcpy(answer, &request.candidate, sizeof request.candidate);
    *answer_size = sizeof request.candidate;
    return status;
}

enum status dse_team_serve(struct team *team, const struct dse_workers *own, struct error *err)
{
    struct serving serving = {own, calloc(own->jobs, sizeof(void *))};
    enum status status =
        serving.workers ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    for (size_t i = 0; i < own->jobs && status == STATUS_OK; i++) {
        status = own->ops->open(own->context, i, &serving.workers[i], err);
    }
    status = team_agree(team, status, err);
    if (status == STATUS_OK) {
        status = crew_serve(team, own->jobs, do_request, &serving, err);
    }
    for (size_t i = 0; serving.workers && i < own->jobs; i++) {
        if (serving.workers[i]) {
            own->ops->close(serving.workers[i]);
        }
    }
    free(serving.workers);
    return status;
}
