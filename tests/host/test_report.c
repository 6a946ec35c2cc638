// SPDX-License-Identifier: Apache-2.0
/* The table, the pictures and the page. */
#include "host/made_up_results.h"
#include "host/markup.h"

#include <dirent.h>
#include <math.h>

#include "report/report.h"

static const char *const XML_ALL_CLOSED[] = {NULL};
static const char *const HTML_NEVER_CLOSED[] = {"meta", NULL};

/* Two layers: 2-2 and 4-8 are on the front, 8-8 costs more and is no better. */
static struct results *three_candidates(void)
{
    struct results *results = made_up_space(2);
    struct error err;
    results->float_accuracy = 98.5;
    results->float_val_accuracy = 98;
    results->limits.max_acc_drop = 1;
    results->candidates[0] = (struct candidate){.bits = {8, 8},
                                                .val_accuracy = 97.5,
                                                .accuracy = 98.25,
                                                .cycles = 1234567,
                                                .predicted_cycles = 1230000,
                                                .instructions = 1000000,
                                                .size_bytes = 4096,
                                                .verified = 4};
    results->candidates[1] = (struct candidate){.bits = {4, 8},
                                                .val_accuracy = 97.5,
                                                .accuracy = 98.502,
                                                .cycles = 617284,
                                                .predicted_cycles = 617284,
                                                .size_bytes = 3072,
                                                .verified = 100};
    results->candidates[2] = (struct candidate){.bits = {2, 2},
                                                .val_accuracy = 90,
                                                .accuracy = 91,
                                                .cycles = 999,
                                                .predicted_cycles = 1000,
                                                .size_bytes = 1024,
                                                .verified = 100,
                                                .mismatches = 2,
                                                .mismatch = "image 3, layer fc1: got 1, want 2"};
    results->count = 3;
    check_ok(results_choose(results, &err), &err);
    return results;
}

static char *table_of(const struct results *results)
{
    char *text = NULL;
    struct error err;
    check_ok(report_table(results, &text, &err), &err);
    return text;
}

static void table_of_a_known_result(void **state)
{
    static const char want[] =
        "made_up: 2 of 3 candidates are on the Pareto front\n"
        "exhaustive search: 3 of 9 configurations measured\n"
        "float accuracy: validation 98.00 %, test 98.50 %\n"
        "\n"
        "                    of widest over pre-  accuracy accuracy     drop       size  equal on\n"
        "  bits       cycles    cycles dicted, %    val, %  test, %   points        KiB  the core\n"
        "  2-2           999     0.1 %    -0.100     90.00    91.00     7.50        1.0  98 of 100 "
        " "
        "MISMATCH\n"
        "* 4-8       617,284    50.0 %     0.000     97.50    98.50     0.00        3.0  100 of "
        "100\n"
        "  8-8     1,234,567   100.0 %     0.371     97.50    98.25     0.25        4.0  4 of 4  "
        "(not on the front)\n"
        "\n"
        "* selected: 4-8, the fewest cycles within 1 point of the float validation accuracy\n"
        "measured cycles are -0.100 to +0.371 % off the sum of the layers' cycles\n"
        "mismatch: candidate 2-2: 2 of 100 images; image 3, layer fc1: got 1, want 2\n"
        "204 runs on the core compared bit for bit with the integer model: 1 candidates with "
        "mismatches\n";
    struct results *results = three_candidates();
    (void)state;
    char *text = table_of(results);
    assert_string_equal(text, want);
    free(text);
    results_free(results);
}

static void limits_on_cost_are_told_with_the_most_accurate(void **state)
{
    struct results *results = three_candidates();
    struct error err;
    (void)state;
    results->limits =
        (struct search_limits){.max_acc_drop = 100, .max_cycles = 700000, .most_accurate = true};
    check_ok(results_choose(results, &err), &err);
    char *text = table_of(results);
    check_contains(text, "\n* selected: 4-8, the most accurate with at most 700000 cycles\n");
    free(text);
    results_free(results);
}

