// SPDX-License-Identifier: Apache-2.0
/* The line's rate, and the way back to the one that the loader is met at.
 *
 * Invariants
 *  1. doubted implies rate_changed: at the start-up rate there is nothing to go back to.
 *  2. doubted if and only if the platform's alarm is set. */
#include "bytes.h"
#include "line_rate.h"
#include "rate.h"

enum { RATE_BYTES = 4 };

enum proto_status rate_check(const struct loader *loader, const uint8_t *payload, size_t size)
{
    if (size != RATE_BYTES)
        return PROTO_E_LENGTH;
    return line_divisor(loader->platform->clock_hz, get_u32(payload)) ? PROTO_OK : PROTO_E_RANGE;
}

static void set_alarm(struct loader *loader, bool on)
{
    const uint32_t cycles = loader->platform->clock_hz / 1000 * PROTO_RATE_DOUBT_MS;

    loader->rate_doubted = on;
    loader->platform->set_alarm(loader->platform->context, on ? cycles : 0);
}

void rate_change(struct loader *loader, uint32_t baud_hz)
{
    loader->platform->set_rate(loader->platform->context, baud_hz);
    loader->rate_changed = baud_hz != PROTO_BAUD_HZ;
    set_alarm(loader, loader->rate_changed);
}

void rate_doubt(struct loader *loader)
{
    if (loader->rate_changed && !loader->rate_doubted)
        set_alarm(loader, true);
}

void rate_prove(struct loader *loader)
{
    if (loader->rate_doubted)
        set_alarm(loader, false);
}

void loader_alarm(struct loader *loader)
{
    if (loader->rate_doubted)
        rate_change(loader, PROTO_BAUD_HZ);
}
