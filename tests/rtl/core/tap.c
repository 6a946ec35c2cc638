// SPDX-License-Identifier: Apache-2.0
/* TAP lines over the UART. */
#include "tap.h"

#include "mmio.h"

enum { DATA_VALID = 1 << 8, STATUS_ROOM = 1 << 1 };

static uint32_t failures;

static void put(char c)
{
    while (!(mmio_read(UART_STATUS) & STATUS_ROOM)) {
    }
    mmio_write(UART_DATA, (uint8_t)c);
}

void tap_text(const char *text)
{
    while (*text)
        put(*text++);
}

void tap_number(uint32_t value)
{
    tap_text("0x");
    for (int shift = 28; shift >= 0; shift -= 4)
        put("0123456789abcdef"[value >> shift & 15]);
}

void tap_true(const char *fact, bool holds)
{
    failures += !holds;
    tap_text(holds ? "ok - " : "not ok - ");
    tap_text(fact);
    put('\n');
}

void tap_equal(const char *fact, uint32_t got, uint32_t want)
{
    tap_true(fact, got == want);
    if (got == want)
        return;
    tap_text("# got ");
    tap_number(got);
    tap_text(", want ");
    tap_number(want);
    put('\n');
}

uint32_t tap_failures(void)
{
    return failures;
}

static uint32_t receive(void)
{
    uint32_t data;
    do
        data = mmio_read(UART_DATA);
    while (!(data & DATA_VALID));
    return data & 0xff;
}

struct tap_config tap_read_config(void)
{
    uint32_t field[6];
    for (int i = 0; i < 6; i++)
        field[i] = receive() - '0';
    receive();
    return (struct tap_config){field[0], field[1], field[2], field[3], field[4], field[5]};
}
