// SPDX-License-Identifier: Apache-2.0
/* mpq quantize: FLOAT file to QUANT file, after training or with training. */
#include "cmd/cmd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/dataset.h"
#include "infer/infer.h"
#include "net/float_model.h"
#include "pack/pack.h"
#include "pack/quant_meta.h"
#include "qat/calibrate.h"
#include "qat/qat.h"
#include "quant/quant.h"
#include "results/results.h"
#include "train/train.h"

enum { BITS_BYTES = 4 * NET_MAX_LAYERS, MAX_EPOCHS = 1000000 };

struct quantize_command {
    const char *float_path, *bits, *output, *data;
    size_t qat_epochs, seed, threads, limit;
    struct device_options device;
    struct cmd_output mode;
    bool help;
};

/* Everything between the two files. */
struct quantize_work {
    const struct quantize_command *command;
    struct float_model *model;
    struct data_split data;
    struct calibration *calibration;
    struct quant_model *quant;
    struct container *container;
    struct infer *infer;
    struct device *device; /* NULL: the CPU */
    struct quant_meta meta;
    double float_val_accuracy, float_accuracy; /* on the same images */
};

static enum status parse(int argc, char **argv, struct quantize_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "quantize",
        .positional = "FLOAT",
        .summary = "Quantize a trained network to 8, 4 or 2 bits a layer.",
        .details = "Without --qat: post-training quantization, calibrated on training images. With "
                   "--qat: trains on\n"
                   "with the core's exact arithmetic. Accuracies are those of the integer model, "
                   "which the core equals\n"
                   "bit for bit.",
        .examples = "mpq quantize lenet.float --bits 8 -o lenet8.quant\n"
                    "mpq quantize lenet.float --bits 4,8,2,8,8 -o lenet.quant\n"
                    "mpq quantize lenet.float --bits 2 --qat 3 -o lenet2.quant",
    };
    const struct arg_option options[] = {
        {"-o,--output", "QUANT", ARG_STRING, &command->output, "file to write (required)"},
        {"--bits", "LIST", ARG_STRING, &command->bits,
         "weight width of each layer with weights, like 4,8,2,8,8, or one for all (required)"},
        {"--qat", "EPOCHS", ARG_SIZE, &command->qat_epochs,
         "epochs of quantization-aware training (default 0: post-training quantization)"},
        {"--data", "DIR", ARG_STRING, &command->data, "data folder (default build/data)"},
        {"--seed", "N", ARG_SIZE, &command->seed, "seed of --qat (default: the FLOAT file's)"},
        {"--threads", "N", ARG_SIZE, &command->threads, "threads (default: all cores)"},
        {"--device", "D", ARG_STRING, &command->device.name,
         "where --qat trains: cpu (default), cuda, or cuda:N for GPU number N"},
        {"--deterministic", NULL, ARG_FLAG, &command->device.deterministic,
         "on a GPU: only algorithms that repeat bit for bit (the CPU's always do)"},
        {"--limit", "N", ARG_SIZE, &command->limit,
         "use at most N training and N test images (default: all)"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "events and results as JSON lines"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "no progress"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options,
                   &command->float_path, 1, &command->help, err);
    if (status != STATUS_OK || command->help)
        return status;
    if (!command->output)
        return error_set(err, STATUS_USAGE, "-o QUANT is missing; name the file to write");
    if (!command->bits)
        return error_set(err, STATUS_USAGE,
                         "--bits is missing; one width, 8, 4 or 2, for all "
                         "layers, or a list such as 4,8,2,8,8");
    if (!command->qat_epochs && command->device.name && strcmp(command->device.name, "cpu") != 0)
        return error_set(err, STATUS_USAGE,
                         "--device %.64s: only training runs there; add --qat EPOCHS",
                         command->device.name);
    if (command->qat_epochs > MAX_EPOCHS)
        return error_set(err, STATUS_USAGE, "--qat: want 0 to %d, got %zu", MAX_EPOCHS,
                         command->qat_epochs);
    return STATUS_OK;
}

/* Widths separated by commas, or by dashes as in the tables of mpq dse; count of them, 0 if text is
 * something else. */
