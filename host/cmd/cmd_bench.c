// SPDX-License-Identifier: Apache-2.0
/* mpq bench: cycles of a model on a core, by layer and by tier. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cmd/cmd_memory.h"
#include "infer/infer.h"
#include "measure/measure.h"
#include "pack/model_file.h"
#include "report/report.h"
#include "results/results.h"
#include "target/core_config.h"

enum { TIER_COUNT = 2, NUMBER_BYTES = 32, BITS_BYTES = 4 * NET_MAX_LAYERS };

struct bench_command {
    const char *path, *target, *data;
    const char *tier; /* name of the only one to measure, or NULL */
    size_t samples;
    bool random_input;
    struct cmd_output mode;
    bool help;
};

struct bench {
    const struct bench_command *command;
    struct model_file file;
    struct data_split data;
    struct dataset random;
    struct target *target;
    struct infer *infer;
    bool measured[TIER_COUNT]; /* the core has this tier */
    struct measure_result results[TIER_COUNT];
};

static bool tier_wanted(const struct bench_command *command, int tier)
{
    return !command->tier || !strcmp(command->tier, measure_tier_name((enum proto_tier)tier));
}

static enum status check(const struct bench_command *command, struct error *err)
{
    if (command->samples < 1)
        return error_set(err, STATUS_USAGE, "--samples: want 1 or more, got 0");
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (tier_wanted(command, tier))
            return STATUS_OK;
    return error_set(err, STATUS_USAGE, "--tier: want nn or rv32, got '%s'", command->tier);
}

static enum status parse(int argc, char **argv, struct bench_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "bench",
        .positional = "QUANT",
        .summary = "Measure cycles on a core: in all, by layer, and by tier.",
        .details =
            "Tiers: nn uses the neural instructions, rv32 is plain RV32IMC; their results are "
            "equal. Each run's\n"
            "output is compared with the integer model (exit code 3 if one differs). Counters are "
            "those of test\n"
            "image 0; the layers come from a run of their own, as counting them costs some cycles "
            "at their edges.",
        .examples = "mpq bench lenet.quant\n"
                    "mpq bench lenet.quant --target sim:two_stage --json\n"
                    "mpq bench lenet.quant --tier nn --random-input\n"
                    "mpq bench lenet.quant --target /dev/ttyUSB0 --samples 10",
    };
    const struct arg_option options[] = {
        {"--target", "T", ARG_STRING, &command->target,
         "sim, sim:CONFIG or /dev/tty... (default sim)"},
        {"--tier", "NAME", ARG_STRING, &command->tier, "nn or rv32 (default: both)"},
        {"--samples", "N", ARG_SIZE, &command->samples, "test images to run (default 1)"},
        {"--random-input", NULL, ARG_FLAG, &command->random_input,
         "run on random images, the same ones each time; needs no data"},
        {"--data", "DIR", ARG_STRING, &command->data, "data folder (default build/data)"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "one JSON object, progress as JSON lines"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "no progress"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options, &command->path, 1,
                   &command->help, err);
    return status == STATUS_OK && !command->help ? check(command, err) : status;
}

static const struct model *bench_model(const struct bench *bench)
{
    return bench->file.container->model;
}

static double per_cycle(uint64_t macs, uint64_t cycles)
{
    return cycles ? (double)macs / (double)cycles : 0;
}

static uint64_t total_macs(const struct model *model)
{
    uint64_t macs = 0;
    for (int i = 0; i < model->layer_count; i++)
        macs += measure_macs(model, i);
    return macs;
}

/* "1,234", or "-" where the tier was not measured. */
static void number_text(bool known, uint64_t value, char text[NUMBER_BYTES])
{
    if (known)
        report_number(value, text, NUMBER_BYTES);
    else
        snprintf(text, NUMBER_BYTES, "-");
}

static void ratio_text(const struct bench *bench, uint64_t nn, uint64_t rv32,
                       char text[NUMBER_BYTES])
{
    if (bench->measured[TIER_NN] && bench->measured[TIER_RV32] && nn)
        snprintf(text, NUMBER_BYTES, "%.2f", (double)rv32 / (double)nn);
    else
        snprintf(text, NUMBER_BYTES, "-");
}

static unsigned issue_limit(const struct bench *bench, int layer)
{
    return measure_issue_limit(bench_model(bench), layer, target_info(bench->target)->isa_version);
}

