/*
 * Checking the document of a kiosk, and completing it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <stdio.h>

#include "base/limits.h"
#include "kiosk/internal.h"

enum { NAME_MAX_BYTES = 120, SENTENCE_BYTES = 300, OPTION_BYTES = 120, LANGUAGES_MAX = 10 };

static const char *const members[] = {
    "name",  "kind",     "unit",   "touchpoint", "languages", "question",
    "faces", "face_set", "speak",  "follow_ups", "thanks",    "rule",
    "hours", "survey",   "idle_s", "silent_min", "exit_code", NULL};
static const char *const follow_up_members[] = {"faces",   "kind",    "question",
                                                "options", "several", NULL};
static const char *const kinds[] = {"faces", "terminal", "poster", "page", NULL};
static const char *const face_sets[] = {"classic", "contrast", "weather", NULL};
static const char *const follow_up_kinds[] = {"choice", "text", NULL};

static bool among(const char *text, const char *const *list) {
    for (size_t i = 0; text && list[i]; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

static int check_known(json_t *object, const char *const *known, const char *below,
                       struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        char pointer[120];
        snprintf(pointer, sizeof pointer, "%s/%.60s", below, name);
        if (!among(name, known))
            return err_at(err, E_INVALID, pointer, "unknown member");
    }
    return 0;
}

static bool is_text(const json_t *json, size_t max) {
    size_t n = json_string_length(json);
    return json_is_string(json) && n > 0 && n <= max;
}

/* Absent or null is "": then the member is taken away. */
static int check_name(json_t *document, const char *name, size_t max, bool needed,
                      struct err *err) {
    const json_t *value = json_object_get(document, name);
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/%s", name);
    bool empty =
        !value || json_is_null(value) || (json_is_string(value) && !json_string_length(value));
    if (empty && !needed) {
        json_object_del(document, name);
        return 0;
    }
    return is_text(value, max)
               ? 0
               : err_at(err, E_INVALID, pointer, "must be a text of 1 to %zu bytes", max);
}

static int check_choice(json_t *document, const char *name, const char *const *list,
                        struct err *err) {
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/%s", name);
    if (!json_object_get(document, name))
        json_object_set_new(document, name, json_string(list[0]));
    if (among(json_string_value(json_object_get(document, name)), list))
        return 0;
    return list[2]
               ? err_at(err, E_INVALID, pointer, "must be %s, %s or %s", list[0], list[1], list[2])
               : err_at(err, E_INVALID, pointer, "must be %s or %s", list[0], list[1]);
}

static int check_number(json_t *document, const char *name, int64_t standard, int64_t low,
                        int64_t high, struct err *err) {
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/%s", name);
    if (!json_object_get(document, name))
        json_object_set_new(document, name, json_integer(standard));
    const json_t *value = json_object_get(document, name);
    if (json_is_integer(value) && json_integer_value(value) >= low &&
        json_integer_value(value) <= high)
        return 0;
    return err_at(err, E_INVALID, pointer, "must be a whole number from %lld to %lld",
                  (long long)low, (long long)high);
}

/* ---- languages and texts in them ---- */

static bool is_language(const char *text) {
    size_t n = text ? strlen(text) : 0;
    for (size_t i = 0; i < n; i++)
        if (!(isalpha((unsigned char)text[i]) || (text[i] == '-' && i > 1)))
            return false;
    return n >= 2 && n <= 8;
}

static bool speaks(const json_t *languages, const char *language) {
    for (size_t i = 0; i < json_array_size(languages); i++)
        if (strcmp(json_string_value(json_array_get(languages, i)), language) == 0)
            return true;
    return false;
}

static int check_languages(const struct folder *folder, json_t *document, struct err *err) {
    if (!json_object_get(document, "languages"))
        json_object_set_new(document, "languages", json_pack("[s]", folder->language));
    const json_t *list = json_object_get(document, "languages");
    size_t n = json_array_size(list);
    if (!n || n > LANGUAGES_MAX)
        return err_at(err, E_INVALID, "/languages", "must be a list of 1 to %d languages",
                      LANGUAGES_MAX);
    for (size_t i = 0; i < n; i++)
        if (!is_language(json_string_value(json_array_get(list, i))))
            return err_at(err, E_INVALID, "/languages", "a language is a code like \"es\"");
    return 0;
}

