/*
 * Records of opinion screens: their versions, keys and exit codes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "kiosk/kiosk.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "kiosk/internal.h"

enum { SEALED_MAX_BYTES = 256, HINT_BYTES = 5 };

/* ---- what is kept in memory ---- */

static void free_kiosks(void *value) {
    struct kiosks *kiosks = value;
    pthread_mutex_destroy(&kiosks->lock);
    pthread_mutex_destroy(&kiosks->pages_lock);
    json_decref(kiosks->pages);
    free(kiosks);
}

static int make_kiosks(struct folder *folder, void **value, struct err *err) {
    (void)folder, (void)err;
    struct kiosks *kiosks = calloc(1, sizeof *kiosks);
    if (!kiosks)
        abort();
    pthread_mutex_init(&kiosks->lock, NULL);
    pthread_mutex_init(&kiosks->pages_lock, NULL);
    *value = kiosks;
    return 0;
}

int kiosks_get(struct folder *folder, struct kiosks **kiosks, struct err *err) {
    static const char key[] = "kiosks";
    void *value = NULL;
    int code = folder_keep(folder, key, make_kiosks, free_kiosks, &value, err);
    *kiosks = value;
    return code;
}

void kiosks_changed(struct folder *folder) {
    struct kiosks *kiosks;
    struct err ignored = {0};
    if (kiosks_get(folder, &kiosks, &ignored) == 0)
        atomic_fetch_add(&kiosks->changes, 1);
}

/* A document changed. */
static void kiosks_altered(struct folder *folder) {
    struct kiosks *kiosks;
    struct err ignored = {0};
    if (kiosks_get(folder, &kiosks, &ignored))
        return;
    pthread_mutex_lock(&kiosks->pages_lock);
    json_decref(kiosks->pages);
    kiosks->pages = NULL;
    pthread_mutex_unlock(&kiosks->pages_lock);
    kiosks_changed(folder);
}

uint64_t kiosk_changes(struct folder *folder) {
    struct kiosks *kiosks;
    struct err ignored = {0};
    return kiosks_get(folder, &kiosks, &ignored) == 0 ? atomic_load(&kiosks->changes) : 0;
}

/* ---- reading ---- */

#define KIOSK_COLUMNS                                                                              \
    "SELECT kiosk.id, address, hint, created_ms, document, opened(author), changed_ms, "           \
    "max(revision) "                                                                               \
    "FROM kiosk JOIN kiosk_version ON kiosk = kiosk.id WHERE NOT removed "

static json_t *instant(int64_t time_ms) {
    char text[TIME_TEXT_BYTES];
    time_format(time_ms, text);
    return json_string(text);
}

static json_t *row_json(sqlite3_stmt *statement) {
    const char *text = (const char *)sqlite3_column_text(statement, 4);
    json_t *json = json_loads(text ? text : "{}", 0, NULL);
    if (!json)
        json = json_object();
    json_object_set_new(json, "id",
                        json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)));
    json_object_set_new(json, "address",
                        json_string((const char *)sqlite3_column_text(statement, 1)));
    json_object_set_new(json, "hint", json_string((const char *)sqlite3_column_text(statement, 2)));
    json_object_set_new(json, "created_at", instant(sqlite3_column_int64(statement, 3)));
    json_object_set_new(json, "author",
                        json_string((const char *)sqlite3_column_text(statement, 5)));
    json_object_set_new(json, "changed_at", instant(sqlite3_column_int64(statement, 6)));
    json_object_set_new(json, "revision", json_integer(sqlite3_column_int64(statement, 7)));
    return json;
}

/* Takes over the rest of the statement. */
static int read_rows(sqlite3_stmt *statement, json_t **list, struct err *err) {
    int code = statement ? 1 : E_IO;
    *list = json_array();
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
            json_array_append_new(*list, row_json(statement));
    if (!code)
        return 0;
    json_decref(*list);
    *list = NULL;
    return code;
}

