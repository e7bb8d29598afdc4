/*
 * Deliveries: what is due goes out, what fails is put off (RETRIES), what is over stays in the log for KEPT_DAYS.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fetch.h"
#include "base/time.h"
#include "customer/vault_text.h"
#include "invite/invite.h"
#include "mail/mail.h"
#include "webhook/internal.h"

enum { ROUND = 50, EVERY_MS = 1000, KEPT_DAYS = 30, JITTER = 10, GONE = 410, MAIL_BYTES = 65536 };
#define SECONDS INT64_C(1000)
#define HOURS (3600 * SECONDS)
static const int64_t RETRIES[] = {5 * SECONDS, 300 * SECONDS, 1800 * SECONDS, 2 * HOURS, 5 * HOURS,
                                  10 * HOURS,  14 * HOURS,    20 * HOURS,     24 * HOURS};
enum { TRIES = sizeof RETRIES / sizeof *RETRIES };

struct delivery {
    uint64_t id, webhook;
    const char *message, *type, *body, *target, *secret, *name;
    int attempts;
    bool enabled;
    /* what came of it */
    enum webhook_state state;
    long status;
    const char *error, *disabled; /* disabled: why the webhook is, or "" */
    int64_t now_ms, due_ms;
};

static const char *copied(sqlite3_stmt *statement, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return arena_text(arena, slice_of(text ? text : ""));
}

static int read_due(struct folder *folder, struct arena *arena, struct delivery *due, size_t *n,
                    struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT d.id, webhook, message, type, opened(body), attempts, opened(target), secret, "
        "opened(name), "
        "enabled FROM "
        "webhook_delivery d JOIN webhook w ON w.id = webhook WHERE state = 0 AND due_ms <= ?1 "
        "ORDER BY due_ms, d.id LIMIT ?2",
        err);
    int code = statement ? 1 : E_IO;
    *n = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, clock_now_ms());
        sqlite3_bind_int(statement, 2, ROUND);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        due[(*n)++] = (struct delivery){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                                        .webhook = (uint64_t)sqlite3_column_int64(statement, 1),
                                        .message = copied(statement, 2, arena),
                                        .type = copied(statement, 3, arena),
                                        .body = copied(statement, 4, arena),
                                        .attempts = sqlite3_column_int(statement, 5),
                                        .target = copied(statement, 6, arena),
                                        .secret = copied(statement, 7, arena),
                                        .name = copied(statement, 8, arena),
                                        .enabled = sqlite3_column_int(statement, 9) != 0,
                                        .error = "",
                                        .disabled = ""};
    store_reader_put(folder->store, db);
    return code;
}

/* ---- by request ---- */

static int post(struct folder *folder, struct delivery *delivery, struct arena *arena,
                struct err *err) {
    const char *secret;
    char signature[SIGNED_BYTES];
    struct buf answer;
    int code = vault_unseal_text(folder->vault, delivery->secret, arena, &secret, err);
    if (code)
        return code;
    int64_t now_s = delivery->now_ms / 1000;
    signed_make(secret, delivery->message, now_s, delivery->body, signature);
    const char *headers[] = {arena_format(arena, "webhook-id: %s", delivery->message),
                             arena_format(arena, "webhook-timestamp: %lld", (long long)now_s),
                             arena_format(arena, "webhook-signature: %s", signature), NULL};
    code = fetch(&(struct fetch){.url = delivery->target,
                                 .body = delivery->body,
                                 .headers = headers,
                                 .public_only = !private_targets_allowed()},
                 &delivery->status, &answer, err);
    buf_release(&answer);
    if (delivery->status == GONE)
        delivery->disabled = "gone";
    if (!code && (delivery->status < 200 || delivery->status > 299))
        code = err_set(err, E_BUSY, "the server answers %ld", delivery->status);
    return code;
}

/* ---- by mail ---- */

