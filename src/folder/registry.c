/*
 * The registry of properties in the records, and by code in memory: see registry.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "customer/kinds.h"

const char *const SENSITIVITY_NAMES[SENSITIVITIES] = {"automatic", "open", "personal", "sensitive"};

enum { CODES = UINT16_MAX + 1, UNREAD = 255 };

struct registry {
    pthread_mutex_t lock;
    _Atomic uint8_t of_code[CODES]; /* enum sensitivity, or UNREAD */
};

static void forget_all(struct registry *registry) {
    for (size_t code = 0; code < CODES; code++)
        atomic_store_explicit(&registry->of_code[code], UNREAD, memory_order_relaxed);
}

static int make(struct folder *folder, void **value, struct err *err) {
    (void)folder;
    (void)err;
    struct registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        abort();
    pthread_mutex_init(&registry->lock, NULL);
    forget_all(registry);
    *value = registry;
    return 0;
}

static void release(void *value) {
    struct registry *registry = value;
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

static struct registry *registry_in(struct folder *folder) {
    static const char KEY[] = "property registry";
    void *value = NULL;
    struct err none = {0};
    return folder_keep(folder, KEY, make, release, &value, &none) ? NULL : value;
}

static enum sensitivity sensitivity_of(const unsigned char *text) {
    for (int i = 0; text && i < SENSITIVITIES; i++)
        if (strcmp((const char *)text, SENSITIVITY_NAMES[i]) == 0)
            return (enum sensitivity)i;
    return SENSITIVITY_AUTOMATIC;
}

static enum sensitivity guess(struct slice name) {
    return name_identifies(name) ? SENSITIVITY_PERSONAL : SENSITIVITY_AUTOMATIC;
}

/* 1 when it is declared. */
static int read_note(sqlite3 *db, struct slice name, struct arena *arena,
                     struct property_note *note, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT sensitivity, purpose, note FROM property_note WHERE name = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, name.p, (int)name.n, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code == 1) {
        note->sensitivity = sensitivity_of(sqlite3_column_text(statement, 0));
        note->declared = true;
        if (arena) {
            note->purpose =
                arena_text(arena, slice_of((const char *)sqlite3_column_text(statement, 1)));
            note->note =
                arena_text(arena, slice_of((const char *)sqlite3_column_text(statement, 2)));
        }
    }
    sqlite3_reset(statement);
    return code;
}

/* "group.address", "properties.x": what stands for a property of another name is as sensitive as that one, unless it was declared itself. */
static struct slice plain_name(struct slice name) {
    static const char *const prefixes[] = {"group.", "properties."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i]);
        if (name.n > n && memcmp(name.p, prefixes[i], n) == 0)
            return (struct slice){name.p + n, name.n - n};
    }
    return name;
}

/* What the records say of a name, else what it says itself. *known: they could be read. */
static enum sensitivity look_up(struct folder *folder, struct slice name, bool *known) {
    struct property_note note = {.sensitivity = guess(name)};
    struct slice plain = plain_name(name);
    struct err none = {0};
    sqlite3 *db = store_reader_get(folder->store);
    int code = db ? read_note(db, name, NULL, &note, &none) : E_IO;
    if (code == 0 && plain.n != name.n)
        code = read_note(db, plain, NULL, &note, &none);
    store_reader_put(folder->store, db);
    *known = code >= 0;
    return note.sensitivity;
}

