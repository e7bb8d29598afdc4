/*
 * Settings, units: the centres as a tree of the chosen hierarchy, one to add or change, several from a file, and the
 * hierarchies themselves.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/account.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"
#include "pages/text.h"

enum { SHOWN_MAX = 1000, DEPTH_SHOWN = 6, NONE = -1 };

static const char *text_member(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* "Territorio": the organisation's words for a hierarchy, else the program's, else its name. */
static const char *hierarchy_title(const struct request *request, const json_t *hierarchy) {
    const char *title = text_member(hierarchy, "title"), *name = text_member(hierarchy, "name");
    const char *known = text_of_value(request->language, "hierarchy", name);
    return title[0] ? title : known ? known : name;
}

/* ---- the tree ---- */

struct tree {
    json_t *units; /* rows of the API */
    int n, *parent, *first_child, *next, first_root;
    json_t *shown; /* in order, with depth */
};

static void link_units(struct request *request, struct tree *tree, const char *hierarchy) {
    json_t *places = json_object();
    tree->n = (int)json_array_size(tree->units);
    tree->parent = ARENA_ARRAY(request->arena, int, (size_t)tree->n + 1);
    tree->first_child = ARENA_ARRAY(request->arena, int, (size_t)tree->n + 1);
    tree->next = ARENA_ARRAY(request->arena, int, (size_t)tree->n + 1);
    tree->first_root = NONE;
    for (int i = 0; i < tree->n; i++) {
        tree->first_child[i] = NONE;
        json_object_set_new(places, text_member(json_array_get(tree->units, (size_t)i), "name"),
                            json_integer(i));
    }
    for (int i = tree->n; i-- > 0;) { /* from the end: each list keeps the order of names */
        const json_t *parents = json_object_get(json_array_get(tree->units, (size_t)i), "parents");
        const json_t *above = json_object_get(places, text_member(parents, hierarchy));
        int parent = above ? (int)json_integer_value(above) : NONE;
        int *list = parent == NONE ? &tree->first_root : &tree->first_child[parent];
        tree->parent[i] = parent;
        tree->next[i] = *list;
        *list = i;
    }
    json_decref(places);
}

/* Depth first; cycles cannot be (http/unit.c). */
static void walk(struct tree *tree) {
    int depth = 0, at = tree->first_root;
    while (at != NONE && json_array_size(tree->shown) < SHOWN_MAX) {
        json_t *row = json_copy(json_array_get(tree->units, (size_t)at));
        json_object_set_new(row, "depth", json_integer(depth < DEPTH_SHOWN ? depth : DEPTH_SHOWN));
        json_array_append_new(tree->shown, row);
        if (tree->first_child[at] != NONE) {
            at = tree->first_child[at];
            depth++;
            continue;
        }
        while (at != NONE && tree->next[at] == NONE) {
            at = tree->parent[at];
            depth--;
        }
        at = at == NONE ? NONE : tree->next[at];
    }
}

/* The titles of what stands above a unit in the other hierarchies: "Formato: Tienda urbana". */
static void add_others(struct request *request, struct tree *tree, json_t *hierarchies,
                       const char *chosen) {
    json_t *titles = json_object(), *row, *hierarchy;
    size_t i, k;
    json_array_foreach(tree->units, i, row)
        json_object_set(titles, text_member(row, "name"), json_object_get(row, "title"));
    json_array_foreach(tree->shown, i, row) {
        json_t *others = json_array();
        json_array_foreach(hierarchies, k, hierarchy) {
            const char *name = text_member(hierarchy, "name");
            const char *parent = text_member(json_object_get(row, "parents"), name);
            if (!parent[0] || strcmp(name, chosen) == 0)
                continue;
            const char *title = text_member(titles, parent);
            json_array_append_new(others, json_pack("{s:s, s:s}", "hierarchy",
                                                    hierarchy_title(request, hierarchy), "title",
                                                    title[0] ? title : parent));
        }
        json_object_set_new(row, "others", others);
    }
    json_decref(titles);
}

/* ---- the form ---- */

