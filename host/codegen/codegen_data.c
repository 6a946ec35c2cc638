// SPDX-License-Identifier: Apache-2.0
/* The headers of a generated network: weights, scales, inputs, sizes. */
#include "codegen/codegen_parts.h"

#include <string.h>

#include "bytes.h"

enum { WORDS_A_LINE = 8, BYTES_A_LINE = 20 };

void codegen_shape_text(const struct model_buffer *buffer, char *out, size_t size)
{
    snprintf(out, size, "%dx%dx%d %s", buffer->height, buffer->width, buffer->channels,
             buffer->is_signed ? "int8" : "uint8");
}

void codegen_head(const struct codegen *gen, FILE *to, const char *what)
{
    fprintf(to,
            "// SPDX-License-Identifier: Apache-2.0\n"
            "/* %s: %s Made by mpq codegen. */\n",
            gen->names.network, what);
}

static void write_words(FILE *to, const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i += 4)
        fprintf(to, "%s0x%08x,%s", i / 4 % WORDS_A_LINE ? " " : "    ",
                (unsigned)get_u32(bytes + i),
                i / 4 % WORDS_A_LINE == WORDS_A_LINE - 1 || i + 4 == size ? "\n" : "");
}

static void write_bytes(FILE *to, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(to, "%s%u,%s", i % BYTES_A_LINE ? " " : "         ", bytes[i],
                i % BYTES_A_LINE == BYTES_A_LINE - 1 || i + 1 == size ? "\n" : "");
}

void codegen_weights_h(const struct codegen *gen, FILE *to)
{
    const struct model *model = gen->model;
    codegen_head(gen, to,
                 "weights, packed as runtime/include/model_format.h says: words of\n"
                 " * 4 weights of 8 bits, 8 of 4 or 16 of 2, for four output channels at a time.");
    fputs("#ifndef WEIGHTS_H\n#define WEIGHTS_H\n\n#include <stdint.h>\n", to);
    for (int i = 0; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        if (!layer->weight_bytes)
            continue;
        fprintf(to, "\n/* %u bits */\nstatic const uint32_t %s_weights[%u] = {\n",
                layer->weight_bits, gen->names.layer[i], (unsigned)layer->weight_bytes / 4);
        write_words(to, model->bytes + layer->weight_offset, layer->weight_bytes);
        fputs("};\n", to);
    }
    fputs("\n#endif\n", to);
}

static double number_at(const cJSON *list, int index)
{
    const cJSON *item = cJSON_GetArrayItem(list, index);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* The real values of a weighted layer's steps, as a comment. weighted: its number. */
static void write_steps(const struct codegen *gen, int weighted, FILE *to)
{
    const cJSON *scales =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(gen->meta, "weight_scale"), weighted);
    const int count = cJSON_GetArraySize(scales);
    fprintf(to,
            " * A step of its input is worth %.8g, of its output %.8g; of its weights, by channel:",
            number_at(cJSON_GetObjectItemCaseSensitive(gen->meta, "in_scale"), weighted),
            number_at(cJSON_GetObjectItemCaseSensitive(gen->meta, "out_scale"), weighted));
    for (int c = 0; c < count; c++)
        fprintf(to, "%s%.8g", c % 8 ? " " : "\n *   ", number_at(scales, c));
    fputs(" */\n", to);
}

static void write_add_steps(const struct codegen *gen, int add, FILE *to)
{
    const cJSON *scales =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(gen->meta, "add_scale"), add);
    fprintf(to, " * A step of its inputs is worth %.8g and %.8g, of its output %.8g. */\n",
            number_at(scales, 0), number_at(scales, 1), number_at(scales, 2));
}

void codegen_scales_h(const struct codegen *gen, FILE *to)
{
    const struct model *model = gen->model;
    int weighted = 0, adds = 0;
    codegen_head(
        gen, to,
        "how accumulators become activations. Four words for each four output\n"
        " * channels, the operands of neur_init and neur_res: biases, their shifts and the "
        "mode, multipliers, shifts and ReLU.\n"
        " * An addition has one group: the factors of its inputs, multiplier, shift.");
    fputs("#ifndef SCALES_H\n#define SCALES_H\n\n#include <stdint.h>\n", to);
    for (int i = 0; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        if (!layer->param_bytes)
            continue;
        fprintf(to, "\n/* %s\n", gen->names.layer[i]);
        if (layer->op == OP_ADD)
            write_add_steps(gen, adds++, to);
        else
            write_steps(gen, weighted++, to);
        fprintf(to, "static const uint32_t %s_params[%u] = {\n", gen->names.layer[i],
                (unsigned)layer->param_bytes / 4);
        write_words(to, model->bytes + layer->param_offset, layer->param_bytes);
        fputs("};\n", to);
    }
    fputs("\n#endif\n", to);
}

