// SPDX-License-Identifier: Apache-2.0
/* The serial line to the host. Polled; its interrupt only ends the core's sleep. */
#ifndef MPQ_UART_H
#define MPQ_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mmio.h"

/* Stands beside a byte in UART_DATA; it is 0, and so is the byte, if none waits. */
enum { UART_RECEIVED = 1 << 8 };

/* Sets the rate, one that line_divisor() knows, and lets a received byte or a framing error wake the core. */
void uart_init(uint32_t clock_hz, uint32_t baud_hz);

/* Takes a received byte; negative if none waits. */
static inline int uart_receive(void)
{
    return (int)mmio_read(UART_DATA) - UART_RECEIVED;
}

/* Whether a received byte was lost, or came without its stop bit, since the last call. */
bool uart_take_error(void);

/* Sends all bytes; waits while the transmit FIFO is full. */
void uart_send(const uint8_t *bytes, size_t size);

/* Waits until the last bit is on the line. */
void uart_flush(void);

#endif
