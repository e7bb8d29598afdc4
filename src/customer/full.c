/*
 * Kinds that are full at a customer: see full.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/full.h"

#include <stdlib.h>

#include "base/clock.h"
#include "customer/internal.h"

enum { HELD_UNKNOWN = UINT8_MAX };

/* ---- bounds ---- */

void full_init(struct full *full, uint32_t profiles) {
    full->room = (size_t)profiles + 1;
    full->held = malloc(full->room);
    if (!full->held)
        abort();
    memset(full->held, HELD_UNKNOWN, full->room);
}

void full_release(struct full *full) { free(full->held); }

bool full_refresh(struct customers *customers) {
    struct full *full = &customers->full;
    const struct identifier_kinds *kinds = kinds_of(customers);
    if (kinds == full->kinds)
        return false;
    memset(full->held, HELD_UNKNOWN, full->room);
    full->kinds = kinds;
    full->least = 0;
    full->turn++;
    for (size_t i = 0; i < kinds->n; i++)
        if (kinds->kinds[i].values && (!full->least || kinds->kinds[i].values < full->least))
            full->least = kinds->kinds[i].values;
    return true;
}

static void hold(struct full *full, uint32_t owner, unsigned values) {
    if (owner >= full->room) {
        size_t room = full->room * 2 > owner ? full->room * 2 : (size_t)owner + 1;
        unsigned char *larger = realloc(full->held, room);
        if (!larger)
            abort();
        memset(larger + full->room, HELD_UNKNOWN, room - full->room);
        full->held = larger;
        full->room = room;
    }
    full->held[owner] = (unsigned char)(values < HELD_UNKNOWN ? values : HELD_UNKNOWN);
}

void full_created(struct customers *customers, uint32_t profile, const struct identity *identity) {
    hold(&customers->full, profile, kind_of(customers->full.kinds, identity)->values ? 1 : 0);
}

void full_attached(struct customers *customers, uint32_t owner, const struct identity *identity) {
    if (kind_of(customers->full.kinds, identity)->values)
        hold(&customers->full, owner, customers->full.held[owner] + 1U);
}

void full_merged(struct customers *customers, uint32_t from, uint32_t into) {
    struct full *full = &customers->full;
    hold(full, into, (unsigned)full->held[from] + full->held[into]);
}

void full_changed(struct customers *customers, uint32_t owner) {
    hold(&customers->full, owner, HELD_UNKNOWN);
    customers->full.turn++;
}

/* ---- counting ---- */

struct tally {
    unsigned n[KINDS_MAX]; /* by place of the kind */
};

struct counting {
    struct customers *customers;
    const struct identifier_kinds *kinds;
    uint32_t owner;
    struct tally *tally;
    struct arena *arena;
    struct key_map seen;
};

static size_t place_of(const struct identifier_kinds *kinds, const struct identifier_kind *kind) {
    return (size_t)(kind - kinds->kinds);
}

/* Rows of kind, sealed: those that lead to the customer, each once. */
static int count_rows(struct counting *counting, sqlite3_stmt *row, uint32_t profile,
                      struct err *err) {
    struct customers *customers = counting->customers;
    if (!row)
        return err->code;
    sqlite3_bind_int64(row, 1, profile);
    int code;
    while ((code = store_step(row, err)) == 1) {
        struct identity identity;
        if (sqlite3_column_int(row, 0) == KIND_ERASED)
            continue;
        code = identity_unseal(customers, sqlite3_column_int(row, 0), sqlite3_column_blob(row, 1),
                               sqlite3_column_bytes(row, 1), counting->arena, &identity, err);
        if (code)
            return code;
        const struct identifier_kind *kind = kind_of(counting->kinds, &identity);
        struct key128 key = customers_hash(customers, &identity);
        uint32_t value = kind->values ? identity_lookup(customers, key) : MAP_NONE;
        if (value != MAP_NONE && !identity_dropped(customers, key) &&
            redirects_root(&customers->redirects, value & ~ATTACHED) == counting->owner &&
            key_map_put(&counting->seen, key, 1) == MAP_NONE)
            counting->tally->n[place_of(counting->kinds, kind)]++;
    }
    return code;
}