static bool sees(const struct folder *folder, const struct principal *principal,
                 const json_t *kiosk) {
    const char *unit = json_string_value(json_object_get(kiosk, "unit"));
    return principal_sees(
        principal,
        unit ? dictionary_find(folder->dictionary, DICTIONARY_UNIT, slice_of(unit)) : CODE_NONE);
}

int kiosk_list_pages(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    int code = read_rows(
        STORE_PREPARE(db,
                      KIOSK_COLUMNS "GROUP BY kiosk.id HAVING json_extract(document, '$.kind') = "
                                    "'page' ORDER BY kiosk.id",
                      err),
        list, err);
    store_reader_put(folder->store, db);
    return code;
}

/* To whom numbers about a few are not told, they are null. */
static void veil(json_t *kiosk, unsigned floor) {
    static const char *const periods[] = {"today", "week"};
    static const char *const names[] = {"taps", "happy", "misuse"};
    for (size_t p = 0; p < sizeof periods / sizeof *periods; p++) {
        json_t *count = json_object_get(json_object_get(kiosk, "state"), periods[p]);
        json_int_t n = json_integer_value(json_object_get(count, "taps")) +
                       json_integer_value(json_object_get(count, "misuse"));
        for (size_t i = 0; n > 0 && n < floor && i < sizeof names / sizeof *names; i++)
            json_object_set_new(count, names[i], json_null());
    }
}

int kiosk_list(struct folder *folder, const struct principal *principal, int64_t now_ms,
               json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    json_t *all;
    size_t i;
    int code =
        read_rows(STORE_PREPARE(db,
                                KIOSK_COLUMNS "GROUP BY kiosk.id ORDER BY json_extract(document, "
                                              "'$.name') COLLATE NOCASE, kiosk.id",
                                err),
                  &all, err);
    store_reader_put(folder->store, db);
    if (code)
        return code;
    *list = json_array();
    json_t *kiosk;
    json_array_foreach(all, i, kiosk) if (sees(folder, principal, kiosk))
        json_array_append(*list, kiosk);
    json_decref(all);
    code = kiosk_add_states(folder, *list, now_ms, err);
    json_array_foreach(*list, i, kiosk) veil(kiosk, principal->floor);
    if (code) {
        json_decref(*list);
        *list = NULL;
    }
    return code;
}

/* Of the list that a statement gives, the only one. */
static int only(sqlite3_stmt *statement, json_t **kiosk, struct err *err) {
    json_t *list;
    int code = read_rows(statement, &list, err);
    if (code)
        return code;
    *kiosk = json_incref(json_array_get(list, 0));
    json_decref(list);
    return *kiosk ? 0 : err_set(err, E_NOT_FOUND, "no such opinion screen");
}

int kiosk_find(struct folder *folder, const struct principal *principal, uint64_t id,
               int64_t now_ms, json_t **kiosk, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, KIOSK_COLUMNS "AND kiosk.id = ? GROUP BY kiosk.id", err);
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    *kiosk = NULL;
    int code = only(statement, kiosk, err);
    store_reader_put(folder->store, db);
    if (!code && !sees(folder, principal, *kiosk))
        code = err_set(err, E_NOT_FOUND, "no such opinion screen");
    json_t *list = code ? NULL : json_pack("[O]", *kiosk);
    if (list)
        code = kiosk_add_states(folder, list, now_ms, err);
    json_decref(list);
    veil(*kiosk, principal->floor);
    if (code) {
        json_decref(*kiosk);
        *kiosk = NULL;
    }
    return code;
}

int kiosk_at(struct folder *folder, const char *address, json_t **kiosk, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, KIOSK_COLUMNS "AND address = ? GROUP BY kiosk.id", err);
    if (statement)
        sqlite3_bind_text(statement, 1, address, -1, SQLITE_TRANSIENT);
    *kiosk = NULL;
    int code = only(statement, kiosk, err);
    store_reader_put(folder->store, db);
    return code;
}

