// SPDX-License-Identifier: Apache-2.0
/* What the library shows the tool. */
#include "cuda/gpu.h"

extern const struct device_table mpq_device_table;
const struct device_table mpq_device_table = {
    .version = DEVICE_TABLE_VERSION,
    .open = gpu_open,
    .close = gpu_close,
    .text = gpu_text,
    .versions = gpu_versions,
    .plan_create = gpu_plan_create,
    .plan_free = gpu_plan_free,
    .set_training = gpu_set_training,
    .set_weights = gpu_set_weights,
    .set_scale = gpu_set_scale,
    .set_requantize = gpu_set_requantize,
    .step = gpu_step,
    .gradients = gpu_get_gradients,
    .scale_gradients = gpu_get_scale_gradients,
    .statistics = gpu_get_statistics,
    .count_correct = gpu_count_correct,
    .read = gpu_read,
};
