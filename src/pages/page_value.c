/*
 * Value: what customers are worth, how that is spread, who is worth most and who may be lost, what the estimate rests on, and how
 * well the one before foretold what came. Its settings.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "http/router.h"
#include "pages/pages.h"
#include "pages/text.h"
#include "pages/value_view.h"

enum { LISTED = 10, CHART_WIDTH = 1060 };

/* ---- the page ---- */

static void draw_check(const struct chart *chart, const json_t *data, struct buf *out) {
    chart_agreement(chart, false, data, out);
}
static void table_check(const struct chart *chart, const json_t *data, struct buf *out) {
    chart_agreement_table(chart, false, data, out);
}
static void draw_shares(const struct chart *chart, const json_t *data, struct buf *out) {
    chart_agreement(chart, true, data, out);
}
static void table_shares(const struct chart *chart, const json_t *data, struct buf *out) {
    chart_agreement_table(chart, true, data, out);
}

/* Groups of the check as the chart takes them: by purchases so far, or by the contract's age. */
static json_t *check_points(struct request *request, const json_t *check, bool contracts) {
    json_t *points = json_array(), *row;
    size_t i;
    json_array_foreach(json_object_get(check, contracts ? "by_age" : "by_repeats"), i, row) {
        json_t *point = json_pack("{s:O, s:O, s:O}", "customers", json_object_get(row, "customers"),
                                  "predicted", json_object_get(row, "expected"), "observed",
                                  json_object_get(row, "actual"));
        const char *band = json_string_value(json_object_get(row, "band"));
        if (band) {
            json_object_set(point, "low", json_object_get(row, "low"));
            json_object_set(point, "high", json_object_get(row, "high"));
            json_object_set_new(point, "name",
                                json_string(text_of_value(request->language, "value.age", band)));
        } else {
            json_object_set_new(
                point, "name",
                json_sprintf("%d%s %s", (int)json_integer_value(json_object_get(row, "repeats")),
                             json_is_true(json_object_get(row, "and_more")) ? "+" : "",
                             page_text(request, "value.repeats")));
        }
        json_array_append_new(points, point);
    }
    return points;
}

static void add_check(struct request *request, json_t *report) {
    json_t *check = json_object_get(report, "check");
    const char *business = json_string_value(json_object_get(report, "business"));
    bool contracts = business && strcmp(business, "contracts") == 0;
    if (!json_is_object(check))
        return;
    json_t *points = check_points(request, check, contracts);
    json_object_set_new(check, "chart",
                        value_figure(request, "check", page_text(request, "value.check"),
                                     CHART_WIDTH, points, contracts ? draw_shares : draw_check,
                                     contracts ? table_shares : table_check));
    json_decref(points);
}

/* Widths of bars against the longest. */
static void add_bars(json_t *rows, const char *of) {
    double longest = 0;
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        double value = json_number_value(json_object_get(row, of));
        longest = value > longest ? value : longest;
    }
    json_array_foreach(rows, i, row) json_object_set_new(
        row, "width",
        json_real(longest > 0 ? 100 * json_number_value(json_object_get(row, of)) / longest : 0));
}

