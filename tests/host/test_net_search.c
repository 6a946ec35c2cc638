// SPDX-License-Identifier: Apache-2.0
/* The "search" section of MODEL.json. */
#include "host/scratch.h"

#include "net/net.h"

static const char HEAD[] =
    "{\"name\":\"n\",\"input\":[8,8,1],\"classes\":4,"
    "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
    "\"test_images\":\"c\",\"test_labels\":\"d\"},"
    "\"layers\":[{\"op\":\"conv\",\"channels\":4,\"kernel\":3},{\"op\":\"relu\"},"
    "{\"op\":\"conv\",\"channels\":4,\"kernel\":3},{\"op\":\"fc\",\"outputs\":4,"
    "\"name\":\"last\"}],\"search\":";

static enum status parse(const char *search, struct net **net, struct error *err)
{
    char text[2048];
    snprintf(text, sizeof text, "%s%s}", HEAD, search);
    return net_parse(text, "m.json", net, err);
}

static struct net *parsed(const char *search)
{
    struct net *net = NULL;
    struct error err;
    check_ok(parse(search, &net, &err), &err);
    return net;
}

static void all_widths_and_no_method_are_the_default(void **state)
{
    struct net *net = parsed("{}");
    (void)state;
    assert_int_equal(net->search_bits_count, 3);
    assert_int_equal(net->search_bits[0], 8);
    assert_int_equal(net->search_bits[2], 2);
    assert_string_equal(net->search_method, "");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(net->search_group[i], 0);
        assert_int_equal(net->search_allowed[i], 0);
    }
    net_free(net);
}

static void groups_layers_and_method_are_read(void **state)
{
    struct net *net = parsed("{\"bits\":[2,8],\"method\":\"greedy\",\"groups\":[[\"last\"],"
                             "[\"conv2\",\"conv1\"]],\"layers\":{\"last\":[8,4]}}");
    (void)state;
    assert_int_equal(net->search_bits_count, 2);
    assert_int_equal(net->search_bits[0], 2);
    assert_string_equal(net->search_method, "greedy");
    assert_int_equal(net->search_group[0], 2);
    assert_int_equal(net->search_group[1], 2);
    assert_int_equal(net->search_group[2], 1);
    assert_int_equal(net->search_allowed[2], 1u << 8 | 1u << 4);
    assert_int_equal(net->search_allowed[0], 0);
    net_free(net);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *search, *text;
    } table[] = {
        {"{\"bits\":[8,3]}", "m.json: search.bits: want 8, 4 and 2, each at most once, got [8,3]"},
        {"{\"bits\":[8,8]}", "m.json: search.bits: want 8, 4 and 2, each at most once, got [8,8]"},
        {"{\"method\":\"gredy\"}", "m.json: search.method: want \"exhaustive\", \"cheapest\", "
                                   "\"binary\", \"greedy\" or \"evolution\", got \"gredy\""},
        {"{\"groups\":[\"conv1\"]}", "m.json: search.groups: want lists of names of layers with "
                                     "weights, each in one list at most, got \"conv1\""},
        {"{\"groups\":[[\"conv1\",\"relu1\"]]}", "m.json: search.groups: want lists of names of "
                                                 "layers with weights, each in one list at most, "
                                                 "got \"relu1\""},
        {"{\"groups\":[[\"conv1\"],[\"conv1\"]]}", "m.json: search.groups: want lists of names of "
                                                   "layers with weights, each in one list at most, "
                                                   "got \"conv1\""},
        {"{\"groups\":7}", "m.json: search.groups: want a list of lists of layer names, got 7"},
        {"{\"layers\":{\"fc9\":8}}",
         "m.json: search.layers.fc9: want the name of a layer with weights, got 8"},
        {"{\"layers\":{\"last\":[8,5]}}",
         "m.json: search.layers.last: want 8, 4 and 2, each at most once, got [8,5]"},
        {"{\"group\":[]}",
         "m.json: search.group: unknown field; known here: bits, method, groups, layers"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct net *net = NULL;
        struct error err;
        check_failed(parse(table[i].search, &net, &err), STATUS_INPUT, &err, table[i].text);
        assert_null(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_widths_and_no_method_are_the_default),
        cmocka_unit_test(groups_layers_and_method_are_read),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