int kiosk_document(struct folder *folder, uint64_t id, int64_t revision, json_t **document,
                   int64_t *newest, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT document, (SELECT max(revision) FROM kiosk_version WHERE kiosk = ?1) FROM "
        "kiosk_version WHERE kiosk = ?1 ORDER BY revision = ?2 DESC, revision DESC LIMIT 1",
        err);
    int code = statement ? 0 : E_IO;
    if (!code) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        sqlite3_bind_int64(statement, 2, revision);
        code = store_step(statement, err);
    }
    if (code == 1) {
        *document = json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL);
        *newest = sqlite3_column_int64(statement, 1);
        sqlite3_reset(statement);
        code = *document ? 0 : err_set(err, E_CORRUPT, "an opinion screen cannot be read");
    } else if (!code) {
        code = err_set(err, E_NOT_FOUND, "no such opinion screen");
    }
    store_reader_put(folder->store, db);
    return code;
}

/* ---- what is sealed ---- */

/* A column as it was before it was sealed; false if it cannot be opened. */
static bool unseal(const struct folder *folder, sqlite3_stmt *statement, int column,
                   struct buf *plain, struct err *err) {
    struct slice sealed = {sqlite3_column_blob(statement, column),
                           (size_t)sqlite3_column_bytes(statement, column)};
    buf_init(plain, SEALED_MAX_BYTES);
    return !sealed.n || vault_unseal(folder->vault, sealed, plain, err) == 0;
}

