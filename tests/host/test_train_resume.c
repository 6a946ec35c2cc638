// SPDX-License-Identifier: Apache-2.0
/* Trainings that are interrupted between any two steps, or killed, and go on: the same weights bit for
 * bit. Checkpoints of another training are refused and stay as they are. Damaged ones:
 * test_train_checkpoint.c. */
#include "host/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>

#include "bytes.h"
#include "crc32.h"
#include "host/small_problem.h"
#include "train/train.h"

enum { EPOCHS = 3, EPOCHS_MAX = 16, ITEMS = 90, STEPS = 5 }; /* STEPS an epoch: batches of 20 */
#define PART "m.float.part"

/* ---- Ctrl-C after so many steps, by the linker in place of the one of progress.c ---- */

static int steps_left, steps_done;

bool __wrap_interrupt_requested(void);
bool __wrap_interrupt_requested(void)
{
    steps_done++;
    return steps_left-- == 0;
}

static void interrupt_after(int steps)
{
    steps_left = steps;
    steps_done = 0;
}

static void interrupt_never(void)
{
    interrupt_after(-1);
}

/* ---- Recipes ---- */

/* Layers that do something else in training than in evaluation, round a residual block. */
#define NORM "{\"op\":\"batchnorm\"},"
#define DROP "{\"op\":\"dropout\",\"rate\":0.1},"
#define RESIDUAL_LAYERS                                                                            \
    "{\"op\":\"conv\",\"channels\":6,\"kernel\":3,\"padding\":\"same\"},"                          \
    "{\"op\":\"batchnorm\",\"name\":\"a\"},{\"op\":\"relu6\"},"                                    \
    "{\"op\":\"depthwise\",\"kernel\":3,\"padding\":1}," NORM "{\"op\":\"relu6\"},"                \
    "{\"op\":\"conv\",\"channels\":6,\"kernel\":1}," NORM "{\"op\":\"add\",\"with\":\"a\"}," DROP  \
    "{\"op\":\"avgpool\",\"kernel\":4},{\"op\":\"fc\",\"outputs\":9}," NORM                        \
    "{\"op\":\"relu\"}," DROP "{\"op\":\"fc\",\"outputs\":4},{\"op\":\"softmax\"}"

static void adam(struct net_recipe *recipe)
{
    recipe->weight_decay = 0.01f;
}

static void sgd(struct net_recipe *recipe)
{
    recipe->optimizer = OPTIMIZER_SGD;
    recipe->learning_rate[0] = 0.03f;
    recipe->weight_decay = 0.001f;
}

static void phases(struct net_recipe *recipe)
{
    recipe->phase_count = 3;
    recipe->epochs[0] = recipe->epochs[1] = recipe->epochs[2] = 1;
    recipe->learning_rate[1] = 0.02f;
    recipe->learning_rate[2] = 0.001f;
    recipe->warmup_epochs = 1;
    recipe->cosine = true;
    recipe->label_smoothing = 0.1f;
}

static void augmented(struct net_recipe *recipe)
{
    recipe->augment = (struct net_augment){2, true, 3, 1.5f, 20};
}

static void early_stopping(struct net_recipe *recipe)
{
    recipe->epochs[0] = EPOCHS_MAX;
    recipe->learning_rate[0] = 0.02f;
    recipe->early_stopping_epochs = 2;
}

static void everything(struct net_recipe *recipe)
{
    augmented(recipe);
    early_stopping(recipe);
    recipe->cosine = true;
}

enum {
    ADAM,
    SGD,
    PHASES,
    AUGMENTED,
    EARLY_STOPPING,
    NORMALIZED,
    NORMALIZED_SGD,
    EVERYTHING,
    RECIPE_COUNT
};

static const struct recipe {
    const char *name, *layers;
    void (*set)(struct net_recipe *recipe);
    float noise;
} RECIPES[] = {
    [ADAM] = {"adam", SMALL_LAYERS, adam, 2},
    [SGD] = {"sgd", SMALL_LAYERS, sgd, 2},
    [PHASES] = {"phases, warm-up, cosine, label smoothing", SMALL_LAYERS, phases, 2},
    [AUGMENTED] = {"augmentation", SMALL_LAYERS, augmented, 2},
    [EARLY_STOPPING] = {"early stopping", SMALL_LAYERS, early_stopping, 4},
    [NORMALIZED] = {"batchnorm and dropout", RESIDUAL_LAYERS, adam, 2},
    [NORMALIZED_SGD] = {"batchnorm, dropout, sgd", RESIDUAL_LAYERS, sgd, 2},
    [EVERYTHING] = {"everything", RESIDUAL_LAYERS, everything, 4},
};