static void add_report(struct request *request, json_t *view, json_t *report) {
    static const char *const totals[] = {"total", "mean"}, *const lists[] = {"distribution",
                                                                             "cohorts"};
    static const char *const amounts[] = {"value", "least", "most", "mean_value", "mean_spend"};
    const char *business = json_string_value(json_object_get(report, "business"));
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        value_add_money(request, report, totals[i]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *rows = json_object_get(report, lists[i]);
        for (size_t k = 0; k < sizeof amounts / sizeof *amounts; k++)
            value_add_money(request, rows, amounts[k]);
        add_bars(rows, i ? "mean_value" : "value");
    }
    json_t *potential = json_object_get(report, "potential"),
           *wallet = json_object_get(potential, "wallet"),
           *products = json_object_get(potential, "products");
    if (wallet) {
        value_add_money(request, wallet, "elsewhere");
        json_object_set(report, "wallet", wallet);
    }
    if (json_array_size(products) > 1)
        json_object_set_new(report, "offers", json_pack("{s:O}", "products", products));
    add_check(request, report);
    json_object_set_new(report, "contracts",
                        json_boolean(business && strcmp(business, "contracts") == 0));
    json_object_set_new(report, "has_values",
                        json_boolean(json_array_size(json_object_get(report, "distribution")) > 0));
    json_object_set(view, "report", report);
    json_object_set_new(view, "best", value_customers(request, "-clv", LISTED));
    json_object_set_new(view, "at_risk", value_customers(request, "-value_at_risk", LISTED));
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "value", .section = "value", .title = "nav.value", .style = "css/charts.css"};
    json_t *model = NULL, *view = json_object();
    int code = page_fetch(request, "/api/v1/value/model", &model, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_t *report = json_object_get(model, "report");
    value_add_run(request, view, json_object_get(model, "run"));
    json_object_set(view, "made", json_object_get(model, "made"));
    if (json_is_object(report))
        add_report(request, view, report);
    json_decref(model);
    return page_render(request, response, &page, view, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    const char *step = request_form(request, "step"), *back = request_form(request, "back");
    bool cancel = step && strcmp(step, "cancel") == 0;
    int code = page_send(request, METHOD_POST,
                         cancel ? "/api/v1/value/cancel" : "/api/v1/value/run", NULL, NULL, err);
    if (code < 0 && code != E_CONFLICT) /* it has ended meanwhile */
        return code;
    return page_redirect(request, response, back && strcmp(back, "/churn") == 0 ? back : "/value",
                         cancel ? "job_cancelled" : "job_asked");
}

/* ---- settings ---- */

static const char *field(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    return text ? text : "";
}

/* A matcher of one event by its name; what says more is shown as JSON and kept. */
static void add_matcher(json_t *form, const char *name, const json_t *matcher) {
    const json_t *event = json_object_get(matcher, "event");
    if (json_object_size(matcher) == 1 && json_is_string(event))
        json_object_set(form, name, (json_t *)(uintptr_t)event);
    else if (json_is_object(matcher)) {
        char *text = json_dumps(matcher, JSON_COMPACT);
        json_object_set_new(form, name, json_string(text ? text : ""));
        free(text);
    }
}

static void add_table(json_t *form, const json_t *contract) {
    static const char *const names[] = {"tenure", "tenure_unit", "entry"};
    const json_t *left = json_object_get(contract, "left"), *value = json_object_get(left, "value");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_object_get(contract, names[i]))
            json_object_set(form, names[i], json_object_get(contract, names[i]));
    if (!left)
        return;
    json_object_set(form, "left", json_object_get(left, "trait"));
    json_object_set_new(
        form, "left_value",
        json_is_string(value)    ? json_incref((json_t *)(uintptr_t)value)
        : json_is_integer(value) ? json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
        : json_is_boolean(value) ? json_string(json_is_true(value) ? "true" : "false")
                                 : json_null());
}

/* Names with commas between. */
static void add_signs(json_t *form, const json_t *signs) {
    struct buf text;
    json_t *sign;
    size_t i;
    buf_init(&text, TEMPLATE_MAX_BYTES);
    json_array_foreach((json_t *)(uintptr_t)signs, i, sign) {
        buf_add_text(&text, i ? ", " : "");
        buf_add_text(&text, json_is_string(sign) ? json_string_value(sign) : "");
    }
    json_object_set_new(form, "signs", json_stringn(text.p ? text.p : "", text.n));
    buf_release(&text);
}

static json_t *form_of(const json_t *settings) {
    static const char *const names[] = {"amount", "product", "wallet",
                                        "groups", "months",  "dropout"};
    json_t *form = json_object();
    const json_t *contract = json_object_get(settings, "contract");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!json_is_null(json_object_get(settings, names[i])))
            json_object_set(form, names[i], json_object_get(settings, names[i]));
    add_matcher(form, "purchase", json_object_get(settings, "purchase"));
    add_table(form, contract);
    add_signs(form, json_object_get(settings, "signs"));
    add_matcher(form, "end", json_object_get(contract, "end"));
    add_matcher(form, "start", json_object_get(contract, "start"));
    if (json_object_get(contract, "since"))
        json_object_set(form, "since", json_object_get(contract, "since"));
    if (json_object_get(contract, "fee"))
        json_object_set(form, "fee", json_object_get(contract, "fee"));
    bool table = json_object_get(contract, "left");
    json_object_set_new(form, "contracts", json_boolean(json_is_object(contract)));
    json_object_set_new(form, "table", json_boolean(table));
    json_object_set_new(form, "dated", json_boolean(json_is_object(contract) && !table));
    json_object_set_new(
        form, "window",
        json_integer(strtol(json_string_value(json_object_get(settings, "window")), NULL, 10)));
    json_object_set_new(form, "discount",
                        json_real(100 * json_number_value(json_object_get(settings, "discount"))));
    return form;
}

