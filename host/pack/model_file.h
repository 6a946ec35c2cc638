// SPDX-License-Identifier: Apache-2.0
/* A FLOAT or a QUANT file, whichever it is, with its network. */
#ifndef MPQ_MODEL_FILE_H
#define MPQ_MODEL_FILE_H

#include "base/error.h"
#include "net/float_model.h"
#include "net/net.h"
#include "pack/pack.h"
#include "pack/quant_meta.h"

/* Exactly one of model and container is set. */
struct model_file {
    struct float_model *model;   /* FLOAT */
    struct container *container; /* QUANT, and its metadata */
    struct quant_meta meta;
    const struct net *net; /* model's, or the one below */
    struct net *own_net;
};

/* Tells the two by their first bytes. *out is empty after a failure. */
MUST_CHECK enum status model_file_open(const char *path, struct model_file *out, struct error *err);
/* The same, where only a QUANT file will do: the text says how to make one. */
MUST_CHECK enum status model_file_open_quant(const char *path, struct model_file *out,
                                             struct error *err);
void model_file_close(struct model_file *file); /* accepts an empty one */

#endif
