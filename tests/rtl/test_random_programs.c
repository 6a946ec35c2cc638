// SPDX-License-Identifier: Apache-2.0
/* Random programs on the simulated core against the interpreter: everything that a program computes
 * must be equal. usage: test_random_programs [SEED]: without a seed a fixed series, with one this
 * program alone. MPQ_SIM names another simulator than $BUILD/mpq-sim; MPQ_ISA=1 says that it has
 * the instructions of version 1 only. A failing program's ELF file stays in $BUILD/tests/rtl. */
#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "address_map.h"
#include "random_program.h"
#include "rv_interpreter.h"

enum { SERIES = 24, FIRST_SEED = 1, OUTPUT_MAX = 0x60000, MAX_INSTRUCTIONS = 4000000 };

struct totals {
    int tests, failed;
    uint64_t instructions, nn_instructions, interrupts, traps;
};

struct run {
    struct random_program_options options;
    uint8_t ram[RANDOM_PROGRAM_RAM_BYTES];
    uint8_t want[OUTPUT_MAX], got[OUTPUT_MAX];
    size_t want_size, got_size;
    int sim_status;
    char elf_path[512];
};

__attribute__((format(printf, 3, 4))) static void report(struct totals *totals, bool ok,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    totals->failed += !ok;
    printf("%s %d - ", ok ? "ok" : "not ok", ++totals->tests);
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
}

static const char *build_folder(void)
{
    const char *folder = getenv("BUILD");
    return folder != NULL ? folder : "build";
}

static bool has_stream(void)
{
    const char *version = getenv("MPQ_ISA");
    return version == NULL || strcmp(version, "1") != 0;
}

static bool write_elf(const struct run *run)
{
    Elf32_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = RAM_BASE + RANDOM_PROGRAM_ENTRY,
        .e_phoff = sizeof header,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 1,
    };
    Elf32_Phdr segment = {
        .p_type = PT_LOAD,
        .p_offset = sizeof header + sizeof segment,
        .p_vaddr = RAM_BASE,
        .p_paddr = RAM_BASE,
        .p_filesz = sizeof run->ram,
        .p_memsz = sizeof run->ram,
        .p_flags = PF_R | PF_W | PF_X,
    };
    FILE *file = fopen(run->elf_path, "wb");
    if (file == NULL)
        return false;
    bool ok = fwrite(&header, sizeof header, 1, file) == 1 &&
              fwrite(&segment, sizeof segment, 1, file) == 1 &&
              fwrite(run->ram, sizeof run->ram, 1, file) == 1;
    return fclose(file) == 0 && ok;
}

/* What the program must send; false with a printed reason if the oracle itself cannot run it. */
static bool interpret(struct run *run, struct totals *totals)
{
    static uint8_t ram[RANDOM_PROGRAM_RAM_BYTES];
    memcpy(ram, run->ram, sizeof ram);
    struct rv rv = {
        .pc = RAM_BASE + RANDOM_PROGRAM_ENTRY,
        .ram = ram,
        .ram_base = RAM_BASE,
        .ram_bytes = sizeof ram,
        .uart = run->want,
        .uart_capacity = sizeof run->want,
        .stream = run->options.stream,
        .trap_counter_address = RAM_BASE + RANDOM_PROGRAM_TRAP_COUNTER,
    };
    if (!rv_run(&rv, MAX_INSTRUCTIONS)) {
        printf("# interpreter: %s near pc 0x%08" PRIx32 "\n", rv.stuck, rv.pc);
        return false;
    }
    run->want_size = rv.uart_size;
    totals->instructions += rv.instructions;
    totals->nn_instructions += rv.nn_instructions;
    totals->traps += rv.traps;
    return true;
}

static bool simulate(struct run *run)
{
    const char *simulator = getenv("MPQ_SIM");
    char command[2048];
    if (simulator != NULL)
        snprintf(command, sizeof command, "'%s' --firmware '%s' --stdio </dev/null", simulator,
                 run->elf_path);
    else
        snprintf(command, sizeof command, "'%s/mpq-sim' --firmware '%s' --stdio </dev/null",
                 build_folder(), run->elf_path);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL)
        return false;
    run->got_size = fread(run->got, 1, sizeof run->got, pipe);
    run->sim_status = pclose(pipe);
    return true;
}

static uint32_t word(const uint8_t *bytes, size_t at)
{
    return (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
           (uint32_t)bytes[at + 3] << 24;
}

/* Everything but the last word, the number of interrupts. */
static bool compare(const struct run *run)
{
    if (run->sim_status != 0) {
        printf("# simulator: wait status %#x, want 0\n", (unsigned)run->sim_status);
        return false;
    }
    if (run->got_size != run->want_size) {
        printf("# output: got %zu bytes, want %zu\n", run->got_size, run->want_size);
        return false;
    }
    for (size_t i = 0; i + 4 < run->want_size; i += 4) {
        if (word(run->got, i) != word(run->want, i)) {
            printf("# output word %zu of %zu: got 0x%08" PRIx32 ", want 0x%08" PRIx32 "\n", i / 4,
                   run->want_size / 4, word(run->got, i), word(run->want, i));
            return false;
        }
    }
    return true;
}

static void test_program(uint64_t seed, struct totals *totals)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    run.options = (struct random_program_options){.seed = seed,
                                                  .items = 300 + (uint32_t)(seed % 8) * 200,
                                                  .iterations = 12,
                                                  .stream = has_stream()};
    snprintf(run.elf_path, sizeof run.elf_path, "%s/tests/rtl/random_%" PRIu64 ".elf",
             build_folder(), seed);
    uint64_t before = totals->instructions;
    bool ok = random_program_make(&run.options, RAM_BASE, run.ram) && interpret(&run, totals) &&
              write_elf(&run) && simulate(&run) && compare(&run);
    uint32_t interrupts = ok ? word(run.got, run.got_size - 4) : 0;
    totals->interrupts += interrupts;
    report(totals, ok,
           "random_program_computes_what_the_interpreter_does: seed %" PRIu64 ", %" PRIu64
           " instructions, %" PRIu32 " interrupts",
           seed, totals->instructions - before, interrupts);
    if (ok)
        remove(run.elf_path);
    else
        printf("# again: BUILD=%s %s/tests/rtl/test_random_programs %" PRIu64 "\n", build_folder(),
               build_folder(), seed);
}

int main(int argc, char **argv)
{
    struct totals totals = {0};
    if (argc > 1) {
        test_program(strtoull(argv[1], NULL, 0), &totals);
    } else {
        for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + SERIES; seed++)
            test_program(seed, &totals);
        report(&totals, totals.instructions >= 100000, "at_least_100000_instructions: %" PRIu64,
               totals.instructions);
        report(&totals, totals.nn_instructions >= 20000, "at_least_20000_neural_ones: %" PRIu64,
               totals.nn_instructions);
        report(&totals, totals.interrupts >= 1000, "at_least_1000_interrupts: %" PRIu64,
               totals.interrupts);
        report(&totals, totals.traps >= 100, "at_least_100_traps: %" PRIu64, totals.traps);
    }
    printf("1..%d\n", totals.tests);
    return totals.failed != 0;
}
