// SPDX-License-Identifier: Apache-2.0
/* mpq export: a QUANT file as ONNX. */
#include "cmd/cmd.h"

#include <stdio.h>

#include "onnx/onnx_export.h"
#include "onnx/onnx_file.h"
#include "pack/model_file.h"

struct export_command {
    const char *path, *output;
    bool onnx, help;
    struct cmd_output mode;
};

static enum status parse(int argc, char **argv, struct export_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "export",
        .positional = "QUANT",
        .summary = "Write a quantized network as ONNX.",
        .details =
            "Standard operators that onnxruntime runs, with the integer model's results bit for "
            "bit: int8 weights\n"
            "within their width, QuantizeLinear and DequantizeLinear at both ends, requantization "
            "spelled out\n"
            "(QuantizeLinear would round halves to even, the core rounds them up). Input: real "
            "values\n"
            "[N, C, H, W], integer times the metadata's input_scale. Outputs: logits [N, classes], "
            "class [N].",
        .examples = "mpq export lenet.quant --onnx -o lenet8.onnx",
    };
    const struct arg_option options[] = {
        {"-o,--output", "FILE", ARG_STRING, &command->output, "file to write (required)"},
        {"--onnx", NULL, ARG_FLAG, &command->onnx, "the format; so far the only one (required)"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "result as a JSON object"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options, &command->path, 1,
                   &command->help, err);
    if (status != STATUS_OK || command->help)
        return status;
    if (!command->output)
        return error_set(err, STATUS_USAGE, "-o FILE is missing; name the file to write");
    if (!command->onnx)
        return error_set(err, STATUS_USAGE, "no format; say --onnx");
    return STATUS_OK;
}

static enum status print_result(const struct export_command *command, const Onnx__ModelProto *model,
                                struct error *err)
{
    if (!command->mode.json) {
        printf("wrote %s: %zu nodes, opset %lld\n", command->output, model->graph->n_node,
               (long long)onnx_file_opset(model));
        return STATUS_OK;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "model", model->graph->name);
    cJSON_AddStringToObject(object, "file", command->output);
    cJSON_AddNumberToObject(object, "nodes", (double)model->graph->n_node);
    cJSON_AddNumberToObject(object, "opset", (double)onnx_file_opset(model));
    return cmd_print_json(object, false, err);
}

static enum status run(const struct export_command *command, struct error *err)
{
    struct model_file file;
    struct onnx_builder *builder = NULL;
    enum status status = model_file_open_quant(command->path, &file, err);
    if (status == STATUS_OK)
        status = onnx_export(&file, command->path, &builder, err);
    if (status == STATUS_OK)
        status = onnx_file_save(command->output, onnx_builder_model(builder), err);
    if (status == STATUS_OK)
        status = print_result(command, onnx_builder_model(builder), err);
    onnx_builder_free(builder);
    model_file_close(&file);
    return status;
}

int cmd_export(int argc, char **argv)
{
    struct export_command command = {.path = NULL};
    struct error err = {""};
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help)
        status = run(&command, &err);
    return cmd_finish("export", status, &err);
}
