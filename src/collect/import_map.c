/*
 * Maps: reading their JSON. See import_map.h; docs/imports.md has the members.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_map_internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/utf8.h"

enum { NUMBERED_BYTES = 60 };

const struct map_member map_members[MAP_PARTS] = {
#define X(name, member, max) {member, max},
    MAP_TABLE(X)
#undef X
};

static struct slice text_of(struct import_map *map, const json_t *json) {
    return arena_copy(&map->arena,
                      (struct slice){json_string_value(json), json_string_length(json)});
}

static int read_place(struct import_map *map, const json_t *json, enum map_part part,
                      struct err *err) {
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/%s", map_members[part].member);
    struct place *place = &map->parts[part];
    if (json_is_string(json)) {
        place->name = text_of(map, json);
        return 0;
    }
    const json_t *constant = json_object_get(json, "const"), *row = json_object_get(json, "row");
    if (part == MAP_CUSTOMER && json_is_string(row) && json_string_length(row) &&
        json_string_length(row) <= NUMBERED_BYTES && json_object_size(json) == 1) {
        place->numbered = text_of(map, row);
        return 0;
    }
    if (!json_is_string(constant) || json_object_size(json) != 1)
        return err_at(err, E_INVALID, pointer,
                      "%s must be the name of a column or {\"const\": text}",
                      map_members[part].member);
    place->constant = text_of(map, constant);
    if (place->constant.n > map_members[part].max)
        return err_at(err, E_INVALID, pointer, "%s is longer than %zu bytes",
                      map_members[part].member, map_members[part].max);
    return 0;
}

/* A list of columns, or "*" where all is not NULL. */
static int read_names(struct import_map *map, const json_t *json, const char *member, bool *all,
                      struct slice **names, size_t *n_names, struct err *err) {
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/%s", member);
    if (all && json_is_string(json) && strcmp(json_string_value(json), "*") == 0) {
        *all = true;
        return 0;
    }
    if (!json_is_array(json))
        return err_at(err, E_INVALID, pointer, "%s must be an array of columns or \"*\"", member);
    size_t n = json_array_size(json);
    if (n > LIMIT_EVENT_PROPERTIES)
        return err_at(err, E_INVALID, pointer, "more than %d %s", LIMIT_EVENT_PROPERTIES, member);
    *names = ARENA_ARRAY(&map->arena, struct slice, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *name = json_array_get(json, i);
        if (!json_is_string(name))
            return err_at(err, E_INVALID, pointer, "%s must be an array of columns or \"*\"",
                          member);
        (*names)[(*n_names)++] = text_of(map, name);
    }
    return 0;
}

static int read_types(struct import_map *map, json_t *json, struct err *err) {
    static const char *const names[] = {
        [CELL_STRING] = "string", [CELL_NUMBER] = "number", [CELL_BOOLEAN] = "boolean"};
    const char *name;
    json_t *type;
    if (!json_is_object(json))
        return err_at(err, E_INVALID, "/types", "types must be an object of columns");
    map->types = ARENA_ARRAY(&map->arena, struct type_of, json_object_size(json));
    json_object_foreach(json, name, type) {
        struct type_of *slot = &map->types[map->n_types++];
        slot->folded = utf8_fold(utf8_trim(slice_of(name)), &map->arena);
        for (unsigned i = CELL_STRING; i <= CELL_BOOLEAN; i++)
            if (json_is_string(type) && strcmp(json_string_value(type), names[i]) == 0)
                slot->type = (enum cell_type)i;
        if (slot->type == CELL_ANY)
            return err_at(err, E_INVALID, "/types",
                          "the type of \"%.60s\" must be string, number or boolean", name);
    }
    return 0;
}

static int read_text(struct import_map *map, const json_t *json, const char *pointer, char **text,
                     struct err *err) {
    if (!json_is_string(json) || !json_string_length(json))
        return err_at(err, E_INVALID, pointer, "%s must be text", pointer + 1);
    *text = arena_text(&map->arena, slice_of(json_string_value(json)));
    return 0;
}

