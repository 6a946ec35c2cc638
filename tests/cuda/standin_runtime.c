// SPDX-License-Identifier: Apache-2.0
/* Stand-in for the CUDA runtime on machines without a GPU: the calls that host/cuda makes, and no others
 * (the link fails if it makes more). "Device" memory is the heap's, streams do everything at once.
 * Copies are checked: device sides must lie in one piece that was allocated, host sides outside.
 *   MPQ_STANDIN_GPUS    how many there are (default 1); "driver": the driver is missing
 *   MPQ_STANDIN_MEMORY  bytes in all (default 1 GiB) */
#include <cuda_runtime_api.h>

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIECES = 256 };

struct piece {
    char *start;
    size_t bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct piece pieces[MAX_PIECES];
static size_t used_bytes;

static size_t total_bytes(void)
{
    const char *text = getenv("MPQ_STANDIN_MEMORY");
    return text ? strtoull(text, NULL, 10) : (size_t)1 << 30;
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaSuccess ? "no error" : "stand-in error";
}

cudaError_t cudaGetDeviceCount(int *count)
{
    const char *text = getenv("MPQ_STANDIN_GPUS");
    *count = text ? atoi(text) : 1;
    if (text && !strcmp(text, "driver"))
        return cudaErrorInsufficientDriver;
    return *count ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaSetDevice(int device)
{
    return device >= 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "stand-in %d", device);
    properties->totalGlobalMem = total_bytes();
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    pthread_mutex_lock(&lock);
    *total = total_bytes();
    *free_bytes = *total > used_bytes ? *total - used_bytes : 0;
    pthread_mutex_unlock(&lock);
    return cudaSuccess;
}

/* ---- Memory ---- */

cudaError_t cudaMalloc(void **out, size_t bytes)
{
    cudaError_t result = cudaErrorMemoryAllocation;
    *out = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX_PIECES && used_bytes + bytes <= total_bytes(); i++)
        if (!pieces[i].start) {
            pieces[i] = (struct piece){malloc(bytes), bytes};
            assert(pieces[i].start);
            memset(pieces[i].start, 0xff, bytes); /* NaN, until someone writes */
            used_bytes += bytes;
            *out = pieces[i].start;
            result = cudaSuccess;
            break;
        }
    pthread_mutex_unlock(&lock);
    return result;
}

cudaError_t cudaFree(void *memory)
{
    cudaError_t result = memory ? cudaErrorInvalidValue : cudaSuccess;
    pthread_mutex_lock(&lock);
    for (int i = 0; memory && i < MAX_PIECES; i++)
        if (pieces[i].start == memory) {
            used_bytes -= pieces[i].bytes;
            pieces[i].start = NULL;
            free(memory);
            result = cudaSuccess;
            break;
        }
    pthread_mutex_unlock(&lock);
    assert(result == cudaSuccess);
    return result;
}

cudaError_t cudaMallocHost(void **out, size_t bytes)
{
    *out = malloc(bytes);
    return *out ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *memory)
{
    free(memory);
    return cudaSuccess;
}

/* Whether bytes from memory on lie on the device; they must not lie there in part. */
static bool is_on_device(const void *memory, size_t bytes)
{
    const char *first = memory;
    bool found = false;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX_PIECES && !found; i++)
        if (pieces[i].start && first >= pieces[i].start &&
            first < pieces[i].start + pieces[i].bytes) {
            assert(first + bytes <= pieces[i].start + pieces[i].bytes);
            found = true;
        }
    pthread_mutex_unlock(&lock);
    return found;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    const bool to_device = kind != cudaMemcpyDeviceToHost;
    const bool from_device = kind != cudaMemcpyHostToDevice;
    assert(is_on_device(to, bytes) == to_device);
    assert(is_on_device(from, bytes) == from_device);
    memmove(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    assert(stream);
    return cudaMemcpy(to, from, bytes, kind);
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    assert(stream && is_on_device(memory, bytes));
    memset(memory, value, bytes);
    return cudaSuccess;
}

/* ---- Streams ---- */

struct CUstream_st {
    unsigned flags;
};

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags)
{
    *out = calloc(1, sizeof **out);
    assert(*out);
    (*out)->flags = flags;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    free(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    assert(stream);
    return cudaSuccess;
}
