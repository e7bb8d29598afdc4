/*
 * Checking one answer against its question, and bringing it into its normal form.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "base/utf8.h"
#include "survey/internal.h"

__attribute__((format(printf, 3, 4))) static int
fault(struct err *err, const struct survey_question *question, const char *format, ...) {
    char pointer[SURVEY_ID_BYTES + 16];
    va_list args;
    snprintf(pointer, sizeof pointer, "/answers/%s", question->id);
    va_start(args, format);
    int code = err_at_list(err, E_INVALID, pointer, format, args);
    va_end(args);
    return code;
}

const char *answer_other(const json_t *answers, const char *question, struct arena *arena) {
    const char *text =
        json_string_value(json_object_get(answers, arena_format(arena, "%s.other", question)));
    return text && *text ? text : NULL;
}

static bool is_empty(const json_t *value) {
    return !value || json_is_null(value) || (json_is_string(value) && !json_string_length(value)) ||
           (json_is_array(value) && !json_array_size(value)) ||
           (json_is_object(value) && !json_object_size(value));
}

/* Nothing was answered. An empty list or object is that only where answers are lists or objects; elsewhere it is of the wrong type. */
static bool is_unsaid(const struct survey_question *question, const json_t *given) {
    static const bool lists[SURVEY_TYPES_N] = {[SURVEY_CHOICES] = true, [SURVEY_RANKING] = true},
                      objects[SURVEY_TYPES_N] = {[SURVEY_RANKING] = true,
                                                 [SURVEY_MATRIX] = true,
                                                 [SURVEY_SERVQUAL] = true,
                                                 [SURVEY_CONTACT] = true};
    return is_empty(given) && (!json_is_array(given) || lists[question->type]) &&
           (!json_is_object(given) || objects[question->type]);
}

/* Every member of the object is one of these. */
static int check_members(const struct survey_question *question, const json_t *given,
                         const char *const *names, size_t n, struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)given, name, value) {
        size_t i = 0;
        while (i < n && strcmp(names[i], name) != 0)
            i++;
        if (i == n)
            return fault(err, question, "there is no \"%.60s\" in it", name);
    }
    return 0;
}

/* A form sends numbers as texts. */
static bool read_number(const json_t *given, double *number) {
    char *end = NULL;
    if (json_is_number(given)) {
        *number = json_number_value(given);
        return true;
    }
    const char *text = json_string_value(given);
    if (!text || !*text || strlen(text) > 40 || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    *number = strtod(text, &end);
    return !*end && isfinite(*number);
}

static json_t *number_json(double number) {
    return floor(number) == number && fabs(number) < 9e15 ? json_integer((json_int_t)number)
                                                          : json_real(number);
}

static int check_scale(const struct survey_question *question, const json_t *given, json_t **value,
                       struct err *err) {
    double number;
    if (!read_number(given, &number) || floor(number) != number || number < question->min ||
        number > question->max)
        return fault(err, question, "must be a whole number from %g to %g", question->min,
                     question->max);
    *value = number_json(number);
    return 0;
}

static int check_amount(const struct survey_question *question, const json_t *given, json_t **value,
                        struct err *err) {
    double number;
    if (!read_number(given, &number) || fabs(number) > 1e15)
        return fault(err, question, "must be a number");
    if (question->has_min && number < question->min)
        return fault(err, question, "must be at least %.15g", question->min);
    if (question->has_max && number > question->max)
        return fault(err, question, "must be at most %.15g", question->max);
    double base = question->has_min ? question->min : 0;
    double steps = question->step > 0 ? (number - base) / question->step : 0;
    if (fabs(steps - round(steps)) > 1e-6)
        return fault(err, question, "must be in steps of %.15g", question->step);
    *value = number_json(number);
    return 0;
}

static int check_written(const struct survey_question *question, const json_t *given,
                         json_t **value, struct err *err) {
    if (!json_is_string(given))
        return fault(err, question, "must be a text");
    struct slice text =
        utf8_trim((struct slice){json_string_value(given), json_string_length(given)});
    size_t characters = 0;
    for (size_t i = 0; i < text.n; i++)
        characters += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    if (characters > question->most)
        return fault(err, question, "must have at most %zu characters", question->most);
    if (memchr(text.p, 0, text.n))
        return fault(err, question, "has control characters");
    *value = text.n ? json_stringn(text.p, text.n) : NULL;
    return 0;
}

static int check_day(const struct survey_question *question, const json_t *given, json_t **value,
                     struct err *err) {
    const char *text = json_string_value(given);
    int64_t ms;
    if (!text || strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
        time_parse(slice_of(text), NULL, &ms))
        return fault(err, question, "must be a day: 2026-12-31");
    if (*question->date_min && strcmp(text, question->date_min) < 0)
        return fault(err, question, "must not be before %s", question->date_min);
    if (*question->date_max && strcmp(text, question->date_max) > 0)
        return fault(err, question, "must not be after %s", question->date_max);
    *value = json_string(text);
    return 0;
}

static int check_consent(const struct survey_question *question, const json_t *given,
                         json_t **value, struct err *err) {
    const char *text = json_string_value(given);
    bool yes =
        json_is_true(given) || (text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0));
    if (!yes && !json_is_false(given) && !(text && strcmp(text, "false") == 0))
        return fault(err, question, "must be true or false");
    if (!yes && question->required)
        return fault(err, question, "must be accepted");
    *value = json_boolean(yes);
    return 0;
}

