/*
 * Answers under way: kept sealed by submission, recorded as partial when nobody goes on, removed when complete or a month
 * after.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/logger.h"
#include "survey/internal.h"
#include "survey/job.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

enum { STATE_BYTES = 256 * 1024, ROUND = 200, KEPT_DAYS = 30 };

static void bind_key(sqlite3_stmt *statement, uint64_t survey, struct slice submission) {
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)survey);
    sqlite3_bind_text(statement, 2, submission.p ? submission.p : "", (int)submission.n,
                      SQLITE_TRANSIENT);
}

static int unseal(struct folder *folder, sqlite3_stmt *statement, int column, json_t **state,
                  struct err *err) {
    struct buf plain;
    struct slice sealed = {sqlite3_column_blob(statement, column),
                           (size_t)sqlite3_column_bytes(statement, column)};
    buf_init(&plain, STATE_BYTES);
    int code = vault_unseal(folder->vault, sealed, &plain, err);
    *state = code ? NULL : json_loadb(plain.p ? plain.p : "", plain.n, 0, NULL);
    buf_release(&plain);
    if (!code && !*state)
        code = err_set(err, E_CORRUPT, "answers under way cannot be read");
    return code;
}

int survey_progress_get(struct folder *folder, const struct survey *survey, struct slice submission,
                        struct survey_progress *progress, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT version, recorded, state, updated_ms FROM survey_progress WHERE "
                      "survey = ? AND submission = ?",
                      err);
    int code = E_IO;
    *progress = (struct survey_progress){0};
    if (statement) {
        bind_key(statement, survey->number, submission);
        code = store_step(statement, err);
    }
    if (code == 1) {
        progress->version = (uint32_t)sqlite3_column_int64(statement, 0);
        progress->recorded = sqlite3_column_int(statement, 1) != 0;
        progress->updated_ms = sqlite3_column_int64(statement, 3);
        code = unseal(folder, statement, 2, &progress->state, err);
        sqlite3_reset(statement);
    } else if (!code) {
        code = err_set(err, E_NOT_FOUND, "nothing was kept under this link");
    }
    store_reader_put(folder->store, db);
    return code;
}

struct keeping {
    uint64_t survey;
    uint32_t version, customer;
    struct slice submission;
    struct buf sealed;
    int64_t now_ms;
    bool recorded;
};

static int put(void *context, sqlite3 *db, struct err *err) {
    struct keeping *keeping = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO survey_progress(survey, submission, version, recorded, state, updated_ms, "
        "customer) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(survey, submission) DO UPDATE "
        "SET state = ?5, "
        "updated_ms = ?6, recorded = max(recorded, ?4)",
        err);
    if (!statement)
        return E_IO;
    bind_key(statement, keeping->survey, keeping->submission);
    sqlite3_bind_int64(statement, 3, keeping->version);
    sqlite3_bind_int(statement, 4, keeping->recorded);
    sqlite3_bind_blob(statement, 5, keeping->sealed.p, (int)keeping->sealed.n, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, keeping->now_ms);
    sqlite3_bind_int64(statement, 7, keeping->customer);
    return store_run(statement, err);
}

static int keep(struct folder *folder, struct keeping *keeping, const json_t *state,
                struct err *err) {
    char *text = json_dumps(state, JSON_COMPACT);
    const char *customer = json_string_value(json_object_get(state, "customer"));
    struct err ignored = {0};
    if (!text)
        abort();
    if (customer &&
        customers_find_profile(folder->customers, slice_of(customer), &keeping->customer, &ignored))
        keeping->customer = 0;
    buf_init(&keeping->sealed, STATE_BYTES + VAULT_EXTRA_BYTES);
    int code = strlen(text) > STATE_BYTES
                   ? err_at(err, E_INVALID, "/answers", "the answers are too long")
                   : 0;
    if (!code)
        vault_seal(folder->vault, slice_of(text), &keeping->sealed);
    free(text);
    if (!code)
        code = store_write(folder->store, put, keeping, err);
    buf_release(&keeping->sealed);
    return code;
}

int survey_progress_put(struct folder *folder, const struct survey *survey, struct slice submission,
                        const json_t *state, int64_t now_ms, struct err *err) {
    struct keeping keeping = {.survey = survey->number,
                              .version = survey->version,
                              .submission = submission,
                              .now_ms = now_ms};
    return keep(folder, &keeping, state, err);
}

static int delete_one(void *context, sqlite3 *db, struct err *err) {
    const struct keeping *keeping = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM survey_progress WHERE survey = ? AND submission = ?", err);
    if (!statement)
        return E_IO;
    bind_key(statement, keeping->survey, keeping->submission);
    return store_run(statement, err);
}

int survey_progress_remove(struct folder *folder, const struct survey *survey,
                           struct slice submission, struct err *err) {
    struct keeping keeping = {.survey = survey->number, .submission = submission};
    return store_write(folder->store, delete_one, &keeping, err);
}

int survey_forget(sqlite3 *db, const uint32_t *profiles, size_t n, struct err *err) {
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        sqlite3_stmt *statement = STORE_PREPARE(
            db, "DELETE FROM survey_progress WHERE customer = ? AND customer > 0", err);
        if (!statement)
            return E_IO;
        sqlite3_bind_int64(statement, 1, profiles[i]);
        code = store_run(statement, err);
    }
    return code;
}

int survey_progress_count(struct folder *folder, uint64_t survey, uint64_t *n, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT count(*) FROM survey_progress WHERE survey = ? AND recorded = 0", err);
    int code = E_IO;
    *n = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)survey);
        code = store_step(statement, err);
    }
    if (code == 1) {
        *n = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
        code = 0;
    }
    store_reader_put(folder->store, db);
    return code;
}

static struct slice member(const json_t *state, const char *name) {
    return slice_of(json_string_value(json_object_get(state, name)));
}

void survey_context_of_state(const struct survey *survey, const json_t *state,
                             struct survey_context *context) {
    const char *language = json_string_value(json_object_get(state, "language"));
    context->hidden = json_object_get(state, "hidden");
    context->traits = json_object_get(state, "traits");
    context->recorded = json_object_get(state, "recorded");
    context->customer = member(state, "customer");
    context->anonymous_id = member(state, "anonymous_id");
    context->invitation = member(state, "invitation");
    context->channel = member(state, "channel");
    context->touchpoint = member(state, "touchpoint");
    context->unit = member(state, "unit");
    context->source.number = (uint16_t)json_integer_value(json_object_get(state, "source"));
    for (size_t i = 0; language && i < survey->n_languages; i++)
        if (strcmp(survey->languages[i], language) == 0)
            context->language = i;
}

/* ---- who did not go on ---- */

