/*
 * An answer as a sentence, figures with n and interval, drawings and a table.
 *
 * SOURCE  interval of a share: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "pages/explore.h"
#include "pages/text.h"
#include "pages/unit_titles.h"

enum { DRAWING_BYTES = 2 * 1024 * 1024 };

static enum bucket bucket_named(const char *every) {
    static const char *const NAMES[] = {"hour", "day", "week", "month"};
    for (int i = 0; i < 4; i++)
        if (strcmp(every, NAMES[i]) == 0)
            return (enum bucket)i;
    return BUCKET_DAY;
}

/* 95 % interval of successes / n. */
static void wilson(double successes, double n, double *low, double *high) {
    const double z = 1.959963984540054;
    double share = successes / n, spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    double scale = 1 + z * z / n, middle = share + z * z / (2 * n);
    *low = fmax((middle - spread) / scale, 0);
    *high = fmin((middle + spread) / scale, 1);
}

static struct chart chart_of(struct request *request, const struct question *question,
                             const struct explore_drawing *drawing) {
    const char *kind = explore_kind_name(question->kind), *by = question_get(question, "by");
    return (struct chart){.language = request->language,
                          .format = page_format(request),
                          .zone = question->zone,
                          .label = text_of_value(request->language, "explore.drawing", kind),
                          .id = drawing->id ? drawing->id : kind,
                          .people = drawing->people,
                          .by_texts = strcmp(by, "channel") == 0 ? "channel"
                                      : strcmp(by, "event") == 0 || strcmp(by, "touchpoint") == 0
                                          ? "event"
                                      : strcmp(by, "segment") == 0 ? "explore.by_segment"
                                                                   : NULL,
                          .by_week = strcmp(by, "week") == 0,
                          .by_units = strcmp(by, "unit") == 0 ? unit_titles_new(request) : NULL,
                          .names = true,
                          .width = 728,
                          .narrow = drawing->narrow,
                          .arena = request->arena};
}

static struct trend_view trend_view_of(const struct question *question, const json_t *previous) {
    const char *shape = question_get(question, "shape"),
               *measure = question_get(question, "measure");
    bool by = *question_get(question, "by");
    return (struct trend_view){.shape = strcmp(shape, "stacked") == 0       ? TREND_STACKED
                                        : strcmp(shape, "lines") == 0 || by ? TREND_LINES
                                                                            : TREND_AREA,
                               .every = bucket_named(question_get(question, "every")),
                               .now_ms = question->now_ms,
                               .previous = previous,
                               .whole = strcmp(measure, "count") == 0 ||
                                        strcmp(measure, "customers") == 0};
}

void explore_draw(struct request *request, const struct question *question, const json_t *answer,
                  const json_t *previous, const struct explore_drawing *drawing, struct buf *out) {
    struct chart chart = chart_of(request, question, drawing);
    const json_t *data = json_object_get(answer, "data");
    struct trend_view trend = trend_view_of(question, previous);
    struct flow_view flow = {
        .by_time = strcmp(question_get(question, "color"), "time") == 0,
        .max_nodes = drawing->narrow ? 0 : strtoul(question_get(question, "places"), NULL, 10)};
    if (flow.max_nodes > 80)
        flow.max_nodes = 80;
    switch (question->kind) {
    case EXPLORE_TREND: chart_trend(&chart, &trend, data, out); break;
    case EXPLORE_FUNNEL: chart_funnel(&chart, data, out); break;
    case EXPLORE_FLOW:
        if (strcmp(question_get(question, "view"), "sankey") == 0)
            chart_sankey(&chart, &flow, data, out);
        else
            chart_map(&chart, &flow, data, out);
        break;
    case EXPLORE_VARIANTS: chart_variants(&chart, data, out); break;
    default: chart_retention(&chart, bucket_named(question_get(question, "every")), data, out);
    }
}

struct slice explore_by_text(struct request *request, const struct question *question,
                             const json_t *row) {
    struct chart chart = chart_of(request, question, &(struct explore_drawing){0});
    return json_by(&chart, row, "by");
}

