/*
 * What scores rest on, to be settled by people: the shares of the population that answers are weighted to, and whether named
 * staff may have scores.
 *
 * THE FORM OF MARGINS works without a script: its buttons send what is typed and get the form back with one more row, another
 * variable, or the values that the answers have. Shares are typed in percent and must add up to 100; the API keeps 0–1.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "folder/folder.h"
#include "http/router.h"
#include "pages/pages.h"
#include "pages/scores.h"

enum { VARIABLES = 4, ROWS = 200, ROWS_BEGUN = 3, VALUES_OFFERED = 50, NAMES_OFFERED = 400 };
static const double SUM_TOLERANCE = 0.1; /* points of percentage */

struct typed_row {
    const char *category, *share; /* as typed */
    double seen;                  /* of the answers, 0–1; NAN: nobody looked */
};

struct variable {
    const char *by, *of; /* of: the name of a property or trait */
    struct typed_row rows[ROWS];
    size_t n;
    const char *wrong; /* key below "margins.wrong", NULL: nothing */
};

struct form {
    struct request *request;
    const char *name;
    bool fresh; /* another name is refused if it is taken */
    struct variable variables[VARIABLES];
    size_t n;
    const char *wrong; /* of the whole */
};

static const char *const kinds[] = {"property", "trait", "channel", "unit", "touchpoint", "event"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool is_named(const char *by) {
    return strcmp(by, "property") == 0 || strcmp(by, "trait") == 0;
}

/* ---- reading what was typed ---- */

static const char *typed(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    if (!text)
        return "";
    size_t n = strlen(text);
    for (; n && isspace((unsigned char)*text); n--)
        text++;
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    return arena_text(request->arena, (struct slice){text, n});
}

static void read_variable(struct form *form, size_t v) {
    struct request *request = form->request;
    struct variable *variable = &form->variables[v];
    variable->by = typed(request, arena_format(request->arena, "by%zu", v));
    variable->of = typed(request, arena_format(request->arena, "of%zu", v));
    for (size_t i = 0; i < ROWS; i++) {
        const char *name = arena_format(request->arena, "c%zu_%zu", v, i);
        if (!request_form(request, name))
            break;
        struct typed_row row = {typed(request, name),
                                typed(request, arena_format(request->arena, "s%zu_%zu", v, i)),
                                (double)NAN};
        if (*row.category || *row.share)
            variable->rows[variable->n++] = row;
    }
}

static void read_form(struct form *form, struct request *request) {
    form->request = request;
    form->name = typed(request, "name");
    form->fresh = *typed(request, "fresh");
    while (form->n < VARIABLES &&
           request_form(request, arena_format(request->arena, "by%zu", form->n)))
        read_variable(form, form->n++);
}

/* "48,5 %" is 48.5; NAN where it is no share. */
static double percent_of(const char *text) {
    char plain[32], *end;
    size_t n = 0;
    for (const char *at = text; *at && n + 1 < sizeof plain; at++)
        if (*at != ' ' && *at != '%')
            plain[n++] = *at == ',' ? '.' : *at;
    plain[n] = 0;
    double number = strtod(plain, &end);
    return n && !*end && isfinite(number) && number >= 0 ? number : (double)NAN;
}

static double sum_of(const struct variable *variable) {
    double sum = 0;
    for (size_t i = 0; i < variable->n; i++) {
        double percent = percent_of(variable->rows[i].share);
        sum += isnan(percent) ? 0 : percent;
    }
    return sum;
}

/* ---- what is stored ---- */

static const char *percent_text(struct request *request, double percent) {
    char *text = arena_format(request->arena, "%.4f", percent);
    size_t n = strlen(text);
    while (n && text[n - 1] == '0')
        n--;
    text[n && text[n - 1] == '.' ? n - 1 : n] = 0;
    char *point = strchr(text, '.');
    if (point && strcmp(request->language, "es") == 0)
        *point = ',';
    return text;
}

static void load_variable(struct form *form, const json_t *margin) {
    struct request *request = form->request;
    struct variable *variable = &form->variables[form->n++];
    const json_t *by = json_object_get(margin, "by");
    json_t *shares = json_object_get(margin, "shares"), *share;
    const char *category, *property = json_string_value(json_object_get(by, "property")),
                          *trait = json_string_value(json_object_get(by, "trait"));
    double whole = 0;
    variable->by = json_is_string(by) ? arena_text(request->arena, slice_of(json_string_value(by)))
                   : trait            ? "trait"
                                      : "property";
    variable->of = arena_text(request->arena, slice_of(trait ? trait : property ? property : ""));
    json_object_foreach(shares, category, share) whole += json_number_value(share);
    json_object_foreach(shares, category, share) if (variable->n < ROWS)
        variable->rows[variable->n++] = (struct typed_row){
        arena_text(request->arena, slice_of(category)),
        percent_text(request, 100 * json_number_value(share) / whole), (double)NAN};
}

/* ---- values that answers have ---- */

static json_t *by_json(const struct variable *variable) {
    return is_named(variable->by) ? json_pack("{s:s}", variable->by, variable->of)
                                  : json_string(variable->by);
}

static const char *value_text(struct request *request, const json_t *value) {
    if (json_is_string(value))
        return arena_text(request->arena, slice_of(json_string_value(value)));
    if (json_is_number(value))
        return arena_format(request->arena, "%.15g", json_number_value(value));
    return json_is_boolean(value) ? (json_is_true(value) ? "true" : "false") : NULL;
}

/* Answers of the metric that has most of them, by the variable. */
static json_t *answers_by(struct request *request, const struct variable *variable, double *whole) {
    json_t *most = NULL, *row;
    size_t i;
    *whole = 0;
    for (size_t m = 0; m < SCORE_METRICS; m++) {
        struct err ignored = {0};
        json_t *answer = NULL;
        json_t *query = json_pack("{s:s, s:s, s:o, s:i, s:b, s:s}", "kind", "score", "metric",
                                  score_metrics[m].name, "by", by_json(variable), "limit",
                                  VALUES_OFFERED, "response_rate", 0, "flagged", "include");
        if (page_query(request, query, &answer, &ignored) < 0)
            continue;
        double n = 0;
        json_array_foreach(json_object_get(answer, "data"), i, row) n +=
            json_is_null(json_object_get(row, "by")) ? 0
                                                     : json_number_value(json_object_get(row, "n"));
        if (n > *whole) {
            json_decref(most);
            most = json_incref(json_object_get(answer, "data"));
            *whole = n;
        }
        json_decref(answer);
    }
    return most;
}

static void offer(struct variable *variable, const char *category, double seen) {
    size_t i = 0;
    while (i < variable->n && strcmp(variable->rows[i].category, category) != 0)
        i++;
    if (i == ROWS)
        return;
    if (i == variable->n)
        variable->rows[variable->n++] = (struct typed_row){category, "", seen};
    variable->rows[i].seen = seen;
}

/* Puts the values that answers have, with their share of the answers, beside what is typed. */
static void fill(struct form *form, struct variable *variable) {
    json_t *row;
    size_t i;
    double whole;
    if (is_named(variable->by) && !*variable->of) {
        variable->wrong = "of";
        return;
    }
    json_t *rows = answers_by(form->request, variable, &whole);
    json_array_foreach(rows, i, row) {
        const char *category = value_text(form->request, json_object_get(row, "by"));
        if (category && strcmp(category, "(other)") != 0)
            offer(variable, category, json_number_value(json_object_get(row, "n")) / whole);
    }
    if (!rows)
        variable->wrong = "no_values";
    json_decref(rows);
}

/* ---- checking ---- */

static const char *wrong_with(const struct variable *variable) {
    if (is_named(variable->by) && !*variable->of)
        return "of";
    if (!variable->n)
        return "no_rows";
    for (size_t i = 0; i < variable->n; i++) {
        if (!*variable->rows[i].category)
            return "category";
        if (isnan(percent_of(variable->rows[i].share)))
            return "share";
        for (size_t k = 0; k < i; k++)
            if (strcmp(variable->rows[i].category, variable->rows[k].category) == 0)
                return "twice";
    }
    return fabs(sum_of(variable) - 100) > SUM_TOLERANCE ? "sum" : NULL;
}

static bool check(struct form *form) {
    struct err none = {0};
    json_t *taken = NULL;
    bool right = true;
    if (!*form->name)
        form->wrong = "name";
    else if (form->fresh &&
             page_fetch(form->request,
                        page_path(form->request, "/api/v1/scores/margins/", form->name), &taken,
                        &none) == 0)
        form->wrong = "taken";
    json_decref(taken);
    for (size_t v = 0; v < form->n; v++) {
        form->variables[v].wrong = wrong_with(&form->variables[v]);
        right &= !form->variables[v].wrong;
    }
    return right && !form->wrong;
}

/* ---- showing the form ---- */

static json_t *variable_json(const struct form *form, size_t v) {
    const struct variable *variable = &form->variables[v];
    json_t *choices = json_array(), *rows = json_array();
    for (size_t k = 0; k < KINDS; k++)
        json_array_append_new(choices, json_pack("{s:s, s:b}", "by", kinds[k], "current",
                                                 strcmp(kinds[k], variable->by) == 0));
    for (size_t i = 0; i < variable->n || i < ROWS_BEGUN; i++) {
        struct typed_row row =
            i < variable->n ? variable->rows[i] : (struct typed_row){"", "", (double)NAN};
        bool bad = variable->wrong && strcmp(variable->wrong, "share") == 0 && i < variable->n &&
                   isnan(percent_of(row.share));
        json_array_append_new(rows, json_pack("{s:I, s:s, s:s, s:o, s:b}", "row", (json_int_t)i,
                                              "category", row.category, "share", row.share, "seen",
                                              isnan(row.seen) ? json_null() : json_real(row.seen),
                                              "bad", bad));
    }
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:f, s:b, s:b, s:s?}", "v", (json_int_t)v, "number",
                     (json_int_t)v + 1, "of", variable->of, "kinds", choices, "rows", rows, "sum",
                     sum_of(variable) / 100, "whole", fabs(sum_of(variable) - 100) <= SUM_TOLERANCE,
                     "more", form->n > 1, "wrong", variable->wrong);
}

