// SPDX-License-Identifier: Apache-2.0
// mpq-sim: the system on a chip under Verilator, with its serial line connected to the host.
#include "link.h"
#include "simulation.h"

#include <cerrno>
#include <cinttypes>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <unistd.h>

namespace
{

#ifdef MPQ_TRACE
constexpr bool can_trace = true;
#else
constexpr bool can_trace = false;
#endif

#define MPQ_TEXT_OF(name) #name
#define MPQ_TEXT(name)    MPQ_TEXT_OF(name)
const std::string core_config = MPQ_TEXT(MPQ_CORE_CONFIG); // row of rtl/tables/core_configs.tsv

// The folder that the user called us in; the real one when we came by way of PATH.
std::string own_folder(const char *argv0)
{
    std::string path = argv0;
    if (path.find('/') == std::string::npos) {
        char target[PATH_MAX];
        const ssize_t size = readlink("/proc/self/exe", target, sizeof target);
        path = size > 0 ? std::string(target, static_cast<size_t>(size)) : "./" + path;
    }
    return path.substr(0, path.rfind('/'));
}

// Becomes the build that can write waveforms; comes back only by throwing.
[[noreturn]] void run_tracing_build(char **argv)
{
    if (core_config != "default")
        throw std::runtime_error("--trace: only the default core has a build that writes "
                                 "waveforms, this one is '" +
                                 core_config + "'");
    const std::string folder = own_folder(argv[0]);
    for (const char *name : {"/mpq-sim-trace", "/../trace/mpq-sim"})
        execv((folder + name).c_str(), argv);
    throw std::runtime_error(folder + "/mpq-sim-trace: " + strerror(errno) +
                             ": --trace needs it; build it with: make sim-trace");
}

void print_stats(const SocModel &model, const Simulation &simulation)
{
    const double seconds = simulation.busy_seconds();
    const double mhz = seconds > 0 ? static_cast<double>(model.cycles()) / seconds / 1e6 : 0;
    fprintf(stderr, "mpq-sim: %" PRIu64 " cycles, %.3f s, %.2f MHz\n", model.cycles(), seconds,
            mhz);
    const unsigned leds = model.top().leds_o;
    fprintf(stderr, "mpq-sim: LEDs: ready %u, running %u, error %u\n", leds & 1, leds >> 1 & 1,
            leds >> 2 & 1);
}

int simulate(const Options &options)
{
    signal(SIGPIPE, SIG_IGN);
    const auto segments = elf_read(options.firmware, RAM_BASE, RAM_SIZE);
    SocModel model(options.trace);
    model.load(segments);
    Link link(options);
    model.reset();
    Simulation simulation(model, link, options);
    const int code = simulation.run();
    if (options.stats)
        print_stats(model, simulation);
    return code;
}

} // namespace

int main(int argc, char **argv)
{
    try {
        const Options options = options_parse(argc, argv);
        if (options.help) {
            fputs(options_usage(), stdout);
            return SIM_EXIT_DONE;
        }
        if (!options.trace.empty() && !can_trace)
            run_tracing_build(argv);
        return simulate(options);
    } catch (const std::invalid_argument &error) {
        fprintf(stderr, "mpq-sim: %s\n", error.what());
        return SIM_EXIT_USAGE;
    } catch (const std::exception &error) {
        fprintf(stderr, "mpq-sim: %s\n", error.what());
        return SIM_EXIT_FAILED;
    }
}