/* {"es": "…", "en": "…"}; a plain text is that of the first language, which is needed. */
static int check_texts(json_t *object, const char *name, const json_t *languages, size_t max,
                       bool needed, const char *below, struct err *err) {
    const char *first = json_string_value(json_array_get(languages, 0)), *language;
    char pointer[120];
    json_t *value = json_object_get(object, name), *text;
    snprintf(pointer, sizeof pointer, "%s/%s", below, name);
    if (json_is_string(value)) {
        json_object_set_new(object, name, json_pack("{s:O}", first, value));
        value = json_object_get(object, name);
    }
    if (!value || json_is_null(value) || (json_is_object(value) && !json_object_size(value))) {
        json_object_del(object, name);
        return needed ? err_at(err, E_INVALID, pointer, "is missing") : 0;
    }
    if (!json_is_object(value))
        return err_at(err, E_INVALID, pointer, "must be an object of texts by language");
    json_object_foreach(value, language, text) {
        if (!speaks(languages, language))
            return err_at(err, E_INVALID, pointer, "\"%.8s\" is not among its languages", language);
        if (!is_text(text, max))
            return err_at(err, E_INVALID, pointer, "each must be a text of 1 to %zu bytes", max);
    }
    return json_object_get(value, first)
               ? 0
               : err_at(err, E_INVALID, pointer, "the text in \"%.8s\" is missing", first);
}

/* ---- what is asked after a face ---- */

static int check_options(json_t *follow_up, const json_t *languages, const char *below,
                         struct err *err) {
    json_t *options = json_object_get(follow_up, "options");
    size_t n = json_array_size(options);
    char pointer[120];
    snprintf(pointer, sizeof pointer, "%s/options", below);
    if (n < 2 || n > KIOSK_OPTIONS)
        return err_at(err, E_INVALID, pointer, "must be a list of 2 to %d options", KIOSK_OPTIONS);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        /* An option is texts by language itself: wrapped for the check, which may change it. */
        json_t *holder = json_pack("{s:O}", "option", json_array_get(options, i));
        snprintf(pointer, sizeof pointer, "%s/options/%zu", below, i);
        code = check_texts(holder, "option", languages, OPTION_BYTES, true, pointer, err);
        if (!code)
            json_array_set(options, i, json_object_get(holder, "option"));
        json_decref(holder);
    }
    return code;
}

static int check_follow_up(json_t *follow_up, int64_t faces, const json_t *languages,
                           const char *below, struct err *err) {
    char pointer[120];
    if (!json_is_object(follow_up))
        return err_at(err, E_INVALID, below, "must be an object");
    int code = check_known(follow_up, follow_up_members, below, err);
    const char *kind = json_string_value(json_object_get(follow_up, "kind"));
    const json_t *list = json_object_get(follow_up, "faces");
    snprintf(pointer, sizeof pointer, "%s/kind", below);
    if (!code && !among(kind, follow_up_kinds))
        code = err_at(err, E_INVALID, pointer, "must be choice or text");
    snprintf(pointer, sizeof pointer, "%s/faces", below);
    if (!code && !json_array_size(list))
        code = err_at(err, E_INVALID, pointer, "must list the faces after which it is asked");
    for (size_t i = 0; i < json_array_size(list) && !code; i++) {
        const json_t *face = json_array_get(list, i);
        if (!json_is_integer(face) || json_integer_value(face) < 1 ||
            json_integer_value(face) > faces)
            code = err_at(err, E_INVALID, pointer, "a face is a number from 1 to %lld",
                          (long long)faces);
    }
    if (!code)
        code = check_texts(follow_up, "question", languages, SENTENCE_BYTES, true, below, err);
    if (!code && strcmp(kind, "choice") == 0)
        code = check_options(follow_up, languages, below, err);
    else if (!code)
        json_object_del(follow_up, "options");
    return code;
}

static int check_follow_ups(json_t *document, const json_t *languages, struct err *err) {
    if (!json_object_get(document, "follow_ups"))
        json_object_set_new(document, "follow_ups", json_array());
    json_t *list = json_object_get(document, "follow_ups");
    int64_t faces = json_integer_value(json_object_get(document, "faces"));
    if (!json_is_array(list) || json_array_size(list) > KIOSK_FOLLOW_UPS)
        return err_at(err, E_INVALID, "/follow_ups", "must be a list of at most %d questions",
                      KIOSK_FOLLOW_UPS);
    int code = 0;
    for (size_t i = 0; i < json_array_size(list) && !code; i++) {
        char below[40];
        snprintf(below, sizeof below, "/follow_ups/%zu", i);
        code = check_follow_up(json_array_get(list, i), faces, languages, below, err);
    }
    return code;
}

