// SPDX-License-Identifier: Apache-2.0
/* Threads that take stretches of candidates from a shared list. When it is empty, they take from what
 * others have taken and not begun, so that a slow worker delays the end by one candidate at most.
 * The lock guards the counters, what is held, and the first error. */
#include "search/dse_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/dse_record.h"

struct dse_pool {
    const struct dse_options *options;
    const struct dse_ops *ops;
    struct journal *journal;
    void **workers; /* [jobs]; NULL: taken out */
    bool *lost;     /* [jobs] to be taken out when the threads have ended */
    struct stretch {
        size_t first, end;
    } * held; /* [jobs] taken and not begun */
    /* the run at hand */
    enum dse_task task;
    struct candidate **candidates;
    size_t count;
    int leading; /* groups that are the same in one stretch */
    struct progress *progress;
    pthread_mutex_t lock;
    size_t next, done;
    enum status status;
    struct error error;
};

struct pool_thread {
    struct dse_pool *pool;
    size_t number; /* of its worker */
};

enum status dse_pool_open(const struct dse_options *options, const struct dse_ops *ops,
                          void *context, struct journal *journal, struct dse_pool **out,
                          struct error *err)
{
    enum status status = STATUS_OK;
    struct dse_pool *pool = calloc(1, sizeof *pool);
    *out = NULL;
    if (!pool) {
        return error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    *pool = (struct dse_pool){.options = options,
                              .ops = ops,
                              .journal = journal,
                              .workers = calloc(options->jobs, sizeof *pool->workers),
                              .lost = calloc(options->jobs, sizeof *pool->lost),
                              .held = calloc(options->jobs, sizeof *pool->held)};
    pthread_mutex_init(&pool->lock, NULL);
    if (!pool->workers || !pool->lost || !pool->held) {
        status = error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    for (size_t i = 0; i < options->jobs && status == STATUS_OK; i++) {
        status = ops->open(context, i, &pool->workers[i], err);
    }
    if (status != STATUS_OK) {
        dse_pool_close(pool);
        return status;
    }
    *out = pool;
    return STATUS_OK;
}

void dse_pool_close(struct dse_pool *pool)
{
    if (!pool) {
        return;
    }
    dse_pool_progress(pool, NULL, 0, NULL);
    for (size_t i = 0; pool->workers && i < pool->options->jobs; i++) {
        if (pool->workers[i]) {
            pool->ops->close(pool->workers[i]);
        }
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool->lost);
    free(pool->held);
    free(pool);
}

static void pool_fail(struct dse_pool *pool, enum status status, const struct error *error)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->status == STATUS_OK) {
        pool->status = status;
        pool->error = *error;
    }
    pthread_mutex_unlock(&pool->lock);
}

/* One candidate from evaluation to journal. */
static enum status pool_do(struct dse_pool *pool, void *worker, struct candidate *candidate,
                           struct error *err)
{
    char bits[4 * NET_MAX_LAYERS];
    const int layer_count = pool->options->space.layer_count;
    enum status status = STATUS_OK;
    if (pool->task == DSE_VERIFY) {
        status = pool->ops->verify(worker, candidate, pool->options->front_samples, err);
    } else {
        status = pool->task == DSE_SCREEN ? pool->ops->screen(worker, candidate, err)
                                          : pool->ops->evaluate(worker, candidate, err);
    }
    if (status != STATUS_OK) {
        results_bits_text(candidate->bits, layer_count, bits, sizeof bits);
        return error_wrap(err, status, "candidate %s", bits);
    }
    return pool->task == DSE_SCREEN
               ? dse_record_append_screened(pool->journal, candidate, layer_count, err)
               : dse_record_append(pool->journal, candidate, layer_count, err);
}

static bool same_stretch(const struct dse_pool *pool, size_t a, size_t b)
{
    const struct dse_space *space = &pool->options->space;
    const int *x = pool->candidates[a]->bits, *y = pool->candidates[b]->bits;
    int g = 0;
    while (g < pool->leading && dse_space_width(space, g, x) == dse_space_width(space, g, y)) {
        g++;
    }
    return g == pool->leading;
}

