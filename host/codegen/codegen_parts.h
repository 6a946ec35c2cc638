// SPDX-License-Identifier: Apache-2.0
/* Parts of codegen.c: the texts of the generated files. Each writes to a stream and checks nothing;
 * the stream's error shows what went wrong. */
#ifndef MPQ_CODEGEN_PARTS_H
#define MPQ_CODEGEN_PARTS_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>
#include "codegen/codegen.h"

/* A layer's name in C, unique in the network. */
struct codegen_names {
    char layer[MODEL_MAX_LAYERS][NET_NAME_BYTES + 16];
    char network[NET_NAME_BYTES]; /* for files and folders */
};

struct codegen {
    const struct codegen_source *source;
    const struct model *model;
    struct codegen_names names;
    cJSON *meta;              /* the container's metadata */
    const uint8_t *outputs;   /* [samples][bytes of the output buffer], of the integer model */
    const uint8_t *class_out; /* [samples][2], the same of the class buffer */
};

void codegen_make_names(const struct container *container, const struct net *net,
                        struct codegen_names *out);

/* What every generated file begins with: what it is, and of which network. */
void codegen_head(const struct codegen *gen, FILE *to, const char *what);

void codegen_network_h(const struct codegen *gen, FILE *to);
void codegen_weights_h(const struct codegen *gen, FILE *to);
void codegen_scales_h(const struct codegen *gen, FILE *to);
void codegen_inputs_h(const struct codegen *gen, FILE *to);
/* False: a kernel that kernels.h does not declare by name. */
MUST_CHECK bool codegen_network_c(const struct codegen *gen, enum proto_tier tier, FILE *to);

/* "28x28x6 uint8" */
void codegen_shape_text(const struct model_buffer *buffer, char *out, size_t size);

#endif