/* Values of kinds with a limit that lead to the customer. */
static int count(struct customers *customers, uint32_t owner, struct tally *tally, sqlite3 *db,
                 struct err *err) {
    struct arena arena;
    struct counting counting = {.customers = customers,
                                .kinds = customers->full.kinds,
                                .owner = owner,
                                .tally = tally,
                                .arena = &arena};
    uint32_t *members;
    unsigned all = 0;
    int code = 0;
    *tally = (struct tally){{0}};
    arena_init(&arena);
    key_map_init(&counting.seen);
    size_t n = customers_members(customers, owner, MEMBERS_MAX, &arena, &members);
    for (size_t i = 0; !code && i < n; i++) {
        code = count_rows(
            &counting, STORE_PREPARE(db, "SELECT kind, sealed FROM profile WHERE number = ?", err),
            members[i], err);
        if (!code)
            code = count_rows(
                &counting,
                STORE_PREPARE(db, "SELECT kind, sealed FROM attached WHERE profile = ?", err),
                members[i], err);
    }
    key_map_release(&counting.seen);
    arena_release(&arena);
    for (size_t i = 0; i < counting.kinds->n; i++)
        all += tally->n[i];
    if (!code)
        hold(&customers->full, owner, all);
    return code;
}

/* ---- deciding ---- */

static struct full_memo *memo_of(struct full *full, uint32_t owner, unsigned kind) {
    return &full->memos[(owner * 31U + kind) % FULL_MEMOS];
}

/* Writes down that a kind turned somebody away. */
static int note_full(struct customers *customers, uint32_t owner, size_t kind, sqlite3 *db,
                     struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT OR IGNORE INTO full_kind(profile, kind, since_ms) VALUES(?, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, owner);
    sqlite3_bind_text(statement, 2, customers->full.kinds->kinds[kind].name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, clock_now_ms());
    return store_step(statement, err);
}

int full_has_room(struct customers *customers, uint32_t owner, const struct identity *identity,
                  bool *room, sqlite3 *db, struct err *err) {
    struct full *full = &customers->full;
    const struct identifier_kind *kind = kind_of(full->kinds, identity);
    unsigned place = (unsigned)place_of(full->kinds, kind);
    struct full_memo *memo = memo_of(full, owner, place);
    struct tally tally;
    *room = true;
    if (!kind->values || (full->held[owner] != HELD_UNKNOWN && full->held[owner] < kind->values))
        return 0;
    if (memo->turn == full->turn && memo->owner == owner && memo->kind == place) {
        *room = false;
        return 0;
    }
    int code = count(customers, owner, &tally, db, err);
    if (code || tally.n[place] < kind->values)
        return code;
    *room = false;
    *memo = (struct full_memo){full->turn, owner, place};
    return note_full(customers, owner, place, db, err);
}

int full_may_merge(struct customers *customers, uint32_t one, uint32_t other, bool *may,
                   sqlite3 *db, struct err *err) {
    struct full *full = &customers->full;
    struct tally first, second;
    *may = true;
    if (!full->least || ((unsigned)full->held[one] + full->held[other] <= full->least &&
                         full->held[one] != HELD_UNKNOWN && full->held[other] != HELD_UNKNOWN))
        return 0;
    int code = count(customers, one, &first, db, err);
    if (!code)
        code = count(customers, other, &second, db, err);
    for (size_t i = 0; !code && i < full->kinds->n; i++) {
        unsigned limit = full->kinds->kinds[i].values;
        if (!limit || !first.n[i] || !second.n[i] || first.n[i] + second.n[i] <= limit)
            continue;
        *may = false;
        code = note_full(customers, first.n[i] >= second.n[i] ? one : other, i, db, err);
    }
    return code;
}

/* ---- lists ---- */

/* The oldest row about a kind of a customer, perhaps made by a profile that it absorbed. */
static int find_since(sqlite3 *db, const uint32_t *members, size_t n, struct full_kind *full,
                      struct err *err) {
    int code = 0;
    for (size_t i = 0; code >= 0 && i < n; i++) {
        sqlite3_stmt *row = STORE_PREPARE(
            db, "SELECT number, since_ms FROM full_kind WHERE profile = ? AND kind = ?", err);
        if (!row)
            return err->code;
        sqlite3_bind_int64(row, 1, members[i]);
        sqlite3_bind_text(row, 2, full->kind, -1, SQLITE_STATIC);
        code = store_step(row, err);
        if (code == 1 && (!full->number || sqlite3_column_int64(row, 1) < full->since_ms)) {
            full->number = (uint64_t)sqlite3_column_int64(row, 0);
            full->since_ms = sqlite3_column_int64(row, 1);
        }
        sqlite3_reset(row);
    }
    return code < 0 ? code : 0;
}

