// SPDX-License-Identifier: Apache-2.0
/* Command lines from tables. Prints nothing but the help that was asked for. */
#include "cmd/args.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

/* Long name of an option, without the short form. */
static const char *long_name(const struct arg_option *option)
{
    const char *comma = strchr(option->name, ',');
    return comma ? comma + 1 : option->name;
}

static char short_letter(const struct arg_option *option)
{
    return strchr(option->name, ',') ? option->name[1] : '\0';
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance (Wagner and Fischer, 1974); words longer than NAME_MAX_BYTES are far from
 * everything. */
static size_t edit_distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    size_t row[NAME_MAX_BYTES + 1];
    if (n > NAME_MAX_BYTES || m > NAME_MAX_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = min_size(replace, min_size(row[j], row[j - 1]) + 1);
        }
    }
    return row[m];
}

const char *args_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* must be below this */
    for (size_t i = 0; i < count; i++) {
        const bool starts = strlen(word) > 1 && !strncmp(candidates[i], word, strlen(word));
        const size_t distance = starts ? 0 : edit_distance(word, candidates[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

static enum status unknown_option(const char *argument, const struct arg_option *options,
                                  size_t count, struct error *err)
{
    const char *names[64];
    char word[NAME_MAX_BYTES + 1];
    size_t used = 0;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(argument, "="), argument);
    for (; used < count && used < 63; used++)
        names[used] = long_name(&options[used]);
    names[used++] = "--help";
    const char *nearest = word[1] == '-' ? args_nearest(word, names, used) : NULL;
    if (nearest)
        return error_set(err, STATUS_USAGE, "%s: no such option; did you mean %s?", word, nearest);
    return error_set(err, STATUS_USAGE, "%s: no such option", word);
}

static enum status store_size(const struct arg_option *option, const char *text, struct error *err)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > SIZE_MAX)
        return error_set(err, STATUS_USAGE, "%s: want a whole number of 0 or more, got '%s'",
                         long_name(option), text);
    *(size_t *)option->out = (size_t)value;
    return STATUS_OK;
}

static enum status store_item(const struct arg_option *option, const char *text, struct error *err)
{
    struct arg_list *list = option->out;
    const size_t room = sizeof list->items / sizeof *list->items;
    if (!*text)
        return error_set(err, STATUS_USAGE, "%s: want %s, got an empty text", long_name(option),
                         option->value);
    if (list->count == room)
        return error_set(err, STATUS_USAGE, "%s: may be given %zu times at most", long_name(option),
                         room);
    list->items[list->count++] = text;
    return STATUS_OK;
}

static enum status store_double(const struct arg_option *option, const char *text,
                                struct error *err)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return error_set(err, STATUS_USAGE, "%s: want a number, got '%s'", long_name(option), text);
    *(double *)option->out = value;
    return STATUS_OK;
}

static enum status store(const struct arg_option *option, const char *text, struct error *err)
{
    switch (option->kind) {
    case ARG_FLAG:
        *(bool *)option->out = true;
        return STATUS_OK;
    case ARG_STRING:
        if (!*text)
            return error_set(err, STATUS_USAGE, "%s: want %s, got an empty text", long_name(option),
                             option->value);
        *(const char **)option->out = text;
        return STATUS_OK;
    case ARG_LIST:
        return store_item(option, text, err);
    case ARG_SIZE:
        return store_size(option, text, err);
    case ARG_DOUBLE:
        return store_double(option, text, err);
    }
    return error_set(err, STATUS_USAGE, "%s: option table is wrong", option->name);
}

/* Finds the option that argument names; *value: the text attached to it (=VALUE, -oVALUE), NULL if
 * none. */
static const struct arg_option *find_option(const char *argument, const struct arg_option *options,
                                            size_t count, const char **value)
{
    const bool is_long = argument[1] == '-';
    const size_t length = strcspn(argument, "=");
    for (size_t i = 0; i < count; i++) {
        const char *name = long_name(&options[i]);
        if (is_long && strlen(name) == length && !strncmp(name, argument, length)) {
            *value = argument[length] ? argument + length + 1 : NULL;
            return &options[i];
        }
        if (!is_long && argument[1] == short_letter(&options[i])) {
            *value = argument[2] ? argument + 2 + (argument[2] == '=') : NULL;
            return &options[i];
        }
    }
    return NULL;
}

