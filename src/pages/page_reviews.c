/*
 * Reviews: all of them with filters, and the queue of those that wait for a decision.
 *
 * Each decision leads back to where it was made, with the offer to take it back. The queue is worked by keyboard where scripts
 * run (js/review_queue.js); without them its buttons do the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/review_view.h"
#include "pages/text.h"
#include "voice/review.h"

enum { QUEUE_SHOWN = 20, LIST_SHOWN = 25, SUBJECTS_OFFERED = 200 };

static bool may_decide(const struct request *request) {
    return request->principal.role >= ROLE_UNIT_MANAGER;
}

/* ---- what both pages show ---- */

static json_t *reason_choices(void) {
    json_t *list = json_array();
    for (size_t i = 0; review_reasons()[i]; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:i}", "reason", review_reasons()[i], "key", (int)i + 1));
    return list;
}

void review_tabs(const struct request *request, json_t *view, const char *tab) {
    json_t *tabs = json_array();
    static const struct {
        const char *name, *href;
    } all[] = {
        {"list", "/reviews"}, {"queue", "/reviews/queue"}, {"subjects", "/reviews/subjects"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (i != 1 || may_decide(request))
            json_array_append_new(tabs,
                                  json_pack("{s:s, s:s, s:b}", "name", all[i].name, "href",
                                            all[i].href, "current", strcmp(all[i].name, tab) == 0));
    json_object_set_new(view, "tabs", tabs);
}

/* The offer to take the last decision back: ?undo=ID. */
static void add_undo(struct request *request, json_t *view) {
    const char *id = request_query(request, "undo");
    struct err ignored = {0};
    json_t *review;
    if (!id || !id[0] ||
        page_fetch(request, page_path(request, "/api/v1/reviews/", id), &review, &ignored) < 0)
        return;
    if (json_is_true(json_object_get(review, "can_undo")))
        json_object_set(view, "undo", review);
    json_decref(review);
}

static void view_rows(const struct request *request, json_t *rows) {
    json_t *row, *signal;
    size_t i, k;
    json_array_foreach(rows, i, row) {
        json_t *named = json_array();
        review_row_view(request, row);
        json_array_foreach(json_object_get(row, "signals"), k, signal)
            json_array_append_new(named, json_pack("{s:O}", "signal", signal));
        json_object_set_new(row, "signal_list", named);
        json_object_set_new(
            row, "waits",
            json_boolean(strcmp(json_string_value(json_object_get(row, "state")), "waiting") == 0));
        json_object_set_new(row, "timely_known",
                            json_boolean(!json_is_null(json_object_get(row, "within_30_days"))));
    }
}

static void add_common(struct request *request, json_t *view, const char *tab) {
    json_object_set_new(view, "reasons", reason_choices());
    json_object_set_new(view, "may_decide", json_boolean(may_decide(request)));
    json_object_set_new(view, "back", json_string(request->target));
    review_tabs(request, view, tab);
    add_undo(request, view);
}

/* ---- the list ---- */

static const char *const filters[] = {"q",        "subject", "state", "stars",
                                      "verified", "replied", "sort",  "held"};
enum { FILTERS = sizeof filters / sizeof *filters };

static const char *list_query(struct request *request, const char *start, const char *cursor) {
    struct buf text;
    buf_init(&text, LIMIT_URL_BYTES);
    buf_add_text(&text, start);
    for (size_t i = 0; i < FILTERS; i++) {
        const char *value = request_query(request, filters[i]);
        if (!value || !value[0])
            continue;
        buf_add_format(&text, "&%s=", filters[i]);
        url_encode(slice_of(value), &text);
    }
    if (cursor && cursor[0]) {
        buf_add_text(&text, "&cursor=");
        url_encode(slice_of(cursor), &text);
    }
    const char *copy = arena_text(request->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

/* Choices of a filter: [{"value","current"}]. */
static json_t *choices(struct request *request, const char *name, const char *const *values,
                       size_t n) {
    const char *chosen = request_query(request, name);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "value", values[i], "current",
                                              chosen && strcmp(chosen, values[i]) == 0));
    return list;
}

static void add_filters(struct request *request, json_t *view, const json_t *subjects) {
    static const char *const states[] = {"waiting", "published", "refused"}, *const stars[] = {
                                                                                 "5", "4", "3", "2",
                                                                                 "1"};
    json_t *offered = json_array(), *subject;
    const char *chosen = request_query(request, "subject"), *q = request_query(request, "q");
    size_t i;
    bool filtered = false;
    json_array_foreach((json_t *)(uintptr_t)subjects, i, subject) {
        const char *name = json_string_value(json_object_get(subject, "name"));
        if (i == SUBJECTS_OFFERED)
            break;
        json_array_append_new(offered, json_pack("{s:s, s:O, s:b}", "name", name, "title",
                                                 json_object_get(subject, "title"), "current",
                                                 chosen && name && strcmp(chosen, name) == 0));
    }
    for (i = 0; i < FILTERS; i++) {
        const char *value = request_query(request, filters[i]);
        filtered |= value && value[0] && strcmp(filters[i], "sort") != 0;
    }
    json_object_set_new(view, "subjects", offered);
    json_object_set_new(view, "states", choices(request, "state", states, 3));
    json_object_set_new(view, "star_choices", choices(request, "stars", stars, 5));
    json_object_set_new(view, "orders", review_order_choices(request_query(request, "sort"), true));
    json_object_set_new(view, "filtered", json_boolean(filtered));
    json_object_set_new(view, "q", json_string(q ? q : ""));
    const char *verified = request_query(request, "verified"),
               *replied = request_query(request, "replied");
    json_object_set_new(view, "verified_on",
                        json_boolean(verified && strcmp(verified, "true") == 0));
    json_object_set_new(view, "unanswered_on",
                        json_boolean(replied && strcmp(replied, "false") == 0));
}

/* Sums over all subjects: how many reviews there are, wait, were refused. */
static void add_totals(const struct request *request, json_t *view, const json_t *subjects) {
    static const char *const names[] = {"n", "waiting", "refused", "held", "verified", "external"};
    double totals[6] = {0}, stars = 0;
    json_t *subject, *all = json_object();
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)subjects, i, subject) {
        double n = json_number_value(json_object_get(subject, "n"));
        for (size_t k = 0; k < 6; k++)
            totals[k] += json_number_value(json_object_get(subject, names[k]));
        stars += n * json_number_value(json_object_get(subject, "average"));
    }
    for (size_t k = 0; k < 6; k++)
        json_object_set_new(all, names[k], json_integer((json_int_t)totals[k]));
    json_object_set_new(all, "average", totals[0] > 0 ? json_real(stars / totals[0]) : json_null());
    json_object_set_new(all, "verified_share",
                        json_real(totals[0] > 0 ? totals[4] / totals[0] : 0));
    review_figures_view(request, all);
    json_object_set_new(view, "has_reviews",
                        json_boolean(totals[0] + totals[2] + totals[3] + totals[5] > 0));
    json_object_set_new(view, "totals", all);
}

