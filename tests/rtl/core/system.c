// SPDX-License-Identifier: Apache-2.0
/* The system around the core, as programs see it: registers, timer, interrupts, bus errors, byte
 * and half-word accesses, counters, sleep and software reset. Reads the configuration and then the
 * bytes "xyz" from the serial line. */
#include <string.h>
#include "csr.h"
#include "mmio.h"
#include "tap.h"
#include "trap.h"

enum {
    STATUS_RECEIVED = 1,
    STATUS_ROOM = 2,
    STATUS_IDLE = 4,
    STATUS_OVERRUN = 8,
    DATA_VALID = 1 << 8,
    MIE_EXTERNAL = 1 << 11,
    RESET_KEY = 0x52535421,
    DIVISOR_115200 = 3472, /* sixteenths of a cycle at 25 MHz */
    RESET_MARK = 0x600dda7a,
    NOWHERE = 0x40000000,
};

/* Survives a software reset, as the RAM does. */
static volatile uint32_t reset_mark;
static struct tap_config config;

/* ---- System control ---- */

static void check_sysctl(void)
{
    tap_equal("sysctl_tells_the_clock", mmio_read(SYSCTL_CLOCK_HZ), 25000000);
    tap_equal("sysctl_tells_the_ram_size", mmio_read(SYSCTL_RAM_BYTES), RAM_SIZE);
    tap_equal("sysctl_tells_the_isa_version", mmio_read(SYSCTL_ISA_VERSION),
              config.nn + config.stream);
    tap_equal("sysctl_tells_the_core_configuration", mmio_read(SYSCTL_CORE_CONFIG), config.index);
    tap_equal("leds_are_off_after_reset", mmio_read(SYSCTL_LEDS), 0);
    mmio_write(SYSCTL_LEDS, 0xffffffff);
    tap_equal("three_leds_can_be_set", mmio_read(SYSCTL_LEDS), 7);
    mmio_write(SYSCTL_RESET, RESET_KEY ^ 1);
    tap_equal("a_wrong_key_does_not_reset", mmio_read(SYSCTL_LEDS), 7);
    tap_equal("reset_register_reads_as_0", mmio_read(SYSCTL_RESET), 0);
    mmio_write(SYSCTL_BASE + 0xfc, 0xffffffff);
    tap_equal("an_offset_without_register_reads_as_0", mmio_read(SYSCTL_BASE + 0xfc), 0);
    mmio_write(SYSCTL_CLOCK_HZ, 1);
    tap_equal("a_read_only_register_ignores_writes", mmio_read(SYSCTL_CLOCK_HZ), 25000000);
}

/* ---- Timer ---- */

static void check_timer(void)
{
    const uint32_t time = mmio_read(TIMER_MTIME_LO), cycle = CSR_READ(CSR_MCYCLE);
    for (volatile int i = 0; i < 100; i++) {
    }
    const uint32_t later = mmio_read(TIMER_MTIME_LO), later_cycle = CSR_READ(CSR_MCYCLE);
    tap_equal("mtime_counts_clock_cycles", later - time, later_cycle - cycle);
    tap_equal("mtime_high_is_0_at_first", mmio_read(TIMER_MTIME_HI), 0);
    tap_equal("mtimecmp_low_is_all_ones_after_reset", mmio_read(TIMER_MTIMECMP_LO), 0xffffffff);
    tap_equal("mtimecmp_high_is_all_ones_after_reset", mmio_read(TIMER_MTIMECMP_HI), 0xffffffff);
    tap_equal("no_timer_interrupt_waits_at_first", CSR_READ(CSR_MIP) & MIE_TIMER, 0);
    mmio_write(TIMER_MTIMECMP_LO, 0);
    mmio_write(TIMER_MTIMECMP_HI, 1);
    (void)mmio_read(TIMER_MTIMECMP_HI);
    tap_equal("the_comparison_has_64_bits", CSR_READ(CSR_MIP) & MIE_TIMER, 0);
    mmio_write(TIMER_MTIMECMP_HI, 0);
    (void)mmio_read(TIMER_MTIMECMP_HI);
    tap_equal("a_time_in_the_past_interrupts", CSR_READ(CSR_MIP) & MIE_TIMER, MIE_TIMER);
    tap_equal("mtimecmp_reads_back", mmio_read(TIMER_MTIMECMP_LO), 0);
    mmio_write(TIMER_MTIMECMP_HI, 0xffffffff);
    (void)mmio_read(TIMER_MTIMECMP_HI);
    tap_equal("the_interrupt_ends_with_its_cause", CSR_READ(CSR_MIP) & MIE_TIMER, 0);
}

