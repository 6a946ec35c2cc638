// SPDX-License-Identifier: Apache-2.0
/* Rounding one channel's weights to integers so that the channel's output changes least: with H the
 * (damped) covariance of the inputs, minimizes (w - s q)^T H (w - s q) over integers q, |q| <=
 * limit. Knows no layers and no files. */
#ifndef MPQ_QUANT_ROUND_H
#define MPQ_QUANT_ROUND_H

#include <stdint.h>
#include "base/error.h"

/* A factorized covariance. Elements are kept in the order of growing variance: the rounding starts
 * with the largest. */
struct round_metric {
    int count;
    int *order;    /* [count] element number at each place */
    float *matrix; /* [count][count] H in that order; NULL: the identity */
    float *factor; /* [count][count] upper triangle R, H = R^T R, each row divided by its diagonal;
                      NULL with matrix */
};

/* gram [count][count]: mean of x x^T, mean [count]: of x; damping is added to the diagonal, in
 * units of its mean. gram NULL: plain least squares on the weights, and all roundings are to the
 * nearest. */
MUST_CHECK enum status round_metric_create(const float *gram, const float *mean, int count,
                                           float damping, struct round_metric **out,
                                           struct error *err);
void round_metric_free(struct round_metric *metric);

/* (w - s q)^T H (w - s q). w and q are in the caller's order in all functions; work: [3 * count]
 * floats. */
double round_error(const struct round_metric *metric, const float *w, float scale, const int8_t *q,
                   float *work);

/* q[i] = the integer nearest to w[i] / scale. */
void round_nearest(const float *w, int count, float scale, int limit, int8_t *q);

/* One element after the other, the rest taking over each one's rounding error: Babai's nearest
 * plane (1986), which is GPTQ / OBQ (Frantar et al. 2022) with the order reversed. */
void round_compensated(const struct round_metric *metric, const float *w, float scale, int limit,
                       int8_t *q, float *work);

/* Steps of single integers by +-1 as long as one lowers the error; returns the error. */
double round_descend(const struct round_metric *metric, const float *w, float scale, int limit,
                     int8_t *q, float *work);

/* The scale of least error for given integers: (q^T H w) / (q^T H q); 0 if q is zero. */
float round_best_scale(const struct round_metric *metric, const float *w, const int8_t *q,
                       float *work);

#endif