/* ---- the document ---- */

static int check_place(struct folder *folder, const struct principal *principal, json_t *document,
                       struct err *err) {
    int code = check_name(document, "unit", LIMIT_NAME_BYTES, false, err);
    if (!code)
        code = check_name(document, "touchpoint", LIMIT_NAME_BYTES, false, err);
    if (code)
        return code;
    const char *unit = json_string_value(json_object_get(document, "unit"));
    uint16_t number =
        unit ? dictionary_find(folder->dictionary, DICTIONARY_UNIT, slice_of(unit)) : CODE_NONE;
    return principal_sees(principal, number)
               ? 0
               : err_at(err, E_FORBIDDEN, "/unit", "this unit is outside your rights");
}

static int check_exit_code(const json_t *document, struct err *err) {
    const json_t *value = json_object_get(document, "exit_code");
    const char *code = json_string_value(value);
    if (!value || json_is_null(value))
        return 0;
    size_t n = code ? strlen(code) : 0;
    bool digits = code && strspn(code, "0123456789") == n;
    return digits && (n == 0 || (n >= 4 && n <= 8))
               ? 0
               : err_at(err, E_INVALID, "/exit_code", "must be 4 to 8 digits");
}

/* The survey of all kinds but faces; a terminal speaks its languages. */
static int check_survey(struct folder *folder, json_t *document, const char *kind,
                        struct err *err) {
    struct survey *survey;
    struct err fault = {0};
    const char *id = json_string_value(json_object_get(document, "survey"));
    if (!id || !id[0])
        return err_at(err, E_INVALID, "/survey", "a %s needs the id of a survey", kind);
    if (survey_find(folder, slice_of(id), &survey, &fault))
        return err_at(err, E_INVALID, "/survey", "there is no published survey \"%.60s\"", id);
    json_t *languages = json_array();
    for (size_t l = 0; l < survey->n_languages; l++)
        json_array_append_new(languages, json_string(survey->languages[l]));
    json_object_set_new(document, "languages", languages);
    survey_release(survey);
    return 0;
}

/* ---- when a page shows it ---- */

enum { RULE_PAGES = 20, AFTER_MAX_S = 3600, AGAIN_MAX_DAYS = 3650 };

static int check_pages(json_t *rule, struct err *err) {
    const json_t *pages = json_object_get(rule, "pages");
    if (!pages)
        return 0;
    bool fine = json_is_array(pages) && json_array_size(pages) <= RULE_PAGES;
    for (size_t i = 0; i < json_array_size(pages); i++)
        fine &= is_text(json_array_get(pages, i), LIMIT_NAME_BYTES);
    return fine ? 0
                : err_at(err, E_INVALID, "/rule/pages",
                         "must be a list of at most %d addresses like \"/checkout*\"", RULE_PAGES);
}

static int check_rule_number(const json_t *rule, const char *name, double low, double high,
                             struct err *err) {
    const json_t *value = json_object_get(rule, name);
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/rule/%s", name);
    return !value || (json_is_number(value) && json_number_value(value) >= low &&
                      json_number_value(value) <= high)
               ? 0
               : err_at(err, E_INVALID, pointer, "must be a number from %g to %g", low, high);
}

static int check_rule(json_t *document, const char *kind, struct err *err) {
    static const char *const names[] = {"pages", "after_s", "scroll_pct", "exit",
                                        "event", "share",   "again_days", NULL};
    if (strcmp(kind, "page") != 0) {
        json_object_del(document, "rule");
        return 0;
    }
    if (!json_object_get(document, "rule"))
        json_object_set_new(document, "rule", json_pack("{s:i}", "after_s", 20));
    json_t *rule = json_object_get(document, "rule");
    const json_t *event = json_object_get(rule, "event"), *exit = json_object_get(rule, "exit");
    if (!json_is_object(rule))
        return err_at(err, E_INVALID, "/rule", "must be an object");
    int code = check_known(rule, names, "/rule", err);
    if (!code)
        code = check_pages(rule, err);
    if (!code)
        code = check_rule_number(rule, "after_s", 0, AFTER_MAX_S, err);
    if (!code)
        code = check_rule_number(rule, "scroll_pct", 1, 100, err);
    if (!code)
        code = check_rule_number(rule, "share", 0, 1, err);
    if (!code)
        code = check_rule_number(rule, "again_days", 0, AGAIN_MAX_DAYS, err);
    if (!code && exit && !json_is_boolean(exit))
        code = err_at(err, E_INVALID, "/rule/exit", "must be true or false");
    if (!code && event && !is_text(event, LIMIT_NAME_BYTES))
        code = err_at(err, E_INVALID, "/rule/event", "must be the name of an event");
    if (!code && !event && !json_is_true(exit) && !json_object_get(rule, "after_s") &&
        !json_object_get(rule, "scroll_pct"))
        code = err_at(err, E_INVALID, "/rule", "says not when: after_s, scroll_pct, exit or event");
    return code;
}