/* The latter half of the longest stretch that another worker holds; empty if there is none. */
static struct stretch take_from_others(struct dse_pool *pool)
{
    struct stretch *longest = &pool->held[0];
    for (size_t i = 1; i < pool->options->jobs; i++) {
        if (pool->held[i].end - pool->held[i].first > longest->end - longest->first) {
            longest = &pool->held[i];
        }
    }
    const struct stretch taken = {longest->first + (longest->end - longest->first) / 2,
                                  longest->end};
    longest->end = taken.first;
    return taken;
}

/* The next stretch of the list, or of what others hold. */
static struct stretch take_stretch(struct dse_pool *pool)
{
    struct stretch taken = {pool->next, pool->next};
    while (taken.end < pool->count &&
           (taken.end == taken.first || same_stretch(pool, taken.first, taken.end))) {
        taken.end++;
    }
    pool->next = taken.end;
    return taken.first < taken.end ? taken : take_from_others(pool);
}

/* The worker's next candidate. False: nothing is left, or the run is over. */
static bool pool_take(struct dse_pool *pool, size_t worker, size_t *candidate)
{
    struct stretch *held = &pool->held[worker];
    pthread_mutex_lock(&pool->lock);
    if (pool->status == STATUS_OK && held->first == held->end) {
        *held = take_stretch(pool);
    }
    const bool found = pool->status == STATUS_OK && held->first < held->end;
    if (found) {
        *candidate = held->first++;
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

static void pool_done(struct dse_pool *pool, const struct candidate *candidate)
{
    char bits[4 * NET_MAX_LAYERS];
    results_bits_text(candidate->bits, pool->options->space.layer_count, bits, sizeof bits);
    pthread_mutex_lock(&pool->lock);
    progress_update(pool->progress, ++pool->done, bits);
    pthread_mutex_unlock(&pool->lock);
}

/* The worker's core is gone. */
static void pool_lose(struct dse_pool *pool, size_t worker, const struct error *error)
{
    char text[sizeof error->text + 64];
    snprintf(text, sizeof text, "%s; it is taken out, the others do its work", error->text);
    progress_warn(pool->options->progress, text);
    pthread_mutex_lock(&pool->lock);
    pool->lost[worker] = true;
    pool->error = *error;
    pthread_mutex_unlock(&pool->lock);
}

/* Leaves the candidate that the worker has begun to others. */
static void pool_return(struct dse_pool *pool, size_t worker, size_t candidate)
{
    pthread_mutex_lock(&pool->lock);
    pool->held[worker].first = candidate;
    pthread_mutex_unlock(&pool->lock);
}

static void *pool_main(void *argument)
{
    const struct pool_thread *thread = argument;
    struct dse_pool *pool = thread->pool;
    void *worker = pool->workers[thread->number];
    struct error err = {""};
    size_t i = 0;
    while (pool_take(pool, thread->number, &i)) {
        enum status status = STATUS_CANCELLED;
        if (!interrupt_requested()) {
            status = pool_do(pool, worker, pool->candidates[i], &err);
        }
        if (status == STATUS_LINK && pool->options->spares && !interrupt_requested()) {
            pool_return(pool, thread->number, i);
            pool_lose(pool, thread->number, &err);
            return NULL;
        }
        if (status == STATUS_OK) {
            pool_done(pool, pool->candidates[i]);
        } else {
            pool_fail(pool, status, &err);
        }
    }
    return NULL;
}

/* Closes the lost workers. Returns how many are left. */
static size_t pool_bury(struct dse_pool *pool)
{
    size_t left = 0;
    for (size_t i = 0; i < pool->options->jobs; i++) {
        if (pool->lost[i] && pool->workers[i]) {
            pool->ops->close(pool->workers[i]);
            pool->workers[i] = NULL;
        }
        left += pool->workers[i] != NULL;
    }
    return left;
}

/* Candidates that no one has begun. */
static size_t pool_left(const struct dse_pool *pool)
{
    size_t left = pool->count - pool->next;
    for (size_t i = 0; i < pool->options->jobs; i++) {
        left += pool->held[i].end - pool->held[i].first;
    }
    return left;
}

/* Runs pool_main() in every worker's thread, as many as can be of use, and waits for them. */
static enum status pool_run_threads(struct dse_pool *pool, struct error *err)
{
    const size_t jobs = pool->options->jobs, wanted = pool_left(pool);
    pthread_t *threads = calloc(jobs, sizeof *threads);
    struct pool_thread *arguments = calloc(jobs, sizeof *arguments);
    enum status status = STATUS_OK;
    size_t started = 0;
    if (!threads || !arguments) {
        free(threads);
        free(arguments);
        return error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    for (size_t i = 0; i < jobs && started < wanted && status == STATUS_OK; i++) {
        if (!pool->workers[i]) {
            continue;
        }
        arguments[started] = (struct pool_thread){pool, i};
        if (pthread_create(&threads[started], NULL, pool_main, &arguments[started]) != 0) {
            status = error_set(err, STATUS_IO, "search: cannot start a thread; lower --jobs");
            pool_fail(pool, status, err);
        } else {
            started++;
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
    free(arguments);
    return status;
}

/* Until all is done: what a lost worker leaves may come when the others have ended. */
static enum status pool_run_all(struct dse_pool *pool, struct error *err)
{
    enum status status;
    size_t left;
    do {
        status = pool_run_threads(pool, err);
        left = pool_bury(pool);
    } while (status == STATUS_OK && pool->status == STATUS_OK && pool_left(pool) && left);
    if (status == STATUS_OK && pool->status == STATUS_OK && !left) {
        *err = pool->error;
        return STATUS_LINK;
    }
    return status;
}

void dse_pool_progress(struct dse_pool *pool, const char *label, size_t total,
                       const char *last_note)
{
    progress_finish(pool->progress, last_note);
    pool->progress = label ? progress_start(pool->options->progress, label, total) : NULL;
    pool->done = 0;
}

/* The dearest first. */
static int compare_cost(const void *a, const void *b, void *space)
{
    const struct candidate *const *x = a, *const *y = b;
    const uint64_t p = (*x)->predicted_cycles, q = (*y)->predicted_cycles;
    return p != q ? (p > q ? -1 : 1) : dse_space_compare(space, (*x)->bits, (*y)->bits);
}

enum status dse_pool_run(struct dse_pool *pool, enum dse_task task, struct candidate **candidates,
                         size_t count, struct error *err)
{
    if (count == 0) {
        return STATUS_OK;
    }
    const struct dse_options *options = pool->options;
    const bool alone = (options->independent && task == DSE_EVALUATE) || task == DSE_VERIFY;
    pool->task = task;
    pool->candidates = candidates;
    pool->count = count;
    pool->leading = alone ? options->space.group_count
                          : dse_space_stretch(&options->space, count, options->jobs);
    pool->next = 0;
    memset(pool->held, 0, options->jobs * sizeof *pool->held);
    pool->status = STATUS_OK;
    if (pool->leading == options->space.group_count) {
        qsort_r(candidates, count, sizeof *candidates, compare_cost, (void *)&options->space);
    }
    enum status status = pool_run_all(pool, err);
    if (status == STATUS_OK && pool->status != STATUS_OK) {
        status = pool->status;
        *err = pool->error;
    }
    /* A terminal's Ctrl-C reaches the simulators too: their end is not a failure of theirs. */
    if (status != STATUS_OK && interrupt_requested()) {
        status = error_set(err, STATUS_CANCELLED, "search interrupted");
    }
    return status;
}

enum status dse_pool_profile(struct dse_pool *pool, const int *bits, struct dse_profile *out,
                             struct error *err)
{
    enum status status = error_set(err, STATUS_LINK, "no core is left");
    for (size_t i = 0; i < pool->options->jobs && status == STATUS_LINK; i++) {
        if (!pool->workers[i]) {
            continue;
        }
        status = pool->ops->profile(pool->workers[i], bits, out, err);
        if (status != STATUS_LINK || !pool->options->spares || interrupt_requested()) {
            break;
        }
        pool_lose(pool, i, err);
        (void)pool_bury(pool);
    }
    return status;
}
