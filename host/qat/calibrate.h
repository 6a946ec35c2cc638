// SPDX-License-Identifier: Apache-2.0
/* What quantization must know of a float model's activations, measured on calibration images. */
#ifndef MPQ_CALIBRATE_H
#define MPQ_CALIBRATE_H

#include <stddef.h>
#include "data/dataset.h"
#include "quant/quant.h"

/* count: images used, from the front of data (training part). Frees with calibration_free(). */
MUST_CHECK enum status calibrate(const struct float_model *model, const struct dataset *data,
                                 size_t count, struct calibration **out, struct error *err);

#endif
