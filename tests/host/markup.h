// SPDX-License-Identifier: Apache-2.0
/* A strict little reader of markup: elements nest and end, attributes are quoted and come once,
 * ampersands begin an entity. */
#ifndef MPQ_TEST_MARKUP_H
#define MPQ_TEST_MARKUP_H

#include "host/scratch.h"

#include <ctype.h>

enum { MARKUP_DEPTH = 64, MARKUP_NAME = 32 };

struct markup {
    const char *text, *at;
    char open[MARKUP_DEPTH][MARKUP_NAME];
    int depth;
    size_t elements;
};

static inline void markup_fail(const struct markup *m, const char *what)
{
    fail_msg("at byte %zu: %s: %.60s", (size_t)(m->at - m->text), what, m->at);
}

static inline void markup_name(struct markup *m, char *name)
{
    size_t length = 0;
    while (isalnum((unsigned char)*m->at) || (*m->at && strchr(":-_", *m->at))) {
        if (length + 1 == MARKUP_NAME)
            markup_fail(m, "name too long");
        name[length++] = *m->at++;
    }
    name[length] = '\0';
    if (!length)
        markup_fail(m, "want a name");
}

static inline void markup_entity(struct markup *m)
{
    const size_t length = strspn(m->at + 1, "#abcdefghijklmnopqrstuvwxyz0123456789");
    if (!length || m->at[1 + length] != ';')
        markup_fail(m, "an ampersand that begins no entity");
    m->at += length + 2;
}

static inline void markup_skip_space(struct markup *m)
{
    while (isspace((unsigned char)*m->at))
        m->at++;
}

static inline void markup_attribute(struct markup *m)
{
    char name[MARKUP_NAME];
    markup_name(m, name);
    if (m->at[0] != '=' || m->at[1] != '"')
        markup_fail(m, "want =\"");
    m->at += 2;
    while (*m->at != '"') {
        if (!*m->at || *m->at == '<')
            markup_fail(m, "an attribute without end");
        if (*m->at == '&')
            markup_entity(m);
        else
            m->at++;
    }
    m->at++;
}

/* Behind the '<' of an element's beginning. */
static inline void markup_begin(struct markup *m, const char *const *never_closed)
{
    char name[MARKUP_NAME];
    markup_name(m, name);
    m->elements++;
    for (markup_skip_space(m); *m->at != '>' && *m->at != '/'; markup_skip_space(m))
        markup_attribute(m);
    bool closed = *m->at == '/';
    m->at += closed;
    if (*m->at != '>')
        markup_fail(m, "want >");
    m->at++;
    for (size_t i = 0; never_closed[i]; i++)
        closed = closed || !strcmp(name, never_closed[i]);
    if (closed)
        return;
    if (m->depth == MARKUP_DEPTH)
        markup_fail(m, "nested too deep");
    memcpy(m->open[m->depth++], name, sizeof name);
}

/* Behind the "</". */
static inline void markup_end(struct markup *m)
{
    char name[MARKUP_NAME];
    markup_name(m, name);
    if (!m->depth || strcmp(m->open[m->depth - 1], name) != 0)
        markup_fail(m, "ends what is not open");
    m->depth--;
    if (*m->at != '>')
        markup_fail(m, "want >");
    m->at++;
}

/* Reads a whole document; returns its count of elements. never_closed: names of elements without
 * an end, NULL-terminated. */
static inline size_t check_markup(const char *text, const char *const *never_closed)
{
    struct markup m = {.text = text, .at = text};
    while (*m.at) {
        if (*m.at == '&') {
            markup_entity(&m);
        } else if (*m.at != '<') {
            m.at++;
        } else if (m.at[1] == '?' || m.at[1] == '!') {
            if (m.depth || !strchr(m.at, '>'))
                markup_fail(&m, "a declaration in the middle");
            m.at = strchr(m.at, '>') + 1;
        } else if (m.at[1] == '/') {
            m.at += 2;
            markup_end(&m);
        } else {
            m.at++;
            markup_begin(&m, never_closed);
        }
    }
    if (m.depth)
        markup_fail(&m, "ends with open elements");
    return m.elements;
}

#endif
