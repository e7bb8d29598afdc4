/*
 * Maps. See import_map.h; the shape of the JSON is in the interface document and in docs/formats.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_map.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/import_answers.h"
#include "collect/import_reviews.h"

enum { NAMES_SHOWN = 12, NUMBERED_BYTES = 60 };

/* Where a part comes from: a column by name, a text for all rows, or (customers) the row's number after a text; none: it is
 * not there. */
struct place {
    struct slice name, constant, numbered; /* numbered.p NULL: not by the row's number */
    int column;                            /* after bind; -1: none */
};

struct kept_column {
    struct slice name; /* of the property */
    int column;
    enum cell_type type;
};

struct import_map {
    struct arena arena;
    enum map_kind kind;
    struct place parts[MAP_PARTS];
    struct slice survey;           /* responses: its name */
    struct place survey_of_row;    /* or the column that has it */
    bool anonymous;                /* responses: respondents are known within their survey only */
    struct answer_columns answers; /* responses */
    struct review_columns review;  /* reviews */
    char *time_format, *encoding, *sheet;
    char delimiter, decimal;
    bool bare;         /* no header */
    uint64_t header;   /* the row of the header; 0: the first */
    struct zone *zone; /* the map's own */
    const struct zone *bound_zone;
    bool all;             /* properties: "*" */
    struct slice *wanted; /* else names */
    size_t n_wanted;
    struct slice *wanted_traits; /* responses */
    size_t n_wanted_traits;
    struct type_of {
        struct slice folded;
        enum cell_type type;
        bool used;
    } * types;
    size_t n_types;
    struct kept_column *kept; /* after bind */
    size_t n_kept, n_columns;
    struct kept_column *kept_traits;
    size_t n_kept_traits;
};

static const struct {
    const char *member;
    size_t max;
} parts[MAP_PARTS] = {
#define X(name, member, max) {member, max},
    MAP_TABLE(X)
#undef X
};

/* ---- reading the JSON ---- */

static struct slice text_of(struct import_map *map, const json_t *json) {
    return arena_copy(&map->arena,
                      (struct slice){json_string_value(json), json_string_length(json)});
}

static int read_place(struct import_map *map, const json_t *json, enum map_part part,
                      struct err *err) {
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/%s", parts[part].member);
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
                      "%s must be the name of a column or {\"const\": text}", parts[part].member);
    place->constant = text_of(map, constant);
    if (place->constant.n > parts[part].max)
        return err_at(err, E_INVALID, pointer, "%s is longer than %zu bytes", parts[part].member,
                      parts[part].max);
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
        if (strcmp(name, parts[i].member) == 0 && (i != MAP_WEIGHT || map->kind == MAP_RESPONSES))
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

/* ---- columns ---- */

/* The header's names without case, and which are taken by a part of the event. */
struct header {
    const struct table_row *row;
    struct slice *names, *folded;
    bool *taken;
    size_t n;
};

static void read_header(struct import_map *map, const struct table_row *row,
                        struct header *header) {
    header->row = row;
    header->n = row->n;
    header->names = ARENA_ARRAY(&map->arena, struct slice, row->n);
    header->folded = ARENA_ARRAY(&map->arena, struct slice, row->n);
    header->taken = ARENA_ARRAY(&map->arena, bool, row->n);
    for (size_t i = 0; i < row->n; i++) {
        struct slice name = utf8_trim(row->cells[i]);
        char *text = arena_text(&map->arena, name);
        for (size_t c = 0; c < name.n; c++)
            if ((unsigned char)text[c] < 0x20) /* a heading of two lines */
                text[c] = ' ';
        header->names[i] = (struct slice){text, name.n};
        header->folded[i] = utf8_fold(header->names[i], &map->arena);
    }
}

static int find_column(struct import_map *map, const struct header *header, struct slice name) {
    struct slice folded = utf8_fold(utf8_trim(name), &map->arena);
    for (size_t i = 0; i < header->n; i++)
        if (slice_equal(header->folded[i], folded))
            return (int)i;
    return -1;
}

