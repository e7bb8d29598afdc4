/*
 * /api/v1/reviews: lists, one review, writing one, what is decided about it, its answer and votes.
 *
 * Whoever is limited to units sees the reviews of theirs. Decisions and answers are for people from manager of a unit on, and
 * for keys that manage.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "api/review_read.h"
#include "base/time.h"

enum { BODY_BYTES = 64 * 1024, CATCH_UP_ROUNDS = 3 };

/* What was accepted before the question is in the answer. */
static int catch_up(struct request *request, struct err *err) {
    int more = 1;
    for (int i = 0; i < CATCH_UP_ROUNDS && more > 0; i++)
        more = review_catch_up(app_folder(request->app), err);
    return more < 0 ? more : 0;
}

static const char *asker(const struct request *request) {
    return request->principal.name ? request->principal.name : "";
}

static const char *title_of(struct request *request, const char *name) {
    struct review_subject subject;
    struct err ignored = {0};
    bool found =
        subject_find(app_folder(request->app), name, request->arena, &subject, &ignored) == 0;
    return found ? subject.title : NULL;
}

/* ---- lists ---- */

static int read_flag(struct request *request, const char *name, int *flag, struct err *err) {
    const char *text = request_query(request, name);
    char pointer[64];
    *flag = -1;
    if (!text || !text[0])
        return 0;
    *flag = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (*flag || strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
        return 0;
    snprintf(pointer, sizeof pointer, "/%s", name);
    return err_at(err, E_INVALID, pointer, "%s is true or false", name);
}

static int read_instant(struct request *request, const char *name, int64_t *ms, struct err *err) {
    const char *text = request_query(request, name);
    char pointer[64];
    if (!text || !text[0] || time_parse(slice_of(text), app_folder(request->app)->zone, ms) == 0)
        return 0;
    snprintf(pointer, sizeof pointer, "/%s", name);
    return err_at(err, E_INVALID, pointer, "%s is no instant", name);
}

static int read_words(struct request *request, struct review_filter *filter, struct err *err) {
    const char *state = request_query(request, "state"), *sort = request_query(request, "sort"),
               *customer = request_query(request, "customer");
    filter->subject = request_query(request, "subject");
    filter->kind = request_query(request, "kind");
    filter->text = request_query(request, "q");
    filter->reason = request_query(request, "reason");
    filter->cursor = request_query(request, "cursor");
    if (state && state[0]) {
        filter->state = (int)review_state_of(state);
        if (filter->state == (int)REVIEW_STATES)
            return err_at(err, E_INVALID, "/state", "state is waiting, published or refused");
    }
    if (sort && sort[0]) {
        filter->order = review_order_of(sort);
        if (filter->order == REVIEW_ORDERS)
            return err_at(err, E_INVALID, "/sort",
                          "sort is newest, oldest, helpful, highest, lowest or suspicious");
    }
    if (filter->kind && filter->kind[0] && subject_kind_of(filter->kind) == SUBJECT_KINDS)
        return err_at(err, E_INVALID, "/kind", "kind is product, service, unit or organisation");
    if (!customer || !customer[0])
        return 0;
    return customers_find(app_folder(request->app)->customers, slice_of(customer),
                          &filter->customer, err);
}

static int read_filter(struct request *request, struct review_filter *filter, struct err *err) {
    *filter = REVIEW_FILTER_ALL;
    filter->principal = &request->principal;
    int64_t limit, stars;
    const struct {
        const char *name;
        int *flag;
    } flags[] = {{"verified", &filter->verified}, {"invited", &filter->invited},
                 {"replied", &filter->replied},   {"written", &filter->written},
                 {"own", &filter->own},           {"held", &filter->held}};
    int code = read_words(request, filter, err);
    for (size_t i = 0; i < sizeof flags / sizeof *flags && !code; i++)
        code = read_flag(request, flags[i].name, flags[i].flag, err);
    if (!code)
        code = request_query_int(request, "limit", 50, 1, REVIEWS_PAGE_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "stars", 0, 0, 5, &stars, err);
    if (!code)
        code = read_instant(request, "from", &filter->from_ms, err);
    if (!code)
        code = read_instant(request, "to", &filter->to_ms, err);
    if (code)
        return code;
    filter->limit = (size_t)limit;
    filter->stars = (int)stars;
    return 0;
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct review_filter filter;
    struct review *reviews;
    size_t n;
    const char *next;
    int code = read_filter(request, &filter, err);
    if (!code)
        code = catch_up(request, err);
    if (!code)
        code = review_list(app_folder(request->app), &filter, request->arena, &reviews, &n, &next,
                           err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, review_json(app_folder(request->app), &reviews[i],
                                                title_of(request, reviews[i].subject)));
    response_list(response, rows, next);
    return HANDLED;
}

/* One that the asker may see. */
static int find(struct request *request, uint64_t *id, struct review *review, struct err *err) {
    int code = api_number(request->params[0], id, err);
    if (!code)
        code = review_find(app_folder(request->app), *id, request->arena, review, err);
    if (!code && !principal_sees(&request->principal, review->unit))
        code = err_set(err, E_NOT_FOUND, "no such review");
    return code;
}

static int answer(struct request *request, struct response *response, uint64_t id, int status,
                  struct err *err) {
    struct review review;
    int code = review_find(app_folder(request->app), id, request->arena, &review, err);
    if (code)
        return code;
    json_t *json =
        review_json(app_folder(request->app), &review, title_of(request, review.subject));
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    struct review review;
    uint64_t id;
    int code = find(request, &id, &review, err);
    return code ? code : answer(request, response, id, 200, err);
}

/* ---- writing one ---- */

static int body_instant(struct request *request, const json_t *body, const char *name, int64_t *ms,
                        struct err *err) {
    const json_t *member = json_object_get(body, name);
    char pointer[64];
    if (!member || json_is_null(member))
        return 0;
    const char *text = json_string_value(member);
    if (text && time_parse(slice_of(text), app_folder(request->app)->zone, ms) == 0)
        return 0;
    snprintf(pointer, sizeof pointer, "/%s", name);
    return err_at(err, E_INVALID, pointer, "%s is no instant", name);
}

/* A text with line breaks. */
static int body_words(const json_t *body, const char *name, const char **text, struct err *err) {
    const json_t *member = json_object_get(body, name);
    char pointer[64];
    *text = json_string_value(member);
    if (!member || json_is_null(member) || (*text && json_string_length(member) == strlen(*text)))
        return 0;
    snprintf(pointer, sizeof pointer, "/%s", name);
    return err_at(err, E_INVALID, pointer, "%s must be a text", name);
}

static int read_numbers(const json_t *body, struct review_draft *draft, struct err *err) {
    const json_t *stars = json_object_get(body, "stars"), *months = json_object_get(body, "months");
    if (!json_is_number(stars))
        return err_at(err, E_INVALID, "/stars", "stars must be a number from 1 to 5");
    draft->stars = json_number_value(stars);
    if (months && !json_is_null(months) && !json_is_integer(months))
        return err_at(err, E_INVALID, "/months", "months must be 0, 6 or 12");
    json_int_t use = json_integer_value(months);
    draft->months = use >= 0 && use <= 12 ? (unsigned)use : 1;
    return 0;
}

static int read_draft(struct request *request, json_t *body, struct review_draft *draft,
                      struct err *err) {
    static const char *const known[] = {"subject",    "stars",      "title",    "text",
                                        "author",     "language",   "customer", "created_at",
                                        "invited_at", "ordered_at", "months",   "channel",
                                        "unit",       "site",       NULL};
    *draft = (struct review_draft){.origin = "api", .created_ms = request->received_ms};
    int code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "subject", NULL, REVIEW_SUBJECT_BYTES, &draft->subject, err);
    if (!code)
        code = read_numbers(body, draft, err);
    if (!code)
        code = body_words(body, "text", &draft->text, err);
    const struct {
        const char *name;
        size_t max;
        const char **text;
    } lines[] = {{"title", REVIEW_TITLE_BYTES, &draft->title},
                 {"author", REVIEW_AUTHOR_BYTES, &draft->author},
                 {"language", 8, &draft->language},
                 {"customer", LIMIT_ID_BYTES, &draft->customer},
                 {"channel", LIMIT_NAME_BYTES, &draft->channel},
                 {"unit", LIMIT_NAME_BYTES, &draft->unit},
                 {"site", REVIEW_SUBJECT_BYTES, &draft->site}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines && !code; i++)
        code = api_text(body, lines[i].name, "", lines[i].max, lines[i].text, err);
    if (!code)
        code = body_instant(request, body, "created_at", &draft->created_ms, err);
    if (!code)
        code = body_instant(request, body, "invited_at", &draft->invited_ms, err);
    return code ? code : body_instant(request, body, "ordered_at", &draft->ordered_ms, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct review_draft draft;
    struct review_subject subject;
    struct source source;
    struct err none = {0};
    json_t *body;
    uint64_t id = 0;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = read_draft(request, body, &draft, err);
    if (!code && (code = review_subject_of(request, draft.subject, &subject, &none)) != 0) {
        code = err_repeat(err, code == E_NOT_FOUND ? E_INVALID : code, "/subject", &none);
        err_hint(err, "Make it first: PUT /api/v1/reviews/subjects/{name}.");
    }
    if (!code)
        code = review_source(request->app, &source, err);
    if (!code)
        code = review_submit(app_folder(request->app), source, &draft, &id, err);
    json_decref(body);
    return code ? code : answer(request, response, id, 201, err);
}

/* ---- decisions ---- */

/* If-Match against what GET answers. */
static int check_unchanged(struct request *request, const struct review *review, struct err *err) {
    json_t *current =
        review_json(app_folder(request->app), review, title_of(request, review->subject));
    int code = api_if_match(request, current, err);
    json_decref(current);
    return code;
}

/* People of a role that decides, or a key that manages. */
static int check_decider(const struct request *request, struct err *err) {
    if (!request->principal.key || (request->principal.scopes & SCOPE_MANAGE))
        return 0;
    return err_set(err, E_FORBIDDEN, "the API key lacks the right to do this");
}

static void note(struct request *request, const char *what, uint64_t id, const char *detail) {
    audit_act(request, what, arena_format(request->arena, "%llu", (unsigned long long)id), detail);
}

static int decide(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"state", "reason", "note", NULL};
    const char *state = NULL, *reason = NULL, *why = NULL;
    struct review review;
    uint64_t id;
    json_t *body;
    int code = check_decider(request, err);
    if (!code)
        code = find(request, &id, &review, err);
    if (!code)
        code = check_unchanged(request, &review, err);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "state", NULL, 32, &state, err);
    if (!code)
        code = api_text(body, "reason", "", 64, &reason, err);
    if (!code)
        code = body_words(body, "note", &why, err);
    if (!code)
        code = review_decide(app_folder(request->app), id, review_state_of(state), reason, why,
                             asker(request), err);
    if (!code)
        note(request, "review.decide", id,
             reason[0] ? arena_format(request->arena, "%s: %s", state, reason)
                       : arena_text(request->arena, slice_of(state)));
    json_decref(body);
    return code ? code : answer(request, response, id, 200, err);
}