static int read_zone(struct import_map *map, const json_t *json, struct err *err) {
    if (!json_is_string(json) || zone_open(&map->zone, json_string_value(json), NULL))
        return err_at(err, E_INVALID, "/timezone", "unknown time zone %s",
                      json_is_string(json) ? json_string_value(json) : "");
    return 0;
}

static int read_column_name(struct import_map *map, const json_t *json, const char *pointer,
                            struct slice *name, struct err *err) {
    char *text = NULL;
    int code = read_text(map, json, pointer, &text, err);
    *name = slice_of(text);
    return code;
}

/* Members that only a map of responses has; E_NOT_FOUND: it is none of them. */
static int read_response_member(struct import_map *map, const char *name, json_t *json,
                                struct err *err) {
    char *survey = NULL;
    if (strcmp(name, "respondent") == 0)
        return read_place(map, json, MAP_CUSTOMER, err);
    if (strcmp(name, "traits") == 0)
        return read_names(map, json, name, NULL, &map->wanted_traits, &map->n_wanted_traits, err);
    if (strcmp(name, "answers") == 0)
        return answer_columns_parse(&map->answers, json, &map->arena, err);
    if (strcmp(name, "anonymous") == 0) {
        map->anonymous = json_is_true(json);
        return json_is_boolean(json)
                   ? 0
                   : err_at(err, E_INVALID, "/anonymous", "anonymous must be true or false");
    }
    if (strcmp(name, "scales") == 0)
        return read_column_name(map, json, "/scales", &map->answers.scales, err);
    if (strcmp(name, "response") == 0)
        return read_column_name(map, json, "/response", &map->answers.response, err);
    if (strcmp(name, "survey") != 0)
        return E_NOT_FOUND;
    if (json_is_object(json))
        return read_column_name(map, json_object_get(json, "column"), "/survey/column",
                                &map->survey_of_row.name, err);
    int code = read_text(map, json, "/survey", &survey, err);
    map->survey = slice_of(survey);
    return code;
}

static int read_member(struct import_map *map, const char *name, json_t *json, struct err *err) {
    int code = map->kind == MAP_RESPONSES ? read_response_member(map, name, json, err)
               : map->kind == MAP_REVIEWS
                   ? review_columns_member(&map->review, name, json, &map->arena, err)
                   : E_NOT_FOUND;
    if (code != E_NOT_FOUND)
        return code;
    for (unsigned i = 0; i < MAP_PARTS; i++)
        if (strcmp(name, map_members[i].member) == 0 &&
            (i != MAP_WEIGHT || map->kind == MAP_RESPONSES))
            return read_place(map, json, (enum map_part)i, err);
    if (strcmp(name, "properties") == 0 ||
        (map->kind == MAP_CUSTOMERS && strcmp(name, "traits") == 0))
        return read_names(map, json, name, &map->all, &map->wanted, &map->n_wanted, err);
    if (strcmp(name, "types") == 0)
        return read_types(map, json, err);
    if (strcmp(name, "time_format") == 0)
        return read_text(map, json, "/time_format", &map->time_format, err);
    if (strcmp(name, "encoding") == 0)
        return read_text(map, json, "/encoding", &map->encoding, err);
    if (strcmp(name, "sheet") == 0)
        return read_text(map, json, "/sheet", &map->sheet, err);
    if (strcmp(name, "timezone") == 0)
        return read_zone(map, json, err);
    if (strcmp(name, "delimiter") == 0)
        return import_char(json, "/delimiter", &map->delimiter, err);
    if (strcmp(name, "header") == 0)
        return import_header_row(json, &map->bare, &map->header, err);
    if (strcmp(name, "decimal") == 0) {
        code = import_char(json, "/decimal", &map->decimal, err);
        if (!code && map->decimal != ',' && map->decimal != '.')
            code = err_at(err, E_INVALID, "/decimal", "decimal must be \",\" or \".\"");
        return code;
    }
    char pointer[80];
    snprintf(pointer, sizeof pointer, "/%.70s", name);
    return err_at(err, E_INVALID, pointer, "a map has no member \"%.60s\"", name);
}

