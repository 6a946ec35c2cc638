// SPDX-License-Identifier: Apache-2.0
/* What a test program needs on the simulated core: printf on the UART, and an end. Linked with
 * --wrap=main, so that the program's own main() is the host's. */
#include <stdint.h>
#include <stdio.h>
#include "address_map.h"
#include "mmio.h"
#include "trap.h"
#include "uart.h"

enum { FAST_BAUD_HZ = 1000000, TRAPPED = 99 };

extern uint32_t stack_bottom[]; /* lowest word of the stack, from the linker script */
static const uint32_t stack_mark = 0x5354434b;

int __real_main(void);
int __wrap_main(void);

static int put_char(char c, FILE *file)
{
    const uint8_t byte = (uint8_t)c;

    (void)file;
    uart_send(&byte, 1);
    return 0;
}

static FILE uart_file = FDEV_SETUP_STREAM(put_char, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &uart_file;

static _Noreturn void end_program(int code)
{
    uart_flush();
    mmio_write(SYSCTL_EXIT, (uint32_t)code);
    for (;;) {
    }
}

_Noreturn void trap_report(uint32_t mcause, uint32_t mepc, uint32_t mtval)
{
    printf("not ok - trap: mcause %lx, mepc %lx, mtval %lx\n", (unsigned long)mcause,
           (unsigned long)mepc, (unsigned long)mtval);
    end_program(TRAPPED);
}

int __wrap_main(void)
{
    int code;

    stack_bottom[0] = stack_mark;
    uart_init(mmio_read(SYSCTL_CLOCK_HZ), FAST_BAUD_HZ);
    code = __real_main();
    if (stack_bottom[0] != stack_mark) {
        printf("not ok - the stack has left its place\n");
        code = 1;
    }
    end_program(code);
}
