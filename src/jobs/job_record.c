/*
 * The table of jobs' last runs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "jobs/internal.h"

static char *copy(const char *text) {
    char *copied = strdup(text ? text : "");
    if (!copied)
        abort();
    return copied;
}

struct job_record job_record_of(const struct job_entry *entry) {
    return (struct job_record){.name = entry->job->name,
                               .since_ms = entry->since_ms,
                               .began_ms = entry->began_ms,
                               .ended_ms = entry->ended_ms,
                               .code = entry->code,
                               .message = copy(entry->code ? entry->message.message : ""),
                               .result = copy(entry->result)};
}

void job_record_release(struct job_record *record) {
    free(record->message);
    free(record->result);
}

static int put(void *context, sqlite3 *db, struct err *err) {
    const struct job_record *record = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT OR REPLACE INTO job VALUES(?, ?, ?, ?, ?, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, record->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, record->since_ms);
    sqlite3_bind_int64(statement, 3, record->began_ms);
    sqlite3_bind_int64(statement, 4, record->ended_ms);
    sqlite3_bind_int(statement, 5, record->code);
    sqlite3_bind_text(statement, 6, record->message, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 7, record->result, -1, SQLITE_STATIC);
    return store_step(statement, err);
}

int job_record_put(struct store *store, const struct job_record *record, struct err *err) {
    struct job_record copied = *record;
    return store_write(store, put, &copied, err);
}

static struct job_entry *entry_of(struct jobs *jobs, const char *name) {
    for (size_t i = 0; i < jobs->n; i++)
        if (strcmp(jobs->entries[i].job->name, name) == 0)
            return &jobs->entries[i];
    return NULL; /* of a version that had other jobs */
}

static const char *text_at(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

int job_records_read(struct jobs *jobs, struct err *err) {
    sqlite3 *db = store_reader_get(jobs->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT name, since_ms, began_ms, ended_ms, code, message, result FROM job", err);
    int code = statement ? 1 : err->code;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        struct job_entry *entry = entry_of(jobs, text_at(statement, 0));
        if (!entry)
            continue;
        entry->since_ms = sqlite3_column_int64(statement, 1);
        entry->began_ms = sqlite3_column_int64(statement, 2);
        entry->ended_ms = sqlite3_column_int64(statement, 3);
        entry->code = sqlite3_column_int(statement, 4);
        snprintf(entry->message.message, sizeof entry->message.message, "%s",
                 text_at(statement, 5));
        entry->result = copy(text_at(statement, 6));
    }
    store_reader_put(jobs->folder->store, db);
    return code < 0 ? code : 0;
}

int job_records_begin(struct jobs *jobs, struct err *err) {
    int64_t now_ms = clock_now_ms();
    int code = 0;
    for (size_t i = 0; !code && i < jobs->n; i++) {
        struct job_entry *entry = &jobs->entries[i];
        if (entry->since_ms)
            continue;
        entry->since_ms = now_ms;
        struct job_record record = job_record_of(entry);
        code = job_record_put(jobs->folder->store, &record, err);
        job_record_release(&record);
    }
    return code;
}