static json_t *property_names(const struct request *request) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    json_t *list = json_array();
    for (uint32_t code = 1; code <= dictionary_count(names, DICTIONARY_PROPERTY) &&
                            json_array_size(list) < NAMES_OFFERED;
         code++) {
        struct slice name = dictionary_name(names, DICTIONARY_PROPERTY, (uint16_t)code);
        json_array_append_new(list, json_stringn(name.p, name.n));
    }
    return list;
}

static int show_form(struct form *form, struct response *response, const struct err *refusal,
                     struct err *err) {
    static const struct page page = {.template = "score_margins",
                                     .section = "scores",
                                     .title = "margins.form",
                                     .script = "js/margins.js",
                                     .narrow = true};
    struct request *request = form->request;
    json_t *variables = json_array();
    for (size_t v = 0; v < form->n; v++)
        json_array_append_new(variables, variable_json(form, v));
    json_t *view =
        json_pack("{s:s, s:b, s:o, s:o, s:b, s:s?}", "name", form->name, "fresh", form->fresh,
                  "variables", variables, "properties", property_names(request), "can_add",
                  form->n < VARIABLES, "wrong", form->wrong);
    if (refusal && refusal->code)
        page_form_error(request, view, refusal);
    return page_render(request, response, &page, view, err);
}

