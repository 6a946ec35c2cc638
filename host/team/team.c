// SPDX-License-Identifier: Apache-2.0
/* Loads MPI where this process was started as one of several. The lock lets one thread at a time
 * call it; the loaded library is the only global. */
#include "team/team.h"

#include <assert.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "team/team_mpi.h"

struct team {
    const struct team_mpi *mpi;
    struct team_place place;
    pthread_mutex_t lock;
};

/* Variables by which launchers tell a process that it is one of several. */
static const char *const LAUNCHED[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};

static const char *launched_by(void)
{
    for (size_t i = 0; i < sizeof LAUNCHED / sizeof *LAUNCHED; i++) {
        if (getenv(LAUNCHED[i])) {
            return LAUNCHED[i];
        }
    }
    return NULL;
}

/* Tasks of an srun that told them nothing of one another. */
static enum status check_strangers(struct error *err)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (!tasks || atoi(tasks) <= 1) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_USAGE,
                     "srun has started %s processes that do not know one another; give it "
                     "--mpi=pmix, or use mpirun",
                     tasks);
}

static const struct team_mpi *load(struct error *err)
{
    static const struct team_mpi *loaded;
    char path[PATHS_MAX];
    if (loaded) {
        return loaded;
    }
    if (paths_mpi(path, err) != STATUS_OK) {
        return NULL;
    }
    /* Global: Open MPI's own plug-ins look for its symbols. */
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    const struct team_mpi *mpi = library ? dlsym(library, TEAM_MPI_SYMBOL) : NULL;
    if (!mpi || mpi->version != TEAM_MPI_VERSION) {
        error_format(err, "%.400s: %s", path,
                     library ? "of another build than this tool; build it again" : dlerror());
        return NULL;
    }
    return loaded = mpi;
}

const char *team_library(struct error *reason)
{
    static char text[TEAM_MPI_TEXT_BYTES];
    const struct team_mpi *mpi = load(reason);
    if (mpi) {
        mpi->text(text);
    }
    return mpi ? text : NULL;
}

enum status team_open(struct team **out, struct error *err)
{
    const char *variable = launched_by();
    *out = NULL;
    if (!variable) {
        return check_strangers(err);
    }
    const struct team_mpi *mpi = load(err);
    if (!mpi) {
        return error_wrap(err, STATUS_INPUT, "started by mpirun or srun (%s is set)", variable);
    }
    struct team *team = calloc(1, sizeof *team);
    if (!team) {
        return error_set(err, STATUS_NO_MEMORY, "mpi: out of memory");
    }
    team->mpi = mpi;
    pthread_mutex_init(&team->lock, NULL);
    if (!mpi->start(&team->place)) {
        pthread_mutex_destroy(&team->lock);
        free(team);
        return error_set(err, STATUS_INPUT, "mpi: this MPI was built without threads");
    }
    *out = team;
    return STATUS_OK;
}

void team_close(struct team *team)
{
    if (!team) {
        return;
    }
    team->mpi->stop();
    pthread_mutex_destroy(&team->lock);
    free(team);
}

int team_rank(const struct team *team)
{
    return team ? team->place.rank : 0;
}

int team_size(const struct team *team)
{
    return team ? team->place.size : 1;
}

int team_host_rank(const struct team *team)
{
    return team ? team->place.host_rank : 0;
}

int team_host_size(const struct team *team)
{
    return team ? team->place.host_size : 1;
}

size_t team_cores(const struct team *team)
{
    const long part = sysconf(_SC_NPROCESSORS_ONLN) / team_host_size(team);
    cpu_set_t allowed;
    if (part <= 1) {
        return 1;
    }
    if (!team || sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return (size_t)part;
    }
    return CPU_COUNT(&allowed) < part ? (size_t)CPU_COUNT(&allowed) : (size_t)part;
}

enum status team_agree(struct team *team, enum status status, struct error *err)
{
    struct {
        enum status status;
        char host[64], text[sizeof err->text];
    } verdict = {.status = status};
    if (!team) {
        return status;
    }
    int64_t first = status == STATUS_OK ? INT64_MAX : team->place.rank;
    pthread_mutex_lock(&team->lock);
    team->mpi->least(&first, 1);
    if (first < INT64_MAX) {
        if (first == team->place.rank) {
            (void)gethostname(verdict.host, sizeof verdict.host - 1);
            snprintf(verdict.text, sizeof verdict.text, "%s", err->text);
        }
        team->mpi->broadcast(&verdict, sizeof verdict, (int)first);
    }
    pthread_mutex_unlock(&team->lock);
    if (first == INT64_MAX) {
        return STATUS_OK;
    }
    error_format(err, "%s", verdict.text);
    return first == 0 ? verdict.status : error_wrap(err, verdict.status, "host %s", verdict.host);
}

void team_broadcast(struct team *team, void *bytes, size_t size)
{
    if (team) {
        pthread_mutex_lock(&team->lock);
        team->mpi->broadcast(bytes, size, 0);
        pthread_mutex_unlock(&team->lock);
    }
}

void team_host_broadcast(struct team *team, void *bytes, size_t size)
{
    if (team) {
        pthread_mutex_lock(&team->lock);
        team->mpi->host_broadcast(bytes, size);
        pthread_mutex_unlock(&team->lock);
    }
}

void team_sum(struct team *team, int64_t *values, size_t count)
{
    if (team) {
        pthread_mutex_lock(&team->lock);
        team->mpi->sum(values, count);
        pthread_mutex_unlock(&team->lock);
    }
}

void team_send(struct team *team, int rank, int tag, const void *bytes, size_t size)
{
    assert(size >= 1 && size <= TEAM_MESSAGE_BYTES);
    pthread_mutex_lock(&team->lock);
    team->mpi->send(rank, tag, bytes, size);
    pthread_mutex_unlock(&team->lock);
}

bool team_receive(struct team *team, int *rank, int *tag, void *bytes, size_t *size)
{
    pthread_mutex_lock(&team->lock);
    const bool found = team->mpi->receive(rank, tag, bytes, TEAM_MESSAGE_BYTES, size);
    pthread_mutex_unlock(&team->lock);
    return found;
}
