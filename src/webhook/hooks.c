/*
 * Webhooks in the records.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/time.h"
#include "customer/vault_text.h"
#include "mail/mail.h"
#include "webhook/internal.h"

enum { NAME_BYTES = 120, TARGET_BYTES = 1000 };

static const char *const words[] = {
#define X(name, word, interaction) word,
    WEBHOOK_EVENTS(X)
#undef X
};
const char *webhook_event_word(enum webhook_event event) { return words[event]; }

bool private_targets_allowed(void) {
    const char *allowed = getenv("SENDA_PRIVATE_TARGETS");
    return allowed && strcmp(allowed, "1") == 0;
}

json_t *webhook_instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    if (!ms)
        return json_null();
    time_format(ms, text);
    return json_string(text);
}

/* ---- reading ---- */

#define COLUMNS                                                                                    \
    "SELECT id, opened(name), opened(target), events, enabled, reason, opened(author), "           \
    "created_ms, changed_ms, unit"

static json_t *row_json(sqlite3_stmt *statement) {
    const char *reason = (const char *)sqlite3_column_text(statement, 5),
               *unit = (const char *)sqlite3_column_text(statement, 9);
    json_t *events = json_loads((const char *)sqlite3_column_text(statement, 3), 0, NULL);
    return json_pack("{s:o, s:s, s:s, s:o, s:b, s:o, s:s, s:o, s:o, s:o}", "id",
                     json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)), "name",
                     (const char *)sqlite3_column_text(statement, 1), "target",
                     (const char *)sqlite3_column_text(statement, 2), "events",
                     events ? events : json_array(), "enabled", sqlite3_column_int(statement, 4),
                     "reason", reason && reason[0] ? json_string(reason) : json_null(), "author",
                     (const char *)sqlite3_column_text(statement, 6), "created_at",
                     webhook_instant(sqlite3_column_int64(statement, 7)), "changed_at",
                     webhook_instant(sqlite3_column_int64(statement, 8)), "unit",
                     unit && unit[0] ? json_string(unit) : json_null());
}

int webhooks_list(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, COLUMNS " FROM webhook ORDER BY id", err);
    int code = statement ? 1 : E_IO;
    *list = json_array();
    while (code == 1 && (code = store_step(statement, err)) == 1)
        json_array_append_new(*list, row_json(statement));
    store_reader_put(folder->store, db);
    if (!code)
        return 0;
    json_decref(*list);
    *list = NULL;
    return code;
}

int webhook_find(struct folder *folder, uint64_t id, json_t **webhook, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, COLUMNS " FROM webhook WHERE id = ?", err);
    int code = E_IO;
    *webhook = NULL;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        code = store_step(statement, err);
    }
    if (code == 1) {
        *webhook = row_json(statement);
        sqlite3_reset(statement);
    }
    store_reader_put(folder->store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "no such webhook");
}

/* ---- changing ---- */

static int check_target(const char *target, struct err *err) {
    size_t scheme = strlen(MAIL_SCHEME);
    if (!target || strlen(target) > TARGET_BYTES)
        return err_at(err, E_INVALID, "/target", "must be an https:// or mailto: address");
    if (strncmp(target, MAIL_SCHEME, scheme) == 0)
        return mail_is_address(target + scheme)
                   ? 0
                   : err_at(err, E_INVALID, "/target", "must be an e-mail address");
    bool https = strncmp(target, "https://", 8) == 0 && target[8],
         http = strncmp(target, "http://", 7) == 0 && target[7];
    for (const char *c = target; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127)
            https = http = false;
    return https || (http && private_targets_allowed())
               ? 0
               : err_at(err, E_INVALID, "/target", "must be an https:// or mailto: address");
}

static int check_events(const json_t *events, struct err *err) {
    const json_t *event;
    size_t i;
    if (!json_array_size(events) || json_array_size(events) > WEBHOOK_EVENTS_N)
        return err_at(err, E_INVALID, "/events", "must name what it is told");
    json_array_foreach((json_t *)(uintptr_t)events, i, event) {
        const char *word = json_string_value(event);
        char pointer[40];
        int known = 0;
        snprintf(pointer, sizeof pointer, "/events/%zu", i);
        while (known < WEBHOOK_EVENTS_N && !(word && strcmp(words[known], word) == 0))
            known++;
        if (known == WEBHOOK_EVENTS_N)
            return err_at(err, E_INVALID, pointer, "there is no such event");
    }
    return 0;
}

static int check_unit(const struct folder *folder, const json_t *unit, struct err *err) {
    const char *name = json_string_value(unit);
    if (unit && !json_is_null(unit) && !name)
        return err_at(err, E_INVALID, "/unit", "must be the name of a unit or null");
    return !name || !*name || dictionary_find(folder->dictionary, DICTIONARY_UNIT, slice_of(name))
               ? 0
               : err_at(err, E_INVALID, "/unit", "no such unit");
}

