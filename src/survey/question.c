/*
 * One question of a definition: which members its type has, and what they must be.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "survey/internal.h"

enum {
    TEXT_BYTES = 4000, /* of a question as people read it */
    LABEL_BYTES = 400,
    SHORT_ANSWER = 250,
    LONG_ANSWER = 4000,
    IMAGE_BYTES = 100 * 1024
};

static const struct {
    const char *name, *metric;
} types[] = {
#define X(name, word, metric) [SURVEY_##name] = {word, metric},
    SURVEY_TYPES(X)
#undef X
};

/* Members of a type besides those that all have. */
static const char *const members[] = {
    [SURVEY_NPS] = " low high",
    [SURVEY_CSAT] = " low high points look",
    [SURVEY_CES] = " low high",
    [SURVEY_RATING] = " low high scale look",
    [SURVEY_CHOICE] = " options other none random",
    [SURVEY_CHOICES] = " options other none random least most",
    [SURVEY_PICTURE] = " options random",
    [SURVEY_RANKING] = " options random",
    [SURVEY_MATRIX] = " rows columns scale low high random",
    [SURVEY_SERVQUAL] = " rows scale low high random",
    [SURVEY_SHORT_TEXT] = " placeholder most",
    [SURVEY_LONG_TEXT] = " placeholder most",
    [SURVEY_NUMBER] = " min max step placeholder",
    [SURVEY_DATE] = " from to",
    [SURVEY_CONSENT] = " purpose",
    [SURVEY_CONTACT] = " fields",
    [SURVEY_STATEMENT] = "",
};

const char *survey_type_name(enum survey_type type) { return types[type].name; }

/* ---- choices ---- */

/* "data:image/png;base64,…" */
static int parse_image(struct parsing *parsing, const json_t *json, const char *at,
                       struct survey_option *option) {
    static const char *const kinds[] = {"image/png", "image/jpeg", "image/webp", "image/gif"};
    const char *text = json_string_value(json_object_get(json, "image"));
    if (!json_object_get(json, "image"))
        return 0;
    for (size_t i = 0; text && i < sizeof kinds / sizeof *kinds; i++) {
        const char *head = arena_format(parsing->arena, "data:%s;base64,", kinds[i]);
        if (strncmp(text, head, strlen(head)) != 0)
            continue;
        text += strlen(head);
        size_t n = strlen(text), bytes = 0;
        unsigned char *image = arena_get(parsing->arena, n + 1);
        if (sodium_base642bin(image, n, text, n, "\r\n ", &bytes, NULL,
                              sodium_base64_VARIANT_ORIGINAL) != 0 ||
            !bytes || bytes > IMAGE_BYTES)
            break;
        option->image = (struct slice){(char *)image, bytes};
        option->image_type = kinds[i];
        return 0;
    }
    return parse_fault(parsing, at, "image",
                       "must be data:image/png;base64,… (or jpeg, webp, gif) of at most %d KB",
                       IMAGE_BYTES / 1024);
}

static int parse_option(struct parsing *parsing, const json_t *json, const char *at,
                        struct survey_option *option) {
    *option = (struct survey_option){.emoji = "", .image_type = ""};
    int code = parse_known(parsing, json, "id text emoji image exclusive last", at);
    if (!code)
        code = parse_id(parsing, json, at, &option->id);
    if (!code)
        code = parse_text(parsing, json, "text", at, LABEL_BYTES, &option->text);
    if (!code && !option->text.in)
        code = parse_fault(parsing, at, "text", "a text is missing");
    if (!code)
        code = parse_string(parsing, json, "emoji", at, 40, &option->emoji);
    if (!code)
        code = parse_image(parsing, json, at, option);
    if (!code)
        code = parse_flag(parsing, json, "exclusive", at, &option->exclusive);
    if (!code)
        code = parse_flag(parsing, json, "last", at, &option->last);
    return code;
}

