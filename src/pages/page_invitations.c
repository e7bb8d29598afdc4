/*
 * Invitations to surveys: plans with what comes of them, one plan with its reasons, the people behind.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "http/app.h"
#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/people.h"

#define PLANS "/api/v1/invitation-plans"
enum { MESSAGE_BYTES = 128 * 1024 };
/* A mail has its styles in its elements, and does nothing. */
static const char message_policy[] =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; base-uri "
    "'none'; form-action 'none'; frame-ancestors 'self'";
static const char framing_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; font-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self'; base-uri "
    "'none'; frame-ancestors 'none'";

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
           *segments = rows_of(request, "/api/v1/segments"),
           *subjects = rows_of(request, "/api/v1/reviews/subjects");
    mark_selected(surveys, "id", json_string_value(json_object_get(form, "survey")));
    mark_selected(segments, "name", json_string_value(json_object_get(form, "segment")));
    json_object_set_new(view, "surveys", surveys);
    json_object_set_new(view, "segments", segments);
    mark_selected(subjects, "name", json_string_value(json_object_get(form, "subject_name")));
    json_object_set_new(view, "subjects", subjects);
    json_object_set_new(view, "can_ask",
                        json_boolean(json_array_size(surveys) || json_array_size(subjects)));
    json_object_set_new(view, "events", event_names(request));
}

static void put_text(json_t *object, const char *name, const char *text) {
    if (text[0])
        json_object_set_new(object, name, json_string(text));
}

static const char *const languages[] = {"es", "en"};

/* The fields MEMBER_es, MEMBER_en; words in further languages stay. */
static void put_words(struct request *request, json_t *document, const char *member) {
    json_t *words = json_object_get(document, member);
    words = json_is_object(words) ? json_incref(words) : json_object();
    for (size_t i = 0; i < 2; i++) {
        const char *text =
            field(request, arena_format(request->arena, "%s_%s", member, languages[i]));
        if (text[0])
            json_object_set_new(words, languages[i], json_string(text));
        else
            json_object_del(words, languages[i]);
    }
    if (json_object_size(words))
        json_object_set(document, member, words);
    else
        json_object_del(document, member);
    json_decref(words);
}

static void put_number(struct request *request, json_t *object, const char *member,
                       const char *name) {
    if (field(request, name)[0])
        json_object_set_new(object, member, json_integer(strtol(field(request, name), NULL, 10)));
}

static json_t *calendar_of(struct request *request) {
    json_t *calendar = json_object();
    const char *every = field(request, "every");
    put_text(calendar, "every", every);
    put_number(request, calendar, "day", strcmp(every, "week") == 0 ? "weekday" : "day");
    if (strcmp(every, "quarter") == 0 || strcmp(every, "year") == 0)
        put_number(request, calendar, "month", "month");
    put_text(calendar, "at", field(request, "at"));
    put_number(request, calendar, "most", "most");
    return calendar;
}

static json_t *review_of(struct request *request, bool again) {
    json_t *review = json_object(), *months = json_array();
    put_text(review, "subject", field(request, "subject_name"));
    if (field(request, "again6")[0])
        json_array_append_new(months, json_integer(6));
    if (field(request, "again12")[0])
        json_array_append_new(months, json_integer(12));
    if (again)
        json_object_set(review, "again", months);
    json_decref(months);
    return review;
}

