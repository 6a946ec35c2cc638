// SPDX-License-Identifier: Apache-2.0
/* mpq train: MODEL.json and data to a FLOAT file. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "data/dataset.h"
#include "net/float_model.h"
#include "train/train.h"

enum { PATH_BYTES = 4096, CHECKPOINT_SECONDS = 20 };

struct train_command {
    const char *model_path, *output, *data;
    char checkpoint[PATH_BYTES]; /* output and a suffix */
    size_t seed, threads, epochs, limit;
    struct device_options device;
    struct cmd_output mode;
    bool resume, force, help;
};

static enum status check(struct train_command *command, struct error *err)
{
    if (!command->output)
        return error_set(err, STATUS_USAGE, "-o FLOAT is missing; name the file to write");
    if (command->epochs > 1000000)
        return error_set(err, STATUS_USAGE, "--epochs: want 1 to 1000000, got %zu",
                         command->epochs);
    if (command->resume && command->force)
        return error_set(err, STATUS_USAGE,
                         "--resume and --force contradict each other; give one of them");
    if (snprintf(command->checkpoint, PATH_BYTES, "%s.part", command->output) >= PATH_BYTES)
        return error_set(err, STATUS_USAGE, "-o: path too long");
    return STATUS_OK;
}

/* Refuses to touch an interrupted training unless told what to do with it. */
static enum status check_checkpoint(const struct train_command *command, struct error *err)
{
    if (command->resume || command->force || access(command->checkpoint, F_OK) != 0)
        return STATUS_OK;
    return error_set(err, STATUS_USAGE,
                     "%s: holds an interrupted training; --resume goes on with it, --force starts "
                     "over, or give another file with -o",
                     command->checkpoint);
}

static enum status parse(int argc, char **argv, struct train_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "train",
        .positional = "MODEL.json",
        .summary = "Train a network in floating point by the recipe in its model file.",
        .details =
            "The same seed gives the same weights, on any number of threads. A GPU adds in "
            "another\n"
            "order than the CPU: its weights differ a little.\n"
            "While it trains, FLOAT.part keeps what is done, every 20 seconds and at Ctrl-C: "
            "the same\n"
            "command with --resume goes on, to the same weights bit for bit (on a GPU: with\n"
            "--deterministic). FLOAT.part is removed when FLOAT is written.",
        .examples =
            "mpq train host/models/lenet5_mnist.json -o lenet5.float\n"
            "mpq train host/models/lenet5_mnist.json -o lenet5.float --resume\n"
            "mpq train host/models/lenet5_mnist.json -o quick.float --epochs 1 --limit 6000",
    };
    const struct arg_option options[] = {
        {"-o,--output", "FLOAT", ARG_STRING, &command->output, "file to write (required)"},
        {"--data", "DIR", ARG_STRING, &command->data, "data folder (default build/data)"},
        {"--seed", "N", ARG_SIZE, &command->seed, "seed (default: the model file's)"},
        {"--threads", "N", ARG_SIZE, &command->threads, "threads (default: all cores)"},
        {"--device", "D", ARG_STRING, &command->device.name,
         "where it trains: cpu (default), cuda, or cuda:N for GPU number N"},
        {"--deterministic", NULL, ARG_FLAG, &command->device.deterministic,
         "on a GPU: only algorithms that repeat bit for bit (the CPU's always do)"},
        {"--epochs", "N", ARG_SIZE, &command->epochs,
         "epochs in all: later phases are cut or the last one is prolonged"},
        {"--limit", "N", ARG_SIZE, &command->limit,
         "use at most N training and N test images (default: all)"},
        {"--resume", NULL, ARG_FLAG, &command->resume,
         "go on with an interrupted training; without one, begin"},
        {"--force", NULL, ARG_FLAG, &command->force,
         "start over where an interrupted training could go on"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "events and results as JSON lines"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "no progress"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options,
                   &command->model_path, 1, &command->help, err);
    return status != STATUS_OK || command->help ? status : check(command, err);
}

