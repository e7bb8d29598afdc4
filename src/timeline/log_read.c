/*
 * Reading the log: first from files, then from fresh rows, which folding may move to a file at any moment; a seq that
 * is not found among fresh rows is looked for in the files once more, and a file that was just written anew is found again.
 *
 * Files are opened per run of frames and read with pread, fresh rows are copied out: no read transaction stays open
 * while records are visited.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/file.h"
#include "timeline/log_internal.h"

enum { FRESH_MAX_BYTES = 64 * 1024 * 1024 };

struct reading {
    struct log *log;
    struct frame_reader frames;
    struct buf bytes;      /* a frame of a file, or a fresh row */
    uint64_t first, count; /* of the fresh row in bytes; count 0: none */
    int fd;                /* of `file`, or -1 */
    struct log_file *file;
    int (*visit)(void *context, const struct log_record *record);
    void *context;
};

static void reading_init(struct reading *reading, struct log *log,
                         int (*visit)(void *context, const struct log_record *record),
                         void *context) {
    *reading = (struct reading){.log = log, .fd = -1, .visit = visit, .context = context};
    frame_reader_init(&reading->frames, &log->keys);
    buf_init(&reading->bytes, FRESH_MAX_BYTES);
}

static void reading_release(struct reading *reading) {
    if (reading->fd >= 0)
        close(reading->fd);
    frame_reader_release(&reading->frames);
    buf_release(&reading->bytes);
}

static int open_file(struct reading *reading, struct log_file *file, struct err *err) {
    if (reading->file == file)
        return 0;
    if (reading->fd >= 0)
        close(reading->fd);
    char path[LOG_PATH_BYTES];
    log_path(reading->log, file->number, path);
    reading->file = NULL;
    reading->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reading->fd < 0 && errno == ENOENT)
        return err_set(err, E_NOT_FOUND, "a file of the log is missing");
    if (reading->fd < 0)
        return file_fail(ERR_WORDS("a file of the log"), err);
    reading->file = file;
    return 0;
}

/* One frame of a file; its records in [from, to) are visited. */
static int read_place(struct reading *reading, const struct log_place *place, uint64_t from,
                      uint64_t to, struct err *err) {
    reading->count = 0;
    buf_clear(&reading->bytes);
    char *bytes = buf_reserve(&reading->bytes, place->stored);
    if (!bytes)
        return err_set(err, E_CORRUPT, "a frame of the log is damaged");
    int code = file_read_at(reading->fd, bytes, place->stored, place->offset,
                            ERR_WORDS("a file of the log"), err);
    if (code)
        return code;
    struct frame_head head;
    code = frame_head_read(bytes, place->stored, &head, err);
    if (!code && (head.first != place->first || head.count != place->count))
        code = err_set(err, E_CORRUPT, "a frame of the log is not where it should be");
    if (code)
        return code;
    return frame_read(&reading->frames, bytes, place->stored, from, to, reading->visit,
                      reading->context, err);
}

/* Copies the fresh row that holds seq; 1 found, 0 none. */
static int load_row(struct reading *reading, uint64_t seq, struct err *err) {
    if (reading->count && seq >= reading->first && seq < reading->first + reading->count)
        return 1;
    sqlite3 *db = store_reader_get(reading->log->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    int code = E_INTERNAL;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT first, count, frames FROM fresh WHERE first <= ? ORDER BY first DESC LIMIT 1",
        err);
    if (statement) {
        sqlite3_bind_int64(statement, 1, (int64_t)seq);
        code = store_step(statement, err);
    }
    reading->count = 0;
    if (code == 1) {
        uint64_t first = (uint64_t)sqlite3_column_int64(statement, 0);
        uint64_t count = (uint64_t)sqlite3_column_int64(statement, 1);
        buf_clear(&reading->bytes);
        buf_add(&reading->bytes, sqlite3_column_blob(statement, 2),
                (size_t)sqlite3_column_bytes(statement, 2));
        code = seq < first + count;
        reading->first = first;
        reading->count = code ? count : 0;
    }
    store_reader_put(reading->log->store, db);
    return code;
}

