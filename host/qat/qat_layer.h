// SPDX-License-Identifier: Apache-2.0
/* One layer in quantization-aware training: float weights, learned scales, and the integers that
 * they stand for.
 *
 * Step size of every output channel learned with the weights: LSQ (Esser et al. 2020), with the
 * logarithm of the scale as the parameter, so that it stays positive, and no factor on its
 * gradient, which Adam would cancel. Activation scales are not learned: for uint8 behind ReLU, a
 * larger activation scale and smaller weight scales and biases are the same change. */
#ifndef MPQ_QAT_LAYER_H
#define MPQ_QAT_LAYER_H

#include "quant/quant.h"

struct qat_layer {
    struct quant_layer *quant;   /* the present integers; owned */
    const float *weights, *bias; /* trained, real-valued; borrowed */
    float *log_scale;            /* [out_count] trained, natural logarithm of the weight scale */
    float *scale_gradient;       /* [out_count] filled by qat_layer_convert() */
};

/* Layer k's weights and bias are borrowed, in the layouts of float_model.h. Scales start at the least
 * squared error of the weights. */
MUST_CHECK enum status qat_layer_create(const struct float_model *model,
                                        const struct calibration *calibration, int k, int bits,
                                        struct qat_layer **out, struct error *err);
void qat_layer_free(struct qat_layer *layer);

/* Brings layer->quant up to date with weights, bias and log_scale. */
void qat_layer_quantize(struct qat_layer *layer);

/* In place: gradients of the integer weights and of the accumulators become those of weights and
 * bias; fills scale_gradient. For the integers of the last qat_layer_quantize(). */
void qat_layer_convert(struct qat_layer *layer, float *weight_gradients, float *bias_gradients);

#endif
