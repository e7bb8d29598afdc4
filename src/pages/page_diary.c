/*
 * The diary of the centres: what changed and when, and what a change did to a score, beside the other centres.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/pages.h"
#include "pages/scores.h"

static const char *field(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    return text ? text : "";
}

/* The local day of an instant, as a date field takes it. */
static const char *day_of(struct request *request, const json_t *instant) {
    const struct zone *zone = app_folder(request->app)->zone;
    int64_t ms;
    int year, month, day;
    if (!json_is_string(instant) || time_parse(slice_of(json_string_value(instant)), NULL, &ms))
        return "";
    time_civil_from_days((ms / 1000 + zone_offset_s(zone, ms / 1000)) / DAY_S, &year, &month, &day);
    return arena_format(request->arena, "%04d-%02d-%02d", year, month, day);
}

/* What was removed stands in the address (?undo=1&text=…), to be written down again. */
static void add_undo(struct request *request, json_t *root) {
    static const char *const names[] = {"text", "unit", "kind", "from", "to", "number"};
    const char *text = request_query(request, "text");
    json_t *fields = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = request_query(request, names[i]);
        if (value && *value)
            json_array_append_new(fields,
                                  json_pack("{s:s, s:s}", "name", names[i], "value", value));
    }
    if (request_query(request, "undo") && text)
        json_object_set_new(root, "undo", json_pack("{s:s, s:O}", "text", text, "fields", fields));
    json_decref(fields);
}

static int show_list(struct request *request, struct response *response, json_t *root,
                     struct err *err) {
    static const struct page page = {
        .template = "diary", .section = "scores", .title = "scores.diary"};
    struct score_view view;
    json_t *answer = NULL;
    int code = page_fetch(request, "/api/v1/diary", &answer, err);
    if (code < 0) {
        json_decref(root);
        return code;
    }
    score_view_read(&view, request);
    add_undo(request, root);
    json_object_set(root, "entries", json_object_get(answer, "data"));
    json_object_set_new(root, "units", page_units(request, NULL));
    score_view_tell(&view, root, "diary");
    json_decref(answer);
    return page_render(request, response, &page, root, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_list(request, response, json_object(), err);
}

static json_t *typed(struct request *request) {
    static const char *const names[] = {"unit", "kind", "from", "to", "text", "number"};
    json_t *form = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(form, names[i], json_string(field(request, names[i])));
    return form;
}

/* The form as an entry of the API. old: what it changes, or NULL; an instant whose day stays as it was stays itself. */
static json_t *entry_typed(struct request *request, const json_t *old) {
    static const char *const names[] = {"unit", "kind", "from", "to", "text"};
    json_t *entry = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = field(request, names[i]);
        const json_t *before = json_object_get(old, names[i]);
        if (!*text)
            continue;
        if (json_is_string(before) && (i == 2 || i == 3) &&
            strcmp(day_of(request, before), text) == 0)
            text = json_string_value(before);
        json_object_set_new(entry, names[i], json_string(text));
    }
    if (*field(request, "number"))
        json_object_set_new(entry, "number", json_real(strtod(field(request, "number"), NULL)));
    return entry;
}

static int add(struct request *request, struct response *response, struct err *err) {
    json_t *root;
    struct err refusal = {0};
    int code = page_send(request, METHOD_POST, "/api/v1/diary", entry_typed(request, NULL), NULL,
                         &refusal);
    if (code >= 0)
        return page_redirect(request, response, "/diary", "saved");
    if (refusal.code != E_INVALID && refusal.code != E_REFUSED) {
        *err = refusal;
        return code;
    }
    root = json_object();
    json_object_set_new(root, "form", typed(request));
    page_form_error(request, root, &refusal);
    response->status = 422;
    return show_list(request, response, root, err);
}

/* "/diary?undo=1&text=…" */
static const char *undo_address(struct request *request, const json_t *entry) {
    static const char *const names[] = {"text", "unit", "kind", "from", "to"};
    struct buf address;
    buf_init(&address, LIMIT_URL_BYTES);
    buf_add_text(&address, "/diary?undo=1");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = json_string_value(json_object_get(entry, names[i]));
        if (!text)
            continue;
        buf_add_format(&address, "&%s=", names[i]);
        url_encode(slice_of(text), &address);
    }
    if (json_is_number(json_object_get(entry, "number")))
        buf_add_format(&address, "&number=%.15g",
                       json_number_value(json_object_get(entry, "number")));
    const char *text = address.full ? "/diary" : arena_text(request->arena, buf_slice(&address));
    buf_release(&address);
    return text;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    const char *path = page_path(request, "/api/v1/diary/", request->params[0]);
    json_t *entry = NULL;
    int code = page_fetch(request, path, &entry, err);
    if (code < 0)
        return code;
    code = page_send(request, METHOD_DELETE, path, NULL, NULL, err);
    const char *address = undo_address(request, entry);
    json_decref(entry);
    return code < 0 ? code : page_redirect(request, response, address, NULL);
}

/* ---- changing an entry ---- */

/* form: what was typed, NULL: as the entry is. Takes both over. */
static int show_edit(struct request *request, struct response *response, json_t *entry,
                     json_t *form, const struct err *refusal, struct err *err) {
    static const struct page page = {
        .template = "diary_edit", .section = "scores", .title = "diary.edit", .narrow = true};
    if (!form) {
        form = json_copy(entry);
        json_object_set_new(form, "from",
                            json_string(day_of(request, json_object_get(entry, "from"))));
        json_object_set_new(form, "to", json_string(day_of(request, json_object_get(entry, "to"))));
    }
    json_t *root =
        json_pack("{s:O, s:O, s:o, s:o}", "id", json_object_get(entry, "id"), "entry",
                  json_object_get(entry, "text"), "form", form, "units", page_units(request, NULL));
    if (refusal)
        page_form_error(request, root, refusal);
    json_decref(entry);
    return page_render(request, response, &page, root, err);
}