int kiosk_signer(struct folder *folder, const char *address, struct kiosk_signer *signer,
                 struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT id, created_ms, secret FROM kiosk WHERE address = ? AND NOT removed", err);
    int code = statement ? 0 : E_IO;
    if (!code) {
        sqlite3_bind_text(statement, 1, address, -1, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    if (code == 1) {
        struct buf plain;
        signer->id = (uint64_t)sqlite3_column_int64(statement, 0);
        signer->created_ms = sqlite3_column_int64(statement, 1);
        bool opened = unseal(folder, statement, 2, &plain, err) && plain.n == sizeof signer->secret;
        if (opened)
            memcpy(signer->secret, plain.p, sizeof signer->secret);
        code = opened ? 0 : err_set(err, E_CORRUPT, "the key of an opinion screen cannot be read");
        buf_release(&plain);
        sqlite3_reset(statement);
    } else if (!code) {
        code = err_set(err, E_NOT_FOUND, "no such opinion screen");
    }
    store_reader_put(folder->store, db);
    return code;
}

int kiosk_exit_code(struct folder *folder, uint64_t id, struct arena *arena, const char **exit,
                    struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT exit_code FROM kiosk WHERE id = ?", err);
    int code = statement ? 0 : E_IO;
    *exit = "";
    if (!code) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        code = store_step(statement, err);
    }
    if (code == 1) {
        struct buf plain;
        code = 0;
        if (unseal(folder, statement, 0, &plain, err))
            *exit = arena_text(arena, buf_slice(&plain));
        else
            code = err_set(err, E_CORRUPT, "the code of an opinion screen cannot be read");
        buf_release(&plain);
        sqlite3_reset(statement);
    }
    store_reader_put(folder->store, db);
    return code;
}

/* What a terminal asks: the newest published version. */
static int add_survey(struct folder *folder, json_t *definition, const char *id, struct err *err) {
    struct survey *survey;
    if (!id[0])
        return 0;
    int code = survey_find(folder, slice_of(id), &survey, err);
    if (code)
        return code;
    json_object_set_new(
        definition, "survey",
        json_pack("{s:s, s:I}", "id", survey->id, "version", (json_int_t)survey->version));
    survey_release(survey);
    return 0;
}

int kiosk_definition(struct folder *folder, const char *address, json_t **definition,
                     struct err *err) {
    static const char *const private[] = {"unit",   "touchpoint", "survey", "silent_min", "id",
                                          "author", "changed_at", "hint",   "created_at"};
    struct kiosk_signer signer;
    struct arena arena;
    const char *exit = "";
    int code = kiosk_signer(folder, address, &signer, err);
    if (!code)
        code = kiosk_at(folder, address, definition, err);
    if (code)
        return code;
    arena_init(&arena);
    const char *survey =
        arena_text(&arena, slice_of(json_string_value(json_object_get(*definition, "survey"))));
    code = kiosk_exit_code(folder, signer.id, &arena, &exit, err);
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        json_object_del(*definition, private[i]);
    if (!code && exit[0]) {
        char mac[MAC_TEXT_BYTES];
        struct slice parts[2] = {SLICE_LITERAL("exit\n"), slice_of(exit)};
        kiosk_mac(signer.secret, parts, 2, mac);
        json_object_set_new(*definition, "exit", json_string(mac));
    }
    if (!code)
        code = add_survey(folder, *definition, survey, err);
    json_object_set_new(*definition, "organisation", json_string(folder->name));
    sodium_memzero(&signer, sizeof signer);
    arena_release(&arena);
    if (code) {
        json_decref(*definition);
        *definition = NULL;
    }
    return code;
}

/* ---- writing ---- */

struct putting {
    struct folder *folder;
    uint64_t id;
    char *document, address[ADDRESS_BYTES + 1], hint[HINT_BYTES];
    const char *author, *unit, *touchpoint;
    struct buf secret, exit_code; /* sealed; secret.n 0: stays */
    bool has_exit_code;
    int64_t now_ms;
    int changed;
};

static void make_address(char address[ADDRESS_BYTES + 1]) {
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789"; /* none that look alike */
    for (int i = 0; i < ADDRESS_BYTES; i++)
        address[i] = letters[randombytes_uniform(sizeof letters - 1)];
    address[ADDRESS_BYTES] = 0;
}

static void seal_key(struct putting *putting, char key[KIOSK_KEY_BYTES]) {
    unsigned char secret[SECRET_BYTES];
    kiosk_key_make(key, secret);
    vault_seal(putting->folder->vault, (struct slice){(const char *)secret, sizeof secret},
               &putting->secret);
    snprintf(putting->hint, sizeof putting->hint, "%s", key + strlen(key) - HINT_BYTES + 1);
    sodium_memzero(secret, sizeof secret);
}

static int insert(struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO kiosk(address, secret, hint, exit_code, created_ms, removed) "
                      "SELECT ?, ?, ?, x'', ?, 0 WHERE (SELECT count(*) FROM kiosk WHERE NOT "
                      "removed) < ?",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, putting->address, -1, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, putting->secret.p, (int)putting->secret.n, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, putting->hint, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, putting->now_ms);
    sqlite3_bind_int(statement, 5, KIOSKS_MAX);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        return err_set(err, E_REFUSED, "there are %d opinion screens already: remove some",
                       KIOSKS_MAX);
    putting->id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

static int write_exit_code(const struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "UPDATE kiosk SET exit_code = ? WHERE id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, putting->exit_code.n ? putting->exit_code.p : "",
                      (int)putting->exit_code.n, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)putting->id);
    return store_run(statement, err);
}

/* The unit has a code from now on, so that its manager sees the screen before the first tap; a poster's address may name its
 * touchpoint and channel. */
static int add_names(const struct putting *putting, sqlite3 *db, struct err *err) {
    const struct {
        enum dictionary_kind kind;
        const char *name;
    } names[] = {{DICTIONARY_UNIT, putting->unit},
                 {DICTIONARY_TOUCHPOINT, putting->touchpoint},
                 {DICTIONARY_CHANNEL, "qr"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].name && !dictionary_add(putting->folder->dictionary, names[i].kind,
                                             slice_of(names[i].name), db, err))
            return err->code ? err->code : E_REFUSED;
    return 0;
}

