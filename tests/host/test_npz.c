// SPDX-License-Identifier: Apache-2.0
/* NumPy archives: one that NumPy wrote, stored members, and damage of every kind. */
#include "host/data_files.h"

#include <zlib.h>

#include "bytes.h"
#include "data/npz.h"

/* numpy.savez_compressed(file, x=x, y=y): x = (numpy.arange(12) % 5 / 4).astype("float32") of shape
 * (2, 2, 3, 1), y = [[1], [0]] of int64. */
static const uint8_t GOLDEN[] = {
    0x50, 0x4b, 0x03, 0x04, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21, 0x00, 0xba, 0xee,
    0x49, 0x91, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x00, 0x14, 0x00, 0x78, 0x2e,
    0x6e, 0x70, 0x79, 0x01, 0x00, 0x10, 0x00, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x5a,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9b, 0xec, 0x17, 0xea, 0x1b, 0x10, 0xc9, 0xc8, 0x50,
    0xc6, 0x50, 0xad, 0x9e, 0x92, 0x5a, 0x9c, 0x5c, 0xa4, 0x6e, 0xa5, 0xa0, 0x6e, 0x93, 0x66, 0xa2,
    0xae, 0xa3, 0xa0, 0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94, 0x98, 0x17, 0x9f, 0x5f, 0x94, 0x92, 0x0a,
    0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e, 0x05, 0x8a, 0x17, 0x67, 0x24, 0x16, 0xa4, 0x02, 0xf9, 0x1a,
    0x46, 0x3a, 0x0a, 0x40, 0x64, 0xac, 0xa3, 0x60, 0xa8, 0xa9, 0xa3, 0x50, 0xab, 0x40, 0x06, 0xe0,
    0x62, 0x00, 0x83, 0x06, 0x3b, 0x20, 0x61, 0xcf, 0xc0, 0xe0, 0x00, 0xc4, 0x0d, 0xf6, 0xf8, 0xc4,
    0x00, 0x50, 0x4b, 0x03, 0x04, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21, 0x00, 0x89,
    0x6e, 0xa5, 0xba, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x00, 0x14, 0x00, 0x79,
    0x2e, 0x6e, 0x70, 0x79, 0x01, 0x00, 0x10, 0x00, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x4a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9b, 0xec, 0x17, 0xea, 0x1b, 0x10, 0xc9, 0xc8,
    0x50, 0xc6, 0x50, 0xad, 0x9e, 0x92, 0x5a, 0x9c, 0x5c, 0xa4, 0x6e, 0xa5, 0xa0, 0x6e, 0x93, 0x69,
    0xa1, 0xae, 0xa3, 0xa0, 0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94, 0x98, 0x17, 0x9f, 0x5f, 0x94, 0x92,
    0x0a, 0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e, 0x05, 0x8a, 0x17, 0x67, 0x24, 0x16, 0xa4, 0x02, 0xf9,
    0x1a, 0x46, 0x3a, 0x0a, 0x86, 0x9a, 0x3a, 0x0a, 0xb5, 0x0a, 0x64, 0x03, 0x2e, 0x46, 0x06, 0x54,
    0x00, 0x00, 0x50, 0x4b, 0x01, 0x02, 0x2d, 0x03, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00,
    0x21, 0x00, 0xba, 0xee, 0x49, 0x91, 0x5a, 0x00, 0x00, 0x00, 0xb0, 0x00, 0x00, 0x00, 0x05, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x78, 0x2e, 0x6e, 0x70, 0x79, 0x50, 0x4b, 0x01, 0x02, 0x2d, 0x03, 0x2d, 0x00, 0x00, 0x00, 0x08,
    0x00, 0x00, 0x00, 0x21, 0x00, 0x89, 0x6e, 0xa5, 0xba, 0x4a, 0x00, 0x00, 0x00, 0x90, 0x00, 0x00,
    0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x91,
    0x00, 0x00, 0x00, 0x79, 0x2e, 0x6e, 0x70, 0x79, 0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x02, 0x00, 0x66, 0x00, 0x00, 0x00, 0x12, 0x01, 0x00, 0x00, 0x00, 0x00};

enum { GOLDEN_LOCAL_Y = 0x91, GOLDEN_DIRECTORY = 0x112, GOLDEN_END = 0x178 };
enum { ENTRY_Y = GOLDEN_DIRECTORY + 51 };

