/*
 * Explore: the customers behind a number, as a list and as CSV.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "pages/explore.h"
#include "pages/pages.h"
#include "pages/people.h"
#include "pages/text.h"

enum { PEOPLE_SHOWN = 100, PEOPLE_EXPORTED = 100000 };

/* The query of the list; for variants the question itself runs first, to know the path. Takes nothing over. */
static int people_query(struct request *request, struct question *question, int limit,
                        json_t **query, struct err *err) {
    json_t *answer = NULL;
    int code = 0;
    /* asking also settles a range that nobody chose */
    if (question->kind == EXPLORE_VARIANTS || !json_object_get(question->values, "range"))
        code = explore_ask(request, question, &answer, err);
    if (code < 0)
        return code;
    json_t *people = question_people(question, request->target, answer);
    json_decref(answer);
    if (!people)
        return err_set(err, E_NOT_FOUND, "this address names no customers");
    *query = question_query(question);
    json_object_set_new(*query, "people", people);
    json_object_del(*query, "top");
    if (!json_object_get(*query, "by"))
        json_object_set_new(*query, "limit", json_integer(limit));
    const char *cursor = request_query(request, "cursor");
    if (cursor && *cursor)
        json_object_set_new(*query, "cursor", json_string(cursor));
    return 0;
}

/* Who they are, for the heading: members of the text "explore.who.X". */
static json_t *who_view(const struct request *request, const struct question *question,
                        const json_t *people) {
    json_t *who = json_object();
    const json_t *node = json_object_get(people, "node"), *edge = json_object_get(people, "edge");
    const json_t *step = json_object_get(people, "step"), *path = json_object_get(people, "path");
    if (step) {
        size_t n = (size_t)json_integer_value(step);
        bool lost = json_is_true(json_object_get(people, "lost"));
        json_object_set_new(who, lost ? "lost" : "step",
                            json_pack("{s:I, s:s, s:s}", "n", (json_int_t)n, "name",
                                      question_row(question, ROWS_STEPS, n, ""), "next",
                                      question_row(question, ROWS_STEPS, n + 1, "")));
    } else if (edge) {
        json_object_set_new(who, "edge",
                            json_pack("{s:O, s:O}", "from", json_array_get(edge, 0), "to",
                                      json_array_get(edge, 1)));
    } else if (node) {
        const char *part = json_object_get(people, "starts") ? "first"
                           : json_object_get(people, "ends") ? "last"
                                                             : "node";
        json_object_set_new(who, part, json_pack("{s:O}", "name", node));
    } else if (path) {
        struct buf text;
        size_t i;
        json_t *name;
        buf_init(&text, LIMIT_URL_BYTES);
        json_array_foreach(path, i, name)
            buf_add_format(&text, "%s%s", i ? " → " : "",
                           text_of_name(request->language, json_string_value(name)));
        json_object_set_new(who, "variant",
                            json_pack("{s:o}", "path", json_stringn(text.p ? text.p : "", text.n)));
        buf_release(&text);
    } else if (json_object_get(people, "cohort")) {
        json_object_set_new(who, "cohort",
                            json_pack("{s:O, s:O?}", "time", json_object_get(people, "cohort"),
                                      "period", json_object_get(people, "period")));
    } else {
        json_object_set_new(who, "bucket",
                            json_pack("{s:O?}", "time", json_object_get(people, "time")));
    }
    json_object_set_new(who, "kind", json_string(explore_kind_name(question->kind)));
    return who;
}

static void add_people(struct request *request, const json_t *data, json_t *view) {
    json_t *customers = json_object_get(data, "customers"), *shown = json_array(), *row;
    json_int_t count = json_integer_value(json_object_get(data, "count"));
    size_t i;
    json_array_foreach(customers, i, row) {
        if (i == PEOPLE_SHOWN)
            break;
        json_array_append(shown, row);
    }
    size_t n = json_array_size(shown);
    people_name(request, shown);
    if (n == PEOPLE_SHOWN && (json_int_t)n < count) {
        const char *last = json_string_value(json_object_get(json_array_get(shown, n - 1), "id")),
                   *own = request->target;
        const char *old = strstr(own, "&cursor=");
        size_t keep = old ? (size_t)(old - own) : strlen(own);
        if (last)
            json_object_set_new(view, "next", json_sprintf("%.*s&cursor=%s", (int)keep, own, last));
    }
    json_object_set_new(view, "count", json_integer(count));
    json_object_set_new(view, "customers", shown);
}

static int get_people(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "explore_people",
                                     .section = "explore",
                                     .title = "explore.people_title",
                                     .style = "css/charts.css"};
    struct question question;
    json_t *query = NULL, *answer = NULL, *view = NULL;
    enum explore_kind kind = explore_kind_of(request->params[0]);
    if (kind == EXPLORE_KINDS)
        return err_set(err, E_NOT_FOUND, "there is no such question");
    explore_open(request, kind, &question);
    int code = people_query(request, &question, PEOPLE_SHOWN, &query, err);
    if (code == 0) {
        const json_t *people = json_object_get(query, "people");
        json_t *who = who_view(request, &question, people);
        struct slice group = explore_by_text(request, &question, people);
        if (json_object_get(people, "by"))
            json_object_set_new(who, "group", json_stringn(group.p, group.n));
        const char *mark = strchr(request->target, '?');
        code = page_query(request, query, &answer, err); /* takes the query */
        view = json_pack("{s:o, s:s, s:s}", "who", who, "back",
                         question_address(&question, kind, ""), "csv",
                         arena_format(request->arena, "/explore/%s/people.csv%s",
                                      explore_kind_name(kind), mark ? mark : ""));
    }
    question_release(&question);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    add_people(request, json_object_get(answer, "data"), view);
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static int get_people_csv(struct request *request, struct response *response, struct err *err) {
    struct question question;
    json_t *query = NULL, *answer = NULL;
    enum explore_kind kind = explore_kind_of(request->params[0]);
    if (kind == EXPLORE_KINDS)
        return err_set(err, E_NOT_FOUND, "there is no such question");
    explore_open(request, kind, &question);
    int code = people_query(request, &question, PEOPLE_EXPORTED, &query, err);
    question_release(&question);
    if (code == 0)
        code = page_query(request, query, &answer, err);
    if (code < 0)
        return code;
    explore_open_file(response);
    people_csv(json_object_get(json_object_get(answer, "data"), "customers"), &response->body);
    json_decref(answer);
    explore_as_file(request, response, "text/csv; charset=utf-8", "customers.csv");
    return HANDLED;
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/explore/{kind}/people",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = get_people},
    {.methods = METHOD_GET,
     .pattern = "/explore/{kind}/people.csv",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_UNIT_MANAGER,
     .handle = get_people_csv},
};
const struct route_table page_explore_people_routes = ROUTE_TABLE(routes);
