/*
 * Plans in the records.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/time.h"
#include "collect/consent.h"
#include "invite/internal.h"
#include "metric/metric.h"
#include "segment/segment.h"
#include "voice/review.h"

static json_t *instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    time_format(ms, text);
    return json_string(text);
}

/* A row of (id, document, running, author, created_ms, changed_ms). */
static json_t *row_json(const struct folder *folder, sqlite3_stmt *statement) {
    struct calendar calendar;
    struct err ignored = {0};
    json_t *json = json_loads((const char *)sqlite3_column_text(statement, 1), 0, NULL);
    if (!json)
        json = json_object();
    const json_t *by = json_object_get(json, "calendar");
    if (by && calendar_parse(by, &calendar, &ignored) == 0)
        json_object_set_new(json, "next_at",
                            instant(calendar_next(&calendar, folder->zone, clock_now_ms())));
    json_object_set_new(json, "id",
                        json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)));
    json_object_set_new(json, "running", json_boolean(sqlite3_column_int(statement, 2)));
    json_object_set_new(json, "author",
                        json_string((const char *)sqlite3_column_text(statement, 3)));
    json_object_set_new(json, "created_at", instant(sqlite3_column_int64(statement, 4)));
    json_object_set_new(json, "changed_at", instant(sqlite3_column_int64(statement, 5)));
    return json;
}

#define PLAN_SELECT                                                                                \
    "SELECT id, opened(document), running, opened(author), created_ms, changed_ms FROM "           \
    "invitation_plan WHERE NOT "                                                                   \
    "removed"

int invite_plans(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, PLAN_SELECT " ORDER BY id", err);
    int code = statement ? 0 : E_IO;
    *list = json_array();
    while (!code && (code = store_step(statement, err)) == 1) {
        json_array_append_new(*list, row_json(folder, statement));
        code = 0;
    }
    store_reader_put(folder->store, db);
    if (code) {
        json_decref(*list);
        *list = NULL;
    }
    return code;
}

int invite_plan(struct folder *folder, uint64_t id, json_t **plan, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, PLAN_SELECT " AND id = ?", err);
    int code = E_IO;
    *plan = NULL;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        code = store_step(statement, err);
    }
    if (code == 1) {
        *plan = row_json(folder, statement);
        sqlite3_reset(statement);
    }
    store_reader_put(folder->store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "no such plan of invitations");
}

/* Without what is added on reading. */
static json_t *document_of(const json_t *plan) {
    static const char *const added[] = {"id",         "running",    "author",
                                        "created_at", "changed_at", "next_at"};
    json_t *document = json_copy((json_t *)(uintptr_t)plan);
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        json_object_del(document, added[i]);
    return document;
}

int plan_load(struct folder *folder, uint64_t id, struct invite_plan *plan, struct err *err) {
    json_t *json, *document;
    int code = invite_plan(folder, id, &json, err);
    *plan = (struct invite_plan){0};
    if (code)
        return code;
    document = document_of(json);
    code = plan_parse(id, document, plan, err);
    json_decref(document);
    json_decref(json);
    return code;
}

int plans_running(struct folder *folder, struct invite_plan **plans, size_t *n, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT id, opened(document), since_seq, since_ms FROM "
                                            "invitation_plan WHERE running AND NOT "
                                            "removed",
                                            err);
    int code = statement ? 0 : E_IO;
    *n = 0;
    *plans = calloc(INVITE_PLANS_MAX, sizeof **plans);
    if (!*plans)
        abort();
    while (!code && (code = store_step(statement, err)) == 1) {
        struct err ignored = {0};
        json_t *document = json_loads((const char *)sqlite3_column_text(statement, 1), 0, NULL);
        struct invite_plan *plan = &(*plans)[*n];
        code = 0;
        if (*n < INVITE_PLANS_MAX - 1 && plan_parse((uint64_t)sqlite3_column_int64(statement, 0),
                                                    document, plan, &ignored) == 0) {
            plan->since_seq = (uint64_t)sqlite3_column_int64(statement, 2);
            plan->since_ms = sqlite3_column_int64(statement, 3);
            ++*n;
        }
        json_decref(document);
    }
    store_reader_put(folder->store, db);
    return code;
}

