// SPDX-License-Identifier: Apache-2.0
/* mpq init: a starting folder for a network of the user's own. */
#include "cmd/cmd.h"

#include <stdio.h>

#include "base/folder.h"
#include "init/init.h"

enum { COMMANDS_BYTES = 1 << 16 };

int cmd_init(int argc, char **argv)
{
    static const struct arg_command about = {
        .name = "init",
        .positional = "NAME",
        .summary = "Write a starting folder for a network of your own.",
        .details = "NAME becomes a folder with model.json (network, data, training, search, with "
                   "comments), made-up\n"
                   "pictures so that it trains at once, and README.md: what to run and what to "
                   "change. It says\n"
                   "the commands to run next.",
        .examples = "mpq init gestures\n"
                    "mpq train gestures/model.json --data gestures/data -o gestures/gestures.float",
    };
    static char commands[COMMANDS_BYTES];
    const char *folder = NULL;
    struct error err = {""};
    bool help = false, quiet = false;
    const struct arg_option options[] = {
        {"-q,--quiet", NULL, ARG_FLAG, &quiet, "print nothing"},
    };
    enum status status = args_parse(argc, argv, &about, options, sizeof options / sizeof *options,
                                    &folder, 1, &help, &err);
    if (status == STATUS_OK && !help) {
        status = folder_begin(folder, false, &err);
        if (status == STATUS_OK)
            status = init_write(folder, commands, sizeof commands, &err);
        if (status == STATUS_OK && !quiet)
            printf("wrote %s: read %s/README.md, or run\n%s\n", folder, folder, commands);
    }
    return cmd_finish("init", status, &err);
}
