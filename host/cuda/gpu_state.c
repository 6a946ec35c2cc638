// SPDX-License-Identifier: Apache-2.0
/* One GPU: finding it, its memory, data that plans share. */
#include "cuda/gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the whole memory, left for others and for what the libraries take besides. */
static const size_t RESERVE_PART = 10;
/* What cuDNN and cuBLAS take for each plan, about. */
static const size_t PLAN_EXTRA_BYTES = (size_t)96 << 20;

enum status gpu_check(cudaError_t result, const char *what, struct error *err)
{
    if (result == cudaSuccess)
        return STATUS_OK;
    if (result == cudaErrorMemoryAllocation)
        return error_set(err, STATUS_NO_MEMORY, "CUDA: too little memory on the GPU for %s", what);
    return error_set(err, STATUS_IO, "CUDA: %s: %s", what, cudaGetErrorString(result));
}

enum status gpu_check_cudnn(cudnnStatus_t result, const char *layer, struct error *err)
{
    if (result == CUDNN_STATUS_SUCCESS)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "layer %s: cuDNN: %s", layer, cudnnGetErrorString(result));
}

enum status gpu_check_cublas(cublasStatus_t result, const char *layer, struct error *err)
{
    if (result == CUBLAS_STATUS_SUCCESS)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "layer %s: cuBLAS: %s", layer, cublasGetStatusString(result));
}

/* ---- The GPU ---- */