static int scan_bits(const char *text, int *bits)
{
    int count = 0;
    for (const char *p = text; count < NET_MAX_LAYERS; p += 2) {
        if (*p != '8' && *p != '4' && *p != '2')
            return 0;
        bits[count++] = *p - '0';
        if (p[1] == '\0')
            return count;
        if (p[1] != ',' && p[1] != '-')
            return 0;
    }
    return 0;
}

static enum status parse_bits(const char *text, const struct net *net, struct quant_meta *meta,
                              struct error *err)
{
    char names[160] = "";
    const int count = scan_bits(text, meta->bits);
    meta->layer_count = net->weighted_count;
    if (count == net->weighted_count)
        return STATUS_OK;
    if (count == 1) {
        for (int k = 1; k < net->weighted_count; k++)
            meta->bits[k] = meta->bits[0];
        return STATUS_OK;
    }
    for (int k = 0; k < net->weighted_count; k++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "",
                 net->layers[net->weighted[k]].name);
    }
    return error_set(err, STATUS_USAGE,
                     "--bits: want 8, 4 or 2 for each of the %d layers with weights (%s), or one "
                     "for all, got '%s'",
                     net->weighted_count, names, text);
}

static enum status load_inputs(struct quantize_work *work, struct error *err)
{
    const struct quantize_command *command = work->command;
    enum status status = float_model_load(command->float_path, &work->model, err);
    if (status == STATUS_OK)
        status = parse_bits(command->bits, work->model->net, &work->meta, err);
    if (status == STATUS_OK)
        status = data_load(work->model->net, command->data, command->limit, &work->data, err);
    return status;
}

/* Each layer on its own. */
static enum status quantize_layers(struct quantize_work *work, struct error *err)
{
    const int count = work->meta.layer_count;
    struct progress *progress =
        progress_start(cmd_progress_mode(&work->command->mode), "quantize", (size_t)count);
    enum status status = quant_model_create(work->model->net, &work->quant, err);
    if (status == STATUS_OK) {
        work->quant->owns_layers = true;
        quant_model_set_adds(work->quant, work->calibration);
    }
    for (int k = 0; k < count && status == STATUS_OK; k++) {
        status = interrupt_requested()
                     ? error_set(err, STATUS_CANCELLED, "interrupted; nothing was written")
                     : quant_layer_ptq(work->model, work->calibration, k, work->meta.bits[k],
                                       &work->quant->layers[k], err);
        progress_update(progress, (size_t)k + 1, NULL);
    }
    progress_finish(progress, NULL);
    return status;
}

static enum status quantize(struct quantize_work *work, struct error *err)
{
    const struct quantize_command *command = work->command;
    struct cmd_output mode = command->mode;
    const struct qat_options options = {.epochs = (int)command->qat_epochs,
                                        .seed = work->meta.qat_seed,
                                        .threads = (int)command->threads,
                                        .progress = cmd_progress_mode(&mode),
                                        .device = work->device};
    const size_t samples = (size_t)work->model->net->calibration_samples;
    enum status status =
        calibrate(work->model, &work->data.train, samples, &work->calibration, err);
    if (status == STATUS_OK && command->qat_epochs)
        status = qat_train(work->model, work->calibration, work->meta.bits, &work->data, &options,
                           cmd_print_epoch, &mode, &work->quant, err);
    else if (status == STATUS_OK)
        status = quantize_layers(work, err);
    if (status == STATUS_OK)
        status = pack_model(work->quant, &work->container, err);
    return status;
}

/* Accuracies before and after on one part of the data; NaN if it is empty. */
static enum status evaluate(struct quantize_work *work, const struct dataset *data, double *before,
                            double *after, struct error *err)
{
    const int threads = (int)work->command->threads;
    *before = *after = NAN;
    if (data->count == 0)
        return STATUS_OK;
    enum status status = train_evaluate(work->model, data, threads, before, err);
    if (status == STATUS_OK)
        status = infer_accuracy(work->infer, data, threads, after, err);
    return status;
}

