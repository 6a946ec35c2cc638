// SPDX-License-Identifier: Apache-2.0
/* The line's rate, part of the loader (protocol.h, "Rate of the line"). */
#ifndef MPQ_RATE_H
#define MPQ_RATE_H

#include "loader.h"

/* RATE: whether the line can have this rate. Changes nothing. */
enum proto_status rate_check(const struct loader *loader, const uint8_t *payload, size_t size);

/* The line gets this rate, which rate_check() has accepted, once all has been sent. */
void rate_change(struct loader *loader, uint32_t baud_hz);

/* Something came that is not yet a good frame. */
void rate_doubt(struct loader *loader);

/* A good frame came: the rate is right. */
void rate_prove(struct loader *loader);

#endif
