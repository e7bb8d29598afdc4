/*
 * What people do with a review: publish, refuse with a reason, take that back, answer; and visitors' votes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "collect/mask.h"
#include "voice/internal.h"

struct change {
    uint64_t id;
    enum review_state state;
    const char *reason, *note, *who, *text;
    int64_t now_ms;
    int changed;
};

static int check_words(const char *pointer, const char *text, size_t max, struct err *err) {
    size_t n = text ? strlen(text) : 0;
    if (n > max)
        return err_at(err, E_INVALID, pointer, "%s is over %zu bytes", pointer + 1, max);
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)text[i] < 0x20 && !strchr("\n\r\t", text[i])) || text[i] == 0x7f)
            return err_at(err, E_INVALID, pointer, "%s has a control character", pointer + 1);
    return 0;
}

static int finish(struct folder *folder, const struct change *change, int code, struct err *err) {
    if (!code && !change->changed)
        return err_set(err, E_NOT_FOUND, "no such review");
    if (!code)
        reviews_changed(folder);
    return code;
}

/* ---- decisions ---- */

static int decide(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "UPDATE review SET before = state, before_reason = reason, state = ?2, reason = ?3,"
        " note = sealed(?4), moderated_ms = ?5, moderated_by = sealed(?6) WHERE id = ?1",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->id);
    sqlite3_bind_int(statement, 2, (int)change->state);
    voice_bind(statement, 3, change->reason);
    voice_bind(statement, 4, change->note);
    sqlite3_bind_int64(statement, 5, change->now_ms);
    voice_bind(statement, 6, change->who);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int review_decide(struct folder *folder, uint64_t id, enum review_state state, const char *reason,
                  const char *note, const char *who, struct err *err) {
    bool refused = state == REVIEW_REFUSED, given = reason && reason[0];
    if (state >= REVIEW_STATES)
        return err_at(err, E_INVALID, "/state", "state must be waiting, published or refused");
    if (refused && !review_reason_is_known(reason)) {
        if (given)
            err_at(err, E_INVALID, "/reason", "\"%.40s\" is no reason to refuse a review", reason);
        else
            err_at(err, E_INVALID, "/reason", "a refusal needs a reason");
        return err_hint(err, "Reasons are insult, personal_data, off_topic, advertising, fake, "
                             "duplicate, conflict_of_interest, illegal and withdrawn.");
    }
    if (!refused && given)
        return err_at(err, E_INVALID, "/reason", "only a refusal has a reason");
    int code = check_words("/note", note, REVIEW_NOTE_BYTES, err);
    if (code)
        return code;
    struct arena arena;
    arena_init(&arena);
    struct change change = {.id = id,
                            .state = state,
                            .reason = refused ? reason : "",
                            .note = mask_text(note, &arena),
                            .who = who,
                            .now_ms = clock_now_ms()};
    code = store_write(folder->store, decide, &change, err);
    arena_release(&arena);
    return finish(folder, &change, code, err);
}

static int undo(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "UPDATE review SET state = before, reason = before_reason, note = '', before = -1,"
        " before_reason = '', moderated_ms = ?2, moderated_by = sealed(?3) WHERE id = ?1 AND "
        "before >= 0",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->id);
    sqlite3_bind_int64(statement, 2, change->now_ms);
    voice_bind(statement, 3, change->who);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int review_undo(struct folder *folder, uint64_t id, const char *who, struct err *err) {
    struct arena arena;
    struct review review;
    arena_init(&arena);
    int code = review_find(folder, id, &arena, &review, err);
    arena_release(&arena);
    if (code)
        return code;
    struct change change = {.id = id, .who = who, .now_ms = clock_now_ms()};
    code = store_write(folder->store, undo, &change, err);
    if (!code && !change.changed)
        return err_set(err, E_CONFLICT, "there is no decision to take back");
    return finish(folder, &change, code, err);
}

/* ---- the answer ---- */

static int reply(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    bool any = change->text[0] != 0;
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "UPDATE review SET reply = sealed(?2), replied_ms = "
                                            "?3, replied_by = sealed(?4) WHERE id = ?1",
                                            err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->id);
    voice_bind(statement, 2, change->text);
    sqlite3_bind_int64(statement, 3, any ? change->now_ms : 0);
    voice_bind(statement, 4, any ? change->who : "");
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int review_reply(struct folder *folder, uint64_t id, const char *text, const char *who,
                 struct err *err) {
    int code = check_words("/text", text, REVIEW_REPLY_BYTES, err);
    if (code)
        return code;
    struct arena arena;
    arena_init(&arena);
    struct change change = {
        .id = id,
        .text = mask_text(arena_text(&arena, utf8_trim(slice_of(text ? text : ""))), &arena),
        .who = who,
        .now_ms = clock_now_ms()};
    code = store_write(folder->store, reply, &change, err);
    arena_release(&arena);
    return finish(folder, &change, code, err);
}