/* Visits the records of the loaded fresh row in [from, to). */
static int read_row(struct reading *reading, uint64_t from, uint64_t to, struct err *err) {
    const char *p = reading->bytes.p, *end = p + reading->bytes.n;
    int code = 0;
    while (!code && p < end) {
        struct frame_head head;
        code = frame_head_read(p, (size_t)(end - p), &head, err);
        if (code)
            return code;
        size_t n = FRAME_HEAD_BYTES + head.stored;
        if (head.first >= to)
            return 0;
        if (head.first + head.count > from)
            code =
                frame_read(&reading->frames, p, n, from, to, reading->visit, reading->context, err);
        p += n;
    }
    return code;
}

/* Reads from seq on, at most to `to`, as far as one frame or fresh row goes; *next is where to go on. */
static int read_some(struct reading *reading, uint64_t seq, uint64_t to, uint64_t *next,
                     struct err *err) {
    for (int again = 0; again < 2; again++) {
        struct log_file *file = reading->file;
        if (!file || seq < file->first || seq >= file->first + file->count)
            file = log_file_find(reading->log, seq);
        if (file) {
            const struct log_place *place = log_place_find(file, seq);
            *next = place->first + place->count;
            int code = open_file(reading, file, err);
            if (code == E_NOT_FOUND && !again) /* it was written anew meanwhile */
                continue;
            return code ? code : read_place(reading, place, seq, to, err);
        }
        int found = load_row(reading, seq, err);
        if (found < 0)
            return found;
        if (found) {
            *next = reading->first + reading->count;
            return read_row(reading, seq, to, err);
        }
    }
    return err_set(err, E_CORRUPT, "the log lacks record %llu", (unsigned long long)seq);
}

static uint64_t clip(const struct log *log, uint64_t to) {
    uint64_t last = log_last(log);
    return to > last ? last + 1 : to;
}

int log_read(struct log *log, uint64_t from, uint64_t to,
             int (*visit)(void *context, const struct log_record *record), void *context,
             struct err *err) {
    struct reading reading;
    to = clip(log, to);
    if (!from)
        from = 1;
    int code = 0;
    reading_init(&reading, log, visit, context);
    while (!code && from < to)
        code = read_some(&reading, from, to, &from, err);
    reading_release(&reading);
    return code;
}

/* Passes on the records that were asked for. */
struct chosen {
    const uint64_t *seqs;
    size_t n, at;
    int (*visit)(void *context, const struct log_record *record);
    void *context;
};

static int visit_chosen(void *context, const struct log_record *record) {
    struct chosen *chosen = context;
    while (chosen->at < chosen->n && chosen->seqs[chosen->at] < record->row.seq)
        chosen->at++;
    if (chosen->at == chosen->n || chosen->seqs[chosen->at] != record->row.seq)
        return 0;
    chosen->at++;
    return chosen->visit(chosen->context, record);
}

int log_fetch(struct log *log, const uint64_t *seqs, size_t n,
              int (*visit)(void *context, const struct log_record *record), void *context,
              struct err *err) {
    struct chosen chosen = {.seqs = seqs, .n = n, .visit = visit, .context = context};
    struct reading reading;
    uint64_t last = log_last(log);
    int code = 0;
    reading_init(&reading, log, visit_chosen, &chosen);
    while (!code && chosen.at < n) {
        uint64_t seq = seqs[chosen.at], next;
        if (!seq || seq > last) {
            code = err_set(err, E_NOT_FOUND, "no record %llu in the log", (unsigned long long)seq);
            break;
        }
        code = read_some(&reading, seq, seqs[n - 1] + 1, &next, err);
    }
    reading_release(&reading);
    return code;
}
