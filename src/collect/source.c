/*
 * Sources in memory and in the records: see source.h.
 *
 * Texts live until sources_close, so that views of a channel stay valid when a source changes; changes are rare and
 * small. Readers take a read lock, changes go through the writer and then to memory.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/source.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"

enum {
    SLOTS = 32768,
    KEY_HASH_BYTES = 16,
    KEY_RANDOM_BYTES = 16,
    KEY_MIN = 8,
    KIND_MAX_BYTES = 32
};

struct known {
    struct source_record record;
    struct slice channel, unit, purpose; /* absent if none */
    uint8_t ip;
    bool removed;
};

struct sources {
    struct store *store;
    const struct vault *vault;
    pthread_mutex_t changing; /* one change at a time */
    pthread_rwlock_t lock;    /* of what follows */
    struct arena texts;
    struct known **all; /* [SOURCE_MAX + 1] by number */
    uint16_t *slots;    /* [SLOTS] by hash of the write key; 0: empty */
    uint16_t last;
};

/* ---- memory ---- */

static size_t slot_of(const struct sources *sources, struct slice key) {
    size_t i = hash_bytes(key.p, key.n) & (SLOTS - 1);
    while (sources->slots[i] && !slice_is(key, sources->all[sources->slots[i]]->record.write_key))
        i = (i + 1) & (SLOTS - 1);
    return i;
}

static uint8_t ip_of(const char *text) {
    return strcmp(text, "full") == 0 ? IP_FULL : strcmp(text, "none") == 0 ? IP_NONE : IP_SHORT;
}

static struct source source_of(const struct known *known) {
    return (struct source){.number = known->record.number,
                           .channel = known->channel,
                           .unit = known->unit,
                           .purpose = known->purpose,
                           .ip = known->ip};
}

/* Takes over a record, new or changed; texts are copied. */
static void remember(struct sources *sources, const struct source_record *record, bool removed) {
    struct known *known = sources->all[record->number];
    bool new_key = !known || strcmp(known->record.write_key, record->write_key) != 0;
    if (!known)
        known = sources->all[record->number] = ARENA_ARRAY(&sources->texts, struct known, 1);
    known->record = *record;
    known->record.name = arena_text(&sources->texts, slice_of(record->name));
    known->record.kind = arena_text(&sources->texts, slice_of(record->kind));
    known->record.channel = arena_text(&sources->texts, slice_of(record->channel));
    known->record.unit = arena_text(&sources->texts, slice_of(record->unit));
    known->record.write_key = arena_text(&sources->texts, slice_of(record->write_key));
    known->channel = record->channel[0] ? slice_of(known->record.channel) : (struct slice){0};
    known->unit = record->unit[0] ? slice_of(known->record.unit) : (struct slice){0};
    known->record.purpose = arena_text(&sources->texts, slice_of(record->purpose));
    known->record.ip = arena_text(&sources->texts, slice_of(record->ip));
    known->purpose = record->purpose[0] ? slice_of(known->record.purpose) : (struct slice){0};
    known->ip = ip_of(record->ip);
    known->removed = removed;
    if (record->number > sources->last)
        sources->last = record->number;
    if (new_key)
        sources->slots[slot_of(sources, slice_of(record->write_key))] = record->number;
}

/* After a rotation: slots of keys that are no more would fill the table in the end. */
static void rebuild_slots(struct sources *sources) {
    memset(sources->slots, 0, SLOTS * sizeof *sources->slots);
    for (unsigned number = 1; number <= sources->last; number++)
        if (sources->all[number]) {
            struct slice key = slice_of(sources->all[number]->record.write_key);
            sources->slots[slot_of(sources, key)] = (uint16_t)number;
        }
}

static const char *column(sqlite3_stmt *row, int number) {
    const char *text = (const char *)sqlite3_column_text(row, number);
    return text ? text : "";
}