static struct net *wanted(const char *images)
{
    char data[512];
    snprintf(data, sizeof data,
             "{\"format\":\"npz\",\"train_images\":\"%s\",\"train_labels\":\"a.npz:y\","
             "\"test_images\":\"%s\",\"test_labels\":\"a.npz:y\"}",
             images, images);
    return data_net("[2,3,1]", 2, data, "");
}

static void an_archive_of_numpy_is_read(void **state)
{
    static const int want[2][6] = {{0, 64, 127, 191, 255, 0}, {64, 127, 191, 255, 0, 64}};
    struct net *net = wanted("a.npz:x");
    (void)state;
    scratch_write("a.npz", GOLDEN, sizeof GOLDEN);
    struct data_split split = data_loaded(net, 0);
    assert_int_equal(split.test.count, 2);
    assert_int_equal(split.test.labels[0], 1);
    assert_int_equal(split.test.labels[1], 0);
    assert_true(split.test.scale == 1.0f / 255);
    for (size_t i = 0; i < 2; i++)
        data_check_item(&split.test, i, want[i]);
    data_free(&split);
    net_free(net);
}

static void unknown_arrays_are_answered_with_those_there(void **state)
{
    struct net *net = wanted("a.npz:images");
    (void)state;
    scratch_write("a.npz", GOLDEN, sizeof GOLDEN);
    data_refused(net, "./a.npz: no array \"images\"; there are: x, y");
    net_free(net);
}

/* An archive of one stored member. Returns its size. */
static size_t make_stored(const char *name, const char *text, uint8_t *out)
{
    const size_t name_bytes = strlen(name), size = strlen(text);
    uint8_t *entry = out + 30 + name_bytes + size, *end = entry + 46 + name_bytes;
    const uint32_t crc = (uint32_t)crc32(0, (const uint8_t *)text, (unsigned)size);
    memset(out, 0, (size_t)(end + 22 - out));
    put_u32(out, 0x04034b50);
    put_u16(out + 26, (uint16_t)name_bytes);
    memcpy(out + 30, name, name_bytes);
    memcpy(out + 30 + name_bytes, text, size);
    put_u32(entry, 0x02014b50);
    put_u32(entry + 16, crc);
    put_u32(entry + 20, (uint32_t)size);
    put_u32(entry + 24, (uint32_t)size);
    put_u16(entry + 28, (uint16_t)name_bytes);
    memcpy(entry + 46, name, name_bytes);
    put_u32(end, 0x06054b50);
    put_u16(end + 10, 1);
    put_u32(end + 12, (uint32_t)(end - entry));
    put_u32(end + 16, (uint32_t)(entry - out));
    return (size_t)(end + 22 - out);
}

static void stored_members_and_a_comment_at_the_end_are_read(void **state)
{
    uint8_t archive[256], *bytes = NULL;
    size_t size = make_stored("text.npy", "the array", archive), got = 0;
    struct error err;
    (void)state;
    put_u16(archive + size - 2, 4);
    memcpy(archive + size, "note", 4);
    scratch_write("s.npz", archive, size + 4);
    check_ok(npz_read("s.npz", "text", &bytes, &got, &err), &err);
    assert_int_equal(got, 9);
    assert_memory_equal(bytes, "the array", 9);
    free(bytes);
}

struct damage {
    size_t at;
    uint32_t value;
    int bytes; /* of value; 0: the file ends at `at` */
    const char *text;
};

