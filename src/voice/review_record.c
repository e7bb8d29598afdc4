/*
 * Records of reviews: adding one with its subject and its signals, reading one back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "voice/internal.h"

/* ---- the subject ---- */

static int subject_ensure(sqlite3 *db, const struct incoming *incoming, const char *organisation,
                          int64_t now_ms, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT OR IGNORE INTO review_subject(name, kind, title, url, experience, created_ms)"
        " VALUES(?, ?, ?, '', '', ?)",
        err);
    if (!statement)
        return err->code;
    const char *title = incoming->kind == SUBJECT_ORGANISATION ? organisation
                        : incoming->subject_title[0]           ? incoming->subject_title
                                                               : incoming->subject;
    voice_bind(statement, 1, incoming->subject);
    voice_bind(statement, 2, subject_kind_name(incoming->kind));
    voice_bind(statement, 3, title);
    sqlite3_bind_int64(statement, 4, now_ms);
    return store_run(statement, err);
}

/* ---- the record ---- */

static int is_there(sqlite3 *db, const char *key, bool *there, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT 1 FROM review WHERE key = ?", err);
    if (!statement)
        return err->code;
    voice_bind(statement, 1, key);
    int code = store_has_row(statement, err);
    *there = code == 1;
    return code < 0 ? code : 0;
}

static int link_is_used(sqlite3 *db, const unsigned char *link, struct err *err) {
    sqlite3_stmt *statement =
        link ? STORE_PREPARE(db, "SELECT 1 FROM review WHERE link = ?", err) : NULL;
    if (!statement)
        return link ? err->code : 0;
    sqlite3_bind_blob(statement, 1, link, REVIEW_LINK_BYTES, SQLITE_TRANSIENT);
    int code = store_step(statement, err);
    if (code != 1)
        return code;
    sqlite3_reset(statement);
    return err_at(err, E_CONFLICT, "/link", "this link was used for a review already");
}

