/*
 * /api/v1/units: centres and what is below what; /api/v1/hierarchies: the ways to order them.
 *
 * A unit's `parents` has one name a hierarchy; `parent` is that of the first hierarchy, "territory". A change says only what
 * changes: hierarchies that it does not name stay, null takes a unit out of one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <strings.h>

#include "api/api.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "collect/import.h"

#define TERRITORY "territory"
enum { IMPORT_ROWS_MAX = 20000, IMPORT_MAX_BYTES = 4 * 1024 * 1024 };

static json_t *unit_json(const struct unit *unit) {
    json_t *parents = json_object();
    const char *territory = NULL;
    for (size_t i = 0; i < unit->n_parents; i++) {
        json_object_set_new(parents, unit->parents[i].hierarchy,
                            json_string(unit->parents[i].parent));
        if (strcmp(unit->parents[i].hierarchy, TERRITORY) == 0)
            territory = unit->parents[i].parent;
    }
    return json_pack("{s:s, s:s, s:s?, s:o}", "name", unit->name, "title", unit->title, "parent",
                     territory, "parents", parents);
}

/* An asker limited to units sees those, and what stands above them by name only where it is theirs too. */
static int visible_units(struct request *request, struct unit **units, size_t *n, struct err *err) {
    const struct principal *principal = &request->principal;
    int code = unit_list(app_accounts(request->app), request->arena, units, n, err);
    if (code || !principal->units)
        return code;
    const struct dictionary *dictionary = app_folder(request->app)->dictionary;
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (principal_sees(principal, dictionary_find(dictionary, DICTIONARY_UNIT,
                                                      slice_of((*units)[i].name))))
            (*units)[kept++] = (*units)[i];
    *n = kept;
    for (size_t i = 0; i < kept; i++) {
        struct unit_parent *own =
            ARENA_ARRAY(request->arena, struct unit_parent, (*units)[i].n_parents + 1);
        size_t n_own = 0;
        for (size_t k = 0; k < (*units)[i].n_parents; k++)
            if (principal_sees(principal, dictionary_find(dictionary, DICTIONARY_UNIT,
                                                          slice_of((*units)[i].parents[k].parent))))
                own[n_own++] = (*units)[i].parents[k];
        (*units)[i].parents = own;
        (*units)[i].n_parents = n_own;
    }
    return 0;
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct unit *units;
    size_t n;
    int code = visible_units(request, &units, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, unit_json(&units[i]));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int answer(struct request *request, struct response *response, const char *name, int status,
                  struct err *err) {
    struct unit *units;
    size_t n;
    int code = visible_units(request, &units, &n, err);
    for (size_t i = 0; !code && i < n; i++)
        if (strcmp(units[i].name, name) == 0) {
            json_t *json = unit_json(&units[i]);
            response_json(response, status, json);
            json_decref(json);
            return HANDLED;
        }
    return code ? code : err_set(err, E_NOT_FOUND, "no such unit");
}

static int read_parents(struct request *request, const json_t *body, struct unit *unit,
                        struct err *err) {
    json_t *parents = json_object_get(body, "parents"), *value;
    const json_t *parent = json_object_get(body, "parent");
    if (parents && !json_is_object(parents))
        return err_at(err, E_INVALID, "/parents", "must be an object: {\"territory\":\"north\"}");
    struct unit_parent *list =
        ARENA_ARRAY(request->arena, struct unit_parent, json_object_size(parents) + 1);
    const char *hierarchy;
    unit->parents = list;
    json_object_foreach(parents, hierarchy, value) {
        if (!json_is_string(value) && !json_is_null(value))
            return err_at(err, E_INVALID, arena_format(request->arena, "/parents/%s", hierarchy),
                          "must be the name of a unit or null");
        list[unit->n_parents++] =
            (struct unit_parent){hierarchy, json_is_null(value) ? "" : json_string_value(value)};
    }
    if (!parent || json_object_get(parents, TERRITORY))
        return 0;
    if (!json_is_string(parent) && !json_is_null(parent))
        return err_at(err, E_INVALID, "/parent", "must be the name of a unit or null");
    list[unit->n_parents++] =
        (struct unit_parent){TERRITORY, json_is_null(parent) ? "" : json_string_value(parent)};
    return 0;
}

static int put(struct request *request, struct response *response, const char *name, int status,
               struct err *err) {
    static const char *const known[] = {"name", "title", "parent", "parents", NULL};
    struct unit unit = {.name = name};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code && !name)
        code = api_text(body, "name", NULL, LIMIT_NAME_BYTES, &unit.name, err);
    if (!code)
        code = api_text(body, "title", "", LIMIT_NAME_BYTES, &unit.title, err);
    if (!code)
        code = read_parents(request, body, &unit, err);
    if (!code)
        code = unit_put(app_accounts(request->app), &request->principal, &unit, err);
    if (code && !json_object_get(body, "parents") &&
        strcmp(err->pointer, "/parents/" TERRITORY) == 0)
        snprintf(err->pointer, sizeof err->pointer, "/parent"); /* as the body has it */
    if (!code)
        code = answer(request, response, unit.name, status, err);
    json_decref(body);
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    return put(request, response, NULL, 201, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    return put(request, response, request->params[0], 200, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    response->status = 204;
    return unit_remove(app_accounts(request->app), &request->principal, request->params[0], err);
}

/* ---- from a file ---- */

struct columns {
    size_t name, title;       /* SIZE_MAX: none */
    const char **hierarchies; /* [n_columns] NULL: not a hierarchy */
};

/* "name", "title" and the names or titles of hierarchies, without regard to case. */
static int find_columns(struct request *request, const struct import_cells *cells,
                        struct columns *columns, struct err *err) {
    struct hierarchy *hierarchies;
    size_t n;
    int code = hierarchy_list(app_accounts(request->app), request->arena, &hierarchies, &n, err);
    *columns = (struct columns){SIZE_MAX, SIZE_MAX,
                                ARENA_ARRAY(request->arena, const char *, cells->n_columns + 1)};
    for (size_t i = 0; !code && i < cells->n_columns; i++) {
        const char *column = arena_text(request->arena, utf8_trim(cells->columns[i]));
        bool known = true;
        if (strcasecmp(column, "name") == 0)
            columns->name = i;
        else if (strcasecmp(column, "title") == 0)
            columns->title = i;
        else
            known = false;
        for (size_t k = 0; k < n && !known; k++)
            if (strcasecmp(column, hierarchies[k].name) == 0 ||
                strcasecmp(column, hierarchies[k].title) == 0) {
                columns->hierarchies[i] = hierarchies[k].name;
                known = true;
            }
        if (!known)
            code = err_set(err, E_INVALID, "unknown column \"%.80s\"", column);
    }
    if (!code && columns->name == SIZE_MAX)
        code = err_set(err, E_INVALID, "the file has no column \"name\"");
    if (code == E_INVALID)
        err_hint(err, "The columns are name, title and one a hierarchy: territory, format, "
                      "operator.");
    return code;
}

static void read_row(struct request *request, const struct import_cells *cells,
                     const struct columns *columns, size_t row, struct unit *unit) {
    struct unit_parent *parents =
        ARENA_ARRAY(request->arena, struct unit_parent, cells->n_columns + 1);
    const struct slice *cell = cells->rows[row];
    unit->name = arena_text(request->arena, utf8_trim(cell[columns->name]));
    if (columns->title != SIZE_MAX)
        unit->title = arena_text(request->arena, utf8_trim(cell[columns->title]));
    for (size_t i = 0; i < cells->n_columns; i++)
        if (columns->hierarchies[i])
            parents[unit->n_parents++] = (struct unit_parent){
                columns->hierarchies[i], arena_text(request->arena, utf8_trim(cell[i]))};
    unit->parents = parents;
}

static int import(struct request *request, struct response *response, struct err *err) {
    const char *type = request_header(request, "Content-Type");
    struct slice bytes = request->body, name = slice_of(request_query(request, "name"));
    struct import_cells cells;
    struct columns columns;
    int code = type && strncasecmp(type, "multipart/form-data", 19) == 0
                   ? request_upload(request, "file", &bytes, &name, err)
                   : 0;
    struct import_file file = {
        .bytes = bytes,
        .name = name.n ? arena_text(request->arena, name) : "units.csv",
    };
    if (!code)
        code = import_cells(&file, IMPORT_ROWS_MAX, request->arena, &cells, err);
    if (!code)
        code = find_columns(request, &cells, &columns, err);
    if (code)
        return code;
    struct unit *units = ARENA_ARRAY(request->arena, struct unit, cells.n + 1);
    for (size_t i = 0; i < cells.n; i++)
        read_row(request, &cells, &columns, i, &units[i]);
    code = unit_put_all(app_accounts(request->app), &request->principal, units, cells.n, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:I}", "units", (json_int_t)cells.n);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- hierarchies ---- */

static int list_hierarchies(struct request *request, struct response *response, struct err *err) {
    struct hierarchy *hierarchies;
    size_t n;
    int code = hierarchy_list(app_accounts(request->app), request->arena, &hierarchies, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s}", "name", hierarchies[i].name, "title",
                                              hierarchies[i].title));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int put_hierarchy(struct request *request, struct response *response, struct err *err) {
    struct hierarchy hierarchy = {.name = request->params[0]};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "title", "", LIMIT_NAME_BYTES, &hierarchy.title, err);
    if (!code)
        code = hierarchy_put(app_accounts(request->app), &request->principal, &hierarchy, err);
    if (!code) {
        json_t *json = json_pack("{s:s, s:s}", "name", hierarchy.name, "title", hierarchy.title);
        response_json(response, 200, json);
        json_decref(json);
    }
    json_decref(body);
    return code;
}

static int drop_hierarchy(struct request *request, struct response *response, struct err *err) {
    response->status = 204;
    return hierarchy_remove(app_accounts(request->app), &request->principal, request->params[0],
                            err);
}

#define UNIT "{\"$ref\":\"#/components/schemas/Unit\"}"
static const struct route routes[] = {
    {METHOD_GET, "/api/v1/units", ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "All units that the asker may see"},
    {METHOD_POST, "/api/v1/units", ACCESS_API, SCOPE_MANAGE, .handle = add,
     .summary = "Makes or changes a unit", .request_schema = UNIT, .response_schema = UNIT},
    {METHOD_PUT, "/api/v1/units/{name}", ACCESS_API, SCOPE_MANAGE, .handle = change,
     .summary = "Makes or changes a unit; hierarchies not named stay", .request_schema = UNIT,
     .response_schema = UNIT},
    {METHOD_DELETE, "/api/v1/units/{name}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a unit without units below; its interactions keep its name"},
    {METHOD_POST, "/api/v1/units/import", ACCESS_API, SCOPE_MANAGE, .handle = import,
     .body_limit = IMPORT_MAX_BYTES,
     .summary = "Units from a .csv or .xlsx (multipart field \"file\" or the body): columns name, "
                "title and one a hierarchy; all or none"},
    {METHOD_GET, "/api/v1/hierarchies", ACCESS_API, SCOPE_QUERY, .handle = list_hierarchies,
     .summary = "The ways to order units, in order"},
    {METHOD_PUT, "/api/v1/hierarchies/{name}", ACCESS_API, SCOPE_MANAGE, .handle = put_hierarchy,
     .summary = "Makes or names a hierarchy: {\"title\"}"},
    {METHOD_DELETE, "/api/v1/hierarchies/{name}", ACCESS_API, SCOPE_MANAGE,
     .handle = drop_hierarchy, .summary = "Removes a hierarchy by which no unit is ordered"},
};
const struct route_table api_unit_routes = ROUTE_TABLE(routes);
