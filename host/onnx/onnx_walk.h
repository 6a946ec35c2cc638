// SPDX-License-Identifier: Apache-2.0
/* The walk over the nodes of an ONNX graph, inside of onnx_import.h: values by name, attributes, and
 * what the operators' files share. */
#ifndef MPQ_ONNX_WALK_H
#define MPQ_ONNX_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include "net/net_layers.h"
#include "onnx/onnx_import.h"
#include "onnx/onnx_tensor.h"

struct onnx_pads {
    int top, left, bottom, right;
};

/* Activations as the graph sees them: dims, where dims[0] is the batch, and for each element of one
 * item, in row-major order of dims[1..], its index in the layer's memory (H, W, C order). Reshape
 * and Transpose change these only. */
struct onnx_view {
    int layer; /* whose values, or NET_INPUT */
    int rank;
    int64_t dims[ONNX_MAX_RANK];
    size_t count;          /* elements of an item */
    uint32_t *order;       /* [count]; owned */
    struct onnx_pads pads; /* of zeros, that a Pad put round the image; not in dims */
};

enum onnx_kind { ONNX_UNKNOWN, ONNX_CONSTANT, ONNX_VIEW };

struct onnx_value {
    const char *name; /* borrowed from the model */
    enum onnx_kind kind;
    struct onnx_tensor constant;
    struct onnx_view view;
    int uses; /* nodes, and graph outputs, that still need it */
};

/* scale[c] * x + shift[c] that the last layer's values still wait for. */
struct onnx_affine {
    bool is_on;
    int count;
    double *scale, *shift;
    char node[ONNX_NODE_BYTES];
};

struct onnx_walk {
    const Onnx__GraphProto *graph;
    const struct onnx_import_options *options;
    struct onnx_network *network;
    struct onnx_value *values;
    size_t value_count, value_room;
    struct onnx_affine pending;
    struct error *err;
};

/* ---- Values ---- */

/* NULL: there is none of that name. */
struct onnx_value *onnx_find(struct onnx_walk *walk, const char *name);
/* The constant that is input number i; NULL with *status STATUS_OK if that input is left out. */
const struct onnx_tensor *onnx_constant(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                        size_t i, enum status *status);
/* The same where there must be one. */
MUST_CHECK enum status onnx_need_constant(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                          size_t i, const struct onnx_tensor **out);
bool onnx_is_constant(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i);
/* The activations that are input number i, wherever they come from; borrowed. */
MUST_CHECK enum status onnx_need_view(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i,
                                      const struct onnx_view **out);
/* The same, and they are the last layer's. */
MUST_CHECK enum status onnx_need_last(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i,
                                      const struct onnx_view **out);
/* Makes the node's first output; takes over what *constant or *view owns, in any case. */
MUST_CHECK enum status onnx_put_constant(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                         struct onnx_tensor *constant);
MUST_CHECK enum status onnx_put_view(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                     struct onnx_view *view);
/* Whether no one else waits for this layer's values (the node being worked on does not count). */
bool onnx_is_sole(const struct onnx_walk *walk, int layer);

/* ---- Views ---- */

MUST_CHECK enum status onnx_view_copy(const struct onnx_view *from, struct onnx_view *out,
                                      struct error *err);
void onnx_view_clear(struct onnx_view *view);
/* A view of a layer's values with these dims, in the order of the values' memory if nhwc, else with
 * the channels first. */
MUST_CHECK enum status onnx_view_create(struct shape shape, int layer, int rank,
                                        const int64_t *dims, bool nhwc, struct onnx_view *out,
                                        struct error *err);
/* Whether the view is an image of the layer's shape: [N, C, H, W], or [N, H, W, C]. */
bool onnx_view_is_nchw(const struct onnx_walk *walk, const struct onnx_view *view);
bool onnx_view_is_nhwc(const struct onnx_walk *walk, const struct onnx_view *view);
bool onnx_view_is_padded(const struct onnx_view *view);
struct shape onnx_view_shape(const struct onnx_walk *walk, const struct onnx_view *view);

/* ---- Attributes; a missing one gives the default ---- */

const Onnx__AttributeProto *onnx_attribute(const Onnx__NodeProto *node, const char *name);
int64_t onnx_attribute_int(const Onnx__NodeProto *node, const char *name, int64_t missing);
double onnx_attribute_float(const Onnx__NodeProto *node, const char *name, double missing);
bool onnx_attribute_is(const Onnx__NodeProto *node, const char *name, const char *text);
/* 32-bit whole numbers of a list attribute, or of constant input number i (SIZE_MAX: none). *count:
 * 0 if there are neither; fails on more than max. */
MUST_CHECK enum status onnx_get_ints(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                     const char *name, size_t input, int max, int64_t *out,
                                     int *count);
/* The values of a constant that fit 32 bits, as whole numbers. */
MUST_CHECK enum status onnx_tensor_ints(const struct onnx_tensor *tensor, const char *what, int max,
                                        int64_t *out, int *count, struct error *err);

/* ---- Layers ---- */

/* Appends a layer to the network, with room for weights if it has some, and its in shape set.
 * *out is borrowed. */
MUST_CHECK enum status onnx_add_layer(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                      const struct net_layer *layer, struct onnx_layer **out);
/* Gives the pending affine values a layer of their own. */
MUST_CHECK enum status onnx_settle(struct onnx_walk *walk);
/* Values behind the last layer become scale * value + shift, as one more such step; those that other
 * nodes still need stay, before a layer of its own. */
MUST_CHECK enum status onnx_scale_last(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                       double scale, double shift);
void onnx_affine_clear(struct onnx_affine *affine);
struct shape onnx_layer_shape(const struct onnx_network *network, int layer);
void onnx_node_text(const Onnx__NodeProto *node, char *out, size_t size);

/* ---- Operators, by file ---- */

typedef enum status onnx_operator_fn(struct onnx_walk *walk, const Onnx__NodeProto *node);
struct onnx_operator {
    const char *name;
    onnx_operator_fn *run;
    bool keeps_pending; /* works on values that wait for an affine step; others have it settled */
};
/* The one of that name in a table of count; NULL if there is none. */
const struct onnx_operator *onnx_find_operator(const struct onnx_operator *operators, size_t count,
                                               const char *name);
/* NULL if the operator is of another file. */
const struct onnx_operator *onnx_weighted_operator(const char *name);    /* onnx_weighted.c */
const struct onnx_operator *onnx_affine_operator(const char *name);      /* onnx_affine.c */
const struct onnx_operator *onnx_elementwise_operator(const char *name); /* onnx_pool.c */
const struct onnx_operator *onnx_shape_operator(const char *name);       /* onnx_shape.c */
/* Nodes whose inputs are all constants: true if it is one that can be computed. onnx_constants.c */
const struct onnx_operator *onnx_constant_operator(const char *name);

#endif
