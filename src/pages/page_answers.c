/*
 * Answers: what people said, newest first, by score, centre, channel, words and time; as a page and as a file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/backend.h"
#include "base/limits.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/pages.h"
#include "pages/people.h"
#include "pages/scores.h"

enum { ANSWERS_SHOWN = 50, ANSWERS_EXPORTED = 20000, CHOICES_SHOWN = 500 };

static const char *asked(struct request *request, const char *name) {
    const char *text = request_query(request, name);
    return text ? text : "";
}

/* NPS by its groups: what "group" stands for. */
static bool group_values(const char *group, int *low, int *high) {
    static const struct {
        const char *name;
        int low, high;
    } groups[] = {{"promoters", 9, 10}, {"neutral", 7, 8}, {"detractors", 0, 6}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(group, groups[i].name) == 0) {
            *low = groups[i].low;
            *high = groups[i].high;
            return true;
        }
    return false;
}

static void add_values(struct request *request, json_t *query) {
    const char *value = asked(request, "value"), *low = asked(request, "low"),
               *high = asked(request, "high");
    int from, to;
    if (group_values(asked(request, "group"), &from, &to))
        json_object_set_new(query, "values", json_pack("[i, i]", from, to));
    else if (*value)
        json_object_set_new(query, "values",
                            json_pack("[f, f]", strtod(value, NULL), strtod(value, NULL)));
    else if (*low || *high)
        json_object_set_new(
            query, "values",
            json_pack("[f, f]", *low ? strtod(low, NULL) : -1e9, *high ? strtod(high, NULL) : 1e9));
}

/* The value of ?of=, a number or truth value where ?plain=1 says so. New reference. */
static json_t *group_value(struct request *request) {
    const char *text = asked(request, "of");
    json_t *value = *asked(request, "plain") ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return value ? value : json_string(text);
}

/* ?by=property:plan&of=Fibra: only answers of that group (of a breakdown, as its rows link here). */
static void add_group(const struct score_view *view, json_t *query) {
    const char *by = asked(view->request, "by"), *colon = strchr(by, ':');
    if (!*asked(view->request, "of"))
        return;
    if (strcmp(by, "channel") == 0) {
        json_object_set_new(query, "channel", group_value(view->request));
    } else if (strcmp(by, "touchpoint") == 0 || strncmp(by, "property:", 9) == 0) {
        if (!json_object_get(query, "where"))
            json_object_set_new(query, "where", json_array());
        json_array_append_new(json_object_get(query, "where"),
                              json_pack("{s:s, s:s, s:o}", "property",
                                        colon ? colon + 1 : "context.touchpoint", "op", "=",
                                        "value", group_value(view->request)));
    } else if (strncmp(by, "trait:", 6) == 0) {
        json_t *rule = json_pack("{s:s, s:s, s:o}", "trait", colon + 1, "op", "=", "value",
                                 group_value(view->request));
        if (view->segment)
            rule = json_pack("{s:[{s:s}, o]}", "all", "in", view->segment, rule);
        json_object_set_new(query, "segment", rule);
    }
}

/* ?wait_from=5&wait_to=10: how long people waited at the centre; ?load_from=…: how many were served the hour before. The bands of
 * `conditions` on /scores and on a screen's moments lead here. */
static void add_beside(struct request *request, json_t *query) {
    static const struct {
        const char *from, *to, *window;
        bool mean;
    } kinds[] = {{"wait_from", "wait_to", "30m", true}, {"load_from", "load_to", "60m", false}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *from = asked(request, kinds[i].from), *to = asked(request, kinds[i].to);
        if (!*from && !*to)
            continue;
        json_t *beside =
            json_pack("{s:{s:s}, s:o, s:s, s:f}", "of", "event", "Queue Served", "measure",
                      kinds[i].mean ? json_pack("{s:s}", "mean", "wait_min") : json_string("count"),
                      "window", kinds[i].window, "from", strtod(from, NULL));
        if (*to)
            json_object_set_new(beside, "to", json_real(strtod(to, NULL)));
        json_object_set_new(query, "beside", beside);
    }
}

/* What rivals are given: whichever survey asks for it. */
static void add_relation(struct request *request, json_t *query) {
    if (!*asked(request, "relation"))
        return;
    json_object_set_new(query, "relation", json_string(asked(request, "relation")));
    json_object_del(query, "survey");
}

static json_t *answers_query(const struct score_view *view, int limit) {
    struct request *request = view->request;
    json_t *query = score_question_chosen(view, "answers", view->from_ms, view->to_ms);
    add_values(request, query);
    add_group(view, query);
    add_relation(request, query);
    add_beside(request, query);
    if (*asked(request, "outside"))
        json_object_set_new(query, "outside", json_true());
    if (*asked(request, "reason"))
        json_object_set_new(query, "reason", json_string(asked(request, "reason")));
    if (*asked(request, "channel"))
        json_object_set_new(query, "channel", json_string(asked(request, "channel")));
    if (*asked(request, "text"))
        json_object_set_new(query, "text", json_string(asked(request, "text")));
    if (*asked(request, "words"))
        json_object_set_new(query, "words", json_true());
    if (*asked(request, "only"))
        json_object_set_new(query, "flagged", json_string("only"));
    if (*asked(request, "before"))
        json_object_set_new(query, "before", json_string(asked(request, "before")));
    json_object_set_new(query, "limit", json_integer(limit));
    return query;
}

