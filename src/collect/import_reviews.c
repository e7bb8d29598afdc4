/*
 * Reviews out of tables: see import_reviews.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_reviews.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json_out.h"
#include "base/time.h"
#include "base/utf8.h"

enum { WORDS_MAX = 16 };

static const char *const members[REVIEW_PARTS] = {
#define X(name, member, property) member,
    REVIEW_PART_TABLE(X)
#undef X
};
static const char *const properties[REVIEW_PARTS] = {
#define X(name, member, property) property,
    REVIEW_PART_TABLE(X)
#undef X
};

const char *review_part_member(size_t part) { return members[part]; }

/* ---- the map ---- */

static struct slice copy_of(const json_t *json, struct arena *arena) {
    return arena_copy(arena, (struct slice){json_string_value(json), json_string_length(json)});
}

static int read_scale(struct review_columns *columns, const json_t *json, struct err *err) {
    const json_t *low = json_array_get(json, 0), *high = json_array_get(json, 1);
    columns->scale_min = json_number_value(low);
    columns->scale_max = json_number_value(high);
    if (json_array_size(json) == 2 && json_is_number(low) && json_is_number(high) &&
        columns->scale_min < columns->scale_max)
        return 0;
    return err_at(err, E_INVALID, "/scale", "scale must be [lowest, highest]");
}

int review_columns_member(struct review_columns *columns, const char *name, const json_t *json,
                          struct arena *arena, struct err *err) {
    if (strcmp(name, "scale") == 0)
        return read_scale(columns, json, err);
    for (size_t i = 0; i < REVIEW_PARTS; i++) {
        struct review_column *column = &columns->columns[i];
        const json_t *constant = json_object_get(json, "const");
        char pointer[64];
        if (strcmp(name, members[i]) != 0)
            continue;
        snprintf(pointer, sizeof pointer, "/%s", name);
        if (json_is_string(json))
            column->name = copy_of(json, arena);
        else if (json_is_string(constant) && json_object_size(json) == 1)
            column->constant = copy_of(constant, arena);
        else
            return err_at(err, E_INVALID, pointer,
                          "%s must be the name of a column or {\"const\": text}", name);
        return 0;
    }
    return E_NOT_FOUND;
}

int review_columns_check(const struct review_columns *columns, struct err *err) {
    const struct review_column *rating = &columns->columns[REVIEW_PART_RATING];
    return rating->name.n
               ? 0
               : err_at(err, E_INVALID, "/rating", "the map names no column of the rating");
}

/* ---- a row ---- */

__attribute__((format(printf, 3, 4))) static enum refusal
refuse(char *message, enum refusal refusal, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(message, EVENT_MESSAGE_BYTES, format,
              args); /* NOLINT(clang-analyzer-valist.Uninitialized): it is */
    va_end(args);
    return refusal;
}

static void add(struct event *event, const char *name, struct value value) {
    /* The room behind is the caller's. */
    struct event_property *list = event->properties;
    list[event->n_properties++] = (struct event_property){slice_of(name), value};
}

static struct slice cell_of(const struct review_row_reading *reading, size_t part) {
    const struct review_column *column = &reading->columns->columns[part];
    if (column->column < 0)
        return column->constant;
    return (size_t)column->column < reading->row->n ? utf8_trim(reading->row->cells[column->column])
                                                    : (struct slice){"", 0};
}

/* "4", "4,5", "4/5", "★★★★☆", "4 estrellas": the number in front, or the stars counted. */
static bool read_rating(struct slice cell, char decimal, struct value *value) {
    static const char star[] = "★";
    struct slice number = cell;
    int64_t stars = 0;
    for (const char *at = cell.p; cell.n >= 3 && at + 3 <= cell.p + cell.n; at += 3) {
        if (memcmp(at, star, 3) != 0)
            break;
        stars++;
    }
    if (stars) {
        *value = (struct value){.type = VALUE_INT, .integer = stars};
        return true;
    }
    for (size_t i = 0; i < cell.n; i++)
        if (cell.p[i] == '/' || cell.p[i] == ' ') {
            number.n = i;
            break;
        }
    return import_cell_value(number, CELL_NUMBER, decimal, value) && value->type != VALUE_ABSENT;
}

