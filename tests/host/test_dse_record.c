// SPDX-License-Identifier: Apache-2.0
/* The journal's header, which binds it to model and options, and its records. */
#include "host/made_up_results.h"

#include "search/dse_record.h"

/* A journal begun with this binding, opened again. */
static struct journal *begin(const struct dse_binding *binding)
{
    struct journal *journal = NULL;
    struct error err;
    char *header = NULL;
    check_ok(dse_record_header(binding, &header, &err), &err);
    assert_null(strchr(header, '\n'));
    check_ok(journal_create("j", header, &journal, &err), &err);
    free(header);
    journal_close(journal);
    check_ok(journal_open("j", &journal, &err), &err);
    return journal;
}

static void the_same_search_may_go_on(void **state)
{
    struct results *results = made_up_space(3);
    const struct dse_binding binding = {results, 0x01234567, 0x89abcdef, 0xfedcba98};
    struct error err;
    (void)state;
    results->seed = UINT64_MAX;
    results->limits.max_acc_drop = 0.1;
    struct journal *journal = begin(&binding);
    results->jobs = 17; /* and what is no part of the outcome may change */
    results->seconds = 3;
    check_ok(dse_record_check_header(journal, "j", &binding, &err), &err);
    journal_close(journal);
    results_free(results);
}

static void change_target_crc(struct dse_binding *binding, struct results *results)
{
    (void)results;
    binding->target_crc = 0xabc;
}
static void change_groups(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->group[2] = 1;
}
static void change_layer_bits(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->allowed[1] = 1u << 8;
}
static void change_ram(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->limits.max_ram_bytes = 4096;
}
static void change_nothing(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    (void)results;
}
static void change_model_crc(struct dse_binding *binding, struct results *results)
{
    (void)results;
    binding->model_crc++;
}
static void change_data_crc(struct dse_binding *binding, struct results *results)
{
    (void)results;
    binding->data_crc++;
}
static void change_model(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    strcpy(results->model, "other");
}
static void change_seed(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->seed++;
}
static void change_widths(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->width_count = 2;
}
static void change_qat(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->qat_epochs = 3;
}
static void change_mode(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->method = SEARCH_GREEDY;
}
static void change_drop(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->limits.max_acc_drop = 0.5;
}
static void change_samples(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->samples = 8;
}
static void change_limit(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    results->limit = 500;
}
static void change_core(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    strcpy(results->core, "small");
}
static void change_firmware(struct dse_binding *binding, struct results *results)
{
    (void)binding;
    strcpy(results->firmware, "0.0.9");
}

