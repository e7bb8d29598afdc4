/*
 * Conditions of surveys: "show if", jumps, quotas.
 *
 *   {"question": "recommend", "op": "<=", "value": 6}      also {"hidden": "store", …} and {"trait": "plan", …}
 *   {"all": […]}   {"any": […]}   {"not": …}
 *
 * op is = != < <= > >= in contains exists absent; `=` stands where none is said. As in queries, what is missing is met by
 * `absent` only, and numbers compare with numbers. Of several choices, `=` and `contains` ask for one of them; "m.row" is one row of
 * a matrix. A condition sees only questions that stand before it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "survey/internal.h"

enum of { OF_ALL, OF_ANY, OF_NOT, OF_QUESTION, OF_HIDDEN, OF_TRAIT };
enum op { EQ, NE, LT, LE, GT, GE, IN, CONTAINS, EXISTS, ABSENT, OPS };
static const char *const op_names[] = {"=",  "!=", "<",        "<=",     ">",
                                       ">=", "in", "contains", "exists", "absent"};

struct survey_condition {
    enum of of;
    enum op op;
    const char *name, *part; /* part: "" or what stands behind the point */
    const json_t *value, *json;
    const struct survey_condition **inner;
    size_t n;
};

enum { CONDITION_DEPTH = 8, CONDITIONS_INSIDE = 50 };

const json_t *survey_condition_json(const struct survey_condition *condition) {
    return condition->json;
}

/* ---- reading ---- */

static int parse_at_depth(struct parsing *parsing, const json_t *json, const char *at, int depth,
                          const struct survey_condition **out);

static int parse_inner(struct parsing *parsing, const json_t *json, const char *name,
                       const char *at, int depth, struct survey_condition *condition) {
    const json_t *value = json_object_get(json, name);
    bool list = strcmp(name, "not") != 0;
    size_t n = list ? json_array_size(value) : 1;
    if ((list && !json_is_array(value)) || !n || n > CONDITIONS_INSIDE)
        return parse_fault(parsing, at, name, "must be a list of 1 to %d conditions",
                           CONDITIONS_INSIDE);
    condition->of = !list ? OF_NOT : strcmp(name, "all") == 0 ? OF_ALL : OF_ANY;
    condition->inner = ARENA_ARRAY(parsing->arena, const struct survey_condition *, n);
    condition->n = n;
    int code = parse_known(parsing, json, name, at);
    for (size_t i = 0; i < n && !code; i++) {
        const char *inside = list ? arena_format(parsing->arena, "%s/%s/%zu", at, name, i)
                                  : arena_format(parsing->arena, "%s/not", at);
        code = parse_at_depth(parsing, list ? json_array_get(value, i) : value, inside, depth + 1,
                              &condition->inner[i]);
    }
    return code;
}

static int check_question(struct parsing *parsing, const char *at,
                          struct survey_condition *condition) {
    size_t n = strcspn(condition->name, ".");
    if (condition->name[n])
        condition->part = condition->name + n + 1;
    condition->name = arena_text(parsing->arena, (struct slice){condition->name, n});
    for (size_t i = 0; i < parsing->survey->n_questions; i++)
        if (strcmp(parsing->questions[i].id, condition->name) == 0)
            return 0;
    return parse_fault(parsing, at, "question", "no question \"%.60s\" stands before this",
                       condition->name);
}

static int check_value(struct parsing *parsing, const json_t *json, const char *at,
                       struct survey_condition *condition) {
    condition->value = json_object_get(json, "value");
    if (condition->op == EXISTS || condition->op == ABSENT)
        return condition->value
                   ? parse_fault(parsing, at, "value", "%s takes no value", op_names[condition->op])
                   : 0;
    if (condition->op == IN)
        return json_array_size(condition->value)
                   ? 0
                   : parse_fault(parsing, at, "value", "in takes a list of values");
    if (condition->op >= LT && condition->op <= GE && !json_is_number(condition->value) &&
        !json_is_string(condition->value))
        return parse_fault(parsing, at, "value", "must be a number or a date");
    if (!condition->value || json_is_object(condition->value) || json_is_array(condition->value) ||
        json_is_null(condition->value))
        return parse_fault(parsing, at, "value", "a value is missing");
    return 0;
}

static int parse_leaf(struct parsing *parsing, const json_t *json, const char *at,
                      struct survey_condition *condition) {
    static const struct {
        const char *name;
        enum of of;
    } kinds[] = {{"question", OF_QUESTION}, {"hidden", OF_HIDDEN}, {"trait", OF_TRAIT}};
    const char *op = "=";
    int code = parse_known(parsing, json, "question hidden trait op value", at), found = 0;
    for (size_t i = 0; i < 3 && !code; i++)
        if (json_object_get(json, kinds[i].name)) {
            code = parse_string(parsing, json, kinds[i].name, at, (size_t)2 * SURVEY_ID_BYTES,
                                &condition->name);
            condition->of = kinds[i].of;
            found++;
        }
    if (!code && found != 1)
        code =
            parse_fault(parsing, at, "",
                        "a condition names a question, a hidden field or a trait, or is all, any "
                        "or not");
    if (!code)
        code = parse_string(parsing, json, "op", at, 16, &op);
    if (code)
        return code;
    while (condition->op < OPS && strcmp(op_names[condition->op], op) != 0)
        condition->op++;
    if (condition->op == OPS)
        return parse_fault(parsing, at, "op",
                           "must be one of = != < <= > >= in contains exists absent");
    if (condition->of == OF_QUESTION)
        code = check_question(parsing, at, condition);
    return code ? code : check_value(parsing, json, at, condition);
}

