// SPDX-License-Identifier: Apache-2.0
/* Inside of the loader, shared by loader.c and space.c: a request, and the answer in the making. */
#ifndef MPQ_REQUEST_H
#define MPQ_REQUEST_H

#include "loader.h"

struct request {
    uint8_t type, seq;
    const uint8_t *payload;
    size_t size;
};

static inline uint8_t *response_payload(struct loader *loader)
{
    return loader->response + 2;
}

static inline uint8_t *response_data(struct loader *loader)
{
    return response_payload(loader) + PROTO_STATUS_BYTES;
}

static inline void forget_model(struct loader *loader)
{
    loader->ready = false;
    loader->profiled_layers = 0;
}

/* What the requests do; each checks lengths and ranges before it changes anything (space.c). */
enum proto_status do_write(struct loader *loader, const struct request *request);
enum proto_status do_hash(struct loader *loader, const struct request *request);
enum proto_status do_read(struct loader *loader, const struct request *request);

#endif
