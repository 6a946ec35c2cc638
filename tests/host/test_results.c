// SPDX-License-Identifier: Apache-2.0
/* Results: the choice among candidates, results.json there and back, pareto.csv. */
#include "host/made_up_results.h"

#include <cjson/cJSON.h>

#include "base/file.h"

static struct results *random_results(void)
{
    struct results *results = made_up_space(3);
    made_up_fill(results, 11);
    results->candidates[5].mismatches = 2;
    snprintf(results->candidates[5].mismatch, RESULTS_NOTE_BYTES, "image 3, \"conv1\": got 1");
    results->seed = 18446744073709549568u; /* the largest that a double holds exactly */
    results->qat_epochs = 2;
    results->limit = 77;
    results->seconds = 1.5;
    results->resumed = 4;
    results->ram_bytes = 40000;
    results->too_large_count = 2;
    results->too_large = calloc(results->too_large_count, sizeof *results->too_large);
    assert_non_null(results->too_large);
    for (size_t i = 0; i < results->too_large_count; i++)
        results->too_large[i] = (struct candidate){.index = 100 + i,
                                                   .bits = {8, 8, 4 - 2 * (int)i},
                                                   .size_bytes = 41000 + i,
                                                   .ram_bytes = 50000 + i,
                                                   .too_large = true};
    return results;
}

static char *to_text(const struct results *results)
{
    char *text = NULL;
    struct error err;
    check_ok(results_to_text(results, &text, &err), &err);
    return text;
}

static void results_come_back_equal(void **state)
{
    struct results *results = random_results(), *back = NULL;
    struct error err;
    (void)state;
    check_ok(results_save(results, "r.json", &err), &err);
    check_ok(results_load("r.json", &back, &err), &err);
    assert_int_equal(back->count, results->count);
    assert_memory_equal(back->candidates, results->candidates,
                        back->count * sizeof *back->candidates);
    assert_int_equal(back->selected, results->selected);
    assert_int_equal(back->too_large_count, results->too_large_count);
    assert_memory_equal(back->too_large, results->too_large,
                        back->too_large_count * sizeof *back->too_large);
    assert_int_equal(back->ram_bytes, results->ram_bytes);
    char *text = to_text(results), *again = to_text(back);
    assert_string_equal(text, again);
    free(text);
    free(again);
    results_free(back);
    results_free(results);
    results_free(NULL);
}

static void json_has_the_documented_fields(void **state)
{
    static const char *const root_fields[] = {"schema",
                                              "model",
                                              "seed",
                                              "versions",
                                              "search",
                                              "float_accuracy",
                                              "float_val_accuracy",
                                              "selected",
                                              "candidates",
                                              "too_large",
                                              "timing"};
    static const char *const fields[] = {
        "index",        "bits",       "val_accuracy", "accuracy", "cycles",
        "instructions", "size_bytes", "verified",     "val_loss", "predicted_cycles",
        "ram_bytes",    "mismatches", "pareto"};
    struct results *results = random_results();
    (void)state;
    char *text = to_text(results);
    cJSON *root = cJSON_Parse(text);
    for (size_t i = 0; i < sizeof root_fields / sizeof *root_fields; i++)
        if (!cJSON_GetObjectItemCaseSensitive(root, root_fields[i]))
            fail_msg("field %s is missing", root_fields[i]);
    const cJSON *first =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "candidates"), 0);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!cJSON_GetObjectItemCaseSensitive(first, fields[i]))
            fail_msg("candidates[0].%s is missing", fields[i]);
    check_contains(text, "\"seed\":\t18446744073709549568");
    cJSON_Delete(root);
    free(text);
    results_free(results);
}