static void draw_table(struct request *request, const struct question *question,
                       const json_t *answer, struct buf *out) {
    struct chart chart = chart_of(request, question, &(struct explore_drawing){0});
    const json_t *data = json_object_get(answer, "data");
    struct trend_view trend = trend_view_of(question, NULL);
    if (question->kind == EXPLORE_TREND)
        chart_trend_table(&chart, &trend, data, out);
    else if (question->kind == EXPLORE_FUNNEL)
        chart_funnel_table(&chart, data, out);
    else if (question->kind == EXPLORE_FLOW)
        chart_flow_table(&chart, data, out);
    else if (question->kind == EXPLORE_VARIANTS)
        chart_variants_table(&chart, data, out);
    else
        chart_retention_table(&chart, bucket_named(question_get(question, "every")), data, out);
}

/* ---- sentences ---- */

static const json_t *row_of_step(const json_t *data, size_t step) {
    size_t i;
    json_t *row;
    json_array_foreach(data, i, row) if ((size_t)json_integer_value(json_object_get(row, "step")) ==
                                         step) return row;
    return NULL;
}

static size_t steps_of(const json_t *data) {
    size_t i, most = 0;
    json_t *row;
    json_array_foreach(data, i, row) {
        size_t step = (size_t)json_integer_value(json_object_get(row, "step"));
        most = step > most ? step : most;
    }
    return most;
}

/* With `by`: who comes furthest and who least far, among groups of 30 customers or more. */
static json_t *funnel_groups(struct request *request, const struct question *question,
                             const json_t *data) {
    struct chart chart = chart_of(request, question, &(struct explore_drawing){0});
    const json_t *best = NULL, *worst = NULL;
    double high = -1, low = 2;
    size_t i, last = steps_of(data);
    json_t *row;
    json_array_foreach(data, i, row) {
        double share = json_figure(row, "share"), customers = json_figure(row, "customers");
        if ((size_t)json_integer_value(json_object_get(row, "step")) != last ||
            !(share > 0 ? customers / share >= 30 : false))
            continue;
        if (share > high)
            high = share, best = row;
        if (share < low)
            low = share, worst = row;
    }
    if (!best || best == worst)
        return NULL;
    struct slice a = json_by(&chart, best, "by"), b = json_by(&chart, worst, "by");
    return json_pack("{s:o, s:f, s:o, s:f}", "best", json_stringn(a.p, a.n), "best_share", high,
                     "worst", json_stringn(b.p, b.n), "worst_share", low);
}

/* Customers at a step, over all values of `by`. */
static double customers_at(const json_t *data, size_t step) {
    double sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(data, i, row) if ((size_t)json_integer_value(json_object_get(row, "step")) ==
                                         step) sum += json_figure(row, "customers");
    return sum;
}

static json_t *funnel_headline(const json_t *data) {
    size_t last = steps_of(data), worst = 0;
    double first_n = customers_at(data, 1), last_n = customers_at(data, last);
    double lost = 0, low, high, before = first_n;
    if (!(first_n > 0) || last < 2)
        return NULL;
    for (size_t step = 2; step <= last; step++) {
        double n = customers_at(data, step);
        if (before - n > lost)
            lost = before - n, worst = step;
        before = n;
    }
    wilson(last_n, first_n, &low, &high);
    json_t *line = json_pack("{s:f, s:f, s:f, s:f, s:f}", "start", first_n, "end", last_n, "share",
                             last_n / first_n, "low", low, "high", high);
    if (worst) {
        const json_t *row = row_of_step(data, worst), *from = row_of_step(data, worst - 1);
        struct slice name = json_slice(row, "name"), previous = json_slice(from, "name");
        json_object_set_new(line, "worst", json_stringn(name.p, name.n));
        json_object_set_new(line, "before", json_stringn(previous.p, previous.n));
        json_object_set_new(line, "worst_lost", json_real(lost));
        json_object_set_new(line, "worst_drop", json_real(-lost / customers_at(data, worst - 1)));
    }
    return line;
}