static void damaged_archives_are_named_with_byte_and_reason(void **state)
{
    static const struct damage table[] = {
        {10, 0, 0, "d.npz: byte 10: too short for a ZIP archive"},
        {GOLDEN_END + 21, 0, 0, "d.npz: byte 397: no ZIP directory at the end"},
        {GOLDEN_END + 10, 0xffff, 2, "d.npz: a ZIP64 archive; want one below 4 GiB, or .npy files"},
        {GOLDEN_END + 16, 0xffffffff, 4,
         "d.npz: a ZIP64 archive; want one below 4 GiB, or .npy files"},
        {GOLDEN_END + 16, 5000, 4, "d.npz: byte 376: the ZIP directory lies outside the file"},
        {GOLDEN_END + 12, 5000, 4, "d.npz: byte 376: the ZIP directory lies outside the file"},
        {GOLDEN_END + 16, 1, 4, "d.npz: byte 1: no entry of the ZIP directory"},
        {ENTRY_Y, 0, 1, "d.npz: byte 325: no entry of the ZIP directory"},
        {ENTRY_Y + 30, 5000, 2, "d.npz: byte 325: the entry of the ZIP directory is cut short"},
        {ENTRY_Y + 8, 1, 2, "d.npz: byte 325: the array is encrypted"},
        {ENTRY_Y + 20, 0xffffffff, 4, "d.npz: byte 325: an array above 4 GiB"},
        {ENTRY_Y + 42, 5000, 4, "d.npz: byte 5000: no local header of an array"},
        {ENTRY_Y + 42, 1, 4, "d.npz: byte 1: no local header of an array"},
        {GOLDEN_LOCAL_Y + 28, 5000, 2, "d.npz: byte 145: the array's bytes lie outside the file"},
        {ENTRY_Y + 20, 5000, 4, "d.npz: byte 145: the array's bytes lie outside the file"},
        {ENTRY_Y + 10, 0, 2, "d.npz: byte 200: the array's sizes contradict each other"},
        {ENTRY_Y + 24, 1 << 20, 4, "d.npz: byte 200: the array's sizes contradict each other"},
        {ENTRY_Y + 24, 143, 4, "d.npz: byte 200: the array's checksum is wrong"},
        {ENTRY_Y + 24, 145, 4, "d.npz: byte 200: the array's checksum is wrong"},
        {ENTRY_Y + 16, 0, 4, "d.npz: byte 200: the array's checksum is wrong"},
        {ENTRY_Y + 20, 70, 4, "d.npz: byte 200: the array's checksum is wrong"},
        {200, 0xff, 1, "d.npz: byte 200: the array's checksum is wrong"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t file[sizeof GOLDEN], *bytes = file;
        const struct damage *d = &table[i];
        size_t size = 0;
        struct error err;
        char text[256];
        memcpy(file, GOLDEN, sizeof file);
        for (int b = 0; b < d->bytes; b++)
            file[d->at + (size_t)b] = (uint8_t)(d->value >> 8 * b);
        scratch_write("d.npz", file, d->bytes ? sizeof file : d->at);
        snprintf(text, sizeof text, "%s%s", d->text,
                 strstr(d->text, "ZIP64") ? "" : "; the archive is damaged, make it again");
        check_failed(npz_read("d.npz", "y", &bytes, &size, &err), STATUS_INPUT, &err, text);
        assert_null(bytes);
    }
}

static void unknown_compression_is_named(void **state)
{
    uint8_t file[sizeof GOLDEN], *bytes = NULL;
    size_t size = 0;
    struct error err;
    (void)state;
    memcpy(file, GOLDEN, sizeof file);
    put_u16(file + ENTRY_Y + 10, 12);
    scratch_write("d.npz", file, sizeof file);
    check_failed(npz_read("d.npz", "y", &bytes, &size, &err), STATUS_INPUT, &err,
                 "d.npz: byte 200: compression method 12; want stored or deflated");
}

/* Nothing but a refusal or the array itself may come of any changed byte or any cut. */
static void no_damage_gives_other_data(void **state)
{
    uint8_t *good = NULL;
    size_t good_size = 0;
    struct error err;
    (void)state;
    scratch_write("a.npz", GOLDEN, sizeof GOLDEN);
    check_ok(npz_read("a.npz", "x", &good, &good_size, &err), &err);
    for (size_t at = 0; at < 2 * sizeof GOLDEN; at++) {
        uint8_t file[sizeof GOLDEN], *bytes = NULL;
        const size_t place = at / 2;
        size_t size = 0;
        memcpy(file, GOLDEN, sizeof file);
        file[place] ^= (uint8_t)(at % 2 ? 0x41 : 0);
        scratch_write("d.npz", file, at % 2 ? sizeof file : place);
        if (npz_read("d.npz", "x", &bytes, &size, &err) == STATUS_OK) {
            assert_int_equal(size, good_size);
            assert_memory_equal(bytes, good, good_size);
        }
        free(bytes);
    }
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_archive_of_numpy_is_read),
        cmocka_unit_test(unknown_arrays_are_answered_with_those_there),
        cmocka_unit_test(stored_members_and_a_comment_at_the_end_are_read),
        cmocka_unit_test(damaged_archives_are_named_with_byte_and_reason),
        cmocka_unit_test(unknown_compression_is_named),
        cmocka_unit_test(no_damage_gives_other_data),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
