/*
 * Maps: a row of a file as an event: an interaction, a customer, a response, a review.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_map_internal.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"

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
    if (text->n > map_members[part].max)
        return refuse(message, part == MAP_TIME ? REFUSAL_BAD_TIME : REFUSAL_TOO_LONG,
                      "%s is longer than %zu bytes", map_members[part].member,
                      map_members[part].max);
    if (import_has_control(*text))
        return refuse(message, REFUSAL_CONTROL_CHARACTER, "control character in %s",
                      map_members[part].member);
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