static void bad_files_are_named(void **state)
{
    static const struct {
        const char *from, *to, *text;
    } table[] = {
        {"mpq-results-2", "mpq-results-1",
         "r.json: schema: want \"mpq-results-2\"; make it anew with mpq dse"},
        {"\"model\"", "\"madel\"", "r.json: model: want a short text; make it anew with mpq dse"},
        {"\"isa\":\t1", "\"isa\":\t-1",
         "r.json: isa: want an integer >= 0; make it anew with mpq dse"},
        {"\"float_accuracy\":\t99.02", "\"float_accuracy\":\t101",
         "r.json: float_accuracy: want a percentage, 0 to 100; make it anew with mpq dse"},
        {"\"float_accuracy\":\t99.02", "\"float_accuracy\":\tnull",
         "r.json: float_accuracy: want a number; make it anew with mpq dse"},
        {"\"layers\":", "\"layer\":",
         "r.json: search.layers: want a list of layer names; make it anew with mpq dse"},
        {"[8, 4, 2]", "[8, 4, 3]",
         "r.json: bits: want weight widths 8, 4 or 2; make it anew with mpq dse"},
        {"\"selected\":\t[", "\"selected\":\t[8, ",
         "r.json: selected: want the bits of one of the candidates; make it anew with mpq dse"},
        {"\"cycles\":\t", "\"cycles\":\t0.5, \"c\":\t",
         "r.json: candidates[0]: cycles: want an integer >= 0; make it anew with mpq dse"},
        {"\"verified\":\t", "\"verified\":\t-",
         "r.json: candidates[0]: verified: want an integer >= 0; make it anew with mpq dse"},
        {"\"mismatches\":\t0", "\"mismatches\":\t1000",
         "r.json: candidates[0]: mismatches: want at most as many as verified; make it anew with "
         "mpq dse"},
        {"\"pareto\":\t", "\"pareto\":\t1 ,\"p\":",
         "r.json: candidates[0]: pareto: want true or false; make it anew with mpq dse"},
        {"\"index\":\t1", "\"bits\":\t[], \"index\":\t1",
         "r.json: candidates[1]: bits: want one width for each weighted layer; make it anew with "
         "mpq dse"},
        {"\"timing\":\t",
         "\"timing\":\t1, \"t\":", "r.json: timing: want an object; make it anew with mpq dse"},
        {"\"too_large\":\ttrue", "\"too_large\":\t1",
         "r.json: too_large[0]: too_large: want true or false; make it anew with mpq dse"},
        {"\"too_large\":\t[", "\"too_large\":\t1, \"t\":\t[",
         "r.json: too_large: want a list; make it anew with mpq dse"},
        {"\"candidates\":\t[",
         "\"candidates\":\t[{\"bits\": [8, 8, 8], \"too_large\": true, \"size_bytes\": 1, "
         "\"ram_bytes\": 1},",
         "r.json: candidates[0]: too_large: want a place in the list of that name; make it anew "
         "with mpq dse"},
    };
    struct results *results = random_results(), *back = NULL;
    char *text = to_text(results);
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct error err;
        char *bad = scratch_edit(text, table[i].from, table[i].to);
        check_failed(results_parse(bad, "r.json", &back, &err), STATUS_INPUT, &err, table[i].text);
        assert_null(back);
        free(bad);
    }
    free(text);
    results_free(results);
}

/* Those of version 0.1.0 had neither list nor size of the memory. */
static void files_of_before_memory_was_told_are_read(void **state)
{
    struct results *results = random_results(), *back = NULL;
    struct error err;
    (void)state;
    char *text = to_text(results);
    cJSON *root = cJSON_Parse(text);
    cJSON_DeleteItemFromObjectCaseSensitive(root, "too_large");
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "versions"),
                                            "ram_bytes");
    char *old = cJSON_Print(root);
    check_ok(results_parse(old, "r.json", &back, &err), &err);
    assert_int_equal(back->count, results->count);
    assert_int_equal(back->too_large_count, 0);
    assert_int_equal(back->ram_bytes, 0);
    cJSON_Delete(root);
    free(old);
    free(text);
    results_free(back);
    results_free(results);
}

static void other_texts_are_no_results(void **state)
{
    struct results *back = NULL;
    struct error err;
    (void)state;
    check_failed(results_load("none.json", &back, &err), STATUS_INPUT, &err,
                 "none.json: cannot open: No such file or directory");
    check_failed(results_parse("{\"a\": }", "r.json", &back, &err), STATUS_INPUT, &err,
                 "r.json: not JSON, from byte 6 on; make it anew with mpq dse");
    struct results *results = random_results();
    char *text = to_text(results);
    for (size_t cut = 0; cut < strlen(text); cut += 97) {
        char *part = strndup(text, cut);
        assert_int_equal(results_parse(part, "r.json", &back, &err), STATUS_INPUT);
        assert_null(back);
        free(part);
    }
    free(text);
    results_free(results);
}