static int load(struct sources *sources, sqlite3 *db, struct err *err) {
    sqlite3_stmt *row = STORE_PREPARE(db,
                                      "SELECT number, name, kind, channel, key_sealed, disabled, "
                                      "removed, created_ms, unit, purpose, ip FROM source"
                                      " ORDER BY number",
                                      err);
    if (!row)
        return err->code;
    struct buf key;
    buf_init(&key, LIMIT_ID_BYTES);
    int code;
    while ((code = store_step(row, err)) == 1) {
        struct slice sealed = {sqlite3_column_blob(row, 4), (size_t)sqlite3_column_bytes(row, 4)};
        buf_clear(&key);
        code = vault_unseal(sources->vault, sealed, &key, err);
        int64_t number = sqlite3_column_int64(row, 0);
        if (!code && (number < 1 || number > SOURCE_MAX))
            code = err_set(err, E_CORRUPT, "a source is damaged");
        if (code)
            break;
        struct source_record record = {
            .number = (uint16_t)number,
            .name = column(row, 1),
            .kind = column(row, 2),
            .channel = column(row, 3),
            .unit = column(row, 8),
            .purpose = column(row, 9),
            .ip = column(row, 10),
            .write_key = key.p,
            .disabled = sqlite3_column_int(row, 5),
            .created_ms = sqlite3_column_int64(row, 7),
        };
        remember(sources, &record, sqlite3_column_int(row, 6));
    }
    sqlite3_reset(row);
    buf_release(&key);
    return code;
}

int sources_open(struct sources **sources, struct store *store, const struct vault *vault,
                 struct err *err) {
    struct sources *opened = calloc(1, sizeof *opened);
    if (!opened)
        abort();
    opened->store = store;
    opened->vault = vault;
    opened->all = calloc(SOURCE_MAX + 1, sizeof(struct known *));
    opened->slots = calloc(SLOTS, sizeof *opened->slots);
    if (!opened->all || !opened->slots)
        abort();
    arena_init(&opened->texts);
    pthread_mutex_init(&opened->changing, NULL);
    pthread_rwlock_init(&opened->lock, NULL);
    sqlite3 *db = store_reader_get(store);
    int code = db ? load(opened, db, err) : err_set(err, E_IO, "the records could not be read");
    store_reader_put(store, db);
    if (code) {
        sources_close(opened);
        return code;
    }
    *sources = opened;
    return 0;
}

void sources_close(struct sources *sources) {
    if (!sources)
        return;
    arena_release(&sources->texts);
    pthread_mutex_destroy(&sources->changing);
    pthread_rwlock_destroy(&sources->lock);
    free(sources->all);
    free(sources->slots);
    free(sources);
}

/* ---- reading ---- */

int sources_find(struct sources *sources, struct slice write_key, struct source *source,
                 bool *disabled) {
    if (!write_key.n || write_key.n >= WRITE_KEY_BYTES)
        return E_UNAUTHORIZED;
    pthread_rwlock_rdlock(&sources->lock);
    uint16_t number = sources->slots[slot_of(sources, write_key)];
    const struct known *known = number ? sources->all[number] : NULL;
    bool found = known && !known->removed;
    if (found) {
        *source = source_of(known);
        *disabled = known->record.disabled;
    }
    pthread_rwlock_unlock(&sources->lock);
    return found ? 0 : E_UNAUTHORIZED;
}

static void copy(struct arena *arena, const struct source_record *from, struct source_record *to) {
    *to = *from;
    to->name = arena_text(arena, slice_of(from->name));
    to->kind = arena_text(arena, slice_of(from->kind));
    to->channel = arena_text(arena, slice_of(from->channel));
    to->unit = arena_text(arena, slice_of(from->unit));
    to->purpose = arena_text(arena, slice_of(from->purpose));
    to->ip = arena_text(arena, slice_of(from->ip));
    to->write_key = arena_text(arena, slice_of(from->write_key));
}

int sources_get(struct sources *sources, uint16_t number, struct arena *arena,
                struct source_record *record, struct err *err) {
    pthread_rwlock_rdlock(&sources->lock);
    const struct known *known = number <= SOURCE_MAX ? sources->all[number] : NULL;
    bool found = known && !known->removed;
    if (found)
        copy(arena, &known->record, record);
    pthread_rwlock_unlock(&sources->lock);
    return found ? 0 : err_set(err, E_NOT_FOUND, "no source %u", number);
}

int sources_list(struct sources *sources, struct arena *arena, struct source_record **records,
                 size_t *n, struct err *err) {
    (void)err;
    pthread_rwlock_rdlock(&sources->lock);
    *records = ARENA_ARRAY(arena, struct source_record, sources->last + 1u);
    *n = 0;
    for (unsigned number = 1; number <= sources->last; number++)
        if (sources->all[number] && !sources->all[number]->removed)
            copy(arena, &sources->all[number]->record, &(*records)[(*n)++]);
    pthread_rwlock_unlock(&sources->lock);
    return 0;
}

/* ---- changing ---- */

