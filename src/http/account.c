/*
 * Opening of accounts; roles and scopes; the setup token; small helpers of the files beside.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/account_internal.h"

static const struct {
    const char *name;
    enum role role;
    unsigned scopes;
} roles[] = {
    {"viewer", ROLE_VIEWER, SCOPE_QUERY},
    {"agent", ROLE_AGENT, SCOPE_QUERY},
    {"unit_manager", ROLE_UNIT_MANAGER, SCOPE_QUERY},
    {"analyst", ROLE_ANALYST, SCOPE_QUERY | SCOPE_IMPORT | SCOPE_MANAGE},
    {"administrator", ROLE_ADMIN,
     SCOPE_QUERY | SCOPE_IMPORT | SCOPE_MANAGE | SCOPE_ADMIN | SCOPE_METRICS},
    {"owner", ROLE_OWNER, SCOPE_QUERY | SCOPE_IMPORT | SCOPE_MANAGE | SCOPE_ADMIN | SCOPE_METRICS},
};
static const struct {
    enum scope scope;
    const char *name;
} scopes[] = {
    {SCOPE_COLLECT, "collect"}, {SCOPE_QUERY, "query"}, {SCOPE_IMPORT, "import"},
    {SCOPE_MANAGE, "manage"},   {SCOPE_ADMIN, "admin"}, {SCOPE_METRICS, "metrics"},
};
enum { ROLES = sizeof roles / sizeof *roles, SCOPES = sizeof scopes / sizeof *scopes };

const char *role_name(enum role role) {
    for (size_t i = 0; i < ROLES; i++)
        if (roles[i].role == role)
            return roles[i].name;
    return "none";
}

enum role role_of(const char *name) {
    for (size_t i = 0; i < ROLES; i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].role;
    return ROLE_NONE;
}

unsigned role_scopes(enum role role) {
    for (size_t i = 0; i < ROLES; i++)
        if (roles[i].role == role)
            return roles[i].scopes;
    return 0;
}

unsigned scopes_within_units(unsigned all) { return all & (SCOPE_QUERY | SCOPE_COLLECT); }

unsigned accounts_floor(struct accounts *accounts) {
    char text[16];
    struct err none = {0};
    sqlite3 *db = store_reader_get(accounts->folder->store);
    int code = store_setting_get(db, FLOOR_SETTING, text, sizeof text, &none);
    store_reader_put(accounts->folder->store, db);
    unsigned long floor = code ? FLOOR_STANDARD : strtoul(text, NULL, 10);
    return floor < 1 || floor > FLOOR_MAX ? FLOOR_STANDARD : (unsigned)floor;
}

unsigned role_floor(struct accounts *accounts, enum role role) {
    return role == ROLE_VIEWER ? accounts_floor(accounts) : 0;
}

const char *scope_name(enum scope scope) {
    for (size_t i = 0; i < SCOPES; i++)
        if (scopes[i].scope == scope)
            return scopes[i].name;
    return "none";
}

unsigned scope_of(const char *name) {
    for (size_t i = 0; i < SCOPES; i++)
        if (strcmp(scopes[i].name, name) == 0)
            return scopes[i].scope;
    return 0;
}

static int count_users(struct accounts *accounts, struct err *err) {
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT count(*) FROM user", err);
    int code = statement ? store_step(statement, err) : E_IO, n = 0;
    if (code == 1) {
        n = sqlite3_column_int(statement, 0);
        sqlite3_reset(statement);
        code = 0;
    }
    store_reader_put(accounts->folder->store, db);
    if (!code)
        atomic_store(&accounts->users, n);
    return code;
}

int accounts_open(struct accounts **out, struct folder *folder, struct err *err) {
    if (sodium_init() < 0)
        return err_set(err, E_INTERNAL, "no source of random numbers");
    struct accounts *accounts = calloc(1, sizeof *accounts);
    if (!accounts)
        abort();
    accounts->folder = folder;
    sem_init(&accounts->hashing, 0, 2);
    accounts->by_address = throttle_new(1.0 / 6, 30);
    accounts->by_pair = throttle_new(1.0 / 6, 10);
    accounts->by_email = throttle_new(1.0 / 10, 100);
    accounts->by_second = throttle_new(1.0 / 6, 10);
    const struct hash_key *key = vault_token_key(folder->vault);
    crypto_generichash(accounts->csrf_key, HASH_BYTES, (const unsigned char *)"csrf", 4, key->bytes,
                       sizeof key->bytes);
    crypto_generichash(accounts->audit_key, HASH_BYTES, (const unsigned char *)"audit", 5,
                       key->bytes, sizeof key->bytes);
    int code = count_users(accounts, err);
    if (code) {
        accounts_close(accounts);
        return code;
    }
    *out = accounts;
    return 0;
}

void accounts_close(struct accounts *accounts) {
    if (!accounts)
        return;
    throttle_free(accounts->by_address);
    throttle_free(accounts->by_pair);
    throttle_free(accounts->by_email);
    throttle_free(accounts->by_second);
    sem_destroy(&accounts->hashing);
    sodium_memzero(accounts, sizeof *accounts);
    free(accounts);
}

bool accounts_need_setup(struct accounts *accounts) { return atomic_load(&accounts->users) == 0; }

/* The first token (of `init`) stays good beside the newest one (of each `serve`). */
static const char *const setup_settings[] = {"setup_token_hash", "setup_token_hash_newest"};

