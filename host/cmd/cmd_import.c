// SPDX-License-Identifier: Apache-2.0
/* mpq import: a float ONNX network to MODEL.json and a FLOAT file. */
#include "cmd/cmd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "onnx/onnx_file.h"
#include "onnx/onnx_model.h"

enum { PATH_BYTES = 4096 };

struct import_command {
    const char *path, *output, *float_path, *data_from, *name, *layout, *mean, *deviation;
    double scale;
    bool is_signed, force;
    struct cmd_output mode;
    bool help;
};

/* Everything between the files. */
struct import_work {
    const struct import_command *command;
    char float_path[PATH_BYTES], folder[PATH_BYTES], name[NET_NAME_BYTES];
    struct net *like_net; /* of --data-from */
    cJSON *like;
    Onnx__ModelProto *onnx;
    struct onnx_network *network;
    struct float_model *model;
};

static enum status parse(int argc, char **argv, struct import_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "import",
        .positional = "ONNX",
        .summary = "Take over a trained network from an ONNX file of PyTorch or Keras.",
        .details =
            "Writes MODEL.json, and a FLOAT file with the weights: mpq eval, quantize and dse go "
            "on "
            "with that,\n"
            "no training is needed. --data-from takes \"data\" (and \"train\", \"calibration\", "
            "\"qat\", sign and\n"
            "scale of the input) from another MODEL.json; without it \"data\" is a stub: fill it "
            "in, "
            "then run the\n"
            "command again with --data-from MODEL.json.\n"
            "Scale: the network sees scale * integer; bytes are worth 1/255 each unless --scale or "
            "the data say\n"
            "otherwise. If it was trained on (x - mean) / std, as torchvision's Normalize does, "
            "say "
            "so.",
        .examples =
            "mpq import lenet.onnx --data-from host/models/lenet5_mnist.json -o mine.json\n"
            "mpq import cifar.onnx --data-from host/models/cmsis_cnn.json --mean 0.49,0.48,0.45 "
            "--std 0.25 -o mine.json\n"
            "mpq import keras.onnx --scale 1 -o mine.json      # trained on 0..255",
    };
    const struct arg_option options[] = {
        {"-o,--output", "MODEL.json", ARG_STRING, &command->output, "file to write (required)"},
        {"--float", "FLOAT", ARG_STRING, &command->float_path,
         "weights (default: MODEL.float beside MODEL.json)"},
        {"--data-from", "JSON", ARG_STRING, &command->data_from,
         "model file whose data the network takes"},
        {"--scale", "S", ARG_DOUBLE, &command->scale,
         "real value of one integer step of the input (default: as --data-from, or 1/255)"},
        {"--signed", NULL, ARG_FLAG, &command->is_signed,
         "the network takes bytes minus 128 (default: as --data-from)"},
        {"--mean", "LIST", ARG_STRING, &command->mean,
         "what was subtracted from the input outside of the ONNX file, by channel or for all"},
        {"--std", "LIST", ARG_STRING, &command->deviation, "what it was divided by then"},
        {"--layout", "L", ARG_STRING, &command->layout,
         "order of the ONNX input: nchw or nhwc (default: as its first nodes tell)"},
        {"--name", "NAME", ARG_STRING, &command->name, "of the network (default: the file's)"},
        {"--force", NULL, ARG_FLAG, &command->force, "replace files that exist"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "result as a JSON object"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options, &command->path, 1,
                   &command->help, err);
    if (status != STATUS_OK || command->help)
        return status;
    if (!command->output)
        return error_set(err, STATUS_USAGE, "-o MODEL.json is missing; name the file to write");
    if (command->layout && strcmp(command->layout, "nchw") && strcmp(command->layout, "nhwc"))
        return error_set(err, STATUS_USAGE, "--layout: want nchw or nhwc, got '%s'",
                         command->layout);
    if (command->scale != 0 && !(command->scale >= 1e-6 && command->scale <= 1e4))
        return error_set(err, STATUS_USAGE, "--scale: want 1e-6 to 1e4, got %g", command->scale);
    return STATUS_OK;
}