/* ---- Trainings ---- */

/* What a training, whole or in parts, came to. */
struct outcome {
    struct float_model *model;
    int epochs;
    double losses[EPOCHS_MAX], accuracies[EPOCHS_MAX];
    int copy_after; /* copies the checkpoint after this epoch, as a process leaves it that is killed then */
};

static void copy_checkpoint(void)
{
    size_t size;
    char *bytes = scratch_read(PART, &size);
    scratch_write("copy", bytes, size);
    free(bytes);
}

static void record_epoch(void *context, int epoch, double loss, double accuracy, double seconds)
{
    struct outcome *outcome = context;
    assert_true(epoch >= 1 && epoch <= EPOCHS_MAX && seconds >= 0);
    outcome->epochs = epoch;
    outcome->losses[epoch - 1] = loss;
    outcome->accuracies[epoch - 1] = accuracy;
    if (epoch == outcome->copy_after)
        copy_checkpoint();
}

static void outcome_free(struct outcome *outcome)
{
    float_model_free(outcome->model);
    outcome->model = NULL;
}

/* A run of the command. The model is new each time. */
static enum status train(const struct recipe *recipe, const struct data_split *data, int threads,
                         const struct train_keeping *keeping, struct outcome *outcome,
                         struct error *err)
{
    const struct train_options options = {
        .seed = 5, .threads = threads, .progress = PROGRESS_QUIET, .keeping = keeping};
    outcome_free(outcome);
    outcome->model = small_model(recipe->layers, 1);
    outcome->model->net->recipe.epochs[0] = EPOCHS;
    recipe->set(&outcome->model->net->recipe);
    return train_float(outcome->model, data, &options, record_epoch, outcome, err);
}

static const struct train_keeping RARELY = {PART, 1e6, true, 0, "cpu"}; /* only at Ctrl-C */
static const struct train_keeping ALWAYS = {PART, 0, true, 0, "cpu"};

static void train_well(const struct recipe *recipe, const struct data_split *data, int threads,
                       const struct train_keeping *keeping, struct outcome *outcome)
{
    struct error err;
    check_ok(train(recipe, data, threads, keeping, outcome, &err), &err);
}

/* Never interrupted; nothing is kept. */
static struct outcome train_at_once(const struct recipe *recipe, const struct data_split *data)
{
    struct outcome outcome = {.epochs = 0};
    interrupt_never();
    train_well(recipe, data, 1, NULL, &outcome);
    return outcome;
}

static void check_same(const struct recipe *recipe, int where, const struct outcome *got,
                       const struct outcome *want)
{
    if (got->epochs != want->epochs)
        fail_msg("%s, interrupted at step %d: ends after epoch %d, want %d", recipe->name, where,
                 got->epochs, want->epochs);
    if (memcmp(got->losses, want->losses, sizeof got->losses) ||
        memcmp(got->accuracies, want->accuracies, sizeof got->accuracies))
        fail_msg("%s, interrupted at step %d: other losses or accuracies", recipe->name, where);
    if (!same_weights(got->model, want->model))
        fail_msg("%s, interrupted at step %d: other weights", recipe->name, where);
}

/* Interrupts after so many steps and goes on with other threads. */
static void check_interrupted(const struct recipe *recipe, const struct data_split *data, int steps,
                              const struct outcome *want)
{
    struct outcome got = {.epochs = 0};
    struct error err;
    char text[160];
    (void)unlink(PART);
    interrupt_after(steps);
    snprintf(text, sizeof text, "interrupted in epoch %d%s", steps / STEPS + 1,
             steps ? "; what is finished is kept in " PART
                     ": the same command with --resume goes on"
                   : "");
    check_failed(train(recipe, data, 2, &RARELY, &got, &err), STATUS_CANCELLED, &err, text);
    assert_int_equal(access(PART, F_OK) == 0, steps > 0);
    interrupt_never();
    train_well(recipe, data, 3, &RARELY, &got);
    assert_int_equal(steps_done, want->epochs * STEPS - steps);
    check_same(recipe, steps, &got, want);
    outcome_free(&got);
}