static int put_setup_hash(void *context, sqlite3 *db, struct err *err) {
    char kept[2 * HASH_BYTES + 1];
    struct err none = {0};
    bool first = store_setting_get(db, setup_settings[0], kept, sizeof kept, &none) == E_NOT_FOUND;
    return store_setting_put(db, setup_settings[first ? 0 : 1], context, err);
}

int accounts_setup_token(struct accounts *accounts, char token[TOKEN_TEXT_BYTES], struct err *err) {
    unsigned char hash[HASH_BYTES];
    char text[2 * HASH_BYTES + 1];
    token_make("", token);
    token_hash(token, hash);
    sodium_bin2hex(text, sizeof text, hash, sizeof hash);
    return store_write(accounts->folder->store, put_setup_hash, text, err);
}

bool accounts_setup_token_valid(struct accounts *accounts, const char *token) {
    if (!token || !accounts_need_setup(accounts))
        return false;
    unsigned char hash[HASH_BYTES];
    char text[2 * HASH_BYTES + 1], kept[2 * HASH_BYTES + 1] = "";
    token_hash(token, hash);
    sodium_bin2hex(text, sizeof text, hash, sizeof hash);
    sqlite3 *db = store_reader_get(accounts->folder->store);
    bool valid = false;
    for (size_t i = 0; db && i < 2; i++) {
        struct err none = {0};
        int code = store_setting_get(db, setup_settings[i], kept, sizeof kept, &none);
        valid |= code == 0 && sodium_memcmp(text, kept, sizeof text) == 0;
    }
    if (db)
        store_reader_put(accounts->folder->store, db);
    return valid;
}

const char *units_to_text(const char **units, size_t n, struct arena *arena) {
    if (!units)
        return "";
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(units[i]));
    char *dump = json_dumps(list, JSON_COMPACT);
    const char *text = arena_text(arena, slice_of(dump ? dump : "[]"));
    free(dump);
    json_decref(list);
    return text;
}

void units_from_text(const char *text, struct arena *arena, const char ***units, size_t *n) {
    *units = NULL;
    *n = 0;
    if (!text[0])
        return;
    json_t *list = json_loads(text, 0, NULL);
    *units = ARENA_ARRAY(arena, const char *, json_array_size(list) + 1);
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name) {
        const char *value = json_string_value(name);
        if (value)
            (*units)[(*n)++] = arena_text(arena, slice_of(value));
    }
    json_decref(list);
}

const char *column_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? arena_text(arena, slice_of((const char *)text)) : "";
}

void bind_text(sqlite3_stmt *statement, int column, const char *text) {
    sqlite3_bind_text(statement, column, text ? text : "", -1, SQLITE_TRANSIENT);
}
