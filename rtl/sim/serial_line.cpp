// SPDX-License-Identifier: Apache-2.0
// Serial line, bit by bit. The receiver samples in the middle of each bit, counted from the falling
// edge.
#include "serial_line.h"

bool SerialLine::drive(ByteQueue &queue, bool &level)
{
    bool taken = false;
    if (tx_bits_left_ == 0 && !queue.empty()) {
        tx_frame_ = 0x200u | static_cast<uint32_t>(queue.front()) << 1;
        tx_bits_left_ = 10;
        tx_left_ = clock_hz_;
        queue.pop();
        taken = true;
    }
    level = tx_bits_left_ == 0 || (tx_frame_ & 1) != 0;
    if (tx_bits_left_ != 0) {
        rest_cycles_ = 0;
        tx_left_ -= baud_hz_;
        if (tx_left_ <= 0) {
            tx_frame_ >>= 1;
            tx_bits_left_--;
            tx_left_ += clock_hz_;
        }
    }
    return taken;
}

bool SerialLine::sample(bool level, uint8_t &byte)
{
    rest_cycles_++;
    if (rx_wait_high_) {
        rx_wait_high_ = !level;
        return false;
    }
    if (rx_bit_ < 0) {
        if (!level) {
            rx_bit_ = 0;
            rx_left_ = clock_hz_ / 2;
            rx_frame_ = 0;
        }
        return false;
    }
    rest_cycles_ = 0;
    rx_left_ -= baud_hz_;
    if (rx_left_ > 0)
        return false;
    rx_left_ += clock_hz_;
    if (rx_bit_ == 9) {
        rx_bit_ = -1;
        byte = static_cast<uint8_t>(rx_frame_ >> 1);
        rx_wait_high_ = !level;
        framing_errors_ += !level;
        return level;
    }
    if (rx_bit_ == 0 && level) {
        rx_bit_ = -1; // a glitch, not a start bit
        return false;
    }
    rx_frame_ |= static_cast<uint32_t>(level) << rx_bit_;
    rx_bit_++;
    return false;
}
