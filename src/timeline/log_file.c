/*
 * Log files and folding: fresh rows become an immutable file.
 *
 * FORMAT of a file (little endian)
 *   0   8  "SENDALOG"   8  4  version, 1   12  4  0   16  8  seq of the first record   24  40  0
 *  64      frames (log_frame.h), in the order of seq
 *          places, 24 bytes a frame: u64 seq of its first record, u64 offset, u32 records, u32 bytes with its head
 *  -40  8  places   8  offset of the places   8  records   8  XXH3 of the places   8  "SENDAEND"
 *
 * Frames that are at least half full are copied as they are, smaller ones are read and packed together.
 *
 * COST  The rows of a folded file are deleted in slices of DELETE_ROWS, so that the writer is never held for long.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logger.h"
#include "store/file.h"
#include "timeline/log_internal.h"

enum {
    HEAD_BYTES = 64,
    TAIL_BYTES = 40,
    FOLD_BYTES = 16 * 1024 * 1024, /* fold when as much is fresh */
    FILE_BYTES = 64 * 1024 * 1024, /* a file ends at the frame that passes this */
    DELETE_ROWS = 16,
    VERSION = 1,
    LEVEL = 3, /* of frames that are packed anew: small ones */
    WRITE_BYTES = 1024 * 1024
};

struct head {
    char magic[8];
    uint32_t version, zero;
    uint64_t first;
    char rest[40];
};
struct tail {
    uint64_t n_places, offset, records, sum;
    char magic[8];
};
_Static_assert(sizeof(struct head) == HEAD_BYTES && sizeof(struct tail) == TAIL_BYTES &&
                   sizeof(struct log_place) == 24,
               "a log file");

static const char MAGIC[8] = "SENDALOG", END[8] = "SENDAEND";

/* ---- the list ---- */

void log_file_add(struct log *log, struct log_file *file) {
    pthread_mutex_lock(&log->lock);
    if (log->n_files == log->files_capacity) {
        log->files_capacity = log->files_capacity ? log->files_capacity * 2 : 16;
        log->files = realloc(log->files, log->files_capacity * sizeof(struct log_file *));
        if (!log->files)
            abort();
    }
    log->files[log->n_files++] = file;
    pthread_mutex_unlock(&log->lock);
}

struct log_file *log_file_find(struct log *log, uint64_t seq) {
    struct log_file *found = NULL;
    pthread_mutex_lock(&log->lock);
    size_t low = 0, high = log->n_files;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->files[middle]->first + log->files[middle]->count <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < log->n_files && log->files[low]->first <= seq)
        found = log->files[low];
    pthread_mutex_unlock(&log->lock);
    return found;
}

const struct log_place *log_place_find(const struct log_file *file, uint64_t seq) {
    size_t low = 0, high = file->n_places - 1;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (file->places[middle].first <= seq)
            low = middle;
        else
            high = middle - 1;
    }
    return &file->places[low];
}

/* last seq that is in a file; 0: none */
static uint64_t log_folded(struct log *log) {
    pthread_mutex_lock(&log->lock);
    const struct log_file *newest = log->n_files ? log->files[log->n_files - 1] : NULL;
    uint64_t last = newest ? newest->first + newest->count - 1 : 0;
    pthread_mutex_unlock(&log->lock);
    return last;
}

/* ---- opening ---- */

static int damaged(struct err *err) {
    return err_set(err, E_CORRUPT, "a file of the log is damaged");
}

static bool places_fit(const struct log_file *file) {
    uint64_t seq = file->first, offset = HEAD_BYTES;
    for (size_t i = 0; i < file->n_places; i++) {
        const struct log_place *place = &file->places[i];
        if (place->first != seq || place->offset != offset || !place->count)
            return false;
        seq += place->count;
        offset += place->stored;
    }
    return seq == file->first + file->count &&
           offset + file->n_places * sizeof *file->places + TAIL_BYTES == file->bytes;
}

