// SPDX-License-Identifier: Apache-2.0
/* The "search" section of MODEL.json. */
#include "net/net_search.h"

#include <stdio.h>
#include <string.h>

/* Number among the weighted layers, or -1. */
static int find_weighted(const struct net *net, const cJSON *name)
{
    for (int i = 0; cJSON_IsString(name) && i < net->weighted_count; i++) {
        if (strcmp(net->layers[net->weighted[i]].name, name->valuestring) == 0) {
            return i;
        }
    }
    return -1;
}

/* Different widths out of 8, 4 and 2. */
static enum status parse_widths(const struct json_scope *scope, const char *key, int *widths,
                                int *count)
{
    double bits[NET_MAX_BITS];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    int found = 0;
    enum status status =
        json_get_doubles(scope, key, (struct json_range){2, 8}, bits, NET_MAX_BITS, &found);
    for (int i = 0; status == STATUS_OK && i < found; i++) {
        widths[i] = (int)bits[i];
        bool good = bits[i] == widths[i] && (widths[i] == 8 || widths[i] == 4 || widths[i] == 2);
        for (int j = 0; j < i; j++) {
            good = good && widths[i] != widths[j];
        }
        if (!good) {
            status = json_complain(scope, key, "8, 4 and 2, each at most once", item);
        }
    }
    *count = found ? found : *count;
    return status;
}

static enum status parse_group(const struct json_scope *scope, struct net *net, const cJSON *group,
                               int number)
{
    static const char WANT[] = "lists of names of layers with weights, each in one list at most";
    const cJSON *name;
    if (!cJSON_IsArray(group)) {
        return json_complain(scope, "groups", WANT, group);
    }
    cJSON_ArrayForEach(name, group)
    {
        const int layer = find_weighted(net, name);
        if (layer < 0 || net->search_group[layer] != 0) {
            return json_complain(scope, "groups", WANT, name);
        }
        net->search_group[layer] = number;
    }
    return STATUS_OK;
}

static enum status parse_groups(const struct json_scope *scope, struct net *net)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(scope->object, "groups"), *group;
    enum status status = STATUS_OK;
    int number = 0;
    if (list && !cJSON_IsArray(list)) {
        return json_complain(scope, "groups", "a list of lists of layer names", list);
    }
    cJSON_ArrayForEach(group, list)
    {
        if (status == STATUS_OK) {
            status = parse_group(scope, net, group, ++number);
        }
    }
    return status;
}

static enum status parse_layers(const struct json_scope *search, struct net *net)
{
    struct json_scope scope;
    const cJSON *item;
    enum status status = json_enter(search, "layers", &scope);
    if (status != STATUS_OK || !scope.object) {
        return status;
    }
    cJSON_ArrayForEach(item, scope.object)
    {
        int widths[NET_MAX_BITS], count = 0;
        const cJSON name = {.type = cJSON_String, .valuestring = item->string};
        const int layer = find_weighted(net, &name);
        if (layer < 0) {
            return json_complain(&scope, item->string, "the name of a layer with weights", item);
        }
        status = parse_widths(&scope, item->string, widths, &count);
        for (int i = 0; status == STATUS_OK && i < count; i++) {
            net->search_allowed[layer] |= 1u << widths[i];
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status parse_method(const struct json_scope *scope, struct net *net)
{
    static const char *const NAMES[] = {"exhaustive", "cheapest",  "binary",
                                        "greedy",     "evolution", NULL};
    int method = -1;
    const enum status status = json_get_choice(scope, "method", NAMES, &method);
    if (method >= 0) {
        snprintf(net->search_method, sizeof net->search_method, "%s", NAMES[method]);
    }
    return status;
}

enum status net_search_parse(const struct json_scope *root, struct net *net)
{
    static const char *const KEYS[] = {"bits", "method", "groups", "layers", NULL};
    static const int ALL[NET_MAX_BITS] = {8, 4, 2};
    struct json_scope scope;
    net->search_bits_count = NET_MAX_BITS;
    memcpy(net->search_bits, ALL, sizeof ALL);
    enum status status = json_enter(root, "search", &scope);
    if (status != STATUS_OK || !scope.object) {
        return status;
    }
    status = json_check_keys(&scope, KEYS);
    if (status == STATUS_OK) {
        status = parse_widths(&scope, "bits", net->search_bits, &net->search_bits_count);
    }
    if (status == STATUS_OK) {
        status = parse_method(&scope, net);
    }
    if (status == STATUS_OK) {
        status = parse_groups(&scope, net);
    }
    return status == STATUS_OK ? parse_layers(&scope, net) : status;
}
