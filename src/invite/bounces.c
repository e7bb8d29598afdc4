/*
 * Messages that came back: whose they are, and what follows for the address.
 *
 * TOKEN  "ID-TAG": the invitation's number and 8 bytes of a keyed hash of it and the address that it was sent to. A report is believed
 * only about the address that the tag was made for: the customer's as it is now, or one that the report names.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "invite/internal.h"
#include "mail/bounce.h"

enum { TAG_BYTES = 8 };

const char *bounce_token(struct folder *folder, uint64_t invitation, const char *address,
                         struct arena *arena) {
    struct key128 hash = address_hash(folder, address);
    struct slice parts[] = {SLICE_LITERAL("bounce"),
                            {(const char *)&invitation, sizeof invitation},
                            {(const char *)&hash, sizeof hash}};
    struct key128 tag = hash_keyed(vault_token_key(folder->vault), parts, 3);
    char text[2 * TAG_BYTES + 1];
    sodium_bin2hex(text, sizeof text, (const unsigned char *)&tag, TAG_BYTES);
    return arena_format(arena, "%llu-%s", (unsigned long long)invitation, text);
}

struct returned {
    uint64_t invitation;
    struct key128 report, address;
    enum mail_return kind;
    const char *status;
    int64_t now_ms;
    bool repeated, stopped;
};

static int write_report(const struct returned *returned, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT OR IGNORE INTO invitation_bounce VALUES(?, ?, ?, ?, ?, ?)", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, &returned->report, sizeof returned->report, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, &returned->address, sizeof returned->address, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)returned->invitation);
    sqlite3_bind_int(statement, 4, (int)returned->kind);
    sqlite3_bind_text(statement, 5, returned->status, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 6, returned->now_ms);
    return store_run(statement, err);
}

/* The invitation did not arrive: no reminder follows. */
static int write_returned(const struct returned *returned, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "UPDATE invitation SET bounced_ms = ?1, due_ms = iif(state = 1, 9223372036854775807, "
        "due_ms) WHERE id = ?2",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, returned->now_ms);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)returned->invitation);
    return store_run(statement, err);
}

static int count_soft(const struct returned *returned, sqlite3 *db, int *n, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT count(*) FROM invitation_bounce WHERE address = ?1 AND kind = ?2", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, &returned->address, sizeof returned->address, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 2, RETURN_SOFT);
    int code = store_step(statement, err);
    *n = code == 1 ? sqlite3_column_int(statement, 0) : 0;
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int take(void *context, sqlite3 *db, struct err *err) {
    struct returned *returned = context;
    int soft = 0;
    int code = write_report(returned, db, err);
    returned->repeated = !code && !sqlite3_changes(db);
    returned->stopped = returned->kind == RETURN_FIRM;
    if (code || returned->repeated ||
        (returned->kind != RETURN_FIRM && returned->kind != RETURN_SOFT))
        return code;
    code = write_returned(returned, db, err);
    if (!code && returned->kind == RETURN_SOFT)
        code = count_soft(returned, db, &soft, err);
    returned->stopped |= soft >= INVITE_SOFT_BOUNCES;
    return !code && returned->stopped
               ? address_stop(db, returned->address, true, returned->now_ms, err)
               : code;
}

/* The address that the token was made for: the customer's, or one that the report names. "": none of them. */
static int find_address(struct folder *folder, const struct mail_report *report,
                        uint64_t invitation, struct arena *arena, const char **address,
                        struct err *err) {
    struct contact contact = {.email = ""};
    uint32_t customer;
    *address = "";
    int code = invitation_customer(folder, invitation, &customer, err);
    if (!code)
        code = contact_read(folder, customer, arena, &contact, err);
    if (code)
        return code == E_NOT_FOUND ? 0 : code;
    const char *tried[BOUNCE_ADDRESSES + 1] = {contact.email};
    memcpy(tried + 1, report->addresses, sizeof report->addresses);
    for (size_t i = 0; i < report->n_addresses + 1 && !(*address)[0]; i++)
        if (tried[i][0] &&
            strcmp(bounce_token(folder, invitation, tried[i], arena), report->token) == 0)
            *address = tried[i];
    return 0;
}

/* A report is the same with the same Message-ID, or without one with the same text. */
static struct key128 hash_of(struct folder *folder, const struct mail_report *report,
                             struct slice message) {
    struct slice parts[] = {SLICE_LITERAL("bounce report"), slice_of(report->token),
                            slice_of(mail_return_word(report->kind)),
                            report->id[0] ? slice_of(report->id) : message};
    return hash_keyed(vault_identity_key(folder->vault), parts, 4);
}

int invite_report(struct folder *folder, struct slice message, const char *recipient, json_t **told,
                  struct err *err) {
    struct arena arena;
    struct mail_report report;
    const char *address = "";
    *told = NULL;
    if (!message.n || message.n > BOUNCE_BYTES)
        return err_at(err, E_INVALID, "", "a report has 1 to %d bytes", BOUNCE_BYTES);
    arena_init(&arena);
    mail_report_read(message, &arena, &report);
    const char *path = recipient ? mail_report_token(slice_of(recipient), &arena) : "";
    if (path[0])
        report.token = path;
    struct returned returned = {.invitation = strtoull(report.token, NULL, 10),
                                .kind = report.kind,
                                .status = report.status,
                                .now_ms = clock_now_ms()};
    int code = report.token[0] && report.kind != RETURN_NONE
                   ? find_address(folder, &report, returned.invitation, &arena, &address, err)
                   : 0;
    if (!code && address[0]) {
        returned.address = address_hash(folder, address);
        returned.report = hash_of(folder, &report, message);
        code = store_write(folder->store, take, &returned, err);
    }
    bool ours = address[0] || report.kind == RETURN_NONE;
    if (!code)
        *told = json_pack(
            "{s:s, s:s, s:o, s:b, s:b}", "result", ours ? mail_return_word(report.kind) : "unknown",
            "status", report.status, "invitation",
            address[0] ? json_sprintf("%llu", (unsigned long long)returned.invitation)
                       : json_null(),
            "stopped", address[0] && returned.stopped, "repeated", address[0] && returned.repeated);
    arena_release(&arena);
    return code;
}