static int read_places(struct log_file *file, int fd, struct err *err) {
    struct stat status;
    struct tail tail;
    if (fstat(fd, &status))
        return file_fail(ERR_WORDS("a file of the log"), err);
    if ((uint64_t)status.st_size != file->bytes || file->bytes < HEAD_BYTES + TAIL_BYTES)
        return damaged(err);
    int code = file_read_at(fd, &tail, sizeof tail, file->bytes - TAIL_BYTES,
                            ERR_WORDS("a file of the log"), err);
    if (code)
        return code;
    if (memcmp(tail.magic, END, sizeof END) != 0 || tail.records != file->count ||
        tail.n_places > file->bytes / sizeof(struct log_place) || !tail.n_places ||
        tail.offset + tail.n_places * sizeof(struct log_place) + TAIL_BYTES != file->bytes)
        return damaged(err);
    file->n_places = tail.n_places;
    file->places = malloc(tail.n_places * sizeof *file->places);
    if (!file->places)
        abort();
    code = file_read_at(fd, file->places, tail.n_places * sizeof *file->places, tail.offset,
                        "a file of the log", err);
    if (!code && (hash_bytes(file->places, tail.n_places * sizeof *file->places) != tail.sum ||
                  !places_fit(file)))
        code = damaged(err);
    return code;
}

int log_file_open(struct log *log, struct log_file *file, struct err *err) {
    char path[LOG_PATH_BYTES];
    log_path(log, file->number, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, E_CORRUPT, "a file of the log is missing");
    int code = read_places(file, fd, err);
    close(fd);
    return code;
}

/* ---- writing ---- */

struct rewriting {
    struct log_file *old;
    log_edit *edit;
    void *context;
    bool changed; /* some record of the frame at hand */
    int fd;       /* of the old file */
};

struct folding {
    struct log *log;
    struct log_file *file; /* being made */
    size_t places_capacity;
    int fd;
    struct buf out; /* not yet written */
    struct frame_builder packing;
    struct frame_reader frames;
    ZSTD_CCtx *zstd;
    struct buf row;
    struct rewriting *rewriting; /* NULL: it folds */
    int code;
    struct err *err;
};

static void add_place(struct folding *folding, uint64_t first, uint32_t count, uint32_t stored) {
    struct log_file *file = folding->file;
    if (file->n_places == folding->places_capacity) {
        folding->places_capacity = folding->places_capacity ? folding->places_capacity * 2 : 256;
        file->places = realloc(file->places, folding->places_capacity * sizeof *file->places);
        if (!file->places)
            abort();
    }
    file->places[file->n_places++] = (struct log_place){first, file->bytes, count, stored};
    if (!file->count)
        file->first = first;
    file->count += count;
    file->bytes += stored;
}

static int write_out(struct folding *folding, size_t beyond) {
    if (folding->code || folding->out.n <= beyond)
        return folding->code;
    folding->code = file_write(folding->fd, folding->out.p, folding->out.n,
                               ERR_WORDS("a file of the log"), folding->err);
    buf_clear(&folding->out);
    return folding->code;
}

static int end_packing(struct folding *folding) {
    if (!folding->packing.count)
        return folding->code;
    size_t before = folding->out.n;
    frame_seal(&folding->packing, folding->zstd, LEVEL, &folding->log->keys, &folding->out);
    add_place(folding, folding->packing.first, folding->packing.count,
              (uint32_t)(folding->out.n - before));
    frame_builder_clear(&folding->packing);
    return write_out(folding, WRITE_BYTES);
}

static int pack_record(void *context, const struct log_record *record) {
    struct folding *folding = context;
    const char *properties;
    if (frame_add(&folding->packing, record, &properties))
        return 0;
    int code = end_packing(folding);
    if (!code && !frame_add(&folding->packing, record, &properties))
        code = err_set(folding->err, E_INTERNAL, "a record does not fit the log");
    return code;
}

static int fold_frame(struct folding *folding, const char *p, const struct frame_head *head) {
    size_t n = FRAME_HEAD_BYTES + head->stored;
    bool full = head->records_bytes + head->ids_bytes >= FRAME_RAW_BYTES / 2 &&
                head->key_id == folding->log->keys.current;
    if (!full)
        return frame_read(&folding->frames, p, n, 0, UINT64_MAX, pack_record, folding,
                          folding->err);
    int code = end_packing(folding);
    if (code)
        return code;
    buf_add(&folding->out, p, n);
    add_place(folding, head->first, head->count, (uint32_t)n);
    return write_out(folding, WRITE_BYTES);
}