static enum refusal add_rating(const struct review_row_reading *reading, struct event *event,
                               char *message) {
    const struct review_columns *columns = reading->columns;
    struct slice cell = cell_of(reading, REVIEW_PART_RATING);
    bool scaled = columns->scale_min < columns->scale_max;
    double low = scaled ? columns->scale_min : 1, high = scaled ? columns->scale_max : 5;
    struct value value;
    if (!cell.n)
        return refuse(message, REFUSAL_BAD_FIELD, "the row has no rating");
    if (!read_rating(cell, reading->decimal, &value))
        return refuse(message, REFUSAL_BAD_FIELD, "the rating is no number: %.*s",
                      SLICE_ARGS(utf8_cut(cell, 40)));
    double number = value.type == VALUE_INT ? (double)value.integer : value.number;
    if (number < low || number > high)
        return refuse(message, REFUSAL_NUMBER_OUT_OF_RANGE,
                      "the rating is not within %g and %g: %.*s", low, high,
                      SLICE_ARGS(utf8_cut(cell, 40)));
    add(event, "rating", value);
    if (!scaled)
        return REFUSAL_NONE;
    add(event, "scale_min", (struct value){.type = VALUE_NUMBER, .number = low});
    add(event, "scale_max", (struct value){.type = VALUE_NUMBER, .number = high});
    return REFUSAL_NONE;
}

static enum refusal add_instant(const struct review_row_reading *reading, size_t part,
                                struct slice cell, struct arena *arena, struct event *event,
                                char *message) {
    int64_t ms;
    char *text = arena_get(arena, TIME_TEXT_BYTES);
    bool read = reading->time_format &&
                time_parse_format(cell, reading->time_format, reading->zone, &ms) == 0;
    if (!read && time_parse_format(cell, "rfc3339", reading->zone, &ms) != 0 &&
        time_parse_format(cell, "%d/%m/%Y", reading->zone, &ms) != 0)
        return refuse(message, REFUSAL_BAD_TIME, "%s is no instant: %.*s", members[part],
                      SLICE_ARGS(utf8_cut(cell, 60)));
    if (ms < TIME_MIN_MS || ms >= TIME_MAX_MS)
        return refuse(message, REFUSAL_TIME_OUT_OF_RANGE, "%s outside 1970-2105", members[part]);
    time_format(ms, text);
    add(event, properties[part], (struct value){.type = VALUE_TEXT, .text = slice_of(text)});
    return REFUSAL_NONE;
}

enum refusal review_columns_row(const struct review_row_reading *reading, struct arena *arena,
                                struct event *event, char *message) {
    enum refusal refusal = add_rating(reading, event, message);
    for (size_t part = REVIEW_PART_RATING + 1; part < REVIEW_PARTS && !refusal; part++) {
        struct slice cell = cell_of(reading, part);
        if (!cell.n)
            continue;
        if (part == REVIEW_PART_INVITED || part == REVIEW_PART_ORDERED)
            refusal = add_instant(reading, part, cell, arena, event, message);
        else
            add(event, properties[part], (struct value){.type = VALUE_TEXT, .text = cell});
    }
    return refusal;
}

/* ---- guessing ---- */

