/*
 * Conditions of SurveyJS as ours, with and, or, not and brackets:
 *
 *   any = all {("or" | "||") all}    all = one {("and" | "&&") one}    one = ("not" | "!") one | "(" any ")" | "{name}" op [value]
 *
 * SOURCE  surveyjs.io/form-library/documentation/design-survey/conditional-logic (expressions and operators).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "survey/formats.h"

enum { CONDITIONS_DEEP = 6, COMPARISONS = 40 };

/* Names of questions before this one → our ids; our ids → their values of options → our ids. */
struct known {
    const json_t *names, *values;
    struct arena *arena;
};

static const char *skip_blanks(const char *at) { return at + strspn(at, " \t\n"); }

/* One of these words (a letter needs a blank or bracket behind it) stands at *at: it is passed. */
static bool takes(const char **at, const char *word) {
    size_t n = strlen(word);
    bool letter = word[0] >= 'a' && word[0] <= 'z';
    if (strncmp(*at, word, n) != 0 || (letter && !strchr(" \t\n(['\"{", (*at)[n])) ||
        (letter && !(*at)[n]))
        return false;
    *at = skip_blanks(*at + n);
    return true;
}

/* 'text', 12.5, true: what stands at *p, an option by our id. New reference, NULL for anything else. */
static json_t *compared(const struct known *known, const char *question, const char **p) {
    const char *at = *p, *end = NULL;
    bool quoted = *at == '\'' || *at == '"';
    struct slice text = {at, strcspn(at, " ),]\n\t")};
    if (quoted) {
        end = strchr(at + 1, *at);
        text = (struct slice){at + 1, end ? (size_t)(end - at - 1) : 0};
    }
    *p = text.p + text.n + quoted;
    if (!text.n || (quoted && !end))
        return NULL;
    const char *plain = arena_text(known->arena, text);
    json_t *own = json_object_get(json_object_get(known->values, question), plain);
    char *stop;
    double number = strtod(plain, &stop);
    bool truth = strcmp(plain, "true") == 0 || strcmp(plain, "false") == 0;
    if (own)
        return json_incref(own);
    if (quoted || truth)
        return json_string(plain);
    return *stop ? NULL : json_real(number);
}

/* ['a', 'b'] at *p: a new reference, NULL for anything else. */
static json_t *compared_list(const struct known *known, const char *question, const char **p) {
    json_t *list = json_array(), *value = NULL;
    bool whole = takes(p, "[");
    while (whole && **p && **p != ']' && json_array_size(list) < COMPARISONS) {
        value = compared(known, question, p);
        whole = value != NULL;
        if (value)
            json_array_append_new(list, value);
        *p = skip_blanks(*p);
        takes(p, ",");
    }
    if (whole && takes(p, "]") && json_array_size(list))
        return list;
    json_decref(list);
    return NULL;
}

enum operand { OPERAND_NONE, OPERAND_ONE, OPERAND_LIST };
static const struct comparing {
    const char *theirs, *ours;
    enum operand operand;
    bool negated;
} ops[] = {{"notempty", "exists", OPERAND_NONE, false},
           {"empty", "absent", OPERAND_NONE, false},
           {"notcontains", "=", OPERAND_ONE, true},
           {"contains", "=", OPERAND_ONE, false},
           {"anyof", "in", OPERAND_LIST, false},
           {"noneof", "in", OPERAND_LIST, true},
           {"greaterorequal", ">=", OPERAND_ONE, false},
           {"lessorequal", "<=", OPERAND_ONE, false},
           {"greater", ">", OPERAND_ONE, false},
           {"less", "<", OPERAND_ONE, false},
           {"notequal", "!=", OPERAND_ONE, false},
           {"equal", "=", OPERAND_ONE, false},
           {"==", "=", OPERAND_ONE, false},
           {"=", "=", OPERAND_ONE, false},
           {"<>", "!=", OPERAND_ONE, false},
           {"!=", "!=", OPERAND_ONE, false},
           {"<=", "<=", OPERAND_ONE, false},
           {">=", ">=", OPERAND_ONE, false},
           {"<", "<", OPERAND_ONE, false},
           {">", ">", OPERAND_ONE, false}};

/* "{name} op value" from *at: a new reference, or NULL where it is more than that. */
static json_t *comparison(const struct known *known, const char **at) {
    const char *p = *at, *end = *p == '{' ? strchr(p, '}') : NULL;
    if (!end)
        return NULL;
    const char *name = arena_text(known->arena, (struct slice){p + 1, (size_t)(end - p - 1)});
    const char *id = json_string_value(json_object_get(known->names, name));
    size_t k = 0;
    p = skip_blanks(end + 1);
    while (k < sizeof ops / sizeof *ops && strncmp(p, ops[k].theirs, strlen(ops[k].theirs)) != 0)
        k++;
    if (!id || k == sizeof ops / sizeof *ops)
        return NULL;
    p = skip_blanks(p + strlen(ops[k].theirs));
    json_t *value = ops[k].operand == OPERAND_ONE    ? compared(known, id, &p)
                    : ops[k].operand == OPERAND_LIST ? compared_list(known, id, &p)
                                                     : NULL;
    if (ops[k].operand != OPERAND_NONE && !value)
        return NULL;
    *at = skip_blanks(p);
    json_t *condition = json_pack("{s:s, s:s}", "question", id, "op", ops[k].ours);
    if (value)
        json_object_set_new(condition, "value", value);
    return ops[k].negated ? json_pack("{s:o}", "not", condition) : condition;
}

static json_t *any_json(const struct known *known, const char **at, int depth);

static json_t *one_json(const struct known *known, const char **at, int depth) {
    if (depth > CONDITIONS_DEEP)
        return NULL;
    if (**at != '!' || (*at)[1] != '=')
        if (takes(at, "not") || takes(at, "!")) {
            json_t *inner = one_json(known, at, depth + 1);
            return inner ? json_pack("{s:o}", "not", inner) : NULL;
        }
    if (!takes(at, "("))
        return comparison(known, at);
    json_t *inner = any_json(known, at, depth + 1);
    if (inner && takes(at, ")"))
        return inner;
    json_decref(inner);
    return NULL;
}

/* What `part` reads, several times, with a word or a sign between: {"all": […]} or {"any": […]}, the only one by itself. */
static json_t *joined(const struct known *known, const char **at, int depth, const char *name,
                      const char *word, const char *sign,
                      json_t *(*part)(const struct known *, const char **, int)) {
    json_t *list = json_array(), *one;
    do {
        one = json_array_size(list) < COMPARISONS ? part(known, at, depth) : NULL;
        if (one)
            json_array_append_new(list, one);
    } while (one && (takes(at, word) || takes(at, sign)));
    json_t *whole = !one                         ? NULL
                    : json_array_size(list) == 1 ? json_incref(json_array_get(list, 0))
                                                 : json_pack("{s:O}", name, list);
    json_decref(list);
    return whole;
}

static json_t *all_json(const struct known *known, const char **at, int depth) {
    return joined(known, at, depth, "all", "and", "&&", one_json);
}

static json_t *any_json(const struct known *known, const char **at, int depth) {
    return joined(known, at, depth, "any", "or", "||", all_json);
}

json_t *surveyjs_condition(const json_t *names, const json_t *values, const char *text,
                           struct arena *arena) {
    const struct known known = {.names = names, .values = values, .arena = arena};
    const char *at = skip_blanks(text);
    json_t *condition = any_json(&known, &at, 0);
    if (condition && !*at)
        return condition;
    json_decref(condition);
    return NULL;
}
