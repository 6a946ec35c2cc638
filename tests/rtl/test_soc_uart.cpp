// SPDX-License-Identifier: Apache-2.0
// The UART by itself, its serial line driven and watched cycle by cycle: frames at several divisors
// (in sixteenths of a cycle) and rates, framing errors, glitches, full queues, interrupts, and the byte port.
#include "Vsoc_uart.h"
#include "address_map.h"
#include "tap_cpp.h"

#include <verilated.h>

namespace
{

constexpr uint32_t rx_depth = 128, tx_depth = 64, steps = 16;
enum Status { RECEIVED = 1, ROOM = 2, IDLE = 4, OVERRUN = 8, FRAMING = 16 };

class Uart
{
  public:
    Uart()
    {
        top_.rst_ni = 0;
        top_.rx_i = 1;
        cycle();
        top_.rst_ni = 1;
        cycle();
    }
    Vsoc_uart &top()
    {
        return top_;
    }
    void cycle()
    {
        top_.clk_i = 0;
        top_.eval();
        top_.clk_i = 1;
        top_.eval();
        // Outputs of the cycle that begins now, for the same inputs
        top_.clk_i = 0;
        top_.eval();
    }
    void cycles(uint32_t count)
    {
        while (count-- > 0)
            cycle();
    }
    void write(uint32_t address, uint32_t value)
    {
        access(address, true, value);
    }
    uint32_t read(uint32_t address)
    {
        return access(address, false, 0);
    }
    // Drives a frame with bits of the given length, in cycles, which frames behind one another do
    // not begin anew: the edges of a sender with a clock of its own.
    void send(uint8_t byte, double bit_cycles, bool stop = true)
    {
        const uint32_t frame = (stop ? 0x200u : 0) | static_cast<uint32_t>(byte) << 1;
        for (int bit = 0; bit < 10; bit++) {
            top_.rx_i = frame >> bit & 1;
            sent_ += bit_cycles;
            cycles(static_cast<uint32_t>(sent_));
            sent_ -= static_cast<uint32_t>(sent_);
        }
    }
    void rest(uint32_t count)
    {
        top_.rx_i = 1;
        cycles(count);
    }

  private:
    // The answer comes in the cycle of the request.
    uint32_t access(uint32_t address, bool is_write, uint32_t value)
    {
        top_.req_i = 1;
        top_.we_i = is_write;
        top_.addr_i = static_cast<uint8_t>(address - UART_BASE);
        top_.wdata_i = value;
        top_.eval();
        const uint32_t answer = top_.rdata_o;
        cycle();
        top_.req_i = 0;
        return answer;
    }