static bool is_said(const struct place *place) {
    return place->name.n || place->constant.n || place->numbered.n;
}

static int check_responses(const struct import_map *map, struct err *err) {
    if (!map->survey.n && !map->survey_of_row.name.n)
        return err_at(err, E_INVALID, "/survey", "the map does not name the survey");
    if (!map->answers.n)
        return err_at(err, E_INVALID, "/answers", "the map names no column with answers");
    if (is_said(&map->parts[MAP_EVENT]))
        return err_at(err, E_INVALID, "/event", "a response has no event of its own");
    if (!is_said(&map->parts[MAP_TIME]))
        return err_at(err, E_INVALID, "/time", "the map names no column of the time");
    return 0;
}

static int check_reviews(const struct import_map *map, struct err *err) {
    if (is_said(&map->parts[MAP_EVENT]))
        return err_at(err, E_INVALID, "/event", "a review has no event of its own");
    if (!is_said(&map->parts[MAP_TIME]))
        return err_at(err, E_INVALID, "/time", "the map names no column of the time");
    return review_columns_check(&map->review, err);
}

static int check_whole(const struct import_map *map, struct err *err) {
    if (map->kind == MAP_RESPONSES)
        return check_responses(map, err);
    if (map->kind == MAP_REVIEWS)
        return check_reviews(map, err);
    if (!is_said(&map->parts[MAP_CUSTOMER]))
        return err_at(err, E_INVALID, "/customer", "the map names no column of the customer");
    if (map->kind == MAP_CUSTOMERS)
        return is_said(&map->parts[MAP_EVENT])
                   ? err_at(err, E_INVALID, "/event", "a row of customers has no event")
                   : 0;
    if (map->parts[MAP_CLOCK].constant.n)
        return err_at(err, E_INVALID, "/time_of_day", "time_of_day must be the name of a column");
    if (!is_said(&map->parts[MAP_TIME]))
        return err_at(err, E_INVALID, "/time", "the map names no column of the time");
    if (!is_said(&map->parts[MAP_EVENT]))
        return err_at(err, E_INVALID, "/event", "the map names no column of the event");
    return 0;
}

int import_map_parse(struct import_map **map, struct slice json, enum map_kind kind,
                     struct err *err) {
    json_error_t error;
    json_t *whole = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, &error),
           *member;
    if (!json_is_object(whole)) {
        json_decref(whole);
        return err_set(err, E_MALFORMED, "the map is not a JSON object: %.100s in line %d",
                       error.text, error.line);
    }
    struct import_map *parsed = calloc(1, sizeof *parsed);
    if (!parsed)
        abort();
    arena_init(&parsed->arena);
    parsed->kind = kind;
    const char *name;
    int code = 0;
    json_object_foreach(whole, name, member) if (!code && !json_is_null(member)) code =
        read_member(parsed, name, member, err);
    json_decref(whole);
    if (!code)
        code = check_whole(parsed, err);
    if (code) {
        import_map_free(parsed);
        return code;
    }
    *map = parsed;
    return 0;
}

void import_map_free(struct import_map *map) {
    if (!map)
        return;
    zone_close(map->zone);
    arena_release(&map->arena);
    free(map);
}

const char *import_map_encoding(const struct import_map *map) { return map->encoding; }
const char *import_map_sheet(const struct import_map *map) { return map->sheet; }
char import_map_delimiter(const struct import_map *map) { return map->delimiter; }
char import_map_decimal(const struct import_map *map) { return map->decimal; }
void import_map_set_decimal(struct import_map *map, char decimal) { map->decimal = decimal; }
bool import_map_has_time_format(const struct import_map *map) { return map->time_format; }

bool import_map_is_bare(const struct import_map *map) { return map && map->bare; }
uint64_t import_map_header(const struct import_map *map) { return map ? map->header : 0; }

void import_map_set_time_format(struct import_map *map, const char *format) {
    map->time_format = arena_text(&map->arena, slice_of(format));
}

int import_map_column(const struct import_map *map, enum map_part part) {
    return map->parts[part].column;
}