/* ---- when the place is open ---- */

/* "09:30" as minutes; -1: it is none. */
int kiosk_minute_of(const char *text) {
    int hour, minute;
    char rest;
    bool fine = text && strlen(text) == 5 &&
                sscanf(text, "%2d:%2d%c", &hour, &minute, &rest) == 2 && hour >= 0 && minute >= 0 &&
                minute < 60 && hour * 60 + minute <= 24 * 60;
    return fine ? hour * 60 + minute : -1;
}

static int check_hours(json_t *document, struct err *err) {
    static const char *const names[] = {"from", "to", "days", NULL};
    json_t *hours = json_object_get(document, "hours");
    if (!hours || json_is_null(hours)) {
        json_object_del(document, "hours");
        return 0;
    }
    if (!json_is_object(hours))
        return err_at(err, E_INVALID, "/hours", "must be an object");
    int code = check_known(hours, names, "/hours", err);
    int from = kiosk_minute_of(json_string_value(json_object_get(hours, "from"))),
        to = kiosk_minute_of(json_string_value(json_object_get(hours, "to")));
    const json_t *days = json_object_get(hours, "days");
    if (!code && (from < 0 || to <= from))
        code = err_at(err, E_INVALID, "/hours", "from and to are times like \"09:00\", in order");
    bool fine = !days || (json_is_array(days) && json_array_size(days) > 0);
    for (size_t i = 0; i < json_array_size(days); i++) {
        json_int_t day = json_integer_value(json_array_get(days, i));
        fine &= day >= 1 && day <= 7;
    }
    if (!code && !fine)
        code = err_at(err, E_INVALID, "/hours/days", "must list days, 1 (Monday) to 7");
    return code;
}

int kiosk_check(struct folder *folder, const struct principal *principal, json_t *document,
                struct err *err) {
    if (!json_is_object(document))
        return err_at(err, E_MALFORMED, "", "an opinion screen is a JSON object");
    int code = check_known(document, members, "", err);
    if (!code)
        code = check_name(document, "name", NAME_MAX_BYTES, true, err);
    if (!code)
        code = check_choice(document, "kind", kinds, err);
    if (!code)
        code = check_place(folder, principal, document, err);
    const char *said = json_string_value(json_object_get(document, "kind"));
    const char *kind = said ? said : "";
    bool faces = strcmp(kind, "faces") == 0;
    if (!code && !faces)
        code = check_survey(folder, document, kind, err);
    else if (!code)
        json_object_del(document, "survey");
    if (!code)
        code = check_languages(folder, document, err);
    const json_t *languages = json_object_get(document, "languages");
    if (!code)
        code = check_texts(document, "question", languages, SENTENCE_BYTES, faces, "", err);
    if (!code)
        code = check_texts(document, "thanks", languages, SENTENCE_BYTES, false, "", err);
    if (!code)
        code = check_number(document, "faces", 3, 3, 5, err);
    if (!code)
        code = check_choice(document, "face_set", face_sets, err);
    if (!code)
        code = check_number(document, "idle_s", 20, 5, 300, err);
    if (!code)
        code = check_number(document, "silent_min", 120, 5, 10080, err);
    if (!code)
        code = check_follow_ups(document, languages, err);
    if (!code)
        code = check_rule(document, kind, err);
    if (!code)
        code = check_hours(document, err);
    if (!code && json_object_get(document, "speak") &&
        !json_is_boolean(json_object_get(document, "speak")))
        code = err_at(err, E_INVALID, "/speak", "must be true or false");
    return code ? code : check_exit_code(document, err);
}