void plans_free(struct invite_plan *plans, size_t n) {
    for (size_t i = 0; i < n; i++)
        plan_release(&plans[i]);
    free(plans);
}

/* ---- changing ---- */

/* Does the organisation count the survey as of this kind (docs/metrics.md)? */
static int survey_is(struct folder *folder, const char *survey, const char *relation, bool *is,
                     struct err *err) {
    json_t *rows, *row;
    size_t i;
    int code = metric_surveys(folder, &rows, err);
    *is = false;
    if (code)
        return code;
    json_array_foreach(rows, i, row) {
        const char *name = json_string_value(json_object_get(row, "survey")),
                   *what = json_string_value(json_object_get(row, "relation"));
        *is |= name && what && strcmp(name, survey) == 0 && strcmp(what, relation) == 0;
    }
    json_decref(rows);
    return 0;
}

/* What is asked for exists. */
static int check_asked(struct folder *folder, const struct invite_plan *plan, struct err *err) {
    struct survey_row row;
    struct review_subject subject;
    struct arena arena;
    struct err refusal = {0};
    int code = 0;
    arena_init(&arena);
    if (!plan->review)
        code = surveys_get(folder, slice_of(plan->survey), &arena, &row, &refusal);
    else if (plan->subject_name[0])
        code = subject_find(folder, plan->subject_name, &arena, &subject, &refusal);
    arena_release(&arena);
    if (code == E_NOT_FOUND && plan->review)
        return err_at(err, E_INVALID, "/review/subject", "there is nothing of this name to review");
    if (code == E_NOT_FOUND)
        return err_at(err, E_INVALID, "/survey", "there is no such survey");
    if (code)
        *err = refusal;
    return code;
}

/* Survey, segment and purpose exist; a survey about a contact is not sent by calendar. */
static int check_meaning(struct folder *folder, const struct invite_plan *plan, struct err *err) {
    struct err refusal = {0};
    int code = check_asked(folder, plan, err);
    if (code)
        return code;
    if (plan->by_calendar) {
        bool transactional;
        code = survey_is(folder, plan->survey, "transactional", &transactional, err);
        if (!code && transactional)
            code = err_at(err, E_INVALID, "/survey",
                          "this survey is transactional: it is sent after an interaction");
        if (code)
            return code;
    }
    struct purpose purpose;
    if (plan->purpose[0] &&
        !purpose_find(ingest_consents(folder->ingest), slice_of(plan->purpose), &purpose))
        return err_at(err, E_INVALID, "/purpose", "there is no such purpose");
    json_t *segment = NULL;
    if (plan->segment[0] && segment_find(folder, plan->segment, &segment, &refusal))
        return err_at(err, E_INVALID, "/segment", "there is no such segment");
    json_decref(segment);
    return 0;
}

struct putting {
    uint64_t id, since_seq; /* since_ms of a calendar is now_ms */
    const char *document, *author;
    bool running, removed;
    int64_t now_ms;
    int changed;
};

static int insert(struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO invitation_plan(document, running, since_seq, removed, author, created_ms, "
        "changed_ms) "
        "SELECT sealed(?1), 0, 0, 0, sealed(?2), ?3, ?3 WHERE (SELECT count(*) FROM "
        "invitation_plan WHERE NOT "
        "removed) < ?4",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, putting->document, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, putting->author, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, putting->now_ms);
    sqlite3_bind_int(statement, 4, INVITE_PLANS_MAX);
    int code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    if (!code && !putting->changed)
        return err_set(err, E_REFUSED, "there are %d plans already: remove some", INVITE_PLANS_MAX);
    putting->id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

static int write_plan(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    if (!putting->id)
        return insert(putting, db, err);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "UPDATE invitation_plan SET document = sealed(?), "
                                            "changed_ms = ? WHERE id = ? AND NOT removed",
                                            err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, putting->document, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, putting->now_ms);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)putting->id);
    int code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code;
}