enum sensitivity registry_of(struct folder *folder, uint32_t code) {
    struct registry *registry = registry_in(folder);
    struct slice name = dictionary_name(folder->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
    bool readable;
    if (!registry)
        return guess(name);
    _Atomic uint8_t *place = &registry->of_code[(uint16_t)code];
    uint8_t known = atomic_load_explicit(place, memory_order_relaxed);
    if (known != UNREAD)
        return (enum sensitivity)known;
    pthread_mutex_lock(&registry->lock); /* so that a change meanwhile is not overwritten */
    enum sensitivity of = look_up(folder, name, &readable);
    if (readable)
        atomic_store_explicit(place, (uint8_t)of, memory_order_relaxed);
    pthread_mutex_unlock(&registry->lock);
    return of;
}

enum sensitivity registry_of_name(struct folder *folder, struct slice name) {
    uint16_t sent = dictionary_find(folder->dictionary, DICTIONARY_PROPERTY, name);
    bool readable;
    return sent ? registry_of(folder, sent) : look_up(folder, name, &readable);
}

enum sensitivity registry_of_kind(struct folder *folder, struct slice kind) {
    const struct identifier_kind *found = kind_find(kinds_of(folder->customers), kind);
    enum sensitivity most = SENSITIVITY_AUTOMATIC;
    for (size_t i = 0; found && found->traits && found->traits[i]; i++) {
        enum sensitivity of = registry_of_name(folder, slice_of(found->traits[i]));
        most = of > most ? of : most;
    }
    return most;
}

/* ---- the list ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct property_note *)a)->name, ((const struct property_note *)b)->name);
}

/* Declared, but never sent. */
static int add_declared(struct folder *folder, sqlite3 *db, struct arena *arena,
                        struct property_note *list, size_t most, size_t *n, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT name, sensitivity, purpose, note FROM property_note", err);
    if (!statement)
        return err->code;
    int code;
    while ((code = store_step(statement, err)) == 1) {
        struct slice name = slice_of((const char *)sqlite3_column_text(statement, 0));
        if (*n == most || dictionary_find(folder->dictionary, DICTIONARY_PROPERTY, name))
            continue;
        list[(*n)++] = (struct property_note){
            .name = arena_text(arena, name),
            .sensitivity = sensitivity_of(sqlite3_column_text(statement, 1)),
            .declared = true,
            .purpose = arena_text(arena, slice_of((const char *)sqlite3_column_text(statement, 2))),
            .note = arena_text(arena, slice_of((const char *)sqlite3_column_text(statement, 3)))};
    }
    return code;
}

int registry_list(struct folder *folder, struct arena *arena, struct property_note **notes,
                  size_t *n, struct err *err) {
    enum { DECLARED_MOST = 10000 };
    uint32_t sent = dictionary_count(folder->dictionary, DICTIONARY_PROPERTY);
    size_t most = (size_t)sent + DECLARED_MOST;
    struct property_note *list = ARENA_ARRAY(arena, struct property_note, most);
    sqlite3 *db = store_reader_get(folder->store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    *n = 0;
    for (uint32_t i = 1; code >= 0 && i <= sent; i++) {
        struct slice name = dictionary_name(folder->dictionary, DICTIONARY_PROPERTY, (uint16_t)i);
        list[*n] = (struct property_note){
            .name = arena_text(arena, name), .sensitivity = guess(name), .purpose = "", .note = ""};
        code = read_note(db, name, arena, &list[(*n)++], err);
    }
    if (code >= 0)
        code = add_declared(folder, db, arena, list, most, n, err);
    store_reader_put(folder->store, db);
    for (size_t i = 0; code >= 0 && i < *n; i++)
        if (!list[i].declared)
            list[i].sensitivity = registry_of_name(folder, slice_of(list[i].name));
    if (*n)
        qsort(list, *n, sizeof *list, by_name);
    *notes = list;
    return code;
}

/* ---- changing ---- */

static int put(void *context, sqlite3 *db, struct err *err) {
    const struct property_note *note = context;
    bool remove = note->sensitivity == SENSITIVITY_AUTOMATIC;
    sqlite3_stmt *statement =
        remove ? STORE_PREPARE(db, "DELETE FROM property_note WHERE name = ?1", err)
               : STORE_PREPARE(db, "INSERT OR REPLACE INTO property_note VALUES (?1, ?2, ?3, ?4)",
                               err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, note->name, -1, SQLITE_STATIC);
    if (!remove) {
        sqlite3_bind_text(statement, 2, SENSITIVITY_NAMES[note->sensitivity], -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, note->purpose, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 4, note->note, -1, SQLITE_STATIC);
    }
    return store_step(statement, err);
}

int registry_put(struct folder *folder, const struct property_note *note, struct err *err) {
    struct property_note copy = *note;
    struct registry *registry = registry_in(folder);
    int code = store_write(folder->store, put, &copy, err);
    if (!code && registry) {
        pthread_mutex_lock(&registry->lock);
        forget_all(registry);
        pthread_mutex_unlock(&registry->lock);
        timeline_seal_again(folder->timeline);
    }
    return code;
}
