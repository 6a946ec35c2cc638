// SPDX-License-Identifier: Apache-2.0
/* The processes of one job, on one machine or on many: started by mpirun or srun, they find one
 * another through MPI. A process that was not started so is alone (NULL): every function accepts
 * that. MPI itself is in a library of its own (team_mpi.c), which is loaded only then.
 *
 * All processes make the same calls of team_agree(), team_broadcast(), team_host_broadcast() and
 * team_sum(), in the same order. Threads: any, one call at a time goes to MPI; a process that does
 * not come to such a call keeps the others waiting, until mpirun ends them. */
#ifndef MPQ_TEAM_H
#define MPQ_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct team;

enum { TEAM_MESSAGE_BYTES = 3072 }; /* the most of one message: sent at once, whoever receives */

/* *out: NULL if this process is alone. Fails if it was started as one of several, but cannot find
 * the others. To be called once. */
MUST_CHECK enum status team_open(struct team **out, struct error *err);
void team_close(struct team *team); /* waits for the others; accepts NULL */

/* Which MPI can be loaded ("Open MPI v4.1.4 ..."), or NULL and the reason. */
const char *team_library(struct error *reason);

int team_rank(const struct team *team);      /* 0: the first, which leads; alone: 0 */
int team_size(const struct team *team);      /* alone: 1 */
int team_host_rank(const struct team *team); /* place among the processes of its host */
int team_host_size(const struct team *team);
/* This process's part of its host's cores: what mpirun has bound it to, at least 1; alone: all. */
size_t team_cores(const struct team *team);

/* The first process that failed decides for all: returns its status and its text, with the host's
 * name in front unless it is the first process. Who fails on the way goes straight to the next of
 * these calls: the others are there, or come. */
MUST_CHECK enum status team_agree(struct team *team, enum status status, struct error *err);

/* From the first process to all. */
void team_broadcast(struct team *team, void *bytes, size_t size);
/* From a host's first process to the others there. */
void team_host_broadcast(struct team *team, void *bytes, size_t size);
/* values[count]: sums over all processes, for all of them. */
void team_sum(struct team *team, int64_t *values, size_t count);

/* Sends 1 to TEAM_MESSAGE_BYTES bytes to another process; tag >= 0. */
void team_send(struct team *team, int rank, int tag, const void *bytes, size_t size);
/* Takes a message that has arrived; false: there is none. bytes: room for TEAM_MESSAGE_BYTES. */
bool team_receive(struct team *team, int *rank, int *tag, void *bytes, size_t *size);

#endif
