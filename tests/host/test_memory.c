// SPDX-License-Identifier: Apache-2.0
/* Tables of memory: parts of a firmware from its file, and files that are not one. */
#include "host/made_up_quant.h"
#include "host/scratch.h"

#include <elf.h>

#include "pack/memory.h"

enum { SECTIONS = 5, NAMES_AT = sizeof(Elf32_Ehdr), TABLE_AT = NAMES_AT + 40 };
static const char NAMES[] = "\0.text\0.bss\0.stacks\0.names";

struct program {
    Elf32_Ehdr head;
    char names[TABLE_AT - NAMES_AT];
    Elf32_Shdr sections[SECTIONS];
};

static Elf32_Shdr section(Elf32_Word name, Elf32_Word flags, Elf32_Addr at, Elf32_Word size)
{
    return (Elf32_Shdr){.sh_name = name, .sh_flags = flags, .sh_addr = at, .sh_size = size};
}

/* 1000 bytes of code, 200 of data behind a gap of 24, 60 of stacks; 1284 in all, 1296 in lines. */
static struct program make_program(void)
{
    struct program program = {
        .head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32},
                 .e_shoff = TABLE_AT,
                 .e_shentsize = sizeof(Elf32_Shdr),
                 .e_shnum = SECTIONS,
                 .e_shstrndx = 4},
        .sections = {[1] = section(1, SHF_ALLOC | SHF_EXECINSTR, 0x1000, 1000),
                     [2] = section(7, SHF_ALLOC | SHF_WRITE, 0x1400, 200),
                     [3] = section(12, SHF_ALLOC | SHF_WRITE, 0x14c8, 60),
                     [4] = section(20, 0, 0, sizeof NAMES)},
    };
    program.sections[4].sh_offset = NAMES_AT;
    memcpy(program.names, NAMES, sizeof NAMES);
    return program;
}

static void the_parts_of_a_firmware_come_from_its_file(void **state)
{
    const struct program program = make_program();
    uint64_t bytes = 0;
    struct error err;
    (void)state;
    scratch_write("firmware", &program, sizeof program);
    check_ok(memory_firmware_bytes("firmware", &bytes, &err), &err);
    assert_int_equal(bytes, 0x510);
}

static void a_firmware_of_another_size_is_not_taken_apart(void **state)
{
    const struct program program = make_program();
    struct made_up made;
    struct memory_map map;
    (void)state;
    made_up_small(&made, (const int[]){8, 8, 8, 8}, 1);
    struct container *container = made_up_pack(&made);
    scratch_write("firmware", &program, sizeof program);
    memory_map_make(container, 0x510, 1 << 20, "firmware", &map);
    assert_true(map.has_parts);
    assert_int_equal(map.code, 1000);
    assert_int_equal(map.stacks, 60);
    assert_int_equal(map.data, 0x510 - 1060);
    memory_map_make(container, 0x520, 1 << 20, "firmware", &map);
    assert_false(map.has_parts);
    memory_map_make(container, 0x510, 1 << 20, "none", &map);
    assert_false(map.has_parts);
    container_free(container);
    made_up_free(&made);
}

static void damaged_firmware_is_refused_not_read(void **state)
{
    const struct program good = make_program();
    uint64_t bytes = 0;
    struct error err;
    struct program bad = good;
    (void)state;
    for (size_t size = 0; size < sizeof good; size += 7) {
        scratch_write("cut", &good, size);
        assert_int_equal(memory_firmware_bytes("cut", &bytes, &err), STATUS_INPUT);
    }
    bad.sections[2].sh_name = 1000000;
    scratch_write("bad", &bad, sizeof bad);
    assert_int_equal(memory_firmware_bytes("bad", &bytes, &err), STATUS_INPUT);
    bad = good;
    bad.sections[4].sh_offset = 0xffffff00;
    scratch_write("bad", &bad, sizeof bad);
    assert_int_equal(memory_firmware_bytes("bad", &bytes, &err), STATUS_INPUT);
    check_contains(err.text, "bad: not a program for the core");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_firmware_come_from_its_file),
        cmocka_unit_test(a_firmware_of_another_size_is_not_taken_apart),
        cmocka_unit_test(damaged_firmware_is_refused_not_read),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