/* X(type, Spanish, English): the subject of a mail. */
static const struct {
    const char *type, *in[2];
} subjects[] = {
    {"kiosk.silent", {"Pantalla sin señal", "Silent screen"}},
    {"kiosk.back", {"La pantalla vuelve a dar señales", "The screen is back"}},
    {"survey.responded", {"Nueva respuesta a una encuesta", "New answer to a survey"}},
    {"review.written", {"Nueva reseña", "New review"}},
    {"promise.broken", {"Promesa de marca incumplida", "Broken brand promise"}},
    {TEST_TYPE, {"Aviso de prueba", "Trial alert"}},
};
/* Members of `data` that a mail tells, in this order. */
static const struct {
    const char *member, *in[2];
} lines[] = {
    {"name", {"Pantalla", "Screen"}},
    {"unit", {"Centro", "Unit"}},
    {"touchpoint", {"Punto de contacto", "Touchpoint"}},
    {"last_contact_at", {"Última señal", "Last contact"}},
    {"survey", {"Encuesta", "Survey"}},
    {"subject", {"Sobre", "About"}},
    {"rating", {"Estrellas", "Stars"}},
    {"promise", {"Promesa", "Promise"}},
    {"customer", {"Cliente", "Customer"}},
    {"time", {"Cuándo", "When"}},
    {"webhook", {"Aviso", "Alert"}},
};

/* The instant in the organisation's time, other texts as they are. */
static void add_value(struct buf *text, const struct folder *folder, const json_t *value) {
    int64_t ms;
    char local[TIME_TEXT_BYTES];
    const char *said = json_string_value(value);
    if (json_is_number(value)) {
        buf_add_format(text, "%g", json_number_value(value));
    } else if (said && strlen(said) > 19 && time_parse(slice_of(said), NULL, &ms) == 0) {
        time_format(ms + zone_offset_s(folder->zone, ms / 1000) * SECONDS, local);
        buf_add_format(text, "%.10s %.5s", local, local + 11);
    } else if (said) {
        buf_add_format(text, "%.300s", said);
    }
}

static int write_mail(struct folder *folder, const struct delivery *delivery, struct arena *arena,
                      struct err *err) {
    struct mail_relay relay;
    struct buf text;
    bool has;
    int in = strcmp(folder->language, "en") == 0;
    int code = outlets_relay(folder, arena, &relay, &has, err);
    if (!code && !has)
        code = err_set(err, E_BUSY, "there is no mail relay (settings)");
    if (code)
        return code;
    json_t *body = json_loads(delivery->body, 0, NULL);
    const json_t *data = json_object_get(body, "data");
    const char *subject = delivery->type;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        if (strcmp(subjects[i].type, delivery->type) == 0)
            subject = subjects[i].in[in];
    const char *name = json_string_value(json_object_get(data, "name"));
    subject = arena_format(arena, "%s: %s%s%.120s", folder->name, subject, name ? ": " : "",
                           name ? name : "");
    buf_init(&text, MAIL_BYTES);
    buf_add_format(&text, "%s\n\n", subject);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const json_t *value = json_object_get(data, lines[i].member);
        if (!value || json_is_null(value))
            continue;
        buf_add_format(&text, "%s: ", lines[i].in[in]);
        add_value(&text, folder, value);
        buf_add_char(&text, '\n');
    }
    buf_add_char(&text, 0);
    code = mail_send(&relay,
                     &(struct mail_message){.to = delivery->target + strlen(MAIL_SCHEME),
                                            .subject = subject,
                                            .text = text.p,
                                            .id = delivery->message},
                     err);
    buf_release(&text);
    json_decref(body);
    return code;
}

/* ---- what came of it ---- */

