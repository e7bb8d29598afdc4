/*
 * Shared inside duplicate/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_DUPLICATE_INTERNAL_H
#define SENDA_DUPLICATE_INTERNAL_H

#include "duplicate/duplicate.h"

/* What is known of an owner: one text in its normal form. */
enum fact_kind { FACT_EMAIL, FACT_PHONE, FACT_NATIONAL_ID, FACT_NAME, FACT_BIRTH, FACT_ADDRESS };
struct fact {
    uint32_t owner, text; /* offset in texts */
    uint16_t n;
    uint8_t kind;
};
struct facts {
    struct fact *list; /* by (owner, kind, text), each once */
    size_t n, capacity;
    struct buf texts;
};
/* From identifiers and traits. */
must_use int facts_gather(struct facts *facts, struct job_run *run, struct err *err);
void facts_release(struct facts *facts);
static inline struct slice fact_text(const struct facts *facts, const struct fact *fact) {
    return (struct slice){facts->texts.p + fact->text, fact->n};
}
/* Those of an owner. */
size_t facts_of(const struct facts *facts, uint32_t owner, const struct fact **first);

struct pair {
    uint32_t one, other; /* owners, one < other */
    unsigned reasons, score;
};
struct pairs {
    struct pair *list;
    size_t n, capacity;
};

/* candidates.c: whom it is worth looking at. */
must_use int candidates_find(struct facts *facts, struct pairs *pairs, struct job_run *run,
                             struct err *err);
/* alike.c */
bool one_typo(struct slice a, struct slice b);
enum names { NAMES_EQUAL, NAMES_ALIKE, NAMES_UNKNOWN, NAMES_DIFFERENT };
/* Percent, with the reasons that the names add. */
unsigned pair_score(const struct facts *facts, struct pair *pair);

/* records.c: open ones as found now, in place of those before. *added: how many are new. */
must_use int duplicates_keep(struct folder *folder, const struct pairs *pairs, uint64_t *added,
                             struct err *err);

#endif
