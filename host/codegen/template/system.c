// SPDX-License-Identifier: Apache-2.0
/* The system's side of a program: standard output on the UART, and what becomes of a trap. */
#include <stdio.h>
#include "csr.h"
#include "mmio.h"
#include "system.h"
#include "uart.h"

enum { MIE_EXTERNAL = 1 << 11 };

extern uint32_t stack_bottom[]; /* lowest word of the stack, from the linker script */
static const uint32_t stack_mark = 0x5354434b;

/* Entered from crt0.S on a stack of its own. */
_Noreturn void trap_report(uint32_t mcause, uint32_t mepc, uint32_t mtval);

static int put_char(char c, FILE *file)
{
    const uint8_t byte = (uint8_t)c;

    (void)file;
    uart_send(&byte, 1);
    return 0;
}

static FILE uart_file = FDEV_SETUP_STREAM(put_char, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &uart_file;

void system_start(void)
{
    stack_bottom[0] = stack_mark;
    CSR_WRITE(CSR_MCOUNTINHIBIT, 0);
    uart_init(mmio_read(SYSCTL_CLOCK_HZ), BAUD_HZ);
    CSR_WRITE(CSR_MIE, MIE_EXTERNAL); /* ends a sleep; never taken, as mstatus.MIE is 0 */
}

uint8_t system_receive(void)
{
    int byte = uart_receive();

    for (; byte < 0; byte = uart_receive())
        __asm__ volatile("wfi" ::: "memory");
    return (uint8_t)byte;
}

static _Noreturn void finish(int code)
{
    uart_flush();
    for (;;)
        mmio_write(SYSCTL_EXIT, (uint32_t)code);
}

void system_check_stack(void)
{
    if (stack_bottom[0] == stack_mark)
        return;
    printf("\nthe stack has left its place\n");
    finish(EXIT_STACK);
}

_Noreturn void system_end(int code)
{
    system_check_stack();
    finish(code);
}

_Noreturn void trap_report(uint32_t mcause, uint32_t mepc, uint32_t mtval)
{
    printf("\ntrap: mcause %lx, mepc %lx, mtval %lx%s\n", (unsigned long)mcause,
           (unsigned long)mepc, (unsigned long)mtval,
           mcause == 2 ? " (illegal instruction: no neural unit in this core?)" : "");
    finish(EXIT_TRAPPED);
}