int customers_full_kinds(struct customers *customers, uint32_t owner,
                         const struct known_identity *identities, size_t n_identities,
                         struct arena *arena, struct full_kind **list, size_t *n, struct err *err) {
    const struct identifier_kinds *kinds = kinds_of(customers);
    struct tally tally = {{0}};
    uint32_t *members;
    int code = 0;
    *list = ARENA_ARRAY(arena, struct full_kind, KINDS_MAX);
    *n = 0;
    for (size_t i = 0; i < n_identities; i++)
        if (identities[i].leads_here && !identities[i].dropped)
            tally.n[place_of(kinds, kind_of(kinds, &identities[i].identity))]++;
    for (size_t i = 0; i < kinds->n; i++)
        if (kinds->kinds[i].values && tally.n[i] >= kinds->kinds[i].values)
            (*list)[(*n)++] = (struct full_kind){.owner = owner,
                                                 .kind = kinds->kinds[i].name,
                                                 .values = tally.n[i],
                                                 .limit = kinds->kinds[i].values};
    size_t n_members = *n ? customers_members(customers, owner, MEMBERS_MAX, arena, &members) : 0;
    sqlite3 *db = *n ? store_reader_get(customers->store) : NULL;
    if (*n && !db)
        return err_set(err, E_IO, "the records could not be read");
    for (size_t i = 0; !code && i < *n; i++)
        code = find_since(db, members, n_members, &(*list)[i], err);
    if (db)
        store_reader_put(customers->store, db);
    return code;
}

static int read_full_kinds(struct customers *customers, uint32_t owner, struct arena *arena,
                           struct full_kind **kinds, size_t *n, struct err *err) {
    struct known_identity *identities;
    size_t n_identities;
    int code = customers_known_identities(customers, owner, arena, &identities, &n_identities, err);
    return code ? code
                : customers_full_kinds(customers, owner, identities, n_identities, arena, kinds, n,
                                       err);
}

struct full_row {
    uint64_t number;
    uint32_t profile;
    const char *kind;
};

static int read_full(sqlite3 *db, uint64_t before, struct arena *arena, struct full_row *rows,
                     size_t *n, struct err *err) {
    size_t most = *n;
    *n = 0;
    sqlite3_stmt *row = STORE_PREPARE(db,
                                      "SELECT number, profile, kind FROM full_kind WHERE ?1 = 0 OR"
                                      " number < ?1 ORDER BY number DESC LIMIT ?2",
                                      err);
    if (!row)
        return err->code;
    sqlite3_bind_int64(row, 1, (int64_t)before);
    sqlite3_bind_int64(row, 2, (int64_t)most);
    int code;
    while ((code = store_step(row, err)) == 1)
        rows[(*n)++] = (struct full_row){
            (uint64_t)sqlite3_column_int64(row, 0), (uint32_t)sqlite3_column_int64(row, 1),
            arena_text(arena, slice_of((const char *)sqlite3_column_text(row, 2)))};
    return code;
}

int customers_full(struct customers *customers, uint64_t before, struct arena *arena,
                   struct full_kind **list, size_t *n, uint64_t *next, struct err *err) {
    size_t most = *n, n_rows = most, found = 0;
    struct full_row *rows = ARENA_ARRAY(arena, struct full_row, most + 1);
    *list = ARENA_ARRAY(arena, struct full_kind, most + 1);
    *n = 0;
    *next = 0;
    sqlite3 *db = store_reader_get(customers->store);
    int code = db ? read_full(db, before, arena, rows, &n_rows, err)
                  : err_set(err, E_IO, "the records could not be read");
    if (db)
        store_reader_put(customers->store, db);
    for (size_t i = 0; !code && i < n_rows; i++) {
        struct full_kind *kinds;
        size_t n_kinds;
        pthread_mutex_lock(&customers->lock);
        uint32_t owner = redirects_root(&customers->redirects, rows[i].profile);
        pthread_mutex_unlock(&customers->lock);
        code = read_full_kinds(customers, owner, arena, &kinds, &n_kinds, err);
        for (size_t k = 0; !code && k < n_kinds; k++)
            if (kinds[k].number == rows[i].number) /* of two that were merged the older one */
                (*list)[found++] = kinds[k];
    }
    *n = found;
    if (!code && n_rows == most && most)
        *next = rows[n_rows - 1].number;
    return code;
}