static void chosen_is_the_cheapest_within_the_drop(void **state)
{
    struct error err;
    struct rng rng;
    (void)state;
    rng_init(&rng, 3, 0);
    for (int round = 0; round < 200; round++) {
        struct results *results = made_up_space(3);
        results->float_val_accuracy = 50;
        results->limits.max_acc_drop = rng_below(&rng, 60);
        for (size_t i = 0; i < results->count; i++) { /* few values: many ties */
            results->candidates[i].cycles = 1 + rng_below(&rng, 9);
            results->candidates[i].val_accuracy = rng_below(&rng, 40);
        }
        check_ok(results_choose(results, &err), &err);
        long want = -1;
        for (long i = 0; i < (long)results->count; i++) {
            const struct candidate *c = &results->candidates[i];
            const struct candidate *best = want < 0 ? NULL : &results->candidates[want];
            if (c->val_accuracy >= 50 - results->limits.max_acc_drop &&
                (!best || c->cycles < best->cycles ||
                 (c->cycles == best->cycles && c->val_accuracy > best->val_accuracy)))
                want = i;
        }
        assert_int_equal(results->selected, want);
        results_free(results);
    }
}

static void chosen_keeps_to_all_limits(void **state)
{
    struct results *results = random_results();
    struct error err;
    (void)state;
    results->limits = (struct search_limits){.max_acc_drop = 100, .most_accurate = true};
    const struct candidate *all = results->candidates;
    uint64_t *const limits[] = {&results->limits.max_cycles, &results->limits.max_size_bytes,
                                &results->limits.max_ram_bytes};
    for (size_t k = 0; k < 3; k++) {
        long want = -1;
        *limits[k] = k == 0 ? all[13].cycles : k == 1 ? all[13].size_bytes : all[13].ram_bytes;
        check_ok(results_choose(results, &err), &err);
        for (size_t i = 0; i < results->count; i++) {
            const uint64_t cost = k == 0   ? all[i].cycles
                                  : k == 1 ? all[i].size_bytes
                                           : all[i].ram_bytes;
            if (cost <= *limits[k] && (want < 0 || all[i].val_accuracy > all[want].val_accuracy))
                want = (long)i;
        }
        assert_int_equal(results->selected, want);
        *limits[k] = 1;
        check_ok(results_choose(results, &err), &err);
        assert_int_equal(results->selected, -1);
        *limits[k] = 0;
    }
    results_free(results);
}

static void groups_restrictions_and_limits_come_back(void **state)
{
    struct results *results = random_results(), *back = NULL;
    struct error err;
    char text[256];
    (void)state;
    results->group[2] = 0;
    results->allowed[1] = 1u << 8 | 1u << 2;
    results->method = SEARCH_GREEDY;
    results->space_count = 3.282566999e20;
    results->limits = (struct search_limits){0.5, 1000, 2000, 3000, true};
    check_ok(results_save(results, "r.json", &err), &err);
    check_ok(results_load("r.json", &back, &err), &err);
    assert_memory_equal(back->group, results->group, sizeof back->group);
    assert_memory_equal(back->allowed, results->allowed, sizeof back->allowed);
    assert_memory_equal(&back->limits, &results->limits, sizeof back->limits);
    assert_int_equal(back->method, SEARCH_GREEDY);
    assert_true(back->space_count > 3.282e20 && back->space_count < 3.283e20);
    results_limits_text(back, text, sizeof text);
    assert_string_equal(text, "within 0.5 points of the float validation accuracy, at most 1000 "
                              "cycles, at most 2000 bytes of model, at most 3000 bytes of RAM");
    results_free(back);
    results_free(results);
}

/* 30 of 6000 images are 0.5 points, though 98.9333... - 0.5 is not 98.4333... in doubles. */
static void a_drop_of_exactly_the_allowed_points_is_within(void **state)
{
    (void)state;
    for (int correct = 30; correct <= 6000; correct++) {
        const double all = 100.0 * correct / 6000, less = 100.0 * (correct - 30) / 6000,
                     too_little = 100.0 * (correct - 31) / 6000;
        assert_true(results_is_within(less, all, 0.5));
        assert_false(results_is_within(too_little, all, 0.5));
    }
}

static void front_is_by_cycles_upwards_and_by_validation_accuracy(void **state)
{
    struct results *results = random_results();
    size_t front[27], marked = 0;
    (void)state;
    const size_t count = results_front(results, front);
    for (size_t i = 0; i < results->count; i++)
        marked += results->candidates[i].pareto;
    assert_int_equal(count, marked);
    assert_true(count >= 3);
    for (size_t i = 0; i + 1 < count; i++) {
        const struct candidate *a = &results->candidates[front[i]],
                               *b = &results->candidates[front[i + 1]];
        assert_true(a->pareto && b->pareto);
        assert_true(a->cycles < b->cycles);
        assert_true(a->val_accuracy < b->val_accuracy);
    }
    results_free(results);
}

