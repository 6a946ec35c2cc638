// SPDX-License-Identifier: Apache-2.0
/* A program that does what single bytes on the serial line tell it, for tests of the simulator:
 *   x  end with exit code 42          X  end with exit code 256 + 7
 *   l  jump to self                   n  run for ever, in a loop of some instructions
 *   f  double fault                   s  sleep for ever
 *   b  send 100000 bytes, then end with exit code 0
 *   c  send the cycles of a fixed piece of work, eight hexadecimal digits
 *   e  from now on send back every byte
 * It sleeps while it waits. */
#include <stdbool.h>
#include "csr.h"
#include "finish.h"
#include "mmio.h"
#include "trap.h"

enum { DATA_VALID = 1 << 8, STATUS_ROOM = 1 << 1, STATUS_IDLE = 1 << 2, MIE_EXTERNAL = 1 << 11 };
enum { BULK_BYTES = 100000, WORK = 200 };

static void send(uint32_t byte)
{
    while (!(mmio_read(UART_STATUS) & STATUS_ROOM)) {
    }
    mmio_write(UART_DATA, byte);
}

static uint32_t receive(void)
{
    for (;;) {
        const uint32_t data = mmio_read(UART_DATA);
        if (data & DATA_VALID)
            return data & 0xff;
        __asm__ volatile("wfi");
    }
}

static _Noreturn void end(uint32_t code)
{
    while (!(mmio_read(UART_STATUS) & STATUS_IDLE)) {
    }
    finish(code);
}

/* The tests look these three labels up. */
static _Noreturn void self_loop(void)
{
    __asm__ volatile(".globl self_loop_place\nself_loop_place: j self_loop_place");
    __builtin_unreachable();
}

static _Noreturn void endless_loop(void)
{
    __asm__ volatile(".globl endless_loop_start, endless_loop_end\nendless_loop_start:\n"
                     "addi t0, t0, 1\nxor t1, t1, t0\nj endless_loop_start\nendless_loop_end:");
    __builtin_unreachable();
}

/* An illegal instruction at a place where the vectors are illegal, too */
static _Noreturn void double_fault(void)
{
    static const uint32_t zeros[64] __attribute__((aligned(256)));
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrw mtvec, %0\n.option pop\n.word 0"
                     :
                     : "r"(zeros));
    __builtin_unreachable();
}

static void send_cycles(void)
{
    const uint32_t start = CSR_READ(CSR_MCYCLE);
    volatile uint32_t sink = 1;
    for (uint32_t i = 1; i < WORK; i++)
        sink = sink * 3 + 100000 / i;
    const uint32_t cycles = CSR_READ(CSR_MCYCLE) - start;
    for (int shift = 28; shift >= 0; shift -= 4)
        send((uint32_t) "0123456789abcdef"[cycles >> shift & 15]);
}

static void obey(uint32_t command)
{
    switch (command) {
    case 'x':
        end(42);
    case 'X':
        end(256 + 7);
    case 'l':
        self_loop();
    case 'n':
        endless_loop();
    case 'f':
        double_fault();
    case 's':
        CSR_WRITE(CSR_MIE, 0);
        __asm__ volatile("wfi");
        break;
    case 'b':
        for (uint32_t i = 0; i < BULK_BYTES; i++)
            send(i * 7 + (i >> 8));
        end(0);
    case 'c':
        send_cycles();
        break;
    case 'e':
        for (;;)
            send(receive());
    default:
        break;
    }
}

int main(void)
{
    mmio_write(UART_IRQ_ENABLE, 1);
    CSR_WRITE(CSR_MIE, MIE_EXTERNAL);
    for (;;)
        obey(receive());
}
