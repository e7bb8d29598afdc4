/*
 * Whom a message goes to: the traits that say so, and the addresses that want none.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>

#include "base/clock.h"
#include "base/time.h"
#include "collect/consent.h"
#include "invite/internal.h"

enum { FIELDS = 5 };
static const char *const traits[FIELDS] = {"email", "phone", "name", "language", "firstName"};

/* The newest value of each trait so far. */
struct reading {
    struct snapshot *snapshot;
    struct arena *arena;
    uint32_t owner;
    uint32_t codes[FIELDS];
    int64_t time_ms[FIELDS];
    uint64_t seq[FIELDS];
    const char *values[FIELDS];
};

static void take(struct reading *reading, const struct part *part, size_t field, uint32_t row) {
    struct value value = part_value(part, row, reading->codes[field]);
    int64_t time_ms = (int64_t)part->sec[row] * 1000 + part->ms[row];
    uint64_t seq = part->seq_base + part->seq[row];
    bool older = time_ms < reading->time_ms[field] ||
                 (time_ms == reading->time_ms[field] && seq < reading->seq[field]);
    if (value.type == VALUE_ABSENT || (reading->values[field] && older))
        return;
    reading->time_ms[field] = time_ms;
    reading->seq[field] = seq;
    reading->values[field] = value.type == VALUE_TEXT ? arena_text(reading->arena, value.text)
                             : value.type == VALUE_INT
                                 ? arena_format(reading->arena, "%lld", (long long)value.integer)
                                 : "";
}

static int read_part(struct reading *reading, const struct part *part, const uint32_t *members,
                     size_t n, struct err *err) {
    int code = part_touch(part, COLUMN_TIME | COLUMN_SEQ, NULL, 0, err);
    for (size_t m = 0; !code && m < n; m++) {
        uint32_t k = part_customer_find(part, members[m]);
        if (k >= part->n_customers || part->customer[k] != members[m])
            continue;
        for (size_t field = 0; !code && field < FIELDS; field++) {
            if (!reading->codes[field] || !part_column_find(part, reading->codes[field]))
                continue;
            code = part_touch(part, 0, &reading->codes[field], 1, err);
            for (uint32_t row = part->start[k]; !code && row < part->start[k + 1]; row++)
                take(reading, part, field, row);
        }
    }
    return code;
}

static int read_all(void *context, struct err *err) {
    struct reading *reading = context;
    const struct part *const *parts;
    const uint32_t *members;
    size_t n = overlay_members(snapshot_overlay(reading->snapshot), reading->owner, &reading->owner,
                               &members);
    size_t n_parts = snapshot_parts(reading->snapshot, PART_TRAITS, TIME_MIN_MS, TIME_MAX_MS,
                                    &parts, reading->arena);
    int code = 0;
    for (size_t p = 0; !code && p < n_parts; p++)
        code = read_part(reading, parts[p], members, n, err);
    return code;
}

int contact_read(struct folder *folder, uint32_t profile, struct arena *arena,
                 struct contact *contact, struct err *err) {
    struct reading reading = {.arena = arena};
    int code = timeline_snapshot(folder->timeline, &reading.snapshot, err);
    if (code)
        return code;
    bool known = profile && profile <= snapshot_profiles(reading.snapshot);
    reading.owner = known ? overlay_owner(snapshot_overlay(reading.snapshot), profile) : profile;
    for (size_t i = 0; i < FIELDS; i++)
        reading.codes[i] =
            dictionary_find(folder->dictionary, DICTIONARY_PROPERTY, slice_of(traits[i]));
    if (known)
        code = part_guard(read_all, &reading, err);
    snapshot_release(reading.snapshot);
    const char **values = reading.values;
    for (size_t i = 0; i < FIELDS; i++)
        if (!values[i])
            values[i] = "";
    *contact = (struct contact){.owner = reading.owner,
                                .email = values[0],
                                .phone = values[1],
                                .name = values[4][0] ? values[4] : values[2],
                                .language = values[3]};
    return code;
}

/* ---- addresses that want none ---- */

struct key128 address_hash(struct folder *folder, const char *address) {
    char normal[256];
    size_t n = 0;
    for (; *address && n < sizeof normal; address++)
        if (*address != ' ')
            normal[n++] = (char)(*address >= 'A' && *address <= 'Z' ? *address + 32 : *address);
    struct slice parts[] = {SLICE_LITERAL("invited address"), {normal, n}};
    return hash_keyed(vault_identity_key(folder->vault), parts, 2);
}