static int undo(struct request *request, struct response *response, struct err *err) {
    struct review review;
    uint64_t id;
    int code = check_decider(request, err);
    if (!code)
        code = find(request, &id, &review, err);
    if (!code)
        code = review_undo(app_folder(request->app), id, asker(request), err);
    if (code)
        return code;
    note(request, "review.undo", id, "");
    return answer(request, response, id, 200, err);
}

static int reply(struct request *request, struct response *response, struct err *err) {
    const char *text = "";
    struct review review;
    uint64_t id;
    json_t *body = NULL;
    int code = check_decider(request, err);
    if (!code)
        code = find(request, &id, &review, err);
    if (!code)
        code = check_unchanged(request, &review, err);
    if (!code && request->method == METHOD_PUT) {
        code = request_json(request, &body, err);
        if (!code)
            code = body_words(body, "text", &text, err);
        if (!code && (!text || !text[strspn(text, " \n\r\t")]))
            code = err_at(err, E_INVALID, "/text", "text is missing");
    }
    if (!code)
        code = review_reply(app_folder(request->app), id, text, asker(request), err);
    json_decref(body);
    if (code)
        return code;
    note(request, "review.reply", id, "");
    return answer(request, response, id, 200, err);
}

static int vote(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"visitor", "helpful", NULL};
    const char *visitor = NULL;
    struct review review;
    bool changed = false;
    uint64_t id;
    json_t *body;
    unsigned char hash[REVIEW_DEVICE_BYTES];
    int code = find(request, &id, &review, err);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "visitor", NULL, LIMIT_ID_BYTES, &visitor, err);
    const json_t *helpful = json_object_get(body, "helpful");
    if (!code && !json_is_boolean(helpful) && !json_is_null(helpful))
        code = err_at(err, E_INVALID, "/helpful", "helpful is true, false or null");
    if (!code) {
        review_visitor(app_folder(request->app), id, "", visitor, hash);
        code = review_vote(app_folder(request->app), id,
                           (struct slice){(const char *)hash, sizeof hash},
                           json_is_null(helpful) ? -1 : json_is_true(helpful), &changed, err);
    }
    json_decref(body);
    return code ? code : answer(request, response, id, 200, err);
}

