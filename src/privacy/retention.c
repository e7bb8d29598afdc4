/*
 * Letting go of what is older than the organisation wants to keep: see retention.h.
 *
 * The log is written anew where a text is too old (log_rewrite), and its ranges of the index after it; what was let go once is
 * not there to be changed again, so a night without old texts is one reading pass.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "privacy/retention.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "folder/registry.h"
#include "privacy/internal.h"
#include "segment/segment.h"

enum { PATH_BYTES = 4096, NAME_BYTES = 64, MINUTE = 3 * 60 + 30, WRITTEN_BYTES = 24, BLANKS = 3 };
#define DAY_IN_MS INT64_C(86400000)

const char *const RETENTION_NAMES[RETAIN_KINDS] = {"texts", "refusals", "imports", "copies"};

/* ---- settings ---- */

int retention_get(struct folder *folder, struct retention *retention, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    *retention = (struct retention){0};
    for (int i = 0; !code && i < RETAIN_KINDS; i++) {
        char name[NAME_BYTES], value[NAME_BYTES];
        struct err none = {0};
        snprintf(name, sizeof name, "retention.%s", RETENTION_NAMES[i]);
        if (store_setting_get(db, name, value, sizeof value, &none) == 0)
            retention->days[i] = strtoll(value, NULL, 10);
    }
    store_reader_put(folder->store, db);
    return code;
}

static int put(void *context, sqlite3 *db, struct err *err) {
    const struct retention *retention = context;
    int code = 0;
    for (int i = 0; !code && i < RETAIN_KINDS; i++) {
        char name[NAME_BYTES], value[NAME_BYTES];
        snprintf(name, sizeof name, "retention.%s", RETENTION_NAMES[i]);
        snprintf(value, sizeof value, "%lld", (long long)retention->days[i]);
        code = store_setting_put(db, name, value, err);
    }
    return code;
}

int retention_put(struct folder *folder, const struct retention *retention, struct err *err) {
    struct retention copy = *retention;
    return store_write(folder->store, put, &copy, err);
}

/* ---- texts ---- */

struct letting_go {
    struct folder *folder;
    int64_t before_ms;
    struct buf out;
    uint64_t records;
    struct timeline_span spans[PART_KINDS];
};

/* What somebody wrote: long, and of several words. */
static bool is_written(struct slice text) {
    size_t blanks = 0;
    for (size_t i = 0; i < text.n; i++)
        blanks += text.p[i] == ' ' || text.p[i] == '\n';
    return text.n >= WRITTEN_BYTES && blanks >= BLANKS;
}

static bool goes(const struct letting_go *letting, uint32_t code, const struct value *value) {
    enum sensitivity sensitivity = registry_of(letting->folder, code);
    if (sensitivity == SENSITIVITY_OPEN)
        return false;
    return sensitivity >= SENSITIVITY_PERSONAL || value->type == VALUE_JSON ||
           (value->type == VALUE_TEXT && is_written(value->text));
}

static int let_go(void *context, struct log_record *record, bool final) {
    struct letting_go *letting = context;
    struct row *row = &record->row;
    struct value value;
    uint32_t code;
    bool changed = false;
    if (row->time_ms >= letting->before_ms ||
        (!row_is_interaction(row->type) && row->type != ROW_ANSWER))
        return 0;
    struct property_cursor cursor = property_cursor(row);
    buf_clear(&letting->out);
    while (property_next(&cursor, &code, &value))
        if (goes(letting, code, &value))
            changed = true;
        else
            property_add(&letting->out, code, &value);
    if (!changed)
        return 0;
    row->properties = buf_slice(&letting->out);
    if (final) {
        struct timeline_span *span = &letting->spans[part_kind_of(row->type)];
        letting->records++;
        span->from_ms = row->time_ms < span->from_ms ? row->time_ms : span->from_ms;
        span->to_ms = row->time_ms > span->to_ms ? row->time_ms : span->to_ms;
    }
    return 1;
}

static int let_texts_go(struct folder *folder, int64_t before_ms, uint64_t *records,
                        struct err *err) {
    struct letting_go letting = {.folder = folder, .before_ms = before_ms};
    unsigned files;
    buf_init(&letting.out, (size_t)LIMIT_EVENT_BYTES * 4);
    for (int kind = 0; kind < PART_KINDS; kind++)
        letting.spans[kind] = (struct timeline_span){INT64_MAX, INT64_MIN};
    int code = log_rewrite(folder->log, let_go, &letting, &files, err);
    if (!code)
        code = timeline_forget(folder->timeline, letting.spans, err);
    if (!code)
        code = segments_decide_again(folder, 0, err);
    buf_release(&letting.out);
    *records = letting.records;
    return code;
}