static int check(const struct folder *folder, const json_t *document, struct err *err) {
    static const char *const members[] = {"name", "target", "events", "enabled", "unit"};
    enum { MEMBERS = sizeof members / sizeof *members };
    const char *name = json_string_value(json_object_get(document, "name")), *member;
    const json_t *enabled = json_object_get(document, "enabled");
    json_t *value;
    if (!json_is_object(document))
        return err_at(err, E_MALFORMED, "", "a webhook is a JSON object");
    json_object_foreach((json_t *)(uintptr_t)document, member, value) {
        char pointer[80];
        size_t i = 0;
        while (i < MEMBERS && strcmp(members[i], member) != 0)
            i++;
        snprintf(pointer, sizeof pointer, "/%.60s", member);
        if (i == MEMBERS)
            return err_at(err, E_INVALID, pointer, "unknown member");
    }
    if (!name || !name[0] || strlen(name) > NAME_BYTES)
        return err_at(err, E_INVALID, "/name", "must be a text of at most %d bytes", NAME_BYTES);
    int code = check_target(json_string_value(json_object_get(document, "target")), err);
    if (!code)
        code = check_events(json_object_get(document, "events"), err);
    if (!code && enabled && !json_is_boolean(enabled))
        code = err_at(err, E_INVALID, "/enabled", "must be true or false");
    if (!code)
        code = check_unit(folder, json_object_get(document, "unit"), err);
    return code;
}

struct putting {
    uint64_t id;
    const char *name, *target, *events, *secret, *author, *unit;
    bool enabled;
    int64_t now_ms;
    int changed;
};

static int write_webhook(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    sqlite3_stmt *statement =
        putting->id
            ? STORE_PREPARE(
                  db,
                  "UPDATE webhook SET name = sealed(?1), target = sealed(?2), events = ?3, "
                  "enabled = ?4, changed_ms = ?5, reason = iif(?4, '', reason), unit = ?10 WHERE "
                  "id = ?6",
                  err)
            : STORE_PREPARE(
                  db,
                  "INSERT INTO webhook(name, target, events, enabled, changed_ms, "
                  "created_ms, secret, author, reason, unit) SELECT sealed(?1), sealed(?2), ?3, "
                  "?4, "
                  "?5, ?5, ?7, sealed(?8), '', ?10 WHERE (SELECT count(*) FROM webhook) < ?9",
                  err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, putting->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, putting->target, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, putting->events, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 4, putting->enabled);
    sqlite3_bind_int64(statement, 5, putting->now_ms);
    sqlite3_bind_text(statement, 10, putting->unit, -1, SQLITE_TRANSIENT);
    if (putting->id) {
        sqlite3_bind_int64(statement, 6, (sqlite3_int64)putting->id);
    } else {
        sqlite3_bind_text(statement, 7, putting->secret, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 8, putting->author, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(statement, 9, WEBHOOKS_MAX);
    }
    int code = store_run(statement, err);
    putting->changed = code ? 0 : sqlite3_changes(db);
    return code;
}

/* A new one. The writer may run it more than once: it begins without a number each time. */
static int write_new(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    putting->id = 0;
    int code = write_webhook(putting, db, err);
    if (!code && !putting->changed)
        return err_set(err, E_REFUSED, "there are %d webhooks already: remove some", WEBHOOKS_MAX);
    putting->id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

int webhook_put(struct folder *folder, uint64_t *id, const json_t *document, const char *author,
                char secret[SIGNED_SECRET_BYTES], struct err *err) {
    struct arena arena;
    int code = check(folder, document, err);
    if (code)
        return code;
    arena_init(&arena);
    char *events = json_dumps(json_object_get(document, "events"), JSON_COMPACT);
    if (!events)
        abort();
    const char *unit = json_string_value(json_object_get(document, "unit"));
    if (!*id)
        signed_secret_make(secret);
    struct putting putting = {.id = *id,
                              .name = json_string_value(json_object_get(document, "name")),
                              .target = json_string_value(json_object_get(document, "target")),
                              .events = events,
                              .secret = *id ? "" : vault_seal_text(folder->vault, secret, &arena),
                              .author = author ? author : "",
                              .unit = unit ? unit : "",
                              .enabled = !json_is_false(json_object_get(document, "enabled")),
                              .now_ms = clock_now_ms()};
    code = store_write(folder->store, *id ? write_webhook : write_new, &putting, err);
    if (!code && !putting.changed)
        code = err_set(err, E_NOT_FOUND, "no such webhook");
    if (!code)
        *id = putting.id;
    free(events);
    arena_release(&arena);
    return code;
}

struct keying {
    uint64_t id;
    const char *secret;
    int changed;
};

static int write_secret(void *context, sqlite3 *db, struct err *err) {
    struct keying *keying = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "UPDATE webhook SET secret = ?1 WHERE id = ?2", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, keying->secret, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)keying->id);
    int code = store_run(statement, err);
    keying->changed = code ? 0 : sqlite3_changes(db);
    return code;
}

int webhook_rekey(struct folder *folder, uint64_t id, char secret[SIGNED_SECRET_BYTES],
                  struct err *err) {
    struct arena arena;
    arena_init(&arena);
    signed_secret_make(secret);
    struct keying keying = {.id = id, .secret = vault_seal_text(folder->vault, secret, &arena)};
    int code = store_write(folder->store, write_secret, &keying, err);
    arena_release(&arena);
    return code || keying.changed ? code : err_set(err, E_NOT_FOUND, "no such webhook");
}

static int delete_webhook(void *context, sqlite3 *db, struct err *err) {
    struct keying *keying = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM webhook WHERE id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)keying->id);
    int code = store_run(statement, err);
    keying->changed = code ? 0 : sqlite3_changes(db);
    statement =
        code ? NULL : STORE_PREPARE(db, "DELETE FROM webhook_delivery WHERE webhook = ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)keying->id);
    return store_run(statement, err);
}

int webhook_remove(struct folder *folder, uint64_t id, struct err *err) {
    struct keying keying = {.id = id};
    int code = store_write(folder->store, delete_webhook, &keying, err);
    return code || keying.changed ? code : err_set(err, E_NOT_FOUND, "no such webhook");
}