#define REVIEW "{\"type\":\"object\"}"
static const struct route routes[] = {
    {METHOD_GET, "/api/v1/reviews", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = list,
     .summary =
         "Reviews: ?subject= &kind= &state= &stars= &verified= &invited= &replied= &written= "
         "&own= &held= &reason= &customer= &q= &from= &to= &sort="},
    {METHOD_POST, "/api/v1/reviews", ACCESS_API, SCOPE_IMPORT, .body_limit = BODY_BYTES,
     .handle = add,
     .summary = "Writes a review: {\"subject\",\"stars\",\"title\",\"text\",\"author\","
                "\"customer\",\"created_at\",\"invited_at\",\"ordered_at\",\"months\",…}",
     .request_schema = REVIEW, .response_schema = REVIEW},
    {METHOD_GET, "/api/v1/reviews/{id}", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = get,
     .summary = "One review", .response_schema = REVIEW},
    {METHOD_PATCH, "/api/v1/reviews/{id}", ACCESS_API, SCOPE_QUERY, .role = ROLE_UNIT_MANAGER,
     .handle = decide,
     .summary =
         "Decides: {\"state\":\"published\"}, or \"refused\" with a \"reason\" and a \"note\"",
     .response_schema = REVIEW},
    {METHOD_POST, "/api/v1/reviews/{id}/undo", ACCESS_API, SCOPE_QUERY, .role = ROLE_UNIT_MANAGER,
     .handle = undo, .summary = "Takes the last decision back", .response_schema = REVIEW},
    {METHOD_PUT | METHOD_DELETE, "/api/v1/reviews/{id}/reply", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_UNIT_MANAGER, .handle = reply,
     .summary = "The organisation's answer: {\"text\"}; DELETE takes it away",
     .response_schema = REVIEW},
    {METHOD_POST, "/api/v1/reviews/{id}/votes", ACCESS_API, SCOPE_IMPORT, .handle = vote,
     .summary = "A visitor's vote: {\"visitor\",\"helpful\": true, false or null to take it back}",
     .response_schema = REVIEW},
};
const struct route_table api_review_routes = ROUTE_TABLE(routes);
