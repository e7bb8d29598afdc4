/*
 * Who is to be erased: the profiles, what identifies them and is looked for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "folder/registry.h"
#include "privacy/internal.h"

enum { DISTINCT_BYTES = 6, LONG_BYTES = 20, DIGITS_LEAST = 8, NAME_LEAST = 8 };

void person_init(struct person *person, struct folder *folder, uint32_t owner,
                 struct arena *arena) {
    memset(person, 0, sizeof *person);
    person->folder = folder;
    person->arena = arena;
    person->owner = owner;
    text_map_init(&person->texts);
}

void person_release(struct person *person) {
    free(person->sought);
    free(person->hashes);
    free(person->rows);
    free(person->shared);
    text_map_release(&person->texts);
}

/* ---- what is looked for ---- */

void person_seek(struct person *person, struct slice text, enum sought_kind kind) {
    if (text.n < NEEDLE_MIN_BYTES)
        return;
    for (size_t i = 0; i < person->n_sought; i++)
        if (slice_equal(person->sought[i].text, text)) {
            if (kind > person->sought[i].kind)
                person->sought[i].kind = kind;
            return;
        }
    if (person->n_sought == person->sought_capacity) {
        person->sought_capacity = person->sought_capacity ? person->sought_capacity * 2 : 64;
        person->sought = realloc(person->sought, person->sought_capacity * sizeof *person->sought);
        if (!person->sought)
            abort();
    }
    person->sought[person->n_sought++] = (struct sought){arena_copy(person->arena, text), kind};
}

/* A text that would hardly be anybody else's: "ana" or "1001" stands in what has nothing to do with the person. */
static bool is_distinct(struct slice text) {
    size_t digits = 0, letters = 0;
    bool at = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        digits += c >= '0' && c <= '9';
        letters += (c | 32) >= 'a' && (c | 32) <= 'z';
        at = at || c == '@';
    }
    return text.n >= LONG_BYTES || digits >= DIGITS_LEAST ||
           (text.n >= DISTINCT_BYTES && (at || (digits && letters)));
}

static void seek_identifier(struct person *person, struct slice text) {
    person_seek(person, text, is_distinct(text) ? SOUGHT_EVERYWHERE : SOUGHT_OWN);
}

static void suppress(struct person *person, struct key128 hash) {
    for (size_t i = 0; i < person->n_hashes; i++)
        if (person->hashes[i].a == hash.a && person->hashes[i].b == hash.b)
            return;
    if (person->n_hashes == person->hashes_capacity) {
        person->hashes_capacity = person->hashes_capacity ? person->hashes_capacity * 2 : 32;
        person->hashes = realloc(person->hashes, person->hashes_capacity * sizeof *person->hashes);
        if (!person->hashes)
            abort();
    }
    person->hashes[person->n_hashes++] = hash;
}

/* True when it is a way to reach somebody. */
static bool suppress_contact(struct person *person, struct slice name, struct slice value) {
    struct key128 hash;
    if (!customers_contact_hash(person->folder->customers, name, value, &hash))
        return false;
    suppress(person, hash);
    return true;
}

static void gather_identity(struct person *person, const struct identity *identity) {
    suppress(person, customers_hash(person->folder->customers, identity));
    (void)suppress_contact(person,
                           identity->kind == IDENTITY_EXTERNAL ? identity->external_type
                                                               : SLICE_LITERAL("user"),
                           identity->value);
    seek_identifier(person, identity->value);
}

static size_t digits_of(struct slice text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] >= '0' && text.p[i] <= '9';
    return n;
}

static void gather_trait(struct person *person, struct slice name, struct slice text) {
    if (suppress_contact(person, name, text) ||
        (name_is_contact(name) && digits_of(text) >= DISTINCT_BYTES))
        seek_identifier(person, text);
    else if (name_is_name(name) && text.n >= NAME_LEAST && memchr(text.p, ' ', text.n))
        person_seek(person, text, SOUGHT_RECORDS);
    else
        person_seek(person, text, SOUGHT_OWN);
}

/* Of an interaction: a way to reach the person is looked for, but it is no reason to refuse whoever has it. */
static void gather_property(struct person *person, struct slice name, struct slice text) {
    struct key128 hash;
    if (customers_contact_hash(person->folder->customers, name, text, &hash))
        seek_identifier(person, text);
}

/* ---- rows of the index ---- */

bool person_is_member(const struct person *person, uint32_t profile) {
    size_t low = 0, high = person->n_members;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (person->members[middle] < profile)
            low = middle + 1;
        else
            high = middle;
    }
    return low < person->n_members && person->members[low] == profile;
}

void person_add_member(struct person *person, uint32_t profile) {
    if (person_is_member(person, profile))
        return;
    uint32_t *members = ARENA_ARRAY(person->arena, uint32_t, person->n_members + 1);
    size_t at = 0;
    while (at < person->n_members && person->members[at] < profile)
        at++;
    if (person->n_members) {
        memcpy(members, person->members, at * sizeof *members);
        memcpy(members + at + 1, person->members + at, (person->n_members - at) * sizeof *members);
    }
    members[at] = profile;
    person->members = members;
    person->n_members++;
}

struct looking {
    struct person *person;
    struct snapshot *snapshot;
    enum part_kind kind;
    const struct part *const *parts;
    size_t n_parts;
    bool share; /* notes rows and texts that may be shared; else what is looked for */
};