static int parse_at_depth(struct parsing *parsing, const json_t *json, const char *at, int depth,
                          const struct survey_condition **out) {
    static const char *const names[] = {"all", "any", "not"};
    struct survey_condition *condition = ARENA_ARRAY(parsing->arena, struct survey_condition, 1);
    *condition = (struct survey_condition){.name = "", .part = "", .json = json};
    *out = condition;
    if (!json_is_object(json))
        return parse_fault(parsing, at, "", "a condition is an object");
    if (depth > CONDITION_DEPTH)
        return parse_fault(parsing, at, "", "conditions stand in each other too deeply");
    for (size_t i = 0; i < 3; i++)
        if (json_object_get(json, names[i]))
            return parse_inner(parsing, json, names[i], at, depth, condition);
    return parse_leaf(parsing, json, at, condition);
}

int parse_condition(struct parsing *parsing, const json_t *json, const char *at,
                    const struct survey_condition **condition) {
    return parse_at_depth(parsing, json, at, 0, condition);
}

/* ---- holding ---- */

static const json_t *said(const struct survey_condition *condition, const json_t *answers,
                          const struct survey_context *context) {
    const json_t *from = condition->of == OF_HIDDEN  ? context->hidden
                         : condition->of == OF_TRAIT ? context->traits
                                                     : answers;
    const json_t *value = json_object_get(from, condition->name);
    if (*condition->part)
        value = json_object_get(value, condition->part);
    bool empty = !value || json_is_null(value) ||
                 (json_is_string(value) && !json_string_length(value)) ||
                 (json_is_array(value) && !json_array_size(value)) ||
                 (json_is_object(value) && !json_object_size(value));
    return empty ? NULL : value;
}

/* A number, also one that was written as text (hidden fields). */
static bool number_of(const json_t *value, double *number) {
    char *end = NULL;
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text || !*text || strlen(text) > 30 || !strchr("-0123456789", *text))
        return false;
    *number = strtod(text, &end);
    return !*end;
}

/* <0, 0, >0; 2: they do not compare. */
static int compare(const json_t *a, const json_t *b) {
    double x, y;
    if (json_is_boolean(a) || json_is_boolean(b))
        return json_is_boolean(a) && json_is_boolean(b) ? json_is_true(a) - json_is_true(b) : 2;
    if ((json_is_number(a) || json_is_number(b)) && number_of(a, &x) && number_of(b, &y))
        return (x > y) - (x < y);
    if (!json_is_string(a) || !json_is_string(b))
        return 2;
    int order = strcmp(json_string_value(a), json_string_value(b));
    return (order > 0) - (order < 0);
}

static bool equals_any(const json_t *value, const json_t *wanted) {
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)value, i,
                       each) if (compare(each, wanted) == 0) return true;
    return !json_is_array(value) && compare(value, wanted) == 0;
}

static bool is_in(const json_t *value, const json_t *list) {
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, each) if (equals_any(value, each)) return true;
    return false;
}

static bool leaf_holds(const struct survey_condition *condition, const json_t *value) {
    if (condition->op == ABSENT)
        return !value;
    if (!value)
        return false;
    int order = compare(value, condition->value);
    switch (condition->op) {
    case EQ: return equals_any(value, condition->value);
    case NE: return !equals_any(value, condition->value);
    case LT: return order == -1;
    case LE: return order == -1 || order == 0;
    case GT: return order == 1;
    case GE: return order == 1 || order == 0;
    case IN: return is_in(value, condition->value);
    case CONTAINS:
        if (json_is_string(value) && json_is_string(condition->value))
            return strstr(json_string_value(value), json_string_value(condition->value)) != NULL;
        return equals_any(value, condition->value);
    default: return true;
    }
}

bool survey_holds(const struct survey_condition *condition, const json_t *answers,
                  const struct survey_context *context) {
    if (!condition)
        return true;
    if (condition->of >= OF_QUESTION)
        return leaf_holds(condition, said(condition, answers, context));
    for (size_t i = 0; i < condition->n; i++) {
        bool holds = survey_holds(condition->inner[i], answers, context);
        if (condition->of == OF_NOT)
            return !holds;
        if (holds != (condition->of == OF_ALL))
            return holds;
    }
    return condition->of == OF_ALL;
}