/* A list of options, rows or columns; `room` more places stay free behind them. */
static int parse_options(struct parsing *parsing, const json_t *json, const char *name,
                         const char *at, size_t least, size_t room, struct survey_option **options,
                         size_t *n) {
    const json_t *list = json_object_get(json, name);
    size_t many = json_array_size(list);
    *options = ARENA_ARRAY(parsing->arena, struct survey_option, many + room);
    if (!json_is_array(list) || many < least || many > SURVEY_OPTIONS)
        return parse_fault(parsing, at, name, "must be a list of %zu to %d", least, SURVEY_OPTIONS);
    int code = 0;
    for (size_t i = 0; i < many && !code; i++) {
        const char *inside = arena_format(parsing->arena, "%s/%s/%zu", at, name, i);
        code = parse_option(parsing, json_array_get(list, i), inside, &(*options)[i]);
        if (!code && survey_option(*options, i, slice_of((*options)[i].id)))
            code = parse_fault(parsing, inside, "id", "\"%.60s\" stands there twice",
                               (*options)[i].id);
    }
    *n = many;
    return code;
}

/* `other` and `none`: true, or the text of the option. */
static int parse_further(struct parsing *parsing, const json_t *json, const char *name,
                         const char *at, struct survey_option *options, size_t *n) {
    const json_t *value = json_object_get(json, name);
    if (!value || json_is_false(value) || json_is_null(value))
        return 0;
    struct survey_option *option = &options[*n];
    *option = (struct survey_option){.id = name,
                                     .emoji = "",
                                     .image_type = "",
                                     .last = true,
                                     .other = strcmp(name, "other") == 0,
                                     .exclusive = strcmp(name, "none") == 0};
    if (survey_option(options, *n, slice_of(name)))
        return parse_fault(parsing, at, name, "an option has this id already");
    ++*n;
    return json_is_true(value) ? 0
                               : parse_text(parsing, json, name, at, LABEL_BYTES, &option->text);
}

static int parse_choices(struct parsing *parsing, const json_t *json, const char *at,
                         struct survey_question *question) {
    struct survey_option *options = NULL;
    size_t least = question->type == SURVEY_RANKING || question->type == SURVEY_PICTURE ? 2 : 1;
    double few = 0, many = 0;
    int code =
        parse_options(parsing, json, "options", at, least, 2, &options, &question->n_options);
    if (!code)
        code = parse_further(parsing, json, "other", at, options, &question->n_options);
    if (!code)
        code = parse_further(parsing, json, "none", at, options, &question->n_options);
    if (!code)
        code = parse_number(parsing, json, "least", at, 0, (double)question->n_options, &few);
    if (!code)
        code = parse_number(parsing, json, "most", at, 1, (double)question->n_options, &many);
    if (!code && many > 0 && few > many)
        code = parse_fault(parsing, at, "least", "least is more than most");
    question->options = options;
    question->least = (size_t)few;
    question->most = (size_t)many;
    return code;
}

/* ---- scales ---- */

static int parse_scale(struct parsing *parsing, const json_t *json, const char *at, double low,
                       double high, struct survey_question *question) {
    const json_t *scale = json_object_get(json, "scale");
    question->min = low;
    question->max = high;
    if (!scale)
        return 0;
    question->min = json_number_value(json_array_get(scale, 0));
    question->max = json_number_value(json_array_get(scale, 1));
    if (json_array_size(scale) != 2 || floor(question->min) != question->min ||
        floor(question->max) != question->max || question->min < 0 ||
        question->max <= question->min || question->max - question->min > 20)
        return parse_fault(parsing, at, "scale",
                           "a scale is [lowest, highest], whole numbers at most 20 apart");
    return 0;
}

static int parse_csat(struct parsing *parsing, const json_t *json, const char *at,
                      struct survey_question *question) {
    double points = 5;
    int code = parse_number(parsing, json, "points", at, 3, 10, &points);
    if (!code && points != 3 && points != 4 && points != 5 && points != 7 && points != 10)
        code = parse_fault(parsing, at, "points", "must be 3, 4, 5, 7 or 10");
    question->min = 1;
    question->max = points;
    return code;
}

static int parse_look(struct parsing *parsing, const json_t *json, const char *at,
                      struct survey_question *question) {
    static const char *const looks[] = {"numbers", "stars", "faces"};
    const char *look = NULL;
    int code = parse_string(parsing, json, "look", at, 16, &look);
    if (code || !look)
        return code;
    for (size_t i = 0; i < 3; i++)
        if (strcmp(look, looks[i]) == 0) {
            question->look = (enum survey_look)i;
            return question->look == SURVEY_FACES && question->max - question->min > 4
                       ? parse_fault(parsing, at, "look", "there are faces for up to 5 points")
                       : 0;
        }
    return parse_fault(parsing, at, "look", "must be numbers, stars or faces");
}

