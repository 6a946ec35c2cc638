// SPDX-License-Identifier: Apache-2.0
/* A thread for each core takes images from a counter; cores of other processes are asked through a
 * crew. The lock guards the counter, what is done, and the first error. */
#include "measure/measure_team.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "target/target_identity.h"
#include "team/crew.h"

struct measure_team {
    const struct measure_subject *subject;
    const struct measure_options *options;
    struct measure_cores cores;
    struct measure_subject *own; /* [cores.count] with a target each, the first one borrowed */
    struct crew *crew;           /* NULL: alone, or not the first process */
    double first_seconds;        /* that image 0 took */
    /* under lock */
    pthread_mutex_t lock;
    size_t next;
    struct measure_image *images; /* [samples] */
    size_t done;
    struct progress *progress;
    enum status status;
    struct error error;
};

_Static_assert(sizeof(struct measure_image) <= CREW_BYTES, "an image's result fits a message");

enum { RECOVERIES = 3 };

struct core_thread {
    struct measure_team *team;
    size_t core; /* own ones first */
};

static enum status open_core(struct measure_team *team, size_t i, struct error *err)
{
    enum status status = STATUS_OK;
    team->own[i] = *team->subject;
    if (i > 0) {
        team->own[i].target = NULL;
        status = target_open(team->cores.name, &team->own[i].target, err);
    }
    if (status == STATUS_OK)
        status = target_load(team->own[i].target, team->subject->container, err);
    return status;
}

static void close_core(struct measure_team *team, size_t i)
{
    if (team->own[i].target != team->subject->target)
        target_close(team->own[i].target);
    team->own[i].target = NULL;
}

/* On own core i, which is opened again if it is lost: a simulator that got no time to answer. */
static enum status measure_on(struct measure_team *team, size_t i, size_t image,
                              struct measure_image *out, struct error *err)
{
    unsigned tries = 0;
    enum status status = measure_one(&team->own[i], team->options->tier, image, out, err);
    while (status == STATUS_LINK && tries < RECOVERIES && !interrupt_requested()) {
        tries++;
        close_core(team, i);
        status = target_open(team->cores.name, &team->own[i].target, err);
        if (status == STATUS_OK)
            status = target_load(team->own[i].target, team->subject->container, err);
        if (status == STATUS_OK)
            status = measure_one(&team->own[i], team->options->tier, image, out, err);
    }
    out->reopened = tries;
    return status;
}

/* Whether the first process has the same kind of core. */
static enum status check_same_core(const struct measure_team *team, struct error *err)
{
    uint32_t own = 0;
    enum status status =
        target_identity(team->cores.name, target_info(team->subject->target), &own, err);
    status = team_agree(team->cores.team, status, err);
    if (status != STATUS_OK)
        return status;
    uint32_t crc = own;
    team_broadcast(team->cores.team, &crc, sizeof crc);
    if (crc == own)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: another core, simulator or firmware than on the first process's host "
                     "(mpq info TARGET)",
                     team->cores.name);
}

static enum status open_cores(struct measure_team *team, struct error *err)
{
    enum status status = measure_check(team->subject, team->options, err);
    team->own = calloc(team->cores.count, sizeof *team->own);
    team->images = calloc(team->options->samples + 1, sizeof *team->images);
    if (status == STATUS_OK && (!team->own || !team->images))
        status =
            error_set(err, STATUS_NO_MEMORY, "%zu images: out of memory", team->options->samples);
    for (size_t i = 0; i < team->cores.count && status == STATUS_OK; i++)
        status = open_core(team, i, err);
    return team_agree(team->cores.team, status, err);
}

static enum status measure_first(struct measure_team *team, struct error *err)
{
    const double began = clock_seconds();
    const enum status status =
        measure_one(&team->own[0], team->options->tier, 0, &team->images[0], err);
    team->first_seconds = clock_seconds() - began;
    team->next = team->done = 1;
    return status;
}

/* At a seat of another process. */
static enum status measure_for_first(void *context, size_t seat, const void *request, size_t size,
                                     void *answer, size_t *answer_size, struct error *err)
{
    struct measure_team *team = context;
    struct measure_image one;
    size_t image;
    (void)size;
    memcpy(&image, request, sizeof image);
    const enum status status = measure_on(team, seat, image, &one, err);
    memcpy(answer, &one, sizeof one);
    *answer_size = sizeof one;
    return status;
}

/* The part of this process. */
static enum status begin(struct measure_team *team, struct error *err)
{
    struct team *processes = team->cores.team;
    enum status status = open_cores(team, err);
    if (status == STATUS_OK)
        status = team_agree(processes, check_same_core(team, err), err);
    if (status == STATUS_OK && team_rank(processes) > 0)
        return crew_serve(processes, team->cores.count, measure_for_first, team, err);
    if (status == STATUS_OK && processes)
        status = crew_open(processes, &team->crew, err);
    return status == STATUS_OK ? measure_first(team, err) : status;
}

