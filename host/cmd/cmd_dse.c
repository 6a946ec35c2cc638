// SPDX-License-Identifier: Apache-2.0
/* mpq dse: search over the weight widths of all layers. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd_memory.h"
#include "report/report.h"
#include "search/dse_run.h"
#include "team/slurm.h"

static const struct arg_command COMMAND = {
    .name = "dse",
    .positional = "FLOAT",
    .summary = "Searches the weight widths of all layers: accuracy by the integer model, cycles on "
               "the core.",
    .details =
        "--search METHOD says how (sources and what is exact: host/README.md, Search):\n"
        "  exhaustive  every combination; the default up to 10,000 of them\n"
        "  cheapest    the cheapest first, until one keeps to the limits: exact, up to 1,048,576;\n"
        "              the default with --max-acc-drop\n"
        "  binary      bisection in order of cost, as if accuracy rose with it: few tests, no\n"
        "              guarantee; up to 1,048,576\n"
        "  greedy      descent from the widest by loss added for cycles saved: any number of\n"
        "              layers; the default where there are too many combinations\n"
        "  evolution   NSGA-II, for comparison with greedy\n"
        "The model's \"search\" may set another default, and widths and groups of its layers.\n"
        "Greedy and evolution screen configurations on validation images on this machine, with\n"
        "cycles predicted from one run on the core for each width, and measure points of the "
        "front\n"
        "that they find.\n"
        "Each measured candidate runs on the core, where its outputs are compared bit for bit "
        "with\n"
        "the integer model. Validation data choose, test data report. Selected is the cheapest\n"
        "within the limits; with limits on cost but no --max-acc-drop, the most accurate. What\n"
        "does not fit the core's memory is left out and listed.\n"
        "The folder RUN gets results.json, pareto.csv, pareto.png, pareto.svg, report.html,\n"
        "quant/*.mpq (the front's QUANT files) and journal.jsonl, from which a search that was\n"
        "interrupted goes on (--resume).\n"
        "Several boards (--target for each) share the work; a board that is reset or plugged in\n"
        "again goes on, one that stays lost is taken out with a warning.\n"
        "Under mpirun or srun all processes share the work, on one machine or many; --jobs and\n"
        "--target are those of each process. The first one writes RUN.",
    .examples =
        "mpq dse lenet.float -o build/runs/lenet5_mnist\n"
        "mpq dse lenet.float -o build/runs/lenet5_mnist --resume\n"
        "mpq dse lenet.float --max-acc-drop 0.5 -o build/runs/half_a_point\n"
        "mpq dse vww.float --search greedy --max-ram 600000 -o build/runs/vww\n"
        "mpq dse lenet.float --bits 8,4 --qat 2 --target /dev/ttyUSB0 -o build/runs/board\n"
        "mpq dse lenet.float --qat 1 --device cuda -o build/runs/trained\n"
        "mpq dse lenet.float --target /dev/ttyUSB0 --target /dev/ttyUSB1 -o build/runs/two\n"
        "mpirun -n 64 mpq dse lenet.float -o build/runs/many\n"
        "mpq dse lenet.float -o build/runs/many --slurm job.sh   (then: sbatch -n 64 job.sh)",
};

enum { MAX_TRAIN_AT_ONCE = 256 };

struct flags {
    struct arg_list targets;
    const char *slurm;
    size_t train_at_once;
    bool resume, force, json, quiet, deterministic;
};

static enum status parse(int argc, char **argv, struct dse_run_options *options,
                         struct flags *flags, bool *help, struct error *err)
{
    const struct arg_option table[] = {
        {"-o,--output", "RUN", ARG_STRING, &options->folder,
         "folder for everything that is found (required)"},
        {"--search", "METHOD", ARG_STRING, &options->search, "how to search: see above"},
        {"--max-acc-drop", "X", ARG_DOUBLE, &options->max_acc_drop,
         "find the cheapest within X points of float validation accuracy"},
        {"--max-cycles", "N", ARG_SIZE, &options->max_cycles, "at most N cycles for an inference"},
        {"--max-bytes", "N", ARG_SIZE, &options->max_size_bytes, "at most N bytes of model"},
        {"--max-ram", "N", ARG_SIZE, &options->max_ram_bytes,
         "at most N bytes of model, activations and firmware"},
        {"--qat", "EPOCHS", ARG_SIZE, &options->qat_epochs,
         "retrain each candidate (default 0: quantize only)"},
        {"--device", "D", ARG_STRING, &options->device.name,
         "where --qat trains: cpu (default), cuda, or cuda:N for GPU number N"},
        {"--deterministic", NULL, ARG_FLAG, &flags->deterministic,
         "on a GPU: only algorithms that repeat bit for bit (the CPU's always do)"},
        {"--train-at-once", "N", ARG_SIZE, &flags->train_at_once,
         "candidates that a GPU trains at a time (default: --jobs, as far as its memory lasts)"},
        {"--bits", "LIST", ARG_STRING, &options->bits,
         "widths to try (default: the model's, 8,4,2)"},
        {"--target", "T", ARG_LIST, &flags->targets,
         "sim, sim:CONFIG or /dev/tty... (default sim); once for each of several boards"},
        {"--jobs", "N", ARG_SIZE, &options->jobs,
         "cores at the same time (default: all for sim, 1 for each board)"},
        {"--samples", "N", ARG_SIZE, &options->samples,
         "test images verified for each candidate (default 4)"},
        {"--front-samples", "N", ARG_SIZE, &options->front_samples,
         "the same for the front's points (default 100, fewer for large networks)"},
        {"--points", "N", ARG_SIZE, &options->points,
         "greedy, evolution: points of the front to measure (default 32)"},
        {"--evaluations", "N", ARG_SIZE, &options->evaluations,
         "greedy, evolution: configurations to screen (default: as many as needed)"},
        {"--screen-images", "N", ARG_SIZE, &options->screen_images,
         "validation images to screen on (default all, fewer for large networks)"},
        {"--data", "DIR", ARG_STRING, &options->data_folder, "data folder (default build/data)"},
        {"--limit", "N", ARG_SIZE, &options->limit,
         "use at most N training and N test images (default 0: all)"},
        {"--resume", NULL, ARG_FLAG, &flags->resume, "go on with an interrupted search"},
        {"--force", NULL, ARG_FLAG, &flags->force, "start over in a folder that holds a search"},
        {"--slurm", "FILE", ARG_STRING, &flags->slurm,
         "write a batch script of this search that goes on by itself; search nothing"},
        {"--json", NULL, ARG_FLAG, &flags->json,
         "print results.json instead of the table, progress as JSON lines"},
        {"-q,--quiet", NULL, ARG_FLAG, &flags->quiet, "no progress"},
    };
    enum status status = args_parse(argc, argv, &COMMAND, table, sizeof table / sizeof *table,
                                    &options->float_path, 1, help, err);
    if (status != STATUS_OK || *help) {
        return status;
    }
    if (!options->folder) {
        return error_set(err, STATUS_USAGE,
                         "-o RUN is missing: the folder for everything that is found");
    }
    if (!flags->targets.count) {
        flags->targets.items[flags->targets.count++] = "sim";
    }
    options->targets = flags->targets.items;
    options->target_count = flags->targets.count;
    if (flags->train_at_once > MAX_TRAIN_AT_ONCE) {
        return error_set(err, STATUS_USAGE, "--train-at-once: want 1 to %d, got %zu",
                         MAX_TRAIN_AT_ONCE, flags->train_at_once);
    }
    options->device.at_once = (int)flags->train_at_once;
    options->device.deterministic = flags->deterministic;
    options->resume = flags->resume;
    options->force = flags->force;
    options->progress = flags->quiet ? PROGRESS_QUIET : flags->json ? PROGRESS_JSON : PROGRESS_AUTO;
    return STATUS_OK;
}

static enum status check_drop(int argc, char **argv, double drop, struct error *err)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--max-acc-drop", 14) == 0 && (drop < 0 || drop > 100)) {
            return error_set(err, STATUS_USAGE,
                             "--max-acc-drop: want points of accuracy, 0 to 100, got %g", drop);
        }
    }
    return STATUS_OK;
}

/* A none_fits of dse_run(); context: the struct flags. */
static enum status print_memory(void *context, const struct container *smallest,
                                const struct target_info *info, struct error *err)
{
    const struct flags *flags = context;
    const struct cmd_output mode = {flags->json, flags->quiet};
    struct memory_map map;
    cmd_memory_map(smallest, info, &map);
    return cmd_print_refused(smallest, &map, &mode, err);
}

