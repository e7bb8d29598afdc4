/*
 * What happens: interactions of the log that somebody wants to be told, and screens that fall silent or come back.
 *
 * The place in the log and the messages about what stands before it are one transaction. A webhook hears of what happens from
 * when it is there: while there is none, the place moves on without a message.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kiosk/kiosk.h"
#include "timeline/log.h"
#include "webhook/internal.h"

#define POSITION "webhook.position"
enum { ROUND = 20000, MESSAGES = 2000, WATCH_MS = 2000, KIOSKS_MS = 30000 };

static const struct {
    const char *type, *interaction;
} watched[] = {
#define X(name, word, interaction) {word, interaction},
    WEBHOOK_EVENTS(X)
#undef X
};

/* ---- interactions ---- */

/* Properties that a message tells: what was said and about what, nothing of who said it but the customer's number. */
static const char *const told[] = {"survey",  "version",    "submission", "language",   "partial",
                                   "answers", "invitation", "subject",    "product_id", "rating",
                                   "months",  "promise",    "reference",  "due"};

struct round {
    struct folder *folder;
    uint16_t codes[WEBHOOK_EVENTS_N];
    json_t *messages; /* [{"type", "data"}] */
    uint64_t to;      /* the last record that was looked at */
    int64_t now_ms;
};

static json_t *value_json(const struct value *value) {
    switch (value->type) {
    case VALUE_TRUE: return json_true();
    case VALUE_FALSE: return json_false();
    case VALUE_INT: return json_integer(value->integer);
    case VALUE_NUMBER: return json_real(value->number);
    case VALUE_TEXT: return json_stringn(value->text.p, value->text.n);
    case VALUE_JSON: return json_loadb(value->text.p, value->text.n, JSON_DECODE_ANY, NULL);
    default: return NULL;
    }
}

static void put_name(json_t *data, const char *member, struct slice name) {
    json_object_set_new(data, member, name.n ? json_stringn(name.p, name.n) : json_null());
}

static json_t *data_of(const struct round *round, const struct row *row) {
    const struct dictionary *dictionary = round->folder->dictionary;
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    uint32_t code;
    char customer[CUSTOMER_ID_BYTES];
    customer_id_format(row->customer, customer);
    json_t *data =
        json_pack("{s:o, s:o}", "customer", row->customer ? json_string(customer) : json_null(),
                  "time", webhook_instant(row->time_ms));
    put_name(data, "unit", dictionary_name(dictionary, DICTIONARY_UNIT, row->unit));
    put_name(data, "channel", dictionary_name(dictionary, DICTIONARY_CHANNEL, row->channel));
    while (property_next(&cursor, &code, &value)) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        for (size_t i = 0; i < sizeof told / sizeof *told; i++)
            if (slice_is(name, told[i]))
                json_object_set_new(data, told[i], value_json(&value));
    }
    return data;
}

static int visit(void *context, const struct log_record *record) {
    struct round *round = context;
    const struct row *row = &record->row;
    if (json_array_size(round->messages) == MESSAGES)
        return 1;
    round->to = row->seq;
    for (size_t i = 0; row_is_interaction(row->type) && i < WEBHOOK_EVENTS_N; i++)
        if (round->codes[i] && round->codes[i] == row->event)
            json_array_append_new(round->messages, json_pack("{s:s, s:o}", "type", watched[i].type,
                                                             "data", data_of(round, row)));
    return 0;
}

static int write_round(void *context, sqlite3 *db, struct err *err) {
    const struct round *round = context;
    char position[24];
    size_t i;
    const json_t *message;
    json_array_foreach(round->messages, i, message) {
        int code = outbox_add(db, 0, json_string_value(json_object_get(message, "type")),
                              json_object_get(message, "data"), round->now_ms, err);
        if (code)
            return code;
    }
    snprintf(position, sizeof position, "%llu", (unsigned long long)round->to);
    return store_setting_put(db, POSITION, position, err);
}

/* The codes of wanted interactions. */
static int find_codes(struct round *round, bool *any, struct err *err) {
    int code = 0;
    *any = false;
    for (size_t i = 0; !code && i < WEBHOOK_EVENTS_N; i++) {
        bool wants = false;
        if (watched[i].interaction[0])
            code = outbox_wants(round->folder, watched[i].type, &wants, err);
        if (wants)
            round->codes[i] = dictionary_find(round->folder->dictionary, DICTIONARY_EVENT,
                                              slice_of(watched[i].interaction));
        *any |= round->codes[i] != 0;
    }
    return code;
}

/* *known false: this is the first look, the past is told to nobody. */
static int read_position(struct folder *folder, bool *known, uint64_t *position, struct err *err) {
    char text[24] = "";
    sqlite3 *db = store_reader_get(folder->store);
    int code = store_setting_get(db, POSITION, text, sizeof text, err);
    store_reader_put(folder->store, db);
    *known = code == 0;
    *position = strtoull(text, NULL, 10);
    return code == E_NOT_FOUND ? 0 : code;
}