static void print_layer(const struct bench *bench, int layer)
{
    const struct model *model = bench_model(bench);
    const unsigned bits = model->layers[layer].weight_bits;
    const uint64_t macs = measure_macs(model, layer);
    const uint64_t nn = bench->results[TIER_NN].layers[layer][COUNTER_CYCLES];
    const uint64_t rv32 = bench->results[TIER_RV32].layers[layer][COUNTER_CYCLES];
    char name[NET_NAME_BYTES], mac_text[NUMBER_BYTES], texts[TIER_COUNT][NUMBER_BYTES];
    char rates[80], rv32_rate[NUMBER_BYTES] = "-", ratio[NUMBER_BYTES];
    container_layer_name(bench->file.container, (unsigned)layer, name, sizeof name);
    number_text(true, macs, mac_text);
    number_text(bench->measured[TIER_NN], nn, texts[TIER_NN]);
    number_text(bench->measured[TIER_RV32], rv32, texts[TIER_RV32]);
    ratio_text(bench, nn, rv32, ratio);
    if (!macs) {
        printf("%-14s %4s %11s %12s %9s %9s %12s %9s %7s\n", name, "", "", texts[TIER_NN], "", "",
               texts[TIER_RV32], "", ratio);
        return;
    }
    snprintf(rates, sizeof rates, "%9.2f %7.1f %%", per_cycle(macs, nn),
             100.0 * per_cycle(macs, nn) / issue_limit(bench, layer));
    if (bench->measured[TIER_RV32])
        snprintf(rv32_rate, sizeof rv32_rate, "%.2f", per_cycle(macs, rv32));
    printf("%-14s %4u %11s %12s %s %12s %9s %7s\n", name, bits, mac_text, texts[TIER_NN],
           bench->measured[TIER_NN] ? rates : "        -         -", texts[TIER_RV32], rv32_rate,
           ratio);
}

static void print_layers(const struct bench *bench)
{
    const struct model *model = bench_model(bench);
    printf("\n%-14s %4s %11s %12s %9s %9s %12s %9s %7s\n", "", "", "", "nn", "MAC per", "of issue",
           "rv32", "MAC per", "rv32");
    printf("%-14s %4s %11s %12s %9s %9s %12s %9s %7s\n", "layer", "bits", "MAC", "cycles", "cycle",
           "limit", "cycles", "cycle", "/ nn");
    for (int i = 0; i < model->layer_count; i++)
        print_layer(bench, i);
}

static void print_total(const struct bench *bench, const char *label, enum proto_counter counter)
{
    const uint64_t nn = bench->results[TIER_NN].total[counter];
    const uint64_t rv32 = bench->results[TIER_RV32].total[counter];
    char texts[TIER_COUNT][NUMBER_BYTES], ratio[NUMBER_BYTES];
    number_text(bench->measured[TIER_NN], nn, texts[TIER_NN]);
    number_text(bench->measured[TIER_RV32], rv32, texts[TIER_RV32]);
    ratio_text(bench, nn, rv32, ratio);
    printf("%-22s %14s %14s %9s\n", label, texts[TIER_NN], texts[TIER_RV32], ratio);
}

/* A row of one number with decimals for each tier. */
static void print_figure(const struct bench *bench, const char *label, const double *values)
{
    printf("%-22s", label);
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (bench->measured[tier])
            printf(" %14.2f", values[tier]);
        else
            printf(" %14s", "-");
    }
    putchar('\n');
}

static void print_totals(const struct bench *bench)
{
    static const struct {
        const char *label;
        enum proto_counter counter;
    } rows[] = {
        {"cycles", COUNTER_CYCLES},
        {"instructions", COUNTER_INSTRUCTIONS},
        {"load/store stalls", COUNTER_LSU_WAIT},
        {"fetch wait", COUNTER_FETCH_WAIT},
        {"loads", COUNTER_LOADS},
        {"stores", COUNTER_STORES},
        {"branches", COUNTER_BRANCHES},
        {"branches taken", COUNTER_BRANCHES_TAKEN},
        {"jumps", COUNTER_JUMPS},
    };
    const uint64_t macs = total_macs(bench_model(bench));
    const double clock_hz = target_info(bench->target)->clock_hz;
    double rate[TIER_COUNT], ms[TIER_COUNT];
    char label[64];
    printf("\n%-22s %14s %14s %9s\n", "one inference", "nn", "rv32", "rv32 / nn");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        print_total(bench, rows[i].label, rows[i].counter);
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        const uint64_t cycles = bench->results[tier].total[COUNTER_CYCLES];
        rate[tier] = per_cycle(macs, cycles);
        ms[tier] = clock_hz > 0 ? 1000.0 * (double)cycles / clock_hz : 0;
    }
    print_figure(bench, "MAC per cycle", rate);
    snprintf(label, sizeof label, "ms at %g MHz", clock_hz / 1e6);
    print_figure(bench, label, ms);
}