/* Rows with columns to choose from, or with numbers. */
static int parse_rows(struct parsing *parsing, const json_t *json, const char *at,
                      struct survey_question *question) {
    struct survey_option *rows = NULL, *columns = NULL;
    int code = parse_options(parsing, json, "rows", at, 1, 0, &rows, &question->n_rows);
    question->rows = rows;
    bool both = json_object_get(json, "columns") && json_object_get(json, "scale");
    if (!code && both)
        code = parse_fault(parsing, at, "scale", "a matrix has columns or a scale, not both");
    if (!code && json_object_get(json, "columns")) {
        code = parse_options(parsing, json, "columns", at, 1, 0, &columns, &question->n_options);
        question->options = columns;
    } else if (!code) {
        code =
            parse_scale(parsing, json, at, 1, question->type == SURVEY_SERVQUAL ? 7 : 5, question);
        if (strcmp(question->metric, "choice") == 0)
            question->metric = "rating";
    }
    size_t answers = question->n_rows * (question->type == SURVEY_SERVQUAL ? 2 : 1);
    if (!code && answers > LIMIT_ANSWERS / 2)
        code = parse_fault(parsing, at, "rows", "too many rows");
    return code;
}

/* ---- words, numbers, days ---- */

static bool is_day(const char *text) {
    int64_t ms;
    return strlen(text) == 10 && text[4] == '-' && text[7] == '-' &&
           time_parse(slice_of(text), NULL, &ms) == 0;
}

static int parse_written(struct parsing *parsing, const json_t *json, const char *at,
                         struct survey_question *question) {
    double most = question->type == SURVEY_SHORT_TEXT ? SHORT_ANSWER : LONG_ANSWER;
    int code = parse_number(parsing, json, "most", at, 1, LONG_ANSWER * 2, &most);
    if (!code)
        code = parse_text(parsing, json, "placeholder", at, LABEL_BYTES, &question->placeholder);
    question->most = (size_t)most;
    return code;
}

static int parse_amount(struct parsing *parsing, const json_t *json, const char *at,
                        struct survey_question *question) {
    int code = parse_number(parsing, json, "min", at, -1e12, 1e12, &question->min);
    if (!code)
        code = parse_number(parsing, json, "max", at, -1e12, 1e12, &question->max);
    if (!code)
        code = parse_number(parsing, json, "step", at, 1e-6, 1e12, &question->step);
    if (!code)
        code = parse_text(parsing, json, "placeholder", at, LABEL_BYTES, &question->placeholder);
    question->has_min = json_is_number(json_object_get(json, "min"));
    question->has_max = json_is_number(json_object_get(json, "max"));
    if (!code && question->has_min && question->has_max && question->min > question->max)
        code = parse_fault(parsing, at, "max", "max is less than min");
    return code;
}

static int parse_day(struct parsing *parsing, const json_t *json, const char *at,
                     struct survey_question *question) {
    int code = parse_string(parsing, json, "from", at, 10, &question->date_min);
    if (!code)
        code = parse_string(parsing, json, "to", at, 10, &question->date_max);
    if (!code && *question->date_min && !is_day(question->date_min))
        code = parse_fault(parsing, at, "from", "must be a day: 2026-12-31");
    if (!code && *question->date_max && !is_day(question->date_max))
        code = parse_fault(parsing, at, "to", "must be a day: 2026-12-31");
    return code;
}

static int parse_contact(struct parsing *parsing, const json_t *json, const char *at,
                         struct survey_question *question) {
    static const char *const fields[] = {"name", "email", "phone", "company"};
    const json_t *list = json_object_get(json, "fields");
    json_t *field;
    size_t i;
    question->contact = list ? 0 : CONTACT_NAME | CONTACT_EMAIL;
    json_array_foreach((json_t *)(uintptr_t)list, i, field) {
        size_t k = 0;
        while (k < 4 &&
               (!json_is_string(field) || strcmp(json_string_value(field), fields[k]) != 0))
            k++;
        if (k == 4)
            return parse_fault(parsing, at, "fields", "fields are name, email, phone and company");
        question->contact |= 1u << k;
    }
    return question->contact ? 0 : parse_fault(parsing, at, "fields", "must be a list of fields");
}