static int show_settings(struct request *request, struct response *response, json_t *view,
                         struct err *err) {
    static const struct page page = {.template = "value_settings",
                                     .section = "value",
                                     .title = "value.settings",
                                     .narrow = true};
    json_t *settings = NULL;
    int code = page_fetch(request, "/api/v1/value/settings", &settings, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    if (!json_object_get(view, "form"))
        json_object_set_new(view, "form", form_of(settings));
    json_object_set_new(view, "events", page_event_names(request));
    json_decref(settings);
    return page_render(request, response, &page, view, err);
}

static int get_settings(struct request *request, struct response *response, struct err *err) {
    return show_settings(request, response, json_object(), err);
}

static void put_text(json_t *object, const char *name, const char *text) {
    if (text[0])
        json_object_set_new(object, name, json_string(text));
}

static void put_matcher(json_t *object, const char *name, const char *text) {
    json_t *matcher = text[0] == '{' ? json_loads(text, 0, NULL) : NULL;
    if (matcher)
        json_object_set_new(object, name, matcher);
    else if (text[0])
        json_object_set_new(object, name, json_pack("{s:s}", "event", text));
}

/* What stands in a cell: a number, true or false, else a text. */
static json_t *cell_value(const char *text) {
    char *end;
    long long number = strtoll(text, &end, 10);
    if (text[0] && !*end)
        return json_integer(number);
    return strcmp(text, "true") == 0    ? json_true()
           : strcmp(text, "false") == 0 ? json_false()
                                        : json_string(text);
}

static json_t *table_of(struct request *request) {
    static const char *const texts[] = {"tenure", "tenure_unit", "entry", "fee"};
    json_t *contract = json_object();
    json_object_set_new(contract, "left",
                        json_pack("{s:s, s:o}", "trait", field(request, "left"), "value",
                                  cell_value(field(request, "left_value"))));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_text(contract, texts[i], field(request, texts[i]));
    return contract;
}

static json_t *signs_of(struct request *request) {
    json_t *list = json_array();
    char *copy = arena_text(request->arena, slice_of(field(request, "signs"))), *rest;
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        struct slice trimmed = utf8_trim(slice_of(name));
        if (trimmed.n)
            json_array_append_new(list, json_stringn(trimmed.p, trimmed.n));
    }
    return list;
}

static json_t *settings_of(struct request *request) {
    static const char *const texts[] = {"amount", "product", "wallet", "groups", "dropout"};
    json_t *settings = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_text(settings, texts[i], field(request, texts[i]));
    put_matcher(settings, "purchase", field(request, "purchase"));
    json_object_set_new(settings, "months",
                        json_integer(strtol(field(request, "months"), NULL, 10)));
    json_object_set_new(settings, "discount",
                        json_real(strtod(field(request, "discount"), NULL) / 100));
    json_object_set_new(settings, "window", json_sprintf("%.6sd", field(request, "window")));
    json_object_set_new(settings, "signs", signs_of(request));
    if (strcmp(field(request, "business"), "table") == 0)
        json_object_set_new(settings, "contract", table_of(request));
    if (strcmp(field(request, "business"), "contracts") == 0) {
        json_t *contract = json_object();
        put_matcher(contract, "end", field(request, "end"));
        put_matcher(contract, "start", field(request, "start"));
        put_text(contract, "since", field(request, "since"));
        put_text(contract, "fee", field(request, "fee"));
        json_object_set_new(settings, "contract", contract);
    }
    return settings;
}

static int put_settings(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *settings = settings_of(request), *kept = json_deep_copy(settings);
    int code = page_send(request, METHOD_PUT, "/api/v1/value/settings", settings, NULL, &refusal);
    if (code >= 0) {
        json_decref(kept);
        return page_redirect(request, response, "/value", "value_saved");
    }
    if (code != E_INVALID) {
        json_decref(kept);
        *err = refusal;
        return code;
    }
    json_t *view = json_object();
    page_form_error(request, view, &refusal);
    json_object_set_new(view, "form", form_of(kept));
    json_decref(kept);
    return show_settings(request, response, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/value",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/value",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = change},
    {.methods = METHOD_GET,
     .pattern = "/value/settings",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = get_settings},
    {.methods = METHOD_POST,
     .pattern = "/value/settings",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = put_settings},
};
const struct route_table page_value_routes = ROUTE_TABLE(routes);
