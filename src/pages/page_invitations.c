/*
 * Invitations to surveys: plans with what comes of them, one plan with its reasons, the people behind.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/app.h"
#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/people.h"

#define PLANS "/api/v1/invitation-plans"

static const char *field(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    return text ? text : "";
}

static const char *path_of(struct request *request, const char *rest) {
    return arena_format(request->arena, "%s%s", page_path(request, PLANS "/", request->params[0]),
                        rest);
}

static const char *own_path(struct request *request) {
    return page_path(request, "/invitations/", request->params[0]);
}

/* Member data of a list; empty where there is none. New reference. */
static json_t *rows_of(struct request *request, const char *target) {
    struct err ignored = {0};
    json_t *answer = NULL;
    if (page_fetch(request, target, &answer, &ignored) < 0)
        return json_array();
    json_t *rows = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    return rows ? rows : json_array();
}

/* ---- the form ---- */

static json_t *event_names(const struct request *request) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    json_t *list = json_array();
    for (uint32_t code = 1; code <= dictionary_count(names, DICTIONARY_EVENT); code++) {
        struct slice name = dictionary_name(names, DICTIONARY_EVENT, (uint16_t)code);
        json_array_append_new(list, json_stringn(name.p, name.n));
    }
    return list;
}

static void mark_selected(json_t *rows, const char *member, const char *value) {
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        const char *own = json_string_value(json_object_get(row, member));
        json_object_set_new(row, "selected", json_boolean(own && value && strcmp(own, value) == 0));
    }
}

static void add_choices(struct request *request, json_t *view) {
    const json_t *form = json_object_get(view, "form");
    json_t *surveys = rows_of(request, "/api/v1/surveys"),
           *segments = rows_of(request, "/api/v1/segments");
    mark_selected(surveys, "id", json_string_value(json_object_get(form, "survey")));
    mark_selected(segments, "name", json_string_value(json_object_get(form, "segment")));
    json_object_set_new(view, "surveys", surveys);
    json_object_set_new(view, "segments", segments);
    json_object_set_new(view, "events", event_names(request));
}

static void put_text(json_t *object, const char *name, const char *text) {
    if (text[0])
        json_object_set_new(object, name, json_string(text));
}

static void put_language(struct request *request, json_t *document, const char *member,
                         const char *text) {
    if (text[0])
        json_object_set_new(document, member, json_pack("{s:s}", request->language, text));
}

/* A number and its unit as a duration; "" where no number is given. */
static void put_time(struct request *request, json_t *object, const char *member, const char *name,
                     const char *unit) {
    const char *number = field(request, name);
    if (number[0])
        json_object_set_new(object, member, json_sprintf("%.9s%.1s", number, unit));
}

static json_t *days_of(struct request *request) {
    json_t *days = json_array();
    for (int day = 1; day <= 7; day++)
        if (field(request, arena_format(request->arena, "day%d", day))[0])
            json_array_append_new(days, json_integer(day));
    return days;
}

static json_t *channels_of(struct request *request) {
    static const char *const all[] = {"email", "sms", "whatsapp"};
    json_t *channels = json_array();
    for (size_t i = 0; i < 3; i++)
        if (field(request, all[i])[0])
            json_array_append_new(channels, json_string(all[i]));
    return channels;
}

/* What the form does not show (words in other languages) stays. */
static json_t *document_of(struct request *request, json_t *now) {
    static const char *const added[] = {"id",         "running",         "author",   "created_at",
                                        "changed_at", "segment",         "reminder", "hours",
                                        "share",      "quarantine_days", "purpose"};
    json_t *document = now ? json_deep_copy(now) : json_object(), *after = json_object();
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        json_object_del(document, added[i]);
    json_object_set_new(document, "name", json_string(field(request, "name")));
    json_object_set_new(document, "survey", json_string(field(request, "survey")));
    put_text(after, "event", field(request, "event"));
    put_text(after, "touchpoint", field(request, "touchpoint"));
    json_object_set_new(document, "after", after);
    put_text(document, "segment", field(request, "segment"));
    put_text(document, "purpose", field(request, "purpose"));
    put_time(request, document, "delay", "delay", field(request, "delay_unit"));
    put_time(request, document, "expires", "expires", "d");
    if (field(request, "share")[0])
        json_object_set_new(document, "share",
                            json_real(strtod(field(request, "share"), NULL) / 100));
    if (field(request, "quarantine")[0])
        json_object_set_new(document, "quarantine_days",
                            json_integer(strtol(field(request, "quarantine"), NULL, 10)));
    if (field(request, "from")[0] || field(request, "to")[0]) {
        json_t *hours = json_object(), *days = days_of(request);
        put_text(hours, "from", field(request, "from"));
        put_text(hours, "to", field(request, "to"));
        if (json_array_size(days))
            json_object_set(hours, "days", days);
        json_decref(days);
        json_object_set_new(document, "hours", hours);
    }
    if (field(request, "remind")[0]) {
        json_t *reminder = json_object();
        put_time(request, reminder, "after", "remind", "d");
        json_object_set_new(document, "reminder", reminder);
    }
    json_object_set_new(document, "channels", channels_of(request));
    put_language(request, document, "subject", field(request, "subject"));
    put_language(request, document, "text", field(request, "text"));
    return document;
}