static const char *const words[REVIEW_PARTS][WORDS_MAX] = {
    [REVIEW_PART_RATING] = {"rating", "stars", "estrellas", "star rating", "valoracion",
                            "puntuacion", "calificacion", "nota", "score"},
    [REVIEW_PART_SUBJECT] = {"product id", "sku", "product handle", "id producto", "producto id",
                             "ref producto", "product", "producto", "servicio", "service",
                             "articulo", "item", "subject"},
    [REVIEW_PART_KIND] = {"subject kind"},
    [REVIEW_PART_NAME] = {"product name", "product title", "nombre producto", "nombre del producto",
                          "product", "producto"},
    [REVIEW_PART_TITLE] = {"title", "titulo", "review title", "titulo de la resena", "headline",
                           "titular"},
    [REVIEW_PART_TEXT] = {"review body", "review text", "review", "resena", "opinion", "comentario",
                          "comentarios", "comment", "body", "texto", "text", "content",
                          "contenido"},
    [REVIEW_PART_AUTHOR] = {"author", "autor", "reviewer", "reviewer name", "nombre", "name",
                            "nickname", "alias", "display name", "usuario", "user name"},
    [REVIEW_PART_SITE] = {"site", "sitio", "source", "plataforma", "platform"},
    [REVIEW_PART_LANGUAGE] = {"language", "idioma", "lang", "locale"},
    [REVIEW_PART_INVITED] = {"invited at", "invited", "fecha invitacion", "invitacion"},
    [REVIEW_PART_ORDERED] = {"order date", "ordered at", "fecha pedido", "fecha de compra",
                             "fecha compra", "purchase date"},
    [REVIEW_PART_STATE] = {"state", "status", "estado"},
    [REVIEW_PART_ID] = {"review id", "id resena", "id opinion", "resena id"},
    [REVIEW_PART_MONTHS] = {"months of use", "meses de uso"},
};

static int find_column(const struct sample *sample, size_t part, const bool *taken) {
    for (size_t w = 0; w < WORDS_MAX && words[part][w]; w++)
        for (size_t i = 0; i < sample->header.n; i++)
            if (!taken[i] && slice_is(sample->columns[i].words, words[part][w]) &&
                (part != REVIEW_PART_RATING || sample->columns[i].kind != CELLS_TIME))
                return (int)i;
    return -1;
}

static void find_columns(const struct sample *sample, bool *taken, int found[REVIEW_PARTS]) {
    for (size_t part = 0; part < REVIEW_PARTS; part++) {
        found[part] = find_column(sample, part, taken);
        if (found[part] >= 0)
            taken[found[part]] = true;
    }
}

bool guess_is_reviews(const struct sample *sample) {
    struct arena arena;
    int found[REVIEW_PARTS];
    arena_init(&arena);
    find_columns(sample, ARENA_ARRAY(&arena, bool, sample->header.n + 1), found);
    arena_release(&arena);
    return found[REVIEW_PART_RATING] >= 0 && found[REVIEW_PART_SUBJECT] >= 0 &&
           found[REVIEW_PART_TEXT] >= 0;
}

static void add_column(const struct sample *sample, const char *member, int column,
                       struct buf *json) {
    json_add_name(json, member);
    json_add_text(json, sample->columns[column].name);
}

bool guess_reviews_json(const struct sample *sample, const struct guess *guess, struct buf *json) {
    static const struct {
        enum map_part part;
        const char *member;
    } shared[] = {{MAP_CUSTOMER, "customer"},
                  {MAP_CHANNEL, "channel"},
                  {MAP_UNIT, "unit"},
                  {MAP_CLOCK, "time_of_day"}};
    struct arena arena;
    int found[REVIEW_PARTS], time = guess->columns[MAP_TIME];
    arena_init(&arena);
    bool *taken = ARENA_ARRAY(&arena, bool, sample->header.n + 1);
    if (time >= 0)
        taken[time] = true;
    find_columns(sample, taken, found);
    buf_add_char(json, '{');
    json_add_name(json, "time");
    json_add_text(json, time < 0 ? (struct slice){NULL, 0} : sample->columns[time].name);
    if (time >= 0 && guess->time_format) {
        json_add_name(json, "time_format");
        json_add_text(json, slice_of(guess->time_format));
    }
    for (size_t part = 0; part < REVIEW_PARTS; part++)
        if (found[part] >= 0)
            add_column(sample, members[part], found[part], json);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        int column = guess->columns[shared[i].part];
        if (column >= 0 && !taken[column])
            add_column(sample, shared[i].member, column, json);
    }
    guess_file_json(sample, json);
    buf_add_char(json, '}');
    arena_release(&arena);
    return found[REVIEW_PART_RATING] >= 0;
}