/* Takes argv[*at], and the one behind it if that is its value; leaves *at on the last one taken. */
static enum status take_option(int argc, char **argv, int *at, const struct arg_option *options,
                               size_t count, struct error *err)
{
    const char *value = NULL;
    const struct arg_option *option = find_option(argv[*at], options, count, &value);
    if (!option)
        return unknown_option(argv[*at], options, count, err);
    if (option->kind == ARG_FLAG && value)
        return error_set(err, STATUS_USAGE, "%s: takes no value, got '%s'", long_name(option),
                         value);
    if (option->kind != ARG_FLAG && !value) {
        if (*at + 1 >= argc || !strncmp(argv[*at + 1], "--", 2))
            return error_set(err, STATUS_USAGE, "%s: wants a value: %s %s", long_name(option),
                             long_name(option), option->value);
        value = argv[++*at];
    }
    return store(option, value, err);
}

static void print_option(const char *name, const char *value, const char *help)
{
    char left[2 * NAME_MAX_BYTES];
    const char *comma = strchr(name, ',');
    if (comma)
        snprintf(left, sizeof left, "%.*s, %s", (int)(comma - name), name, comma + 1);
    else
        snprintf(left, sizeof left, "    %s", name);
    const size_t used = strlen(left);
    if (value)
        snprintf(left + used, sizeof left - used, " %s", value);
    if (strlen(left) > 24)
        printf("  %s\n  %-24s  %s\n", left, "", help);
    else
        printf("  %-24s  %s\n", left, help);
}

static void print_lines(const char *text, const char *indent)
{
    while (*text) {
        const size_t length = strcspn(text, "\n");
        printf("%s%.*s\n", length ? indent : "", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_help(const struct arg_command *command, const struct arg_option *options,
                       size_t count)
{
    const char *positional = command->positional ? command->positional : "";
    printf("usage: mpq %s%s%s [options]\n\n", command->name, *positional ? " " : "", positional);
    print_lines(command->summary, "");
    if (command->details) {
        puts("");
        print_lines(command->details, "");
    }
    puts("\noptions:");
    for (size_t i = 0; i < count; i++)
        print_option(options[i].name, options[i].value, options[i].help);
    print_option("-h,--help", NULL, "show this help");
    if (command->examples) {
        puts("\nexamples:");
        print_lines(command->examples, "  ");
    }
}

/* Word number index of the usage line's positionals. */
static void positional_name(const struct arg_command *command, size_t index, char *out, size_t size)
{
    const char *p = command->positional ? command->positional : "";
    for (; index > 0 && *p; index--) {
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    snprintf(out, size, "%.*s", (int)strcspn(p, " "), *p ? p : "argument");
}

static enum status check_count(const struct arg_command *command, size_t got, size_t want,
                               struct error *err)
{
    char name[NAME_MAX_BYTES];
    positional_name(command, got, name, sizeof name);
    if (got >= want || name[0] == '[')
        return STATUS_OK;
    return error_set(err, STATUS_USAGE, "%s is missing; usage: mpq %s %s [options]", name,
                     command->name, command->positional);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

enum status args_parse(int argc, char **argv, const struct arg_command *command,
                       const struct arg_option *options, size_t option_count,
                       const char **positionals, size_t positional_count, bool *help,
                       struct error *err)
{
    size_t found = 0;
    bool only_positionals = false;
    *help = wants_help(argc, argv);
    if (*help) {
        print_help(command, options, option_count);
        return STATUS_OK;
    }
    for (int i = 1; i < argc; i++) {
        if (!only_positionals && !strcmp(argv[i], "--")) {
            only_positionals = true;
        } else if (!only_positionals && argv[i][0] == '-' && argv[i][1]) {
            const enum status status = take_option(argc, argv, &i, options, option_count, err);
            if (status)
                return status;
        } else if (found == positional_count) {
            return error_set(err, STATUS_USAGE,
                             "'%s': one argument too many; usage: mpq %s %s [options]", argv[i],
                             command->name, command->positional ? command->positional : "");
        } else {
            positionals[found++] = argv[i];
        }
    }
    return check_count(command, found, positional_count, err);
}
