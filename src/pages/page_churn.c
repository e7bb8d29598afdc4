/*
 * Health and leaving: customers by health, who should be called and why, how good the forecast was on a time that it had not
 * seen, what speaks for leaving, and how long customers last.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "http/router.h"
#include "pages/pages.h"
#include "pages/value_view.h"

enum { LISTED = 10, SIGNS_SHOWN = 12, CHART_WIDTH = 640, CURVE_WIDTH = 1060 };

/* Below: hardly better than chance. Above: something is only known of who has left. */
static const double WEAK_AUC = 0.6, TOO_GOOD_AUC = 0.98;

static void draw_shares(const struct chart *chart, const json_t *data, struct buf *out) {
    chart_agreement(chart, true, data, out);
}
static void table_shares(const struct chart *chart, const json_t *data, struct buf *out) {
    chart_agreement_table(chart, true, data, out);
}

static double strength(const json_t *sign) {
    double odds = json_number_value(json_object_get(sign, "odds_ratio"));
    return odds > 1 ? odds : odds > 0 ? 1 / odds : 1;
}

static int strongest_first(const void *left, const void *right) {
    double a = strength(*(const json_t *const *)left), b = strength(*(const json_t *const *)right);
    return (a < b) - (a > b);
}

/* The strongest signs, with what they speak for; "clear" where the interval leaves out 1. */
static json_t *signs_view(const json_t *signs) {
    size_t n = json_array_size(signs);
    json_t **sorted = calloc(n + 1, sizeof *sorted), *list = json_array();
    if (!sorted)
        abort();
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_array_get(signs, i);
    qsort(sorted, n, sizeof *sorted, strongest_first);
    for (size_t i = 0; i < n && i < SIGNS_SHOWN; i++) {
        double odds = json_number_value(json_object_get(sorted[i], "odds_ratio"));
        const json_t *low = json_object_get(sorted[i], "low"),
                     *high = json_object_get(sorted[i], "high");
        bool clear =
            json_is_number(low) && (json_number_value(low) > 1 || json_number_value(high) < 1);
        value_say_sign(sorted[i]);
        json_object_set_new(sorted[i], "bad", json_boolean(odds > 1));
        json_object_set_new(sorted[i], "clear", json_boolean(clear));
        json_array_append(list, sorted[i]);
    }
    free(sorted);
    return list;
}

static void add_churn(struct request *request, json_t *view, json_t *churn) {
    json_t *check = json_object_get(churn, "check"),
           *calibration = json_object_get(check, "calibration");
    value_add_money(request, json_object_get(churn, "bands"), "value");
    value_add_tones(json_object_get(churn, "bands"));
    json_object_set_new(churn, "signs", signs_view(json_object_get(churn, "signs")));
    if (calibration)
        json_object_set_new(calibration, "chart",
                            value_figure(request, "calibration",
                                         page_text(request, "churn.calibration"), CHART_WIDTH,
                                         json_object_get(calibration, "groups"), draw_shares,
                                         table_shares));
    json_object_set_new(
        churn, "judged",
        json_boolean(json_is_number(json_object_get(json_object_get(check, "auc"), "value"))));
    const json_t *auc = json_object_get(check, "auc"), *low = json_object_get(auc, "low");
    double value = json_number_value(json_object_get(auc, "value"));
    bool judged = json_is_number(low), by_chance = judged && json_number_value(low) <= 0.5;
    json_object_set_new(churn, "by_chance", json_boolean(by_chance));
    json_object_set_new(churn, "weak", json_boolean(judged && !by_chance && value < WEAK_AUC));
    json_object_set_new(churn, "too_good", json_boolean(judged && value > TOO_GOOD_AUC));
    json_object_set(view, "churn", churn);
    json_object_set_new(
        view, "to_call",
        value_customers(
            request, json_is_true(json_object_get(churn, "learnt")) ? "-value_at_risk" : "health",
            LISTED));
}

/* The groups of a trait: those of the newest run, else asked for now. New reference or NULL. */
static json_t *groups_by(struct request *request, json_t *kept, const char *by) {
    const char *kept_by = json_string_value(json_object_get(kept, "by"));
    struct err ignored = {0};
    json_t *split = NULL;
    struct buf target;
    if (!by || !*by)
        return NULL;
    if (kept_by && strcmp(kept_by, by) == 0)
        return json_incref(kept);
    buf_init(&target, 2048);
    buf_add_text(&target, "/api/v1/churn/survival?by=");
    url_encode(slice_of(by), &target);
    if (page_fetch(request, arena_text(request->arena, buf_slice(&target)), &split, &ignored) < 0)
        split = NULL;
    buf_release(&target);
    return split;
}

static void add_survival(struct request *request, json_t *view, json_t *all, json_t *kept,
                         const char *by) {
    json_t *curves = json_pack("[O]", all), *split = groups_by(request, kept, by);
    json_t *groups = json_object_get(split, "groups");
    json_object_set_new(all, "chart",
                        value_figure(request, "curve", page_text(request, "churn.curve"),
                                     CURVE_WIDTH, curves, chart_survival, chart_survival_table));
    json_object_set(view, "survival", all);
    if (json_array_size(groups) > 1) {
        const json_t *p = json_object_get(json_object_get(split, "log_rank"), "p");
        json_object_set_new(split, "chart",
                            value_figure(request, "curves", page_text(request, "churn.curves"),
                                         CURVE_WIDTH, groups, chart_survival,
                                         chart_survival_table));
        json_object_set_new(split, "different",
                            json_boolean(json_is_number(p) && json_number_value(p) < 0.05));
        json_object_set(view, "split", split);
    }
    json_object_set_new(view, "by", json_string(by ? by : ""));
    json_decref(split);
    json_decref(curves);
}

static const char *split_by(struct request *request) {
    struct err ignored = {0};
    json_t *settings = NULL;
    const char *asked = request_query(request, "by"), *groups = NULL;
    if (asked)
        return asked;
    if (page_fetch(request, "/api/v1/value/settings", &settings, &ignored) < 0)
        return NULL;
    groups = json_string_value(json_object_get(settings, "groups"));
    if (groups)
        groups = arena_text(request->arena, slice_of(groups));
    json_decref(settings);
    return groups;
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "churn", .section = "churn", .title = "nav.churn", .style = "css/charts.css"};
    json_t *answer = NULL, *view = json_object();
    int code = page_fetch(request, "/api/v1/churn", &answer, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_t *churn = json_object_get(answer, "churn"),
           *survival = json_object_get(answer, "survival");
    value_add_run(request, view, json_object_get(answer, "run"));
    json_object_set(view, "made", json_object_get(answer, "made"));
    if (json_is_object(churn))
        add_churn(request, view, churn);
    if (json_is_object(survival) && json_array_size(json_object_get(survival, "points")))
        add_survival(request, view, survival, json_object_get(answer, "split"), split_by(request));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/churn",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show},
};
const struct route_table page_churn_routes = ROUTE_TABLE(routes);
