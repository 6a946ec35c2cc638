// SPDX-License-Identifier: Apache-2.0
// The byte stream between the simulated serial line and the world: an inherited socket, standard
// input and output, or a pseudo-terminal. Knows nothing of the model. Never blocks but in wait()
// and flush().
#ifndef MPQ_SIM_LINK_H
#define MPQ_SIM_LINK_H

#include "byte_queue.h"
#include "options.h"

class Link
{
  public:
    // Opens what the options name; throws std::runtime_error. A pseudo-terminal's name is printed
    // on standard output.
    explicit Link(const Options &options);
    ~Link();
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // Takes what has arrived, without waiting.
    void receive(ByteQueue &in);
    // Gives away what the peer takes without waiting.
    void send(ByteQueue &out);
    // Gives away everything, waiting for the peer, unless it is gone.
    void flush(ByteQueue &out);
    // Waits until something arrives, the peer goes, a signal comes or, if output_waits, the peer
    // takes output.
    void wait(bool output_waits, int timeout_ms = -1);

    // Rate of the peer's side in baud, as its terminal is set; 0 if the link has none.
    uint32_t baud_hz() const;

    bool present() const
    {
        return in_fd_ >= 0;
    }
    // The peer can neither send nor receive any more.
    bool gone() const
    {
        return gone_;
    }
    // No more input will come; output may still be wanted.
    bool input_ended() const
    {
        return input_ended_;
    }

  private:
    void open_pty();
    void client_arrived();
    void read_failed(int error);
    void write_failed(int error);
    void limit_backlog(ByteQueue &out) const;

    int in_fd_ = -1;
    int out_fd_ = -1;
    int slave_fd_ = -1; // our own handle on the terminal: keeps it raw, and up without a client
    bool pty_ = false;
    bool once_ = false;
    bool gone_ = false;
    bool input_ended_ = false;
};

#endif