/* Numbers separated by commas. */
static enum status parse_list(const char *option, const char *text, double *out, int *count,
                              struct error *err)
{
    *count = 0;
    for (const char *p = text;; p++) {
        char *end;
        const double value = strtod(p, &end);
        if (end == p || !isfinite(value) || *count == ONNX_MAX_CHANNELS)
            return error_set(err, STATUS_USAGE,
                             "%s: want up to %d numbers separated by commas, got '%s'", option,
                             ONNX_MAX_CHANNELS, text);
        out[(*count)++] = value;
        if (!*end)
            return STATUS_OK;
        if (*end != ',')
            return error_set(err, STATUS_USAGE, "%s: '%s' is no list of numbers", option, text);
        p = end;
    }
}

static void spread(double *values, int from, int to)
{
    for (int i = from; i < to; i++)
        values[i] = values[0];
}

static enum status parse_normalization(const struct import_command *command,
                                       struct onnx_import_options *options, struct error *err)
{
    int means = 1, deviations = 1;
    enum status status = STATUS_OK;
    options->mean[0] = 0;
    options->deviation[0] = 1;
    if (!command->mean && !command->deviation)
        return STATUS_OK;
    if (command->mean)
        status = parse_list("--mean", command->mean, options->mean, &means, err);
    if (status == STATUS_OK && command->deviation)
        status = parse_list("--std", command->deviation, options->deviation, &deviations, err);
    if (status != STATUS_OK)
        return status;
    if (means != deviations && means != 1 && deviations != 1)
        return error_set(err, STATUS_USAGE,
                         "--mean has %d numbers and --std %d; want equal numbers", means,
                         deviations);
    for (int i = 0; i < deviations; i++)
        if (!(options->deviation[i] > 0))
            return error_set(err, STATUS_USAGE, "--std: want numbers > 0, got %g",
                             options->deviation[i]);
    options->channel_count = means > deviations ? means : deviations;
    spread(options->mean, means, options->channel_count);
    spread(options->deviation, deviations, options->channel_count);
    return STATUS_OK;
}

/* ---- Files and names ---- */

static enum status too_long(const char *path, struct error *err)
{
    return error_set(err, STATUS_INPUT, "%.64s...: path is too long; choose another", path);
}

/* Length of a path without its ".json". */
static int stem_length(const char *path)
{
    const size_t size = strlen(path);
    return (int)(size > 5 && !strcmp(path + size - 5, ".json") ? size - 5 : size);
}

static enum status choose_names(struct import_work *work, struct error *err)
{
    const struct import_command *command = work->command;
    const char *slash = strrchr(command->path, '/');
    const char *file = strrchr(command->output, '/');
    file = file ? file + 1 : command->output;
    const int folder = slash ? (int)(slash - command->path) : 0;
    if (command->name && (!*command->name || strlen(command->name) >= sizeof work->name))
        return error_set(err, STATUS_USAGE, "--name: want 1 to %d bytes, got '%s'",
                         NET_NAME_BYTES - 1, command->name);
    snprintf(work->name, sizeof work->name, "%.*s", command->name ? 64 : stem_length(file),
             command->name ? command->name : file);
    if (snprintf(work->folder, sizeof work->folder, "%.*s", slash ? folder + !folder : 1,
                 slash ? command->path : ".") >= PATH_BYTES)
        return too_long(command->path, err);
    const int size = command->float_path
                         ? snprintf(work->float_path, PATH_BYTES, "%s", command->float_path)
                         : snprintf(work->float_path, PATH_BYTES, "%.*s.float",
                                    stem_length(command->output), command->output);
    return size < PATH_BYTES ? STATUS_OK : too_long(command->output, err);
}

/* Someone may have filled in "data". */
static enum status check_outputs(const struct import_work *work, struct error *err)
{
    const struct import_command *command = work->command;
    if (!strcmp(work->float_path, command->output))
        return error_set(err, STATUS_USAGE, "-o and --float name the same file, %s",
                         command->output);
    if (command->force || command->data_from)
        return STATUS_OK;
    if (!access(command->output, F_OK))
        return error_set(err, STATUS_INPUT,
                         "%s: exists; --data-from %s keeps its data, --force replaces it",
                         command->output, command->output);
    if (!access(work->float_path, F_OK))
        return error_set(err, STATUS_INPUT,
                         "%s: exists; --force replaces it, --float names another file",
                         work->float_path);
    return STATUS_OK;
}

/* ---- The work ---- */

static enum status load_like(struct import_work *work, struct error *err)
{
    if (!work->command->data_from)
        return STATUS_OK;
    const enum status status = net_load(work->command->data_from, &work->like_net, err);
    if (status != STATUS_OK)
        return status;
    work->like = cJSON_Parse(work->like_net->json_text);
    return work->like ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "out of memory");
}

