// SPDX-License-Identifier: Apache-2.0
/* The firmware's main program: hands received bytes to the loader and sleeps when there are none. Owns the only loader and
 * the stack, which lie at the RAM's end, and gives the loader all between the firmware and them as model area: as much as
 * this system has, so that one program fits every board. */
#include <stddef.h>
#include "address_map.h"
#include "counters.h"
#include "csr.h"
#include "frame_run.h"
#include "loader.h"
#include "stream.h"
#include "sysctl.h"
#include "timer.h"
#include "trap.h"
#include "uart.h"

enum { MIE_TIMER = 1 << 7, MIE_EXTERNAL = 1 << 11 };
/* 1.6 times what the longest chain of calls takes (gcc -fstack-usage). */
enum { STACK_BYTES = 2048 };

extern uint8_t model_area[], fallback_start[]; /* from the linker script */
extern const char build_id[]; /* its address is a hash of the program; the Makefile links it in */

/* At the RAM's end. */
struct ram_end {
    struct loader loader;
    _Alignas(16) uint8_t stack[STACK_BYTES];
};

/* In the program only to tell their sizes to who reads it (host/pack/memory.c). */
static const uint8_t loader_room[offsetof(struct ram_end, stack)]
    __attribute__((section(".ram_end"), used));
static const uint8_t stack_room[STACK_BYTES] __attribute__((section(".ram_end_stack"), used));

static struct loader *loader;
static struct loader_platform platform;

static void platform_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    uart_send(bytes, size);
}

static void platform_read_counters(void *context, uint64_t counters[COUNTER_COUNT])
{
    (void)context;
    counters_read(counters);
}

static void platform_set_leds(void *context, unsigned leds)
{
    (void)context;
    sysctl_set_leds(leds);
}

static void platform_reset(void *context)
{
    (void)context;
    uart_flush();
    sysctl_restart();
}

static void platform_set_rate(void *context, uint32_t baud_hz)
{
    (void)context;
    uart_flush();
    uart_init(platform.clock_hz, baud_hz);
}

static void platform_set_alarm(void *context, uint32_t cycles)
{
    (void)context;
    timer_set_alarm(cycles);
}

static void platform_init(void)
{
    const struct sysctl_info info = sysctl_read_info();

    platform = (struct loader_platform){
        .send = platform_send,
        .read_counters = platform_read_counters,
        .set_leds = platform_set_leds,
        .reset = platform_reset,
        .set_rate = platform_set_rate,
        .set_alarm = platform_set_alarm,
        .clock_hz = info.clock_hz,
        .ram_bytes = info.ram_bytes,
        .core_config = info.core_config,
        .marchid = CSR_READ(CSR_MARCHID),
        .mimpid = CSR_READ(CSR_MIMPID),
        .build_id = (uint32_t)(uintptr_t)build_id,
        .isa_version = (uint16_t)info.isa_version,
    };
    uart_init(info.clock_hz, PROTO_BAUD_HZ);
}

/* Sleeps until a byte waits, or an error or the alarm is to be told. The interrupts are enabled in
 * mie but never taken: mstatus.MIE is 0. */
static void wait_for_byte(void)
{
    if (uart_take_error())
        loader_overrun(loader);
    if (timer_is_due())
        loader_alarm(loader);
    trap_check_stack();
    __asm__ volatile("wfi" ::: "memory");
}

/* Where the core has the instructions of version 2, the kernels for those without make room. */
static uint8_t *free_ram(void)
{
    return stream_is_there() ? fallback_start : model_area;
}

static int receive_byte(void *context)
{
    (void)context;
    return uart_receive();
}

static _Noreturn void serve(void)
{
    for (;;) {
        const int byte = frame_receiver_run(&loader->receiver, receive_byte, NULL);

        if (byte < 0) {
            wait_for_byte();
            continue;
        }
        if (byte == 0 && uart_take_error()) /* before the frame that lost a byte is judged */
            loader_overrun(loader);
        loader_feed(loader, (uint8_t)byte);
    }
}

/* On the trap handler's stack. What is not code lies elsewhere, as a board fetches from its first 64 KiB only. */
int main(void)
{
    uint8_t *const area = free_ram();
    struct ram_end *end;

    platform_init();
    end = (struct ram_end *)(RAM_BASE + platform.ram_bytes) - 1;
    loader = &end->loader;
    counters_start();
    CSR_WRITE(CSR_MIE, MIE_EXTERNAL | MIE_TIMER);
    loader_init(loader, &platform, area, (uint32_t)((uint8_t *)loader - area));
    trap_watch(&loader->running_layer, (uint32_t *)(uintptr_t)end->stack);
    if (trap_caused_restart()) /* shown until a model comes */
        sysctl_set_leds(SYSCTL_LED_READY | SYSCTL_LED_ERROR);
    __asm__ volatile("mv sp, %0\n\tjr %1" ::"r"(end + 1), "r"(serve) : "memory");
    __builtin_unreachable();
}
