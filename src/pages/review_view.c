/*
 * Reviews for templates: see review_view.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/review_view.h"

#include "http/router.h"
#include "pages/page.h"
#include "pages/template.h"
#include "voice/review.h"

/* "4,3": of the region; "–" where there is none. */
static json_t *number_text(const struct request *request, const json_t *number, int digits) {
    struct buf text;
    if (!json_is_number(number))
        return json_string("–");
    buf_init(&text, 64);
    format_number(page_format(request), json_number_value(number), digits, &text);
    json_t *json = json_stringn(text.p ? text.p : "", text.n);
    buf_release(&text);
    return json;
}

static void add_stars(const struct request *request, json_t *to, const json_t *value) {
    json_t *number = number_text(request, value, 1);
    json_object_set_new(to, "stars_width", json_real(json_number_value(value) * 20));
    json_object_set_new(to, "stars_label",
                        json_sprintf("%s %s", json_string_value(number),
                                     page_text(request, "review.widget.out_of")));
    json_decref(number);
}

void review_row_view(const struct request *request, json_t *row) {
    add_stars(request, row, json_object_get(row, "stars"));
    json_int_t helpful = json_integer_value(json_object_get(row, "helpful"));
    json_object_set_new(row, "some_helpful", json_boolean(helpful > 0));
    json_object_set_new(row, "again",
                        json_boolean(json_integer_value(json_object_get(row, "months")) > 0));
}

void review_figures_view(const struct request *request, json_t *figures) {
    double longest = 0;
    json_t *bars = json_object_get(figures, "distribution"), *bar, *refusals = json_array(), *n;
    size_t i;
    const char *reason;
    json_object_set_new(figures, "average_text",
                        number_text(request, json_object_get(figures, "average"), 1));
    json_object_set_new(figures, "low_text",
                        number_text(request, json_object_get(figures, "low"), 1));
    json_object_set_new(figures, "high_text",
                        number_text(request, json_object_get(figures, "high"), 1));
    json_object_set_new(figures, "has_interval",
                        json_boolean(json_is_number(json_object_get(figures, "low"))));
    add_stars(request, figures, json_object_get(figures, "average"));
    json_array_foreach(bars, i, bar) {
        double count = json_number_value(json_object_get(bar, "n"));
        longest = count > longest ? count : longest;
    }
    json_array_foreach(bars, i, bar) {
        double count = json_number_value(json_object_get(bar, "n"));
        json_object_set_new(bar, "width", json_real(longest > 0 ? 100 * count / longest : 0));
    }
    json_object_foreach(json_object_get(figures, "refusals"), reason, n)
        json_array_append_new(refusals, json_pack("{s:s, s:O}", "reason", reason, "n", n));
    json_object_set_new(figures, "refusal_list", refusals);
    json_object_set_new(figures, "any",
                        json_boolean(json_number_value(json_object_get(figures, "n")) > 0));
}

json_t *review_order_choices(const char *current, bool suspicious) {
    json_t *list = json_array();
    for (int order = 0; order < REVIEW_ORDERS; order++)
        if (suspicious || order != REVIEWS_SUSPICIOUS) {
            const char *name = review_order_name((enum review_order)order);
            json_array_append_new(list, json_pack("{s:s, s:b}", "order", name, "current",
                                                  current && strcmp(current, name) == 0));
        }
    return list;
}

static json_t *address(struct request *request, const char *sort, int stars, const char *cursor) {
    struct buf url;
    buf_init(&url, LIMIT_URL_BYTES);
    buf_add_format(&url, "%s?lang=%s&sort=%s",
                   page_path(request, "/w/reviews/", request->params[0]), request->language, sort);
    const char *theme = request_query(request, "theme");
    if (theme && (strcmp(theme, "dark") == 0 || strcmp(theme, "light") == 0))
        buf_add_format(&url, "&theme=%s", theme);
    if (stars)
        buf_add_format(&url, "&stars=%d", stars);
    if (cursor) {
        buf_add_text(&url, "&cursor=");
        url_encode(slice_of(cursor), &url);
    }
    json_t *json = json_stringn(url.p ? url.p : "", url.n);
    buf_release(&url);
    return json;
}

void review_widget_view(struct request *request, json_t *view) {
    json_t *figures = json_object_get(view, "subject"), *rows = json_object_get(view, "data"), *row,
           *choice, *bar;
    const char *sort = json_string_value(json_object_get(view, "sort"));
    const char *next = json_string_value(json_object_get(view, "next"));
    int stars = (int)json_integer_value(json_object_get(view, "stars"));
    size_t i;
    review_figures_view(request, figures);
    json_array_foreach(rows, i, row) review_row_view(request, row);
    json_t *orders = review_order_choices(sort, false);
    json_array_foreach(orders, i, choice) json_object_set_new(
        choice, "href",
        address(request, json_string_value(json_object_get(choice, "order")), stars, NULL));
    json_array_foreach(json_object_get(figures, "distribution"), i, bar) {
        int of = (int)json_integer_value(json_object_get(bar, "stars"));
        json_object_set_new(bar, "href", address(request, sort, of == stars ? 0 : of, NULL));
        json_object_set_new(bar, "current", json_boolean(of == stars));
    }
    json_object_set_new(view, "orders", orders);
    if (next)
        json_object_set_new(view, "more_href", address(request, sort, stars, next));
    json_object_set_new(view, "base", json_string(request_base_url(request)));
    json_object_set_new(view, "path",
                        json_string(page_path(request, "/w/reviews/", request->params[0])));
    json_object_set_new(view, "write_path",
                        json_sprintf("%s?lang=%s",
                                     page_path(request, "/w/review/", request->params[0]),
                                     request->language));
}