/* ---- a question ---- */

static int parse_own(struct parsing *parsing, const json_t *json, const char *at,
                     struct survey_question *question) {
    int code = 0;
    switch (question->type) {
    case SURVEY_NPS: question->min = 0, question->max = 10; break;
    case SURVEY_CES: question->min = 1, question->max = 7; break;
    case SURVEY_CSAT: code = parse_csat(parsing, json, at, question); break;
    case SURVEY_RATING: code = parse_scale(parsing, json, at, 1, 5, question); break;
    case SURVEY_CHOICE:
    case SURVEY_CHOICES:
    case SURVEY_PICTURE:
    case SURVEY_RANKING: code = parse_choices(parsing, json, at, question); break;
    case SURVEY_MATRIX:
    case SURVEY_SERVQUAL: code = parse_rows(parsing, json, at, question); break;
    case SURVEY_SHORT_TEXT:
    case SURVEY_LONG_TEXT: code = parse_written(parsing, json, at, question); break;
    case SURVEY_NUMBER: code = parse_amount(parsing, json, at, question); break;
    case SURVEY_DATE: code = parse_day(parsing, json, at, question); break;
    case SURVEY_CONSENT:
        code = parse_string(parsing, json, "purpose", at, SURVEY_ID_BYTES, &question->purpose);
        break;
    case SURVEY_CONTACT: code = parse_contact(parsing, json, at, question); break;
    default: break;
    }
    return code ? code : parse_look(parsing, json, at, question);
}

static int parse_common(struct parsing *parsing, const json_t *json, const char *at,
                        struct survey_question *question) {
    const json_t *show_if = json_object_get(json, "show_if");
    int code = parse_text(parsing, json, "text", at, TEXT_BYTES, &question->text);
    if (!code && !question->text.in)
        code = parse_fault(parsing, at, "text", "a text is missing");
    if (!code)
        code = parse_text(parsing, json, "help", at, TEXT_BYTES, &question->help);
    if (!code)
        code = parse_text(parsing, json, "low", at, LABEL_BYTES, &question->low);
    if (!code)
        code = parse_text(parsing, json, "high", at, LABEL_BYTES, &question->high);
    if (!code)
        code = parse_flag(parsing, json, "required", at, &question->required);
    if (!code)
        code = parse_flag(parsing, json, "random", at, &question->randomise);
    if (!code)
        code = parse_string(parsing, json, "metric", at, SURVEY_ID_BYTES, &question->metric);
    if (!code)
        code =
            parse_string(parsing, json, "touchpoint", at, LIMIT_NAME_BYTES, &question->touchpoint);
    if (!code && show_if && !json_is_null(show_if))
        code = parse_condition(parsing, show_if, arena_format(parsing->arena, "%s/show_if", at),
                               &question->show_if);
    return code;
}

int parse_question(struct parsing *parsing, const json_t *json, const char *at,
                   struct survey_question *question) {
    const char *type = "";
    size_t k = 0;
    *question =
        (struct survey_question){.touchpoint = "", .purpose = "", .date_min = "", .date_max = ""};
    if (!json_is_object(json))
        return parse_fault(parsing, at, "", "a question is an object");
    int code = parse_string(parsing, json, "type", at, SURVEY_ID_BYTES, &type);
    if (code)
        return code;
    while (k < SURVEY_TYPES_N && strcmp(types[k].name, type) != 0)
        k++;
    if (k == SURVEY_TYPES_N)
        return parse_fault(parsing, at, "type", "there is no type \"%.40s\"", type);
    question->type = (enum survey_type)k;
    question->metric = types[k].metric;
    code = parse_known(parsing, json,
                       arena_format(parsing->arena,
                                    "id type text help required metric touchpoint show_if%s",
                                    members[k]),
                       at);
    if (!code)
        code = parse_id(parsing, json, at, &question->id);
    for (size_t i = 0; i < parsing->survey->n_questions && !code; i++)
        if (strcmp(parsing->questions[i].id, question->id) == 0)
            code = parse_fault(parsing, at, "id", "another question has the id \"%.60s\"",
                               question->id);
    if (!code)
        code = parse_common(parsing, json, at, question);
    return code ? code : parse_own(parsing, json, at, question);
}