/* The fresh row that begins at seq into folding->row; 1 or 0. */
static int load_row(struct folding *folding, uint64_t seq) {
    sqlite3 *db = store_reader_get(folding->log->store);
    if (!db)
        return err_set(folding->err, E_IO, "the records could not be read");
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT frames FROM fresh WHERE first = ?", folding->err);
    int code = E_INTERNAL;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (int64_t)seq);
        code = store_step(statement, folding->err);
    }
    buf_clear(&folding->row);
    if (code == 1)
        buf_add(&folding->row, sqlite3_column_blob(statement, 0),
                (size_t)sqlite3_column_bytes(statement, 0));
    store_reader_put(folding->log->store, db);
    return code;
}

static int fold_rows(struct folding *folding, uint64_t last) {
    uint64_t seq = log_folded(folding->log) + 1;
    while (seq <= last && folding->file->bytes < FILE_BYTES) {
        int code = load_row(folding, seq);
        if (code == 0)
            code = err_set(folding->err, E_CORRUPT, "the log lacks record %llu",
                           (unsigned long long)seq);
        if (code < 0)
            return code;
        const char *p = folding->row.p, *end = p + folding->row.n;
        while (p < end) {
            struct frame_head head;
            code = frame_head_read(p, (size_t)(end - p), &head, folding->err);
            if (!code)
                code = fold_frame(folding, p, &head);
            if (code)
                return code;
            p += FRAME_HEAD_BYTES + head.stored;
            seq = head.first + head.count;
        }
    }
    return end_packing(folding);
}

static void begin_file(struct folding *folding, uint64_t first) {
    struct head head = {.version = VERSION, .first = first};
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    buf_add(&folding->out, &head, sizeof head);
    folding->file->bytes = HEAD_BYTES;
}

static int end_file(struct folding *folding) {
    struct log_file *file = folding->file;
    int code;
    struct tail tail = {
        .n_places = file->n_places,
        .offset = file->bytes,
        .records = file->count,
        .sum = hash_bytes(file->places, file->n_places * sizeof *file->places),
    };
    memcpy(tail.magic, END, sizeof END);
    code = write_out(folding, 0);
    if (!code)
        code = file_write(folding->fd, file->places, file->n_places * sizeof *file->places,
                          "a file of the log", folding->err);
    if (!code)
        code = file_write(folding->fd, &tail, sizeof tail, ERR_WORDS("a file of the log"),
                          folding->err);
    if (!code && fsync(folding->fd))
        code = file_fail(ERR_WORDS("a file of the log"), folding->err);
    file->bytes += file->n_places * sizeof *file->places + TAIL_BYTES;
    return code;
}

static int write_file(struct folding *folding, uint64_t last) {
    begin_file(folding, log_folded(folding->log) + 1);
    int code = fold_rows(folding, last);
    return code ? code : end_file(folding);
}

/* ---- folding ---- */

static int list_file(void *context, sqlite3 *db, struct err *err) {
    const struct log_file *file = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT INTO log_file(number, first, count, bytes) VALUES (?, ?, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, file->number);
    sqlite3_bind_int64(statement, 2, (int64_t)file->first);
    sqlite3_bind_int64(statement, 3, (int64_t)file->count);
    sqlite3_bind_int64(statement, 4, (int64_t)file->bytes);
    return store_step(statement, err);
}

struct deleting {
    uint64_t last;
    int changed;
};

static int delete_rows(void *context, sqlite3 *db, struct err *err) {
    struct deleting *deleting = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "DELETE FROM fresh WHERE first IN (SELECT first FROM fresh WHERE first <= ? LIMIT ?)",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)deleting->last);
    sqlite3_bind_int(statement, 2, DELETE_ROWS);
    int code = store_step(statement, err);
    deleting->changed = sqlite3_changes(db);
    return code;
}

static int delete_folded(struct log *log, struct err *err) {
    struct deleting deleting = {.last = log_folded(log)};
    int code = 0;
    do {
        deleting.changed = 0;
        code = store_write(log->store, delete_rows, &deleting, err);
    } while (!code && deleting.changed == DELETE_ROWS);
    return code;
}

