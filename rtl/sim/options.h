// SPDX-License-Identifier: Apache-2.0
// Command line of mpq-sim. Knows nothing of the model.
#ifndef MPQ_SIM_OPTIONS_H
#define MPQ_SIM_OPTIONS_H

#include <cstdint>
#include <string>

enum class LinkKind { none, fd, pty, stdio };

struct Options {
    std::string firmware;
    LinkKind link = LinkKind::none;
    int fd = -1;
    bool once = false;
    bool bit_line = false;
    uint32_t baud_hz = 115200;
    std::string trace;
    uint64_t hang_cycles = 500'000'000;
    uint64_t max_cycles = UINT64_MAX;
    bool stats = false;
    bool help = false;
};

// Throws std::invalid_argument with a text for the user.
Options options_parse(int argc, char **argv);

const char *options_usage();

#endif
