// SPDX-License-Identifier: Apache-2.0
/* Names of layers and network as C and file systems take them. */
#include "codegen/codegen_parts.h"

#include <ctype.h>
#include <string.h>

#include "base/folder.h"

static bool is_taken(const struct codegen_names *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names->layer[i], name))
            return true;
    return false;
}

static void make_layer_name(const struct container *container, int index,
                            struct codegen_names *names)
{
    char name[NET_NAME_BYTES], safe[NET_NAME_BYTES];
    char *out = names->layer[index];
    container_layer_name(container, (unsigned)index, name, sizeof name);
    folder_safe_name(name, safe, sizeof safe);
    /* a letter in front; two names may have become equal */
    snprintf(out, sizeof names->layer[index], "%s%s", isalpha((unsigned char)*safe) ? "" : "layer_",
             safe);
    for (int number = 2; is_taken(names, index, out); number++)
        snprintf(out, sizeof names->layer[index], "%.31s_%d", safe, number);
}

void codegen_make_names(const struct container *container, const struct net *net,
                        struct codegen_names *out)
{
    for (int i = 0; i < container->model->layer_count; i++)
        make_layer_name(container, i, out);
    folder_safe_name(net->name, out->network, sizeof out->network);
}