static int no_column(const struct header *header, const char *member, struct slice name,
                     struct err *err) {
    char pointer[64], shown[160] = "";
    snprintf(pointer, sizeof pointer, "/%s", member);
    size_t n = 0;
    for (size_t i = 0; i < header->n && i < NAMES_SHOWN && n < sizeof shown - 1; i++)
        n += (size_t)snprintf(shown + n, sizeof shown - n, "%s%.*s", i ? ", " : "",
                              SLICE_ARGS(header->names[i]));
    err_at(err, E_INVALID, pointer, "the file has no column \"%.*s\"",
           SLICE_ARGS(utf8_cut(name, 100)));
    struct slice cut = utf8_cut(slice_of(shown), sizeof shown - 8);
    return header->n > NAMES_SHOWN ? err_hint(err, "Its columns are: %.*s, …", SLICE_ARGS(cut))
                                   : err_hint(err, "Its columns are: %.*s.", SLICE_ARGS(cut));
}

static int bind_parts(struct import_map *map, struct header *header, struct err *err) {
    for (unsigned i = 0; i < MAP_PARTS; i++) {
        struct place *place = &map->parts[i];
        place->column = -1;
        if (!place->name.n)
            continue;
        place->column = find_column(map, header, place->name);
        if (place->column < 0)
            return no_column(header, parts[i].member, place->name, err);
        header->taken[place->column] = true;
    }
    return 0;
}

static enum cell_type type_for(struct import_map *map, struct slice folded) {
    for (size_t i = 0; i < map->n_types; i++)
        if (slice_equal(map->types[i].folded, folded)) {
            map->types[i].used = true;
            return map->types[i].type;
        }
    return CELL_ANY;
}

/* A second column of the same name becomes "name 2". */
static struct slice unique_name(struct import_map *map, struct slice name) {
    struct slice unique = name;
    for (int nth = 2;; nth++) {
        bool there = false;
        for (size_t i = 0; i < map->n_kept && !there; i++)
            there = slice_equal(map->kept[i].name, unique);
        if (!there)
            return unique;
        unique = slice_of(arena_format(&map->arena, "%.*s %d", SLICE_ARGS(name), nth));
    }
}

/* The column of this name, if one is said. */
static int bind_named(struct import_map *map, struct header *header, struct slice name,
                      const char *member, int *column, struct err *err) {
    *column = name.n ? find_column(map, header, name) : -1;
    if (name.n && *column < 0)
        return no_column(header, member, name, err);
    if (name.n)
        header->taken[*column] = true;
    return 0;
}

struct naming {
    struct import_map *map;
    struct header *header;
};

static int find_named(void *of, struct slice name, const char *member, int *column,
                      struct err *err) {
    const struct naming *naming = of;
    return bind_named(naming->map, naming->header, name, member, column, err);
}

static int bind_responses(struct import_map *map, struct header *header, struct err *err) {
    int code = bind_named(map, header, map->survey_of_row.name, "survey/column",
                          &map->survey_of_row.column, err);
    struct naming naming = {map, header};
    if (!code)
        code = answer_columns_bind(&map->answers, find_named, &naming, err);
    if (code)
        return code;
    map->kept_traits = ARENA_ARRAY(&map->arena, struct kept_column, map->n_wanted_traits + 1);
    map->n_kept_traits = 0;
    for (size_t i = 0; i < map->n_wanted_traits; i++) {
        int column = find_column(map, header, map->wanted_traits[i]);
        if (column < 0)
            return no_column(header, "traits", map->wanted_traits[i], err);
        map->kept_traits[map->n_kept_traits++] = (struct kept_column){
            header->names[column], column, type_for(map, header->folded[column])};
        header->taken[column] = true;
    }
    return 0;
}

