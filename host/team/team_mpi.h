// SPDX-License-Identifier: Apache-2.0
/* The library that speaks MPI, as team.c sees it: a table that it finds by the name
 * TEAM_MPI_SYMBOL. Inside of team.h. */
#ifndef MPQ_TEAM_MPI_H
#define MPQ_TEAM_MPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEAM_MPI_SYMBOL "team_mpi"

enum { TEAM_MPI_VERSION = 1, TEAM_MPI_TEXT_BYTES = 256 };

struct team_place {
    int rank, size, host_rank, host_size;
};

/* Errors of MPI end the job: that is its default. Calls come from one thread at a time. */
struct team_mpi {
    int version; /* TEAM_MPI_VERSION */
    void (*text)(char text[TEAM_MPI_TEXT_BYTES]);
    bool (*start)(struct team_place *out); /* false: threads are not supported */
    void (*stop)(void);
    void (*broadcast)(void *bytes, size_t size, int root);
    void (*host_broadcast)(void *bytes, size_t size);
    void (*sum)(int64_t *values, size_t count);
    void (*least)(int64_t *values, size_t count);
    void (*send)(int rank, int tag, const void *bytes, size_t size);
    bool (*receive)(int *rank, int *tag, void *bytes, size_t room, size_t *size);
};

#endif