/* Channels that these answers have, for the choice. */
static json_t *channels(const struct score_view *view) {
    json_t *query = score_question_chosen(view, "score", view->from_ms, view->to_ms), *row;
    json_t *list = json_array();
    const char *chosen = asked(view->request, "channel");
    size_t i;
    json_object_set_new(query, "by", json_string("channel"));
    json_object_set_new(query, "limit", json_integer(CHOICES_SHOWN));
    json_object_set_new(query, "response_rate", json_false());
    json_t *answer = score_ask(view, query);
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const char *name = json_string_value(json_object_get(row, "by"));
        if (name && strcmp(name, "(other)") != 0)
            json_array_append_new(
                list, json_pack("{s:s, s:b}", "name", name, "chosen", strcmp(name, chosen) == 0));
    }
    json_decref(answer);
    return list;
}

/* Names of the customers, and how each answer counts. */
static void tell_rows(const struct score_view *view, json_t *rows) {
    json_t *row, *people = json_array();
    size_t i;
    json_array_foreach(rows, i, row)
        json_array_append_new(people, json_pack("{s:O}", "id", json_object_get(row, "customer")));
    people_name(view->request, people);
    json_array_foreach(rows, i, row) {
        double points = json_number_value(json_object_get(row, "points"));
        json_object_set(row, "name", json_object_get(json_array_get(people, i), "name"));
        const char *tone = view->metric >= 3                  ? ""
                           : points > 0                       ? "good"
                           : view->metric == 0 && points == 0 ? ""
                                                              : "bad";
        json_object_set_new(row, "tone", json_string(tone));
    }
    json_decref(people);
}

/* This address with another `before`, or without one. */
static const char *page_at(struct request *request, const char *path, const char *before) {
    const char *mark = strchr(request->target, '?'), *old = strstr(request->target, "&before=");
    const char *from = mark ? mark : "?";
    size_t n = old ? (size_t)(old - from) : strlen(from);
    return arena_format(request->arena, "%s%.*s%s%s", path, (int)n, from, before ? "&before=" : "",
                        before ? before : "");
}

static json_t *form_of(struct request *request) {
    static const char *const names[] = {"group",     "low",    "high",     "text",      "words",
                                        "only",      "value",  "outside",  "reason",    "by",
                                        "of",        "plain",  "relation", "wait_from", "wait_to",
                                        "load_from", "load_to"};
    json_t *form = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(form, names[i], json_string(asked(request, names[i])));
    return form;
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "score_answers", .section = "scores", .title = "scores.answers"};
    struct score_view view;
    json_t *root = json_object(), *answer = NULL;
    bool any = score_view_read(&view, request);
    int code = page_query(request, answers_query(&view, ANSWERS_SHOWN), &answer, err);
    if (code < 0) {
        json_decref(root);
        return code;
    }
    json_t *meta = json_object_get(answer, "meta"), *rows = json_object_get(answer, "data");
    const char *next = json_string_value(json_object_get(meta, "next"));
    tell_rows(&view, rows);
    json_object_set_new(root, "has_data", json_boolean(any));
    json_object_set(root, "answers", rows);
    json_object_set(root, "count", json_object_get(meta, "answers"));
    json_object_set_new(root, "form", form_of(request));
    json_object_set_new(root, "narrowed",
                        json_boolean(view.from || view.weekday || view.hour >= 0 ||
                                     *asked(request, "of") || *asked(request, "outside") ||
                                     *asked(request, "reason") || *asked(request, "wait_from") ||
                                     *asked(request, "load_from")));
    struct score_view all = view;
    all.from = all.to = NULL;
    all.weekday = 0;
    all.hour = -1;
    json_object_set_new(root, "all_answers",
                        json_string(score_address(&all, "/scores/answers", all.metric, all.survey,
                                                  all.period->id)));
    json_object_set_new(root, "nps", json_boolean(view.metric == 0));
    json_object_set_new(root, "units", page_units(request, view.unit));
    json_object_set_new(root, "channels", channels(&view));
    json_object_set_new(root, "periods", score_period_choices(&view, "/scores/answers"));
    if (next)
        json_object_set_new(root, "next", json_string(page_at(request, "/scores/answers", next)));
    if (*asked(request, "before"))
        json_object_set_new(root, "first", json_string(page_at(request, "/scores/answers", NULL)));
    json_object_set_new(root, "csv", json_string(page_at(request, "/scores/answers.csv", NULL)));
    score_view_tell(&view, root, "answers");
    json_decref(answer);
    return page_render(request, response, &page, root, err);
}

static int send(struct request *request, struct response *response, struct err *err) {
    struct score_view view;
    json_t *answer = NULL;
    score_view_read(&view, request);
    int code = page_query(request, answers_query(&view, ANSWERS_EXPORTED), &answer, err);
    if (code < 0)
        return code;
    if (!response->body.max)
        buf_init(&response->body, LIMIT_BODY_BYTES);
    query_answer_csv(answer, &response->body);
    json_decref(answer);
    if (response->body.full)
        return err_set(err, E_TOO_LARGE, "the answers are too large for one file");
    response->type = "text/csv; charset=utf-8";
    response_header(request, response, "Content-Disposition",
                    "attachment; filename=\"senda-answers.csv\"");
    return HANDLED;
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/scores/answers",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show},
    {.methods = METHOD_GET,
     .pattern = "/scores/answers.csv",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = send},
};
const struct route_table page_verbatim_routes = ROUTE_TABLE(routes);
