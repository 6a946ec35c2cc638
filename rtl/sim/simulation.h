// SPDX-License-Identifier: Apache-2.0
// Running the system: moves bytes between the link and the UART, waits while the core sleeps,
// notices the end of the program, of the peer, and of the core's progress.
//
// One turn: exchange bytes with the link; wait if nothing can happen before a byte comes; run a
// slice of cycles.
#ifndef MPQ_SIM_SIMULATION_H
#define MPQ_SIM_SIMULATION_H

#include "byte_queue.h"
#include "link.h"
#include "serial_line.h"
#include "soc_model.h"

enum SimExit {
    SIM_EXIT_DONE = 0,
    SIM_EXIT_FAILED = 1,
    SIM_EXIT_USAGE = 2,
    SIM_EXIT_HUNG = 3,
    SIM_EXIT_CYCLES = 4
};

class Simulation
{
  public:
    Simulation(SocModel &model, Link &link, const Options &options);
    // Returns the exit code of the process.
    int run();
    double busy_seconds() const
    {
        return busy_seconds_;
    }

  private:
    void exchange();
    bool follow_rate();
    uint8_t garbled(uint8_t byte) const;
    void wait_for_peer();
    bool dozes() const;
    void doze();
    void run_slice();
    bool step_byte_port();
    bool step_serial_line();
    void watch_core();
    void finish(int code);
    void hang(const char *reason);
    bool quiet() const;
    int last_words();

    SocModel &model_;
    Link &link_;
    const Options &options_;
    SerialLine line_;
    ByteQueue in_;
    ByteQueue out_;
    uint32_t peer_baud_hz_ = 0; // the peer's line rate; 0: it has none

    bool finished_ = false;
    int exit_code_ = 0;
    uint32_t asleep_cycles_ = 0;
    uint32_t last_pc_ = 0; // of the last instruction seen
    uint32_t same_pc_cycles_ = 0;
    uint64_t last_activity_ = 0; // cycle of the last sleep or byte
    double busy_seconds_ = 0;
};

#endif
