// SPDX-License-Identifier: Apache-2.0
/* mpq: the table of commands and nothing else. */
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "team/team.h"
#include "train/device.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"init", cmd_init, "write a starting folder for a network of your own"},
    {"train", cmd_train, "train a network in floating point"},
    {"quantize", cmd_quantize, "quantize a trained network to 8, 4 or 2 bits a layer"},
    {"eval", cmd_eval, "measure accuracy, on this machine or on a core"},
    {"dse", cmd_dse, "search the bit widths of all layers; cycles measured on the core"},
    {"bench", cmd_bench, "measure cycles on a core, by layer and by tier"},
    {"info", cmd_info, "ask a core what it is"},
    {"import", cmd_import, "take over a trained network from an ONNX file"},
    {"boards", cmd_boards, "list the boards, and what was proved for each"},
    {"flash", cmd_flash, "load a bitstream into a board"},
    {"ports", cmd_ports, "list the serial ports, and which may be a board"},
    {"export", cmd_export, "write a quantized network as ONNX"},
    {"report", cmd_report, "table and pictures of a search"},
    {"codegen", cmd_codegen, "write a quantized network as C for the stock compiler"},
    {"verify", cmd_verify, "prove that this C computes what the integer model computes"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    fputs("usage: mpq COMMAND [options]\n\n"
          "Mixed-precision quantized networks for a RISC-V core with neural instructions: trains,\n"
          "quantizes, searches bit widths, and measures on the core itself.\n\ncommands:\n",
          to);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n  mpq COMMAND --help explains a command; mpq --version prints the version.\n\n"
          "examples:\n"
          "  mpq train host/models/lenet5_mnist.json -o lenet.float\n"
          "  mpq quantize lenet.float --bits 4,8,2,8,8 -o lenet.quant\n"
          "  mpq bench lenet.quant --target sim\n"
          "  mpq dse lenet.float -o build/runs/lenet5_mnist\n"
          "  mpq info /dev/ttyUSB0\n\n"
          "exit codes: 0 done, 1 failed, 2 used wrongly, 3 core and integer model differ,\n"
          "130 interrupted\n",
          to);
}

static void print_version(void)
{
    struct error no_mpi, no_cuda;
    const char *mpi = team_library(&no_mpi), *cuda = device_library(&no_cuda);
    printf("mpq " MPQ_VERSION "\nMPI: %s\nCUDA: %s\n", mpi ? mpi : no_mpi.text,
           cuda ? cuda : no_cuda.text);
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (int i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = args_nearest(name, names, COMMAND_COUNT);
    fprintf(stderr, "mpq: no command '%s'", name);
    if (nearest)
        fprintf(stderr, "; did you mean '%s'?", nearest);
    fputs("\nSee: mpq --help\n", stderr);
    return status_exit_code(STATUS_USAGE);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return status_exit_code(STATUS_USAGE);
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_help(stdout);
        return 0;
    }
    if (!strcmp(name, "--version")) {
        print_version();
        return 0;
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(name, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    return unknown_command(name);
}
