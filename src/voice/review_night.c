/*
 * What happens to reviews by themselves: opinions to ask for again, experiences that came in late, devices forgotten; and
 * what is forgotten when a person is erased.
 *
 * AGAIN  After 6 and 12 months of use the first opinion of a customer who had the experience becomes due, however good it was;
 * it stops being due two months later, or when the customer says it. Who sends the question reads review_due_list.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "voice/internal.h"

enum { LATE = 500, DEVICE_DAYS = 90, LATE_DAYS = 90, LEFT_DAYS = 60, NIGHT_MINUTE = 3 * 60 + 20 };

/* ---- opinions again ---- */

static int mark_due(sqlite3 *db, int months, int64_t now_ms, int *marked, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT OR IGNORE INTO review_due(review, months, due_ms, state)"
        " SELECT id, ?1, unixepoch(experience_ms / 1000, 'unixepoch', ?1 || ' months') * 1000, 0"
        " FROM review r WHERE verified AND months = 0 AND site = '' AND state <> 2 AND NOT "
        "forgotten"
        " AND customer > 0"
        " AND unixepoch(experience_ms / 1000, 'unixepoch', ?1 || ' months') * 1000 BETWEEN"
        " ?2 - ?3 AND ?2"
        " AND NOT EXISTS(SELECT 1 FROM review o WHERE o.customer = r.customer"
        " AND o.subject = r.subject AND (o.id < r.id OR o.months = ?1))",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int(statement, 1, months);
    sqlite3_bind_int64(statement, 2, now_ms);
    sqlite3_bind_int64(statement, 3, (int64_t)LEFT_DAYS * DAY_MS);
    int code = store_run(statement, err);
    *marked += sqlite3_changes(db);
    return code;
}

static int leave_old(sqlite3 *db, int64_t now_ms, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "UPDATE review_due SET state = 3 WHERE state = 0 AND due_ms < ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, now_ms - (int64_t)LEFT_DAYS * DAY_MS);
    return store_run(statement, err);
}

static int forget_devices(sqlite3 *db, int64_t now_ms, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "UPDATE review SET device = NULL WHERE device IS NOT NULL AND arrived_ms < ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, now_ms - (int64_t)DEVICE_DAYS * DAY_MS);
    return store_run(statement, err);
}

struct night {
    int64_t now_ms;
    int due;
};

static int keep_night(void *context, sqlite3 *db, struct err *err) {
    struct night *night = context;
    night->due = 0;
    int code = mark_due(db, 6, night->now_ms, &night->due, err);
    if (!code)
        code = mark_due(db, 12, night->now_ms, &night->due, err);
    if (!code)
        code = leave_old(db, night->now_ms, err);
    return code ? code : forget_devices(db, night->now_ms, err);
}

int review_due_list(struct folder *folder, struct arena *arena, struct review_due *due, size_t max,
                    size_t *n, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT d.review, d.months, d.due_ms, r.customer, r.subject FROM review_due d"
                      " JOIN review r ON r.id = d.review WHERE d.state = 0 AND NOT r.forgotten"
                      " ORDER BY d.due_ms, d.review LIMIT ?",
                      err);
    int code = statement ? 1 : E_IO;
    *n = 0;
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)max);
    while (code == 1 && (code = store_step(statement, err)) == 1)
        due[(*n)++] = (struct review_due){.review = (uint64_t)sqlite3_column_int64(statement, 0),
                                          .months = (unsigned)sqlite3_column_int(statement, 1),
                                          .due_ms = sqlite3_column_int64(statement, 2),
                                          .customer = (uint32_t)sqlite3_column_int64(statement, 3),
                                          .subject = voice_text(statement, 4, arena)};
    store_reader_put(folder->store, db);
    return code;
}

struct due_change {
    uint64_t review;
    unsigned months;
    enum review_due_state state;
    int changed;
};

static int set_due(void *context, sqlite3 *db, struct err *err) {
    struct due_change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "UPDATE review_due SET state = ?3 WHERE review = ?1 AND months = ?2", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->review);
    sqlite3_bind_int(statement, 2, (int)change->months);
    sqlite3_bind_int(statement, 3, (int)change->state);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int review_due_set(struct folder *folder, uint64_t review, unsigned months,
                   enum review_due_state state, struct err *err) {
    struct due_change change = {review, months, state, 0};
    int code = store_write(folder->store, set_due, &change, err);
    return code || change.changed ? code : err_set(err, E_NOT_FOUND, "this opinion is not due");
}

/* ---- experiences that came in after the review ---- */

struct late {
    uint64_t id;
    struct incoming incoming;
    unsigned signals;
};