static int write_version(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    int code = putting->id ? 0 : insert(putting, db, err);
    if (!code)
        code = add_names(putting, db, err);
    if (!code && putting->has_exit_code)
        code = write_exit_code(putting, db, err);
    sqlite3_stmt *statement =
        code ? NULL
             : STORE_PREPARE(
                   db,
                   "INSERT INTO kiosk_version SELECT id, (SELECT coalesce(max(revision), "
                   "0) + 1 FROM kiosk_version WHERE kiosk = ?1), ?2, sealed(?3), ?4 FROM kiosk "
                   "WHERE id = ?1 AND NOT removed",
                   err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)putting->id);
    sqlite3_bind_text(statement, 2, putting->document, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, putting->author, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, putting->now_ms);
    code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code;
}

/* The document without its code, which is sealed apart. */
static void split(struct putting *putting, const json_t *document) {
    json_t *kept = json_copy((json_t *)(uintptr_t)document);
    const char *exit = json_string_value(json_object_get(document, "exit_code"));
    char made[8];
    if (!exit && !putting->id) { /* no screen is left open because nobody thought of it */
        snprintf(made, sizeof made, "%04u", randombytes_uniform(10000));
        exit = made;
    }
    putting->has_exit_code = exit;
    if (exit && exit[0])
        vault_seal(putting->folder->vault, slice_of(exit), &putting->exit_code);
    json_object_del(kept, "exit_code");
    putting->unit = json_string_value(json_object_get(document, "unit"));
    putting->touchpoint = json_string_value(json_object_get(document, "touchpoint"));
    putting->document = json_dumps(kept, JSON_COMPACT | JSON_SORT_KEYS);
    if (!putting->document)
        abort();
    json_decref(kept);
}

int kiosk_put(struct folder *folder, uint64_t *id, const json_t *document, const char *author,
              char key[KIOSK_KEY_BYTES], struct err *err) {
    struct putting putting = {
        .folder = folder, .id = *id, .author = author ? author : "", .now_ms = clock_now_ms()};
    buf_init(&putting.secret, SEALED_MAX_BYTES);
    buf_init(&putting.exit_code, SEALED_MAX_BYTES);
    split(&putting, document);
    if (!*id) {
        make_address(putting.address);
        seal_key(&putting, key);
    }
    int code = store_write(folder->store, write_version, &putting, err);
    if (!code && !putting.changed)
        code = err_set(err, E_NOT_FOUND, "no such opinion screen");
    if (!code)
        *id = putting.id;
    free(putting.document);
    buf_release(&putting.secret);
    buf_release(&putting.exit_code);
    kiosks_altered(folder);
    return code;
}

static int write_key(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "UPDATE kiosk SET secret = ?, hint = ? WHERE id = ? AND NOT removed", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, putting->secret.p, (int)putting->secret.n, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, putting->hint, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)putting->id);
    int code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code;
}

int kiosk_rekey(struct folder *folder, uint64_t id, char key[KIOSK_KEY_BYTES], struct err *err) {
    struct putting putting = {.folder = folder, .id = id};
    buf_init(&putting.secret, SEALED_MAX_BYTES);
    seal_key(&putting, key);
    int code = store_write(folder->store, write_key, &putting, err);
    buf_release(&putting.secret);
    kiosks_altered(folder);
    return code || putting.changed ? code : err_set(err, E_NOT_FOUND, "no such opinion screen");
}

static int write_removal(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "UPDATE kiosk SET removed = 1 WHERE id = ? AND NOT removed", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)putting->id);
    int code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code;
}

int kiosk_remove(struct folder *folder, uint64_t id, struct err *err) {
    struct putting putting = {.id = id};
    int code = store_write(folder->store, write_removal, &putting, err);
    kiosks_altered(folder);
    return code || putting.changed ? code : err_set(err, E_NOT_FOUND, "no such opinion screen");
}