/* Makes the phases total epochs long: cut from the end, or the last one prolonged. */
static void set_epochs(struct net_recipe *recipe, int total)
{
    int left = total;
    for (int p = 0; p < recipe->phase_count; p++) {
        if (recipe->epochs[p] > left || p == recipe->phase_count - 1)
            recipe->epochs[p] = left;
        left -= recipe->epochs[p];
    }
}

static void print_result(const struct train_command *command, const struct float_model *model)
{
    if (command->mode.json) {
        printf("{\"event\":\"trained\",\"seed\":%llu,", (unsigned long long)model->seed);
        cmd_print_json_number("validation_accuracy", model->validation_accuracy, ",");
        cmd_print_json_number("accuracy", model->test_accuracy, "}\n");
        return;
    }
    printf("validation accuracy %.2f %%\ntest accuracy       %.2f %%\n", model->validation_accuracy,
           model->test_accuracy);
    printf("wrote %s\n", command->output);
}

/* Where it trains; what a checkpoint is bound to. */
static const char *device_words(const struct train_command *command, const struct device *device)
{
    if (!device)
        return "cpu";
    return command->device.deterministic ? "cuda, deterministic" : "cuda";
}

/* FLOAT is there: nothing is left to go on with. */
static enum status remove_checkpoint(const struct train_command *command, struct error *err)
{
    if (unlink(command->checkpoint) == 0 || errno == ENOENT)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "%s was written, but %s cannot be removed: %s",
                     command->output, command->checkpoint, strerror(errno));
}

/* Trains, measures, saves. */
static enum status work(struct train_command *command, struct float_model *model,
                        const struct data_split *data, struct device *device, struct error *err)
{
    const struct train_keeping keeping = {
        .path = command->checkpoint,
        .interval_s = CHECKPOINT_SECONDS,
        .resume = command->resume,
        .limit = command->limit,
        .device = device_words(command, device),
    };
    const struct train_options options = {
        .seed = model->net->recipe.seed,
        .threads = (int)command->threads,
        .progress = cmd_progress_mode(&command->mode),
        .device = device,
        .keeping = &keeping,
    };
    enum status status = train_float(model, data, &options, cmd_print_epoch, &command->mode, err);
    if (status == STATUS_OK)
        status = train_evaluate(model, &data->validation, options.threads,
                                &model->validation_accuracy, err);
    if (status == STATUS_OK)
        status = train_evaluate(model, &data->test, options.threads, &model->test_accuracy, err);
    if (status == STATUS_OK)
        status = float_model_save(model, command->output, err);
    if (status == STATUS_OK)
        status = remove_checkpoint(command, err);
    if (status == STATUS_OK)
        print_result(command, model);
    return status;
}

int cmd_train(int argc, char **argv)
{
    struct train_command command = {.data = "build/data", .seed = SIZE_MAX};
    struct error err = {""};
    struct net *net = NULL;
    struct float_model *model = NULL;
    struct device *device = NULL;
    struct data_split data;
    memset(&data, 0, sizeof data);
    enum status status = parse(argc, argv, &command, &err);
    if (status != STATUS_OK || command.help)
        return cmd_finish("train", status, &err);
    interrupt_install();
    status = check_checkpoint(&command, &err);
    if (status == STATUS_OK)
        status = device_open(&command.device, &device, &err);
    if (status == STATUS_OK)
        status = net_load(command.model_path, &net, &err);
    if (status == STATUS_OK) {
        net->recipe.seed = command.seed == SIZE_MAX ? net->recipe.seed : command.seed;
        if (command.epochs)
            set_epochs(&net->recipe, (int)command.epochs);
        status = float_model_create(net, &model, &err);
    }
    if (status == STATUS_OK)
        status = data_load(model->net, command.data, command.limit, &data, &err);
    if (status == STATUS_OK)
        status = work(&command, model, &data, device, &err);
    float_model_free(model);
    data_free(&data);
    device_close(device);
    return cmd_finish("train", status, &err);
}
