// SPDX-License-Identifier: Apache-2.0
/* What a network says to each image, not only which class. */
#ifndef MPQ_OUTPUTS_H
#define MPQ_OUTPUTS_H

#include "data/dataset.h"
#include "pack/model_file.h"

/* Writes a .npy file of binary32, [data->count][classes]: the last layer's values, without a
 * softmax; of a QUANT file its integers. threads: 0 all cores, for a QUANT file. */
MUST_CHECK enum status outputs_write(const struct model_file *file, const struct dataset *data,
                                     int threads, const char *path, struct error *err);

#endif