static enum status print_results(const struct results *results, const struct flags *flags,
                                 const char *folder, struct error *err)
{
    char *text = NULL;
    const enum status status =
        flags->json ? results_to_text(results, &text, err) : report_table(results, &text, err);
    if (status == STATUS_OK) {
        fputs(text, stdout);
        if (flags->json) {
            putchar('\n');
        } else {
            printf(
                "\npictures and page: %s/pareto.png, pareto.svg, report.html; models: %s/quant/\n",
                folder, folder);
        }
    }
    free(text);
    return status;
}

static enum status search(struct dse_run_options *options, struct flags *flags,
                          struct results **results, struct error *err)
{
    options->none_fits = print_memory;
    options->context = flags;
    options->progress = cmd_team_progress(options->team, options->progress);
    interrupt_install();
    return dse_run(options, results, err);
}

int cmd_dse(int argc, char **argv)
{
    struct dse_run_options options = {
        .data_folder = "build/data", .samples = 4, .max_acc_drop = -1};
    struct flags flags = {.resume = false};
    struct results *results = NULL;
    struct error err = {""}, print_err = {""};
    bool help = false;
    enum status status = team_open(&options.team, &err);
    if (status == STATUS_OK) {
        status = parse(argc, argv, &options, &flags, &help, &err);
    }
    if (status == STATUS_OK && !help) {
        status = check_drop(argc, argv, options.max_acc_drop, &err);
    }
    if (status == STATUS_OK && !help) {
        status = flags.slurm ? slurm_write(flags.slurm, argc, argv, options.folder, &err)
                             : search(&options, &flags, &results, &err);
    }
    if (results) {
        const enum status printed = print_results(results, &flags, options.folder, &print_err);
        if (status == STATUS_OK && printed != STATUS_OK) {
            status = printed;
            err = print_err;
        }
    }
    results_free(results);
    return cmd_team_finish("dse", options.team, status, &err);
}