static enum status measure(struct quantize_work *work, struct error *err)
{
    struct quant_meta *meta = &work->meta;
    enum status status = infer_create(work->container->model, &work->infer, err);
    if (status == STATUS_OK)
        status = evaluate(work, &work->data.validation, &work->float_val_accuracy,
                          &meta->val_accuracy, err);
    if (status == STATUS_OK)
        status = evaluate(work, &work->data.test, &work->float_accuracy, &meta->accuracy, err);
    return status;
}

static enum status save(struct quantize_work *work, struct error *err)
{
    const enum status status = quant_meta_write(work->container, &work->meta, err);
    return status == STATUS_OK ? container_save(work->container, work->command->output, err)
                               : status;
}

static enum status print_json(const struct quantize_work *work, struct error *err)
{
    const struct quant_meta *meta = &work->meta;
    const struct model *model = work->container->model;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "event", "quantized");
    cJSON_AddStringToObject(object, "model", work->model->net->name);
    cJSON_AddStringToObject(object, "file", work->command->output);
    cJSON_AddStringToObject(object, "method", meta->qat_epochs ? "qat" : "ptq");
    cJSON_AddItemToObject(object, "bits", cJSON_CreateIntArray(meta->bits, meta->layer_count));
    cJSON_AddNumberToObject(object, "float_val_accuracy", work->float_val_accuracy);
    cJSON_AddNumberToObject(object, "float_accuracy", work->float_accuracy);
    cJSON_AddNumberToObject(object, "val_accuracy", meta->val_accuracy);
    cJSON_AddNumberToObject(object, "accuracy", meta->accuracy);
    cJSON_AddNumberToObject(object, "size_bytes", (double)work->container->size);
    cJSON_AddNumberToObject(object, "arena_bytes", model->arena_bytes);
    return cmd_print_json(object, true, err);
}

static enum status print_result(const struct quantize_work *work, struct error *err)
{
    const struct quant_meta *meta = &work->meta;
    char bits[BITS_BYTES];
    if (work->command->mode.json)
        return print_json(work, err);
    results_bits_text(meta->bits, meta->layer_count, bits, sizeof bits);
    printf("%s at %s bits, %s\n", work->model->net->name, bits,
           meta->qat_epochs ? "quantization-aware training" : "post-training quantization");
    printf("accuracy, %%        float  quantized    drop\n");
    if (work->data.validation.count)
        printf("  validation %11.2f %10.2f %7.2f\n", work->float_val_accuracy, meta->val_accuracy,
               work->float_val_accuracy - meta->val_accuracy);
    printf("  test       %11.2f %10.2f %7.2f\n", work->float_accuracy, meta->accuracy,
           work->float_accuracy - meta->accuracy);
    printf("size: %zu bytes, and %u bytes of activations on the core\n", work->container->size,
           (unsigned)work->container->model->arena_bytes);
    printf("wrote %s\n", work->command->output);
    return STATUS_OK;
}

static void work_free(struct quantize_work *work)
{
    infer_free(work->infer);
    container_free(work->container);
    quant_model_free(work->quant);
    calibration_free(work->calibration);
    data_free(&work->data);
    float_model_free(work->model);
    device_close(work->device);
}

static enum status run(struct quantize_work *work, struct error *err)
{
    const struct quantize_command *command = work->command;
    enum status status = device_open(&command->device, &work->device, err);
    if (status == STATUS_OK)
        status = load_inputs(work, err);
    if (status != STATUS_OK)
        return status;
    work->meta.seed = work->model->seed;
    work->meta.qat_epochs = (int)command->qat_epochs;
    work->meta.qat_seed = command->seed == SIZE_MAX ? work->model->seed : command->seed;
    status = quantize(work, err);
    if (status == STATUS_OK)
        status = measure(work, err);
    if (status == STATUS_OK)
        status = save(work, err);
    if (status == STATUS_OK)
        status = print_result(work, err);
    return status;
}

int cmd_quantize(int argc, char **argv)
{
    struct quantize_command command = {.data = "build/data", .seed = SIZE_MAX};
    struct quantize_work work = {.command = &command};
    struct error err = {""};
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help) {
        interrupt_install();
        status = run(&work, &err);
    }
    work_free(&work);
    return cmd_finish("quantize", status, &err);
}
