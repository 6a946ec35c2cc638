// SPDX-License-Identifier: Apache-2.0
/* Images and labels in memory: what the network takes, as integers. An item's real values are
 * scale * integer; float training sees those, the core and the integer model see the integers. This
 * is the only place that scale and sign of a network's input come from. */
#ifndef MPQ_DATASET_H
#define MPQ_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "net/net.h"

struct dataset {
    size_t count;
    struct shape shape;
    bool is_signed;   /* the bytes of images are int8, else uint8; net->input_signed */
    float scale;      /* real value of one integer step, > 0 */
    uint8_t *images;  /* [count][h][w][c] */
    uint16_t *labels; /* [count], below the network's class_count */
};

struct data_split {
    struct dataset train, validation, test;
};

/* Loads what net->data names below folder: reads the files, takes parts without files of their own
 * from the training files (dataset_split.h), learns the scaling of real values on the training part
 * (dataset_scale.h). Errors name file, row or byte, and reason. limit: at most so many items each
 * of test data and of training and validation data together, 0 for all; it changes neither the
 * split nor the scaling. */
MUST_CHECK enum status data_load(const struct net *net, const char *folder, size_t limit,
                                 struct data_split *out, struct error *err);
void data_free(struct data_split *split); /* accepts NULL */

/* CRC-32 of all images and labels. */
uint32_t data_crc(const struct data_split *split);

/* Item `index` in real values if scale is data->scale, or its integers if scale is 1.
 * out: [h][w][c]. */
void dataset_values(const struct dataset *data, size_t index, float scale, float *out);

#endif