static enum status find_device(const struct device_setup *setup, struct error *err)
{
    int count = 0;
    const cudaError_t result = cudaGetDeviceCount(&count);
    if (result == cudaErrorInsufficientDriver)
        return error_set(err, STATUS_INPUT,
                         "no NVIDIA driver, or one too old for CUDA %d.%d; install a newer driver",
                         CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    if (result == cudaErrorNoDevice || (result == cudaSuccess && !count))
        return error_set(err, STATUS_INPUT,
                         "no CUDA device on this machine (or CUDA_VISIBLE_DEVICES hides it); "
                         "use --device cpu");
    if (result != cudaSuccess)
        return gpu_check(result, "looking for a device", err);
    if (setup->number >= count)
        return error_set(err, STATUS_INPUT, "no GPU number %d; this machine has %d, from 0",
                         setup->number, count);
    return gpu_check(cudaSetDevice(setup->number), "using the device", err);
}

enum status gpu_open(const struct device_setup *setup, struct device_state **out, struct error *err)
{
    struct cudaDeviceProp properties;
    *out = NULL;
    enum status status = find_device(setup, err);
    if (status == STATUS_OK)
        status = gpu_check(cudaGetDeviceProperties(&properties, setup->number),
                           "asking for its properties", err);
    if (status != STATUS_OK)
        return status;
    struct device_state *state = calloc(1, sizeof *state);
    if (!state)
        return error_set(err, STATUS_NO_MEMORY, "out of memory");
    state->number = setup->number;
    state->limit = setup->plans;
    state->deterministic = setup->deterministic;
    snprintf(state->name, sizeof state->name, "%.100s", properties.name);
    state->total_bytes = properties.totalGlobalMem;
    pthread_mutex_init(&state->lock, NULL);
    pthread_cond_init(&state->freed, NULL);
    *out = state;
    return STATUS_OK;
}

void gpu_close(struct device_state *state)
{
    pthread_cond_destroy(&state->freed);
    pthread_mutex_destroy(&state->lock);
    free(state);
}

void gpu_versions(char text[DEVICE_TEXT_BYTES])
{
    const size_t version = cudnnGetVersion();
    snprintf(text, DEVICE_TEXT_BYTES, "%d.%d, cuDNN %zu.%zu.%zu", CUDART_VERSION / 1000,
             CUDART_VERSION % 1000 / 10, version / 10000, version / 100 % 100, version % 100);
}

void gpu_text(const struct device_state *state, char text[DEVICE_TEXT_BYTES])
{
    char versions[DEVICE_TEXT_BYTES];
    gpu_versions(versions);
    snprintf(text, DEVICE_TEXT_BYTES, "%s, %zu MiB, CUDA %.64s", state->name,
             state->total_bytes >> 20, versions);
}

/* ---- Memory ---- */

/* Whether a plan of so many bytes may start now; the lock is held. */
static bool has_room(const struct device_state *state, size_t bytes)
{
    size_t free_bytes = 0, total = 0;
    if (!state->plans)
        return true;
    if (state->limit)
        return state->plans < state->limit;
    return cudaMemGetInfo(&free_bytes, &total) == cudaSuccess &&
           free_bytes > total / RESERVE_PART + bytes + PLAN_EXTRA_BYTES;
}

enum status gpu_memory_take(struct device_state *state, const char *name, size_t bytes, char **out,
                            struct error *err)
{
    size_t free_bytes = 0, total = 0;
    void *memory = NULL;
    pthread_mutex_lock(&state->lock);
    while (!has_room(state, bytes))
        pthread_cond_wait(&state->freed, &state->lock);
    cudaError_t result = cudaMalloc(&memory, bytes);
    state->plans += result == cudaSuccess;
    if (result == cudaErrorMemoryAllocation)
        (void)cudaMemGetInfo(&free_bytes, &total);
    pthread_mutex_unlock(&state->lock);
    *out = memory;
    if (result == cudaErrorMemoryAllocation)
        return error_set(err, STATUS_NO_MEMORY,
                         "%s: its training needs %zu MiB on the GPU, %zu of %zu are free; lower "
                         "\"batch\", or --train-at-once in a search",
                         name, (bytes >> 20) + 1, free_bytes >> 20, total >> 20);
    return gpu_check(result, "memory", err);
}

void gpu_memory_return(struct device_state *state, char *memory)
{
    pthread_mutex_lock(&state->lock);
    (void)cudaFree(memory);
    state->plans--;
    pthread_cond_broadcast(&state->freed);
    pthread_mutex_unlock(&state->lock);
}

/* ---- Data ---- */

static enum status bring_up(struct gpu_data *slot, const struct dataset *data, struct error *err)
{
    const size_t bytes = data->count * shape_size(data->shape);
    const size_t label_bytes = data->count * sizeof *data->labels;
    cudaError_t result = cudaMalloc((void **)&slot->images, bytes + 1);
    if (result == cudaSuccess)
        result = cudaMalloc((void **)&slot->labels, label_bytes + 1);
    if (result == cudaSuccess)
        result = cudaMemcpy(slot->images, data->images, bytes, cudaMemcpyHostToDevice);
    if (result == cudaSuccess)
        result = cudaMemcpy(slot->labels, data->labels, label_bytes, cudaMemcpyHostToDevice);
    if (result == cudaSuccess) {
        slot->key = data->images;
        slot->count = data->count;
        return STATUS_OK;
    }
    (void)cudaFree(slot->images);
    (void)cudaFree(slot->labels);
    memset(slot, 0, sizeof *slot);
    return gpu_check(result, "the images", err);
}

enum status gpu_data_take(struct device_state *state, const struct dataset *data,
                          const struct gpu_data **out, struct error *err)
{
    struct gpu_data *found = NULL, *empty = NULL;
    enum status status = STATUS_OK;
    *out = NULL;
    pthread_mutex_lock(&state->lock);
    for (int i = 0; i < GPU_MAX_DATA; i++) {
        struct gpu_data *slot = &state->data[i];
        if (slot->key == data->images && slot->count == data->count)
            found = slot;
        else if (!slot->key)
            empty = slot;
    }
    if (!found && !empty)
        status = error_set(err, STATUS_NO_MEMORY, "CUDA: more than %d sets of images at a time",
                           GPU_MAX_DATA);
    else if (!found)
        status = bring_up(found = empty, data, err);
    if (status == STATUS_OK) {
        found->users++;
        *out = found;
    }
    pthread_mutex_unlock(&state->lock);
    return status;
}

void gpu_data_release(struct device_state *state, const struct gpu_data *data)
{
    if (!data)
        return;
    struct gpu_data *slot = &state->data[data - state->data];
    pthread_mutex_lock(&state->lock);
    if (--slot->users == 0) {
        (void)cudaFree(slot->images);
        (void)cudaFree(slot->labels);
        memset(slot, 0, sizeof *slot);
    }
    pthread_mutex_unlock(&state->lock);
}