    Vsoc_uart top_;
    double sent_ = 0; // part of a cycle by which the sender is ahead
};

// The next frame on the line; -1 if it is none. Bit n must end the whole part of (n + 1) times the
// divisor after the frame's start.
int watch_frame(Uart &uart, uint32_t divisor)
{
    uint32_t frame = 0, patience = 4 * divisor / steps + 16;
    while (uart.top().tx_o && patience-- > 0)
        uart.cycle();
    for (uint32_t bit = 0; bit < 10; bit++) {
        const uint32_t level = uart.top().tx_o;
        for (uint32_t i = bit * divisor / steps; i < (bit + 1) * divisor / steps; i++) {
            if (uart.top().tx_o != level)
                return -1;
            uart.cycle();
        }
        frame |= level << bit;
    }
    return frame % 2 == 0 && frame >> 9 ? static_cast<int>(frame >> 1 & 0xff) : -1;
}

void test_transmit(Tap &tap)
{
    Checker checker;
    for (const uint32_t divisor : {64u, 80u, 256u, 3472u, 16016u, 65u, 79u, 133u, 187u}) {
        Uart uart;
        uart.write(UART_DIVISOR, divisor);
        for (const uint32_t byte : {0x00u, 0xffu, 0x55u, 0xa5u, 0x01u, 0x80u}) {
            uart.write(UART_DATA, byte);
            checker.equal("byte on the line", static_cast<uint64_t>(watch_frame(uart, divisor)),
                          byte);
        }
    }
    checker.report(tap, "a_frame_has_start_data_and_stop_bits_of_the_divisors_length");
}

void test_transmit_queue(Tap &tap)
{
    constexpr uint32_t divisor = 8 * steps, sent = tx_depth + 1; // one byte is on the line
    Checker checker;
    Uart uart;
    uart.write(UART_DIVISOR, divisor);
    for (uint32_t i = 0; i < sent; i++) {
        checker.equal("room", uart.read(UART_STATUS) & ROOM, ROOM);
        uart.write(UART_DATA, i);
        if (i == 0)
            uart.cycles(2);
    }
    // The line has moved on meanwhile: fill up again.
    uint32_t count = sent;
    while (count < 2 * sent && (uart.read(UART_STATUS) & ROOM) != 0)
        uart.write(UART_DATA, count++);
    checker.equal("full", uart.read(UART_STATUS) & ROOM, 0);
    for (uint32_t i = 0; i < 3; i++)
        uart.write(UART_DATA, 0xee); // lost
    checker.equal("not idle", uart.read(UART_STATUS) & IDLE, 0);
    checker.equal("more than the queue holds", count > tx_depth, 1);
    uart.cycles(divisor / steps * 10 * (tx_depth + 4));
    checker.equal("idle at the end", uart.read(UART_STATUS) & IDLE, IDLE);
    checker.report(tap, "the_transmit_queue_says_when_it_has_room_and_when_it_is_idle");
}

// Every byte written while there is room comes out, in order; one written without room does not.
void test_transmit_order(Tap &tap)
{
    constexpr uint32_t divisor = 400 * steps; // so slow that the queue fills during the first frame
    Checker checker;
    Uart uart;
    uart.write(UART_DIVISOR, divisor);
    for (uint32_t i = 0; i < tx_depth + 20; i++)
        uart.write(UART_DATA, i);
    checker.equal("room", uart.read(UART_STATUS) & ROOM, 0);
    uart.write(UART_DIVISOR, divisor);
    // The rest of the first frame: byte 0, all its data bits are 0
    for (uint32_t i = 0; i < 10 * divisor / steps && uart.top().tx_o == 0; i++)
        uart.cycle();
    for (uint32_t i = 1; i <= tx_depth; i++)
        checker.equal("byte", static_cast<uint64_t>(watch_frame(uart, divisor)), i);
    checker.equal("nothing more", static_cast<uint64_t>(watch_frame(uart, divisor)),
                  static_cast<uint64_t>(-1));
    checker.report(tap, "the_transmit_queue_keeps_the_order_and_drops_what_it_has_no_room_for");
}

// All bytes, back to back, from a sender whose rate differs by up to 4 %, or 3 % where a cycle is a
// twelfth of a bit
void test_receive(Tap &tap)
{
    static const struct {
        uint32_t divisor;
        double bit_cycles;
    } rates[] = {{64, 4},
                 {80, 5},
                 {256, 16},
                 {3472, 217},
                 {3472, 209},
                 {3472, 225},
                 // 3,000,000 bits a second at 25, 35 and 40 MHz; at 35, senders that are off
                 {133, 25.0 / 3},
                 {187, 35.0 / 3},
                 {213, 40.0 / 3},
                 {187, 35.0 / 3 * 0.97},
                 {187, 35.0 / 3 * 1.03}};
    Checker checker;
    for (const auto &rate : rates) {
        Uart uart;
        uart.write(UART_DIVISOR, rate.divisor);
        for (uint32_t byte = 0; byte < 256; byte++) {
            uart.send(static_cast<uint8_t>(byte), rate.bit_cycles);
            if (byte % 64 != 63)
                continue;
            uart.rest(3 * rate.divisor / steps);
            for (uint32_t i = byte - 63; i <= byte; i++)
                checker.equal("received", uart.read(UART_DATA), 0x100 | i);
        }
        checker.equal("status", uart.read(UART_STATUS), IDLE | ROOM);
    }
    checker.report(tap, "all_bytes_are_received_at_rates_within_three_or_four_percent");
}

// 64 is four cycles a bit, the least that the receiver can do.
void test_divisor(Tap &tap)
{
    Checker checker;
    Uart uart;
    for (const uint32_t value : {64u, 65u, 187u, 0xfffffu}) {
        uart.write(UART_DIVISOR, value);
        checker.equal("divisor", uart.read(UART_DIVISOR), value);
    }
    for (const uint32_t value : {0u, 1u, 63u}) {
        uart.write(UART_DIVISOR, value);
        checker.equal("least divisor", uart.read(UART_DIVISOR), 64);
    }
    for (const uint32_t value : {0x100000u, 0x80000000u, 0xfff0003fu}) {
        uart.write(UART_DIVISOR, value);
        checker.equal("greatest divisor", uart.read(UART_DIVISOR), 0xfffff);
    }
    checker.report(tap, "the_divisor_has_20_bits_and_is_64_at_least");
}

void test_overrun(Tap &tap)
{
    Checker checker;
    Uart uart;
    uart.write(UART_DIVISOR, 4 * steps);
    for (uint32_t i = 0; i < rx_depth; i++)
        uart.send(static_cast<uint8_t>(i), 4);
    uart.rest(20);
    checker.equal("a full queue is no overrun", uart.read(UART_STATUS) & OVERRUN, 0);
    uart.send(0xee, 4);
    uart.rest(20);
    checker.equal("overrun", uart.read(UART_STATUS) & OVERRUN, OVERRUN);
    uart.write(UART_STATUS, FRAMING);
    checker.equal("writing another bit", uart.read(UART_STATUS) & OVERRUN, OVERRUN);
    uart.write(UART_STATUS, OVERRUN);
    checker.equal("cleared", uart.read(UART_STATUS) & OVERRUN, 0);
    for (uint32_t i = 0; i < rx_depth; i++)
        checker.equal("kept byte", uart.read(UART_DATA), 0x100 | i);
    checker.equal("then nothing", uart.read(UART_DATA), 0);
    uart.send(0x77, 4);
    uart.rest(20);
    checker.equal("goes on", uart.read(UART_DATA), 0x177);
    checker.report(tap, "an_overrun_drops_the_new_byte_and_is_told_until_cleared");
}

void test_framing(Tap &tap)
{
    constexpr uint32_t divisor = 16; // in cycles
    Checker checker;
    Uart uart;
    uart.write(UART_DIVISOR, divisor * steps);
    uart.send(0x5a, divisor, false);
    checker.equal("framing error", uart.read(UART_STATUS) & (FRAMING | RECEIVED), FRAMING);
    uart.cycles(40 * divisor); // the line stays 0: a break is one error
    uart.write(UART_STATUS, FRAMING);
    checker.equal("cleared during the break", uart.read(UART_STATUS) & FRAMING, 0);
    uart.cycles(40 * divisor);
    checker.equal("one break, one error", uart.read(UART_STATUS) & FRAMING, 0);
    uart.rest(divisor);
    uart.send(0xc3, divisor);
    uart.rest(divisor);
    checker.equal("after the break", uart.read(UART_DATA), 0x1c3);
    uart.send(0x00, divisor, false);
    uart.write(UART_STATUS, OVERRUN);
    checker.equal("writing another bit", uart.read(UART_STATUS) & FRAMING, FRAMING);
    checker.report(tap, "a_byte_without_stop_bit_is_dropped_and_told");
}

void test_glitch(Tap &tap)
{
    constexpr uint32_t divisor = 32; // in cycles
    Checker checker;
    Uart uart;
    uart.write(UART_DIVISOR, divisor * steps);
    for (uint32_t length = 1; length < divisor / 2 - 2; length++) {
        uart.top().rx_i = 0;
        uart.cycles(length);
        uart.rest(divisor);
        checker.equal("status", uart.read(UART_STATUS), IDLE | ROOM);
    }
    uart.send(0x3c, divisor);
    uart.rest(divisor);
    checker.equal("a byte after glitches", uart.read(UART_DATA), 0x13c);
    checker.report(tap, "a_glitch_shorter_than_half_a_bit_is_no_start_bit");
}

void test_interrupt(Tap &tap)
{
    Checker checker;
    Uart uart;
    uart.write(UART_DIVISOR, 4 * steps);
    uart.send(1, 4);
    uart.send(2, 4);
    uart.rest(20);
    checker.equal("not enabled", uart.top().irq_o, 0);
    uart.write(UART_IRQ_ENABLE, 1);
    checker.equal("enabled", uart.top().irq_o, 1);
    uart.read(UART_DATA);
    checker.equal("one byte left", uart.top().irq_o, 1);
    uart.read(UART_STATUS);
    checker.equal("status takes nothing", uart.top().irq_o, 1);
    uart.read(UART_DATA);
    checker.equal("none left", uart.top().irq_o, 0);
    uart.top().rx_i = 0; // no stop bit
    uart.cycles(60);
    uart.rest(20);
    checker.equal("framing error", uart.top().irq_o, 1);
    uart.write(UART_STATUS, FRAMING);
    checker.equal("cleared", uart.top().irq_o, 0);
    checker.report(tap, "the_interrupt_is_a_level_while_bytes_wait_or_a_framing_error_is_noted");
}

void test_byte_port(Tap &tap)
{
    Checker checker;
    Uart uart;
    Vsoc_uart &top = uart.top();
    top.fast_i = 1;
    top.rx_i = 0; // the line is out of use
    uart.cycle();
    top.fast_rx_valid_i = 1;
    for (uint32_t i = 0; i < rx_depth; i++) {
        checker.equal("ready", top.fast_rx_ready_o, 1);
        top.fast_rx_data_i = static_cast<uint8_t>(i);
        uart.cycle();
    }
    checker.equal("full", top.fast_rx_ready_o, 0);
    uart.cycles(3);
    top.fast_rx_valid_i = 0;
    checker.equal("no overrun: the host waits", uart.read(UART_STATUS) & (OVERRUN | FRAMING), 0);
    for (uint32_t i = 0; i < rx_depth; i++)
        checker.equal("byte in", uart.read(UART_DATA), 0x100 | i);
    for (uint32_t i = 0; i < 200; i++) {
        uart.write(UART_DATA, i);
        checker.equal("byte out", top.fast_tx_valid_o ? top.fast_tx_data_o : 0x100u, i % 256);
        checker.equal("always room", uart.read(UART_STATUS) & ROOM, ROOM);
        checker.equal("for one cycle", top.fast_tx_valid_o, 0);
    }
    checker.equal("line at rest", top.tx_o, 1);
    checker.report(tap, "the_byte_port_passes_bytes_without_the_line");
}

} // namespace

int main()
{
    Tap tap;
    test_transmit(tap);
    test_transmit_queue(tap);
    test_transmit_order(tap);
    test_receive(tap);
    test_divisor(tap);
    test_overrun(tap);
    test_framing(tap);
    test_glitch(tap);
    test_interrupt(tap);
    test_byte_port(tap);
    return tap.end();
}
