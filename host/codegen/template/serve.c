// SPDX-License-Identifier: Apache-2.0
/* Runs the network on inputs that come over the serial line: what `mpq verify` talks to. It sends "MPQS", then the
 * sizes of input and output (four bytes each, little-endian); then, for each input that it receives, 'O', the output,
 * and the class (two bytes, little-endian). Anything else that it sends is text about a fault. */
#include <string.h>
#include "bytes.h"
#include "layers.h"
#include "network.h"
#include "system.h"
#include "uart.h"

static void send_greeting(void)
{
    uint8_t greeting[12] = {'M', 'P', 'Q', 'S'};

    put_u32(greeting + 4, NETWORK_INPUT_BYTES);
    put_u32(greeting + 8, NETWORK_OUTPUT_BYTES);
    uart_send(greeting, sizeof greeting);
}

int main(void)
{
    static const uint8_t mark = 'O';

    system_start();
    send_greeting();
    for (;;) {
        for (uint32_t i = 0; i < NETWORK_INPUT_BYTES; i++)
            network_input[i] = system_receive();
        layers_restart();
        network_run();
        system_check_stack();
        uart_send(&mark, 1);
        uart_send(network_output, NETWORK_OUTPUT_BYTES);
        uart_send(network_class, 2);
    }
}