static void widest_has_the_widest_weights_everywhere(void **state)
{
    struct results *results = random_results();
    (void)state;
    assert_ptr_equal(results_widest(results), &results->candidates[0]);
    const struct candidate last = results->candidates[results->count - 1];
    results->candidates[results->count - 1] = results->candidates[0];
    results->candidates[0] = last;
    assert_ptr_equal(results_widest(results), &results->candidates[results->count - 1]);
    results->count--; /* as after a search that did not get there */
    assert_null(results_widest(results));
    results->count++;
    results->widths[0] = 4;
    results->widths[1] = 2;
    results->width_count = 2;
    assert_string_equal(results_widest(results) ? "found" : "none", "found");
    assert_int_equal(results_widest(results)->bits[0], 4);
    results_free(results);
}

static void bits_text_fits_its_room(void **state)
{
    static const int bits[] = {8, 4, 2, 16};
    char text[16];
    (void)state;
    results_bits_text(bits, 4, text, sizeof text);
    assert_string_equal(text, "8-4-2-16");
    results_bits_text(bits, 1, text, sizeof text);
    assert_string_equal(text, "8");
    results_bits_text(bits, 4, text, 6);
    assert_string_equal(text, "8-4-2");
    results_bits_text(bits, 0, text, 6);
    assert_string_equal(text, "");
}

static void csv_holds_the_front(void **state)
{
    static const char want[] =
        "bits,cycles,predicted_cycles,instructions,val_accuracy,accuracy,size_bytes,ram_bytes,"
        "verified,mismatches\n"
        "2-2,100,99,75,90.2500,89.5000,1000,1500,100,0\n"
        "8-8,400,401,300,98.0000,97.1250,4000,4500,100,1\n";
    struct results *results = made_up_space(2);
    struct error err;
    (void)state;
    results->candidates[8] = (struct candidate){.bits = {2, 2},
                                                .val_accuracy = 90.25,
                                                .accuracy = 89.5,
                                                .cycles = 100,
                                                .instructions = 75,
                                                .predicted_cycles = 99,
                                                .size_bytes = 1000,
                                                .ram_bytes = 1500,
                                                .verified = 100,
                                                .pareto = true};
    results->candidates[0] = (struct candidate){.bits = {8, 8},
                                                .val_accuracy = 98,
                                                .accuracy = 97.125,
                                                .cycles = 400,
                                                .instructions = 300,
                                                .predicted_cycles = 401,
                                                .size_bytes = 4000,
                                                .ram_bytes = 4500,
                                                .verified = 100,
                                                .mismatches = 1,
                                                .mismatch = "x",
                                                .pareto = true};
    check_ok(results_save_csv(results, "p.csv", &err), &err);
    char *text = scratch_read("p.csv", NULL);
    assert_string_equal(text, want);
    free(text);
    results_free(results);
}

static void written_files_replace_old_ones_or_leave_them(void **state)
{
    struct error err;
    size_t size;
    (void)state;
    scratch_write("f", "old", 3);
    check_ok(file_replace("f", "new\0text", 8, &err), &err);
    char *text = NULL;
    check_ok(results_read_file("f", &text, &size, &err), &err);
    assert_int_equal(size, 8);
    assert_memory_equal(text, "new\0text", 9);
    free(text);
    assert_int_equal(file_replace("none/f", "x", 1, &err), STATUS_IO);
    check_contains(err.text, "none/f");
    check_contains(err.text, "cannot be written: No such file or directory");
    assert_int_equal(file_replace(".", "x", 1, &err), STATUS_IO);
    check_contains(err.text, ".: cannot be written: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_back_equal),
        cmocka_unit_test(json_has_the_documented_fields),
        cmocka_unit_test(bad_files_are_named),
        cmocka_unit_test(files_of_before_memory_was_told_are_read),
        cmocka_unit_test(other_texts_are_no_results),
        cmocka_unit_test(chosen_is_the_cheapest_within_the_drop),
        cmocka_unit_test(chosen_keeps_to_all_limits),
        cmocka_unit_test(groups_restrictions_and_limits_come_back),
        cmocka_unit_test(a_drop_of_exactly_the_allowed_points_is_within),
        cmocka_unit_test(front_is_by_cycles_upwards_and_by_validation_accuracy),
        cmocka_unit_test(widest_has_the_widest_weights_everywhere),
        cmocka_unit_test(bits_text_fits_its_room),
        cmocka_unit_test(csv_holds_the_front),
        cmocka_unit_test(written_files_replace_old_ones_or_leave_them),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
