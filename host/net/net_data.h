// SPDX-License-Identifier: Apache-2.0
/* The "data" section of MODEL.json. Part of net.c. */
#ifndef MPQ_NET_DATA_H
#define MPQ_NET_DATA_H

#include "net/net.h"
#include "net/net_json.h"

/* First part of the file names in the "data" that mpq import writes when it knows none. */
#define NET_DATA_STUB "FILL-IN"

/* Reads root's "data"; only fields that the format knows are allowed. */
MUST_CHECK enum status net_data_parse(const struct json_scope *root, struct net_data *data);

/* Checks, once net->data and net->recipe are set, that every part comes from one place: files of
 * its own, or a share of the training files. Sets the validation share to 0 where there are files. */
MUST_CHECK enum status net_data_check_parts(const struct json_scope *root, struct net *net);

#endif
