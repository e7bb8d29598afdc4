/*
 * What the pages of scores share: which score, in which period, with or without the answers that were asked for.
 *
 * PERIOD  Whole days up to and including today; where the newest answer is older, the period ends with it. "from" and "to" (RFC 3339)
 * in the address stand in its place: one hour of a centre, say. "weekday" (1: Monday) and "hour" besides keep to that hour of each week.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_SCORES_H
#define SENDA_PAGES_SCORES_H

#include "pages/page.h"

struct score_period {
    const char *id, *every;
    int days;
};
struct score_metric {
    const char *name;
    bool share;
    int digits;
};
enum { SCORE_METRICS = 4, SCORE_PERIODS = 4 };
extern const struct score_metric score_metrics[SCORE_METRICS];
#define SCORE_OWN SCORE_METRICS /* number of a scale of one's own: view->own */

#define SCORE_OWN_WEIGHTS                                                                          \
    "@weight" /* the weight that each answer brought with it (a file's column) */

/* What is asked for, from the address. */
struct score_view {
    struct request *request;
    const struct score_period *period;
    int64_t from_ms, to_ms;  /* from_ms 0: all */
    size_t metric;           /* of score_metrics, or SCORE_OWN */
    struct score_metric own; /* name NULL: none was chosen */
    const char *survey;      /* NULL: answers that name none */
    const char *segment;     /* a stored one, NULL: everybody */
    const char *unit;        /* with everything below it, NULL: all */
    const char
        *margins; /* stored ones that answers are weighted to, or SCORE_OWN_WEIGHTS, NULL: none */
    bool weigh;   /* margins is there and can be used */
    int weekday, hour;     /* 1 … 7, 0: any; 0 … 23, -1: any */
    bool chosen;           /* the address names a metric */
    bool flagged;          /* with the answers that were asked for */
    bool every_survey;     /* survey NULL: of whichever; "surveys=all" */
    const char *from, *to; /* instants instead of the period; NULL: the period */
};

static inline const struct score_metric *score_metric(const struct score_view *view,
                                                      size_t metric) {
    return metric < SCORE_METRICS ? &score_metrics[metric] : &view->own;
}
/* Makes a scale of one's own, by its name, the metric SCORE_OWN. */
void score_view_own(struct score_view *view, const char *name);
/* Names of scales of one's own that answers have. New reference. */
json_t *score_own_metrics(const struct score_view *view);

/* false: there are no answers at all. */
bool score_view_read(struct score_view *view, struct request *request);
/* A question of kind `kind` ("score") of a metric, in a time; from_ms 0: ever. New reference. */
json_t *score_question(const struct score_view *view, const char *kind, size_t metric,
                       int64_t from_ms, int64_t to_ms);
/* The same of the chosen survey. */
json_t *score_question_chosen(const struct score_view *view, const char *kind, int64_t from_ms,
                              int64_t to_ms);
/* Makes a question about the score weighted, where the view is. Shares the query. */
void score_weigh(const struct score_view *view, json_t *query);
/* Asks; `query` is taken over. New reference of the answer; an empty one where it cannot be had (nothing was collected yet). */
json_t *score_ask(const struct score_view *view, json_t *query);
/* "/scores?period=…&metric=…&survey=…" or another page of them; in the request's arena. */
const char *score_address(const struct score_view *view, const char *page, size_t metric,
                          const char *survey, const char *period);
/* Choices of the period with their addresses on this page. New reference. */
json_t *score_period_choices(const struct score_view *view, const char *page);
/* A value of the metric as people read it. New reference. */
json_t *score_shown(const struct score_view *view, size_t metric, const json_t *value);
/* Adds value_text, low_text, high_text, unweighted_text, and no_rate where the response rate is not known. */
void score_add_figures(const struct score_view *view, size_t metric, json_t *row);
/* Rows by time as a line with its band; people: points lead to the customers behind them. id is unique on the page. New reference. */
json_t *score_draw(const struct score_view *view, const json_t *data, const char *id, bool people);
/* score_address with one more member. */
const char *score_with(const struct score_view *view, const char *page, const char *name,
                       const char *value);
/* The end of an address that keeps answers to a band of a condition ("wait", "load"); in the arena. */
const char *score_band(struct request *request, const json_t *band, const char *condition);
/* "channel", "property:NAME", "trait:NAME", "segmentation:NAME" as questions take `by`. New reference. */
json_t *score_by_json(const char *by);
/* Titles of surveys by id; imported ones have none. New reference. */
json_t *score_survey_titles(struct request *request);
/* Tabs of the three pages; members period, metric, survey of the address. */
void score_view_tell(const struct score_view *view, json_t *root, const char *current);

#endif
