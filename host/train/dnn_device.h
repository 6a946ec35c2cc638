// SPDX-License-Identifier: Apache-2.0
/* Plans of dnn.h that lie on a GPU. Parameters, gradients and statistics go through dnn.h's functions
 * as on the CPU; its shards are only the groups of images that BATCHNORM sees. Activations stay on the
 * device: a step is one call. */
#ifndef MPQ_DNN_DEVICE_H
#define MPQ_DNN_DEVICE_H

#include "train/device.h"
#include "train/dnn.h"

struct dnn_device_use {
    const struct net *net;
    int images;    /* of one shard */
    int shards;    /* dnn_shard_create() hands out so many, all to be created */
    bool training; /* as DNN_TRAIN, else DNN_FOLDED */
    bool integers; /* quantization-aware training */
};

/* Waits until the device has room for it. */
MUST_CHECK enum status dnn_device_plan_create(struct device *device,
                                              const struct dnn_device_use *use,
                                              struct dnn_plan **out, struct error *err);
bool dnn_on_device(const struct dnn_plan *plan);

/* For plans on a device only; see device_table.h. */
void dnn_device_set_requantize(struct dnn_plan *plan, int layer,
                               const struct device_requantize *requantize);
MUST_CHECK enum status dnn_device_step(struct dnn_plan *plan, const struct device_batch *batch,
                                       double *loss, struct error *err);
MUST_CHECK enum status dnn_device_count_correct(struct dnn_plan *plan, const struct dataset *data,
                                                float input_scale, size_t *correct,
                                                struct error *err);
/* For tests: what stands behind a layer, -1 the input, after a step: [images][h][w][c], all shards. */
MUST_CHECK enum status dnn_device_read(struct dnn_plan *plan, int layer, bool gradients, float *out,
                                       struct error *err);

#endif