static void print_spread(const struct bench *bench)
{
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        const struct measure_result *result = &bench->results[tier];
        char low[NUMBER_BYTES], high[NUMBER_BYTES];
        if (!bench->measured[tier])
            continue;
        report_number(result->min_cycles, low, sizeof low);
        report_number(result->max_cycles, high, sizeof high);
        printf("%s: outputs compared bit for bit with the integer model: %zu, mismatches: %zu; %s "
               "to %s "
               "cycles\n",
               measure_tier_name((enum proto_tier)tier), result->verified, result->mismatches, low,
               high);
    }
}

static void print_text(const struct bench *bench)
{
    const struct quant_meta *meta = &bench->file.meta;
    const struct model *model = bench_model(bench);
    const struct target_info *info = target_info(bench->target);
    char bits[BITS_BYTES], core[64], bytes[NUMBER_BYTES], arena[NUMBER_BYTES], macs[NUMBER_BYTES];
    results_bits_text(meta->bits, meta->layer_count, bits, sizeof bits);
    core_config_text(info->core_config, core, sizeof core);
    report_number(model->container_bytes, bytes, sizeof bytes);
    report_number(model->arena_bytes, arena, sizeof arena);
    report_number(total_macs(model), macs, sizeof macs);
    printf("%s at %s bits on %s (core %s, %g MHz, firmware %s)\n", bench->file.net->name, bits,
           bench->command->target, core, info->clock_hz / 1e6, info->firmware);
    printf("%s MAC; container %s bytes, activations and scratch %s bytes\n", macs, bytes, arena);
    print_layers(bench);
    print_totals(bench);
    putchar('\n');
    print_spread(bench);
}

static void add_counters(cJSON *object, const uint64_t *counters)
{
    static const char *const names[] = {
#define X(name, text) text,
        PROTO_COUNTERS_LIST(X)
#undef X
    };
    for (int i = 0; i < COUNTER_COUNT; i++)
        cJSON_AddNumberToObject(object, names[i], (double)counters[i]);
}

static cJSON *layer_json(const struct bench *bench, enum proto_tier tier, int layer)
{
    const struct model *model = bench_model(bench);
    const uint64_t *counters = bench->results[tier].layers[layer];
    const uint64_t macs = measure_macs(model, layer);
    const unsigned bits = model->layers[layer].weight_bits;
    char name[NET_NAME_BYTES];
    cJSON *object = cJSON_CreateObject();
    container_layer_name(bench->file.container, (unsigned)layer, name, sizeof name);
    cJSON_AddStringToObject(object, "name", name);
    add_counters(object, counters);
    if (bits) {
        const double rate = per_cycle(macs, counters[COUNTER_CYCLES]);
        cJSON_AddNumberToObject(object, "bits", bits);
        cJSON_AddNumberToObject(object, "macs", (double)macs);
        cJSON_AddNumberToObject(object, "macs_per_cycle", rate);
        cJSON_AddNumberToObject(object, "issue_limit", issue_limit(bench, layer));
        cJSON_AddNumberToObject(object, "share_of_issue_limit", rate / issue_limit(bench, layer));
    }
    return object;
}

static cJSON *tier_json(const struct bench *bench, enum proto_tier tier)
{
    const struct measure_result *result = &bench->results[tier];
    const struct model *model = bench_model(bench);
    const uint64_t cycles = result->total[COUNTER_CYCLES];
    cJSON *object = cJSON_CreateObject();
    add_counters(object, result->total);
    cJSON_AddNumberToObject(object, "macs_per_cycle", per_cycle(total_macs(model), cycles));
    cJSON_AddNumberToObject(object, "seconds",
                            (double)cycles / target_info(bench->target)->clock_hz);
    cJSON_AddNumberToObject(object, "min_cycles", (double)result->min_cycles);
    cJSON_AddNumberToObject(object, "max_cycles", (double)result->max_cycles);
    cJSON_AddNumberToObject(object, "mean_cycles", result->mean_cycles);
    cJSON_AddNumberToObject(object, "verified", (double)result->verified);
    cJSON_AddNumberToObject(object, "mismatches", (double)result->mismatches);
    cJSON *layers = cJSON_AddArrayToObject(object, "layers");
    for (int i = 0; i < model->layer_count; i++)
        cJSON_AddItemToArray(layers, layer_json(bench, tier, i));
    return object;
}