/* ---- choices ---- */

static const struct survey_option *option_of(const struct survey_question *question,
                                             const json_t *id) {
    return json_is_string(id) ? survey_option(question->options, question->n_options,
                                              slice_of(json_string_value(id)))
                              : NULL;
}

static int check_choice(const struct survey_question *question, const json_t *given, json_t **value,
                        struct err *err) {
    if (json_is_array(given) && json_array_size(given) == 1)
        given = json_array_get(given, 0);
    const struct survey_option *option = option_of(question, given);
    if (!option)
        return fault(err, question, "must be one of the options");
    *value = json_string(option->id);
    return 0;
}

/* A list of different options; one alone may come as a text. */
static int check_list(const struct survey_question *question, const json_t *given, json_t **value,
                      struct err *err) {
    size_t n = json_is_array(given) ? json_array_size(given) : 1;
    json_t *list = json_array();
    bool exclusive = false;
    for (size_t i = 0; i < n && n <= question->n_options; i++) {
        const struct survey_option *option =
            option_of(question, json_is_array(given) ? json_array_get(given, i) : given);
        bool twice = false;
        for (size_t k = 0; option && k < json_array_size(list); k++)
            twice |= strcmp(json_string_value(json_array_get(list, k)), option->id) == 0;
        if (!option || twice) {
            json_decref(list);
            return fault(err, question,
                         option ? "names an option twice" : "must be of the options");
        }
        exclusive |= option->exclusive;
        json_array_append_new(list, json_string(option->id));
    }
    *value = list;
    if (n > question->n_options)
        return fault(err, question, "has more answers than there are options");
    if (exclusive && n > 1)
        return fault(err, question, "an option that stands alone was taken with others");
    return 0;
}

static int check_choices(const struct survey_question *question, const json_t *given,
                         json_t **value, struct err *err) {
    if (json_is_array(given) && !json_array_size(given))
        return 0;
    int code = check_list(question, given, value, err);
    size_t n = json_array_size(*value);
    bool alone = n == 1 && option_of(question, json_array_get(*value, 0))->exclusive;
    if (!code && question->least && n < question->least && !alone)
        code = fault(err, question, "choose at least %zu", question->least);
    if (!code && question->most && n > question->most)
        code = fault(err, question, "choose at most %zu", question->most);
    return code;
}