static int fresh_left(struct log *log, uint64_t *bytes, struct err *err) {
    sqlite3 *db = store_reader_get(log->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT coalesce(sum(length(frames)), 0) FROM fresh WHERE first > ?", err);
    int code = E_INTERNAL;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (int64_t)log_folded(log));
        code = store_step(statement, err);
    }
    if (code == 1)
        *bytes = (uint64_t)sqlite3_column_int64(statement, 0);
    store_reader_put(log->store, db);
    return code < 0 ? code : 0;
}

static void folding_release(struct folding *folding) {
    frame_builder_release(&folding->packing);
    frame_reader_release(&folding->frames);
    ZSTD_freeCCtx(folding->zstd);
    buf_release(&folding->out);
    buf_release(&folding->row);
}

static void drop_file(const struct log *log, struct log_file *file) {
    char path[LOG_PATH_BYTES];
    log_path(log, file->number, path);
    unlink(path);
    free(file->places);
    free(file);
}

/* Makes a durable file, not listed yet, by what `write` does. */
static int make_file(struct log *log, int (*write)(struct folding *folding, uint64_t last),
                     uint64_t last, struct rewriting *rewriting, struct log_file **made,
                     struct err *err) {
    struct log_file *file = calloc(1, sizeof *file);
    if (!file)
        abort();
    struct folding folding = {
        .log = log, .file = file, .zstd = ZSTD_createCCtx(), .rewriting = rewriting, .err = err};
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->n_files; i++)
        if (log->files[i]->number > file->number)
            file->number = log->files[i]->number;
    file->number++;
    pthread_mutex_unlock(&log->lock);
    char path[LOG_PATH_BYTES];
    log_path(log, file->number, path);
    frame_builder_init(&folding.packing);
    frame_reader_init(&folding.frames, &log->keys);
    buf_init(&folding.out, (size_t)2 * FILE_BYTES);
    buf_init(&folding.row, FILE_BYTES);
    folding.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code =
        folding.fd < 0 ? file_fail(ERR_WORDS("a file of the log"), err) : write(&folding, last);
    if (folding.fd >= 0)
        close(folding.fd);
    if (!code)
        code = file_sync_folder(log->dir, err);
    folding_release(&folding);
    if (code)
        drop_file(log, file);
    else
        *made = file;
    return code;
}

/* Makes one file of what is fresh up to `last`. */
static int fold_once(struct log *log, uint64_t last, struct err *err) {
    struct log_file *file;
    int code = make_file(log, write_file, last, NULL, &file, err);
    if (code)
        return code;
    code = store_write(log->store, list_file, file, err);
    if (code)
        drop_file(log, file);
    else
        log_file_add(log, file);
    return code;
}

static int fold(struct log *log, bool force, struct err *err) {
    uint64_t last = log_last(log), before = atomic_load(&log->fresh_bytes), left = 0;
    if (last == log_folded(log) || (!force && before < FOLD_BYTES))
        return 0;
    int code = fold_once(log, last, err);
    if (!code)
        code = delete_folded(log, err);
    if (!code)
        code = fresh_left(log, &left, err);
    if (code)
        return code;
    atomic_store(&log->fresh_bytes, left);
    return left >= FOLD_BYTES || (force && log_folded(log) < last);
}

int log_fold(struct log *log, bool force, struct err *err) {
    pthread_mutex_lock(&log->work);
    int code = fold(log, force, err);
    pthread_mutex_unlock(&log->work);
    return code;
}

/* ---- rewriting ---- */

/* The frame at a place into folding->row. */
static int load_place(struct folding *folding, const struct log_place *place,
                      struct frame_head *head) {
    buf_clear(&folding->row);
    char *bytes = buf_reserve(&folding->row, place->stored);
    if (!bytes)
        return damaged(folding->err);
    int code = file_read_at(folding->rewriting->fd, bytes, place->stored, place->offset,
                            "a file of the log", folding->err);
    return code ? code : frame_head_read(bytes, place->stored, head, folding->err);
}

static int look_record(void *context, const struct log_record *record) {
    struct folding *folding = context;
    struct log_record copy = *record;
    int code = folding->rewriting->edit(folding->rewriting->context, &copy, false);
    folding->rewriting->changed |= code == 1;
    return code < 0 ? code : 0;
}