static enum status print_json(const struct bench *bench, struct error *err)
{
    const struct quant_meta *meta = &bench->file.meta;
    const struct model *model = bench_model(bench);
    const struct target_info *info = target_info(bench->target);
    char core[64];
    cJSON *object = cJSON_CreateObject();
    core_config_text(info->core_config, core, sizeof core);
    cJSON_AddStringToObject(object, "file", bench->command->path);
    cJSON_AddStringToObject(object, "model", bench->file.net->name);
    cJSON_AddItemToObject(object, "bits", cJSON_CreateIntArray(meta->bits, meta->layer_count));
    cJSON_AddStringToObject(object, "target", bench->command->target);
    cJSON_AddStringToObject(object, "core", core);
    cJSON_AddStringToObject(object, "firmware", info->firmware);
    cJSON_AddNumberToObject(object, "clock_hz", info->clock_hz);
    cJSON_AddNumberToObject(object, "macs", (double)total_macs(model));
    cJSON_AddNumberToObject(object, "container_bytes", model->container_bytes);
    cJSON_AddNumberToObject(object, "arena_bytes", model->arena_bytes);
    cJSON_AddNumberToObject(object, "samples", (double)bench->command->samples);
    cJSON_AddStringToObject(object, "input", bench->command->random_input ? "random" : "test");
    cJSON *tiers = cJSON_AddObjectToObject(object, "tiers");
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (bench->measured[tier])
            cJSON_AddItemToObject(tiers, measure_tier_name((enum proto_tier)tier),
                                  tier_json(bench, (enum proto_tier)tier));
    return cmd_print_json(object, false, err);
}

static void say_mismatch(void *context, const struct error *mismatch)
{
    const enum proto_tier *tier = context;
    fprintf(stderr, "mismatch: tier %s: %s\n", measure_tier_name(*tier), mismatch->text);
}

static enum status prepare(struct bench *bench, struct error *err)
{
    const struct bench_command *command = bench->command;
    enum status status = model_file_open_quant(command->path, &bench->file, err);
    if (status == STATUS_OK && command->random_input)
        status = measure_random_images(bench_model(bench), command->samples, &bench->random, err);
    else if (status == STATUS_OK)
        status = data_load(bench->file.net, command->data, 0, &bench->data, err);
    if (status == STATUS_OK)
        status = target_open(command->target, &bench->target, err);
    if (status == STATUS_OK)
        status = cmd_check_memory(bench->file.container, bench->target, command->target,
                                  &command->mode, err);
    if (status == STATUS_OK)
        status = infer_create(bench_model(bench), &bench->infer, err);
    return status;
}

static enum status measure_tier(struct bench *bench, enum proto_tier tier, struct error *err)
{
    const struct bench_command *command = bench->command;
    const struct measure_subject subject = {bench->target, bench->file.container, bench->infer,
                                            command->random_input ? &bench->random
                                                                  : &bench->data.test};
    char label[32];
    snprintf(label, sizeof label, "bench %s", measure_tier_name(tier));
    struct progress *progress =
        progress_start(cmd_progress_mode(&command->mode), label, command->samples);
    const struct measure_options options = {.tier = tier,
                                            .samples = command->samples,
                                            .profile = true,
                                            .progress = progress,
                                            .on_mismatch = say_mismatch,
                                            .context = &tier};
    const enum status status = measure_run(&subject, &options, &bench->results[tier], err);
    progress_finish(progress, NULL);
    return status;
}

static enum status run(struct bench *bench, struct error *err)
{
    enum status status = prepare(bench, err);
    size_t mismatches = 0, verified = 0;
    for (int tier = 0; tier < TIER_COUNT && status == STATUS_OK; tier++) {
        if (!tier_wanted(bench->command, tier))
            continue;
        if (!bench->command->tier && !(target_info(bench->target)->tiers & 1u << tier))
            continue; /* one that was asked for is refused by measure_run() */
        bench->measured[tier] = true;
        status = measure_tier(bench, (enum proto_tier)tier, err);
        mismatches += bench->results[tier].mismatches;
        verified += bench->results[tier].verified;
    }
    if (status != STATUS_OK)
        return status;
    if (bench->command->mode.json)
        status = print_json(bench, err);
    else
        print_text(bench);
    if (status == STATUS_OK && mismatches)
        status =
            error_set(err, STATUS_MISMATCH, "%s: core and integer model differ in %zu of %zu runs",
                      bench->command->target, mismatches, verified);
    return status;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_command command = {.target = "sim", .data = "build/data", .samples = 1};
    struct error err = {""};
    static struct bench bench; /* large: counters of every layer */
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help) {
        interrupt_install();
        bench.command = &command;
        status = run(&bench, &err);
    }
    measure_free_images(&bench.random);
    infer_free(bench.infer);
    target_close(bench.target);
    data_free(&bench.data);
    model_file_close(&bench.file);
    return cmd_finish("bench", status, &err);
}
