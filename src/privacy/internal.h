/*
 * Shared inside privacy/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PRIVACY_INTERNAL_H
#define SENDA_PRIVACY_INTERNAL_H

#include "base/map.h"
#include "base/needles.h"
#include "privacy/privacy.h"

/* How far a text that belongs to the person is looked for. */
enum sought_kind {
    SOUGHT_OWN = 0,       /* in the own interactions: any trait */
    SOUGHT_RECORDS = 1,   /* in records, refusals and files too: names, addresses */
    SOUGHT_EVERYWHERE = 2 /* in the log of others as well: identifiers and ways to reach them */
};
struct sought {
    struct slice text;
    enum sought_kind kind;
};

/* The person, as far as it is known where erasing begins. */
struct person {
    struct folder *folder;
    struct arena *arena;
    uint32_t owner;
    uint32_t *members; /* [n_members] ascending */
    size_t n_members;
    struct sought *sought; /* [n_sought] */
    size_t n_sought, sought_capacity;
    struct key128 *hashes; /* [n_hashes] to suppress */
    size_t n_hashes, hashes_capacity;
    struct erasure_preview counts;
    struct own_row *rows; /* [n_rows] own interactions, by seq */
    size_t n_rows, rows_capacity;
    struct text_map texts; /* of the own rows, property code (4 bytes) and text: place in shared */
    struct shared_text *shared; /* [texts.n] */
    size_t shared_capacity;
    bool codes[UINT16_MAX + 1]; /* properties that have such a text */
};
struct shared_text {
    uint32_t n, owners[FEW]; /* others that have it; FEW are enough */
};
struct own_row {
    uint64_t seq;
    uint16_t touchpoint;
};

/* erase_person.c: from identities and index. */
void person_init(struct person *person, struct folder *folder, uint32_t owner, struct arena *arena);
void person_release(struct person *person);
must_use int person_gather(struct person *person, struct err *err);
/* Which of its texts others have as well, and which touchpoints its interactions have. */
must_use int person_share(struct person *person, struct err *err);
/* The text stays: enough others have it in this property. */
bool person_shares(const struct person *person, uint32_t code, struct slice text, struct buf *key);
void person_seek(struct person *person, struct slice text, enum sought_kind kind);
bool person_is_member(const struct person *person, uint32_t profile);

/* Keeps them ascending. */
void person_add_member(struct person *person, uint32_t profile);

/* erase_shared.c: notes a text of the own rows. */
void person_note_text(struct person *person, uint32_t code, struct slice text, struct buf *key);
/* Counts the others, up to FEW each. Inside a part_guard. */
must_use int person_count_others(struct person *person, const struct snapshot *snapshot,
                                 const struct part *const *parts, size_t n_parts, struct err *err);

/* erase_record.c: the table. 1: there is one above `after` that is not done. */
int erasure_next(struct folder *folder, uint64_t after, struct arena *arena,
                 struct erasure *erasure, struct err *err);
/* Adds the members and what is looked for as they were when the erasure began. */
must_use int erasure_recall(struct person *person, uint64_t number, struct err *err);
/* Writer. forget: what was looked for goes. */
must_use int erasure_put(uint64_t number, const char *state, const char *report, bool forget,
                         sqlite3 *db, struct err *err);

/* erase_log.c: what goes from the log. */
struct log_erasing {
    const struct person *person;
    struct needles own, others; /* of the person's interactions, of everybody's */
    uint32_t touchpoint_code;   /* of the property context.touchpoint */
    uint8_t *classes;           /* [UINT16_MAX + 1] of properties, by their names */
    struct buf out, key, text;
    bool again; /* a later pass: what an earlier one has dealt with is not counted twice */
    uint64_t interactions, answers, traits, properties, elsewhere, shared;
    struct timeline_span spans[PART_KINDS];
};
void log_erasing_init(struct log_erasing *erasing, const struct person *person);
void log_erasing_release(struct log_erasing *erasing);
int erase_record(void *context, struct log_record *record, bool final); /* a log_edit */

/* erase_rest.c: what lies elsewhere. */
/* Writer: replaces needles in every table that is nobody else's concern; *rows grows. */
must_use int erase_tables(sqlite3 *db, const struct vault *vault, const struct needles *needles,
                          uint64_t *rows, struct err *err);
/* erase_rules.c: rules of touchpoints and units in which a needle stands. */
must_use int erase_rules(struct folder *folder, const struct needles *needles, struct err *err);
/* Adds the rows in which a needle stands, sealed ones opened. */
must_use int search_tables(struct folder *folder, const struct needles *needles, uint64_t *found,
                           struct err *err);
/* Files of imports and exports in the folder; *files grows by those that changed. */
must_use int erase_files(const struct folder *folder, const struct needles *needles,
                         uint64_t *files, struct err *err);
/* Bytes of all files of the folder that were read, and how many needles stand in them. */
/* erase_index.c: adds to both what the texts of the index hold. */
must_use int search_index(struct folder *folder, const struct needles *needles, uint64_t *bytes,
                          uint64_t *found, struct err *err);
must_use int search_files(const struct folder *folder, const struct needles *needles,
                          uint64_t *bytes, uint64_t *found, uint64_t *copies, struct err *err);

#endif
