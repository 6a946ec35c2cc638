// SPDX-License-Identifier: Apache-2.0
/* Trap handler: no interrupt is ever taken (mstatus.MIE stays 0), so that each trap is a fault and
 * the last thing that happens before a restart. A fault within the report restarts at once. */
#include <stdbool.h>
#include "bytes.h"
#include "model_format.h"
#include "protocol.h"
#include "sysctl.h"
#include "trap.h"
#include "uart.h"

enum {
    TRAP_BYTES = 14,
    TRAP_FRAME_BYTES = TRAP_BYTES + PROTO_OVERHEAD,
    STACK_MARK = 0x5354434b,
    TRAP_MARK = 0x50415254
};

static const uint16_t *watched_layer;
static uint32_t *stack_mark;
static bool reporting;
static uint32_t restart_cause __attribute__((section(".noinit"))); /* TRAP_MARK, or anything */

void trap_watch(const uint16_t *running_layer, uint32_t *stack_bottom)
{
    watched_layer = running_layer;
    stack_mark = stack_bottom;
    *stack_mark = STACK_MARK;
}

void trap_check_stack(void)
{
    if (*stack_mark != STACK_MARK)
        __asm__ volatile("ebreak");
}

bool trap_caused_restart(void)
{
    const bool was_trap = restart_cause == TRAP_MARK;

    restart_cause = 0;
    return was_trap;
}

_Noreturn void trap_report(uint32_t mcause, uint32_t mepc, uint32_t mtval)
{
    uint8_t payload[TRAP_BYTES], frame[TRAP_FRAME_BYTES], wire[TRAP_FRAME_BYTES + 3];

    if (reporting)
        sysctl_restart();
    reporting = true;
    restart_cause = TRAP_MARK;
    sysctl_set_leds(SYSCTL_LED_ERROR);
    put_u32(payload, mcause);
    put_u32(payload + 4, mepc);
    put_u32(payload + 8, mtval);
    put_u16(payload + 12, watched_layer ? *watched_layer : MODEL_NONE);
    wire[0] = 0; /* ends whatever was being sent */
    uart_send(wire, 1 + frame_encode(PROTO_TRAP, 0, payload, sizeof payload, frame, wire + 1));
    uart_flush();
    sysctl_restart();
}
