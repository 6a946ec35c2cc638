// SPDX-License-Identifier: Apache-2.0
/* Journal file: checksummed JSON lines, one write() each. */
#include "search/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"

#define LINE_HEAD   "{\"crc\":\""
#define LINE_MIDDLE "\",\"record\":"

enum {
    HEAD_SIZE = sizeof LINE_HEAD - 1,
    MIDDLE_SIZE = sizeof LINE_MIDDLE - 1,
    CRC_DIGITS = 8,
    RECORD_START = HEAD_SIZE + CRC_DIGITS + MIDDLE_SIZE,
};

struct journal {
    int fd;
    pthread_mutex_t lock;
    size_t unsynced;
    char *path;
    char *text;     /* the file as it was opened, lines cut into strings */
    char **records; /* [count + 1]; 0 is the header */
    size_t count;
};

static enum status io_error(struct error *err, const char *path, const char *what)
{
    return error_set(err, STATUS_IO, "%s: cannot %s: %s", path, what, strerror(errno));
}

static enum status write_all(int fd, const char *path, const char *bytes, size_t size,
                             struct error *err)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR) {
            return io_error(err, path, "write");
        }
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
    }
    return STATUS_OK;
}

/* The record inside a line of size bytes (without newline), which is cut into a string; NULL if the
 * line is damaged. */
static char *line_record(char *line, size_t size)
{
    char digits[CRC_DIGITS + 1];
    if (size < RECORD_START + 2 || memcmp(line, LINE_HEAD, HEAD_SIZE) != 0 ||
        line[size - 1] != '}' ||
        memcmp(line + HEAD_SIZE + CRC_DIGITS, LINE_MIDDLE, MIDDLE_SIZE) != 0) {
        return NULL;
    }
    const size_t record_size = size - RECORD_START - 1;
    const uint32_t crc = crc32_update(0, line + RECORD_START, record_size);
    snprintf(digits, sizeof digits, "%08x", (unsigned)crc);
    if (memcmp(line + HEAD_SIZE, digits, CRC_DIGITS) != 0 || memchr(line, '\0', size)) {
        return NULL;
    }
    line[size - 1] = '\0';
    return line + RECORD_START;
}

static enum status append_line(struct journal *journal, const char *record, struct error *err)
{
    const size_t record_size = strlen(record), size = RECORD_START + record_size + 2;
    char *line = malloc(size + 1);
    if (!line) {
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", journal->path);
    }
    snprintf(line, size + 1, LINE_HEAD "%08x" LINE_MIDDLE "%s}\n",
             (unsigned)crc32_update(0, record, record_size), record);
    const enum status status = write_all(journal->fd, journal->path, line, size, err);
    free(line);
    return status;
}

/* An open and locked journal without contents. */
static enum status journal_start(const char *path, int flags, struct journal **out,
                                 struct error *err)
{
    *out = NULL;
    struct journal *journal = calloc(1, sizeof *journal);
    char *copy = strdup(path);
    if (!journal || !copy) {
        free(journal);
        free(copy);
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", path);
    }
    journal->path = copy;
    pthread_mutex_init(&journal->lock, NULL);
    journal->fd = open(path, flags | O_RDWR | O_APPEND | O_CLOEXEC, 0666);
    if (journal->fd < 0) {
        const enum status status = io_error(err, path, "open");
        journal_close(journal);
        return status;
    }
    if (flock(journal->fd, LOCK_EX | LOCK_NB) != 0) {
        const enum status status =
            errno == EWOULDBLOCK
                ? error_set(err, STATUS_IO,
                            "%s: another search is writing it; wait for its end or stop it", path)
                : io_error(err, path, "lock");
        journal_close(journal);
        return status;
    }
    *out = journal;
    return STATUS_OK;
}

enum status journal_create(const char *path, const char *header, struct journal **out,
                           struct error *err)
{
    struct journal *journal = NULL;
    *out = NULL;
    enum status status = journal_start(path, O_CREAT, &journal, err);
    if (!journal) {
        return status;
    }
    if (ftruncate(journal->fd, 0) != 0) {
        status = io_error(err, path, "truncate");
    } else {
        status = append_line(journal, header, err);
    }
    journal->records = status == STATUS_OK ? calloc(1, sizeof *journal->records) : NULL;
    journal->text = journal->records ? strdup(header) : NULL;
    if (status == STATUS_OK && !journal->text) {
        status = error_set(err, STATUS_NO_MEMORY, "%s: out of memory", path);
    }
    if (status != STATUS_OK) {
        journal_close(journal);
        return status;
    }
    journal->records[0] = journal->text;
    *out = journal;
    return STATUS_OK;
}