static int check(const struct source_record *record, struct err *err) {
    size_t name = record->name ? strlen(record->name) : 0;
    if (!name || name > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/name", "a source needs a name of at most %d bytes",
                      LIMIT_NAME_BYTES);
    if (!record->kind || !record->kind[0] || strlen(record->kind) > KIND_MAX_BYTES)
        return err_at(err, E_INVALID, "/kind", "a source needs a kind of at most %d bytes",
                      KIND_MAX_BYTES);
    if (record->channel && strlen(record->channel) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/channel", "the channel is longer than %d bytes",
                      LIMIT_NAME_BYTES);
    if (record->unit && strlen(record->unit) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/unit", "the unit is longer than %d bytes",
                      LIMIT_NAME_BYTES);
    if (record->purpose && strlen(record->purpose) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/purpose", "the purpose is longer than %d bytes",
                      LIMIT_NAME_BYTES);
    if (record->ip && record->ip[0] && strcmp(record->ip, "short") != 0 &&
        strcmp(record->ip, "none") != 0 && strcmp(record->ip, "full") != 0)
        return err_at(err, E_INVALID, "/ip", "ip is short, none or full");
    return 0;
}

/* With sources->changing held. */
static const struct known *by_name(const struct sources *sources, const char *name) {
    for (unsigned number = 1; number <= sources->last; number++) {
        const struct known *known = sources->all[number];
        if (known && !known->removed && strcmp(known->record.name, name) == 0)
            return known;
    }
    return NULL;
}

struct storing {
    struct sources *sources;
    const struct source_record *record;
    bool removed;
};