static int edit(struct request *request, struct response *response, struct err *err) {
    json_t *entry = NULL;
    int code =
        page_fetch(request, page_path(request, "/api/v1/diary/", request->params[0]), &entry, err);
    return code < 0 ? code : show_edit(request, response, entry, NULL, NULL, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    const char *path = page_path(request, "/api/v1/diary/", request->params[0]);
    struct err refusal = {0};
    json_t *entry = NULL;
    int code = page_fetch(request, path, &entry, err);
    if (code < 0)
        return code;
    code = page_send(request, METHOD_PUT, path, entry_typed(request, entry), NULL, &refusal);
    if (code < 0 && (refusal.code == E_INVALID || refusal.code == E_REFUSED)) {
        response->status = 422;
        return show_edit(request, response, entry, typed(request), &refusal, err);
    }
    json_decref(entry);
    if (code < 0)
        *err = refusal;
    return code < 0 ? code
                    : page_redirect(request, response,
                                    page_path(request, "/diary/", request->params[0]), "saved");
}

/* ---- what it did ---- */

static void add_texts(const struct score_view *view, json_t *row, bool points) {
    static const char *const names[] = {"value", "low", "high"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_object_get(row, names[i]);
        json_t *text;
        if (points && json_is_number(value) && score_metric(view, view->metric)->share) {
            json_t *hundred = json_real(100 * json_number_value(value)); /* differences: points */
            struct score_view plain = *view;
            text = score_shown(&plain, 0, hundred);
            json_decref(hundred);
        } else {
            text = score_shown(view, view->metric, value);
        }
        json_object_set_new(row, arena_format(view->request->arena, "%s_text", names[i]), text);
    }
    const json_t *p = json_object_get(row, "p");
    json_object_set_new(row, "real",
                        json_boolean(json_is_number(p) && json_number_value(p) < 0.05));
}

/* The answers behind a side of the comparison. */
static void add_answers(const struct score_view *view, const json_t *effect, json_t *row) {
    const json_t *range = json_object_get(row, "range");
    struct score_view at = *view;
    at.unit = json_string_value(json_object_get(json_object_get(effect, "entry"), "unit"));
    at.every_survey = true;
    at.from = json_string_value(json_object_get(range, "from"));
    at.to = json_string_value(json_object_get(range, "to"));
    if (at.from && at.to)
        json_object_set_new(
            row, "answers",
            json_string(score_address(&at, "/scores/answers", at.metric, NULL, at.period->id)));
}

static void tell_effect(const struct score_view *view, json_t *effect) {
    static const char *const scores[] = {"before", "after", "others_before", "others_after"},
                             *const differences[] = {"change", "others_change", "effect"};
    for (size_t i = 0; i < 4; i++)
        if (json_is_object(json_object_get(effect, scores[i])))
            add_texts(view, json_object_get(effect, scores[i]), false);
    for (size_t i = 0; i < 2; i++) /* those of the centre; of the others there is no one list */
        if (json_is_object(json_object_get(effect, scores[i])))
            add_answers(view, effect, json_object_get(effect, scores[i]));
    for (size_t i = 0; i < 3; i++)
        if (json_is_object(json_object_get(effect, differences[i])))
            add_texts(view, json_object_get(effect, differences[i]), true);
    json_t *ratio = json_object_get(json_object_get(effect, "activity"), "ratio");
    const json_t *p = json_object_get(ratio, "p");
    if (ratio)
        json_object_set_new(ratio, "real",
                            json_boolean(json_is_number(p) && json_number_value(p) < 0.05));
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "diary_entry", .section = "scores", .title = "scores.diary"};
    const char *path = page_path(request, "/api/v1/diary/", request->params[0]);
    struct score_view view;
    json_t *entry, *root, *effect = NULL, *metrics = json_array();
    struct err none = {0};
    int code = page_fetch(request, path, &entry, err);
    if (code < 0) {
        json_decref(metrics);
        return code;
    }
    root = json_pack("{s:o}", "entry", entry);
    score_view_read(&view, request);
    if (!view.chosen)
        view.metric = 1; /* csat: most centres have faces */
    bool orders = dictionary_find(app_folder(request->app)->dictionary, DICTIONARY_EVENT,
                                  SLICE_LITERAL("Order Completed"));
    const char *target =
        arena_format(request->arena, "%s/effect?metric=%s%s", path,
                     page_path(request, "", score_metric(&view, view.metric)->name),
                     orders ? "&event=Order%20Completed" : "");
    if (page_fetch(request, target, &effect, &none) >= 0) {
        tell_effect(&view, effect);
        json_object_set_new(root, "effect", effect);
    } else {
        json_object_set_new(root, "no_effect", json_string(page_message(request, &none)));
    }
    for (size_t m = 0; m < SCORE_METRICS; m++)
        json_array_append_new(metrics, json_pack("{s:s, s:b}", "metric", score_metrics[m].name,
                                                 "current", m == view.metric));
    json_object_set_new(root, "metrics", metrics);
    json_object_set_new(root, "see_people", json_boolean(!request->principal.floor));
    score_view_tell(&view, root, "diary");
    return page_render(request, response, &page, root, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/diary",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/diary",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = add},
    {.methods = METHOD_GET,
     .pattern = "/diary/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_one},
    {.methods = METHOD_GET,
     .pattern = "/diary/{id}/edit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = edit},
    {.methods = METHOD_POST,
     .pattern = "/diary/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = change},
    {.methods = METHOD_POST,
     .pattern = "/diary/{id}/remove",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = drop},
};
const struct route_table page_diary_routes = ROUTE_TABLE(routes);