static void another_search_may_not_and_is_told_what_differs(void **state)
{
    static const struct {
        void (*change)(struct dse_binding *, struct results *);
        const char *differs;
    } table[] = {
        {change_nothing, NULL},
        {change_model_crc, "FLOAT (model_crc32 \"00000001\", now \"00000002\")"},
        {change_data_crc, "--data (data_crc32 \"00000002\", now \"00000003\")"},
        {change_model, "FLOAT (model \"made_up\", now \"other\")"},
        {change_seed, "FLOAT (seed \"1\", now \"2\")"},
        {change_widths, "--bits (bits [8,4,2], now [8,4])"},
        {change_qat, "--qat (qat_epochs 0, now 3)"},
        {change_mode, "--search (search \"exhaustive\", now \"greedy\")"},
        {change_drop, "--max-acc-drop (max_acc_drop 0, now 0.5)"},
        {change_samples, "--samples (samples 4, now 8)"},
        {change_limit, "--limit (limit 0, now 500)"},
        {change_core, "--target (core \"default\", now \"small\")"},
        {change_target_crc, "simulator or firmware (target_crc32 \"00000003\", now \"00000abc\")"},
        {change_groups, "grouping of layers (groups [0,1,2], now [0,1,1])"},
        {change_layer_bits, "choice of widths by layer (layer_bits [0,0,0], now [0,256,0])"},
        {change_ram, "--max-ram (max_ram 0, now 4096)"},
        {change_firmware, "--target (firmware \"0.1.0\", now \"0.0.9\")"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct results *results = made_up_space(3);
        struct dse_binding binding = {results, 1, 2, 3};
        struct error err;
        char want[512];
        struct journal *journal = begin(&binding);
        table[i].change(&binding, results);
        const enum status status = dse_record_check_header(journal, "j", &binding, &err);
        snprintf(want, sizeof want,
                 "j: cannot resume: it was begun with another %s; give the same again, another "
                 "folder (-o), or --force to start over",
                 table[i].differs ? table[i].differs : "");
        if (table[i].differs)
            check_failed(status, STATUS_USAGE, &err, want);
        else
            check_ok(status, &err);
        journal_close(journal);
        results_free(results);
    }
}

static void another_programs_header_is_refused(void **state)
{
    struct results *results = made_up_space(3);
    const struct dse_binding binding = {results, 1, 2, 3};
    struct journal *journal = NULL;
    struct error err;
    (void)state;
    check_ok(journal_create("j", "[1]", &journal, &err), &err);
    assert_int_equal(dse_record_check_header(journal, "j", &binding, &err), STATUS_USAGE);
    check_contains(err.text, "(schema missing, now \"mpq-journal-2\")");
    journal_close(journal);
    results_free(results);
}

static void records_come_back_equal(void **state)
{
    struct results *results = made_up_space(3);
    const struct dse_binding binding = {results, 1, 2, 3};
    struct candidate back;
    struct error err;
    bool screened = true;
    (void)state;
    made_up_fill(results, 4);
    results->candidates[3].mismatches = 1;
    strcpy(results->candidates[3].mismatch, "image 0: \"x\"\n\t\\");
    struct journal *journal = begin(&binding);
    for (size_t i = 0; i < results->count; i++)
        check_ok(dse_record_append(journal, &results->candidates[i], 3, &err), &err);
    journal_close(journal);
    check_ok(journal_open("j", &journal, &err), &err);
    assert_int_equal(journal_count(journal), results->count);
    for (size_t i = 0; i < results->count; i++) {
        check_ok(dse_record_read(journal, i, 3, &back, &screened, &err), &err);
        assert_memory_equal(&back, &results->candidates[i], sizeof back);
        assert_false(screened);
    }
    check_failed(dse_record_read(journal, 4, 2, &back, &screened, &err), STATUS_INPUT, &err,
                 "journal.jsonl: record 5: bits: want one width for each weighted layer; make it "
                 "anew with mpq dse");
    journal_close(journal);
    results_free(results);
}

static void screened_candidates_come_back_as_such(void **state)
{
    struct results *results = made_up_space(3);
    const struct dse_binding binding = {results, 1, 2, 3};
    struct candidate back;
    struct error err;
    bool screened = false;
    (void)state;
    made_up_fill(results, 4);
    struct journal *journal = begin(&binding);
    check_ok(dse_record_append_screened(journal, &results->candidates[5], 3, &err), &err);
    journal_close(journal);
    check_ok(journal_open("j", &journal, &err), &err);
    check_ok(dse_record_read(journal, 0, 3, &back, &screened, &err), &err);
    assert_true(screened);
    const struct candidate want = {.index = SEARCH_NO_INDEX,
                                   .bits = {8, 4, 2},
                                   .val_accuracy = results->candidates[5].val_accuracy,
                                   .val_loss = results->candidates[5].val_loss};
    assert_memory_equal(&back, &want, sizeof back);
    check_failed(dse_record_read(journal, 0, 4, &back, &screened, &err), STATUS_INPUT, &err,
                 "journal.jsonl: record 1: screened: want one width for each weighted layer; make "
                 "it anew with mpq dse");
    journal_close(journal);
    results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_search_may_go_on),
        cmocka_unit_test(another_search_may_not_and_is_told_what_differs),
        cmocka_unit_test(another_programs_header_is_refused),
        cmocka_unit_test(records_come_back_equal),
        cmocka_unit_test(screened_candidates_come_back_as_such),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