struct idle {
    const char *id, *submission;
    uint32_t version;
    int64_t updated_ms;
    enum survey_state state;
};

static int list_idle(struct folder *folder, int64_t now_ms, struct arena *arena, struct idle **list,
                     size_t *n, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT s.id, p.submission, p.version, p.updated_ms, s.state FROM survey_progress p JOIN "
        "survey s ON s.number = p.survey WHERE p.recorded = 0 AND (p.updated_ms < ?1 OR s.state = "
        "2) "
        "ORDER BY p.updated_ms LIMIT ?2",
        err);
    int code = statement ? 1 : E_IO;
    *list = ARENA_ARRAY(arena, struct idle, ROUND);
    *n = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, now_ms - HOUR_MS);
        sqlite3_bind_int(statement, 2, ROUND);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        (*list)[(*n)++] = (struct idle){
            arena_text(arena, slice_of((const char *)sqlite3_column_text(statement, 0))),
            arena_text(arena, slice_of((const char *)sqlite3_column_text(statement, 1))),
            (uint32_t)sqlite3_column_int64(statement, 2), sqlite3_column_int64(statement, 3),
            (enum survey_state)sqlite3_column_int(statement, 4)};
    store_reader_put(folder->store, db);
    return code;
}

static bool says_something(const struct event *responded) {
    const struct value *answers = &responded->properties[responded->n_properties - 1].value;
    return answers->type == VALUE_JSON && answers->text.n > 2;
}

