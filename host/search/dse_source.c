// SPDX-License-Identifier: Apache-2.0
/* Makes candidates: each layer is quantized once for each width, and candidates are put together
 * from these; with QAT each candidate is trained on its own and kept on disk. */
#include "search/dse_source.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "crc32.h"
#include "pack/quant_meta.h"
#include "qat/calibrate.h"
#include "qat/qat.h"
#include "quant/quant_share.h"
#include "target/target_identity.h"

enum { PATH_BYTES = 4096, NAME_BYTES = 200, SCREEN_STREAM = 0x73637265 };

struct dse_source {
    const struct float_model *model;
    const struct data_split *data;
    struct dataset screen; /* owned */
    struct dse_source_options options;
    struct calibration *calibration;
    struct quant_layer
        *layers[NET_MAX_LAYERS][NET_MAX_BITS]; /* by weighted layer and place in space.widths */
    struct target *first_target;               /* NULL once it is handed out */
    struct target_info info;
    uint32_t target_crc;
    pthread_mutex_t lock; /* guards first_target */
};

static enum status quantize_layers(struct dse_source *source, struct error *err)
{
    const struct dse_space *space = &source->options.space;
    const size_t total = (size_t)space->layer_count * (size_t)space->width_count;
    struct progress *progress = progress_start(source->options.progress, "quantize layers", total);
    enum status status = STATUS_OK;
    size_t done = 0;
    for (int layer = 0; layer < space->layer_count && status == STATUS_OK; layer++) {
        for (int w = 0; w < space->width_count && status == STATUS_OK; w++) {
            status = interrupt_requested()
                         ? error_set(err, STATUS_CANCELLED, "interrupted before the search began")
                         : quant_layer_ptq(source->model, source->calibration, layer,
                                           space->widths[w], &source->layers[layer][w], err);
            progress_update(progress, ++done, NULL);
        }
    }
    progress_finish(progress, NULL);
    return status;
}

static enum status make_folder(const char *path, struct error *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return error_set(err, STATUS_IO, "%s: cannot make the folder: %s", path, strerror(errno));
    }
    return STATUS_OK;
}

