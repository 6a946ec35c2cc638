// SPDX-License-Identifier: Apache-2.0
// The host's end of the serial line, bit by bit: 8 data bits, no parity, one stop bit, least
// significant bit first. Call drive() and sample() once per clock cycle.
#ifndef MPQ_SIM_SERIAL_LINE_H
#define MPQ_SIM_SERIAL_LINE_H

#include "byte_queue.h"

class SerialLine
{
  public:
    SerialLine(uint32_t clock_hz, uint32_t baud_hz) : clock_hz_(clock_hz), baud_hz_(baud_hz)
    {
    }

    // No byte is on its way.
    bool at_rest() const
    {
        return tx_bits_left_ == 0 && rx_bit_ < 0;
    }
    // Another rate, while at rest.
    void set_baud_hz(uint32_t baud_hz)
    {
        baud_hz_ = baud_hz;
    }
    // Level towards the core in this cycle. Takes the next byte of queue when the line is free;
    // true if it did.
    bool drive(ByteQueue &queue, bool &level);
    // Takes the core's level of this cycle; true if it completes a byte. A byte without its stop
    // bit is dropped.
    bool sample(bool level, uint8_t &byte);

    // Both directions have been at rest for longer than a frame.
    bool idle() const
    {
        return tx_bits_left_ == 0 && rx_bit_ < 0 &&
               rest_cycles_ * baud_hz_ > uint64_t{12} * clock_hz_;
    }
    uint64_t framing_errors() const
    {
        return framing_errors_;
    }

  private:
    uint32_t clock_hz_, baud_hz_; // times are in parts of a cycle, baud_hz_ to one
    uint32_t tx_frame_ = 0;       // stop bit, data, start bit; sent from bit 0
    unsigned tx_bits_left_ = 0;
    int64_t tx_left_ = 0; // until the next bit
    int rx_bit_ = -1;     // -1 at rest, 0 start bit, 1..8 data, 9 stop bit
    int64_t rx_left_ = 0; // until the next sample
    uint32_t rx_frame_ = 0;
    bool rx_wait_high_ = false; // after a framing error
    uint64_t rest_cycles_ = 0;
    uint64_t framing_errors_ = 0;
};

#endif