/* Also with interrupts off (mstatus.MIE 0): wfi ends, nothing is called. */
static void check_sleep(void)
{
    const uint32_t delay = 1000, traps = last_trap.count;
    const uint32_t time = mmio_read(TIMER_MTIME_LO), cycle = CSR_READ(CSR_MCYCLE);
    mmio_write(TIMER_MTIMECMP_LO, time + delay);
    mmio_write(TIMER_MTIMECMP_HI, 0);
    CSR_WRITE(CSR_MIE, MIE_TIMER);
    __asm__ volatile("wfi");
    const uint32_t slept = mmio_read(TIMER_MTIME_LO) - time;
    const uint32_t cycles = CSR_READ(CSR_MCYCLE) - cycle;
    CSR_WRITE(CSR_MIE, 0);
    mmio_write(TIMER_MTIMECMP_HI, 0xffffffff);
    tap_true("wfi_waits_for_the_timer", slept >= delay && slept < delay + 50);
    tap_true("mcycle_goes_on_in_sleep", cycles >= delay && cycles < delay + 50);
    tap_equal("without_mie_no_interrupt_is_taken", last_trap.count, traps);
}

/* ---- UART through the byte port ---- */

static void check_uart(void)
{
    tap_equal("a_received_byte_waits", mmio_read(UART_STATUS) & STATUS_RECEIVED, STATUS_RECEIVED);
    tap_equal("reading_takes_the_first_byte", mmio_read(UART_DATA), DATA_VALID | 'x');
    last_trap.count = 0;
    CSR_WRITE(CSR_MIE, MIE_EXTERNAL);
    CSR_WRITE(CSR_MSTATUS, MSTATUS_MIE);
    tap_equal("no_interrupt_before_it_is_enabled", last_trap.count, 0);
    mmio_write(UART_IRQ_ENABLE, 0xffffffff);
    tap_equal("one_enable_bit", mmio_read(UART_IRQ_ENABLE), 1);
    CSR_WRITE(CSR_MSTATUS, 0);
    tap_equal("a_byte_is_the_external_interrupt", last_trap.count ? last_trap.cause : 0,
              CAUSE_EXTERNAL);
    tap_equal("then_the_second", mmio_read(UART_DATA), DATA_VALID | 'y');
    tap_equal("the_interrupt_lasts_while_bytes_wait", CSR_READ(CSR_MIP) & MIE_EXTERNAL,
              MIE_EXTERNAL);
    tap_equal("and_the_third", mmio_read(UART_DATA), DATA_VALID | 'z');
    tap_equal("the_interrupt_ends_with_the_last_byte", CSR_READ(CSR_MIP) & MIE_EXTERNAL, 0);
    tap_equal("an_empty_queue_reads_as_0", mmio_read(UART_DATA), 0);
    tap_equal("status_says_idle_and_room", mmio_read(UART_STATUS), STATUS_ROOM | STATUS_IDLE);
    mmio_write(UART_IRQ_ENABLE, 0);
}

static void check_divisor(void)
{
    tap_equal("the_divisor_is_that_of_115200_after_reset", mmio_read(UART_DIVISOR), DIVISOR_115200);
    mmio_write(UART_DIVISOR, 63);
    tap_equal("a_divisor_below_64_becomes_64", mmio_read(UART_DIVISOR), 64);
    mmio_write(UART_DIVISOR, 0xfffff);
    tap_equal("the_divisor_has_20_bits", mmio_read(UART_DIVISOR), 0xfffff);
    mmio_write(UART_DIVISOR, DIVISOR_115200);
}

/* ---- Bus ---- */

static void expect_fault(const char *fact, uint32_t cause, uint32_t address)
{
    tap_true(fact, last_trap.count == 1 && last_trap.cause == cause && last_trap.value == address);
    last_trap.count = 0;
}

/* One four-byte instruction on an address */
#define ACCESS(instruction, address)                                                               \
    __asm__ volatile(".option push\n.option norvc\n" instruction "\n.option pop"                   \
                     :                                                                             \
                     : "r"(address)                                                                \
                     : "t0", "memory")

