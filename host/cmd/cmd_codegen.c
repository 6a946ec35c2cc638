// SPDX-License-Identifier: Apache-2.0
/* mpq codegen: a QUANT file as a folder of C for the stock compiler. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/folder.h"
#include "base/paths.h"
#include "codegen/codegen.h"
#include "measure/measure.h"
#include "pack/model_file.h"

enum { USUAL_SAMPLES = 4 };

struct codegen_command {
    const char *path, *output, *data;
    size_t samples;
    bool random_input, force, help;
    struct cmd_output mode;
};

static enum status parse(int argc, char **argv, struct codegen_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "codegen",
        .positional = "QUANT",
        .summary =
            "Write a quantized network as C: a folder that the stock RISC-V compiler builds.",
        .details =
            "The folder needs no host tool afterwards: kernels, start-up code and linker script "
            "are in it,\n"
            "weights, scales and a few inputs with their expected outputs are headers, and "
            "network.c\n"
            "calls a kernel for each layer, with the neural instructions (optimized/) and without "
            "(original/).\n"
            "`make` builds both, `make run` runs them in the simulator; mpq verify compares with "
            "the\n"
            "integer model.",
        .examples = "mpq codegen lenet.quant\n"
                    "mpq codegen lenet.quant -o build/lenet_c --samples 10\n"
                    "make -C build/lenet_c run",
    };
    const struct arg_option options[] = {
        {"-o,--output", "DIR", ARG_STRING, &command->output,
         "folder to write (default: the model's name)"},
        {"--samples", "N", ARG_SIZE, &command->samples,
         "test images to put in, from the first one (default 4)"},
        {"--random-input", NULL, ARG_FLAG, &command->random_input,
         "random bytes instead of test images: no data needed"},
        {"--data", "DIR", ARG_STRING, &command->data, "data folder (default build/data)"},
        {"--force", NULL, ARG_FLAG, &command->force, "write over the files of a folder"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "one JSON object"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "print nothing"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options, &command->path, 1,
                   &command->help, err);
    if (status == STATUS_OK && command->samples < 1)
        return error_set(err, STATUS_USAGE, "--samples: want 1 or more, got 0");
    return status;
}

static enum status write_folder(const struct codegen_command *command,
                                const struct model_file *file, const struct dataset *data,
                                const char *folder, struct error *err)
{
    const struct codegen_source source = {
        file->container, file->net, &file->meta, data, command->samples, !command->random_input};
    char simulator[PATHS_MAX];
    struct error not_built;
    if (command->samples > data->count)
        return error_set(err, STATUS_USAGE, "--samples: want 1 to %zu (the test images), got %zu",
                         data->count, command->samples);
    if (paths_simulator("", simulator, &not_built) != STATUS_OK)
        *simulator = '\0'; /* make says so when it is needed */
    const enum status status = folder_begin(folder, command->force, err);
    if (status == STATUS_USAGE)
        return error_set(err, status,
                         "%s: there are files in it; choose another folder with -o, or --force to "
                         "write over them",
                         folder);
    return status == STATUS_OK ? codegen_write(&source, folder, simulator, err) : status;
}

static enum status print_result(const struct codegen_command *command,
                                const struct model_file *file, const char *folder,
                                struct error *err)
{
    if (command->mode.json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "file", command->path);
        cJSON_AddStringToObject(object, "model", file->net->name);
        cJSON_AddStringToObject(object, "folder", folder);
        cJSON_AddNumberToObject(object, "samples", (double)command->samples);
        return cmd_print_json(object, false, err);
    }
    if (!command->mode.quiet)
        printf("wrote %s: read %s/README.md, or\n"
               "  make -C %s run\n"
               "  mpq verify %s\n",
               folder, folder, folder, folder);
    return STATUS_OK;
}

static enum status run(const struct codegen_command *command, struct model_file *file,
                       struct data_split *data, struct dataset *random, struct error *err)
{
    char name[NET_NAME_BYTES];
    enum status status = model_file_open_quant(command->path, file, err);
    if (status == STATUS_OK && command->random_input)
        status = measure_random_images(file->container->model, command->samples, random, err);
    else if (status == STATUS_OK)
        status = data_load(file->net, command->data, 0, data, err);
    if (status != STATUS_OK)
        return status;
    folder_safe_name(file->net->name, name, sizeof name);
    const char *folder = command->output ? command->output : name;
    status = write_folder(command, file, command->random_input ? random : &data->test, folder, err);
    return status == STATUS_OK ? print_result(command, file, folder, err) : status;
}

int cmd_codegen(int argc, char **argv)
{
    struct codegen_command command = {.data = "build/data", .samples = USUAL_SAMPLES};
    struct error err = {""};
    struct model_file file;
    struct data_split data;
    struct dataset random;
    memset(&file, 0, sizeof file);
    memset(&data, 0, sizeof data);
    memset(&random, 0, sizeof random);
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help)
        status = run(&command, &file, &data, &random, &err);
    measure_free_images(&random);
    data_free(&data);
    model_file_close(&file);
    return cmd_finish("codegen", status, &err);
}