/* "36h" as {"number","unit"}. */
static void split_time(struct request *request, json_t *form, const json_t *document,
                       const char *member, const char *name) {
    const char *text = json_string_value(json_object_get(document, member));
    size_t digits = text ? strspn(text, "0123456789") : 0;
    if (!digits)
        return;
    json_object_set_new(form, name, json_stringn(text, digits));
    json_object_set_new(form, arena_format(request->arena, "%s_unit", name),
                        json_string(text + digits));
}

/* The document as fields of the form. */
static json_t *form_of(struct request *request, const json_t *plan) {
    const json_t *after = json_object_get(plan, "after"), *hours = json_object_get(plan, "hours"),
                 *share = json_object_get(plan, "share"), *day, *channel;
    size_t i;
    json_t *form = json_object();
    static const char *const same[] = {"name", "survey", "segment", "purpose"};
    for (i = 0; i < sizeof same / sizeof *same; i++)
        json_object_set(form, same[i], json_object_get(plan, same[i]));
    json_object_set(form, "event", json_object_get(after, "event"));
    json_object_set(form, "touchpoint", json_object_get(after, "touchpoint"));
    json_object_set(form, "quarantine", json_object_get(plan, "quarantine_days"));
    json_object_set(form, "from", json_object_get(hours, "from"));
    json_object_set(form, "to", json_object_get(hours, "to"));
    if (json_is_number(share))
        json_object_set_new(form, "share", json_sprintf("%.4g", json_number_value(share) * 100));
    split_time(request, form, plan, "delay", "delay");
    split_time(request, form, plan, "expires", "expires");
    split_time(request, form, json_object_get(plan, "reminder"), "after", "remind");
    json_array_foreach(json_object_get(hours, "days"), i, day) json_object_set_new(
        form, arena_format(request->arena, "day%d", (int)json_integer_value(day)), json_true());
    json_array_foreach(json_object_get(plan, "channels"), i, channel)
        json_object_set_new(form, json_string_value(channel), json_true());
    json_object_set(form, "subject",
                    json_object_get(json_object_get(plan, "subject"), request->language));
    json_object_set(form, "text",
                    json_object_get(json_object_get(plan, "text"), request->language));
    return form;
}

/* What was typed, back into the form. */
static json_t *form_typed(struct request *request) {
    static const char *const names[] = {
        "name",       "survey",  "event",    "touchpoint", "segment", "purpose", "delay",
        "delay_unit", "expires", "share",    "quarantine", "from",    "to",      "remind",
        "email",      "sms",     "whatsapp", "subject",    "text",    "day1",    "day2",
        "day3",       "day4",    "day5",     "day6",       "day7"};
    json_t *form = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (field(request, names[i])[0])
            json_object_set_new(form, names[i], json_string(field(request, names[i])));
    return form;
}

/* ---- the list ---- */

