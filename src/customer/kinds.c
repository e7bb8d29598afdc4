/*
 * Kinds of identifiers, the standard ones and the organisation's: see kinds.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"
#include "customer/internal.h"

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const NOBODY[] = {"null",
                                     "undefined",
                                     "none",
                                     "nil",
                                     "nan",
                                     "n/a",
                                     "unknown",
                                     "anonymous",
                                     "anonimo",
                                     "anónimo",
                                     "anonymous user",
                                     "guest",
                                     "invitado",
                                     "desconocido",
                                     "[object object]",
                                     NULL};

static const struct identifier_kind STANDARD[] = {
    {"user_id", 0, 100, 1, true, true, false, FORM_TEXT, TEXTS(NULL), NOBODY},
    {"anonymous_id", 10, 0, 90, true, true, false, FORM_TEXT, TEXTS(NULL), NOBODY},
    {"other", 30, 0, 80, false, true, false, FORM_TEXT, TEXTS(NULL), NOBODY},
    {"national_id", 30, 10, 10, true, true, false, FORM_NATIONAL_ID,
     TEXTS("national_id", "dni", "nif", "nie", "cedula", "rut", "curp"), NOBODY},
    {"loyalty", 30, 30, 20, true, true, false, FORM_TEXT,
     TEXTS("loyalty", "loyalty_number", "loyaltyNumber", "numero_socio", "num_socio", "socio"),
     NOBODY},
    {"email", 30, 30, 30, true, true, false, FORM_EMAIL, TEXTS("email", "e-mail", "mail", "correo"),
     NOBODY},
    {"phone", 30, 30, 40, true, true, false, FORM_PHONE,
     TEXTS("phone", "telefono", "teléfono", "movil", "móvil", "mobile"), NOBODY},
    {"device", 10, 100, 70, false, true, false, FORM_TEXT, TEXTS(NULL), NOBODY},
};
enum { STANDARDS = sizeof STANDARD / sizeof STANDARD[0] };

/* A version of the kinds; older ones stay until the end, as events may be under way with them. */
struct kinds_version {
    struct identifier_kinds kinds;
    struct arena arena;
    struct kinds_version *before;
};

const struct identifier_kinds *kinds_of(const struct customers *customers) {
    return &atomic_load_explicit(&customers->kinds, memory_order_acquire)->kinds;
}

void kinds_release(struct customers *customers) {
    struct kinds_version *version = atomic_load(&customers->kinds);
    while (version) {
        struct kinds_version *before = version->before;
        arena_release(&version->arena);
        free(version);
        version = before;
    }
}

const struct identifier_kind *kind_find(const struct identifier_kinds *kinds, struct slice name) {
    for (size_t i = 0; i < kinds->n; i++)
        if (slice_is(name, kinds->kinds[i].name))
            return &kinds->kinds[i];
    return NULL;
}

const struct identifier_kind *kind_of(const struct identifier_kinds *kinds,
                                      const struct identity *identity) {
    if (identity->kind != IDENTITY_EXTERNAL)
        return &kinds->kinds[identity->kind == IDENTITY_USER ? KIND_USER : KIND_ANONYMOUS];
    const struct identifier_kind *kind = NULL;
    for (size_t i = KIND_OTHER + 1; i < kinds->n && !kind; i++)
        if (slice_is(identity->external_type, kinds->kinds[i].name))
            kind = &kinds->kinds[i];
    return kind ? kind : &kinds->kinds[KIND_OTHER];
}

/* Four zeros or more, with whatever divides them. */
static bool all_zeros(struct slice value) {
    enum { LEAST = 4 };
    size_t zeros = 0;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '0')
            zeros++;
        else if (value.p[i] != '-' && value.p[i] != ':')
            return false;
    return zeros >= LEAST;
}

bool kind_blocks(const struct identifier_kind *kind, struct slice value) {
    for (const char *const *blocked = kind->blocked; *blocked; blocked++)
        if (strlen(*blocked) == value.n && strncasecmp(*blocked, value.p, value.n) == 0)
            return true;
    return value.n && value.p[0] == '0' && all_zeros(value);
}

const struct identifier_kind *kind_of_trait(const struct identifier_kinds *kinds,
                                            struct slice name) {
    for (size_t i = KIND_OTHER + 1; i < kinds->n; i++)
        for (const char *const *trait = kinds->kinds[i].traits; *trait; trait++)
            if (slice_is(name, *trait))
                return &kinds->kinds[i];
    return NULL;
}

/* ---- records ---- */

/* Lines of a text. */
static const char *const *lines_of(const char *text, struct arena *arena) {
    const char **lines = ARENA_ARRAY(arena, const char *, KIND_TEXTS_MAX + 1);
    size_t n = 0;
    while (text && *text && n < KIND_TEXTS_MAX) {
        size_t length = strcspn(text, "\n");
        lines[n++] = arena_text(arena, (struct slice){text, length});
        text += length + (text[length] == '\n');
    }
    lines[n] = NULL;
    return lines;
}

static struct identifier_kind *place_of(struct identifier_kinds *kinds, const char *name) {
    for (size_t i = 0; i < kinds->n; i++)
        if (strcmp(kinds->kinds[i].name, name) == 0)
            return &kinds->kinds[i];
    return kinds->n < KINDS_MAX ? &kinds->kinds[kinds->n++] : NULL;
}

