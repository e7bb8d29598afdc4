/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/value_view.h"

#include <math.h>

#include "folder/folder.h"
#include "pages/format.h"
#include "pages/text.h"

enum { WHOLE_FROM = 1000 };

/* A number of the currency's main unit as money, new reference: "1.234,50 €", large ones whole; "–" where it is none. */
static json_t *value_money(const struct request *request, const json_t *number) {
    struct buf text;
    if (!json_is_number(number))
        return json_string("–");
    double value = json_number_value(number);
    if (fabs(value) >= WHOLE_FROM)
        value = round(value);
    buf_init(&text, 256);
    format_amount(page_format(request), value, app_folder(request->app)->currency, &text);
    json_t *json = json_stringn(text.p ? text.p : "", text.n);
    buf_release(&text);
    return json;
}

void value_add_money(const struct request *request, json_t *rows, const char *name) {
    size_t i;
    json_t *row;
    if (json_is_object(rows))
        json_object_set_new(rows, arena_format(request->arena, "%s_text", name),
                            value_money(request, json_object_get(rows, name)));
    json_array_foreach(rows, i, row) value_add_money(request, row, name);
}

void value_add_run(const struct request *request, json_t *view, json_t *run) {
    const char *state = json_string_value(json_object_get(run, "state"));
    bool busy = state && (strcmp(state, "running") == 0 || strcmp(state, "asked") == 0);
    json_object_set_new(run, "busy", json_boolean(busy));
    json_object_set_new(run, "failed", json_boolean(state && strcmp(state, "failed") == 0));
    json_object_set(view, "run", run);
    json_object_set_new(
        view, "can_run",
        json_boolean(request->principal.role >= ROLE_ANALYST && !request->principal.units));
}

void value_add_tones(json_t *rows) {
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        const char *band = json_string_value(json_object_get(row, "band"));
        json_object_set_new(row, "tone",
                            json_string(!band                        ? ""
                                        : strcmp(band, "good") == 0  ? "good"
                                        : strcmp(band, "watch") == 0 ? "warn"
                                                                     : "bad"));
    }
}

/* ---- reasons ---- */

enum { TYPICAL_WHOLE = 10 /* from here on decimals say nothing */ };

void value_say_sign(json_t *sign) {
    bool trait = json_object_get(sign, "trait");
    json_object_set_new(sign, "own",
                        json_boolean(!trait && !json_object_get(sign, "event") &&
                                     !json_object_get(sign, "property")));
    json_object_set_new(sign, "of_value", json_boolean(trait && json_object_get(sign, "says")));
}

void value_say_reasons(json_t *row) {
    json_t *reasons = json_object_get(row, "reasons"), *reason;
    size_t i;
    json_array_foreach(reasons, i, reason) {
        const char *sign = json_string_value(json_object_get(reason, "sign"));
        bool yes_or_no =
            sign && (strcmp(sign, "unhappy_answer") == 0 || strcmp(sign, "happy_answer") == 0 ||
                     strcmp(sign, "first_year") == 0 || strcmp(sign, "anniversary") == 0 ||
                     strcmp(sign, "first_year_ends") == 0);
        value_say_sign(reason);
        yes_or_no |= json_is_true(json_object_get(reason, "of_value"));
        bool yes = json_number_value(json_object_get(reason, "value")) > 0;
        double typical = json_number_value(json_object_get(reason, "typical"));
        if (typical >= TYPICAL_WHOLE)
            json_object_set_new(reason, "typical", json_real(round(typical)));
        json_object_set_new(reason, "counted", json_boolean(!yes_or_no));
        json_object_set_new(reason, "absent", json_boolean(yes_or_no && !yes));
        json_object_set_new(
            reason, "bad",
            json_boolean(
                strcmp(json_string_value(json_object_get(reason, "speaks_for")), "leaving") == 0));
    }
}

json_t *value_customers(struct request *request, const char *order, int n) {
    static const char *const amounts[] = {"clv", "monetary", "value_at_risk"};
    struct err ignored = {0};
    json_t *answer = NULL, *row;
    size_t i;
    if (page_fetch(
            request,
            arena_format(request->arena, "/api/v1/value/customers?order=%s&limit=%d", order, n),
            &answer, &ignored) < 0)
        return json_array();
    json_t *rows = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    json_array_foreach(rows, i, row) {
        for (size_t k = 0; k < sizeof amounts / sizeof *amounts; k++)
            value_add_money(request, row, amounts[k]);
        if (!json_is_string(json_object_get(row, "name")))
            json_object_set(row, "name",
                            json_is_string(json_object_get(row, "user_id"))
                                ? json_object_get(row, "user_id")
                                : json_object_get(row, "id"));
        if (json_is_number(json_object_get(row, "churn")))
            json_object_set(row, "chance", json_object_get(row, "churn"));
        value_say_reasons(row);
    }
    value_add_tones(rows);
    return rows;
}

/* ---- figures ---- */

json_t *value_figure(struct request *request, const char *id, const char *label, double width,
                     const json_t *data,
                     void (*draw)(const struct chart *chart, const json_t *data, struct buf *out),
                     void (*table)(const struct chart *chart, const json_t *data,
                                   struct buf *out)) {
    struct chart wide = {.language = request->language,
                         .format = page_format(request),
                         .zone = app_folder(request->app)->zone,
                         .label = label,
                         .id = id,
                         .width = width,
                         .arena = request->arena};
    struct chart narrow = wide;
    struct buf out;
    if (!json_array_size(data))
        return json_null();
    narrow.narrow = true;
    narrow.id = arena_format(request->arena, "%s-n", id);
    buf_init(&out, TEMPLATE_MAX_BYTES);
    buf_add_text(&out, "<figure class=\"chart-figure\">");
    draw(&wide, data, &out);
    draw(&narrow, data, &out);
    buf_add_format(&out, "<details class=\"chart-numbers\"><summary>%s</summary>",
                   page_text(request, "home.numbers"));
    table(&narrow, data, &out);
    buf_add_text(&out, "</details></figure>");
    json_t *figure = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return figure ? figure : json_null();
}
