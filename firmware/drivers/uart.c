// SPDX-License-Identifier: Apache-2.0
/* The serial line to the host: registers of rtl/soc/soc_uart.sv. No state of its own. */
#include "line_rate.h"
#include "uart.h"

enum {
    STATUS_TX_ROOM = 1 << 1,
    STATUS_TX_IDLE = 1 << 2,
    STATUS_ERRORS = 1 << 3 | 1 << 4 /* overrun, framing */
};
enum { IRQ_RECEIVED = 1 };

void uart_init(uint32_t clock_hz, uint32_t baud_hz)
{
    mmio_write(UART_DIVISOR, line_divisor(clock_hz, baud_hz));
    mmio_write(UART_IRQ_ENABLE, IRQ_RECEIVED);
}

bool uart_take_error(void)
{
    if (!(mmio_read(UART_STATUS) & STATUS_ERRORS))
        return false;
    mmio_write(UART_STATUS, STATUS_ERRORS);
    return true;
}

void uart_send(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while (!(mmio_read(UART_STATUS) & STATUS_TX_ROOM)) {
        }
        mmio_write(UART_DATA, bytes[i]);
    }
}

void uart_flush(void)
{
    while (!(mmio_read(UART_STATUS) & STATUS_TX_IDLE)) {
    }
}