static struct slice property_name(const struct person *person, uint32_t code) {
    return dictionary_name(person->folder->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
}

static void see_value(struct looking *looking, const struct part_column *column, uint32_t k,
                      struct slice name, struct buf *buf) {
    struct value value = part_column_value(column, k);
    char number[24];
    if (value.type == VALUE_INT && name_is_contact(name)) {
        int n = snprintf(number, sizeof number, "%lld", (long long)value.integer);
        value = (struct value){.type = VALUE_TEXT, .text = {number, (size_t)n}};
    }
    if (value.type != VALUE_TEXT)
        return;
    if (!looking->share && looking->kind == PART_TRAITS)
        gather_trait(looking->person, name, value.text);
    else if (!looking->share)
        gather_property(looking->person, name, value.text);
    else if (column->code_bytes && !name_identifies(name) && value.text.n < LIMIT_NAME_BYTES)
        person_note_text(looking->person, column->code, value.text, buf);
}

static void note_row(struct person *person, const struct part *part, uint32_t row) {
    if (person->n_rows == person->rows_capacity) {
        person->rows_capacity = person->rows_capacity ? person->rows_capacity * 2 : 256;
        person->rows = realloc(person->rows, person->rows_capacity * sizeof *person->rows);
        if (!person->rows)
            abort();
    }
    person->rows[person->n_rows++] =
        (struct own_row){part->seq_base + part->seq[row], part->touchpoint[row]};
}

static void count_rows(struct looking *looking, uint64_t n) {
    struct erasure_preview *counts = &looking->person->counts;
    *(looking->kind == PART_INTERACTIONS ? &counts->interactions
      : looking->kind == PART_ANSWERS    ? &counts->answers
                                         : &counts->traits) += n;
}

/* Rows [from, to) of a member in a part. */
static int see_rows(struct looking *looking, const struct part *part, uint32_t from, uint32_t to,
                    struct err *err) {
    struct buf buf;
    buf_init(&buf, (size_t)LIMIT_EVENT_BYTES * 2);
    int code = part_touch(part, COLUMN_SEQ | COLUMN_TOUCHPOINT, NULL, 0, err);
    for (uint32_t row = from; !code && looking->share && row < to; row++)
        if (looking->kind == PART_INTERACTIONS)
            note_row(looking->person, part, row);
    for (uint32_t c = 0; !code && c < part->n_columns; c++) {
        const struct part_column *column = &part->columns[c];
        struct slice name = property_name(looking->person, column->code);
        bool wanted = looking->kind == PART_TRAITS || looking->share || name_is_contact(name);
        if (wanted)
            code = part_touch(part, 0, &column->code, 1, err);
        if (code || !wanted)
            continue;
        uint32_t end = part_column_rank(column, to);
        for (uint32_t k = part_column_rank(column, from); k < end; k++)
            see_value(looking, column, k, name, &buf);
    }
    if (!looking->share)
        count_rows(looking, to - from);
    buf_release(&buf);
    return code;
}

static int see_members(void *context, struct err *err) {
    struct looking *looking = context;
    int code = 0;
    for (size_t p = 0; p < looking->n_parts && !code; p++) {
        const struct part *part = looking->parts[p];
        code = part_touch(part, COLUMN_SEQ, NULL, 0, err);
        for (size_t m = 0; m < looking->person->n_members && !code; m++) {
            uint32_t member = looking->person->members[m], k = part_customer_find(part, member);
            if (k < part->n_customers && part->customer[k] == member)
                code = see_rows(looking, part, part->start[k], part->start[k + 1], err);
        }
    }
    return code;
}

/* ---- the whole ---- */

static int look(struct person *person, bool share, struct err *err) {
    struct looking looking = {.person = person, .share = share};
    int code = timeline_snapshot(person->folder->timeline, &looking.snapshot, err);
    if (code)
        return code;
    for (int kind = 0; kind < PART_KINDS && !code; kind++) {
        if (share && kind == PART_TRAITS)
            continue;
        looking.kind = (enum part_kind)kind;
        looking.n_parts = snapshot_parts(looking.snapshot, looking.kind, TIME_MIN_MS, TIME_MAX_MS,
                                         &looking.parts, person->arena);
        code = part_guard(see_members, &looking, err);
    }
    for (int kind = 0; kind < PART_KINDS && share && !code; kind++) {
        if (kind == PART_TRAITS)
            continue;
        looking.n_parts = snapshot_parts(looking.snapshot, (enum part_kind)kind, TIME_MIN_MS,
                                         TIME_MAX_MS, &looking.parts, person->arena);
        code = person_count_others(person, looking.snapshot, looking.parts, looking.n_parts, err);
    }
    snapshot_release(looking.snapshot);
    return code;
}

static int compare_profiles(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int compare_rows(const void *a, const void *b) {
    const struct own_row *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

int person_gather(struct person *person, struct err *err) {
    struct known_identity *identities;
    size_t n, own = 0;
    struct customers *customers = person->folder->customers;
    person->n_members =
        customers_members(customers, person->owner, SIZE_MAX, person->arena, &person->members);
    qsort(person->members, person->n_members, sizeof *person->members, compare_profiles);
    int code =
        customers_known_identities(customers, person->owner, person->arena, &identities, &n, err);
    for (size_t i = 0; !code && i < n; i++)
        if (identities[i].leads_here) { /* a shared device may be somebody else's by now */
            gather_identity(person, &identities[i].identity);
            own++;
        }
    person->counts = (struct erasure_preview){.profiles = person->n_members, .identifiers = own};
    return code ? code : look(person, false, err);
}

int person_share(struct person *person, struct err *err) {
    int code = look(person, true, err);
    if (person->n_rows)
        qsort(person->rows, person->n_rows, sizeof *person->rows, compare_rows);
    return code;
}

int privacy_preview(struct folder *folder, uint32_t owner, struct arena *arena,
                    struct erasure_preview *preview, struct err *err) {
    struct person person;
    person_init(&person, folder, owner, arena);
    int code = person_gather(&person, err);
    *preview = person.counts;
    person_release(&person);
    return code;
}