static void summary_is_one_row_with_the_selected_candidate(void **state)
{
    struct results *results = three_candidates();
    struct error err;
    char *text = NULL;
    (void)state;
    check_ok(report_summary(results, &text, &err), &err);
    assert_string_equal(text,
                        "| made_up | 98.50 | 4-8 | 98.50 | 617,284 | 50.0 % | 3.0 | 204 | 2 |\n");
    free(text);
    results->limits.max_acc_drop = 0.25;
    check_ok(results_choose(results, &err), &err);
    check_ok(report_summary(results, &text, &err), &err);
    assert_string_equal(
        text, "| made_up | 98.50 | none keeps to the limits | - | - | - | - | 204 | 2 |\n");
    free(text);
    results_free(results);
}

static void without_a_selected_candidate_the_table_says_so_and_shows_the_widest(void **state)
{
    struct results *results = three_candidates();
    struct error err;
    (void)state;
    results->limits.max_acc_drop = 0.25;
    check_ok(results_choose(results, &err), &err);
    char *text = table_of(results);
    check_contains(text, "\nno candidate keeps to the limits: within 0.25 points of the float "
                         "validation accuracy\n");
    check_contains(text, "  8-8     1,234,567   100.0 %");
    assert_null(strstr(text, "*"));
    free(text);
    results_free(results);
}

/* Too many layers for labels: numbers that picture and tables share. */
static void points_of_deep_networks_are_numbered(void **state)
{
    struct results *results = three_candidates();
    char text[64 + 2 * NET_MAX_LAYERS];
    (void)state;
    report_label(results, &results->candidates[1], text, sizeof text);
    assert_string_equal(text, "4-8");
    results->layer_count = 17;
    report_label(results, &results->candidates[1], text, sizeof text);
    assert_string_equal(text, "2");
    report_bits(results, &results->candidates[1], text, sizeof text);
    check_contains(text, "2: 4-8-0-");
    report_bits(results, &results->candidates[0], text, sizeof text);
    check_contains(text, "8-8-0-");
    results->space_count = 3.2825e20;
    results->screened = 430;
    results->screen_images = 500;
    results->method = SEARCH_GREEDY;
    report_search(results, text, sizeof text);
    assert_string_equal(text, "greedy search: 430 of 3.28e+20 configurations screened on 500 "
                              "validation images, 3 measured");
    results_free(results);
}

static void numbers_are_grouped_and_points_agree(void **state)
{
    static const struct {
        unsigned long long value;
        const char *text;
    } table[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {123456, "123,456"},
                 {18446744073709551615u, "18,446,744,073,709,551,615"}};
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        report_number(table[i].value, text, sizeof text);
        assert_string_equal(text, table[i].text);
    }
    report_number(123456789, text, 6);
    assert_true(strlen(text) < 6);
    assert_string_equal(report_points(1), "point");
    assert_string_equal(report_points(0.5), "points");
    assert_string_equal(report_points(2), "points");
}

static void a_drop_is_never_minus_zero(void **state)
{
    struct results *results = three_candidates();
    char text[16];
    (void)state;
    snprintf(text, sizeof text, "%.2f", report_drop(results, &results->candidates[1]));
    assert_string_equal(text, "0.00");
    results->candidates[1].accuracy = 98.6;
    snprintf(text, sizeof text, "%.2f", report_drop(results, &results->candidates[1]));
    assert_string_equal(text, "-0.10");
    results_free(results);
}

