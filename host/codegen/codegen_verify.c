// SPDX-License-Identifier: Apache-2.0
/* The host's side of codegen/template/serve.c. */
#include "codegen/codegen_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "bytes.h"
#include "codegen/codegen.h"
#include "infer/infer.h"
#include "target/link.h"

enum { GREETING_BYTES = 12, CLASS_BYTES = 2, MARK_BYTES = 1, ANSWER_SECONDS = 600 };
enum { SHOWN_BYTES = 300, LOG_BYTES_MAX = 1 << 24, TEXT_WAIT_MS = 1000 };

/* ---- Building ---------------------------------------------------------------------------------- */

/* The end of make's output, its lines joined. */
static void log_tail(const char *path, char *out, size_t size)
{
    struct error ignored;
    uint8_t *bytes = NULL;
    size_t length = 0;
    snprintf(out, size, "see %.200s", path);
    if (file_read(path, LOG_BYTES_MAX, &bytes, &length, &ignored) != STATUS_OK || !length)
        return;
    const size_t start = length >= size ? length - size + 1 : 0;
    snprintf(out, size, "%.*s", (int)(length - start), (const char *)bytes + start);
    for (char *p = out; *p; p++)
        if (*p == '\n')
            *p = p[1] ? ';' : '\0';
    free(bytes);
}

/* Both streams of the child go to the log. */
static int spawn_make(char *const argv[], const char *log, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        return code;
    code = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log,
                                            O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (!code)
        code = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!code)
        code = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