static void check_bus_errors(void)
{
    void (*volatile nothing)(void) = (void (*)(void))NOWHERE;
    last_trap.count = 0;
    ACCESS("lw t0, 0(%0)", NOWHERE);
    expect_fault("a_load_from_nowhere_is_a_load_fault", CAUSE_LOAD_FAULT, NOWHERE);
    ACCESS("sw t0, 0(%0)", NOWHERE);
    expect_fault("a_store_to_nowhere_is_a_store_fault", CAUSE_STORE_FAULT, NOWHERE);
    nothing();
    expect_fault("a_jump_to_nowhere_is_a_fetch_fault", CAUSE_FETCH_FAULT, NOWHERE);
    nothing = (void (*)(void))UART_BASE;
    nothing();
    expect_fault("no_code_is_fetched_from_a_peripheral", CAUSE_FETCH_FAULT, UART_BASE);
    ACCESS("lw t0, 0(%0)", RAM_BASE + RAM_SIZE);
    expect_fault("the_ram_ends_at_its_size", CAUSE_LOAD_FAULT, RAM_BASE + RAM_SIZE);
    ACCESS("lw t0, 0(%0)", RAM_BASE - 4);
    expect_fault("the_ram_begins_at_its_base", CAUSE_LOAD_FAULT, RAM_BASE - 4);
    ACCESS("lw t0, 0(%0)", TIMER_BASE + 0x100);
    expect_fault("a_peripheral_ends_after_256_bytes", CAUSE_LOAD_FAULT, TIMER_BASE + 0x100);
    ACCESS("lw t0, 0(%0)", RAM_BASE + RAM_SIZE - 4);
    ACCESS("lw t0, 0(%0)", RAM_BASE);
    tap_equal("first_and_last_word_of_the_ram_are_there", last_trap.count, 0);
}

/* A peripheral must not see an access that is refused: the LEDs stay. */
static void check_peripheral_widths(void)
{
    mmio_write(SYSCTL_LEDS, 5);
    ACCESS("lb t0, 0(%0)", SYSCTL_LEDS);
    expect_fault("a_peripheral_refuses_byte_loads", CAUSE_LOAD_FAULT, SYSCTL_LEDS);
    ACCESS("lh t0, 0(%0)", SYSCTL_LEDS);
    expect_fault("a_peripheral_refuses_half_word_loads", CAUSE_LOAD_FAULT, SYSCTL_LEDS);
    ACCESS("sb x0, 0(%0)", SYSCTL_LEDS);
    expect_fault("a_peripheral_refuses_byte_stores", CAUSE_STORE_FAULT, SYSCTL_LEDS);
    ACCESS("sh x0, 0(%0)", SYSCTL_LEDS);
    expect_fault("a_peripheral_refuses_half_word_stores", CAUSE_STORE_FAULT, SYSCTL_LEDS);
    tap_equal("a_refused_store_has_no_effect", mmio_read(SYSCTL_LEDS), 5);
    ACCESS("lw t0, 2(%0)", SYSCTL_LEDS);
    tap_true("a_peripheral_refuses_misaligned_words",
             last_trap.count == 1 && last_trap.cause == CAUSE_LOAD_FAULT);
    last_trap.count = 0;
}

/* Every width at every offset of two words, read and written */
static void check_ram_widths(void)
{
    static union {
        uint8_t bytes[8];
        uint32_t words[2];
    } ram;
    uint8_t expected[8];
    uint32_t wrong = 0;
    for (uint32_t width = 1; width <= 4; width *= 2) {
        for (uint32_t offset = 0; offset + width <= 8; offset++) {
            const uint32_t value = 0x8899aabb + width * 0x01010101 + offset;
            uint8_t *address = ram.bytes + offset;
            uint32_t back;
            ram.words[0] = 0x33221100;
            ram.words[1] = 0x77665544;
            memcpy(expected, ram.bytes, sizeof expected);
            for (uint32_t i = 0; i < width; i++)
                expected[offset + i] = (uint8_t)(value >> 8 * i);
            if (width == 1)
                __asm__ volatile("sb %1, 0(%2)\nlbu %0, 0(%2)"
                                 : "=&r"(back)
                                 : "r"(value), "r"(address)
                                 : "memory");
            else if (width == 2)
                __asm__ volatile("sh %1, 0(%2)\nlhu %0, 0(%2)"
                                 : "=&r"(back)
                                 : "r"(value), "r"(address)
                                 : "memory");
            else
                __asm__ volatile("sw %1, 0(%2)\nlw %0, 0(%2)"
                                 : "=&r"(back)
                                 : "r"(value), "r"(address)
                                 : "memory");
            wrong += memcmp(expected, ram.bytes, sizeof expected) != 0;
            wrong += back != (width == 4 ? value : value & ((1u << 8 * width) - 1));
        }
    }
    tap_equal("bytes_halves_and_words_work_at_every_offset", wrong, 0);
}