static int write_end(void *context, sqlite3 *db, struct err *err) {
    const struct delivery *delivery = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "UPDATE webhook_delivery SET state = ?1, attempts = attempts + 1, due_ms = ?2, status = "
        "?3, error = ?4, ended_ms = iif(?1 = 0, 0, ?5) WHERE id = ?6",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int(statement, 1, (int)delivery->state);
    sqlite3_bind_int64(statement, 2, delivery->due_ms);
    sqlite3_bind_int64(statement, 3, delivery->status);
    sqlite3_bind_text(statement, 4, delivery->error, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 5, delivery->now_ms);
    sqlite3_bind_int64(statement, 6, (sqlite3_int64)delivery->id);
    int code = store_run(statement, err);
    if (code || !delivery->disabled[0])
        return code;
    statement = STORE_PREPARE(
        db, "UPDATE webhook SET enabled = 0, reason = ?1, changed_ms = ?2 WHERE id = ?3", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, delivery->disabled, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, delivery->now_ms);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)delivery->webhook);
    return store_run(statement, err);
}

/* The delay of the next try, up to JITTER per cent longer. */
static int64_t delay_ms(int attempts) {
    int64_t delay = RETRIES[attempts];
    return delay + (int64_t)randombytes_uniform((uint32_t)(delay / 100 * JITTER) + 1);
}

static int deliver(struct folder *folder, struct delivery *delivery, struct err *err) {
    struct arena arena;
    struct err failure = {0};
    bool mail = strncmp(delivery->target, MAIL_SCHEME, strlen(MAIL_SCHEME)) == 0;
    arena_init(&arena);
    delivery->now_ms = clock_now_ms();
    int code = !delivery->enabled ? err_set(&failure, E_REFUSED, "the webhook is disabled")
               : mail             ? write_mail(folder, delivery, &arena, &failure)
                                  : post(folder, delivery, &arena, &failure);
    if (code == E_REFUSED && delivery->enabled && mail)
        delivery->disabled = "refused";
    bool over = code == E_REFUSED || delivery->disabled[0] || delivery->attempts >= TRIES;
    delivery->state = !code ? WEBHOOK_DELIVERED : over ? WEBHOOK_FAILED : WEBHOOK_WAITING;
    delivery->error = code ? failure.message : "";
    if (delivery->state == WEBHOOK_WAITING)
        delivery->due_ms = delivery->now_ms + delay_ms(delivery->attempts);
    code = store_write(folder->store, write_end, delivery, err);
    arena_release(&arena);
    return code;
}

/* A target that does not answer is asked once a round: the others wait for nobody. */
static bool has_failed(const struct delivery *due, size_t before, uint64_t webhook) {
    for (size_t i = 0; i < before; i++)
        if (due[i].webhook == webhook && due[i].state != WEBHOOK_DELIVERED)
            return true;
    return false;
}

static int forget(void *context, sqlite3 *db, struct err *err) {
    const int64_t *before_ms = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM webhook_delivery WHERE state > 0 AND created_ms < ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, *before_ms);
    return store_run(statement, err);
}

static int run(struct job_run *run, struct err *err) {
    struct folder *folder = job_folder(run);
    struct arena arena;
    size_t n = 0;
    int64_t before_ms = clock_now_ms() - (int64_t)KEPT_DAYS * DAY_MS;
    arena_init(&arena);
    struct delivery *due = ARENA_ARRAY(&arena, struct delivery, ROUND);
    int code = read_due(folder, &arena, due, &n, err);
    for (size_t i = 0; !code && i < n && !job_cancelled(run); i++)
        if (!has_failed(due, i, due[i].webhook))
            code = deliver(folder, &due[i], err);
    if (!code && n) {
        code = store_write(folder->store, forget, &before_ms, err);
        job_result(run, json_pack("{s:I}", "tried", (json_int_t)n));
    }
    arena_release(&arena);
    return code;
}

const struct job job_webhook_send = {.name = "webhook.send",
                                     .summary = "sends what webhooks and alerts are told",
                                     .lane = JOB_WEBHOOKS,
                                     .every_ms = EVERY_MS,
                                     .run = run};