static int bind_review(struct import_map *map, struct header *header, struct err *err) {
    for (size_t i = 0; i < REVIEW_PARTS; i++) {
        struct review_column *column = &map->review.columns[i];
        column->column = column->name.n ? find_column(map, header, column->name) : -1;
        if (column->column < 0 && column->name.n)
            return no_column(header, review_part_member(i), column->name, err);
        if (column->column >= 0)
            header->taken[column->column] = true;
    }
    return 0;
}

static void keep_column(struct import_map *map, const struct header *header, size_t column) {
    struct slice name = unique_name(map, header->names[column]);
    if (name.n > 8 && memcmp(name.p, "context.", 8) == 0)
        name = slice_of(arena_format(&map->arena, "properties.%.*s", SLICE_ARGS(name)));
    map->kept[map->n_kept++] =
        (struct kept_column){name, (int)column, type_for(map, header->folded[column])};
}

static int check_names(const struct import_map *map, struct err *err) {
    if (map->n_kept > LIMIT_EVENT_PROPERTIES)
        return err_at(err, E_INVALID, "/properties", "more than %d properties",
                      LIMIT_EVENT_PROPERTIES);
    for (size_t i = 0; i < map->n_kept; i++) {
        struct slice name = map->kept[i].name;
        if (name.n > LIMIT_NAME_BYTES)
            return err_at(err, E_INVALID, "/properties", "the name of column %d is too long",
                          map->kept[i].column + 1);
        if (!utf8_valid(name))
            return err_at(err, E_INVALID, "/encoding", "the name of column %d is not valid UTF-8",
                          map->kept[i].column + 1);
    }
    return 0;
}

static int bind_properties(struct import_map *map, const struct header *header, struct err *err) {
    map->kept = ARENA_ARRAY(&map->arena, struct kept_column, header->n + map->n_wanted + 1);
    map->n_kept = 0;
    if (map->all)
        for (size_t i = 0; i < header->n; i++)
            if (!header->taken[i] && header->names[i].n)
                keep_column(map, header, i);
    for (size_t i = 0; i < map->n_wanted; i++) {
        int column = find_column(map, header, map->wanted[i]);
        if (column < 0)
            return no_column(header, map->kind == MAP_CUSTOMERS ? "traits" : "properties",
                             map->wanted[i], err);
        keep_column(map, header, (size_t)column);
    }
    for (size_t i = 0; i < map->n_types; i++)
        if (!map->types[i].used && find_column(map, header, map->types[i].folded) < 0)
            return no_column(header, "types", map->types[i].folded, err);
    return check_names(map, err);
}

int import_map_bind(struct import_map *map, const struct table_row *header_row,
                    const struct zone *zone, struct err *err) {
    struct header header;
    map->bound_zone = map->zone ? map->zone : zone;
    map->n_columns = header_row->n;
    read_header(map, header_row, &header);
    int code = bind_parts(map, &header, err);
    if (!code)
        code = bind_responses(map, &header, err);
    if (!code && map->kind == MAP_REVIEWS)
        code = bind_review(map, &header, err);
    return code ? code : bind_properties(map, &header, err);
}

/* ---- rows ---- */

__attribute__((format(printf, 3, 4))) static enum refusal
refuse(char *message, enum refusal refusal, const char *format, ...) {
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is */
    vsnprintf(message, EVENT_MESSAGE_BYTES, format, args);
    va_end(args);
    return refusal;
}

static struct slice cell_of(const struct table_row *row, int column) {
    return column >= 0 && (size_t)column < row->n ? row->cells[column] : (struct slice){"", 0};
}

