// SPDX-License-Identifier: Apache-2.0
/* network.c of a generated network: a call for each layer. Which kernel a layer takes is decided by
 * kernel_select(), as on the core. */
#include "codegen/codegen_parts.h"

#include <string.h>

#include "kernels.h"

enum { TENSOR_BYTES = 96, WEIGHTS_BYTES = 96 };

static const char *kernel_name(kernel_fn *kernel)
{
#define NAMED(name) {name, #name},
    static const struct {
        kernel_fn *kernel;
        const char *name;
    } kernels[] = {
#include "kernel_names.h"
    };
#undef NAMED
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (kernels[i].kernel == kernel)
            return kernels[i].name;
    return NULL;
}

static const char *layer_kernel(const struct model *model, const struct model_layer *layer,
                                enum proto_tier tier)
{
    const struct kernel_args args = {
        .layer = layer,
        .in_shape = &model->buffers[layer->in],
        .in2_shape = layer->op == OP_ADD ? &model->buffers[layer->in2] : NULL,
        .out_shape = &model->buffers[layer->out],
    };
    return kernel_name(kernel_select(&args, tier));
}

/* "UINT8(arena + 784, 28, 28, 6)" */
static void tensor_text(const struct model *model, unsigned buffer, char out[TENSOR_BYTES])
{
    const struct model_buffer *b = &model->buffers[buffer];
    snprintf(out, TENSOR_BYTES, "%s(arena + %u, %u, %u, %u)", b->is_signed ? "INT8" : "UINT8",
             (unsigned)b->arena_offset, b->height, b->width, b->channels);
}

static void write_window(const struct model_layer *layer, FILE *to)
{
    fprintf(to,
            ",\n            WINDOW(.kernel = {%u, %u}, .stride = {%u, %u}, "
            ".padding = {%u, %u, %u, %u}",
            layer->kernel_h, layer->kernel_w, layer->stride_h, layer->stride_w, layer->pad_top,
            layer->pad_left, layer->pad_bottom, layer->pad_right);
    if (layer->op == OP_CONV2D)
        fprintf(to, ", .groups = %u", layer->groups);
    fputc(')', to);
}

/* Of host/codegen/template/layers.h. */
static const char *call_name(unsigned op)
{
    static const char *const names[] = {
        [OP_CONV2D] = "layer_conv2d",   [OP_FC] = "layer_fc",     [OP_MAXPOOL] = "layer_maxpool",
        [OP_AVGPOOL] = "layer_avgpool", [OP_RELU] = "layer_relu", [OP_FLATTEN] = "layer_flatten",
        [OP_ARGMAX] = "layer_argmax",   [OP_ADD] = "layer_add",
    };
    return names[op];
}

/* "conv1: 28x28x1 uint8 -> 28x28x6 uint8, 4-bit weights, ReLU" */
static void write_comment(const struct codegen *gen, int index, FILE *to)
{
    const struct model_layer *layer = &gen->model->layers[index];
    char in[48], out[48];
    codegen_shape_text(&gen->model->buffers[layer->in], in, sizeof in);
    codegen_shape_text(&gen->model->buffers[layer->out], out, sizeof out);
    fprintf(to, "\n    { /* %s: %s -> %s", gen->names.layer[index], in, out);
    if (layer->weight_bits)
        fprintf(to, ", %u-bit weights", layer->weight_bits);
    fprintf(to, "%s */\n", layer->relu ? ", ReLU" : "");
}

static void write_call(const struct codegen *gen, int index, const char *kernel, FILE *to)
{
    static const char separator[] = ",\n            ";
    const struct model_layer *layer = &gen->model->layers[index];
    const char *name = gen->names.layer[index], *relu = layer->relu ? "RELU" : "NO_RELU";
    char tensor[TENSOR_BYTES];
    write_comment(gen, index, to);
    tensor_text(gen->model, layer->in, tensor);
    fprintf(to, "        %s(\"%s\", %s%s%s", call_name(layer->op), name, kernel, separator, tensor);
    if (layer->op == OP_ADD) {
        tensor_text(gen->model, layer->in2, tensor);
        fprintf(to, "%s%s", separator, tensor);
    }
    tensor_text(gen->model, layer->out, tensor);
    fprintf(to, "%s%s", separator, tensor);
    if (layer->kernel_h)
        write_window(layer, to);
    if (layer->weight_bits)
        fprintf(to, "%sWEIGHTS(%s, %u, %s)", separator, name, layer->weight_bits, relu);
    else if (layer->op == OP_ADD)
        fprintf(to, "%sPARAMS(%s, %s)", separator, name, relu);
    fputs(");\n    }\n", to);
}

static void write_places(const struct codegen *gen, FILE *to)
{
    const struct model *model = gen->model;
    fputs("#include \"layers.h\"\n#include \"network.h\"\n#include \"scales.h\"\n"
          "#include \"weights.h\"\n\n"
          "/* Activations of layers that do not live at the same time share memory. */\n"
          "_Alignas(16) static uint8_t arena[NETWORK_ARENA_BYTES];\n\n",
          to);
    fprintf(to,
            "uint8_t *const layer_scratch = arena + %u;\n"
            "uint8_t *const network_input = arena + %u;\n"
            "uint8_t *const network_output = arena + %u;\n"
            "uint8_t *const network_class = arena + %u;\n",
            (unsigned)model->scratch_offset, (unsigned)model->buffers[model->input].arena_offset,
            (unsigned)model->buffers[model->output].arena_offset,
            (unsigned)model->buffers[model->class_out].arena_offset);
}

bool codegen_network_c(const struct codegen *gen, enum proto_tier tier, FILE *to)
{
    codegen_head(gen, to,
                 tier == TIER_NN ? "the network, with the neural instructions."
                                 : "the network, with plain RV32IMC.");
    write_places(gen, to);
    fputs("\n/* Each call has a block of its own, so that the memory of its arguments is the next "
          "one's too. "
          "*/\nvoid network_run(void)\n{",
          to);
    for (int i = 0; i < gen->model->layer_count; i++) {
        const char *kernel = layer_kernel(gen->model, &gen->model->layers[i], tier);
        if (!kernel)
            return false;
        write_call(gen, i, kernel, to);
    }
    fputs("}\n", to);
    return true;
}