static void a_resumed_training_gives_the_weights_of_an_uninterrupted_one(void **state)
{
    (void)state;
    for (int i = 0; i < RECIPE_COUNT; i++) {
        struct data_split data = small_split(ITEMS, RECIPES[i].noise, 4);
        struct outcome want = train_at_once(&RECIPES[i], &data);
        const int last = want.epochs * STEPS - 1;
        const int places[] = {0, 1, STEPS - 1, STEPS, STEPS + 2, 2 * STEPS, last - 2, last};
        assert_int_equal(steps_done, last + 1);
        for (size_t p = 0; p < sizeof places / sizeof *places; p++)
            check_interrupted(&RECIPES[i], &data, places[p], &want);
        outcome_free(&want);
        data_free(&data);
    }
}

/* Early stopping did stop, so that what it remembers was at stake. */
static void early_stopping_remembers_across_interruptions(void **state)
{
    struct data_split data = small_split(ITEMS, RECIPES[EARLY_STOPPING].noise, 4);
    (void)state;
    struct outcome want = train_at_once(&RECIPES[EARLY_STOPPING], &data);
    assert_in_range(want.epochs, 4, EPOCHS_MAX - 1);
    assert_true(want.accuracies[want.epochs - 1] <= want.accuracies[want.epochs - 3]);
    for (int steps = 0; steps < want.epochs * STEPS; steps++)
        check_interrupted(&RECIPES[EARLY_STOPPING], &data, steps, &want);
    outcome_free(&want);
    data_free(&data);
}

/* Every few steps, with one to four threads in turns. */
static void many_interruptions_change_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < RECIPE_COUNT; i++) {
        struct data_split data = small_split(ITEMS, RECIPES[i].noise, 4);
        struct outcome want = train_at_once(&RECIPES[i], &data), got = {.epochs = 0};
        enum status status = STATUS_CANCELLED;
        struct error err;
        int runs = 0;
        (void)unlink(PART);
        for (; status == STATUS_CANCELLED && runs < 100; runs++) {
            interrupt_after(3);
            status = train(&RECIPES[i], &data, 1 + runs % 4, &RARELY, &got, &err);
        }
        check_ok(status, &err);
        assert_int_equal(runs, (want.epochs * STEPS + 2) / 3);
        check_same(&RECIPES[i], 3, &got, &want);
        outcome_free(&got);
        outcome_free(&want);
        data_free(&data);
    }
}

/* The last checkpoint that it wrote is of before the last step of its second epoch. */
static void a_killed_training_goes_on_from_its_last_checkpoint(void **state)
{
    struct data_split data = small_split(ITEMS, 4, 4);
    const struct recipe *recipe = &RECIPES[EVERYTHING];
    struct outcome want = train_at_once(recipe, &data), got = {.copy_after = 2};
    (void)state;
    (void)unlink(PART);
    interrupt_never();
    train_well(recipe, &data, 2, &ALWAYS, &got);
    check_same(recipe, -1, &got, &want);
    assert_int_equal(rename("copy", PART), 0);
    got.copy_after = 0;
    interrupt_never();
    train_well(recipe, &data, 2, &RARELY, &got);
    assert_int_equal(steps_done, want.epochs * STEPS - (2 * STEPS - 1));
    check_same(recipe, 2 * STEPS - 1, &got, &want);
    outcome_free(&got);
    outcome_free(&want);
    data_free(&data);
}

