/*
 * Maps: which column of a file is meant by which part of a map.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_map_internal.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/utf8.h"

enum { NAMES_SHOWN = 12 };

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
            return no_column(header, map_members[i].member, place->name, err);
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