static int show_list(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    static const struct page page = {
        .template = "invitations", .section = "invitations", .title = "nav.invitations"};
    json_t *plans = rows_of(request, PLANS), *plan;
    size_t i;
    json_array_foreach(plans, i, plan) {
        struct err ignored = {0};
        json_t *results = NULL;
        const char *id = json_string_value(json_object_get(plan, "id"));
        if (page_fetch(request, arena_format(request->arena, PLANS "/%s/results", id), &results,
                       &ignored) >= 0)
            json_object_set_new(plan, "results", results);
    }
    json_object_set_new(view, "plans", plans);
    if (!json_object_get(view, "form"))
        json_object_set_new(
            view, "form",
            json_pack("{s:b, s:s, s:s}", "email", 1, "delay", "2", "delay_unit", "h"));
    add_choices(request, view);
    return page_render(request, response, &page, view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_list(request, response, json_object(), err);
}

/* A refused form is shown again; another error is the page's. */
static int again(struct request *request, struct response *response, const struct err *refusal,
                 int (*show_view)(struct request *, struct response *, json_t *, struct err *),
                 struct err *err) {
    if (refusal->code != E_INVALID && refusal->code != E_REFUSED && refusal->code != E_CONFLICT) {
        *err = *refusal;
        return refusal->code;
    }
    json_t *view = json_pack("{s:o}", "form", form_typed(request));
    page_form_error(request, view, refusal);
    response->status = err_status(refusal->code);
    return show_view(request, response, view, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *made = NULL;
    int code = page_send(request, METHOD_POST, PLANS, document_of(request, NULL), &made, &refusal);
    if (code < 0)
        return again(request, response, &refusal, show_list, err);
    const char *path =
        page_path(request, "/invitations/", json_string_value(json_object_get(made, "id")));
    json_decref(made);
    return page_redirect(request, response, path, "saved");
}

/* ---- one plan ---- */

static void add_reasons(json_t *view, const json_t *results) {
    json_t *rows = json_array(), *count;
    const char *word;
    json_object_foreach(json_object_get(results, "reasons"), word, count)
        json_array_append_new(rows, json_pack("{s:s, s:O}", "reason", word, "n", count));
    json_object_set_new(view, "why", rows);
}

static int show_plan(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    static const struct page page = {.template = "invitation", .section = "invitations"};
    json_t *plan, *results, *preview = NULL;
    struct err none = {0};
    int code = page_fetch(request, path_of(request, ""), &plan, err);
    if (code >= 0)
        code = page_fetch(request, path_of(request, "/results"), &results, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    if (page_fetch(request, path_of(request, "/preview"), &preview, &none) >= 0)
        json_object_set_new(view, "preview", preview);
    if (!json_object_get(view, "form"))
        json_object_set_new(view, "form", form_of(request, plan));
    json_object_set(view, "title", json_object_get(plan, "name"));
    json_object_set_new(view, "plan", plan);
    add_reasons(view, results);
    json_object_set_new(view, "results", results);
    add_choices(request, view);
    return page_render(request, response, &page, view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    return show_plan(request, response, json_object(), err);
}

static int save(struct request *request, struct err *refusal) {
    json_t *now = NULL;
    int code = page_fetch(request, path_of(request, ""), &now, refusal);
    if (code >= 0)
        code = page_send(request, METHOD_PUT, path_of(request, ""), document_of(request, now), NULL,
                         refusal);
    json_decref(now);
    return code;
}

static int change(struct request *request, struct response *response, struct err *err) {
    const char *what = field(request, "what");
    struct err refusal = {0};
    if (strcmp(what, "remove") == 0) {
        int code = page_send(request, METHOD_DELETE, path_of(request, ""), NULL, NULL, err);
        return code < 0 ? code : page_redirect(request, response, "/invitations", "removed");
    }
    bool run = strcmp(what, "start") == 0 || strcmp(what, "pause") == 0;
    int code = run ? page_send(request, METHOD_POST,
                               path_of(request, arena_format(request->arena, "/%s", what)), NULL,
                               NULL, &refusal)
                   : save(request, &refusal);
    if (code >= 0)
        return page_redirect(request, response, own_path(request), "saved");
    if (!run)
        return again(request, response, &refusal, show_plan, err);
    if (refusal.code != E_CONFLICT) {
        *err = refusal;
        return code;
    }
    json_t *view = json_object();
    page_form_error(request, view, &refusal);
    response->status = 409;
    return show_plan(request, response, view, err);
}

/* ---- the people behind ---- */

static int show_people(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "invitation_people", .section = "invitations", .title = "invite.people"};
    const char *mark = strchr(request->target, '?'), *old = strstr(request->target, "cursor=");
    json_t *answer, *row;
    size_t i;
    int code = page_fetch(
        request, path_of(request, arena_format(request->arena, "/invitations%s", mark ? mark : "")),
        &answer, err);
    if (code < 0)
        return code;
    json_t *rows = json_object_get(answer, "data"),
           *view = json_pack("{s:O, s:s}", "invitations", rows, "plan", request->params[0]);
    json_array_foreach(rows, i, row) json_object_set(row, "id", json_object_get(row, "customer"));
    people_name(request, rows);
    const char *next = json_string_value(json_object_get(answer, "next"));
    size_t own = old ? (size_t)(old - request->target) : strlen(request->target);
    if (next)
        json_object_set_new(view, "next",
                            json_sprintf("%.*s%scursor=%s", (int)own, request->target,
                                         old    ? ""
                                         : mark ? "&"
                                                : "?",
                                         next));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/invitations",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/invitations",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = add},
    {.methods = METHOD_GET,
     .pattern = "/invitations/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_one},
    {.methods = METHOD_POST,
     .pattern = "/invitations/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change},
    {.methods = METHOD_GET,
     .pattern = "/invitations/{id}/people",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_people},
};
const struct route_table page_invitation_routes = ROUTE_TABLE(routes);