static void bind_blob(sqlite3_stmt *statement, int column, const unsigned char *bytes, int n) {
    if (bytes)
        sqlite3_bind_blob(statement, column, bytes, n, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(statement, column);
}

static int insert(sqlite3 *db, const struct incoming *incoming, int64_t now_ms, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO review(key, subject, customer, stars, title, text, author, language, origin,"
        " site, unit, verified, experience_ms, invited_ms, months, created_ms, arrived_ms, device,"
        " link, state, reason, note, moderated_ms, moderated_by, before, before_reason, suspicion,"
        " signals, held, reply, replied_ms, replied_by, helpful, unhelpful, helpful_low, forgotten)"
        " VALUES(?, ?, ?, ?, sealed(?), sealed(?), sealed(?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "0, '', '', 0, '', -1, '',"
        " 0, 0, 0, '', 0, '', 0, 0, -1, 0)",
        err);
    if (!statement)
        return err->code;
    const char *const texts[] = {incoming->title,    incoming->text,   incoming->author,
                                 incoming->language, incoming->origin, incoming->site};
    const int64_t numbers[] = {incoming->unit,
                               incoming->verified,
                               incoming->experience_ms,
                               incoming->invited_ms,
                               incoming->months,
                               incoming->created_ms,
                               now_ms};
    voice_bind(statement, 1, incoming->key);
    voice_bind(statement, 2, incoming->subject);
    sqlite3_bind_int64(statement, 3, incoming->customer);
    sqlite3_bind_double(statement, 4, incoming->stars);
    for (int i = 0; i < 6; i++)
        voice_bind(statement, 5 + i, texts[i]);
    for (int i = 0; i < 7; i++)
        sqlite3_bind_int64(statement, 11 + i, numbers[i]);
    bind_blob(statement, 18, incoming->device, REVIEW_DEVICE_BYTES);
    bind_blob(statement, 19, incoming->link, REVIEW_LINK_BYTES);
    return store_run(statement, err);
}

/* What nobody has to look at first. */
static bool is_published(sqlite3 *db, const struct incoming *incoming,
                         const struct judgement *judgement) {
    char mode[32] = "";
    struct err ignored = {0};
    if (incoming->site[0] || incoming->published)
        return true;
    return store_setting_get(db, REVIEW_MODERATION_SETTING, mode, sizeof mode, &ignored) == 0 &&
           strcmp(mode, "suspicious") == 0 && !judgement->held && !incoming->masked;
}

static int judge(sqlite3 *db, uint64_t id, const struct incoming *incoming, struct err *err) {
    struct judgement judgement = {0};
    int code = signals_judge(db, id, incoming, &judgement, err);
    if (!code)
        code = signals_keep_text(db, id, incoming->text, err);
    sqlite3_stmt *statement =
        code ? NULL
             : STORE_PREPARE(db,
                             "UPDATE review SET signals = ?2, suspicion = ?3, held = ?4, state = ?5"
                             " WHERE id = ?1",
                             err);
    if (!statement)
        return code ? code : err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    sqlite3_bind_int64(statement, 2, judgement.signals);
    sqlite3_bind_double(statement, 3, judgement.suspicion);
    sqlite3_bind_int(statement, 4, judgement.held);
    sqlite3_bind_int(statement, 5,
                     is_published(db, incoming, &judgement) ? REVIEW_PUBLISHED : REVIEW_WAITS);
    return store_run(statement, err);
}

/* The first opinion was asked for again and here it is. */
static int answer_due(sqlite3 *db, const struct incoming *incoming, struct err *err) {
    sqlite3_stmt *statement =
        incoming->months && incoming->customer
            ? STORE_PREPARE(db,
                            "UPDATE review_due SET state = 2 WHERE months = ?1 AND review IN"
                            " (SELECT id FROM review WHERE customer = ?2 AND subject = ?3)",
                            err)
            : NULL;
    if (!statement)
        return 0;
    sqlite3_bind_int(statement, 1, (int)incoming->months);
    sqlite3_bind_int64(statement, 2, incoming->customer);
    voice_bind(statement, 3, incoming->subject);
    return store_run(statement, err);
}

int record_add(sqlite3 *db, const struct incoming *incoming, const char *organisation,
               int64_t now_ms, uint64_t *id, struct err *err) {
    bool there = false;
    *id = 0;
    int code = is_there(db, incoming->key, &there, err);
    if (code || there)
        return code;
    code = link_is_used(db, incoming->link, err);
    if (!code)
        code = subject_ensure(db, incoming, organisation, now_ms, err);
    if (!code)
        code = insert(db, incoming, now_ms, err);
    if (code)
        return code;
    *id = (uint64_t)sqlite3_last_insert_rowid(db);
    code = judge(db, *id, incoming, err);
    return code ? code : answer_due(db, incoming, err);
}

void record_read(sqlite3_stmt *statement, struct arena *arena, struct review *review) {
    enum { TEXTS = 12 }; /* after the id */
    const char *texts[TEXTS];
    int64_t numbers[RECORD_COLUMNS_N];
    for (int i = 0; i < TEXTS; i++)
        texts[i] = voice_text(statement, 1 + i, arena);
    for (int i = 1 + TEXTS; i < RECORD_COLUMNS_N; i++)
        numbers[i] = sqlite3_column_int64(statement, i);
    *review = (struct review){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                              .subject = texts[0],
                              .title = texts[1],
                              .text = texts[2],
                              .author = texts[3],
                              .language = texts[4],
                              .origin = texts[5],
                              .site = texts[6],
                              .reason = texts[7],
                              .note = texts[8],
                              .moderated_by = texts[9],
                              .reply = texts[10],
                              .replied_by = texts[11],
                              .customer = (uint32_t)numbers[13],
                              .unit = (uint16_t)numbers[14],
                              .stars = sqlite3_column_double(statement, 15),
                              .suspicion = sqlite3_column_double(statement, 16),
                              .helpful_low = sqlite3_column_double(statement, 17),
                              .state = (enum review_state)numbers[18],
                              .verified = numbers[19] != 0,
                              .held = numbers[20] != 0,
                              .forgotten = numbers[21] != 0,
                              .can_undo = numbers[22] >= 0,
                              .signals = (unsigned)numbers[23],
                              .months = (unsigned)numbers[24],
                              .experience_ms = numbers[25],
                              .invited_ms = numbers[26],
                              .created_ms = numbers[27],
                              .arrived_ms = numbers[28],
                              .moderated_ms = numbers[29],
                              .replied_ms = numbers[30],
                              .helpful = (uint64_t)numbers[31],
                              .unhelpful = (uint64_t)numbers[32]};
}
