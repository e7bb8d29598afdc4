/*
 * The map of an import: which column means what, and how a row becomes an event. Private to collect/import_* and their
 * tests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_MAP_H
#define SENDA_COLLECT_IMPORT_MAP_H

#include <jansson.h>

#include "base/zone.h"
#include "collect/event.h"
#include "collect/import_table.h"

/* Parts of an event that a map names: X(name, member of the map, longest). CLOCK: the time of day, where the time's column
 * has only the date; time_format then reads "date clock". */
#define MAP_TABLE(X)                                                                               \
    X(CUSTOMER, "customer", LIMIT_ID_BYTES)                                                        \
    X(TIME, "time", 100)                                                                           \
    X(CLOCK, "time_of_day", 40)                                                                    \
    X(EVENT, "event", LIMIT_NAME_BYTES)                                                            \
    X(CHANNEL, "channel", LIMIT_NAME_BYTES)                                                        \
    X(TOUCHPOINT, "touchpoint", LIMIT_NAME_BYTES)                                                  \
    X(UNIT, "unit", LIMIT_NAME_BYTES)                                                              \
    X(MESSAGE_ID, "message_id", LIMIT_MESSAGE_ID_BYTES)                                            \
    X(WEIGHT, "weight", 40)

enum map_part {
#define X(name, member, max) MAP_##name,
    MAP_TABLE(X)
#undef X
        MAP_PARTS
};

enum cell_type { CELL_ANY, CELL_STRING, CELL_NUMBER, CELL_BOOLEAN };

struct import_map;

/* What a row is: an interaction; traits of a customer (traits in place of properties, no event); a response to a survey
 * (respondent in place of customer, survey and answers, traits and weight besides, no event); a review (import_reviews.h: no
 * event, the customer may be absent). */
enum map_kind { MAP_INTERACTIONS, MAP_CUSTOMERS, MAP_RESPONSES, MAP_REVIEWS };

/* Errors: E_MALFORMED no JSON, E_INVALID with the pointer of the member. */
must_use int import_map_parse(struct import_map **map, struct slice json, enum map_kind kind,
                              struct err *err);
void import_map_free(struct import_map *map);
/* What it says about the file: NULL or 0 where it says nothing. */
const char *import_map_encoding(const struct import_map *map);
const char *import_map_sheet(const struct import_map *map);
char import_map_delimiter(const struct import_map *map);
/* ',' or '.', or 0. */
char import_map_decimal(const struct import_map *map);
/* The first row is data already: columns are called A, B … Z, AA … */
bool import_map_is_bare(const struct import_map *map);
/* The row in which the names of the columns stand, as a spreadsheet counts; 0: the first. */
uint64_t import_map_header(const struct import_map *map);
enum { HEADER_ROW_MAX = 1000 };
/* What a map says of the header: false, there is none; true, the first row; a number, that row as a spreadsheet counts. E_INVALID with
 * the pointer. */
must_use int import_header_row(const json_t *json, bool *bare, uint64_t *row, struct err *err);
/* The names of n columns of a file without a header. */
void import_bare_header(size_t n, struct arena *arena, struct table_row *header);
/* The part of an instant of a spreadsheet ("2026-11-27T10:15:00") or of a text that a date and a time of day make up. */
struct slice import_join_clock(struct slice date, bool is_date, struct slice clock, bool is_clock,
                               struct arena *arena);
bool import_has_control(struct slice text);
/* The format of the date alone, where a row has no time of day. */
const char *import_date_format(const char *format, struct arena *arena);
void import_map_set_decimal(struct import_map *map, char decimal);
void import_map_set_time_format(struct import_map *map, const char *format);
bool import_map_has_time_format(const struct import_map *map);

/* Finds the columns by name, trimmed and without regard to case. E_INVALID names the column that is not there. zone: of
 * times without offset where the map names none. */
must_use int import_map_bind(struct import_map *map, const struct table_row *header,
                             const struct zone *zone, struct err *err);
/* The column of a part after bind, or -1. */
int import_map_column(const struct import_map *map, enum map_part part);
/* Several rows may be one response: an answer a row. */
bool import_map_gathers(const struct import_map *map);
/* What rows of one response have in common: its id, time and survey; false: the row stands alone. */
bool import_map_response(const struct import_map *map, const struct table_row *row,
                         const struct hash_key *hash, struct key128 *key);
/* A row (with its `more`) as an event: names are views of the map, texts of the row or the arena. message: EVENT_MESSAGE_BYTES. */
enum refusal import_map_row(const struct import_map *map, const struct table_row *row,
                            struct arena *arena, int64_t received_ms, struct event *event,
                            char *message);

/* A cell as a value: whole numbers within 53 bits and without leading zeros, decimals with the given sign, else text. An
 * empty cell is VALUE_ABSENT. False: it is not of the type that was said. */
bool import_cell_value(struct slice cell, enum cell_type type, char decimal, struct value *value);

/* One character of a map (delimiter, decimal sign). E_INVALID with the pointer. */
must_use int import_char(const json_t *json, const char *pointer, char *c, struct err *err);

#endif