enum status journal_move(const char *path, const char *to, struct error *err)
{
    struct journal *journal = NULL;
    enum status status = journal_start(path, 0, &journal, err);
    if (journal && rename(path, to) != 0) {
        status = io_error(err, path, "move");
    }
    journal_close(journal);
    return status;
}

static enum status read_file(struct journal *journal, size_t *size, struct error *err)
{
    struct stat info;
    if (fstat(journal->fd, &info) != 0) {
        return io_error(err, journal->path, "read");
    }
    journal->text = malloc((size_t)info.st_size + 1);
    if (!journal->text) {
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", journal->path);
    }
    *size = 0;
    while (*size < (size_t)info.st_size) {
        const ssize_t n =
            pread(journal->fd, journal->text + *size, (size_t)info.st_size - *size, (off_t)*size);
        if (n < 0 && errno != EINTR) {
            return io_error(err, journal->path, "read");
        }
        if (n == 0) {
            break;
        }
        *size += n > 0 ? (size_t)n : 0;
    }
    journal->text[*size] = '\0';
    return STATUS_OK;
}

static size_t count_lines(const char *text, size_t size)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

/* Cuts the text into records. *good: bytes up to the end of the last good line. */
static enum status split_lines(struct journal *journal, size_t size, size_t *good,
                               struct error *err)
{
    size_t start = 0, number = 0, damaged = 0, found = 0;
    journal->records = calloc(count_lines(journal->text, size) + 1, sizeof *journal->records);
    if (!journal->records) {
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", journal->path);
    }
    *good = 0;
    while (start < size) {
        char *line = journal->text + start, *end = memchr(line, '\n', size - start);
        if (!end) {
            break;
        }
        char *record = line_record(line, (size_t)(end - line));
        number++;
        start = (size_t)(end - journal->text) + 1;
        if (record && damaged) {
            return error_set(err, STATUS_INPUT,
                             "%s: line %zu is damaged, with good lines behind it; restore the "
                             "file, or start over with "
                             "--force",
                             journal->path, damaged);
        }
        if (!record) {
            damaged = damaged ? damaged : number;
            continue;
        }
        journal->records[found++] = record;
        *good = start;
    }
    journal->count = found ? found - 1 : 0;
    return STATUS_OK;
}

enum status journal_open(const char *path, struct journal **out, struct error *err)
{
    struct journal *journal = NULL;
    size_t size = 0, good = 0;
    *out = NULL;
    enum status status = journal_start(path, 0, &journal, err);
    if (!journal) {
        return status;
    }
    status = read_file(journal, &size, err);
    if (status == STATUS_OK) {
        status = split_lines(journal, size, &good, err);
    }
    if (status == STATUS_OK && good < size && ftruncate(journal->fd, (off_t)good) != 0) {
        status = io_error(err, path, "cut off the unfinished last line");
    }
    if (status != STATUS_OK || good == 0) {
        journal_close(journal);
        return status;
    }
    *out = journal;
    return STATUS_OK;
}

const char *journal_header(const struct journal *journal)
{
    return journal->records[0];
}

size_t journal_count(const struct journal *journal)
{
    return journal->count;
}

const char *journal_record(const struct journal *journal, size_t index)
{
    return journal->records[index + 1];
}

enum status journal_append(struct journal *journal, const char *record, struct error *err)
{
    pthread_mutex_lock(&journal->lock);
    const off_t end = lseek(journal->fd, 0, SEEK_END);
    enum status status = append_line(journal, record, err);
    if (status != STATUS_OK && end >= 0 && ftruncate(journal->fd, end) != 0) {
        /* Half a line stays; it is harmless as long as nothing is appended behind it. */
        (void)close(journal->fd);
        journal->fd = -1;
    }
    if (status == STATUS_OK && ++journal->unsynced >= JOURNAL_SYNC_RECORDS) {
        journal->unsynced = 0;
        if (fdatasync(journal->fd) != 0 && errno != EINVAL && errno != EROFS) {
            status = io_error(err, journal->path, "sync");
        }
    }
    pthread_mutex_unlock(&journal->lock);
    return status;
}

void journal_close(struct journal *journal)
{
    if (!journal) {
        return;
    }
    if (journal->fd >= 0) {
        (void)fdatasync(journal->fd);
        (void)close(journal->fd);
    }
    pthread_mutex_destroy(&journal->lock);
    free(journal->records);
    free(journal->text);
    free(journal->path);
    free(journal);
}
