// SPDX-License-Identifier: Apache-2.0
/* The "layers" list of MODEL.json: operations, windows, inferred shapes. Part of net.c. */
#ifndef MPQ_NET_LAYERS_H
#define MPQ_NET_LAYERS_H

#include "net/net.h"
#include "net/net_json.h"

enum { NET_MAX_ELEMENTS = 1 << 24 }; /* of one activation */

/* Reads root's "layers" into net, whose input and class_count are set, and checks that the shapes
 * fit together. */
MUST_CHECK enum status net_layers_parse(const struct json_scope *root, struct net *net);

#endif