enum status measure_team_open(const struct measure_subject *subject,
                              const struct measure_options *options,
                              const struct measure_cores *cores, struct measure_team **out,
                              struct error *err)
{
    struct measure_team *team = calloc(1, sizeof *team);
    *out = NULL;
    if (!team)
        return team_agree(cores->team, error_set(err, STATUS_NO_MEMORY, "cores: out of memory"),
                          err);
    team->subject = subject;
    team->options = options;
    team->cores = *cores;
    pthread_mutex_init(&team->lock, NULL);
    const enum status status = begin(team, err);
    if (status != STATUS_OK || team_rank(cores->team) > 0) {
        team->status = status;
        measure_team_close(team);
        return status;
    }
    *out = team;
    return STATUS_OK;
}

size_t measure_team_cores(const struct measure_team *team)
{
    return team->cores.count + (team->crew ? crew_seats(team->crew) : 0);
}

double measure_team_estimate(const struct measure_team *team)
{
    return team->first_seconds * (double)team->options->samples / (double)measure_team_cores(team);
}

/* The next image; false: none is left, or the run is over. */
static bool take_image(struct measure_team *team, size_t *image)
{
    pthread_mutex_lock(&team->lock);
    const bool found = team->status == STATUS_OK && team->next < team->options->samples;
    if (found)
        *image = team->next++;
    pthread_mutex_unlock(&team->lock);
    return found;
}

static void finish_image(struct measure_team *team, enum status status, const struct error *err)
{
    pthread_mutex_lock(&team->lock);
    if (status == STATUS_OK) {
        progress_update(team->progress, ++team->done, NULL);
    } else if (team->status == STATUS_OK) {
        team->status = status;
        team->error = *err;
    }
    pthread_mutex_unlock(&team->lock);
}

static void *core_main(void *argument)
{
    const struct core_thread *thread = argument;
    struct measure_team *team = thread->team;
    size_t image = 0, size = 0;
    while (take_image(team, &image)) {
        uint8_t answer[CREW_BYTES];
        struct error err = {""};
        enum status status;
        if (thread->core < team->cores.count) {
            status = measure_on(team, thread->core, image, &team->images[image], &err);
        } else {
            status = crew_ask(team->crew, thread->core - team->cores.count, &image, sizeof image,
                              answer, &size, &err);
            if (status == STATUS_OK)
                memcpy(&team->images[image], answer, sizeof team->images[image]);
        }
        finish_image(team, status, &err);
    }
    return NULL;
}

static enum status run_threads(struct measure_team *team, struct error *err)
{
    const size_t cores = measure_team_cores(team);
    pthread_t *threads = calloc(cores, sizeof *threads);
    struct core_thread *arguments = calloc(cores, sizeof *arguments);
    size_t started = 0;
    while (threads && arguments && started < cores) {
        arguments[started] = (struct core_thread){team, started};
        if (pthread_create(&threads[started], NULL, core_main, &arguments[started]) != 0)
            break;
        started++;
    }
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    free(arguments);
    return started ? STATUS_OK : error_set(err, STATUS_IO, "cannot start a thread; lower --jobs");
}

/* Says what was compared before the run ended. */
static enum status explain_end(const struct measure_team *team, struct error *err)
{
    const size_t all = team->options->samples;
    size_t differ = 0;
    for (size_t i = 0; i < all; i++)
        differ += team->images[i].done && !team->images[i].equal;
    *err = team->error;
    if (interrupt_requested())
        return error_set(err, STATUS_CANCELLED,
                         "interrupted after %zu of %zu images, %zu of which differed", team->done,
                         all, differ);
    return error_wrap(err, team->status, "after %zu of %zu images, %zu of which differed",
                      team->done, all, differ);
}

enum status measure_team_run(struct measure_team *team, struct progress *progress,
                             struct measure_result *out, struct error *err)
{
    const struct measure_options *options = team->options;
    memset(out, 0, sizeof *out);
    team->progress = progress;
    progress_update(progress, team->done, NULL);
    const enum status status = run_threads(team, err);
    if (status != STATUS_OK)
        return status;
    if (team->status != STATUS_OK)
        return explain_end(team, err);
    for (size_t i = 0; i < options->samples; i++) {
        measure_add(out, i, &team->images[i]);
        if (!team->images[i].equal && options->on_mismatch)
            options->on_mismatch(options->context, &team->images[i].mismatch);
    }
    return STATUS_OK;
}

void measure_team_close(struct measure_team *team)
{
    if (!team)
        return;
    crew_close(team->crew, team->status != STATUS_OK);
    for (size_t i = 0; team->own && i < team->cores.count; i++)
        close_core(team, i);
    pthread_mutex_destroy(&team->lock);
    free(team->own);
    free(team->images);
    free(team);
}