int invite_plan_put(struct folder *folder, const struct principal *by, uint64_t *id,
                    const json_t *document, struct err *err) {
    struct invite_plan plan;
    int code = plan_parse(*id, (json_t *)(uintptr_t)document, &plan, err);
    if (!code)
        code = check_meaning(folder, &plan, err);
    plan_release(&plan);
    if (code)
        return code;
    char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        abort();
    struct putting putting = {
        .id = *id, .document = text, .author = by->name ? by->name : "", .now_ms = clock_now_ms()};
    code = store_write(folder->store, write_plan, &putting, err);
    free(text);
    if (!code && !putting.changed)
        code = err_set(err, E_NOT_FOUND, "no such plan of invitations");
    if (!code)
        *id = putting.id;
    return code;
}

static int write_state(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "UPDATE invitation_plan SET running = ?1, removed = ?2, changed_ms = ?3, "
                      "since_seq = ?5, since_ms = ?3 WHERE id = ?4 AND NOT removed",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int(statement, 1, putting->running);
    sqlite3_bind_int(statement, 2, putting->removed);
    sqlite3_bind_int64(statement, 3, putting->now_ms);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)putting->id);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)putting->since_seq);
    int code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code;
}

static int set_state(struct folder *folder, struct putting putting, struct err *err) {
    putting.now_ms = clock_now_ms();
    putting.since_seq = log_last(folder->log);
    int code = store_write(folder->store, write_state, &putting, err);
    return code || putting.changed ? code
                                   : err_set(err, E_NOT_FOUND, "no such plan of invitations");
}

/* A plan that could not send anything is not started. */
static int check_ready(struct folder *folder, uint64_t id, struct err *err) {
    struct invite_plan plan;
    struct outlets outlets;
    struct survey *survey = NULL;
    struct arena arena;
    struct err refusal = {0};
    int code = plan_load(folder, id, &plan, err);
    if (code)
        return code;
    arena_init(&arena);
    if (!plan.review && (survey_find(folder, slice_of(plan.survey), &survey, &refusal) ||
                         survey_check_open(folder, survey, clock_now_ms(), &refusal)))
        code = err_set(err, E_CONFLICT, "the survey is not open: publish it first");
    survey_release(survey);
    if (!code)
        code = outlets_read(folder, &arena, &outlets, err);
    bool any = false;
    for (size_t i = 0; !code && i < plan.n_channels; i++)
        any |= outlets_has(&outlets, plan.channels[i]);
    if (!code && !any)
        code = err_set(err, E_CONFLICT, "there is no way to send: set a relay or a gateway first");
    arena_release(&arena);
    plan_release(&plan);
    return code;
}

/* What is asked by calendar is about the whole relation: its scores stay apart from those of contacts. */
static int keep_apart(struct folder *folder, uint64_t id, struct err *err) {
    struct invite_plan plan;
    bool relational = true;
    int code = plan_load(folder, id, &plan, err);
    if (!code && plan.by_calendar)
        code = survey_is(folder, plan.survey, "relational", &relational, err);
    if (!code && !relational)
        code = metric_survey_put(folder, plan.survey, "relational", err);
    plan_release(&plan);
    return code;
}

int invite_plan_run(struct folder *folder, uint64_t id, bool running, struct err *err) {
    int code = running ? check_ready(folder, id, err) : 0;
    if (!code && running)
        code = keep_apart(folder, id, err);
    return code ? code : set_state(folder, (struct putting){.id = id, .running = running}, err);
}

int invite_plan_remove(struct folder *folder, uint64_t id, struct err *err) {
    return set_state(folder, (struct putting){.id = id, .removed = true}, err);
}