/* A form in the arena: it is large. */
static struct form *form_new(struct request *request) {
    struct form *form = ARENA_ARRAY(request->arena, struct form, 1);
    form->request = request;
    form->name = "";
    return form;
}

static void begin_variable(struct form *form) {
    if (form->n < VARIABLES)
        form->variables[form->n++] = (struct variable){.by = "property", .of = ""};
}

static int show_new(struct request *request, struct response *response, struct err *err) {
    struct form *form = form_new(request);
    form->fresh = true;
    begin_variable(form);
    return show_form(form, response, NULL, err);
}

static int show_stored(struct request *request, struct response *response, struct err *err) {
    struct form *form = form_new(request);
    json_t *stored = NULL, *margin;
    size_t i;
    int code = page_fetch(
        request, page_path(request, "/api/v1/scores/margins/", request->params[0]), &stored, err);
    if (code < 0)
        return code;
    form->name = request->params[0];
    json_array_foreach(json_object_get(stored, "margins"), i, margin) if (form->n < VARIABLES)
        load_variable(form, margin);
    json_decref(stored);
    return show_form(form, response, NULL, err);
}

/* ---- keeping ---- */

static json_t *margins_json(const struct form *form) {
    json_t *margins = json_array();
    for (size_t v = 0; v < form->n; v++) {
        const struct variable *variable = &form->variables[v];
        json_t *shares = json_object();
        double sum = sum_of(variable);
        for (size_t i = 0; i < variable->n; i++)
            json_object_set_new(shares, variable->rows[i].category,
                                json_real(percent_of(variable->rows[i].share) / sum));
        json_array_append_new(margins,
                              json_pack("{s:o, s:o}", "by", by_json(variable), "shares", shares));
    }
    return margins;
}

static int save(struct form *form, struct response *response, struct err *err) {
    struct request *request = form->request;
    struct err refusal = {0};
    if (!check(form)) {
        response->status = 422;
        return show_form(form, response, NULL, err);
    }
    int code =
        page_send(request, METHOD_PUT, page_path(request, "/api/v1/scores/margins/", form->name),
                  json_pack("{s:o}", "margins", margins_json(form)), NULL, &refusal);
    if (code >= 0)
        return page_redirect(request, response, "/scores/settings", "saved");
    if (refusal.code != E_INVALID && refusal.code != E_REFUSED) {
        *err = refusal;
        return code;
    }
    response->status = 422;
    return show_form(form, response, &refusal, err);
}

