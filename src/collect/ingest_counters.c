/*
 * What became of each source's events: counted in memory, written to the records now and then and at the end. A kill
 * loses the counts of the last moments, never an event.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "collect/ingest_internal.h"
#include "collect/mask.h"

enum { MASKED_BYTES = 1024 };

/* With ingest->lock held. NULL beyond the last possible source. */
static struct counted *counted_of(struct ingest *ingest, unsigned source) {
    if (source >= SOURCES_COUNTED)
        return NULL;
    if (!ingest->counted[source] &&
        !(ingest->counted[source] = calloc(1, sizeof *ingest->counted[source])))
        abort();
    return ingest->counted[source];
}

static uint64_t *counter_of(struct ingest_counters *counters, const char *name) {
    if (strcmp(name, "accepted") == 0)
        return &counters->accepted;
    if (strcmp(name, "duplicates") == 0)
        return &counters->duplicates;
    if (strcmp(name, "masked") == 0)
        return &counters->masked;
    if (strcmp(name, "rejected") == 0)
        return &counters->rejected;
    for (int refusal = 1; refusal < REFUSAL_COUNT; refusal++)
        if (strcmp(name, refusal_code((enum refusal)refusal)) == 0)
            return &counters->refused_by_reason[refusal];
    return NULL;
}

int counters_load(struct ingest *ingest, struct err *err) {
    ingest->counted = calloc(SOURCES_COUNTED, sizeof(struct counted *));
    if (!ingest->counted)
        abort();
    sqlite3 *db = store_reader_get(ingest->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row = STORE_PREPARE(db, "SELECT source, name, value FROM source_counter", err);
    int code = row ? 0 : err->code;
    while (row && (code = store_step(row, err)) == 1) {
        struct counted *counted = counted_of(ingest, (unsigned)sqlite3_column_int(row, 0));
        const char *name = (const char *)sqlite3_column_text(row, 1);
        uint64_t *counter = counted && name ? counter_of(&counted->counters, name) : NULL;
        if (counter)
            *counter = (uint64_t)sqlite3_column_int64(row, 2);
        else if (counted && name && strcmp(name, "last_ms") == 0)
            counted->counters.last_ms = sqlite3_column_int64(row, 2);
    }
    store_reader_put(ingest->store, db);
    return code;
}

static int put(sqlite3 *db, unsigned source, const char *name, int64_t value, struct err *err) {
    if (!value)
        return 0;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT OR REPLACE INTO source_counter(source, name, value) VALUES (?, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int(statement, 1, (int)source);
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, value);
    return store_step(statement, err);
}

static int put_all(sqlite3 *db, unsigned source, const struct ingest_counters *counters,
                   struct err *err) {
    int code = put(db, source, "accepted", (int64_t)counters->accepted, err);
    if (!code)
        code = put(db, source, "duplicates", (int64_t)counters->duplicates, err);
    if (!code)
        code = put(db, source, "rejected", (int64_t)counters->rejected, err);
    if (!code)
        code = put(db, source, "masked", (int64_t)counters->masked, err);
    if (!code)
        code = put(db, source, "last_ms", counters->last_ms, err);
    for (int refusal = 1; !code && refusal < REFUSAL_COUNT; refusal++)
        code = put(db, source, refusal_code((enum refusal)refusal),
                   (int64_t)counters->refused_by_reason[refusal], err);
    return code;
}

struct changed {
    size_t n;
    struct {
        unsigned source;
        struct ingest_counters counters;
    } rows[64];
};

static int put_changed(void *context, sqlite3 *db, struct err *err) {
    const struct changed *changed = context;
    int code = 0;
    for (size_t i = 0; !code && i < changed->n; i++)
        code = put_all(db, changed->rows[i].source, &changed->rows[i].counters, err);
    return code;
}

/* Takes some sources whose counts have changed. */
static void take(struct ingest *ingest, struct changed *changed) {
    changed->n = 0;
    pthread_mutex_lock(&ingest->lock);
    for (unsigned source = 0; source < SOURCES_COUNTED; source++) {
        struct counted *counted = ingest->counted[source];
        if (!counted || !counted->dirty ||
            changed->n == sizeof changed->rows / sizeof changed->rows[0])
            continue;
        changed->rows[changed->n].source = source;
        changed->rows[changed->n++].counters = counted->counters;
        counted->dirty = false;
    }
    pthread_mutex_unlock(&ingest->lock);
}

int counters_store(struct ingest *ingest, struct err *err) {
    struct changed changed;
    for (take(ingest, &changed); changed.n; take(ingest, &changed)) {
        int code = store_write(ingest->store, put_changed, &changed, err);
        if (code)
            return code;
    }
    return 0;
}

void counters_release(struct ingest *ingest) {
    for (unsigned source = 0; ingest->counted && source < SOURCES_COUNTED; source++)
        free(ingest->counted[source]);
    free(ingest->counted);
}

void counters_add(struct ingest *ingest, const struct ingest_batch *batch, int64_t now_ms) {
    pthread_mutex_lock(&ingest->lock);
    struct counted *counted = counted_of(ingest, batch->source.number);
    if (counted) {
        counted->counters.accepted += batch->accepted;
        counted->counters.duplicates += batch->duplicates;
        counted->counters.masked += batch->masked;
        counted->counters.last_ms = now_ms;
        counted->dirty = true;
    }
    pthread_mutex_unlock(&ingest->lock);
}

void ingest_refuse(struct ingest *ingest, struct source source, enum refusal refusal,
                   const char *message, struct slice raw, int64_t now_ms) {
    struct refused_event event = {.time_ms = now_ms, .source = source.number, .refusal = refusal};
    struct arena arena;
    arena_init(&arena);
    if (raw.n > MASKED_BYTES) /* more than is kept, so that nothing is cut before it is masked */
        raw.n = MASKED_BYTES;
    mask_property((struct slice){0}, &raw, &arena);
    size_t n = raw.n < sizeof event.raw - 1 ? raw.n : sizeof event.raw - 1;
    if (n)
        memcpy(event.raw, raw.p, n);
    arena_release(&arena);
    snprintf(event.message, sizeof event.message, "%s", message ? message : "");
    pthread_mutex_lock(&ingest->lock);
    struct counted *counted = counted_of(ingest, source.number);
    if (counted) {
        counted->counters.rejected++;
        counted->counters.refused_by_reason[refusal]++;
        counted->dirty = true;
    }
    refused_add(ingest->refused, &event);
    pthread_mutex_unlock(&ingest->lock);
}

int ingest_counters(struct ingest *ingest, uint16_t source, struct ingest_counters *counters,
                    struct err *err) {
    (void)err;
    *counters = (struct ingest_counters){0};
    pthread_mutex_lock(&ingest->lock);
    if (source < SOURCES_COUNTED && ingest->counted[source])
        *counters = ingest->counted[source]->counters;
    pthread_mutex_unlock(&ingest->lock);
    return 0;
}

size_t ingest_refusals(struct ingest *ingest, int source, struct refused_event *events, size_t n) {
    pthread_mutex_lock(&ingest->lock);
    size_t found = refused_get(ingest->refused, source, events, n);
    pthread_mutex_unlock(&ingest->lock);
    return found;
}
