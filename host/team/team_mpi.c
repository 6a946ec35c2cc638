// SPDX-License-Identifier: Apache-2.0
/* The only file that knows MPI: a library of its own, mpq-mpi.so, built where Open MPI's headers
 * are. Waits asleep: MPI's own waiting keeps a core busy, which others on the machine need. */
#include "team/team_mpi.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const long WAIT_NS = 500000;

static MPI_Comm host = MPI_COMM_NULL;

static void wait_asleep(MPI_Request *request)
{
    const struct timespec pause = {.tv_nsec = WAIT_NS};
    int done = 0;
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
    while (!done) {
        nanosleep(&pause, NULL);
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
    }
}

static void text(char out[TEAM_MPI_TEXT_BYTES])
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int size = 0;
    MPI_Get_library_version(version, &size);
    snprintf(out, TEAM_MPI_TEXT_BYTES, "%.*s", (int)strcspn(version, ",\n"), version);
}

static bool start(struct team_place *out)
{
    int provided = 0;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (provided < MPI_THREAD_SERIALIZED) {
        MPI_Finalize();
        return false;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &out->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &out->size);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, out->rank, MPI_INFO_NULL, &host);
    MPI_Comm_rank(host, &out->host_rank);
    MPI_Comm_size(host, &out->host_size);
    return true;
}

static void stop(void)
{
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request); /* asleep; MPI_Finalize() would wait awake */
    wait_asleep(&request);
    MPI_Comm_free(&host);
    MPI_Finalize();
}

/* In pieces that MPI can count. */
static void broadcast_in(MPI_Comm members, void *bytes, size_t size, int root)
{
    char *next = bytes;
    while (size > 0) {
        const int part = size < INT_MAX ? (int)size : INT_MAX;
        MPI_Request request;
        MPI_Ibcast(next, part, MPI_BYTE, root, members, &request);
        wait_asleep(&request);
        next += part;
        size -= (size_t)part;
    }
}

static void broadcast(void *bytes, size_t size, int root)
{
    broadcast_in(MPI_COMM_WORLD, bytes, size, root);
}

static void host_broadcast(void *bytes, size_t size)
{
    broadcast_in(host, bytes, size, 0);
}

static void sum(int64_t *values, size_t count)
{
    MPI_Request request;
    MPI_Iallreduce(MPI_IN_PLACE, values, (int)count, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD,
                   &request);
    wait_asleep(&request);
}

static void least(int64_t *values, size_t count)
{
    MPI_Request request;
    MPI_Iallreduce(MPI_IN_PLACE, values, (int)count, MPI_INT64_T, MPI_MIN, MPI_COMM_WORLD,
                   &request);
    wait_asleep(&request);
}

static void send(int rank, int tag, const void *bytes, size_t size)
{
    MPI_Send(bytes, (int)size, MPI_BYTE, rank, tag, MPI_COMM_WORLD);
}

static bool receive(int *rank, int *tag, void *bytes, size_t room, size_t *size)
{
    MPI_Message message;
    MPI_Status status;
    int found = 0, count = 0;
    MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &message, &status);
    if (!found)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &count);
    MPI_Mrecv(bytes, (int)room, MPI_BYTE, &message, MPI_STATUS_IGNORE);
    *rank = status.MPI_SOURCE;
    *tag = status.MPI_TAG;
    *size = (size_t)count;
    return true;
}

extern const struct team_mpi team_mpi;
const struct team_mpi team_mpi = {
    .version = TEAM_MPI_VERSION,
    .text = text,
    .start = start,
    .stop = stop,
    .broadcast = broadcast,
    .host_broadcast = host_broadcast,
    .sum = sum,
    .least = least,
    .send = send,
    .receive = receive,
};
