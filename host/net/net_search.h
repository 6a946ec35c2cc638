// SPDX-License-Identifier: Apache-2.0
/* The "search" section of MODEL.json. Part of net.c. */
#ifndef MPQ_NET_SEARCH_H
#define MPQ_NET_SEARCH_H

#include "net/net.h"
#include "net/net_json.h"

/* Reads root's "search", once net's layers are known:
 *   "bits"    widths that a layer may have, in the order in which candidates are numbered
 *   "method"  exhaustive, cheapest, binary, greedy or evolution
 *   "groups"  lists of layer names; the layers of one list share a width
 *   "layers"  by layer name, the widths that this layer may have, out of "bits" */
MUST_CHECK enum status net_search_parse(const struct json_scope *root, struct net *net);

#endif