static int read_kinds(struct kinds_version *version, sqlite3 *db, struct err *err) {
    struct arena *arena = &version->arena;
    sqlite3_stmt *row = STORE_PREPARE(db,
                                      "SELECT name, max_customers, priority, joins, form, traits,"
                                      " blocked, max_values FROM identifier_kind ORDER BY rowid",
                                      err);
    if (!row)
        return err->code;
    int code;
    while ((code = store_step(row, err)) == 1) {
        const char *name = arena_text(arena, slice_of((const char *)sqlite3_column_text(row, 0)));
        struct identifier_kind *kind = place_of(&version->kinds, name);
        if (!kind)
            continue;
        enum form form = FORM_TEXT;
        form_find((const char *)sqlite3_column_text(row, 4), &form);
        *kind = (struct identifier_kind){
            .name = name,
            .limit = (unsigned)sqlite3_column_int(row, 1),
            .values = sqlite3_column_type(row, 7) == SQLITE_NULL
                          ? kind->values
                          : (unsigned)sqlite3_column_int(row, 7),
            .priority = (unsigned)sqlite3_column_int(row, 2),
            .joins = sqlite3_column_int(row, 3),
            .standard = kind->standard,
            .changed = true,
            .form = form,
            .traits = lines_of((const char *)sqlite3_column_text(row, 5), arena),
            .blocked = lines_of((const char *)sqlite3_column_text(row, 6), arena)};
    }
    return code;
}

/* "es-MX": MX; ES where the organisation does not say. */
static void read_country(struct identifier_kinds *kinds, sqlite3 *db) {
    char region[32] = "";
    struct err none = {0};
    if (store_setting_get(db, "region", region, sizeof region, &none))
        region[0] = 0;
    const char *dash = strrchr(region, '-');
    memcpy(kinds->country, dash && strlen(dash) == 3 ? dash + 1 : "ES", 3);
}

int kinds_load(struct customers *customers, struct err *err) {
    struct kinds_version *version = calloc(1, sizeof *version);
    if (!version)
        abort();
    arena_init(&version->arena);
    memcpy(version->kinds.kinds, STANDARD, sizeof STANDARD);
    version->kinds.n = STANDARDS;
    sqlite3 *db = store_reader_get(customers->store);
    int code =
        db ? read_kinds(version, db, err) : err_set(err, E_IO, "the records could not be read");
    if (!code)
        read_country(&version->kinds, db);
    store_reader_put(customers->store, db);
    if (code) {
        arena_release(&version->arena);
        free(version);
        return code;
    }
    pthread_mutex_lock(&customers->lock);
    version->before = atomic_load(&customers->kinds);
    atomic_store_explicit(&customers->kinds, version, memory_order_release);
    pthread_mutex_unlock(&customers->lock);
    return 0;
}

static void bind_lines(sqlite3_stmt *statement, int at, const char *const *lines) {
    struct buf text;
    buf_init(&text, (size_t)KIND_TEXTS_MAX * FORM_BYTES);
    for (size_t i = 0; i < KIND_TEXTS_MAX && lines[i]; i++) {
        if (i)
            buf_add_char(&text, '\n');
        buf_add_text(&text, lines[i]);
    }
    sqlite3_bind_text(statement, at, text.n ? text.p : "", (int)text.n, SQLITE_TRANSIENT);
    buf_release(&text);
}

static int write_kind(void *context, sqlite3 *db, struct err *err) {
    const struct identifier_kind *kind = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO identifier_kind(name, max_customers, priority, joins, form, traits, blocked,"
        " max_values) VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET"
        " max_customers = ?2, priority = ?3, joins = ?4, form = ?5, traits = ?6, blocked = ?7,"
        " max_values = ?8",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, kind->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, kind->limit);
    sqlite3_bind_int64(statement, 3, kind->priority);
    sqlite3_bind_int(statement, 4, kind->joins);
    sqlite3_bind_text(statement, 5, form_name(kind->form), -1, SQLITE_STATIC);
    bind_lines(statement, 6, kind->traits);
    bind_lines(statement, 7, kind->blocked);
    sqlite3_bind_int64(statement, 8, kind->values);
    return store_step(statement, err);
}

int kinds_put(struct customers *customers, const struct identifier_kind *kind, struct err *err) {
    const struct identifier_kinds *kinds = kinds_of(customers);
    if (!kind_find(kinds, slice_of(kind->name)) && kinds->n == KINDS_MAX)
        return err_set(err, E_REFUSED, "no room for another kind of identifier");
    struct identifier_kind copy = *kind;
    int code = store_write(customers->store, write_kind, &copy, err);
    return code ? code : kinds_load(customers, err);
}

static int remove_kind(void *context, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM identifier_kind WHERE name = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, context, -1, SQLITE_STATIC);
    return store_step(statement, err);
}

int kinds_reset(struct customers *customers, const char *name, struct err *err) {
    const struct identifier_kind *kind = kind_find(kinds_of(customers), slice_of(name));
    if (!kind)
        return err_set(err, E_NOT_FOUND, "no such kind of identifier");
    char copy[LIMIT_NAME_BYTES + 1];
    snprintf(copy, sizeof copy, "%s", name);
    int code = store_write(customers->store, remove_kind, copy, err);
    return code ? code : kinds_load(customers, err);
}