static int store_source(void *context, sqlite3 *db, struct err *err) {
    const struct storing *storing = context;
    const struct source_record *record = storing->record;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT OR REPLACE INTO source(number, name, kind, channel, key_hash, key_sealed, "
        "disabled, removed, created_ms, unit, purpose, ip)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        err);
    if (!statement)
        return err->code;
    struct slice key = slice_of(record->write_key);
    struct key128 hash = hash_keyed(vault_identity_key(storing->sources->vault), &key, 1);
    struct buf sealed;
    buf_init(&sealed, LIMIT_ID_BYTES + VAULT_EXTRA_BYTES);
    vault_seal(storing->sources->vault, key, &sealed);
    char *name = NULL; /* a removed source gives its name free */
    if (storing->removed && asprintf(&name, "%s (%u)", record->name, record->number) < 0)
        abort();
    sqlite3_bind_int(statement, 1, record->number);
    sqlite3_bind_text(statement, 2, name ? name : record->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, record->kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, record->channel, -1, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 5, &hash, KEY_HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 6, sealed.p, (int)sealed.n, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 7, record->disabled);
    sqlite3_bind_int(statement, 8, storing->removed);
    sqlite3_bind_int64(statement, 9, record->created_ms);
    sqlite3_bind_text(statement, 10, record->unit, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 11, record->purpose, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 12, record->ip, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    buf_release(&sealed);
    free(name);
    return code;
}

static int change(struct sources *sources, const struct source_record *record, bool removed,
                  struct err *err) {
    struct storing storing = {sources, record, removed};
    int code = store_write(sources->store, store_source, &storing, err);
    if (code)
        return code;
    pthread_rwlock_wrlock(&sources->lock);
    remember(sources, record, removed);
    pthread_rwlock_unlock(&sources->lock);
    return 0;
}

static void make_key(char key[WRITE_KEY_BYTES]) {
    unsigned char random[KEY_RANDOM_BYTES];
    randombytes_buf(random, sizeof random);
    memcpy(key, "wk_", 3);
    sodium_bin2hex(key + 3, WRITE_KEY_BYTES - 3, random, sizeof random);
}

static int check_key(const struct sources *sources, const char *key, struct err *err) {
    size_t n = strlen(key);
    if (n < KEY_MIN || n >= WRITE_KEY_BYTES)
        return err_at(err, E_INVALID, "/write_key", "a write key has %d to %d characters", KEY_MIN,
                      WRITE_KEY_BYTES - 1);
    for (size_t i = 0; i < n; i++)
        if (key[i] <= ' ' || key[i] > '~' || key[i] == ':')
            return err_at(err, E_INVALID, "/write_key", "a write key is plain letters and digits");
    if (sources->slots[slot_of(sources, slice_of(key))])
        return err_at(err, E_CONFLICT, "/write_key", "the write key is taken");
    return 0;
}

static int add(struct sources *sources, struct arena *arena, struct source_record *record,
               struct err *err) {
    int code = check(record, err);
    if (code)
        return code;
    if (by_name(sources, record->name))
        return err_at(err, E_CONFLICT, "/name", "there is a source of this name");
    if (sources->last >= SOURCE_MAX)
        return err_set(err, E_REFUSED, "no room for another source");
    char key[WRITE_KEY_BYTES];
    if (!record->write_key)
        make_key(key);
    else if ((code = check_key(sources, record->write_key, err)) != 0)
        return code;
    record->write_key = arena_text(arena, slice_of(record->write_key ? record->write_key : key));
    record->channel = record->channel ? record->channel : "";
    record->unit = record->unit ? record->unit : "";
    record->purpose = record->purpose ? record->purpose : "";
    record->ip = record->ip && record->ip[0] ? record->ip : "short";
    record->number = (uint16_t)(sources->last + 1);
    record->created_ms = clock_now_ms();
    return change(sources, record, false, err);
}

int sources_add(struct sources *sources, struct arena *arena, struct source_record *record,
                struct err *err) {
    pthread_mutex_lock(&sources->changing);
    int code = add(sources, arena, record, err);
    pthread_mutex_unlock(&sources->changing);
    return code;
}

static int change_known(struct sources *sources, const struct source_record *record,
                        struct err *err) {
    const struct known *known = record->number <= SOURCE_MAX ? sources->all[record->number] : NULL;
    if (!known || known->removed)
        return err_set(err, E_NOT_FOUND, "no source %u", record->number);
    int code = check(record, err);
    const struct known *same = code ? NULL : by_name(sources, record->name);
    if (same && same != known)
        return err_at(err, E_CONFLICT, "/name", "there is a source of this name");
    struct source_record changed = known->record;
    changed.name = record->name;
    changed.kind = record->kind;
    changed.channel = record->channel ? record->channel : "";
    changed.unit = record->unit ? record->unit : "";
    changed.purpose = record->purpose ? record->purpose : "";
    changed.ip = record->ip && record->ip[0] ? record->ip : "short";
    changed.disabled = record->disabled;
    return code ? code : change(sources, &changed, false, err);
}

int sources_change(struct sources *sources, const struct source_record *record, struct err *err) {
    pthread_mutex_lock(&sources->changing);
    int code = change_known(sources, record, err);
    pthread_mutex_unlock(&sources->changing);
    return code;
}

static int rotate(struct sources *sources, uint16_t number, const char *key, struct err *err) {
    const struct known *known = number <= SOURCE_MAX ? sources->all[number] : NULL;
    if (!known || known->removed)
        return err_set(err, E_NOT_FOUND, "no source %u", number);
    struct source_record record = known->record;
    record.write_key = key;
    int code = change(sources, &record, false, err);
    if (code)
        return code;
    pthread_rwlock_wrlock(&sources->lock);
    rebuild_slots(sources);
    pthread_rwlock_unlock(&sources->lock);
    return 0;
}

int sources_rotate(struct sources *sources, uint16_t number, struct arena *arena,
                   const char **write_key, struct err *err) {
    char key[WRITE_KEY_BYTES];
    make_key(key);
    pthread_mutex_lock(&sources->changing);
    int code = rotate(sources, number, key, err);
    pthread_mutex_unlock(&sources->changing);
    *write_key = arena_text(arena, slice_of(key));
    return code;
}

int sources_remove(struct sources *sources, uint16_t number, struct err *err) {
    pthread_mutex_lock(&sources->changing);
    const struct known *known = number <= SOURCE_MAX ? sources->all[number] : NULL;
    int code;
    if (!known || known->removed) {
        code = err_set(err, E_NOT_FOUND, "no source %u", number);
    } else {
        struct source_record record = known->record;
        code = change(sources, &record, true, err);
    }
    pthread_mutex_unlock(&sources->changing);
    return code;
}

int sources_ensure(struct sources *sources, const char *name, const char *kind, const char *channel,
                   struct source *source, struct err *err) {
    struct arena arena;
    arena_init(&arena);
    pthread_mutex_lock(&sources->changing);
    const struct known *known = by_name(sources, name);
    struct source_record record = {.name = name, .kind = kind, .channel = channel};
    int code = known ? 0 : add(sources, &arena, &record, err);
    if (!code) {
        if (!known)
            known = sources->all[record.number];
        *source = source_of(known);
    }
    pthread_mutex_unlock(&sources->changing);
    arena_release(&arena);
    return code;
}