/* ---- Counters ---- */

enum {
    MHPM_LSU_WAIT = 0xb03,
    MHPM_LOADS = 0xb05,
    MHPM_STORES,
    MHPM_JUMPS,
    MHPM_BRANCHES,
    MHPM_TAKEN
};

static void check_counters(void)
{
    uint32_t memory = 0, instructions;
    CSR_WRITE(CSR_MCOUNTINHIBIT, 0xffffffff);
    CSR_WRITE(MHPM_LOADS, 0);
    CSR_WRITE(MHPM_STORES, 0);
    CSR_WRITE(MHPM_JUMPS, 0);
    CSR_WRITE(MHPM_BRANCHES, 0);
    CSR_WRITE(MHPM_TAKEN, 0);
    CSR_WRITE(CSR_MINSTRET, 0);
    CSR_WRITE(CSR_MCOUNTINHIBIT, 0);
    __asm__ volatile(".option push\n.option norvc\n.rept 5\nlw t0, 0(%0)\n.endr\n"
                     ".rept 3\nsw t0, 0(%0)\n.endr\n.rept 4\nj .+4\n.endr\n"
                     ".rept 2\nbeq x0, x0, .+4\n.endr\n.rept 6\nbne x0, x0, .+4\n.endr\n"
                     ".option pop"
                     :
                     : "r"(&memory)
                     : "t0", "memory");
    CSR_WRITE(CSR_MCOUNTINHIBIT, 0xffffffff);
    instructions = CSR_READ(CSR_MINSTRET);
    tap_equal("loads_are_counted", CSR_READ(MHPM_LOADS), 5);
    tap_equal("stores_are_counted", CSR_READ(MHPM_STORES), 3);
    tap_equal("jumps_are_counted", CSR_READ(MHPM_JUMPS), 4);
    tap_equal("branches_are_counted", CSR_READ(MHPM_BRANCHES), 8);
    tap_equal("taken_branches_are_counted", CSR_READ(MHPM_TAKEN), 2);
    tap_true("instructions_are_counted", instructions >= 20 && instructions <= 24);
    tap_equal("counters_stand_still_while_inhibited", CSR_READ(CSR_MINSTRET), instructions);
    CSR_WRITE(CSR_MCOUNTINHIBIT, 0);
}

/* ---- Software reset ---- */

static _Noreturn void reset(void)
{
    reset_mark = RESET_MARK + tap_failures();
    mmio_write(SYSCTL_LEDS, 7);
    mmio_write(TIMER_MTIMECMP_LO, 5);
    mmio_write(TIMER_MTIMECMP_HI, 5);
    mmio_write(UART_DIVISOR, 99);
    mmio_write(UART_IRQ_ENABLE, 1);
    CSR_WRITE(CSR_MIE, MIE_EXTERNAL);
    mmio_write(SYSCTL_RESET, RESET_KEY);
    for (;;) {
    }
}

static void check_after_reset(void)
{
    tap_true("time_starts_again_after_a_software_reset", mmio_read(TIMER_MTIME_LO) < 10000);
    tap_equal("a_software_reset_turns_the_leds_off", mmio_read(SYSCTL_LEDS), 0);
    tap_equal("a_software_reset_disarms_the_timer", mmio_read(TIMER_MTIMECMP_LO), 0xffffffff);
    tap_equal("a_software_reset_resets_the_divisor", mmio_read(UART_DIVISOR), DIVISOR_115200);
    tap_equal("a_software_reset_disables_the_uart_interrupt", mmio_read(UART_IRQ_ENABLE), 0);
    tap_equal("a_software_reset_resets_the_core", CSR_READ(CSR_MIE), 0);
}

int main(void)
{
    if (reset_mark == 0) {
        config = tap_read_config();
        check_sysctl();
        check_timer();
        check_sleep();
        check_uart();
        check_divisor();
        check_bus_errors();
        check_peripheral_widths();
        check_ram_widths();
        check_counters();
        reset();
    }
    tap_equal("the_ram_survives_a_software_reset", reset_mark, RESET_MARK + tap_failures());
    check_after_reset();
    return (int)tap_failures();
}
