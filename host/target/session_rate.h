// SPDX-License-Identifier: Apache-2.0
/* Part of session: the line's rate (protocol.h, "Rate of the line"). A link without a rate stays as
 * it is. */
#ifndef MPQ_SESSION_RATE_H
#define MPQ_SESSION_RATE_H

#include "target/session.h"

enum { SESSION_RATES_MAX = 8 };

/* The usual rates above that of start-up that a UART with this clock makes, most_hz at most, fastest
 * first. Returns how many. */
size_t session_rates(uint32_t clock_hz, int most_hz, int rates[SESSION_RATES_MAX]);

/* After HELLO: both sides go over to the fastest rate at which a test pattern passes undamaged;
 * they stay at the start-up rate if there is none. Fails only as any request does. */
MUST_CHECK enum status session_speed_up(struct session *session, uint32_t clock_hz,
                                        struct error *err);

/* This side goes back to the start-up rate; the core follows when it no longer understands us. */
MUST_CHECK enum status session_slow_down(struct session *session, struct error *err);

/* Whether the link is at a rate that may be given up. */
bool session_is_fast(const struct session *session);

/* Before the link is closed: the next user meets the core at the start-up rate. Waits for nothing. */
void session_leave(struct session *session);

#endif
