/*
 * A part: an immutable, columnar piece of the timeline covering one range of event time, sorted by
 * (customer, time, seq). The same image lies in memory (the head's sorted runs) or in a mapped file.
 *
 * Operators read the arrays below directly: fixed width, no decoding. That is the product's hot path.
 *
 * INVARIANTS
 *  1. customer[] ascends strictly; rows of customer[k] are start[k] … start[k+1]-1, ordered by (sec, ms, seq).
 *  2. Every array is checksummed; a file's size is checked at open, a column's checksum at first touch.
 *  3. Damage is E_CORRUPT for the query that touched it, never a crash and never a wrong answer.
 *  4. `touchpoint` is derived: explicit context.touchpoint, else the first rule that matches; it lives in a file of
 *     its own, tagged with the version of the rules.
 *
 * FORMAT of the image: see part.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_PART_H
#define SENDA_TIMELINE_PART_H

#include "base/arena.h"
#include "timeline/row.h"

enum part_kind {
    PART_INTERACTIONS = 0,
    PART_TRAITS = 1,  /* ROW_TRAITS and ROW_GROUP */
    PART_ANSWERS = 2, /* ROW_ANSWER: the long table of what people answered */
    PART_KINDS
};
static inline enum part_kind part_kind_of(uint8_t row_type) {
    return row_is_interaction(row_type) ? PART_INTERACTIONS
           : row_type == ROW_ANSWER     ? PART_ANSWERS
                                        : PART_TRAITS;
}
/* Traits are not met anywhere, and keep nested values and nulls (a trait taken back). */
static inline bool part_kind_is_traits(enum part_kind kind) { return kind == PART_TRAITS; }

/* A property's values in a part. Present rows only; value k belongs to the k-th present row.
 * Presence: `rows` (ascending row numbers, n of them), or NULL with bitmap + rank (one bit a row; rank[i] =
 * present rows before row 512*i).
 * Values: with a dictionary (distinct <= LIMIT_COLUMN_CODES): codes (u8 or u16, see code_bytes) into values[];
 * without: payload[k] (int64, or bits of a double, or index into the text table), type in types[k]. */
struct part_column {
    uint32_t code; /* in DICTIONARY_PROPERTY */
    uint32_t n;    /* rows that have it */
    const uint32_t *rows;
    const uint64_t *bitmap;
    const uint32_t *rank;
    uint8_t code_bytes; /* 1 or 2 with a dictionary, 0 without */
    const void *codes;
    uint32_t n_values;
    const uint8_t *value_types; /* dictionary: [n_values]; else types[k] of n */
    const uint64_t *payload;    /* dictionary: [n_values]; else of n */
    const uint32_t *text_start; /* text t is text[text_start[t] … text_start[t+1]) */
    const char *text;
};

struct part {
    enum part_kind kind;
    uint32_t n_rows, n_customers;
    int64_t min_ms, max_ms;             /* of the rows, inclusive; undefined when empty */
    int64_t range_from_ms, range_to_ms; /* the time range it belongs to, half-open */
    uint64_t seq_base, min_seq, max_seq;
    const uint32_t *customer; /* [n_customers] profile numbers */
    const uint32_t *start;    /* [n_customers + 1] */
    const uint32_t *sec;      /* [n_rows] seconds since 1970 UTC */
    const uint16_t *ms;       /* [n_rows] 0 … 999 */
    const uint32_t *seq;      /* [n_rows] seq - seq_base */
    const uint16_t *event, *channel, *unit, *source, *touchpoint; /* [n_rows] codes */
    const uint8_t *type;                                          /* [n_rows] enum row_type */
    uint32_t n_columns;
    const struct part_column *columns; /* sorted by code */
    uint32_t rules_version;            /* of touchpoint[] */
};

/* NULL if no row has it. */
const struct part_column *part_column_find(const struct part *part, uint32_t code);
/* Index k of the first present row >= row (n if none): rows of [a, b) are k(a) … k(b)-1. */
uint32_t part_column_rank(const struct part_column *column, uint32_t row);
/* Value at present index k; VALUE_TEXT is a view into the part. */
struct value part_column_value(const struct part_column *column, uint32_t k);
/* Value at a row; VALUE_ABSENT if it has none. */
struct value part_value(const struct part *part, uint32_t row, uint32_t code);
/* Index k in customer[] of the first customer >= customer (n_customers if none). */
uint32_t part_customer_find(const struct part *part, uint32_t customer);

/* Checks the checksums of the arrays a query wants (columns: COLUMN_… bits; property codes) once per part, then is
 * free. Call it before reading any array, customer[] and start[] included (a damaged part has counts but nothing
 * behind them). E_CORRUPT: the query fails clearly, the maintenance rebuilds the part. Names beyond the first
 * LIMIT_PROPERTY_COLUMNS are E_INVALID: no part has columns for them. */
enum {
    COLUMN_TIME = 1, /* sec and ms */
    COLUMN_SEQ = 2,
    COLUMN_EVENT = 4,
    COLUMN_CHANNEL = 8,
    COLUMN_UNIT = 16,
    COLUMN_SOURCE = 32,
    COLUMN_TOUCHPOINT = 64,
    COLUMN_TYPE = 128,
    COLUMN_ALL = 255
};
must_use int part_touch(const struct part *part, unsigned columns, const uint32_t *properties,
                        size_t n_properties, struct err *err);
/* Whether every row has a code in a column (COLUMN_SOURCE, COLUMN_CHANNEL, COLUMN_TOUCHPOINT), touched before. Found out
 * once a part. */
bool part_column_full(const struct part *part, unsigned column);
/* Runs run(context, err): a failing disk under a mapped part ends it with E_CORRUPT, not with a signal. It is left by a
 * long jump then, so run holds no lock and owns nothing but what the context releases. May be nested. */
must_use int part_guard(int (*run)(void *context, struct err *err), void *context, struct err *err);

#endif