static void remove_variable(struct form *form, size_t v) {
    if (v >= form->n || form->n == 1)
        return;
    memmove(&form->variables[v], &form->variables[v + 1],
            (form->n - v - 1) * sizeof *form->variables);
    form->n--;
}

/* do: save, variable, row-V, fill-V, drop-V. */
static int take(struct request *request, struct response *response, struct err *err) {
    struct form *form = form_new(request);
    const char *what = typed(request, "do"), *dash = strchr(what, '-');
    read_form(form, request);
    if (!form->n)
        begin_variable(form);
    size_t v = dash ? strtoul(dash + 1, NULL, 10) : 0;
    struct variable *variable = v < form->n ? &form->variables[v] : &form->variables[0];
    if (!*what || strcmp(what, "save") == 0)
        return save(form, response, err);
    if (strcmp(what, "variable") == 0)
        begin_variable(form);
    else if (strncmp(what, "fill-", 5) == 0)
        fill(form, variable);
    else if (strncmp(what, "drop-", 5) == 0)
        remove_variable(form, v);
    else
        for (size_t i = 0; i < ROWS_BEGUN && variable->n < ROWS; i++)
            variable->rows[variable->n++] = (struct typed_row){"", "", (double)NAN};
    return show_form(form, response, NULL, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = page_send(request, METHOD_DELETE,
                         page_path(request, "/api/v1/scores/margins/", request->params[0]), NULL,
                         NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/scores/settings", "removed");
}

/* ---- the page ---- */

/* "age (3) · channel (2)": what a set weights by. */
static const char *words_of(struct request *request, const json_t *margins) {
    const char *words = "";
    json_t *margin;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)margins, i, margin) {
        const json_t *by = json_object_get(margin, "by");
        const char *name = json_string_value(json_object_get(by, "property"));
        if (!name)
            name = json_string_value(json_object_get(by, "trait"));
        if (!name && json_is_string(by))
            name = page_text(request,
                             arena_format(request->arena, "margins.by.%s", json_string_value(by)));
        words =
            arena_format(request->arena, "%s%s%s (%zu)", words, i ? " · " : "", name ? name : "–",
                         json_object_size(json_object_get(margin, "shares")));
    }
    return words;
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "score_settings", .section = "scores", .title = "scores.settings"};
    struct score_view view;
    json_t *margins = NULL, *settings = NULL, *row;
    size_t i;
    int code = page_fetch(request, "/api/v1/scores/margins", &margins, err);
    if (code >= 0)
        code = page_fetch(request, "/api/v1/scores/settings", &settings, err);
    if (code < 0) {
        json_decref(margins);
        return code;
    }
    json_array_foreach(json_object_get(margins, "data"), i, row) json_object_set_new(
        row, "words", json_string(words_of(request, json_object_get(row, "margins"))));
    json_t *root = json_pack("{s:O, s:O}", "all_margins", json_object_get(margins, "data"),
                             "named_staff", json_object_get(settings, "named_staff"));
    score_view_read(&view, request);
    score_view_tell(&view, root, "settings");
    json_decref(margins);
    json_decref(settings);
    return page_render(request, response, &page, root, err);
}

static int put_staff(struct request *request, struct response *response, struct err *err) {
    bool allowed = strcmp(typed(request, "named_staff"), "1") == 0;
    int code = page_send(request, METHOD_PUT, "/api/v1/scores/settings",
                         json_pack("{s:b}", "named_staff", allowed), NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/scores/settings", "saved");
}

#define MANAGED(way, path, handler)                                                                \
    {                                                                                              \
        .methods = way, .pattern = path, .access = ACCESS_SESSION, .scopes = SCOPE_MANAGE,         \
        .role = ROLE_ANALYST, .handle = handler                                                    \
    }

static const struct route routes[] = {
    MANAGED(METHOD_GET, "/scores/settings", show),
    MANAGED(METHOD_GET, "/scores/margins", show_new),
    MANAGED(METHOD_POST, "/scores/margins", take),
    MANAGED(METHOD_GET, "/scores/margins/{name}", show_stored),
    MANAGED(METHOD_POST, "/scores/margins/{name}/remove", drop),
    {.methods = METHOD_POST,
     .pattern = "/scores/staff",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = put_staff},
};
const struct route_table page_score_setting_routes = ROUTE_TABLE(routes);