/* The interactions of what was answered, and the mark that they are recorded. */
static int record(struct folder *folder, const struct survey *survey, const struct idle *idle,
                  struct survey_progress *progress, struct err *err) {
    const json_t *answers = json_object_get(progress->state, "answers");
    struct arena arena;
    struct event *events;
    struct event_result results[4] = {0};
    size_t n;
    arena_init(&arena);
    struct survey_context context = {.submission = slice_of(idle->submission),
                                     .time_ms = idle->updated_ms,
                                     .received_ms = idle->updated_ms,
                                     .partial = true};
    survey_context_of_state(survey, progress->state, &context);
    int code = survey_events(folder, survey, answers, &context, &arena, &events, &n, err);
    if (!code && says_something(&events[n - 1])) {
        struct ingest_batch batch = {.source = context.source,
                                     .events = events,
                                     .n = n,
                                     .bytes = SURVEY_ANSWERS_BYTES,
                                     .received_ms = clock_now_ms(),
                                     .results = results};
        code = ingest_run(folder->ingest, &batch, err);
    }
    if (!code) {
        struct keeping keeping = {.survey = survey->number,
                                  .version = survey->version,
                                  .submission = context.submission,
                                  .now_ms = idle->updated_ms,
                                  .recorded = true};
        json_object_set(progress->state, "recorded", (json_t *)(uintptr_t)answers);
        code = keep(folder, &keeping, progress->state, err);
    }
    arena_release(&arena);
    return code;
}

static int record_idle(struct folder *folder, const struct idle *idle, int64_t now_ms, size_t *done,
                       struct err *err) {
    struct survey *survey;
    struct survey_progress progress = {0};
    int code = survey_find_version(folder, slice_of(idle->id), idle->version, &survey, err);
    if (code)
        return code;
    if (idle->state == SURVEY_CLOSED ||
        now_ms - idle->updated_ms >= survey->partial_after_h * HOUR_MS) {
        code = survey_progress_get(folder, survey, slice_of(idle->submission), &progress, err);
        if (!code && !progress.recorded) {
            code = record(folder, survey, idle, &progress, err);
            *done += !code;
        }
        json_decref(progress.state);
    }
    survey_release(survey);
    return code;
}

static int delete_old(void *context, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM survey_progress WHERE recorded = 1 AND updated_ms < ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, *(const int64_t *)context);
    return store_run(statement, err);
}

int survey_record_idle(struct folder *folder, int64_t now_ms, size_t *done, struct err *err) {
    struct arena arena;
    struct idle *list;
    size_t n;
    int64_t before_ms = now_ms - KEPT_DAYS * DAY_MS;
    *done = 0;
    arena_init(&arena);
    int code = list_idle(folder, now_ms, &arena, &list, &n, err);
    for (size_t i = 0; i < n && !code; i++) {
        struct err refusal = {0};
        if (record_idle(folder, &list[i], now_ms, done, &refusal))
            log_warn("survey", "a partial answer was not recorded: %s", refusal.message);
    }
    if (!code)
        code = store_write(folder->store, delete_old, &before_ms, err);
    arena_release(&arena);
    return code;
}

static int run_partial(struct job_run *run, struct err *err) {
    size_t done;
    int code = survey_record_idle(job_folder(run), clock_now_ms(), &done, err);
    job_result(run, json_pack("{s:I}", "recorded", (json_int_t)done));
    return code;
}

const struct job job_survey_partial = {
    .name = "survey.partial",
    .summary = "Records answers that nobody completed as partial ones",
    .lane = JOB_LONG,
    .every_ms = 10 * 60 * 1000,
    .run = run_partial,
};
