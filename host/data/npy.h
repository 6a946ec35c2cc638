// SPDX-License-Identifier: Apache-2.0
/* One NumPy array, from a .npy file or an .npz archive. Source: numpy.lib.format, versions 1 to 3.
 */
#ifndef MPQ_NPY_H
#define MPQ_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum { NPY_MAX_RANK = 8 };

struct npy {
    const char *path; /* borrowed; for messages */
    uint8_t *bytes;   /* the whole file; owned */
    size_t data;      /* where the elements begin */
    char kind;        /* 'u', 'i', 'f' */
    size_t item_bytes;
    bool is_big_endian;
    int rank;
    size_t dims[NPY_MAX_RANK];
    size_t count; /* elements, of which the file has exactly as many */
};

/* path: "name.npy", or "name.npz:array"; borrowed. *out is freed by npy_free(), after a failure
 * too. */
MUST_CHECK enum status npy_load(const char *path, struct npy *out, struct error *err);
void npy_free(struct npy *npy);

/* Element i as a number. */
double npy_number(const struct npy *npy, size_t i);

/* The shape in NumPy's words: "(60000, 28, 28)". */
void npy_shape_text(const struct npy *npy, char *out, size_t size);

#endif