/* ---- votes ---- */

struct voting {
    uint64_t id;
    struct slice visitor;
    int vote, before; /* -1: none */
    double up, down;
    bool full, there;
};

static int read_vote(sqlite3 *db, struct voting *voting, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT helpful, unhelpful,"
                      " (SELECT helpful FROM review_vote WHERE review = ?1 AND visitor = ?2)"
                      " FROM review WHERE id = ?1 AND state = 1",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)voting->id);
    sqlite3_bind_blob(statement, 2, voting->visitor.p, (int)voting->visitor.n, SQLITE_TRANSIENT);
    int code = store_step(statement, err);
    voting->there = code == 1;
    if (code != 1)
        return code;
    voting->up = sqlite3_column_double(statement, 0);
    voting->down = sqlite3_column_double(statement, 1);
    voting->before =
        sqlite3_column_type(statement, 2) == SQLITE_NULL ? -1 : sqlite3_column_int(statement, 2);
    sqlite3_reset(statement);
    voting->full = voting->before < 0 && voting->up + voting->down >= REVIEW_VOTES_MAX;
    return 0;
}

static int write_vote(sqlite3 *db, const struct voting *voting, struct err *err) {
    sqlite3_stmt *statement =
        voting->vote < 0
            ? STORE_PREPARE(db, "DELETE FROM review_vote WHERE review = ?1 AND visitor = ?2", err)
            : STORE_PREPARE(db,
                            "INSERT INTO review_vote(review, visitor, helpful) VALUES(?1, ?2, ?3)"
                            " ON CONFLICT DO UPDATE SET helpful = ?3",
                            err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)voting->id);
    sqlite3_bind_blob(statement, 2, voting->visitor.p, (int)voting->visitor.n, SQLITE_TRANSIENT);
    if (voting->vote >= 0)
        sqlite3_bind_int(statement, 3, voting->vote);
    return store_run(statement, err);
}

static int vote(void *context, sqlite3 *db, struct err *err) {
    struct voting *voting = context;
    int code = read_vote(db, voting, err);
    if (code || !voting->there || voting->full || voting->before == voting->vote)
        return code;
    code = write_vote(db, voting, err);
    double up = voting->up - (voting->before == 1) + (voting->vote == 1),
           down = voting->down - (voting->before == 0) + (voting->vote == 0);
    sqlite3_stmt *statement =
        code ? NULL
             : STORE_PREPARE(
                   db,
                   "UPDATE review SET helpful = ?2, unhelpful = ?3, helpful_low = ?4 WHERE id = ?1",
                   err);
    if (!statement)
        return code ? code : err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)voting->id);
    sqlite3_bind_double(statement, 2, up);
    sqlite3_bind_double(statement, 3, down);
    sqlite3_bind_double(statement, 4,
                        up + down > 0 ? share_estimate(up, up + down, CONFIDENCE_95).low : -1);
    return store_run(statement, err);
}

int review_vote(struct folder *folder, uint64_t id, struct slice visitor, int helpful,
                bool *changed, struct err *err) {
    struct voting voting = {.id = id, .visitor = visitor, .vote = helpful};
    int code = store_write(folder->store, vote, &voting, err);
    if (code)
        return code;
    if (!voting.there)
        return err_set(err, E_NOT_FOUND, "no such review");
    if (voting.full)
        return err_set(err, E_RATE, "this review has as many votes as are kept");
    *changed = voting.before != helpful;
    if (*changed)
        reviews_changed(folder);
    return 0;
}

void review_visitor(struct folder *folder, uint64_t id, const char *address, const char *agent,
                    unsigned char visitor[REVIEW_DEVICE_BYTES]) {
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)id);
    struct slice parts[] = {SLICE_LITERAL("review visitor"), slice_of(number),
                            slice_of(address ? address : ""), slice_of(agent ? agent : "")};
    struct key128 hash = hash_keyed(vault_token_key(folder->vault), parts, 4);
    memcpy(visitor, &hash.a, REVIEW_DEVICE_BYTES);
}