/* What is asked, and what makes it be asked: "after", "calendar", "review", "again". */
static void put_kind(struct request *request, json_t *document) {
    const char *kind = field(request, "kind");
    bool review = strcmp(kind, "review") == 0, again = strcmp(kind, "again") == 0;
    json_t *after = json_object();
    if (review || again)
        json_object_set_new(document, "review", review_of(request, again));
    else
        json_object_set_new(document, "survey", json_string(field(request, "survey")));
    if (strcmp(kind, "calendar") == 0)
        json_object_set_new(document, "calendar", calendar_of(request));
    put_text(after, "event", field(request, "event"));
    put_text(after, "touchpoint", field(request, "touchpoint"));
    if (!again && strcmp(kind, "calendar") != 0)
        json_object_set(document, "after", after);
    json_decref(after);
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
    static const char *const added[] = {
        "id",      "running",  "author",   "created_at", "next_at", "changed_at",
        "segment", "reminder", "hours",    "share",      "purpose", "quarantine_days",
        "survey",  "review",   "calendar", "after",      "delay"};
    json_t *document = now ? json_deep_copy(now) : json_object();
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        json_object_del(document, added[i]);
    json_object_set_new(document, "name", json_string(field(request, "name")));
    put_kind(request, document);
    put_text(document, "segment", field(request, "segment"));
    put_text(document, "purpose", field(request, "purpose"));
    if (json_object_get(document, "after"))
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
    put_words(request, document, "subject");
    put_words(request, document, "text");
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

/* What is asked and when, as fields of the form. */
static void form_kind(const json_t *plan, json_t *form) {
    const json_t *review = json_object_get(plan, "review"),
                 *calendar = json_object_get(plan, "calendar"),
                 *again = json_object_get(review, "again"), *one;
    const char *every = json_string_value(json_object_get(calendar, "every"));
    size_t i;
    json_object_set_new(form, "kind",
                        json_string(calendar ? "calendar"
                                    : again  ? "again"
                                    : review ? "review"
                                             : "after"));
    json_object_set(form, "subject_name", json_object_get(review, "subject"));
    json_array_foreach(again, i, one)
        json_object_set_new(form, json_integer_value(one) == 6 ? "again6" : "again12", json_true());
    static const char *const same[] = {"every", "month", "at", "most"};
    for (i = 0; i < sizeof same / sizeof *same; i++)
        json_object_set(form, same[i], json_object_get(calendar, same[i]));
    json_object_set(form, every && strcmp(every, "week") == 0 ? "weekday" : "day",
                    json_object_get(calendar, "day"));
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
    if (!json_object_get(plan, "channels"))
        json_object_set_new(form, "email", json_true()); /* what goes without saying */
    json_array_foreach(json_object_get(plan, "channels"), i, channel)
        json_object_set_new(form, json_string_value(channel), json_true());
    for (i = 0; i < 2; i++) {
        json_object_set(form, arena_format(request->arena, "subject_%s", languages[i]),
                        json_object_get(json_object_get(plan, "subject"), languages[i]));
        json_object_set(form, arena_format(request->arena, "text_%s", languages[i]),
                        json_object_get(json_object_get(plan, "text"), languages[i]));
    }
    form_kind(plan, form);
    return form;
}

/* What was typed, back into the form. */
static json_t *form_typed(struct request *request) {
    static const char *const names[] = {
        "name",       "survey",  "event",       "touchpoint", "segment", "purpose", "delay",
        "delay_unit", "expires", "share",       "quarantine", "from",    "to",      "remind",
        "email",      "sms",     "whatsapp",    "subject_es", "text_es", "day1",    "day2",
        "day3",       "day4",    "day5",        "day6",       "day7",    "kind",    "every",
        "day",        "weekday", "month",       "at",         "most",    "again6",  "again12",
        "subject_en", "text_en", "subject_name"};
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
        json_object_set_new(view, "form",
                            json_pack("{s:b, s:s, s:s, s:s, s:b, s:b}", "email", 1, "delay", "2",
                                      "delay_unit", "h", "kind", "after", "again6", 1, "again12",
                                      1));
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

/* Of what is sent now: how much of it is settled. */
static void add_progress(json_t *results) {
    json_int_t due = json_integer_value(json_object_get(results, "due_now")),
               sent = json_integer_value(json_object_get(results, "sent"));
    json_object_set_new(results, "settled", json_integer(sent));
    json_object_set_new(results, "total", json_integer(sent + due));
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
    add_progress(results);
    json_object_set_new(view, "results", results);
    json_object_set_new(view, "language", json_string(request->language));
    add_choices(request, view);
    response_header(request, response, "Content-Security-Policy", framing_policy);
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
    bool run = strcmp(what, "start") == 0 || strcmp(what, "pause") == 0,
         try = strcmp(what, "try") == 0;
    int code = try   ? page_send(request, METHOD_POST, path_of(request, "/try"),
                                 json_pack("{s:s, s:s}", "to", field(request, "to"), "language",
                                           field(request, "language")),
                                 NULL, &refusal)
               : run ? page_send(request, METHOD_POST,
                                 path_of(request, arena_format(request->arena, "/%s", what)), NULL,
                                 NULL, &refusal)
                     : save(request, &refusal);
    if (code >= 0)
        return page_redirect(request, response, own_path(request), try ? "outlet_tried" : "saved");
    if (!run && !try)
        return again(request, response, &refusal, show_plan, err);
    if (refusal.code != E_CONFLICT && !(try && refusal.code == E_INVALID) &&
        refusal.code != E_REFUSED) {
        *err = refusal;
        return code;
    }
    json_t *view = json_object();
    page_form_error(request, view, &refusal);
    response->status = err_status(refusal.code);
    return show_plan(request, response, view, err);
}

/* ---- the message as a mail program shows it, in a frame ---- */

static int show_message(struct request *request, struct response *response, struct err *err) {
    json_t *preview;
    const char *language = request_query(request, "language");
    const char *path =
        path_of(request, language && strcmp(language, "en") == 0 ? "/preview?language=en"
                                                                 : "/preview?language=es");
    int code = page_fetch(request, path, &preview, err);
    if (code < 0)
        return code;
    const char *html = json_string_value(json_object_get(preview, "html"));
    response->status = 200;
    response->type = "text/html; charset=utf-8";
    response_header(request, response, "Content-Security-Policy", message_policy);
    buf_init(&response->body, MESSAGE_BYTES);
    buf_add_text(&response->body, html ? html : "");
    json_decref(preview);
    return HANDLED;
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
     .pattern = "/invitations/{id}/message",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_message},
    {.methods = METHOD_GET,
     .pattern = "/invitations/{id}/people",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_people},
};
const struct route_table page_invitation_routes = ROUTE_TABLE(routes);