/* All options, best first: a list, or places by option as a form sends them. */
static int check_ranking(const struct survey_question *question, const json_t *given,
                         json_t **value, struct err *err) {
    size_t n = question->n_options, put = 0;
    if (json_is_array(given)) {
        int code = check_list(question, given, value, err);
        return !code && json_array_size(*value) != n
                   ? fault(err, question, "every option needs its place")
                   : code;
    }
    if (!json_is_object(given))
        return fault(err, question, "must be a list of options, best first");
    json_t *list = json_array();
    *value = list;
    for (size_t place = 1; place <= n; place++) {
        size_t here = 0;
        for (size_t i = 0; i < n; i++) {
            double number;
            if (read_number(json_object_get(given, question->options[i].id), &number) &&
                number == (double)place) {
                json_array_append_new(list, json_string(question->options[i].id));
                here++;
            }
        }
        put += here == 1;
    }
    return put == n ? 0 : fault(err, question, "every option needs a place of its own");
}

/* ---- tables ---- */

static int check_cell(const struct survey_question *question, const json_t *given, json_t **value,
                      struct err *err) {
    return question->options ? check_choice(question, given, value, err)
                             : check_scale(question, given, value, err);
}

static int check_pair(const struct survey_question *question, const json_t *given, json_t **value,
                      struct err *err) {
    static const char *const sides[] = {"expected", "perceived"};
    json_t *pair = json_object();
    *value = pair;
    if (!json_is_object(given))
        return fault(err, question, "each row must be an object of expected and perceived");
    int code = check_members(question, given, sides, 2, err);
    for (size_t i = 0; i < 2 && !code; i++) {
        const json_t *side = json_object_get(given, sides[i]);
        json_t *number = NULL;
        if (is_empty(side))
            continue;
        code = check_scale(question, side, &number, err);
        if (!code)
            json_object_set_new(pair, sides[i], number);
    }
    return code ? code
           : question->required && json_object_size(pair) < 2
               ? fault(err, question, "every row needs both answers")
               : 0;
}

static int check_rows(const struct survey_question *question, const json_t *given, json_t **value,
                      struct err *err) {
    bool pairs = question->type == SURVEY_SERVQUAL;
    json_t *rows = json_object();
    int code = 0;
    if (!json_is_object(given)) {
        json_decref(rows);
        return fault(err, question, "must be an object of rows");
    }
    for (size_t i = 0; i < question->n_rows && !code; i++) {
        const json_t *row = json_object_get(given, question->rows[i].id);
        json_t *cell = NULL;
        if (is_empty(row)) {
            if (question->required)
                code = fault(err, question, "every row needs an answer");
            continue;
        }
        code =
            pairs ? check_pair(question, row, &cell, err) : check_cell(question, row, &cell, err);
        if (!code && !is_empty(cell))
            json_object_set(rows, question->rows[i].id, cell);
        json_decref(cell);
    }
    const char *name;
    json_t *row;
    json_object_foreach((json_t *)(uintptr_t)given, name,
                        row) if (!code &&
                                 !survey_option(question->rows, question->n_rows, slice_of(name)))
        code = fault(err, question, "there is no row \"%.60s\"", name);
    *value = rows;
    return code;
}

static bool is_phone(struct slice text) {
    size_t digits = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!memchr("+0123456789 ()-./", text.p[i], 17))
            return false;
        digits += text.p[i] >= '0' && text.p[i] <= '9';
    }
    return digits >= 6 && digits <= 15;
}

static bool is_address(struct slice text) {
    const char *sign = memchr(text.p, '@', text.n);
    return sign && sign != text.p && memchr(sign, '.', text.n - (size_t)(sign - text.p)) &&
           !memchr(sign + 1, '@', text.n - (size_t)(sign + 1 - text.p)) &&
           !memchr(text.p, ' ', text.n);
}

