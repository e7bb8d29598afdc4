/*
 * What models estimate of each customer: numbers by name (worth, probability of leaving, health …), one edition at a time.
 *
 * An edition is made by a run (value/value.h), kept as one file of the folder, mapped into memory and read by anybody: by
 * rules of segments, by a customer's page, by lists. It is derived: without it, or after a restore, the next run makes
 * it again. A number that was not estimated is NAN.
 *
 * FORMAT of numbers.bin, native byte order (the folder stays on its machine; a backup does not hold the file)
 *   0   8  "SENDANUM"
 *   8   4  version 1
 *   12  4  n: owners 1 … n - 1 have a place
 *   16  4  columns
 *   20  4  bytes of the report, JSON
 *   24  8  instant of the run, ms
 *   32  8  hash of everything from 40 on
 *   40  24 each: names of the columns, padded with zeros
 *   ..     columns of n floats each, then the report
 *
 * THREADS  everything from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_NUMBER_NUMBER_H
#define SENDA_NUMBER_NUMBER_H

#include "folder/folder.h"

/* X(name, name in rules and answers) */
#define NUMBER_TABLE(X)                                                                            \
    X(CLV, "clv") /* expected revenue over the horizon, in the amount's own unit */                \
    X(ALIVE, "p_alive")                                                                            \
    X(EXPECTED, "expected_purchases") /* over the horizon */                                       \
    X(FREQUENCY, "frequency")         /* purchase days */                                          \
    X(RECENCY, "recency")             /* days since the last one */                                \
    X(MONETARY, "monetary")           /* spent so far */                                           \
    X(RFM_R, "rfm_r")                 /* scores 1 … 5 */                                         \
    X(RFM_F, "rfm_f")                                                                              \
    X(RFM_M, "rfm_m")                                                                              \
    X(HEALTH, "health") /* 0 … 100 */                                                            \
    X(CHURN, "churn")   /* probability of leaving within the window */                             \
    X(WALLET, "share_of_wallet")                                                                   \
    X(POTENTIAL, "potential") /* what is spent elsewhere, a year */                                \
    X(PRODUCTS, "products_held")                                                                   \
    X(AT_RISK, "value_at_risk") /* clv times churn; without a model of leaving, spent times gone */
/* What only pages and the API show: why a customer is thought to leave or stay, the strongest first: the place of the sign in
 * the model from 1, negative where it speaks for staying, and its value. */
#define NUMBER_INNER_TABLE(X)                                                                      \
    X(WHY_1, "why_1")                                                                              \
    X(WHY_2, "why_2")                                                                              \
    X(WHY_3, "why_3")                                                                              \
    X(WHY_1_VALUE, "why_1_value")                                                                  \
    X(WHY_2_VALUE, "why_2_value")                                                                  \
    X(WHY_3_VALUE, "why_3_value")

enum number {
#define X(name, text) NUMBER_##name,
    NUMBER_TABLE(X) NUMBER_INNER_TABLE(X)
#undef X
        NUMBERS,
    NUMBERS_ASKED = NUMBER_WHY_1 /* rules may ask for the numbers before this one */
};
extern const char *const number_names[NUMBERS];

struct numbers; /* an edition, immutable */

/* The newest edition, NULL where nothing was estimated yet; give it back with numbers_put (which takes NULL). */
must_use int numbers_get(struct folder *folder, struct numbers **numbers, struct err *err);
void numbers_put(struct numbers *numbers);
/* NAN: not known. numbers may be NULL. */
double numbers_of(const struct numbers *numbers, enum number number, uint32_t owner);
uint32_t numbers_owners(const struct numbers *numbers); /* owners are below this */
int64_t numbers_made_ms(const struct numbers *numbers);
struct slice numbers_report(const struct numbers *numbers); /* JSON, what the run tells of itself */

/* Reads the file once more and compares its checksum; damage is a line of `findings`, and from then on nothing is estimated. repair:
 * a damaged file is removed, the next run makes it again. */
void numbers_verify(struct folder *folder, bool repair, struct buf *findings);

/* What a run made. columns[k]: n floats by owner, NAN unknown; NULL: nobody's. */
struct numbers_draft {
    uint32_t n;
    float *columns[NUMBERS];
    int64_t made_ms;
    struct slice report;
};
/* Stores the edition durably, then everybody reads it. */
must_use int numbers_replace(struct folder *folder, const struct numbers_draft *draft,
                             struct err *err);

#endif