/* The text of a part; absent if its cell is empty. */
static enum refusal take_part(const struct import_map *map, const struct table_row *row,
                              enum map_part part, struct slice *text, char *message) {
    const struct place *place = &map->parts[part];
    *text = place->column >= 0 ? utf8_trim(cell_of(row, place->column)) : place->constant;
    if (!text->n)
        *text = (struct slice){NULL, 0};
    if (text->n > parts[part].max)
        return refuse(message, part == MAP_TIME ? REFUSAL_BAD_TIME : REFUSAL_TOO_LONG,
                      "%s is longer than %zu bytes", parts[part].member, parts[part].max);
    if (import_has_control(*text))
        return refuse(message, REFUSAL_CONTROL_CHARACTER, "control character in %s",
                      parts[part].member);
    return REFUSAL_NONE;
}

static bool is_date(const struct table_row *row, int column) {
    return column >= 0 && row->dates && (size_t)column < row->n && row->dates[column];
}

/* The text of the time, and the format that reads it. */
static enum refusal take_time_text(const struct import_map *map, const struct table_row *row,
                                   struct arena *arena, struct slice *text, const char **format,
                                   char *message) {
    int column = map->parts[MAP_TIME].column, clock_column = map->parts[MAP_CLOCK].column;
    struct slice clock;
    enum refusal refusal = take_part(map, row, MAP_TIME, text, message);
    if (!refusal)
        refusal = take_part(map, row, MAP_CLOCK, &clock, message);
    if (refusal || !text->n)
        return refusal;
    bool date = is_date(row, column);
    *format = map->time_format && !date && column >= 0 ? map->time_format : "rfc3339";
    if (clock_column < 0)
        return REFUSAL_NONE;
    if (!clock.n && !date)
        *format = import_date_format(*format, arena);
    *text = import_join_clock(*text, date, clock, is_date(row, clock_column), arena);
    return REFUSAL_NONE;
}

static enum refusal take_time(const struct import_map *map, const struct table_row *row,
                              struct arena *arena, struct event *event, char *message) {
    struct slice text;
    const char *format = "rfc3339";
    enum refusal refusal = take_time_text(map, row, arena, &text, &format, message);
    if (refusal)
        return refusal;
    if (!text.n)
        return map->kind == MAP_CUSTOMERS
                   ? REFUSAL_NONE
                   : refuse(message, REFUSAL_BAD_TIME, "the row has no time");
    if (time_parse_format(text, format, map->bound_zone, &event->stated_ms))
        return refuse(message, REFUSAL_BAD_TIME, "not a time of the format %.40s: %.*s", format,
                      SLICE_ARGS(utf8_cut(text, 60)));
    if (event->stated_ms < TIME_MIN_MS || event->stated_ms >= TIME_MAX_MS)
        return refuse(message, REFUSAL_TIME_OUT_OF_RANGE, "time outside 1970-2105: %.*s",
                      SLICE_ARGS(utf8_cut(text, 60)));
    event->time_ms = event->stated_ms;
    event->has_time = true;
    return REFUSAL_NONE;
}

/* Cells of kept columns as properties or traits, at `property`; returns how many through *n. */
static enum refusal take_columns(const struct import_map *map, const struct table_row *row,
                                 const struct kept_column *columns, size_t n_columns,
                                 struct event_property *property, size_t *n, char *message) {
    struct event_property *first = property;
    for (size_t i = 0; i < n_columns; i++) {
        const struct kept_column *kept = &columns[i];
        struct slice cell = cell_of(row, kept->column);
        if (!cell.n)
            continue;
        if (!import_cell_value(cell, kept->type, map->decimal, &property->value))
            return refuse(message, REFUSAL_BAD_FIELD, "%.*s is no %s: %.*s",
                          SLICE_ARGS(utf8_cut(kept->name, 40)),
                          kept->type == CELL_NUMBER ? ERR_WORDS("number")
                                                    : ERR_WORDS("truth value"),
                          SLICE_ARGS(utf8_cut(cell, 40)));
        if (property->value.type == VALUE_ABSENT)
            continue;
        property->name = kept->name;
        property++;
    }
    *n = (size_t)(property - first);
    return REFUSAL_NONE;
}

enum { OWN_PROPERTIES = REVIEW_PARTS + 4 }; /* of a response survey, weight, answers; of a review */

