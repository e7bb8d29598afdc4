/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/segmentation.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/time.h"
#include "segment/live.h"

enum {
    TITLE_MAX = 120,
    TEXT_MAX = 2000,
    BELOW_BYTES = 40,
    CHANGES_MAX = 2 * (CLASSES_MAX + 1) /* all classes anew, all old ones gone */
};

static const char REST[] = "rest";

/* ---- reading ---- */

/* A row of (id, name, version, document, author, changed_ms). */
static json_t *row_json(sqlite3_stmt *statement) {
    char time[TIME_TEXT_BYTES];
    json_t *json = json_loads((const char *)sqlite3_column_text(statement, 3), 0, NULL);
    if (!json)
        json = json_object();
    time_format(sqlite3_column_int64(statement, 5), time);
    json_object_set_new(json, "id",
                        json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)));
    json_object_set_new(json, "name", json_string((const char *)sqlite3_column_text(statement, 1)));
    json_object_set_new(json, "version", json_integer(sqlite3_column_int64(statement, 2)));
    json_object_set_new(json, "author",
                        json_string((const char *)sqlite3_column_text(statement, 4)));
    json_object_set_new(json, "changed_at", json_string(time));
    return json;
}

static int read_rows(sqlite3_stmt *statement, json_t **list, struct err *err) {
    int code = statement ? 1 : E_IO;
    *list = json_array();
    while (code == 1 && (code = store_step(statement, err)) == 1)
        json_array_append_new(*list, row_json(statement));
    if (!code)
        return 0;
    json_decref(*list);
    *list = NULL;
    return code;
}

int segmentation_list(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT id, name, max(version), opened(document), opened(author), changed_ms FROM "
        "segmentation JOIN segmentation_version ON segmentation = id GROUP BY id "
        "ORDER BY id",
        err);
    int code = read_rows(statement, list, err);
    store_reader_put(folder->store, db);
    return code;
}

int segmentation_versions(struct folder *folder, const char *name, json_t **versions,
                          struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT id, name, version, opened(document), opened(author), changed_ms FROM segmentation "
        "JOIN segmentation_version ON segmentation = id WHERE name = ? ORDER BY "
        "version DESC",
        err);
    if (statement)
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = read_rows(statement, versions, err);
    store_reader_put(folder->store, db);
    if (code || json_array_size(*versions))
        return code;
    json_decref(*versions);
    *versions = NULL;
    return err_set(err, E_NOT_FOUND, "no segmentation is called \"%.80s\"", name);
}

int segmentation_find(struct folder *folder, const char *name, json_t **segmentation,
                      struct err *err) {
    json_t *versions;
    int code = segmentation_versions(folder, name, &versions, err);
    *segmentation = code ? NULL : json_incref(json_array_get(versions, 0));
    json_decref(code ? NULL : versions);
    return code;
}

/* ---- classes ---- */