static json_t *find_unit(json_t *units, const char *name) {
    size_t i;
    json_t *row;
    json_array_foreach(units, i, row) if (strcmp(text_member(row, "name"), name) == 0) return row;
    return NULL;
}

/* A field for each hierarchy, filled from the unit that is changed or the form that was refused. */
static json_t *parent_fields(struct request *request, json_t *hierarchies, const json_t *unit) {
    json_t *fields = json_array(), *hierarchy;
    size_t i;
    json_array_foreach(hierarchies, i, hierarchy) {
        const char *name = text_member(hierarchy, "name");
        const char *field = arena_format(request->arena, "parent_%s", name);
        const char *sent = settings_form(request, field);
        json_array_append_new(
            fields, json_pack("{s:s, s:s, s:s}", "field", field, "title",
                              hierarchy_title(request, hierarchy), "value",
                              unit ? text_member(json_object_get(unit, "parents"), name) : sent));
    }
    return fields;
}

static void add_form(struct request *request, json_t *units, json_t *hierarchies, json_t *view) {
    const char *edit = request_query(request, "edit");
    json_t *unit = edit ? find_unit(units, edit) : NULL;
    json_object_set_new(view, "changing", json_boolean(unit != NULL));
    json_object_set_new(view, "form",
                        unit ? json_pack("{s:s, s:s}", "name", text_member(unit, "name"), "title",
                                         text_member(unit, "title"))
                             : json_pack("{s:s, s:s}", "name", settings_form(request, "name"),
                                         "title", settings_form(request, "title")));
    json_object_set_new(view, "parents", parent_fields(request, hierarchies, unit));
}

static json_t *hierarchy_tabs(struct request *request, json_t *hierarchies, const char *chosen) {
    json_t *tabs = json_array(), *hierarchy;
    size_t i;
    json_array_foreach(hierarchies, i, hierarchy) json_array_append_new(
        tabs, json_pack("{s:s, s:s, s:b}", "name", text_member(hierarchy, "name"), "title",
                        hierarchy_title(request, hierarchy), "current",
                        strcmp(text_member(hierarchy, "name"), chosen) == 0));
    return tabs;
}

static void add_rules(struct request *request, json_t *view) {
    struct err ignored = {0};
    json_t *answer, *rule;
    size_t i;
    if (page_fetch(request, "/api/v1/unit-rules", &answer, &ignored) < 0)
        return;
    json_array_foreach(json_object_get(answer, "rules"), i, rule)
        json_object_set_new(rule, "index", json_integer((json_int_t)i));
    json_object_set(view, "rules", json_object_get(answer, "rules"));
    json_decref(answer);
}

static int show_units_view(struct request *request, struct response *response, json_t *view,
                           struct err *err) {
    json_t *units = NULL, *hierarchies = NULL;
    const char *by = request_query(request, "by");
    int code = settings_rows(request, "/api/v1/units", &units, err);
    if (code >= 0)
        code = settings_rows(request, "/api/v1/hierarchies", &hierarchies, err);
    if (code < 0) {
        json_decref(units);
        json_decref(view);
        return code;
    }
    const char *chosen =
        by && find_unit(hierarchies, by) ? by : text_member(json_array_get(hierarchies, 0), "name");
    struct tree tree = {.units = units, .shown = json_array()};
    link_units(request, &tree, chosen);
    walk(&tree);
    add_others(request, &tree, hierarchies, chosen);
    add_rules(request, view);
    json_object_set_new(view, "tree", tree.shown);
    json_object_set_new(view, "more",
                        json_integer(tree.n - (json_int_t)json_array_size(tree.shown)));
    json_object_set_new(view, "by", json_string(chosen));
    json_object_set_new(view, "hierarchies", hierarchy_tabs(request, hierarchies, chosen));
    add_form(request, units, hierarchies, view);
    json_object_set_new(view, "units", units);
    json_decref(hierarchies);
    return settings_render(request, response, "units", view, err);
}

static int show_units(struct request *request, struct response *response, struct err *err) {
    return show_units_view(request, response, json_object(), err);
}