/* Marks `count` of the validation images, drawn with the model's seed. */
static enum status draw_images(const struct dse_source *source, size_t count, bool *drawn,
                               struct error *err)
{
    const size_t all = source->data->validation.count;
    uint32_t *order = calloc(all + 1, sizeof *order);
    struct rng rng;
    if (!order) {
        return error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    for (size_t i = 0; i < all; i++) {
        order[i] = (uint32_t)i;
    }
    rng_init(&rng, source->model->seed, SCREEN_STREAM);
    rng_shuffle(&rng, order, all);
    for (size_t i = 0; i < count; i++) {
        drawn[order[i]] = true;
    }
    free(order);
    return STATUS_OK;
}

static enum status make_screen_data(struct dse_source *source, struct error *err)
{
    const struct dataset *from = &source->data->validation;
    const size_t wanted = source->options.screen_images;
    const size_t count = wanted && wanted < from->count ? wanted : from->count;
    const size_t bytes = shape_size(from->shape);
    struct dataset *to = &source->screen;
    bool *drawn = calloc(from->count + 1, sizeof *drawn);
    *to = *from;
    to->count = 0;
    to->images = malloc(count * bytes + 1);
    to->labels = calloc(count + 1, sizeof *to->labels);
    if (!drawn || !to->images || !to->labels) {
        free(drawn);
        return error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    const enum status status = draw_images(source, count, drawn, err);
    for (size_t i = 0; i < from->count && status == STATUS_OK; i++) {
        if (drawn[i]) {
            memcpy(to->images + to->count * bytes, from->images + i * bytes, bytes);
            to->labels[to->count++] = from->labels[i];
        }
    }
    free(drawn);
    return status;
}

static enum status open_first_target(struct dse_source *source, struct error *err)
{
    const char *name = source->options.targets[0];
    const enum status status = target_open(name, &source->first_target, err);
    if (status != STATUS_OK) {
        return status;
    }
    source->info = *target_info(source->first_target);
    if (!(source->info.tiers & 1u << TIER_NN)) {
        return error_set(err, STATUS_LINK,
                         "%s: this core has no neural unit; use one that has (mpq info TARGET)",
                         name);
    }
    return target_identity(name, &source->info, &source->target_crc, err);
}

/* Whether the team's first process has the same kind of core. */
static enum status check_same_target(struct dse_source *source, struct error *err)
{
    uint32_t crc = source->target_crc;
    team_broadcast(source->options.team, &crc, sizeof crc);
    if (crc == source->target_crc) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INPUT,
                     "%s: another core, simulator or firmware than on the first process's host; a "
                     "search's cycles must come from one kind of core (mpq info TARGET)",
                     source->options.targets[0]);
}

static enum status quantize(struct dse_source *source, struct error *err)
{
    const size_t count = (size_t)source->model->net->calibration_samples;
    const enum status status =
        calibrate(source->model, &source->data->train, count, &source->calibration, err);
    return status == STATUS_OK ? quantize_layers(source, err) : status;
}

/* Gives the others of the team what the first process has computed. */
static enum status share(struct dse_source *source, struct error *err)
{
    struct team *team = source->options.team;
    const struct dse_space *space = &source->options.space;
    enum status status =
        quant_share_calibration(team, source->model->net, &source->calibration, err);
    for (int layer = 0; layer < space->layer_count && status == STATUS_OK; layer++) {
        status = quant_share_layers(team, source->layers[layer], (size_t)space->width_count, err);
    }
    return status;
}

/* Everything that dse_source_create() does after the allocation. */
static enum status source_prepare(struct dse_source *source, struct error *err)
{
    struct team *team = source->options.team;
    enum status status = team_agree(team, open_first_target(source, err), err);
    if (status == STATUS_OK) {
        status = check_same_target(source, err);
    }
    if (status == STATUS_OK) {
        status = make_screen_data(source, err);
    }
    if (status == STATUS_OK && team_rank(team) == 0) {
        status = quantize(source, err);
    }
    status = team_agree(team, status, err);
    return status == STATUS_OK && team ? share(source, err) : status;
}

enum status dse_source_create(const struct float_model *model, const struct data_split *data,
                              const struct dse_source_options *options, struct dse_source **out,
                              struct error *err)
{
    struct dse_source *source = calloc(1, sizeof *source);
    *out = NULL;
    if (!source) {
        return team_agree(options->team, error_set(err, STATUS_NO_MEMORY, "search: out of memory"),
                          err);
    }
    source->model = model;
    source->data = data;
    source->options = *options;
    pthread_mutex_init(&source->lock, NULL);
    const enum status status = source_prepare(source, err);
    if (status != STATUS_OK) {
        dse_source_free(source);
        return status;
    }
    *out = source;
    return STATUS_OK;
}

void dse_source_free(struct dse_source *source)
{
    if (!source) {
        return;
    }
    for (int layer = 0; layer < NET_MAX_LAYERS; layer++) {
        for (int w = 0; w < NET_MAX_BITS; w++) {
            if (source->layers[layer][w]) {
                quant_layer_free(source->layers[layer][w]);
            }
        }
    }
    if (source->calibration) {
        calibration_free(source->calibration);
    }
    if (source->first_target) {
        target_close(source->first_target);
    }
    free(source->screen.images);
    free(source->screen.labels);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

const struct target_info *dse_source_info(const struct dse_source *source)
{
    return &source->info;
}

const struct dse_source_options *dse_source_options(const struct dse_source *source)
{
    return &source->options;
}

const struct data_split *dse_source_data(const struct dse_source *source)
{
    return source->data;
}

const struct dataset *dse_source_screen_data(const struct dse_source *source)
{
    return &source->screen;
}

double dse_source_output_scale(const struct dse_source *source)
{
    return (double)source->calibration->out_scale[source->model->net->weighted_count - 1];
}

uint32_t dse_source_target_crc(const struct dse_source *source)
{
    return source->target_crc;
}

const char *dse_source_target_name(const struct dse_source *source, size_t worker)
{
    return source->options.targets[worker % source->options.target_count];
}

bool dse_source_target_returns(const struct dse_source *source, size_t worker)
{
    return strchr(dse_source_target_name(source, worker), '/') != NULL;
}

static enum status check_same_core(const struct dse_source *source, const char *name,
                                   const struct target *target, struct error *err)
{
    uint32_t crc;
    const enum status status = target_identity(name, target_info(target), &crc, err);
    if (status != STATUS_OK || crc == source->target_crc) {
        return status;
    }
    return error_set(err, STATUS_INPUT,
                     "%s: another core or firmware than %s; a search's cycles must come from one "
                     "kind of core (mpq info TARGET)",
                     name, source->options.targets[0]);
}

enum status dse_source_target(struct dse_source *source, size_t worker, struct target **out,
                              struct error *err)
{
    const char *name = dse_source_target_name(source, worker);
    *out = NULL;
    if (worker % source->options.target_count == 0) {
        pthread_mutex_lock(&source->lock);
        *out = source->first_target;
        source->first_target = NULL;
        pthread_mutex_unlock(&source->lock);
    }
    if (*out) {
        return STATUS_OK;
    }
    enum status status = target_open(name, out, err);
    if (status == STATUS_OK) {
        status = check_same_core(source, name, *out, err);
    }
    if (status != STATUS_OK) {
        target_close(*out);
        *out = NULL;
    }
    return status;
}

int dse_source_threads(const struct dse_source *source)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const long workers = (long)source->options.jobs * team_host_size(source->options.team);
    return cores > workers ? (int)(cores / workers) : 1;
}

uint32_t dse_source_model_crc(const struct dse_source *source)
{
    const struct net *net = source->model->net;
    uint32_t crc = crc32_update(0, net->json_text, strlen(net->json_text));
    for (int i = 0; i < net->weighted_count; i++) {
        const struct net_layer *layer = &net->layers[net->weighted[i]];
        crc =
            crc32_update(crc, source->model->weights[i], net_layer_weights(layer) * sizeof(float));
        crc = crc32_update(crc, source->model->biases[i], (size_t)layer->out.c * sizeof(float));
    }
    return crc;
}

uint32_t dse_source_data_crc(const struct dse_source *source)
{
    return data_crc(source->data);
}

static int width_place(const struct dse_space *space, int width)
{
    int place = 0;
    while (place < space->width_count - 1 && space->widths[place] != width) {
        place++;
    }
    return place;
}

static enum status build_ptq(struct dse_source *source, const int *bits, struct container **out,
                             struct error *err)
{
    const struct dse_space *space = &source->options.space;
    struct quant_model *model = NULL;
    enum status status = quant_model_create(source->model->net, &model, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (int layer = 0; layer < space->layer_count; layer++) {
        model->layers[layer] = source->layers[layer][width_place(space, bits[layer])];
    }
    model->owns_layers = false;
    quant_model_set_adds(model, source->calibration);
    status = pack_model(model, out, err);
    quant_model_free(model);
    return status;
}

/* "8-4-2.mpq"; a network of very many layers gets a checksum of its widths instead. */
static void quant_path(const struct dse_source *source, const char *folder, const int *bits,
                       char path[PATH_BYTES])
{
    char text[4 * NET_MAX_LAYERS], name[NAME_BYTES + 16];
    results_bits_text(bits, source->options.space.layer_count, text, sizeof text);
    if (strlen(text) > NAME_BYTES) {
        snprintf(name, sizeof name, "widths-%08x", (unsigned)crc32_update(0, text, strlen(text)));
    } else {
        snprintf(name, sizeof name, "%.*s", (int)NAME_BYTES, text);
    }
    snprintf(path, PATH_BYTES, "%.*s/%s.mpq", PATH_BYTES - NAME_BYTES - 32, folder, name);
}

static void kept_folder(const struct dse_source *source, char folder[PATH_BYTES])
{
    snprintf(folder, PATH_BYTES, "%.*s/candidates", PATH_BYTES - 600, source->options.folder);
}

static void kept_path(const struct dse_source *source, const int *bits, char path[PATH_BYTES])
{
    char folder[PATH_BYTES];
    kept_folder(source, folder);
    quant_path(source, folder, bits, path);
}

/* Percent; NaN: not known yet. */
static enum status write_meta(const struct dse_source *source, const int *bits, double val_accuracy,
                              double accuracy, struct container *container, struct error *err)
{
    struct quant_meta meta = {.layer_count = source->options.space.layer_count,
                              .seed = source->model->seed,
                              .qat_epochs = source->options.qat_epochs,
                              .qat_seed = source->model->seed,
                              .val_accuracy = val_accuracy,
                              .accuracy = accuracy};
    memcpy(meta.bits, bits, (size_t)meta.layer_count * sizeof *meta.bits);
    return quant_meta_write(container, &meta, err);
}

enum status dse_source_train(struct dse_source *source, const int *bits, struct error *err)
{
    const struct qat_options options = {.epochs = source->options.qat_epochs,
                                        .seed = source->model->seed,
                                        .threads = dse_source_threads(source),
                                        .progress = PROGRESS_QUIET,
                                        .device = source->options.device};
    char path[PATH_BYTES];
    struct quant_model *model = NULL;
    struct container *container = NULL;
    enum status status = qat_train(source->model, source->calibration, bits, source->data, &options,
                                   NULL, NULL, &model, err);
    if (status == STATUS_OK) {
        status = pack_model(model, &container, err);
    }
    if (status == STATUS_OK) {
        status = write_meta(source, bits, NAN, NAN, container, err);
    }
    if (status == STATUS_OK) {
        kept_folder(source, path);
        status = make_folder(path, err);
    }
    if (status == STATUS_OK) {
        kept_path(source, bits, path);
        status = container_save(container, path, err);
    }
    container_free(container);
    if (model) {
        quant_model_free(model);
    }
    return status;
}

enum status dse_source_build(struct dse_source *source, const int *bits, bool ptq,
                             struct container **out, struct error *err)
{
    char path[PATH_BYTES];
    *out = NULL;
    if (ptq || source->options.qat_epochs == 0) {
        return build_ptq(source, bits, out, err);
    }
    kept_path(source, bits, path);
    return container_load(path, out, err);
}

static enum status save_candidate(struct dse_source *source, const struct candidate *candidate,
                                  const char *folder, struct error *err)
{
    char path[PATH_BYTES];
    struct container *container = NULL;
    enum status status = dse_source_build(source, candidate->bits, false, &container, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = write_meta(source, candidate->bits, candidate->val_accuracy, candidate->accuracy,
                        container, err);
    if (status == STATUS_OK) {
        quant_path(source, folder, candidate->bits, path);
        status = container_save(container, path, err);
    }
    container_free(container);
    return status;
}

static void remove_old_files(const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        const size_t size = strlen(entry->d_name);
        if (size > 4 && strcmp(entry->d_name + size - 4, ".mpq") == 0) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}

enum status dse_source_save(struct dse_source *source, const struct results *results,
                            const char *folder, struct error *err)
{
    enum status status = make_folder(folder, err);
    if (status == STATUS_OK) {
        remove_old_files(folder);
    }
    for (size_t i = 0; i < results->count && status == STATUS_OK; i++) {
        if (results->candidates[i].pareto || (long)i == results->selected) {
            status = save_candidate(source, &results->candidates[i], folder, err);
        }
    }
    return status;
}
