// SPDX-License-Identifier: Apache-2.0
/* Words for what the core sends as numbers. */
#include "target/session.h"

#include <stdio.h>

#include "bytes.h"
#include "model_format.h"

const char *session_status_text(unsigned status)
{
    static const char *const texts[] = {
#define X(name, text) [name] = (text),
        PROTO_STATUSES(X)
#undef X
    };
    return status < sizeof texts / sizeof texts[0] ? texts[status]
                                                   : "status not known here: newer firmware?";
}

const char *session_type_name(unsigned type)
{
    static const char *const names[] = {"request", "hello",    "write", "hash", "read", "commit",
                                        "run",     "counters", "reset", "rate", "echo"};
    return type < sizeof names / sizeof names[0] ? names[type] : names[0];
}

/* Machine causes that Ibex raises (RISC-V privileged specification, table of mcause). */
static const char *cause_name(uint32_t cause)
{
    static const char *const names[] = {
        "misaligned fetch",        "fetch from an unmapped address",
        "illegal instruction",     "breakpoint",
        "misaligned load",         "load from an unmapped address",
        "misaligned store",        "store to an unmapped address",
        "environment call (user)", "environment call",
        "environment call",        "environment call",
    };
    if (cause >> 31)
        return "unexpected interrupt";
    return cause < sizeof names / sizeof names[0] ? names[cause] : "exception of unknown cause";
}

void session_trap_text(const uint8_t *payload, char *out, size_t size)
{
    const uint32_t cause = get_u32(payload), pc = get_u32(payload + 4),
                   value = get_u32(payload + 8);
    const unsigned layer = get_u16(payload + 12);
    char where[48] = "outside a model run";
    if (layer != MODEL_NONE)
        snprintf(where, sizeof where, "in layer %u", layer);
    snprintf(out, size, "the core trapped %s: %s (mcause 0x%x) at pc 0x%08x, value 0x%08x", where,
             cause_name(cause), cause, pc, value);
}

enum status session_refused(const struct session *session, enum proto_type type,
                            enum proto_status status, struct error *err)
{
    const bool lost = status == PROTO_E_NO_SESSION || status == PROTO_E_VERSION;
    return error_set(err, lost ? STATUS_LINK : STATUS_INPUT, "%s: %s refused: %s",
                     session->link->name, session_type_name(type), session_status_text(status));
}
