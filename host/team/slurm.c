// SPDX-License-Identifier: Apache-2.0
#include "team/slurm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/paths.h"

static const char HEAD[] = "#!/bin/sh\n"
                           "# Written by mpq dse --slurm. Start it with: sbatch --ntasks=N THIS\n"
                           "# (N processes with a simulator each; --nodes, --partition, --time as "
                           "your machine wants them)\n"
                           "#SBATCH --job-name=mpq\n"
                           "#SBATCH --ntasks=16\n"
                           "#SBATCH --cpus-per-task=1\n"
                           "#SBATCH --requeue\n"
                           "#SBATCH --open-mode=append\n"
                           "#SBATCH --output=%x-%j.log\n";

static const char TAIL[] =
    "code=$?\n"
    "\n"
    "# Done, used wrongly, or core and integer model differ: final.\n"
    "case $code in 0 | 2 | 3) exit $code ;; esac\n"
    "[ ! -e \"$run/results.json\" ] || exit $code\n"
    "\n"
    "# Anything else goes on where it ended, as long as each run gets farther.\n"
    "if [ \"$(size)\" -gt \"$before\" ]; then\n"
    "    echo \"mpq: ended with code $code; queued again\"\n"
    "    scontrol requeue \"$SLURM_JOB_ID\"\n"
    "    exit\n"
    "fi\n"
    "echo \"mpq: ended with code $code and finished nothing new; not queued again\"\n"
    "exit $code\n";

/* A word that the shell takes as it is. */
static void put_word(FILE *file, const char *word)
{
    fputc('\'', file);
    for (const char *c = word; *c; c++) {
        if (*c == '\'') {
            fputs("'\\''", file);
        } else {
            fputc(*c, file);
        }
    }
    fputc('\'', file);
}

/* The words of the search itself. */
static void put_words(FILE *file, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--slurm") == 0) {
            i++;
        } else if (strcmp(argv[i], "--resume") != 0 && strncmp(argv[i], "--slurm=", 8) != 0) {
            fputc(' ', file);
            put_word(file, argv[i]);
        }
    }
}

static void put_script(FILE *file, int argc, char **argv, const char *tool, const char *here,
                       const char *folder)
{
    fputs(HEAD, file);
    fputs("\ncd ", file);
    put_word(file, here);
    fputs(" || exit 1\nrun=", file);
    put_word(file, folder);
    fputs("\nsize() { { wc -c <\"$run/journal.jsonl\"; } 2>/dev/null || echo 0; }\n"
          "before=$(size)\n\n"
          "# With --resume the first run begins and every other one goes on.\nmpirun ",
          file);
    put_word(file, tool);
    put_words(file, argc, argv);
    fputs(" --resume\n", file);
    fputs(TAIL, file);
}

enum status slurm_write(const char *path, int argc, char **argv, const char *folder,
                        struct error *err)
{
    char tool[PATHS_MAX], here[PATHS_MAX], *text = NULL;
    size_t size = 0;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--force") == 0) {
            return error_set(err, STATUS_USAGE,
                             "--slurm: the script must go on after an interruption; leave --force "
                             "out, or give another folder with -o");
        }
    }
    const ssize_t length = readlink("/proc/self/exe", tool, sizeof tool - 1);
    if (length < 0 || !getcwd(here, sizeof here)) {
        return error_set(err, STATUS_IO, "%s: cannot tell tool and folder: %s", path,
                         strerror(errno));
    }
    tool[length] = '\0';
    FILE *file = open_memstream(&text, &size);
    if (!file) {
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", path);
    }
    put_script(file, argc, argv, tool, here, folder);
    return file_replace_stream(path, file, &text, &size, err);
}