static enum refusal take_properties(const struct import_map *map, const struct table_row *row,
                                    struct arena *arena, struct event *event, char *message) {
    struct event_property *properties =
        arena_get(arena, (map->n_kept + OWN_PROPERTIES) * sizeof *properties);
    event->properties = properties;
    return take_columns(map, row, map->kept, map->n_kept, properties, &event->n_properties,
                        message);
}

/* ---- responses ---- */

static void add_property(struct event *event, struct slice name, struct value value) {
    event->properties[event->n_properties++] = (struct event_property){name, value};
}

/* Who answered: the respondent as a customer's userId; where respondents are anonymous, or this one is not said, somebody
 * who is known by this survey alone. */
static enum refusal take_respondent(const struct import_map *map, const struct table_row *row,
                                    struct slice survey, struct arena *arena, struct event *event,
                                    char *message) {
    struct slice id = event->user_id;
    if (id.n && !map->anonymous)
        return REFUSAL_NONE;
    event->user_id = (struct slice){NULL, 0};
    event->anonymous_id =
        id.n ? slice_of(arena_format(arena, "%.*s/%.*s", SLICE_ARGS(survey), SLICE_ARGS(id)))
             : slice_of(arena_format(arena, "%.*s/#%016llx", SLICE_ARGS(survey),
                                     (unsigned long long)hash_bytes(row->raw.p, row->raw.n)));
    return event->anonymous_id.n <= LIMIT_ID_BYTES
               ? REFUSAL_NONE
               : refuse(message, REFUSAL_TOO_LONG, "survey and respondent are longer than %d bytes",
                        LIMIT_ID_BYTES);
}

static enum refusal take_response(const struct import_map *map, const struct table_row *row,
                                  struct arena *arena, struct event *event, char *message) {
    struct slice weight, answers = answer_columns_row(&map->answers, row, map->decimal, arena);
    struct value value;
    struct slice survey =
        map->survey.n ? map->survey : utf8_trim(cell_of(row, map->survey_of_row.column));
    if (!survey.n || import_has_control(survey))
        return refuse(message, REFUSAL_BAD_FIELD, "the row names no survey");
    enum refusal refusal = take_respondent(map, row, survey, arena, event, message);
    if (refusal || (refusal = take_part(map, row, MAP_WEIGHT, &weight, message)))
        return refusal;
    if (!answers.p)
        return refuse(message, REFUSAL_BAD_FIELD, "the row has no answer");
    event->name = SLICE_LITERAL("Survey Responded");
    add_property(event, SLICE_LITERAL("survey"),
                 (struct value){.type = VALUE_TEXT, .text = survey});
    if (weight.n && !import_cell_value(weight, CELL_NUMBER, map->decimal, &value))
        return refuse(message, REFUSAL_BAD_FIELD, "the weight is no number: %.*s",
                      SLICE_ARGS(utf8_cut(weight, 40)));
    if (weight.n)
        add_property(event, SLICE_LITERAL("weight"), value);
    add_property(event, SLICE_LITERAL("answers"),
                 (struct value){.type = VALUE_JSON, .text = answers});
    struct event_property *traits = arena_get(arena, (map->n_kept_traits + 1) * sizeof *traits);
    event->traits = traits;
    return take_columns(map, row, map->kept_traits, map->n_kept_traits, traits, &event->n_traits,
                        message);
}

bool import_map_gathers(const struct import_map *map) { return map->answers.response.n > 0; }

bool import_map_response(const struct import_map *map, const struct table_row *row,
                         const struct hash_key *hash, struct key128 *key) {
    struct slice cells[] = {cell_of(row, map->answers.response_column),
                            cell_of(row, map->parts[MAP_TIME].column),
                            cell_of(row, map->survey_of_row.column)};
    if (!cells[0].n || row->wrong)
        return false;
    *key = hash_keyed(hash, cells, sizeof cells / sizeof *cells);
    return true;
}