void codegen_inputs_h(const struct codegen *gen, FILE *to)
{
    const struct model *model = gen->model;
    const struct codegen_source *source = gen->source;
    const size_t in_bytes = model->buffers[model->input].size_bytes;
    const size_t out_bytes = model->buffers[model->output].size_bytes;
    codegen_head(gen, to,
                 "inputs, and what the host's integer model computes from them. Signed\n"
                 " * values stand as the bytes that they are in memory.");
    fprintf(to,
            "#ifndef INPUTS_H\n#define INPUTS_H\n\n#include <stdint.h>\n#include \"network.h\"\n\n"
            "enum { SAMPLE_COUNT = %zu };\n\n"
            "struct sample {\n"
            "    uint8_t input[NETWORK_INPUT_BYTES];   /* height, width, channels */\n"
            "    uint8_t output[NETWORK_OUTPUT_BYTES]; /* the network's last values */\n"
            "    uint16_t class_index;                 /* of the largest one */\n"
            "    int16_t label;                        /* the true class; -1: unknown */\n"
            "};\n\nstatic const struct sample samples[SAMPLE_COUNT] = {\n",
            source->samples);
    for (size_t i = 0; i < source->samples; i++) {
        fputs("    {{\n", to);
        write_bytes(to, source->data->images + i * in_bytes, in_bytes);
        fputs("     },\n     {\n", to);
        write_bytes(to, gen->outputs + i * out_bytes, out_bytes);
        fprintf(to, "     },\n     %u,\n     %d},\n", get_u16(gen->class_out + 2 * i),
                source->has_labels ? source->data->labels[i] : -1);
    }
    fputs("};\n\n#endif\n", to);
}

void codegen_network_h(const struct codegen *gen, FILE *to)
{
    const struct model *model = gen->model;
    const struct model_buffer *input = &model->buffers[model->input];
    const struct model_buffer *output = &model->buffers[model->output];
    const cJSON *out_scales = cJSON_GetObjectItemCaseSensitive(gen->meta, "out_scale");
    char in_text[48], out_text[48];
    codegen_shape_text(input, in_text, sizeof in_text);
    codegen_shape_text(output, out_text, sizeof out_text);
    codegen_head(gen, to, "the network's interface.");
    fprintf(to,
            "#ifndef NETWORK_H\n#define NETWORK_H\n\n#include <stdint.h>\n\n"
            "#define NETWORK_NAME \"%s\"\n\n"
            "enum {\n"
            "    NETWORK_INPUT_BYTES = %u, /* %s */\n"
            "    NETWORK_OUTPUT_BYTES = %u, /* %s */\n"
            "    NETWORK_ARENA_BYTES = %u, /* activations and scratch memory */\n"
            "};\n\n",
            gen->names.network, (unsigned)input->size_bytes, in_text, (unsigned)output->size_bytes,
            out_text, (unsigned)(model->arena_bytes + MODEL_ALIGN - 1) / MODEL_ALIGN * MODEL_ALIGN);
    fprintf(to,
            "/* Real values of one step of input and output. */\n"
            "#define NETWORK_INPUT_SCALE %#.9gf\n"
            "#define NETWORK_OUTPUT_SCALE %#.9gf\n\n",
            number_at(cJSON_GetObjectItemCaseSensitive(gen->meta, "in_scale"), 0),
            number_at(out_scales, cJSON_GetArraySize(out_scales) - 1));
    fputs("/* Write the input, run (which uses the input's memory for other things), read output "
          "and class: the number of\n"
          " * its largest value, two bytes, little-endian. */\n"
          "extern uint8_t *const network_input, *const network_output, *const network_class;\n\n"
          "void network_run(void);\n\n#endif\n",
          to);
}
