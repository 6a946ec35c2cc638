// SPDX-License-Identifier: Apache-2.0
/* Data as files hold them, before split and scaling, and the formats that read them. */
#ifndef MPQ_DATASET_RAW_H
#define MPQ_DATASET_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "net/net.h"

enum { DATA_PATH_BYTES = 4096 };
#define DATA_FILE_MAX ((size_t)1 << 32) /* bytes of one file */

/* Either bytes or values are there. Nothing at all: count is 0. */
struct raw_data {
    size_t count, size;                /* items; values of an item, in the order [h][w][c] */
    uint8_t *bytes;                    /* [count][size] */
    float *values;                     /* [count][size]; NaN: missing */
    uint16_t *labels;                  /* [count], below the network's class_count */
    char (*columns)[NET_COLUMN_BYTES]; /* [size] names for messages, or NULL */
};

/* Room for count items of the network's size, bytes or values. *out is overwritten, and empty after
 * a failure. path is for the message. */
MUST_CHECK enum status raw_create(const struct net *net, const char *path, size_t count,
                                  bool has_values, struct raw_data *out, struct error *err);
void raw_free(struct raw_data *raw);

/* folder/name; fails if that is too long. */
MUST_CHECK enum status data_path(const char *folder, const char *name, char out[DATA_PATH_BYTES],
                                 struct error *err);

/* A format's reader: fills those parts that have files of their own. parts come empty; the caller
 * frees them, after a failure too. Checks everything against net: shape, classes. */
typedef enum status data_read_fn(const struct net *net, const char *folder,
                                 struct raw_data parts[NET_PARTS], struct error *err);

/* For formats with a file of images and one of labels: calls load for every part. */
typedef enum status data_load_fn(const struct net *net, const char *image_path,
                                 const char *label_path, struct raw_data *out, struct error *err);
MUST_CHECK enum status data_read_pairs(const struct net *net, const char *folder,
                                       data_load_fn *load, struct raw_data parts[NET_PARTS],
                                       struct error *err);

#endif