static int edit_record(void *context, const struct log_record *record) {
    struct folding *folding = context;
    struct log_record copy = *record;
    int code = folding->rewriting->edit(folding->rewriting->context, &copy, true);
    return code < 0 ? code : pack_record(folding, &copy);
}

/* Frames without a changed record are copied as they are. */
static int rewrite_frames(struct folding *folding, uint64_t last) {
    (void)last;
    struct rewriting *rewriting = folding->rewriting;
    begin_file(folding, rewriting->old->first);
    for (size_t i = 0; i < rewriting->old->n_places; i++) {
        struct frame_head head = {0};
        const struct log_place *place = &rewriting->old->places[i];
        int code = load_place(folding, place, &head);
        rewriting->changed = false;
        if (!code)
            code = frame_read(&folding->frames, folding->row.p, place->stored, 0, UINT64_MAX,
                              look_record, folding, folding->err);
        if (!code && rewriting->changed) {
            code = frame_read(&folding->frames, folding->row.p, place->stored, 0, UINT64_MAX,
                              edit_record, folding, folding->err);
        } else if (!code) {
            code = end_packing(folding);
            buf_add(&folding->out, folding->row.p, place->stored);
            add_place(folding, head.first, head.count, place->stored);
        }
        if (!code)
            code = write_out(folding, WRITE_BYTES);
        if (code)
            return code;
    }
    int code = end_packing(folding);
    return code ? code : end_file(folding);
}

struct swapping {
    uint32_t old;
    struct log_file *file;
};

static int swap_file(void *context, sqlite3 *db, struct err *err) {
    struct swapping *swapping = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM log_file WHERE number = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, swapping->old);
    int code = store_step(statement, err);
    return code ? code : list_file(swapping->file, db, err);
}

/* Puts the new file in place of the old one, which readers may still hold. */
static int replace_file(struct log *log, size_t i, struct log_file *file, struct err *err) {
    struct swapping swapping = {log->files[i]->number, file};
    int code = store_write(log->store, swap_file, &swapping, err);
    if (code)
        return code;
    pthread_mutex_lock(&log->lock);
    struct log_file *old = log->files[i];
    log->files[i] = file;
    old->retired = log->retired;
    log->retired = old;
    pthread_mutex_unlock(&log->lock);
    char path[LOG_PATH_BYTES];
    log_path(log, old->number, path);
    store_remove_file(log->store, path);
    return 0;
}

static int look(void *context, const struct log_record *record) {
    struct rewriting *rewriting = context;
    struct log_record copy = *record;
    return rewriting->edit(rewriting->context, &copy, false);
}

static int rewrite_file(struct log *log, size_t i, struct rewriting *rewriting, struct err *err) {
    struct log_file *old = rewriting->old = log->files[i], *made = NULL;
    int code = log_read(log, old->first, old->first + old->count, look, rewriting, err);
    if (code != 1) /* 1: the reading stopped at a record that changes */
        return code;
    char path[LOG_PATH_BYTES];
    log_path(log, old->number, path);
    rewriting->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (rewriting->fd < 0)
        return file_fail(ERR_WORDS("a file of the log"), err);
    code = make_file(log, rewrite_frames, 0, rewriting, &made, err);
    close(rewriting->fd);
    if (!code) {
        code = replace_file(log, i, made, err);
        if (code)
            drop_file(log, made);
    }
    return code ? code : 1;
}

int log_rewrite(struct log *log, log_edit *edit, void *context, unsigned *files, struct err *err) {
    struct rewriting rewriting = {.edit = edit, .context = context};
    int code = 0;
    *files = 0;
    pthread_mutex_lock(&log->work);
    uint64_t last = log_last(log);
    while (!code && log_folded(log) < last) {
        code = fold(log, true, err);
        code = code > 0 ? 0 : code;
    }
    for (size_t i = 0; code >= 0 && i < log->n_files; i++) {
        code = rewrite_file(log, i, &rewriting, err);
        *files += code == 1;
    }
    pthread_mutex_unlock(&log->work);
    return code < 0 ? code : 0;
}