static int watch(struct job_run *run, struct err *err) {
    struct round round = {.folder = job_folder(run), .now_ms = clock_now_ms()};
    uint64_t from, last = log_last(round.folder->log);
    bool any, known;
    int code = read_position(round.folder, &known, &from, err);
    if (code || (known && from >= last))
        return code;
    if (!known)
        from = last;
    code = find_codes(&round, &any, err);
    for (bool first = !known; !code && (first || from < last) && !job_cancelled(run);
         first = false) {
        uint64_t end = any && from + ROUND < last ? from + ROUND : last;
        round.to = end;
        round.messages = json_array();
        if (any && from < last)
            code = log_read(round.folder->log, from + 1, end + 1, visit, &round, err);
        if (code >= 0 && json_array_size(round.messages) < MESSAGES)
            round.to = end;
        if (code >= 0)
            code = store_write(round.folder->store, write_round, &round, err);
        from = round.to;
        json_decref(round.messages);
    }
    return code;
}

const struct job job_webhook_watch = {.name = "webhook.watch",
                                      .summary =
                                          "reads what happened that webhooks and alerts are told",
                                      .lane = JOB_QUICK,
                                      .every_ms = WATCH_MS,
                                      .run = watch};

/* ---- screens ---- */

struct screens {
    struct folder *folder;
    const json_t *kiosks;
    int64_t now_ms;
    int told;
};

static int was_silent(sqlite3 *db, int64_t kiosk, bool *was, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT 1 FROM webhook_kiosk WHERE kiosk = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, kiosk);
    int code = store_step(statement, err);
    *was = code == 1;
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int write_silent(sqlite3 *db, int64_t kiosk, bool silent, int64_t now_ms, struct err *err) {
    sqlite3_stmt *statement =
        silent ? STORE_PREPARE(db, "INSERT INTO webhook_kiosk VALUES(?1, ?2)", err)
               : STORE_PREPARE(db, "DELETE FROM webhook_kiosk WHERE kiosk = ?1", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, kiosk);
    if (silent)
        sqlite3_bind_int64(statement, 2, now_ms);
    return store_run(statement, err);
}

static int tell_screen(struct screens *screens, sqlite3 *db, const json_t *kiosk, bool silent,
                       struct err *err) {
    const json_t *state = json_object_get(kiosk, "state");
    json_t *data =
        json_pack("{s:O, s:O, s:O?, s:O?, s:O?}", "kiosk", json_object_get(kiosk, "id"), "name",
                  json_object_get(kiosk, "name"), "unit", json_object_get(kiosk, "unit"),
                  "touchpoint", json_object_get(kiosk, "touchpoint"), "last_contact_at",
                  json_object_get(state, "last_contact_at"));
    int code =
        outbox_add(db, 0, webhook_event_word(silent ? WEBHOOK_KIOSK_SILENT : WEBHOOK_KIOSK_BACK),
                   data, screens->now_ms, err);
    json_decref(data);
    screens->told++;
    return code;
}

/* Closed is neither: the place opens again, and then it is silent or not. */
static int write_screens(void *context, sqlite3 *db, struct err *err) {
    struct screens *screens = context;
    const json_t *kiosk;
    size_t i;
    screens->told = 0;
    json_array_foreach(screens->kiosks, i, kiosk) {
        const char *is = json_string_value(json_object_get(json_object_get(kiosk, "state"), "is"));
        bool silent = is && strcmp(is, "silent") == 0, ok = is && strcmp(is, "ok") == 0, was;
        int64_t id = strtoll(json_string_value(json_object_get(kiosk, "id")), NULL, 10);
        int code = was_silent(db, id, &was, err);
        if (!code && ((silent && !was) || (ok && was))) {
            code = write_silent(db, id, silent, screens->now_ms, err);
            if (!code)
                code = tell_screen(screens, db, kiosk, silent, err);
        }
        if (code)
            return code;
    }
    return 0;
}

static int watch_kiosks(struct job_run *run, struct err *err) {
    static const struct principal everything = {.role = ROLE_OWNER};
    struct folder *folder = job_folder(run);
    json_t *kiosks;
    int64_t now_ms = clock_now_ms();
    int code = kiosk_list(folder, &everything, now_ms, &kiosks, err);
    if (code)
        return code;
    struct screens screens = {.folder = folder, .kiosks = kiosks, .now_ms = now_ms};
    if (json_array_size(kiosks))
        code = store_write(folder->store, write_screens, &screens, err);
    if (!code && screens.told)
        job_result(run, json_pack("{s:i}", "told", screens.told));
    json_decref(kiosks);
    return code;
}

const struct job job_webhook_kiosks = {.name = "webhook.kiosks",
                                       .summary = "tells of screens that fall silent or come back",
                                       .lane = JOB_QUICK,
                                       .every_ms = KIOSKS_MS,
                                       .run = watch_kiosks};
