// SPDX-License-Identifier: Apache-2.0
/* Quantization-aware training with straight-through estimators (Bengio et al. 2013; Jacob et al.
 * 2018). The forward pass computes exactly the core's integers: convolutions of integer-valued
 * floats (exact below 2^24) and requantize(). After training the quant_model gives the same outputs
 * as the last forward pass, bit for bit. */
#ifndef MPQ_QAT_H
#define MPQ_QAT_H

#include "quant/quant.h"
#include "train/train.h"

struct qat_options {
    int epochs;
    uint64_t seed;
    int threads;
    enum progress_mode progress;
    struct device *device; /* borrowed; NULL: the CPU */
};

/* Starts from the float weights and the calibration; bits[weighted_count]. The best epoch on
 * validation data is kept. *out owns its layers and borrows model->net. */
MUST_CHECK enum status qat_train(const struct float_model *model,
                                 const struct calibration *calibration, const int *bits,
                                 const struct data_split *data, const struct qat_options *options,
                                 train_epoch_fn *on_epoch, void *context, struct quant_model **out,
                                 struct error *err);

#endif