static double sum_of(const json_t *data, double *most, int64_t *when) {
    double sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(data, i, row) {
        double value = json_figure(row, "value");
        if (!isfinite(value))
            continue;
        sum += value;
        if (most && value > *most)
            *most = value, *when = json_instant_ms(row, "time");
    }
    return sum;
}

/* Buckets of a trend: its rows with different instants. */
static double buckets_of(const json_t *data) {
    size_t i, n = 0;
    json_t *row;
    const json_t *first = json_object_get(json_array_get(data, 0), "by");
    json_array_foreach(data, i, row) n += !first || json_equal(json_object_get(row, "by"), first);
    return n ? (double)n : 1;
}

static json_t *trend_headline(const struct question *question, const json_t *answer,
                              const json_t *previous) {
    const json_t *data = json_object_get(answer, "data");
    const char *measure = question_get(question, "measure");
    int64_t when = 0;
    double most = -1, total = sum_of(data, &most, &when),
           before = previous ? sum_of(previous, NULL, NULL) : 0;
    json_t *line = json_pack("{s:s, s:f, s:f}", "measure", measure, "total", total, "mean",
                             total / buckets_of(data));
    if (when && !*question_get(question, "by")) {
        char text[TIME_TEXT_BYTES];
        time_format(when, text);
        json_object_set_new(line, "peak", json_real(most));
        json_object_set_new(line, "peak_time", json_string(text));
    }
    if (before > 0)
        json_object_set_new(line, "change", json_real(total / before - 1));
    json_object_set_new(line, "adds",
                        json_boolean(strcmp(measure, "count") == 0 || strcmp(measure, "sum") == 0));
    return line;
}

static void name_edge(json_t *line, const char *prefix, const json_t *edge, struct arena *arena) {
    json_object_set(line, arena_format(arena, "%s_from", prefix), json_object_get(edge, "from"));
    json_object_set(line, arena_format(arena, "%s_to", prefix), json_object_get(edge, "to"));
}

static json_t *flow_headline(const json_t *data, struct arena *arena) {
    double cases = 0, most = 0, slow = 0;
    const json_t *frequent = NULL, *slowest = NULL;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(data, "nodes"), i, row) cases +=
        fmax(json_figure(row, "starts"), 0);
    if (cases <= 0)
        return NULL;
    json_array_foreach(json_object_get(data, "edges"), i, row) {
        double n = json_figure(row, "cases"), median = json_figure(row, "median_s");
        if (n > most)
            most = n, frequent = row;
        if (n >= fmax(cases * 0.02, 5) && median > slow)
            slow = median, slowest = row;
    }
    json_t *line = json_pack("{s:f, s:I}", "cases", cases, "names",
                             (json_int_t)json_array_size(json_object_get(data, "nodes")));
    if (frequent) {
        name_edge(line, "frequent", frequent, arena);
        json_object_set_new(line, "frequent_share", json_real(fmin(most / cases, 1)));
    }
    if (slowest) {
        name_edge(line, "slow", slowest, arena);
        json_object_set_new(line, "slow_s", json_real(slow));
    }
    return line;
}

static json_t *variants_headline(const json_t *data) {
    double covered = 0, cases = 0;
    size_t i, counted = 0;
    json_t *row;
    json_array_foreach(json_object_get(data, "variants"), i, row) {
        double share = json_figure(row, "share");
        if (cases <= 0 && share > 0)
            cases = round(json_figure(row, "cases") / share);
        if (counted < 3)
            covered += share, counted++;
    }
    if (!counted)
        return NULL;
    return json_pack("{s:f, s:o, s:I, s:f}", "cases", cases, "total",
                     json_incref(json_object_get(data, "total")), "top", (json_int_t)counted,
                     "covered", covered);
}

/* Weighted share that came back in a period, over the cohorts that have seen it. */
static double came_back(const json_t *data, size_t period, double *size) {
    double back = 0;
    size_t i;
    json_t *row;
    *size = 0;
    json_array_foreach(data, i, row) {
        const json_t *value = json_array_get(json_object_get(row, "returned"), period);
        if (json_is_number(value))
            back += json_number_value(value), *size += json_figure(row, "size");
    }
    return *size > 0 ? back / *size : (double)NAN;
}