static int show_list(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "reviews", .section = "reviews", .title = "nav.reviews"};
    json_t *answer = NULL, *subjects = NULL, *view = json_object();
    const char *target =
        list_query(request, arena_format(request->arena, "/api/v1/reviews?limit=%d", LIST_SHOWN),
                   request_query(request, "cursor"));
    int code = page_fetch(request, "/api/v1/reviews/subjects", &subjects, err);
    if (code >= 0)
        code = page_fetch(request, target, &answer, err);
    if (code < 0) {
        json_decref(subjects);
        json_decref(view);
        return code;
    }
    json_t *rows = json_object_get(answer, "data");
    const char *next = json_string_value(json_object_get(answer, "next"));
    view_rows(request, rows);
    add_common(request, view, "list");
    add_filters(request, view, json_object_get(subjects, "data"));
    add_totals(request, view, json_object_get(subjects, "data"));
    json_object_set(view, "reviews", rows);
    if (next)
        json_object_set_new(view, "next_href", json_string(list_query(request, "/reviews?", next)));
    json_decref(answer);
    json_decref(subjects);
    return page_render(request, response, &page, view, err);
}

/* ---- the queue ---- */

static int show_queue(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "reviews_queue",
                                     .section = "reviews",
                                     .title = "nav.reviews",
                                     .script = "js/review_queue.js"};
    json_t *answer = NULL, *view = json_object();
    const char *sort = request_query(request, "sort");
    bool newest = sort && strcmp(sort, "newest") == 0;
    int code = page_fetch(request,
                          arena_format(request->arena,
                                       "/api/v1/reviews?state=waiting&own=true&limit=%d&sort=%s",
                                       QUEUE_SHOWN, newest ? "newest" : "oldest"),
                          &answer, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    view_rows(request, json_object_get(answer, "data"));
    add_common(request, view, "queue");
    json_object_set(view, "reviews", json_object_get(answer, "data"));
    json_object_set_new(view, "more",
                        json_boolean(json_is_string(json_object_get(answer, "next"))));
    json_object_set_new(view, "newest", json_boolean(newest));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

/* ---- decisions ---- */

static const char *field(struct request *request, const char *name) {
    const char *value = request_form(request, name);
    return value ? value : "";
}

/* An address without what a decision added to it. */
static const char *clean_back(struct request *request) {
    const char *back = page_safe_target(request_form(request, "back"));
    const char *undo = strstr(back, "undo=");
    if (!undo || undo == back)
        return back;
    return arena_format(request->arena, "%.*s", (int)(undo - 1 - back), back);
}

static int act(struct request *request, const char *action, struct err *err) {
    const char *path = page_path(request, "/api/v1/reviews/", request->params[0]);
    if (strcmp(action, "undo") == 0)
        return page_send(request, METHOD_POST, arena_format(request->arena, "%s/undo", path),
                         json_object(), NULL, err);
    if (strcmp(action, "reply") == 0) {
        const char *text = field(request, "text");
        const char *target = arena_format(request->arena, "%s/reply", path);
        return text[strspn(text, " \r\n\t")]
                   ? page_send(request, METHOD_PUT, target, json_pack("{s:s}", "text", text), NULL,
                               err)
                   : page_send(request, METHOD_DELETE, target, NULL, NULL, err);
    }
    bool refuse = strcmp(action, "refuse") == 0;
    const char *reason = refuse ? field(request, "reason") : "";
    return page_send(request, METHOD_PATCH, path,
                     json_pack("{s:s, s:s, s:s}", "state",
                               refuse                        ? "refused"
                               : strcmp(action, "wait") == 0 ? "waiting"
                                                             : "published",
                               "reason", reason, "note", refuse ? field(request, "note") : ""),
                     NULL, err);
}

static int decide(struct request *request, struct response *response, struct err *err) {
    const char *action = field(request, "action"), *back = clean_back(request);
    /* A reason's button is the whole refusal. */
    if (!action[0] && field(request, "reason")[0])
        action = "refuse";
    int code = act(request, action, err);
    if (code < 0)
        return code;
    bool decided = strcmp(action, "undo") != 0 && strcmp(action, "reply") != 0;
    if (decided)
        back = arena_format(request->arena, "%s%sundo=%s", back, strchr(back, '?') ? "&" : "?",
                            request->params[0]);
    return page_redirect(request, response, back,
                         decided                       ? NULL
                         : strcmp(action, "undo") == 0 ? "review_undone"
                                                       : "saved");
}

static const struct route routes[] = {
    {METHOD_GET, "/reviews", ACCESS_SESSION, SCOPE_QUERY, .role = ROLE_AGENT, .handle = show_list},
    {METHOD_GET, "/reviews/queue", ACCESS_SESSION, SCOPE_QUERY, .role = ROLE_UNIT_MANAGER,
     .handle = show_queue},
    {METHOD_POST, "/reviews/{id}", ACCESS_SESSION, SCOPE_QUERY, .role = ROLE_UNIT_MANAGER,
     .handle = decide},
};
const struct route_table page_review_routes = ROUTE_TABLE(routes);
