/*
 * Explore: questions without JSON. The address of a page is the question; the form of the page is a plain GET form over
 * the same parameters, so that it works without scripts and every question can be shared.
 *
 * IN:  parameters of the address (below)
 * OUT: a query (docs/metrics.md), its answer as sentences, drawings and tables
 *
 * FORMAT of an address: /explore/KIND?…, KIND = trend funnel flow variants retention. Absent means the default.
 *   all        range = last_7d last_30d last_90d last_12m this_month previous_month this_year all custom; from, to =
 *              dates, both included (custom); channel (repeated); unit; by = channel unit touchpoint event week
 *              segment p:PROPERTY t:TRAIT s:SEGMENTATION
 *   filters    f1p f1o f1v, f2p …  property, op, value
 *   segment    g = all any; g1k = trait did did_not in; g1p g1o g1v (trait); g1e g1n g1w (did: matcher, times, days);
 *              g1s (in: name of a stored segment)
 *   matchers   an event's name, "@" and a touchpoint's name, or "*"
 *   trend      of, measure = count customers sum mean, prop, every, shape = lines area stacked, compare = 1
 *   funnel     s1 s2 …, s1p s1o s1v (condition of a step), w and wu = m h d (window), order, entry,
 *              x1 x1a x1b … (exclusions: matcher, after step, before step)
 *   all but funnel  sys = 1 counts what Senda derived itself (who entered a segment …) too
 *   flow       level, case = customer session property, casep, min (percent), view = map sankey, color = count time,
 *              places = fit 10 20 40 80 (how many are drawn)
 *   variants   level, case, casep, top
 *   retention  start, return, every, periods, rm = calendar rolling unbounded
 *   sn fn gn xn  rows shown beyond the filled ones; do = an operation of the form: add-s, del-s-2, up-s-2, down-s-1
 *
 * INVARIANTS
 *  1. Rows of a group are numbered from 1 without holes after question_read.
 *  2. question_address(question_read(A)) read again gives the same question.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_EXPLORE_H
#define SENDA_PAGES_EXPLORE_H

#include "http/http.h"
#include "pages/chart.h"
#include "pages/page.h"

enum explore_kind {
    EXPLORE_TREND,
    EXPLORE_FUNNEL,
    EXPLORE_FLOW,
    EXPLORE_VARIANTS,
    EXPLORE_RETENTION,
    EXPLORE_KINDS
};
const char *explore_kind_name(enum explore_kind kind);
enum explore_kind explore_kind_of(const char *name); /* EXPLORE_KINDS if unknown */

/* Groups of rows. */
enum { ROWS_STEPS, ROWS_FILTERS, ROWS_SEGMENT, ROWS_EXCLUSIONS, ROW_GROUPS };

struct question {
    enum explore_kind kind;
    json_t *values;           /* parameter -> text */
    json_t *channels;         /* texts */
    size_t rows[ROW_GROUPS];  /* filled rows */
    size_t shown[ROW_GROUPS]; /* rows of the form */
    struct arena *arena;
    const struct zone *zone;
    int64_t now_ms;
    const struct dictionary *dictionary;
};

/* Reads the query part of `target` ("/explore/funnel?s1=…"); what it does not know it drops. question_release after. */
void question_read(struct question *question, enum explore_kind kind, const char *target,
                   struct arena *arena);
void question_release(struct question *question);
/* The value of a parameter or its default; never NULL. */
const char *question_get(const struct question *question, const char *name);
/* Row r (from 1) of a group: "s2p" is question_row(q, ROWS_STEPS, 2, "p"). */
const char *question_row(const struct question *question, int group, size_t row, const char *field);
void question_set(struct question *question, const char *name, const char *value);
/* Forms show events as people call them: puts the names themselves in place of those words. */
void question_take_words(struct question *question, const char *language);
/* "add-s", "del-f-2", "up-s-3", "down-s-1"; anything else does nothing. */
void question_do(struct question *question, const char *operation);
/* "/explore/KIND.suffix?…": only what differs from the defaults; for another kind only what it shares. */
const char *question_address(const struct question *question, enum explore_kind kind,
                             const char *suffix);

/* The query as JSON (new reference). */
json_t *question_query(const struct question *question);
/* The range of the same length before; false if the range is open. */
bool question_previous_range(const struct question *question, const char **from, const char **to);
/* The control that a JSON pointer of an error is about: "/steps/1/event" -> "s2". */
const char *question_control(const struct question *question, const char *pointer);
/* Member "people" of the query from the address of a list ("step=3&lost=1"); NULL if it names nobody. answer: of the
 * question itself, for variants; may be NULL. */
json_t *question_people(const struct question *question, const char *target, const json_t *answer);

/* What the form shows: members of the template explore.mustache. bad: the control in error or NULL. */
void explore_form_view(struct request *request, const struct question *question, json_t *view);
/* Drawing, table and sentence of an answer: members "chart" (HTML), "headline", "figures"; broken down by some kinds of
 * question, "groups" with these members each. previous: NULL or data. */
void explore_answer_view(struct request *request, const struct question *question,
                         const json_t *answer, const json_t *previous, json_t *view);
struct explore_drawing {
    const char *people; /* prefix of links or NULL */
    const char *id;     /* prefix of its ids; NULL: the kind's name */
    bool narrow;
};
/* One drawing in the reader's language. */
void explore_draw(struct request *request, const struct question *question, const json_t *answer,
                  const json_t *previous, const struct explore_drawing *drawing, struct buf *out);
/* The members "chart" or "too_large", "headline" of one answer. */
void explore_drawing_view(struct request *request, const struct question *question,
                          const json_t *answer, const json_t *previous,
                          const struct explore_drawing *drawing, json_t *view);
/* The member "by" of a row as people read it. */
struct slice explore_by_text(struct request *request, const struct question *question,
                             const json_t *row);

/* ---- explore_groups.c: each value of `by` drawn by itself ---- */

/* By week, an answer reads as time goes, not by size. */
void explore_order_weeks(const struct question *question, json_t *answer);
bool explore_is_grouped(const struct question *question);
/* [{"by","data"}] in the order of the answer: an answer for each value. New reference. */
json_t *explore_groups(const struct question *question, const json_t *answer);
/* The one whose value is this JSON text, or NULL; borrowed. */
const json_t *explore_group_named(const json_t *groups, const char *by);
void explore_groups_view(struct request *request, const struct question *question,
                         const json_t *answer, const char *people, json_t *view);
/* All below each other in one drawing. */
void explore_draw_groups(struct request *request, const struct question *question,
                         const json_t *answer, struct buf *out);

/* Makes a drawing stand alone: its classes get a style sheet with the tokens of the light scheme resolved. */
must_use int explore_svg(struct slice drawing, struct arena *arena, struct buf *out,
                         struct err *err);

/* ---- explore.c, for its other pages ---- */

/* question_read of this request, with what the folder knows. */
void explore_open(struct request *request, enum explore_kind kind, struct question *question);
/* Runs the question; with a range that nobody chose and nothing in it, of all times. */
must_use int explore_ask(struct request *request, struct question *question, json_t **answer,
                         struct err *err);
/* Room for a file in the answer, and its name: "senda-NAME". */
void explore_open_file(struct response *response);
void explore_as_file(struct request *request, struct response *response, const char *type,
                     const char *name);

#endif