static unsigned big_endian(const uint8_t *p)
{
    return (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
}

static void check_png(const char *path)
{
    static const uint8_t magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_true(size > 1000);
    assert_memory_equal(bytes, magic, sizeof magic);
    assert_memory_equal(bytes + 12, "IHDR", 4);
    assert_int_equal(big_endian((const uint8_t *)bytes + 16), 1920);
    assert_int_equal(big_endian((const uint8_t *)bytes + 20), 1240);
    assert_memory_equal(bytes + size - 8, "IEND", 4);
    free(bytes);
}

static void check_svg(const char *path)
{
    char *text = scratch_read(path, NULL);
    check_contains(text, "<svg ");
    assert_true(check_markup(text, XML_ALL_CLOSED) > 20);
    free(text);
}

/* Nothing is fetched, nothing runs. */
static void check_self_contained(const char *html)
{
    static const char *const outside[] = {
        "<script", "<link",    "<img",        "<iframe", "@import",
        "src=",    "url(http", "href=\"http", "onload"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strstr(html, outside[i]))
            fail_msg("the page has %s", outside[i]);
    check_contains(html, "<!DOCTYPE html>");
    check_contains(html, "<svg ");
    assert_true(check_markup(html, HTML_NEVER_CLOSED) > 50);
}

static size_t files_here(void)
{
    size_t count = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void a_report_is_four_files_that_are_well_formed(void **state)
{
    struct error err;
    (void)state;
    for (int layers = 1; layers <= 5; layers += 2) {
        struct results *results = made_up_space(layers);
        made_up_fill(results, (uint64_t)layers);
        check_ok(report_write(results, ".", &err), &err);
        assert_int_equal(files_here(), 4);
        check_png("pareto.png");
        check_svg("pareto.svg");
        char *html = scratch_read("report.html", NULL);
        check_self_contained(html);
        free(html);
        char *csv = scratch_read("pareto.csv", NULL);
        size_t lines = 0;
        for (const char *c = csv; *c; c++)
            lines += *c == '\n';
        size_t front[243];
        assert_int_equal(lines, 1 + results_front(results, front));
        free(csv);
        results_free(results);
    }
}

static void the_page_holds_the_facts_and_every_candidate(void **state)
{
    struct results *results = three_candidates();
    struct error err;
    (void)state;
    results->qat_epochs = 2;
    check_ok(report_write(results, ".", &err), &err);
    char *html = scratch_read("report.html", NULL);
    check_contains(html, "Weight bits by layer: layer1, layer2.");
    check_contains(html, "exhaustive search: 3 of 9 configurations measured");
    check_contains(html, "quantization-aware training, 2 epochs a candidate");
    check_contains(html, "validation 98.00 %, test 98.50 %");
    check_contains(html, "<tr class=\"front selected \"><td>4-8</td><td>617,284</td><td>50.0</td>"
                         "<td>617,284</td><td>+0.000</td>");
    check_contains(html, "<tr class=\"\"><td>8-8</td><td>1,234,567</td>");
    check_contains(html, "<li>2-2: 2 of 100 images; image 3, layer fc1: got 1, want 2</li>");
    free(html);
    results_free(results);
}

static void what_was_too_large_is_listed(void **state)
{
    struct results *results = three_candidates();
    struct error err;
    (void)state;
    results->ram_bytes = 98304;
    results->too_large_count = 2;
    results->too_large = calloc(2, sizeof *results->too_large);
    assert_non_null(results->too_large);
    results->too_large[0] = (struct candidate){
        .bits = {8, 8}, .size_bytes = 61440, .ram_bytes = 100352, .too_large = true};
    results->too_large[1] = (struct candidate){
        .bits = {8, 4}, .size_bytes = 60416, .ram_bytes = 99328, .too_large = true};
    char *text = table_of(results);
    check_contains(text, "exhaustive search: 3 of 9 configurations measured, 2 too large for the "
                         "core\ntoo large for the core's 98,304 bytes of RAM, left out: 2 "
                         "configurations that need 99,328 to 100,352 bytes\n");
    free(text);
    results->too_large_count = 1;
    text = table_of(results);
    check_contains(text, "1 configuration that needs 100,352 bytes\n");
    free(text);
    results->too_large_count = 2;
    check_ok(report_write(results, ".", &err), &err);
    char *html = scratch_read("report.html", NULL);
    check_self_contained(html);
    check_contains(html, "<tr><td>8-8</td><td>60.0</td><td>98.0</td><td>2.0</td></tr>");
    free(html);
    results_free(results);
}

static void texts_cannot_break_the_page(void **state)
{
    struct results *results = three_candidates();
    struct error err;
    (void)state;
    strcpy(results->model, "<b>&\"x");
    strcpy(results->layers[0], "</p><script>");
    strcpy(results->candidates[2].mismatch, "<script>");
    strcpy(results->core, "\"&");
    check_ok(report_write(results, ".", &err), &err);
    char *html = scratch_read("report.html", NULL);
    check_self_contained(html);
    check_contains(html, "&lt;b&gt;&amp;&quot;x");
    check_contains(html, "&lt;/p&gt;&lt;script&gt;");
    free(html);
    check_svg("pareto.svg");
    results_free(results);
}

static void poor_results_make_pictures_too(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 2; count++) {
        struct results *results = three_candidates();
        struct error err;
        results->count = count;
        results->limits.max_acc_drop = count == 2 ? 0 : 1; /* none selected */
        check_ok(results_choose(results, &err), &err);
        check_ok(report_write(results, ".", &err), &err);
        check_png("pareto.png");
        check_svg("pareto.svg");
        free(table_of(results));
        results_free(results);
    }
}

/* But for the numbers in cairo's names of things in an SVG, which count on in a process. */
static void the_same_results_make_the_same_files(void **state)
{
    static const char *const files[] = {"pareto.png", "pareto.csv"};
    struct results *results = three_candidates();
    char *first[2];
    size_t size[2], size_again;
    struct error err;
    (void)state;
    check_ok(report_write(results, ".", &err), &err);
    for (int i = 0; i < 2; i++)
        first[i] = scratch_read(files[i], &size[i]);
    check_ok(report_write(results, ".", &err), &err);
    for (int i = 0; i < 2; i++) {
        char *again = scratch_read(files[i], &size_again);
        assert_int_equal(size[i], size_again);
        assert_memory_equal(first[i], again, size_again);
        free(first[i]);
        free(again);
    }
    results_free(results);
}

static void folders_that_are_not_there_are_named(void **state)
{
    struct results *results = three_candidates();
    struct error err;
    (void)state;
    assert_int_equal(report_write(results, "none", &err), STATUS_IO);
    check_contains(err.text, "none/pareto.csv");
    assert_int_equal(report_png(results, "none/x.png", &err), STATUS_IO);
    check_contains(err.text, "none/x.png");
    assert_int_equal(report_svg(results, "none/x.svg", &err), STATUS_IO);
    check_contains(err.text, "none/x.svg");
    assert_int_equal(report_html(results, "none/x.svg", "x.html", &err), STATUS_INPUT);
    check_contains(err.text, "none/x.svg: cannot open: No such file or directory");
    results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_four_files_that_are_well_formed),
        cmocka_unit_test(table_of_a_known_result),
        cmocka_unit_test(limits_on_cost_are_told_with_the_most_accurate),
        cmocka_unit_test(summary_is_one_row_with_the_selected_candidate),
        cmocka_unit_test(without_a_selected_candidate_the_table_says_so_and_shows_the_widest),
        cmocka_unit_test(points_of_deep_networks_are_numbered),
        cmocka_unit_test(numbers_are_grouped_and_points_agree),
        cmocka_unit_test(a_drop_is_never_minus_zero),
        cmocka_unit_test(the_page_holds_the_facts_and_every_candidate),
        cmocka_unit_test(what_was_too_large_is_listed),
        cmocka_unit_test(texts_cannot_break_the_page),
        cmocka_unit_test(poor_results_make_pictures_too),
        cmocka_unit_test(the_same_results_make_the_same_files),
        cmocka_unit_test(folders_that_are_not_there_are_named),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