static int check_contact(const struct survey_question *question, const json_t *given,
                         json_t **value, struct err *err) {
    static const char *const fields[] = {"name", "email", "phone", "company"};
    if (!json_is_object(given))
        return fault(err, question, "must be an object of name, email, phone, company");
    json_t *contact = json_object();
    *value = contact;
    int code = check_members(question, given, fields, 4, err);
    if (code)
        return code;
    for (size_t i = 0; i < 4; i++) {
        const json_t *field = json_object_get(given, fields[i]);
        if (!(question->contact & 1u << i) || is_empty(field))
            continue;
        struct slice text = utf8_trim(slice_of(json_string_value(field)));
        if (!json_is_string(field) || text.n > 250)
            return fault(err, question, "%s must be a text of at most 250 bytes", fields[i]);
        if (i == 1 && !is_address(text))
            return fault(err, question, "that is not an e-mail address");
        if (i == 2 && !is_phone(text))
            return fault(err, question, "that is not a phone number");
        if (text.n)
            json_object_set_new(contact, fields[i], json_stringn(text.p, text.n));
    }
    return 0;
}

/* QUESTION.other is a text beside an option that takes one. */
static bool takes_words(const struct survey_question *question) {
    for (size_t i = 0; question && i < question->n_options; i++)
        if (question->options[i].other)
            return true;
    return false;
}

int survey_check_names(const struct survey *survey, const json_t *answers, struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)answers, name, value) {
        struct slice id = slice_of(name);
        const char *point = strrchr(name, '.');
        bool words = point && strcmp(point, ".other") == 0;
        char pointer[SURVEY_ID_BYTES + 32];
        id.n = words ? (size_t)(point - name) : id.n;
        const struct survey_question *question = survey_question(survey, id);
        snprintf(pointer, sizeof pointer, "/answers/%.*s", SURVEY_ID_BYTES, name);
        if (words && takes_words(question) && !json_is_string(value) && !json_is_null(value))
            return err_at(err, E_INVALID, pointer, "must be a text");
        if (words ? takes_words(question) : question != NULL)
            continue;
        return err_at(err, E_INVALID, pointer, "the survey has no such question");
    }
    return 0;
}

int survey_check_answer(const struct survey_question *question, const json_t *answers,
                        json_t **value, struct err *err) {
    static int (*const checks[])(const struct survey_question *, const json_t *, json_t **,
                                 struct err *) = {[SURVEY_NPS] = check_scale,
                                                  [SURVEY_CSAT] = check_scale,
                                                  [SURVEY_CES] = check_scale,
                                                  [SURVEY_RATING] = check_scale,
                                                  [SURVEY_CHOICE] = check_choice,
                                                  [SURVEY_PICTURE] = check_choice,
                                                  [SURVEY_CHOICES] = check_choices,
                                                  [SURVEY_RANKING] = check_ranking,
                                                  [SURVEY_MATRIX] = check_rows,
                                                  [SURVEY_SERVQUAL] = check_rows,
                                                  [SURVEY_SHORT_TEXT] = check_written,
                                                  [SURVEY_LONG_TEXT] = check_written,
                                                  [SURVEY_NUMBER] = check_amount,
                                                  [SURVEY_DATE] = check_day,
                                                  [SURVEY_CONSENT] = check_consent,
                                                  [SURVEY_CONTACT] = check_contact,
                                                  [SURVEY_STATEMENT] = NULL};
    const json_t *given = json_object_get(answers, question->id);
    *value = NULL;
    if (!checks[question->type])
        return is_empty(given) ? 0 : fault(err, question, "a statement takes no answer");
    int code = is_unsaid(question, given) ? 0 : checks[question->type](question, given, value, err);
    if (code || is_empty(*value)) {
        json_decref(*value);
        *value = NULL;
    }
    if (!code && !*value && question->required)
        code = fault(err, question, "needs an answer");
    return code;
}
