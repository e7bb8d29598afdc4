/*
 * Charts: from the answer of a question (query answers, "data" of {"kind","data","meta"}) to SVG text.
 *
 * IN:  the data of an answer, who reads it (language, zone, width)
 * OUT: an SVG drawing with titles and links, and a table of the same figures
 *
 * chart_X draws one form (chart->narrow says which); chart_X_table writes the figures; chart_trend_figure writes both
 * forms and the table.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CHART_H
#define SENDA_PAGES_CHART_H

#include "pages/chart_format.h"

enum trend_shape { TREND_LINES, TREND_AREA, TREND_STACKED };

struct trend_view {
    enum trend_shape shape;
    enum bucket every;
    int64_t now_ms;         /* a bucket that ends later is under way: dashed; 0: none is */
    const json_t *previous; /* data of the period before, drawn behind; or NULL */
    bool whole;             /* values are counts */
    bool interval;          /* rows have "low", "high" and "n": a band around the line */
    bool share;             /* values are shares 0 … 1 */
};
/* data: [{"time","by"?,"value"}], with view->interval "low", "high", "n" besides. */
void chart_trend(const struct chart *chart, const struct trend_view *view, const json_t *data,
                 struct buf *out);
void chart_trend_table(const struct chart *chart, const struct trend_view *view, const json_t *data,
                       struct buf *out);

/* A figure of both forms, and the figures themselves folded under `summary`. The narrow form's ids end in "-n". */
void chart_trend_figure(const struct chart *chart, const struct trend_view *view,
                        const json_t *data, const char *summary, struct buf *out);

/* data: [{"step","name","customers","share","from_previous","median_s","p90_s","by"?}]. */
void chart_funnel(const struct chart *chart, const json_t *data, struct buf *out);
void chart_funnel_table(const struct chart *chart, const json_t *data, struct buf *out);

struct flow_view {
    bool by_time;     /* colour says the median time of an edge, else its frequency */
    size_t max_nodes; /* the most frequent ones; 0: as many as fit the width */
    size_t max_edges; /* 0: by the nodes */
};
/* data: {"nodes":[{"name","count","starts","ends"}],"edges":[{"from","to","count","cases","median_s",…}]}. */
void chart_map(const struct chart *chart, const struct flow_view *view, const json_t *data,
               struct buf *out);
void chart_sankey(const struct chart *chart, const struct flow_view *view, const json_t *data,
                  struct buf *out);
void chart_flow_table(const struct chart *chart, const json_t *data, struct buf *out);

/* data: {"total":n,"variants":[{"path","cases","share","median_s"}]}. */
void chart_variants(const struct chart *chart, const json_t *data, struct buf *out);
void chart_variants_table(const struct chart *chart, const json_t *data, struct buf *out);

/* data: [{"name"?,"customers","predicted","observed","low"?,"high"?}]; share: values are shares 0 … 1. */
void chart_agreement(const struct chart *chart, bool share, const json_t *data, struct buf *out);
void chart_agreement_table(const struct chart *chart, bool share, const json_t *data,
                           struct buf *out);

/* data: [{"group"?,"points":[{"day","share","low","high"}]}]. */
void chart_survival(const struct chart *chart, const json_t *data, struct buf *out);
void chart_survival_table(const struct chart *chart, const json_t *data, struct buf *out);

/* data: [{"cohort","size","returned":[…]}]. */
void chart_retention(const struct chart *chart, enum bucket every, const json_t *data,
                     struct buf *out);
void chart_retention_table(const struct chart *chart, enum bucket every, const json_t *data,
                           struct buf *out);

#endif
