/*
 * Members of a definition: texts in several languages, words, numbers, each checked with the pointer of what is wrong.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "survey/internal.h"

int parse_fault(struct parsing *parsing, const char *at, const char *member, const char *format,
                ...) {
    char pointer[128];
    va_list args;
    snprintf(pointer, sizeof pointer, "%s%s%s", at, *member ? "/" : "", member);
    va_start(args, format);
    int code = err_at_list(parsing->err, E_INVALID, pointer, format, args);
    va_end(args);
    return code;
}

static bool is_named(const char *names, const char *name) {
    size_t n = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += n)
        if ((at == names || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
            return n > 0;
    return false;
}

int parse_known(struct parsing *parsing, const json_t *json, const char *names, const char *at) {
    const char *name;
    json_t *value;
    if (!json_is_object(json))
        return parse_fault(parsing, at, "", "must be an object");
    json_object_foreach((json_t *)(uintptr_t)json, name, value) {
        struct slice shown = utf8_cut(slice_of(name), 60);
        if (!is_named(names, name))
            return parse_fault(parsing, at, "", "there is no member \"%.*s\" here",
                               SLICE_ARGS(shown));
    }
    return 0;
}

/* Control characters but line breaks and tabs have no place in what people read. */
static bool is_readable(const char *text) {
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\r' && *c != '\t')
            return false;
    return true;
}

static int check_text(struct parsing *parsing, const json_t *json, const char *at,
                      const char *member, size_t max) {
    if (!json_is_string(json))
        return parse_fault(parsing, at, member, "must be a text");
    if (json_string_length(json) > max)
        return parse_fault(parsing, at, member, "is over %zu bytes", max);
    if (!is_readable(json_string_value(json)))
        return parse_fault(parsing, at, member, "has control characters");
    return 0;
}

static const char *keep(struct parsing *parsing, const json_t *json) {
    return arena_text(parsing->arena,
                      (struct slice){json_string_value(json), json_string_length(json)});
}

/* {"es": …, "en": …}: the first language that has it stands in for those without. */
static int parse_languages(struct parsing *parsing, const json_t *json, const char *name,
                           const char *at, size_t max, const char **in) {
    const struct survey *survey = parsing->survey;
    const char *language, *fallback = NULL;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, language, value) {
        size_t i = 0;
        while (i < survey->n_languages && strcmp(survey->languages[i], language) != 0)
            i++;
        if (i == survey->n_languages)
            return parse_fault(parsing, at, name, "\"%.20s\" is not among the languages", language);
        int code = check_text(parsing, value, at, name, max);
        if (code)
            return code;
        if (json_string_length(value))
            in[i] = keep(parsing, value);
    }
    for (size_t i = 0; i < survey->n_languages && !fallback; i++)
        fallback = in[i];
    for (size_t i = 0; i < survey->n_languages; i++)
        if (!in[i])
            in[i] = fallback;
    return 0;
}

int parse_text(struct parsing *parsing, const json_t *json, const char *name, const char *at,
               size_t max, struct survey_text *text) {
    const json_t *value = json_object_get(json, name);
    size_t n = parsing->survey->n_languages;
    if (!value || json_is_null(value))
        return 0;
    const char **in = ARENA_ARRAY(parsing->arena, const char *, n);
    int code = 0;
    if (json_is_object(value)) {
        code = parse_languages(parsing, value, name, at, max, in);
    } else {
        code = check_text(parsing, value, at, name, max);
        for (size_t i = 0; !code && i < n; i++)
            in[i] = json_string_length(value) ? keep(parsing, value) : NULL;
    }
    if (!code && in[0])
        text->in = in;
    return code;
}

int parse_string(struct parsing *parsing, const json_t *json, const char *name, const char *at,
                 size_t max, const char **value) {
    const json_t *text = json_object_get(json, name);
    if (!text || json_is_null(text))
        return 0;
    int code = check_text(parsing, text, at, name, max);
    if (!code)
        *value = keep(parsing, text);
    return code;
}

int parse_flag(struct parsing *parsing, const json_t *json, const char *name, const char *at,
               bool *value) {
    const json_t *flag = json_object_get(json, name);
    if (!flag || json_is_null(flag))
        return 0;
    if (!json_is_boolean(flag))
        return parse_fault(parsing, at, name, "must be true or false");
    *value = json_is_true(flag);
    return 0;
}

int parse_number(struct parsing *parsing, const json_t *json, const char *name, const char *at,
                 double low, double high, double *value) {
    const json_t *number = json_object_get(json, name);
    if (!number || json_is_null(number))
        return 0;
    if (!json_is_number(number) || json_number_value(number) < low ||
        json_number_value(number) > high)
        return parse_fault(parsing, at, name, "must be a number from %.15g to %.15g", low, high);
    *value = json_number_value(number);
    return 0;
}

bool is_survey_id(const char *id) {
    size_t n = strlen(id);
    return n && n <= SURVEY_ID_BYTES &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

int parse_id(struct parsing *parsing, const json_t *json, const char *at, const char **id) {
    int code = parse_string(parsing, json, "id", at, SURVEY_ID_BYTES, id);
    if (!code && (!*id || !is_survey_id(*id)))
        code = parse_fault(parsing, at, "id",
                           "an id has 1 to %d letters, digits, - and _ (no blanks, no accents)",
                           SURVEY_ID_BYTES);
    return code;
}