static int look_at_text(void *context, const struct log_record *record) {
    struct letting_go *letting = context;
    struct log_record copy = *record;
    letting->records += let_go(letting, &copy, false) == 1;
    return 0;
}

/* How many records would lose a text. */
static int count_texts(struct folder *folder, int64_t before_ms, uint64_t *n, struct err *err) {
    struct letting_go letting = {.folder = folder, .before_ms = before_ms};
    buf_init(&letting.out, (size_t)LIMIT_EVENT_BYTES * 4);
    int code = log_read(folder->log, 1, log_last(folder->log) + 1, look_at_text, &letting, err);
    buf_release(&letting.out);
    *n = letting.records;
    return code;
}

/* ---- files ---- */

/* Files of a folder whose names begin so and that nobody changed since. */
static uint64_t remove_files(const char *dir, const char *prefix, int64_t before_ms, bool dry) {
    DIR *entries = opendir(dir);
    uint64_t removed = 0;
    if (!entries)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        char path[PATH_BYTES];
        struct stat status;
        int n = snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (n < 0 || n >= (int)sizeof path || strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
            lstat(path, &status) || !S_ISREG(status.st_mode) ||
            (int64_t)status.st_mtime * 1000 >= before_ms)
            continue;
        removed += dry || unlink(path) == 0;
    }
    closedir(entries);
    return removed;
}

/* ---- the job ---- */

static int let_kind_go(struct folder *folder, enum retention_kind kind, int64_t before_ms,
                       uint64_t *n, struct err *err) {
    char imports[PATH_BYTES];
    size_t refusals = 0;
    int code = 0;
    switch (kind) {
    case RETAIN_TEXTS: return let_texts_go(folder, before_ms, n, err);
    case RETAIN_REFUSALS:
        code = ingest_forget_before(folder->ingest, before_ms, &refusals, err);
        *n = refusals;
        return code;
    case RETAIN_IMPORTS:
        if (snprintf(imports, sizeof imports, "%s/imports", folder->dir) < (int)sizeof imports)
            *n = remove_files(imports, "", before_ms, false);
        return 0;
    case RETAIN_COPIES:
        *n = remove_files(folder->dir, "senda.db.before-", before_ms, false);
        return 0;
    case RETAIN_KINDS: break;
    }
    return 0;
}

int retention_preview(struct folder *folder, const struct retention *retention,
                      struct keeping *keeping, int64_t now_ms, struct retention_preview *preview,
                      struct err *err) {
    char imports[PATH_BYTES];
    const int64_t *days = retention->days;
    *preview = (struct retention_preview){0};
    int code = retention_look(folder, keeping, now_ms, &preview->interactions, err);
    if (!code && days[RETAIN_TEXTS])
        code = count_texts(folder, now_ms - days[RETAIN_TEXTS] * DAY_IN_MS,
                           &preview->n[RETAIN_TEXTS], err);
    if (days[RETAIN_IMPORTS] &&
        snprintf(imports, sizeof imports, "%s/imports", folder->dir) < (int)sizeof imports)
        preview->n[RETAIN_IMPORTS] =
            remove_files(imports, "", now_ms - days[RETAIN_IMPORTS] * DAY_IN_MS, true);
    if (days[RETAIN_COPIES])
        preview->n[RETAIN_COPIES] = remove_files(folder->dir, "senda.db.before-",
                                                 now_ms - days[RETAIN_COPIES] * DAY_IN_MS, true);
    return code;
}

static int run(struct job_run *run, struct err *err) {
    struct folder *folder = job_folder(run);
    struct retention retention;
    int64_t now_ms = clock_now_ms();
    json_t *result = json_object();
    struct retained gone = {0};
    int code = retention_get(folder, &retention, err);
    if (!code)
        code = retention_let_interactions_go(folder, now_ms, &gone, err);
    json_object_set_new(result, "interactions", json_integer((json_int_t)gone.interactions));
    for (int kind = 0; !code && kind < RETAIN_KINDS; kind++) {
        uint64_t n = 0;
        job_progress(run, (uint64_t)kind, RETAIN_KINDS);
        if (!retention.days[kind])
            continue;
        code = let_kind_go(folder, (enum retention_kind)kind,
                           now_ms - retention.days[kind] * DAY_IN_MS, &n, err);
        json_object_set_new(result, RETENTION_NAMES[kind], json_integer((json_int_t)n));
    }
    job_result(run, result);
    return code;
}

const struct job job_retention = {.name = "privacy.retention",
                                  .summary = "lets go of what is older than it is to be kept",
                                  .lane = JOB_LONG,
                                  .daily_minute = MINUTE,
                                  .run = run};