static int file_count(void)
{
    DIR *folder = opendir(".");
    int count = 0;
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void short_trainings_write_nothing(void **state)
{
    struct data_split data = small_split(ITEMS, 2, 4);
    struct outcome outcome = {.epochs = 0};
    (void)state;
    (void)unlink(PART);
    const int before = file_count();
    interrupt_never();
    train_well(&RECIPES[ADAM], &data, 2, &RARELY, &outcome);
    assert_int_equal(file_count(), before);
    train_well(&RECIPES[ADAM], &data, 2, &ALWAYS, &outcome);
    assert_int_equal(file_count(), before + 1); /* and no temporary file */
    outcome_free(&outcome);
    data_free(&data);
}

static void without_resume_training_begins(void **state)
{
    struct data_split data = small_split(ITEMS, 2, 4);
    struct train_keeping anew = RARELY;
    struct outcome want = train_at_once(&RECIPES[ADAM], &data), got = {.epochs = 0};
    struct error err;
    (void)state;
    (void)unlink(PART);
    anew.resume = false;
    interrupt_after(2 * STEPS);
    assert_int_equal(train(&RECIPES[ADAM], &data, 1, &RARELY, &got, &err), STATUS_CANCELLED);
    interrupt_after(STEPS);
    assert_int_equal(train(&RECIPES[ADAM], &data, 1, &anew, &got, &err), STATUS_CANCELLED);
    interrupt_never();
    train_well(&RECIPES[ADAM], &data, 1, &RARELY, &got);
    assert_int_equal(steps_done, (EPOCHS - 1) * STEPS);
    check_same(&RECIPES[ADAM], STEPS, &got, &want);
    outcome_free(&got);
    outcome_free(&want);
    data_free(&data);
}

/* ---- Checkpoints of another training ---- */

/* What may differ from the training that was interrupted. */
struct present {
    const char *layers;
    uint64_t seed;
    struct data_split data;
    struct train_keeping keeping;
    int epochs;
};

static enum status resume(const struct present *present, struct error *err)
{
    const struct train_options options = {.seed = present->seed,
                                          .threads = 1,
                                          .progress = PROGRESS_QUIET,
                                          .keeping = &present->keeping};
    struct float_model *model = small_model(present->layers, 1);
    model->net->recipe.epochs[0] = present->epochs;
    const enum status status = train_float(model, &present->data, &options, NULL, NULL, err);
    float_model_free(model);
    return status;
}

static struct present begun_with(const char *layers)
{
    struct present present = {layers, 5, small_split(ITEMS, 2, 4), RARELY, EPOCHS};
    struct error err;
    (void)unlink(PART);
    interrupt_after(STEPS + 2);
    assert_int_equal(resume(&present, &err), STATUS_CANCELLED);
    interrupt_never();
    return present;
}

static struct present begun(void)
{
    return begun_with(SMALL_LAYERS);
}

/* Resuming is refused so, and the file stays as it is. */
static void check_refused(const struct present *present, enum status status, const char *text)
{
    struct error err;
    size_t size, size_behind;
    char *bytes = scratch_read(PART, &size);
    check_failed(resume(present, &err), status, &err, text);
    char *behind = scratch_read(PART, &size_behind);
    assert_int_equal(size_behind, size);
    assert_memory_equal(behind, bytes, size);
    free(behind);
    free(bytes);
}

static void check_other(const struct present *present, const char *what)
{
    char text[512];
    snprintf(text, sizeof text,
             PART
             ": cannot resume: it was begun with another %s; give the same again, another file "
             "(-o), or --force to start over",
             what);
    check_refused(present, STATUS_USAGE, text);
}

static void another_command_is_refused(void **state)
{
    struct present was = begun(), now = was;
    (void)state;
    now.seed = 6;
    check_other(&now, "--seed (seed \"5\", now \"6\")");
    now = was;
    now.epochs = 4;
    check_other(&now, "--epochs (epochs [3], now [4])");
    now = was;
    now.keeping.limit = 50;
    check_other(&now, "--limit (limit 0, now 50)");
    now = was;
    now.keeping.device = "cuda";
    check_other(&now, "--device (device \"cpu\", now \"cuda\")");
    struct error err;
    check_ok(resume(&was, &err), &err);
    data_free(&was.data);
}

#define LINES(outputs)                                                                             \
    "{\"op\":\"relu\"},\n  {\"op\":\"fc\",\"outputs\":" outputs "},\n{\"op\":\"fc\",\"outputs\":"  \
    "4}"

static void another_model_is_refused_with_the_place(void **state)
{
    struct present now = begun();
    (void)state;
    now.layers = "{\"op\":\"fc\",\"outputs\":4}";
    check_other(&now, "MODEL.json (line 1: ...ng_rate\":0.01},\"layers\":[{\"op\":\"conv\","
                      "\"channels\":5,\"kernel\":, now ...ng_rate\":0.01},\"layers\":[{"
                      "\"op\":\"fc\",\"outputs\":4}]})");
    data_free(&now.data);
    now = begun_with(LINES("9"));
    now.layers = LINES("7");
    check_other(&now, "MODEL.json (line 2: {\"op\":\"fc\",\"outputs\":9},, now "
                      "{\"op\":\"fc\",\"outputs\":7},)");
    data_free(&now.data);
}

static void other_data_are_refused(void **state)
{
    struct present now = begun();
    struct error err;
    char text[128];
    struct dataset *const parts[] = {&now.data.train, &now.data.validation, &now.data.test};
    const uint32_t was = crc32_update(data_crc(&now.data), &now.data.train.scale, 4);
    (void)state;
    for (int i = 0; i < 7; i++) {
        uint8_t *byte = i < 3 ? &parts[i]->images[77] : (uint8_t *)&parts[i % 3]->labels[3];
        const float scale = now.data.train.scale;
        if (i == 6)
            now.data.train.scale = 0.5f;
        else
            *byte ^= 1;
        snprintf(text, sizeof text, "--data (data_crc32 \"%08x\", now \"%08x\")", (unsigned)was,
                 (unsigned)crc32_update(data_crc(&now.data), &now.data.train.scale, 4));
        check_other(&now, text);
        now.data.train.scale = scale;
        if (i != 6)
            *byte ^= 1;
    }
    check_ok(resume(&now, &err), &err);
    data_free(&now.data);
}

/* As of one step in the second epoch. */
static void a_place_behind_the_end_is_refused(void **state)
{
    struct present now = begun();
    uint64_t place[3] = {1, 40, STEPS + 2};
    size_t size;
    char *bytes = scratch_read(PART, &size);
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t *at = memmem(bytes, size, place, sizeof place);
        assert_non_null(at);
        put_u64(at + 8 * i, i ? ITEMS : EPOCHS);
        put_u32((uint8_t *)bytes + size - 4, crc32_update(0, bytes, size - 4));
        scratch_write(PART, bytes, size);
        check_refused(&now, STATUS_INPUT,
                      PART ": stands behind the last epoch; --force starts over");
        memcpy(at, place, sizeof place);
    }
    free(bytes);
    data_free(&now.data);
}

