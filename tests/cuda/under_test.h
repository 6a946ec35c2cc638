// SPDX-License-Identifier: Apache-2.0
/* The library under test: MPQ_CUDA, or else the stand-in beside this program. */
#ifndef MPQ_TEST_CUDA_UNDER_TEST_H
#define MPQ_TEST_CUDA_UNDER_TEST_H

#include "host/scratch.h"

#include <unistd.h>

#include "train/device.h"

/* Whether the stand-in is loaded, whose GPUs and memory tests can set. */
static bool is_standin;

static inline void choose_library(void)
{
    char path[4096];
    const char *wanted = getenv("MPQ_CUDA");
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 64);
    is_standin = !wanted || strstr(wanted, "standin");
    if (wanted || size < 0)
        return;
    path[size] = '\0';
    strcpy(strrchr(path, '/'), "/mpq-cuda-standin.so");
    setenv("MPQ_CUDA", path, 1);
}

static inline struct device *open_device(bool deterministic, int at_once)
{
    const struct device_options options = {"cuda", deterministic, at_once};
    struct device *device = NULL;
    struct error err;
    check_ok(device_open(&options, &device, &err), &err);
    assert_non_null(device);
    return device;
}

#endif
