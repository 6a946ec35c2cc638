// SPDX-License-Identifier: Apache-2.0
// First-in first-out bytes in one contiguous block, so that system calls take them whole.
#ifndef MPQ_SIM_BYTE_QUEUE_H
#define MPQ_SIM_BYTE_QUEUE_H

#include <cstddef>
#include <cstdint>
#include <vector>

class ByteQueue
{
  public:
    bool empty() const
    {
        return head_ == bytes_.size();
    }
    size_t size() const
    {
        return bytes_.size() - head_;
    }
    const uint8_t *data() const
    {
        return bytes_.data() + head_;
    }
    void push(uint8_t byte)
    {
        bytes_.push_back(byte);
    }
    void push(const uint8_t *bytes, size_t count)
    {
        bytes_.insert(bytes_.end(), bytes, bytes + count);
    }
    uint8_t front() const
    {
        return bytes_[head_];
    }
    // Drops the oldest count bytes, at most size().
    void pop(size_t count = 1)
    {
        head_ += count;
        if (head_ == bytes_.size()) {
            bytes_.clear();
            head_ = 0;
        }
    }

  private:
    std::vector<uint8_t> bytes_;
    size_t head_ = 0;
};

#endif
