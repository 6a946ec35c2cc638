// SPDX-License-Identifier: Apache-2.0
/* The loss of training, for the CPU and a GPU. */
#ifndef MPQ_CROSS_ENTROPY_H
#define MPQ_CROSS_ENTROPY_H

#include <math.h>
#include "base/on_device.h"

struct cross_entropy {
    int classes;
    float scale;     /* the loss sees value * scale */
    float smoothing; /* part of the target that is spread evenly over all classes */
    float weight;    /* of the image */
};

/* Softmax and cross-entropy of one image, label smoothing as in Szegedy et al. 2016. values, gradient:
 * [classes]. Returns the loss and writes its gradient, both times weight. */
ON_DEVICE double cross_entropy(const struct cross_entropy *how, const float *values, int label,
                               float *gradient)
{
    const int classes = how->classes;
    const float scale = how->scale, spread = how->smoothing / (float)classes;
    const float true_share = 1 - how->smoothing + spread;
    float largest = values[0], sum = 0;
    double margin = 0; /* mean under the target */
    for (int c = 1; c < classes; c++)
        largest = values[c] > largest ? values[c] : largest;
    for (int c = 0; c < classes; c++) {
        gradient[c] = expf((values[c] - largest) * scale);
        sum += gradient[c];
    }
    for (int c = 0; c < classes; c++) {
        const float target = c == label ? true_share : spread;
        gradient[c] = (gradient[c] / sum - target) * how->weight * scale;
        margin += target > 0 ? (double)(target * ((values[c] - largest) * scale)) : 0;
    }
    return (log((double)sum) - margin) * (double)how->weight;
}

#endif