int address_refused(struct folder *folder, const char *address, enum invite_reason *reason,
                    struct err *err) {
    struct key128 hash = address_hash(folder, address);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT bounced FROM invitation_address WHERE hash = ?", err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_blob(statement, 1, &hash, sizeof hash, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    *reason = INVITE_NONE;
    if (code == 1) {
        *reason = sqlite3_column_int(statement, 0) ? INVITE_BOUNCED : INVITE_UNSUBSCRIBED;
        sqlite3_reset(statement);
        code = 0;
    }
    store_reader_put(folder->store, db);
    return code;
}

int address_stop(sqlite3 *db, struct key128 address, bool bounced, int64_t now_ms,
                 struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO invitation_address VALUES(?1, ?2, ?3) ON CONFLICT(hash) DO "
                      "UPDATE SET bounced = min(bounced, excluded.bounced)",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, &address, sizeof address, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 2, bounced);
    sqlite3_bind_int64(statement, 3, now_ms);
    return store_run(statement, err);
}

/* What came back before counts no more. */
static int address_allow(sqlite3 *db, struct key128 address, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM invitation_address WHERE hash = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, &address, sizeof address, SQLITE_TRANSIENT);
    int code = store_run(statement, err);
    statement =
        code ? NULL : STORE_PREPARE(db, "DELETE FROM invitation_bounce WHERE address = ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_blob(statement, 1, &address, sizeof address, SQLITE_TRANSIENT);
    return store_run(statement, err);
}

struct marking {
    struct key128 hash;
    bool bounced, allow;
};

static int write_mark(void *context, sqlite3 *db, struct err *err) {
    const struct marking *marking = context;
    return marking->allow ? address_allow(db, marking->hash, err)
                          : address_stop(db, marking->hash, marking->bounced, clock_now_ms(), err);
}

static int mark(struct folder *folder, const char *address, bool bounced, bool allow,
                struct err *err) {
    struct marking marking = {
        .hash = address_hash(folder, address), .bounced = bounced, .allow = allow};
    return store_write(folder->store, write_mark, &marking, err);
}

int invite_bounce(struct folder *folder, const char *address, struct err *err) {
    return mark(folder, address, true, false, err);
}

int invite_allow(struct folder *folder, const char *address, struct err *err) {
    return mark(folder, address, false, true, err);
}

int invitation_customer(struct folder *folder, uint64_t invitation, uint32_t *customer,
                        struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT customer FROM invitation WHERE id = ?", err);
    int code = E_IO;
    *customer = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)invitation);
        code = store_step(statement, err);
    }
    if (code == 1) {
        *customer = (uint32_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    store_reader_put(folder->store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "no such invitation");
}

/* Both addresses of whom the invitation was sent to. */
int invite_unsubscribe(struct folder *folder, uint64_t invitation, struct err *err) {
    struct contact contact = {.email = "", .phone = ""};
    struct arena arena;
    uint32_t customer;
    int code = invitation_customer(folder, invitation, &customer, err);
    if (code)
        return code;
    arena_init(&arena);
    code = contact_read(folder, customer, &arena, &contact, err);
    if (!code && contact.email[0])
        code = mark(folder, contact.email, false, false, err);
    if (!code && contact.phone[0])
        code = mark(folder, contact.phone, false, false, err);
    arena_release(&arena);
    return code;
}

/* ---- what a person allows ---- */

int purpose_allowed(struct folder *folder, uint32_t owner, const char *purpose, bool *allowed,
                    struct err *err) {
    struct snapshot *snapshot;
    const uint32_t *members;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    size_t n = overlay_members(snapshot_overlay(snapshot), owner, &owner, &members);
    code = consent_allows(ingest_consents(folder->ingest), members, n, purpose, allowed, err);
    snapshot_release(snapshot);
    return code;
}

/* ---- when somebody was asked ---- */

int asked_last(struct folder *folder, uint32_t owner, int64_t *asked_ms, struct err *err) {
    struct snapshot *snapshot;
    const uint32_t *members;
    *asked_ms = 0;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    size_t n = overlay_members(snapshot_overlay(snapshot), owner, &owner, &members);
    sqlite3 *db = store_reader_get(folder->store);
    for (size_t i = 0; !code && i < n; i++) {
        sqlite3_stmt *statement =
            STORE_PREPARE(db, "SELECT asked_ms FROM invitation_asked WHERE customer = ?", err);
        if (!statement) {
            code = E_IO;
            break;
        }
        sqlite3_bind_int64(statement, 1, members[i]);
        code = store_step(statement, err);
        if (code == 1) {
            int64_t at_ms = sqlite3_column_int64(statement, 0);
            *asked_ms = at_ms > *asked_ms ? at_ms : *asked_ms;
            sqlite3_reset(statement);
            code = 0;
        }
    }
    store_reader_put(folder->store, db);
    snapshot_release(snapshot);
    return code;
}