/* ---- reviews ---- */

/* Who is not said is somebody who is known by this row alone. */
static enum refusal take_review(const struct import_map *map, const struct table_row *row,
                                struct arena *arena, struct event *event, char *message) {
    if (!event->user_id.n) {
        event->user_id = (struct slice){NULL, 0};
        event->anonymous_id = slice_of(arena_format(
            arena, "review/#%016llx", (unsigned long long)hash_bytes(row->raw.p, row->raw.n)));
    }
    event->name = SLICE_LITERAL("Product Reviewed");
    if (!event->channel.n)
        event->channel = SLICE_LITERAL("review");
    struct review_row_reading reading = {.columns = &map->review,
                                         .row = row,
                                         .decimal = map->decimal,
                                         .time_format = map->time_format,
                                         .zone = map->bound_zone};
    return review_columns_row(&reading, arena, event, message);
}

/* Cells beyond the header may only be empty. */
static enum refusal check_row(const struct import_map *map, const struct table_row *row,
                              char *message) {
    if (row->wrong)
        return refuse(message, REFUSAL_MALFORMED, "%s", row->wrong);
    if (row->raw.n > LIMIT_EVENT_BYTES)
        return refuse(message, REFUSAL_TOO_LARGE, "the row is over 32 KB");
    if (!utf8_valid(row->raw))
        return refuse(message, REFUSAL_NOT_UTF8, "the row is not valid UTF-8");
    if (memchr(row->raw.p, 0, row->raw.n))
        return refuse(message, REFUSAL_CONTROL_CHARACTER, "the character U+0000");
    for (size_t i = map->n_columns; i < row->n; i++)
        if (row->cells[i].n)
            return refuse(message, REFUSAL_MALFORMED, "%zu cells, but the file has %zu columns",
                          row->n, map->n_columns);
    return REFUSAL_NONE;
}

enum refusal import_map_row(const struct import_map *map, const struct table_row *row,
                            struct arena *arena, int64_t received_ms, struct event *event,
                            char *message) {
    enum refusal refusal = check_row(map, row, message);
    *event = (struct event){.type = map->kind == MAP_CUSTOMERS ? EVENT_IDENTIFY : EVENT_TRACK,
                            .time_ms = received_ms,
                            .raw = row->raw};
    if (refusal)
        return refusal;
    if ((refusal = take_part(map, row, MAP_CUSTOMER, &event->user_id, message)))
        return refusal;
    if (map->parts[MAP_CUSTOMER].numbered.p)
        event->user_id =
            slice_of(arena_format(arena, "%.*s%llu", SLICE_ARGS(map->parts[MAP_CUSTOMER].numbered),
                                  (unsigned long long)row->number));
    if (!event->user_id.n && map->kind != MAP_RESPONSES && map->kind != MAP_REVIEWS)
        return refuse(message, REFUSAL_NO_IDENTITY, "the row has no customer");
    if (map->kind == MAP_INTERACTIONS) {
        if ((refusal = take_part(map, row, MAP_EVENT, &event->name, message)))
            return refusal;
        if (!event->name.n)
            return refuse(message, REFUSAL_NO_NAME, "the row has no event");
    }
    if ((refusal = take_time(map, row, arena, event, message)) ||
        (refusal = take_part(map, row, MAP_CHANNEL, &event->channel, message)) ||
        (refusal = take_part(map, row, MAP_TOUCHPOINT, &event->touchpoint, message)) ||
        (refusal = take_part(map, row, MAP_UNIT, &event->unit, message)) ||
        (refusal = take_part(map, row, MAP_MESSAGE_ID, &event->message_id, message)))
        return refusal;
    refusal = take_properties(map, row, arena, event, message);
    if (!refusal && map->kind == MAP_REVIEWS)
        return take_review(map, row, arena, event, message);
    return refusal || map->kind != MAP_RESPONSES ? refusal
                                                 : take_response(map, row, arena, event, message);
}