static const char *text_in(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const char *rest_name(const json_t *segmentation) {
    const char *name = text_in(json_object_get(segmentation, REST), "name");
    return name[0] ? name : REST;
}

json_t *segmentation_classes(const json_t *segmentation) {
    json_t *list = json_array(), *class, *rest;
    size_t i;
    json_array_foreach(json_object_get(segmentation, "classes"), i, class) {
        json_t *copy = json_copy(class);
        json_object_del(copy, "rule");
        json_array_append_new(list, copy);
    }
    rest = json_object_get(segmentation, REST) ? json_copy(json_object_get(segmentation, REST))
                                               : json_object();
    json_object_set_new(rest, "name", json_string(rest_name(segmentation)));
    if (!text_in(rest, "title")[0])
        json_object_set_new(rest, "title", json_string(rest_name(segmentation)));
    json_array_append_new(list, rest);
    return list;
}

/* {"not": {"any": earlier}} beside the own rule; of the rest alone. earlier: taken over. */
static json_t *class_rule(const json_t *own, json_t *earlier) {
    json_t *others =
        json_array_size(earlier) ? json_pack("{s:{s:O}}", "not", "any", earlier) : NULL;
    json_t *rule = own ? json_pack("{s:[O]}", "all", own) : NULL;
    json_decref(earlier);
    if (rule && others)
        json_array_append_new(json_object_get(rule, "all"), others);
    return rule ? rule : others;
}

json_t *segmentation_rule(const json_t *segmentation, size_t k) {
    const json_t *classes = json_object_get(segmentation, "classes");
    json_t *earlier = json_array();
    for (size_t i = 0; i < k && i < json_array_size(classes); i++)
        json_array_append(earlier, json_object_get(json_array_get(classes, i), "rule"));
    return class_rule(json_object_get(json_array_get(classes, k), "rule"), earlier);
}

/* The same by the names of the classes before, so that what they share is decided once. */
static json_t *stored_rule_of(const json_t *segmentation, const char *name, size_t k) {
    const json_t *classes = json_object_get(segmentation, "classes");
    json_t *earlier = json_array();
    for (size_t i = 0; i < k && i < json_array_size(classes); i++)
        json_array_append_new(
            earlier,
            json_pack("{s:o}", "in",
                      json_sprintf("%s/%s", name, text_in(json_array_get(classes, i), "name"))));
    return class_rule(json_object_get(json_array_get(classes, k), "rule"), earlier);
}

/* ---- checking ---- */

static int check_persona(const json_t *class, const char *below, struct err *err) {
    static const char *const members[] = {"name",  "age",          "quote",   "story",
                                          "goals", "frustrations", "channels"};
    const json_t *persona = json_object_get(class, "persona");
    char pointer[BELOW_BYTES + 16];
    if (!persona || json_is_null(persona))
        return 0;
    snprintf(pointer, sizeof pointer, "%s/persona", below);
    int code = document_only(persona, members, sizeof members / sizeof *members, pointer, err);
    for (size_t i = 0; i < sizeof members / sizeof *members && !code; i++)
        code = document_text(persona, members[i], TEXT_MAX, false, pointer, err);
    return code;
}

/* Texts of a class, its name filled in. */
static int check_class(json_t *class, bool rest, const char *below, struct err *err) {
    static const char *const members[] = {"name",    "title",       "colour", "mission",
                                          "persona", "proposition", "rule"};
    char name[SEGMENT_NAME_BYTES];
    int code = document_only(class, members, sizeof members / sizeof *members - rest, below, err);
    if (!code)
        code = document_text(class, "title", TITLE_MAX, !rest && !json_object_get(class, "name"),
                             below, err);
    if (!code)
        code = document_text(class, "mission", TEXT_MAX, false, below, err);
    if (!code)
        code = document_text(class, "proposition", TEXT_MAX, false, below, err);
    if (!code)
        code = document_colour(class, below, err);
    if (!code)
        code = check_persona(class, below, err);
    if (!code && (!rest || json_object_get(class, "name"))) {
        code = document_name(class, name, below, err);
        if (!code)
            json_object_set_new(class, "name", json_string(name));
    }
    if (!code && !rest && !text_in(class, "title")[0])
        json_object_set_new(class, "title", json_string(text_in(class, "name")));
    return code;
}

static int check_names(const json_t *document, struct err *err) {
    const json_t *classes = json_object_get(document, "classes");
    for (size_t i = 0; i < json_array_size(classes); i++) {
        const char *name = text_in(json_array_get(classes, i), "name");
        bool twice = strcmp(name, rest_name(document)) == 0;
        for (size_t j = 0; j < i && !twice; j++)
            twice = strcmp(name, text_in(json_array_get(classes, j), "name")) == 0;
        if (twice) {
            char pointer[BELOW_BYTES];
            snprintf(pointer, sizeof pointer, "/classes/%zu/name", i);
            return err_at(err, E_INVALID, pointer, "another class is called \"%.80s\"", name);
        }
    }
    return 0;
}

/* Fills in names of classes. */
static int check_document(json_t *document, struct err *err) {
    static const char *const members[] = {"name", "title", "description", "classes", "rest"};
    json_t *classes = json_object_get(document, "classes"), *rest = json_object_get(document, REST);
    int code = document_only(document, members, sizeof members / sizeof *members, "", err);
    if (!code)
        code = document_text(document, "title", TITLE_MAX, !json_object_get(document, "name"), "",
                             err);
    if (!code)
        code = document_text(document, "description", TEXT_MAX, false, "", err);
    if (!code && (!json_is_array(classes) || !json_array_size(classes) ||
                  json_array_size(classes) > CLASSES_MAX))
        code = err_at(err, E_INVALID, "/classes", "must be a list of 1 to %d classes", CLASSES_MAX);
    for (size_t i = 0; i < json_array_size(classes) && !code; i++) {
        char below[BELOW_BYTES], pointer[BELOW_BYTES + 8];
        json_t *class = json_array_get(classes, i);
        snprintf(below, sizeof below, "/classes/%zu", i);
        snprintf(pointer, sizeof pointer, "%s/rule", below);
        code = check_class(class, false, below, err);
        if (!code && !json_is_object(json_object_get(class, "rule")))
            code = err_at(err, E_INVALID, pointer, "must say who belongs to it");
    }
    if (!code && rest && !json_is_null(rest))
        code = check_class(rest, true, "/rest", err);
    return code ? code : check_names(document, err);
}

/* ---- what changes ---- */

/* Rules of a segmentation's classes as they would be; document NULL: none. */
struct changes {
    struct stored_change *all;
    size_t n;
    struct arena arena;
    json_t *rules; /* owns them */
};

static void add_change(struct changes *changes, const char *name, const char *class, json_t *rule) {
    if (rule)
        json_array_append_new(changes->rules, rule);
    changes->all[changes->n++] =
        (struct stored_change){arena_format(&changes->arena, "%s/%s", name, class), rule};
}

static void changes_init(struct changes *changes, const char *name, const json_t *before,
                         const json_t *document) {
    *changes = (struct changes){.rules = json_array()};
    arena_init(&changes->arena);
    changes->all = ARENA_ARRAY(&changes->arena, struct stored_change, CHANGES_MAX);
    json_t *classes = document ? segmentation_classes(document) : json_array(),
           *old = before ? segmentation_classes(before) : json_array(), *class;
    size_t i;
    json_array_foreach(classes, i, class)
        add_change(changes, name, text_in(class, "name"), stored_rule_of(document, name, i));
    json_array_foreach(old, i, class) {
        bool kept = false;
        for (size_t j = 0; j < json_array_size(classes) && !kept; j++)
            kept = strcmp(text_in(json_array_get(classes, j), "name"), text_in(class, "name")) == 0;
        if (!kept)
            add_change(changes, name, text_in(class, "name"), NULL);
    }
    json_decref(classes);
    json_decref(old);
}

static void changes_release(struct changes *changes) {
    json_decref(changes->rules);
    arena_release(&changes->arena);
}

/* The place of a complaint in the document: each rule stands first in its list. */
static int check_changes(struct folder *folder, const struct changes *changes, struct err *err) {
    struct err refusal = {0};
    size_t refused = 0;
    int code = query_check_stored(folder, changes->all, changes->n, &refused, &refusal);
    if (!code)
        return 0;
    char pointer[sizeof refusal.pointer + BELOW_BYTES] = "";
    bool own = strncmp(refusal.pointer, "/all/0", 6) == 0;
    if (code != E_CONFLICT)
        snprintf(pointer, sizeof pointer, "/classes/%zu/rule%.100s", refused,
                 own ? refusal.pointer + 6 : "");
    return err_repeat(err, code, pointer, &refusal);
}

/* ---- writing ---- */

struct putting {
    const char *name, *document, *author;
    const struct changes *changes;
    int64_t now_ms, id;
    bool fresh;
};

static int find_id(sqlite3 *db, const char *name, int64_t *id, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT id FROM segmentation WHERE name = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    int code = store_step(statement, err);
    *id = code == 1 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int insert(struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO segmentation(name) SELECT ? WHERE (SELECT count(*) FROM "
                      "segmentation) < ?",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, putting->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 2, SEGMENTATIONS_MAX);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        code = err_set(err, E_REFUSED, "there are %d segmentations already: remove some",
                       SEGMENTATIONS_MAX);
    putting->id = sqlite3_last_insert_rowid(db);
    return code;
}

static int write_rules(const struct changes *changes, sqlite3 *db, struct err *err) {
    int code = 0;
    for (size_t i = 0; i < changes->n && !code; i++) {
        char *text = changes->all[i].rule ? json_dumps(changes->all[i].rule, JSON_COMPACT) : NULL;
        code = rule_write(db, changes->all[i].name, text, err);
        free(text);
    }
    return code;
}

static int write_version(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    int code = find_id(db, putting->name, &putting->id, err);
    if (!code && putting->fresh && putting->id)
        code = err_at(err, E_CONFLICT, "/name", "another segmentation is called \"%.80s\"",
                      putting->name);
    if (!code && !putting->fresh && !putting->id)
        code = err_set(err, E_NOT_FOUND, "no segmentation is called \"%.80s\"", putting->name);
    if (!code && putting->fresh)
        code = insert(putting, db, err);
    sqlite3_stmt *statement =
        code ? NULL
             : STORE_PREPARE(db,
                             "INSERT INTO segmentation_version SELECT ?1, (SELECT "
                             "coalesce(max(version), 0) + 1 FROM segmentation_version WHERE "
                             "segmentation = ?1), sealed(?2), sealed(?3), ?4",
                             err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, putting->id);
    sqlite3_bind_text(statement, 2, putting->document, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, putting->author, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, putting->now_ms);
    code = store_run(statement, err);
    return code ? code : write_rules(putting->changes, db, err);
}

/* Segments that are built on a class are decided anew. */
static int tell_changes(struct folder *folder, const struct changes *changes, struct err *err) {
    int code = 0;
    for (size_t i = 0; i < changes->n && !code; i++)
        code = live_changed(folder, changes->all[i].name, err);
    return code;
}

static int keep(struct folder *folder, const char *current, json_t *document, const char *name,
                const char *author, struct err *err) {
    json_t *before = NULL;
    struct changes changes;
    struct err ignored = {0};
    if (current && segmentation_find(folder, current, &before, &ignored))
        return err_set(err, E_NOT_FOUND, "no segmentation is called \"%.80s\"", current);
    changes_init(&changes, name, before, document);
    json_decref(before);
    int code = check_changes(folder, &changes, err);
    char *text = code ? NULL : json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    struct putting putting = {.name = name,
                              .document = text,
                              .author = author ? author : "",
                              .changes = &changes,
                              .now_ms = clock_now_ms(),
                              .fresh = !current};
    if (!code)
        code = store_write(folder->store, write_version, &putting, err);
    if (!code)
        code = tell_changes(folder, &changes, err);
    changes_release(&changes);
    free(text);
    return code;
}

int segmentation_put(struct folder *folder, const char *current, const json_t *document,
                     const char *author, char name[SEGMENT_NAME_BYTES], struct err *err) {
    json_t *copy = json_deep_copy(document);
    int code = check_document(copy, err);
    if (!code && current && !json_object_get(copy, "name"))
        snprintf(name, SEGMENT_NAME_BYTES, "%s", current);
    else if (!code)
        code = document_name(copy, name, "", err);
    if (!code && current && strcmp(name, current) != 0)
        code = err_at(err, E_INVALID, "/name", "a segmentation keeps its name");
    if (!code) {
        json_object_del(copy, "name");
        if (!text_in(copy, "title")[0])
            json_object_set_new(copy, "title", json_string(name));
        code = keep(folder, current, copy, name, author, err);
    }
    json_decref(copy);
    return code;
}

static int write_removal(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    int code = find_id(db, putting->name, &putting->id, err);
    for (int table = 0; table < 3 && !code; table++) {
        sqlite3_stmt *statement =
            table == 2 ? STORE_PREPARE(db, "DELETE FROM class_size WHERE segmentation = ?", err)
            : table == 1
                ? STORE_PREPARE(db, "DELETE FROM segmentation WHERE id = ?", err)
                : STORE_PREPARE(db, "DELETE FROM segmentation_version WHERE segmentation = ?", err);
        if (!statement)
            return E_IO;
        sqlite3_bind_int64(statement, 1, putting->id);
        code = store_run(statement, err);
    }
    return code ? code : write_rules(putting->changes, db, err);
}

int segmentation_remove(struct folder *folder, const char *name, struct err *err) {
    json_t *before;
    struct changes changes;
    int code = segmentation_find(folder, name, &before, err);
    if (code)
        return code;
    changes_init(&changes, name, before, NULL);
    json_decref(before);
    struct putting putting = {.name = name, .changes = &changes};
    code = check_changes(folder, &changes, err);
    if (!code)
        code = store_write(folder->store, write_removal, &putting, err);
    changes_release(&changes);
    return code;
}