/* ---- Places that cannot be written ---- */

static void training_goes_on_without_a_checkpoint_and_says_so_once(void **state)
{
    const struct train_keeping keeping = {"none/" PART, 0, true, 0, "cpu"};
    struct data_split data = small_split(ITEMS, 2, 4);
    struct outcome want = train_at_once(&RECIPES[ADAM], &data), got = {.epochs = 0};
    struct error err;
    (void)state;
    const int saved = dup(STDERR_FILENO), fd = open("said", O_RDWR | O_CREAT | O_TRUNC, 0666);
    assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    interrupt_never();
    const enum status status = train(&RECIPES[ADAM], &data, 1, &keeping, &got, &err);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
    check_ok(status, &err);
    check_same(&RECIPES[ADAM], -1, &got, &want);
    char *text = scratch_read("said", NULL);
    assert_string_equal(text, "mpq: warning: none/" PART
                              ": cannot be written: No such file or directory; choose another "
                              "place; training goes on, an interruption would lose it\n");
    free(text);
    outcome_free(&got);
    outcome_free(&want);
    data_free(&data);
}

static void an_interruption_tells_that_nothing_could_be_kept(void **state)
{
    const struct train_keeping keeping = {"none/" PART, 1e6, true, 0, "cpu"};
    struct data_split data = small_split(ITEMS, 2, 4);
    struct outcome got = {.epochs = 0};
    struct error err;
    (void)state;
    interrupt_after(STEPS);
    check_failed(train(&RECIPES[ADAM], &data, 1, &keeping, &got, &err), STATUS_CANCELLED, &err,
                 "interrupted in epoch 2: none/" PART
                 ": cannot be written: No such file or directory; choose another place");
    outcome_free(&got);
    data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_training_gives_the_weights_of_an_uninterrupted_one),
        cmocka_unit_test(early_stopping_remembers_across_interruptions),
        cmocka_unit_test(many_interruptions_change_nothing),
        cmocka_unit_test(a_killed_training_goes_on_from_its_last_checkpoint),
        cmocka_unit_test(short_trainings_write_nothing),
        cmocka_unit_test(without_resume_training_begins),
        cmocka_unit_test(another_command_is_refused),
        cmocka_unit_test(another_model_is_refused_with_the_place),
        cmocka_unit_test(other_data_are_refused),
        cmocka_unit_test(a_place_behind_the_end_is_refused),
        cmocka_unit_test(training_goes_on_without_a_checkpoint_and_says_so_once),
        cmocka_unit_test(an_interruption_tells_that_nothing_could_be_kept),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