static json_t *retention_headline(const struct question *question, const json_t *data) {
    double size, first = came_back(data, 1, &size), n = size, low, high;
    size_t last = 1;
    if (!isfinite(first))
        return NULL;
    for (size_t period = 2; period < 1000 && isfinite(came_back(data, period, &size)); period++)
        last = period;
    wilson(first * n, n, &low, &high);
    json_t *line = json_pack("{s:f, s:f, s:f, s:f, s:s}", "first", first, "n", n, "low", low,
                             "high", high, "every", question_get(question, "every"));
    if (last > 1) {
        json_object_set_new(line, "last", json_integer((json_int_t)last));
        json_object_set_new(line, "last_share", json_real(came_back(data, last, &size)));
    }
    return line;
}

static json_t *headline_of(struct request *request, const struct question *question,
                           const json_t *answer, const json_t *previous, json_t *view) {
    const json_t *data = json_object_get(answer, "data");
    switch (question->kind) {
    case EXPLORE_TREND: return trend_headline(question, answer, previous);
    case EXPLORE_FUNNEL:
        if (*question_get(question, "by"))
            json_object_set_new(view, "versus", funnel_groups(request, question, data));
        return funnel_headline(data);
    case EXPLORE_FLOW: return flow_headline(data, request->arena);
    case EXPLORE_VARIANTS: return variants_headline(data);
    default: return retention_headline(question, data);
    }
}

static bool is_empty(const struct question *question, const json_t *answer) {
    const json_t *data = json_object_get(answer, "data");
    if (question->kind == EXPLORE_FLOW)
        return json_array_size(json_object_get(data, "nodes")) == 0;
    if (question->kind == EXPLORE_VARIANTS)
        return json_array_size(json_object_get(data, "variants")) == 0;
    if (question->kind == EXPLORE_FUNNEL)
        return !(customers_at(data, 1) > 0);
    return json_array_size(data) == 0 ||
           json_integer_value(json_object_get(json_object_get(answer, "meta"), "interactions")) ==
               0;
}

void explore_drawing_view(struct request *request, const struct question *question,
                          const json_t *answer, const json_t *previous,
                          const struct explore_drawing *drawing, json_t *view) {
    struct explore_drawing form = *drawing;
    struct buf html;
    buf_init(&html, DRAWING_BYTES);
    /* without links inside, keys could not scroll it */
    buf_add_format(&html, "<div class=\"chart-scroll\"%s>\n", form.people ? "" : " tabindex=\"0\"");
    explore_draw(request, question, answer, previous, &form, &html);
    form.narrow = true;
    explore_draw(request, question, answer, previous, &form, &html);
    buf_add_text(&html, "</div>\n");
    draw_table(request, question, answer, &html);
    if (html.full)
        json_object_set_new(view, "too_large", json_true());
    else
        json_object_set_new(view, "chart", json_stringn(html.p, html.n));
    buf_release(&html);
    json_t *headline = headline_of(request, question, answer, previous, view);
    if (headline)
        json_object_set_new(view, "headline",
                            json_pack("{s:o}", explore_kind_name(question->kind), headline));
}

void explore_answer_view(struct request *request, const struct question *question,
                         const json_t *answer, const json_t *previous, json_t *view) {
    const char *own = question_address(question, question->kind, ""), *mark = strchr(own, '?');
    struct explore_drawing drawing = {.people = arena_format(request->arena, "/explore/%s/people%s",
                                                             explore_kind_name(question->kind),
                                                             mark ? mark : "?")};
    json_object_set(view, "meta", json_object_get(answer, "meta"));
    if (is_empty(question, answer)) {
        json_object_set_new(view, "empty", json_true());
        return;
    }
    json_object_set_new(view, "legend",
                        json_boolean(question->kind == EXPLORE_FLOW &&
                                     strcmp(question_get(question, "view"), "map") == 0));
    if (request->principal.floor)
        drawing.people = NULL; /* no way from a number to people */
    if (explore_is_grouped(question))
        explore_groups_view(request, question, answer, drawing.people, view);
    else
        explore_drawing_view(request, question, answer, previous, &drawing, view);
}