/* ---- changes ---- */

static int put_unit(struct request *request, struct err *err) {
    json_t *hierarchies, *hierarchy, *parents = json_object();
    size_t i;
    int code = settings_rows(request, "/api/v1/hierarchies", &hierarchies, err);
    if (code < 0) {
        json_decref(parents);
        return code;
    }
    json_array_foreach(hierarchies, i, hierarchy) {
        const char *name = text_member(hierarchy, "name");
        const char *parent = request_form(request, arena_format(request->arena, "parent_%s", name));
        if (parent)
            json_object_set_new(parents, name, parent[0] ? json_string(parent) : json_null());
    }
    json_decref(hierarchies);
    return page_send(request, METHOD_POST, "/api/v1/units",
                     json_pack("{s:s, s:s, s:o}", "name", settings_form(request, "name"), "title",
                               settings_form(request, "title"), "parents", parents),
                     NULL, err);
}

static int change_units(struct request *request, struct response *response, struct err *err) {
    const char *remove = request_form(request, "remove");
    struct err refusal = {0};
    int code = remove
                   ? page_send(request, METHOD_DELETE, page_path(request, "/api/v1/units/", remove),
                               NULL, NULL, &refusal)
                   : put_unit(request, &refusal);
    return settings_done(request, response, "units", remove ? "removed" : "saved", code, &refusal,
                         show_units_view, err);
}

static int import_units(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    int code = page_forward(request, "/api/v1/units/import", NULL, &refusal);
    if (code == E_MALFORMED || code == E_TOO_LARGE)
        code = E_INVALID;
    return settings_done(request, response, "units", "saved", code, &refusal, show_units_view, err);
}

/* One rule more, or one less. */
static int change_rules(struct request *request, struct response *response, struct err *err) {
    const char *remove = request_form(request, "remove");
    struct err refusal = {0};
    json_t *body;
    int code = page_fetch(request, "/api/v1/unit-rules", &body, err);
    if (code < 0)
        return code;
    json_t *rules = json_object_get(body, "rules");
    if (remove)
        json_array_remove(rules, (size_t)strtoul(remove, NULL, 10));
    else
        json_array_append_new(rules, json_pack("{s:s, s:s, s:s}", "property",
                                               settings_form(request, "rule_property"), "value",
                                               settings_form(request, "rule_value"), "unit",
                                               settings_form(request, "rule_unit")));
    code = page_send(request, METHOD_PUT, "/api/v1/unit-rules", body, NULL, &refusal);
    return settings_done(request, response, "units", "saved", code, &refusal, show_units_view, err);
}

static int change_hierarchies(struct request *request, struct response *response, struct err *err) {
    const char *remove = request_form(request, "remove");
    struct err refusal = {0};
    const char *target = page_path(request, "/api/v1/hierarchies/",
                                   remove ? remove : settings_form(request, "hierarchy"));
    int code =
        remove ? page_send(request, METHOD_DELETE, target, NULL, NULL, &refusal)
               : page_send(request, METHOD_PUT, target,
                           json_pack("{s:s}", "title", settings_form(request, "hierarchy_title")),
                           NULL, &refusal);
    if (code == E_NOT_FOUND) /* an empty name */
        code = err_at(&refusal, E_INVALID, "/name",
                      "a name of small letters, digits and _ is needed, at most 32");
    return settings_done(request, response, "units", remove ? "removed" : "saved", code, &refusal,
                         show_units_view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/units",
     .access = ACCESS_SESSION,
     .handle = show_units},
    {.methods = METHOD_POST,
     .pattern = "/settings/units",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change_units},
    {.methods = METHOD_POST,
     .pattern = "/settings/units/import",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .body_limit = 4 << 20,
     .handle = import_units},
    {.methods = METHOD_POST,
     .pattern = "/settings/units/rules",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change_rules},
    {.methods = METHOD_POST,
     .pattern = "/settings/units/hierarchies",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change_hierarchies},
};
const struct route_table page_unit_routes = ROUTE_TABLE(routes);