static int read_late(struct folder *folder, int64_t now_ms, struct arena *arena, struct late *late,
                     size_t *n, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT r.id, r.subject, s.kind, r.customer, r.unit, r.created_ms, r.signals,"
        " r.experience_ms FROM review r JOIN review_subject s ON s.name = r.subject"
        " WHERE NOT r.verified AND r.customer > 0 AND r.arrived_ms >= ?1 ORDER BY r.id DESC"
        " LIMIT ?2",
        err);
    int code = statement ? 1 : E_IO;
    *n = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, now_ms - (int64_t)LATE_DAYS * DAY_MS);
        sqlite3_bind_int(statement, 2, LATE);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        late[(*n)++] =
            (struct late){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                          .signals = (unsigned)sqlite3_column_int(statement, 6),
                          .incoming = {.subject = voice_text(statement, 1, arena),
                                       .kind = subject_kind_of(voice_text(statement, 2, arena)),
                                       .customer = (uint32_t)sqlite3_column_int64(statement, 3),
                                       .unit = (uint16_t)sqlite3_column_int(statement, 4),
                                       .created_ms = sqlite3_column_int64(statement, 5),
                                       .ordered_ms = sqlite3_column_int64(statement, 7)}};
    store_reader_put(folder->store, db);
    return code;
}

struct late_list {
    struct late *late;
    size_t n;
};

static int write_late(void *context, sqlite3 *db, struct err *err) {
    const struct late_list *list = context;
    int code = 0;
    for (size_t i = 0; i < list->n && !code; i++) {
        const struct late *late = &list->late[i];
        if (!late->incoming.verified)
            continue;
        unsigned signals = late->signals & ~1U; /* no_purchase */
        sqlite3_stmt *statement =
            STORE_PREPARE(db,
                          "UPDATE review SET verified = 1, experience_ms = ?2, signals = ?3,"
                          " suspicion = ?4, held = held AND ?4 >= 0.5 WHERE id = ?1",
                          err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)late->id);
        sqlite3_bind_int64(statement, 2, late->incoming.experience_ms);
        sqlite3_bind_int64(statement, 3, signals);
        sqlite3_bind_double(statement, 4, signals_suspicion(signals));
        code = store_run(statement, err);
    }
    return code;
}

static int verify_late(struct folder *folder, int64_t now_ms, size_t *found, struct err *err) {
    struct arena arena;
    struct late_list list = {0};
    arena_init(&arena);
    list.late = ARENA_ARRAY(&arena, struct late, LATE);
    int code = read_late(folder, now_ms, &arena, list.late, &list.n, err);
    for (size_t i = 0; i < list.n && !code; i++) {
        struct review_subject subject;
        struct incoming *incoming = &list.late[i].incoming;
        code = subject_find(folder, incoming->subject, &arena, &subject, err);
        if (!code)
            code = incoming_verify(folder, incoming, &subject, err);
        *found += !code && incoming->verified;
    }
    if (!code && *found)
        code = store_write(folder->store, write_late, &list, err);
    arena_release(&arena);
    return code;
}

static int run(struct job_run *run, struct err *err) {
    struct folder *folder = job_folder(run);
    struct night night = {.now_ms = clock_now_ms()};
    size_t verified = 0;
    int more = 1;
    while (more > 0 && !job_cancelled(run))
        more = review_catch_up(folder, err);
    int code = more < 0 ? more : verify_late(folder, night.now_ms, &verified, err);
    if (!code)
        code = store_write(folder->store, keep_night, &night, err);
    if (!code) {
        reviews_changed(folder);
        job_result(run,
                   json_pack("{s:i, s:I}", "due", night.due, "verified", (json_int_t)verified));
    }
    return code;
}

const struct job review_night_job = {
    .name = "reviews.night",
    .summary = "marks whose opinion to ask for again, verifies late, forgets devices",
    .lane = JOB_LONG,
    .daily_minute = NIGHT_MINUTE,
    .run = run};

/* ---- erasure ---- */

static int forget_one(sqlite3 *db, uint32_t profile, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "DELETE FROM review_band WHERE review IN (SELECT id FROM review WHERE customer = ?)",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    int code = store_run(statement, err);
    statement = code ? NULL
                     : STORE_PREPARE(db,
                                     "UPDATE review SET title = '', text = '', author = '',"
                                     " device = NULL, forgotten = 1, customer = 0"
                                     " WHERE customer = ?",
                                     err);
    if (!statement)
        return code ? code : err->code;
    sqlite3_bind_int64(statement, 1, profile);
    return store_run(statement, err);
}

int review_forget(sqlite3 *db, const uint32_t *profiles, size_t n, struct err *err) {
    int code = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = profiles[i] ? forget_one(db, profiles[i], err) : 0;
    return code;
}
