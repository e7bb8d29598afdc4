/*
 * Scores that were asked for: what single answers say of themselves (collect/answers.h), and what only many answers of one
 * centre show together. A flagged answer is kept; scores leave it out unless they are asked not to.
 *
 * X(name, word in answers, what it means)
 *   asked_words      its words say that a score was asked for
 *   picked_by_staff  staff chose whom to invite
 *   misuse           the device marked it (children hammering)
 *   closing_burst    a tap in the centre's last 20 minutes, where those hold far more taps than elsewhere
 *   tens_no_words    the best answer without words, where nearly all wordless answers are the best ones
 *   centre           another answer of a centre and quarter a third of whose answers are flagged: they cannot be told apart
 *
 * CELLS  A centre (unit), a calendar quarter, and taps apart from other answers. Answers without a unit are never in one. What a
 * cell shows depends on all answers of all units in that quarter and on nothing of the question: an answer is flagged alike in
 * every question. Taps marked as misuse show nothing of a centre.
 *
 * RULES (asked_rules.c)
 *   closing time   of a cell and kind of day (Monday to Friday, Saturday, Sunday): the 98th percentile of its taps' minutes; none where
 *                  half of them bear one minute (dates without a time of day)
 *   burst          at least 10 taps on 5 days, 30 % of them in the last 20 minutes, and that many would come by chance less than once in
 *                  1,000 cells if the share were twice that of the other cells (at least 10 %)
 *   tens           where 5 % of the answers of the quarter have words: at least 10 wordless answers on scales of 5 points or more, 90 % of them the best, and by chance less than once
 *                  in 1,000 if the share were 1.5 times that of the others (at least 50 %, at most 95 %)
 *   centre         at least 6 answers, 3 flagged, a third of them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_ASKED_H
#define SENDA_JOURNEY_ASKED_H

#include <math.h>

#include "base/map.h"
#include "query/block.h"

#define ASKED_TABLE(X)                                                                             \
    X(WORDS, "asked_words")                                                                        \
    X(PICKED, "picked_by_staff")                                                                   \
    X(MISUSE, "misuse")                                                                            \
    X(CLOSING, "closing_burst")                                                                    \
    X(TENS, "tens_no_words")                                                                       \
    X(CENTRE, "centre")

enum asked {
    ASKED_NOT,
#define X(name, text) ASKED_##name,
    ASKED_TABLE(X)
#undef X
        ASKED_REASONS
};
const char *asked_text(enum asked reason);
/* ASKED_NOT for a text that is none. */
enum asked asked_of(struct slice text);

/* ---- the rules, on counts ---- */

enum { ASKED_CLOSING_MIN = 20, ASKED_DAY_KINDS = 3, ASKED_NEVER_CLOSES = 24 * 60 };

/* Minute of the day from which a tap is one of the last; minutes ascending. ASKED_NEVER_CLOSES: too few taps to say. */
int asked_last_minutes(const uint16_t *minutes, size_t n);
/* days: a bit for each local date (modulo 64) with taps. */
bool asked_is_burst(double at_close, double taps, double others_at_close, double others_taps,
                    uint64_t days);
static inline uint64_t asked_day_bit(int64_t day) { return UINT64_C(1) << (day & 63); }
/* worded: answers with words of all cells of the quarter; where nobody writes, nobody was asked to. */
bool asked_is_tens(double tens, double wordless, double others_tens, double others_wordless,
                   double worded);
bool asked_is_centre(double flagged, double answers);
/* 0 Monday to Friday, 1 Saturday, 2 Sunday; day: local date as days since 1970. */
unsigned asked_day_kind(int64_t day);
/* Quarters since 1970 of a local date. */
uint32_t asked_quarter(int64_t day);

/* ---- counting (operator) ---- */

/* What the counting must know of an answer; places in view->extra, VIEW_EXTRAS: nobody has it. */
struct asked_spec {
    struct bucket_table days; /* local days */
    int64_t first_day;        /* local date of days' first, since 1970 */
    uint16_t taps;            /* code of the event */
    uint32_t flag, words, high, low;
    const enum asked *flags; /* [numbers of extra flag] */
    const double *values, *highs,
        *lows; /* numbers of case_value, extra high, extra low; NaN: none */
};

struct asked_cell {
    uint64_t key, days; /* days: asked_day_bit of its taps */
    uint32_t answers, flagged, wordless, worded, tens, taps, at_close;
    int16_t last_minutes[ASKED_DAY_KINDS];
    bool burst, all_tens, centre;
};

struct asked_tap {
    uint32_t cell;
    uint16_t minute;
    uint8_t day_kind;
};

struct asked_count {
    const struct asked_spec *spec;
    struct key_map places; /* of cells by their key */
    struct asked_cell *cells;
    size_t n_cells, capacity;
    struct asked_tap *taps;
    size_t n_taps, taps_capacity;
};
struct asked_count *asked_new(const struct asked_spec *spec);
void asked_free(struct asked_count *count);
extern const struct operator asked_operator;
void asked_merge(struct asked_count *into, const struct asked_count *from);
/* All is counted: applies the rules. */
void asked_decide(struct asked_count *count);

/* Is the answer a number? */
static inline bool asked_number(const struct asked_spec *spec, const struct view *view,
                                uint32_t row) {
    double value = view->case_value ? spec->values[view->case_value[row]] : (double)NAN;
    return !isnan(value);
}

/* Why this answer is flagged, ASKED_NOT if it is not. count: decided; NULL: only what answers say of themselves. */
enum asked asked_reason(const struct asked_count *count, const struct asked_spec *spec,
                        const struct view *view, uint32_t row);

#endif
