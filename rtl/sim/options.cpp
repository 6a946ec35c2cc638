// SPDX-License-Identifier: Apache-2.0
// Command line of mpq-sim: a table of options, each with what it does to struct Options.
#include "options.h"

#include <cerrno>
#include <cstdlib>
#include <map>
#include <stdexcept>

namespace
{

const char usage[] =
    "usage: mpq-sim --firmware FILE.elf [option]...\n"
    "Runs a program on the simulated system.\n"
    "\n"
    "  --firmware FILE    ELF file to load (needed)\n"
    "  --fd N             the serial line is file descriptor N, both directions\n"
    "  --pty              open a pseudo-terminal, print its name, stay when its user closes it;\n"
    "                     its rate counts: bytes are garbled where it is not the core's\n"
    "  --once             with --pty: end when its user closes it\n"
    "  --stdio            the serial line is standard input and output\n"
    "  --line byte|bit    pass whole bytes to the UART (default), or the true serial line\n"
    "  --baud HZ          rate of the host's side of the line with --line bit (115200; not with "
    "--pty)\n"
    "  --trace FILE.fst   write a waveform (runs mpq-sim-trace, found next to mpq-sim)\n"
    "  --hang-cycles N    give up on a core that neither sleeps nor communicates (500000000)\n"
    "  --max-cycles N     stop after N cycles\n"
    "  --stats            print cycles, seconds, MHz and LEDs on standard error at the end\n"
    "  --help             this text\n"
    "\n"
    "Exit code: the program's own (its write to sysctl exit, modulo 256); 0 when the peer went\n"
    "away; 1 failed; 2 used wrongly; 3 core hung; 4 --max-cycles reached.\n";

uint64_t parse_number(const std::string &option, const char *text, uint64_t low, uint64_t high)
{
    char *end = nullptr;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < low || value > high)
        throw std::invalid_argument(option + ": got '" + text + "', want a number from " +
                                    std::to_string(low) + " to " + std::to_string(high));
    return value;
}

bool parse_line(const char *text)
{
    const std::string kind = text;
    if (kind != "byte" && kind != "bit")
        throw std::invalid_argument("--line: got '" + kind + "', want byte or bit");
    return kind == "bit";
}

void set_link(Options &options, LinkKind kind)
{
    if (options.link != LinkKind::none)
        throw std::invalid_argument("--fd, --pty and --stdio exclude one another: give one");
    options.link = kind;
}

void check(const Options &options)
{
    if (options.help)
        return;
    if (options.firmware.empty())
        throw std::invalid_argument("--firmware is missing: name the ELF file to run");
    if (options.once && options.link != LinkKind::pty)
        throw std::invalid_argument("--once goes with --pty only");
}

using Flag = void (*)(Options &);
using Setter = void (*)(Options &, const char *value);

const std::map<std::string, Flag> flags = {
    {"--pty", [](Options &o) { set_link(o, LinkKind::pty); }},
    {"--stdio", [](Options &o) { set_link(o, LinkKind::stdio); }},
    {"--once", [](Options &o) { o.once = true; }},
    {"--stats", [](Options &o) { o.stats = true; }},
    {"--help", [](Options &o) { o.help = true; }},
};

const std::map<std::string, Setter> setters = {
    {"--firmware", [](Options &o, const char *v) { o.firmware = v; }},
    {"--trace", [](Options &o, const char *v) { o.trace = v; }},
    {"--line", [](Options &o, const char *v) { o.bit_line = parse_line(v); }},
    {"--fd",
     [](Options &o, const char *v) {
         set_link(o, LinkKind::fd);
         o.fd = static_cast<int>(parse_number("--fd", v, 0, INT32_MAX));
     }},
    {"--baud",
     [](Options &o, const char *v) {
         o.baud_hz = static_cast<uint32_t>(parse_number("--baud", v, 300, 100'000'000));
     }},
    {"--hang-cycles",
     [](Options &o, const char *v) {
         o.hang_cycles = parse_number("--hang-cycles", v, 1, UINT64_MAX);
     }},
    {"--max-cycles",
     [](Options &o, const char *v) {
         o.max_cycles = parse_number("--max-cycles", v, 1, UINT64_MAX);
     }},
};

} // namespace

Options options_parse(int argc, char **argv)
{
    Options options;
    for (int i = 1; i < argc; i++) {
        const std::string name = argv[i];
        if (const auto flag = flags.find(name); flag != flags.end()) {
            flag->second(options);
            continue;
        }
        const auto setter = setters.find(name);
        if (setter == setters.end())
            throw std::invalid_argument("'" + name + "' is not an option: see --help");
        if (i + 1 == argc)
            throw std::invalid_argument(name + ": its value is missing");
        setter->second(options, argv[++i]);
    }
    check(options);
    return options;
}

const char *options_usage()
{
    return usage;
}
