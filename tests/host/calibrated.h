// SPDX-License-Identifier: Apache-2.0
/* A small network of random weights with its calibration, for tests of quantization, and checks
 * that they share. */
#ifndef MPQ_TEST_CALIBRATED_H
#define MPQ_TEST_CALIBRATED_H

#include "host/small_problem.h"
#include "qat/calibrate.h"
#include "quant/quant.h"

static inline void calibrated_near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.9g, want %.9g within %g", what, got, want, tolerance);
}

/* What calibration has to work with, and its result. */
struct calibrated {
    struct float_model *model;
    struct dataset data;
    struct calibration *calibration;
};

static inline void calibrated_open(struct calibrated *c, const char *layers)
{
    struct error err;
    c->model = small_model(layers, 3);
    c->data = small_data(150, 1, 6, 0);
    check_ok(calibrate(c->model, &c->data, 100, &c->calibration, &err), &err);
}

static inline void calibrated_close(struct calibrated *c)
{
    calibration_free(c->calibration);
    float_model_free(c->model);
    free(c->data.images);
    free(c->data.labels);
}

static inline int calibrated_row_count(const struct net *net, int k)
{
    const struct net_layer *layer = &net->layers[net->weighted[k]];
    return (int)(net_layer_weights(layer) / (size_t)layer->out.c);
}

static inline struct quant_layer *calibrated_ptq(const struct calibrated *c, int k, int bits)
{
    struct quant_layer *layer = NULL;
    struct error err;
    check_ok(quant_layer_ptq(c->model, c->calibration, k, bits, &layer, &err), &err);
    return layer;
}

static inline void calibrated_same_layer(const struct quant_layer *a, const struct quant_layer *b)
{
    const size_t n = (size_t)a->out_count;
    assert_memory_equal(a->weight, b->weight, n * (size_t)a->row_count);
    assert_memory_equal(a->bias, b->bias, n);
    assert_memory_equal(a->bias_shift, b->bias_shift, n);
    assert_memory_equal(a->multiplier, b->multiplier, n);
    assert_memory_equal(a->shift, b->shift, n);
    assert_memory_equal(a->weight_scale, b->weight_scale, n * sizeof(float));
}

#endif