enum status codegen_build(const char *folder, enum proto_tier tier, struct error *err)
{
    char path[FOLDER_PATH_BYTES], log[FOLDER_PATH_BYTES], jobs[32], tail[SHOWN_BYTES];
    char program[] = "make", quiet[] = "--no-print-directory", in[] = "-C";
    char *argv[] = {program, quiet, jobs, in, path, NULL};
    pid_t pid = 0;
    int exit_status = 0;
    enum status status = folder_path(folder, codegen_tier_folder(tier), path, err);
    if (status == STATUS_OK)
        status = folder_path(path, "make.log", log, err);
    if (status != STATUS_OK)
        return status;
    snprintf(jobs, sizeof jobs, "-j%ld", sysconf(_SC_NPROCESSORS_ONLN));
    unsetenv("MAKEFLAGS"); /* those of a make that runs us are not for this one */
    const int code = spawn_make(argv, log, &pid);
    if (code)
        return error_set(err, STATUS_IO, "%s: make cannot be started: %s", path, strerror(code));
    while (waitpid(pid, &exit_status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(exit_status) && !WEXITSTATUS(exit_status))
        return STATUS_OK;
    log_tail(log, tail, sizeof tail);
    return error_set(err, STATUS_INPUT, "%s: cannot be built: ...%s", path, tail);
}

/* ---- Running ----------------------------------------------------------------------------------- */

/* What the integer model computes; [count][...] each. */
struct expected {
    uint8_t *outputs, *classes;
    size_t output_bytes;
};

static enum status expect(const struct codegen_verify *verify, struct expected *out,
                          struct error *err)
{
    const struct model *model = verify->model;
    const struct dataset *data = verify->data;
    const int layers = model->layer_count;
    struct infer *infer = NULL;
    out->output_bytes = model->buffers[model->output].size_bytes;
    out->outputs = malloc(data->count * out->output_bytes);
    out->classes = malloc(data->count * CLASS_BYTES);
    if (!out->outputs || !out->classes)
        return error_set(err, STATUS_NO_MEMORY, "%zu inputs: out of memory", data->count);
    enum status status = infer_create(model, &infer, err);
    if (status == STATUS_OK)
        status = infer_run(infer, 0, layers - 1, data->images, data->count, out->outputs, 0, err);
    if (status == STATUS_OK)
        status = infer_run(infer, 0, layers, data->images, data->count, out->classes, 0, err);
    infer_free(infer);
    return status;
}

/* Exactly size bytes. */
static enum status read_all(struct link *link, uint8_t *bytes, size_t size, struct error *err)
{
    for (int waited_s = 0; size;) {
        size_t got = 0;
        const enum status status = link->ops->read(link, bytes, size, 1000, &got, err);
        if (status != STATUS_OK)
            return status;
        if (interrupt_requested())
            return error_set(err, STATUS_CANCELLED, "interrupted");
        waited_s = got ? 0 : waited_s + 1;
        if (waited_s > ANSWER_SECONDS)
            return error_set(err, STATUS_LINK, "%s: no answer for %d s", link->name,
                             ANSWER_SECONDS);
        bytes += got;
        size -= got;
    }
    return STATUS_OK;
}

/* What the program says instead of an answer. */
static enum status read_fault(struct link *link, uint8_t first, struct error *err)
{
    struct error ended;
    char text[SHOWN_BYTES] = {(char)first};
    size_t used = 1, got = 1;
    while (used + 1 < sizeof text && got &&
           link->ops->read(link, (uint8_t *)text + used, sizeof text - 1 - used, TEXT_WAIT_MS, &got,
                           &ended) == STATUS_OK)
        used += got;
    text[used] = '\0';
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return error_set(err, STATUS_LINK, "%s: the program said:%s", link->name, text);
}

static enum status greet(struct link *link, const struct model *model, struct error *err)
{
    uint8_t greeting[GREETING_BYTES];
    const uint32_t input = model->buffers[model->input].size_bytes;
    const uint32_t output = model->buffers[model->output].size_bytes;
    const enum status status = read_all(link, greeting, sizeof greeting, err);
    if (status != STATUS_OK)
        return status;
    if (memcmp(greeting, "MPQS", 4) != 0)
        return read_fault(link, greeting[0], err);
    if (get_u32(greeting + 4) != input || get_u32(greeting + 8) != output)
        return error_set(err, STATUS_INPUT,
                         "the program takes %u bytes and gives %u, the model takes %u and gives "
                         "%u: the folder was made from another model",
                         (unsigned)get_u32(greeting + 4), (unsigned)get_u32(greeting + 8),
                         (unsigned)input, (unsigned)output);
    return STATUS_OK;
}

static void compare(const struct expected *want, size_t index, const char *tier,
                    const uint8_t *answer, struct codegen_verify_result *out)
{
    const uint8_t *output = want->outputs + index * want->output_bytes;
    const unsigned got_class = get_u16(answer + want->output_bytes);
    const unsigned want_class = get_u16(want->classes + index * CLASS_BYTES);
    size_t at = 0;
    while (at < want->output_bytes && answer[at] == output[at])
        at++;
    out->verified++;
    if (at == want->output_bytes && got_class == want_class)
        return;
    if (!out->mismatches++ && at < want->output_bytes)
        error_format(&out->first, "%s: input %zu, output %zu: got byte %u, want %u", tier, index,
                     at, answer[at], output[at]);
    else if (out->mismatches == 1)
        error_format(&out->first, "%s: input %zu: got class %u, want %u", tier, index, got_class,
                     want_class);
}

static enum status converse(const struct codegen_verify *verify, struct link *link,
                            const char *tier, const struct expected *want,
                            struct codegen_verify_result *out, struct error *err)
{
    const size_t in_bytes = shape_size(verify->data->shape);
    const size_t answer_bytes = want->output_bytes + CLASS_BYTES;
    uint8_t *answer = calloc(1, answer_bytes), mark = 0;
    enum status status = answer ? greet(link, verify->model, err)
                                : error_set(err, STATUS_NO_MEMORY, "answers: out of memory");
    for (size_t i = 0; i < verify->data->count && status == STATUS_OK; i++) {
        status = link->ops->write(link, verify->data->images + i * in_bytes, in_bytes, err);
        if (status == STATUS_OK)
            status = read_all(link, &mark, MARK_BYTES, err);
        if (status == STATUS_OK && mark != 'O')
            status = read_fault(link, mark, err);
        if (status == STATUS_OK)
            status = read_all(link, answer, answer_bytes, err);
        if (status == STATUS_OK)
            compare(want, i, tier, answer, out);
        progress_update(verify->progress, verify->done + i + 1, tier);
    }
    free(answer);
    return status;
}

enum status codegen_verify_tier(const struct codegen_verify *verify, enum proto_tier tier,
                                struct codegen_verify_result *out, struct error *err)
{
    char name[64], program[FOLDER_PATH_BYTES];
    struct expected want = {NULL, NULL, 0};
    struct link *link = NULL;
    memset(out, 0, sizeof *out);
    snprintf(name, sizeof name, "%s/build/serve.elf", codegen_tier_folder(tier));
    enum status status = folder_path(verify->folder, name, program, err);
    if (status == STATUS_OK)
        status = expect(verify, &want, err);
    if (status == STATUS_OK && setenv("MPQ_FIRMWARE", program, 1)) /* what link_sim starts */
        status = error_set(err, STATUS_NO_MEMORY, "%s: out of memory", program);
    if (status == STATUS_OK)
        status = link_open(verify->simulator, &link, err);
    if (status == STATUS_OK)
        status = converse(verify, link, codegen_tier_folder(tier), &want, out, err);
    if (status != STATUS_OK)
        error_prefix(err, "%s", program);
    link_close(link);
    free(want.outputs);
    free(want.classes);
    return status;
}