static enum status import_network(struct import_work *work, struct error *err)
{
    const struct import_command *command = work->command;
    const struct net *like = work->like_net;
    struct onnx_import_options options = {.label = command->path, .folder = work->folder};
    const double like_scale = like ? (double)like->input_scale : 0; /* 0: the data's own */
    if (command->layout)
        options.layout = strcmp(command->layout, "nhwc") ? ONNX_LAYOUT_NCHW : ONNX_LAYOUT_NHWC;
    if (like)
        options.shape = like->input;
    enum status status = parse_normalization(command, &options, err);
    if (status == STATUS_OK)
        status = onnx_file_load(command->path, &work->onnx, err);
    if (status == STATUS_OK)
        status = onnx_import(work->onnx, &options, &work->network, err);
    if (status != STATUS_OK)
        return status;
    const struct onnx_model_options make = {
        .label = command->output,
        .name = work->name,
        .like = work->like,
        .input_signed = command->is_signed || (like && like->input_signed),
        .input_scale = command->scale > 0 ? command->scale : like_scale,
    };
    return onnx_model_create(work->network, &make, &work->model, err);
}

static enum status save(const struct import_work *work, struct error *err)
{
    const char *text = work->model->net->json_text;
    const enum status status = float_model_save(work->model, work->float_path, err);
    return status == STATUS_OK
               ? file_replace(work->command->output, (const uint8_t *)text, strlen(text), err)
               : status;
}

/* ---- The report ---- */

static size_t weight_count(const struct net *net)
{
    size_t count = 0;
    for (int k = 0; k < net->weighted_count; k++)
        count += net_layer_weights(&net->layers[net->weighted[k]]);
    return count;
}

static enum status print_json(const struct import_work *work, struct error *err)
{
    const struct net *net = work->model->net;
    cJSON *object = cJSON_CreateObject(), *layers = cJSON_AddArrayToObject(object, "layers");
    cJSON_AddStringToObject(object, "model", net->name);
    cJSON_AddStringToObject(object, "file", work->command->output);
    cJSON_AddStringToObject(object, "float", work->float_path);
    cJSON_AddNumberToObject(object, "weights", (double)weight_count(net));
    cJSON_AddBoolToObject(object, "data_is_stub", !work->like);
    for (int i = 0; i < net->layer_count; i++) {
        cJSON *layer = cJSON_CreateObject();
        cJSON_AddStringToObject(layer, "name", net->layers[i].name);
        cJSON_AddStringToObject(layer, "node", work->network->layers[i].node);
        cJSON_AddItemToArray(layers, layer);
    }
    return cmd_print_json(object, false, err);
}

static enum status print_report(const struct import_work *work, struct error *err)
{
    const struct net *net = work->model->net;
    if (work->command->mode.json)
        return print_json(work, err);
    printf("%-16s %-14s %9s  %s\n", "layer", "output", "weights", "ONNX node");
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *layer = &net->layers[i];
        char shape[32];
        snprintf(shape, sizeof shape, "%dx%dx%d", layer->out.h, layer->out.w, layer->out.c);
        printf("%-16s %-14s %9zu  %s\n", layer->name, shape, net_layer_weights(layer),
               work->network->layers[i].node);
    }
    printf("wrote %s and %s\n", work->command->output, work->float_path);
    if (work->like)
        printf("next: mpq eval %s\n", work->float_path);
    else
        printf("next: fill in \"data\" in %s, then run the command again with --data-from %s\n",
               work->command->output, work->command->output);
    return STATUS_OK;
}

static enum status run(struct import_work *work, struct error *err)
{
    enum status status = choose_names(work, err);
    if (status == STATUS_OK)
        status = check_outputs(work, err);
    if (status == STATUS_OK)
        status = load_like(work, err);
    if (status == STATUS_OK)
        status = import_network(work, err);
    if (status == STATUS_OK)
        status = save(work, err);
    if (status == STATUS_OK)
        status = print_report(work, err);
    return status;
}

int cmd_import(int argc, char **argv)
{
    struct import_command command = {.path = NULL};
    struct import_work work = {.command = &command};
    struct error err = {""};
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help)
        status = run(&work, &err);
    float_model_free(work.model);
    onnx_network_free(work.network);
    onnx_file_free(work.onnx);
    cJSON_Delete(work.like);
    net_free(work.like_net);
    return cmd_finish("import", status, &err);
}
