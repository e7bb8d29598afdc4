/*
 * SurveyJS: its JSON of pages and elements.
 *
 * Panels are flattened. A rating from 0 to 10 is taken for NPS, other ratings for ratings. Conditions `visibleIf` are taken where they
 * are comparisons joined by `and` or by `or`; every other one is noted, and its question is then always asked.
 *
 * SOURCE  surveyjs.io/form-library/documentation (Survey JSON schema).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "survey/formats.h"

enum { PANELS_DEEP = 8, COMPARISONS = 20 };

struct theirs {
    json_t *left, *languages, *ids, *questions; /* questions: of the page that is read */
    json_t *names;                              /* their names → our ids */
    json_t *values; /* our ids → their values of options → our ids */
    struct arena *arena;
};

static const char *text_at(const json_t *json, const char *name) {
    return json_string_value(json_object_get(json, name));
}

/* ---- texts ---- */

static void know_language(struct theirs *theirs, const char *language) {
    json_t *each;
    size_t i;
    json_array_foreach(theirs->languages, i,
                       each) if (strcmp(json_string_value(each), language) == 0) return;
    json_array_append_new(theirs->languages, json_string(language));
}

/* {"default": …, "de": …} as ours; without HTML it stays as it is. New reference, NULL if there is none. */
static json_t *text_json(struct theirs *theirs, const json_t *value) {
    const char *language;
    json_t *each;
    if (json_is_string(value))
        return json_string_length(value) ? json_incref((json_t *)(uintptr_t)value) : NULL;
    if (json_is_number(value) || json_is_boolean(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        json_t *json = json_string(text);
        free(text);
        return json;
    }
    json_t *texts = json_object();
    json_object_foreach((json_t *)(uintptr_t)value, language, each) {
        const char *first = json_string_value(json_array_get(theirs->languages, 0));
        const char *own = strcmp(language, "default") == 0 ? first : language;
        if (!json_is_string(each) || strlen(own) > 20)
            continue;
        know_language(theirs, own);
        json_object_set(texts, own, each);
    }
    if (json_object_size(texts))
        return texts;
    json_decref(texts);
    return NULL;
}

static void set_text(struct theirs *theirs, json_t *to, const char *name, const json_t *value) {
    json_t *text = text_json(theirs, value);
    if (text)
        json_object_set_new(to, name, text);
}

/* ---- choices ---- */

/* A list of texts, numbers or {"value","text"}; values takes what they are called there. */
static json_t *options_json(struct theirs *theirs, const json_t *list, bool pictures,
                            json_t *values) {
    json_t *options = json_array(), *each, *taken = json_object();
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, each) {
        json_t *value = json_is_object(each) ? json_object_get(each, "value") : each;
        const json_t *text = json_is_object(each) ? json_object_get(each, "text") : each;
        char *name = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        const char *plain = json_is_string(value) ? json_string_value(value) : name;
        const char *id = import_id(plain, arena_format(theirs->arena, "option-%zu", i + 1), taken,
                                   theirs->arena);
        json_t *option = json_pack("{s:s}", "id", id);
        if (values && plain)
            json_object_set_new(values, plain, json_string(id));
        set_text(theirs, option, "text", text ? text : value);
        const char *image = pictures ? text_at(each, "imageLink") : NULL;
        if (image && strncmp(image, "data:image/", 11) == 0)
            json_object_set_new(option, "image", json_string(image));
        else if (image)
            import_left(theirs->left, plain, "pictures must stand in the file (data:)");
        if (!json_object_get(option, "text"))
            json_object_set_new(option, "text", json_string(plain ? plain : id));
        json_array_append_new(options, option);
        free(name);
    }
    json_decref(taken);
    return options;
}

static void add_choices(struct theirs *theirs, const json_t *element, json_t *question) {
    bool pictures = strcmp(text_at(question, "type"), "picture") == 0;
    json_t *values = json_object();
    json_object_set_new(theirs->values, text_at(question, "id"), values);
    json_object_set_new(
        question, "options",
        options_json(theirs, json_object_get(element, "choices"), pictures, values));
    bool plain = strncmp(text_at(question, "type"), "choice", 6) == 0;
    const json_t *other = json_object_get(element, "otherText"),
                 *none = json_object_get(element, "noneText");
    if (plain && (json_is_true(json_object_get(element, "hasOther")) ||
                  json_is_true(json_object_get(element, "showOtherItem")))) {
        json_object_set_new(question, "other", json_true());
        set_text(theirs, question, "other", other);
    }
    if (plain && (json_is_true(json_object_get(element, "hasNone")) ||
                  json_is_true(json_object_get(element, "showNoneItem")))) {
        json_object_set_new(question, "none", json_true());
        set_text(theirs, question, "none", none);
    }
    const char *order = text_at(element, "choicesOrder");
    if (order && strcmp(order, "random") == 0)
        json_object_set_new(question, "random", json_true());
    if (json_object_get(element, "choicesByUrl"))
        import_left(theirs->left, text_at(element, "name"), "choices from an address");
}

/* ---- conditions ---- */

static const char *skip_blanks(const char *at) { return at + strspn(at, " \t\n()"); }

/* 'text', 12.5, true: what stands at *p, an option by our id. New reference, NULL for anything else. */
static json_t *compared(struct theirs *theirs, const char *question, const char **p) {
    const char *at = *p, *end = NULL;
    bool quoted = *at == '\'' || *at == '"';
    struct slice text = {at, strcspn(at, " )\n\t")};
    if (quoted) {
        end = strchr(at + 1, *at);
        text = (struct slice){at + 1, end ? (size_t)(end - at - 1) : 0};
    }
    *p = text.p + text.n + quoted;
    if (!text.n || (quoted && !end))
        return NULL;
    const char *plain = arena_text(theirs->arena, text);
    json_t *own = json_object_get(json_object_get(theirs->values, question), plain);
    char *stop;
    double number = strtod(plain, &stop);
    bool truth = strcmp(plain, "true") == 0 || strcmp(plain, "false") == 0;
    if (own)
        return json_incref(own);
    if (quoted || truth)
        return json_string(plain);
    return *stop ? NULL : json_real(number);
}

/* "{name} op value" from *at: a new reference, or NULL where it is more than that. */
static json_t *comparison(struct theirs *theirs, const char **at) {
    static const struct {
        const char *theirs, *ours;
        bool valued;
    } ops[] = {{"notempty", "exists", false},
               {"empty", "absent", false},
               {"contains", "=", true},
               {"==", "=", true},
               {"=", "=", true},
               {"<>", "!=", true},
               {"!=", "!=", true},
               {"<=", "<=", true},
               {">=", ">=", true},
               {"<", "<", true},
               {">", ">", true}};
    const char *p = skip_blanks(*at), *end = *p == '{' ? strchr(p, '}') : NULL;
    if (!end)
        return NULL;
    const char *name = arena_text(theirs->arena, (struct slice){p + 1, (size_t)(end - p - 1)});
    const char *id = json_string_value(json_object_get(theirs->names, name));
    size_t k = 0;
    p = skip_blanks(end + 1);
    while (k < sizeof ops / sizeof *ops && strncmp(p, ops[k].theirs, strlen(ops[k].theirs)) != 0)
        k++;
    if (!id || k == sizeof ops / sizeof *ops)
        return NULL;
    p = skip_blanks(p + strlen(ops[k].theirs));
    json_t *value = NULL;
    if (ops[k].valued && !(value = compared(theirs, id, &p)))
        return NULL;
    *at = skip_blanks(p);
    json_t *condition = json_pack("{s:s, s:s}", "question", id, "op", ops[k].ours);
    if (value)
        json_object_set_new(condition, "value", value);
    return condition;
}

static json_t *condition_json(struct theirs *theirs, const char *text) {
    json_t *list = json_array();
    const char *at = text, *joint = NULL;
    for (int i = 0; i < COMPARISONS; i++) {
        json_t *one = comparison(theirs, &at);
        if (!one)
            break;
        json_array_append_new(list, one);
        const char *next = strncmp(at, "and ", 4) == 0  ? "all"
                           : strncmp(at, "or ", 3) == 0 ? "any"
                                                        : NULL;
        if (!*at) {
            json_t *only = json_incref(json_array_get(list, 0));
            json_t *all = joint ? json_pack("{s:O}", joint, list) : json_incref(only);
            json_decref(only);
            json_decref(list);
            return all;
        }
        if (!next || (joint && strcmp(joint, next) != 0))
            break;
        joint = next;
        at += *next == 'a' && at[0] == 'a' ? 4 : 3;
    }
    json_decref(list);
    return NULL;
}

/* ---- elements ---- */

static void add_rating(const json_t *element, json_t *question) {
    const json_t *low = json_object_get(element, "rateMin"),
                 *high = json_object_get(element, "rateMax"),
                 *count = json_object_get(element, "rateCount");
    size_t values = json_array_size(json_object_get(element, "rateValues"));
    double min = low ? json_number_value(low) : 1;
    double max = high     ? json_number_value(high)
                 : count  ? min + json_number_value(count) - 1
                 : values ? min + (double)values - 1
                          : 5;
    const char *look = text_at(element, "rateType");
    if (min == 0 && max == 10) {
        json_object_set_new(question, "type", json_string("nps"));
        return;
    }
    json_object_set_new(question, "scale", json_pack("[I, I]", (json_int_t)min, (json_int_t)max));
    if (look && strcmp(look, "stars") == 0)
        json_object_set_new(question, "look", json_string("stars"));
    if (look && strncmp(look, "smile", 5) == 0 && max - min <= 4)
        json_object_set_new(question, "look", json_string("faces"));
}

static void add_matrix(struct theirs *theirs, const json_t *element, json_t *question) {
    json_object_set_new(question, "rows",
                        options_json(theirs, json_object_get(element, "rows"), false, NULL));
    json_object_set_new(question, "columns",
                        options_json(theirs, json_object_get(element, "columns"), false, NULL));
}

static void add_boolean(struct theirs *theirs, const json_t *element, json_t *question) {
    json_t *yes = json_pack("{s:s, s:{s:s, s:s}}", "id", "true", "text", "es", "Sí", "en", "Yes"),
           *no = json_pack("{s:s, s:{s:s, s:s}}", "id", "false", "text", "es", "No", "en", "No");
    const char *first = json_string_value(json_array_get(theirs->languages, 0));
    bool spanish = strncmp(first, "es", 2) == 0;
    json_object_set_new(yes, "text", json_string(spanish ? "Sí" : "Yes"));
    json_object_set_new(no, "text", json_string("No"));
    set_text(theirs, yes, "text", json_object_get(element, "labelTrue"));
    set_text(theirs, no, "text", json_object_get(element, "labelFalse"));
    json_object_set_new(question, "options", json_pack("[o, o]", yes, no));
}

/* What a text field asks for. */
static void add_field(struct theirs *theirs, const json_t *element, json_t *question) {
    const char *input = text_at(element, "inputType");
    const json_t *most = json_object_get(element, "maxLength");
    if (input && (strcmp(input, "number") == 0 || strcmp(input, "range") == 0)) {
        json_object_set_new(question, "type", json_string("number"));
        if (json_is_number(json_object_get(element, "min")))
            json_object_set(question, "min", json_object_get(element, "min"));
        if (json_is_number(json_object_get(element, "max")))
            json_object_set(question, "max", json_object_get(element, "max"));
    } else if (input && strcmp(input, "date") == 0) {
        json_object_set_new(question, "type", json_string("date"));
    } else if (input && (strcmp(input, "email") == 0 || strcmp(input, "tel") == 0)) {
        json_object_set_new(question, "type", json_string("contact"));
        json_object_set_new(question, "fields",
                            json_pack("[s]", *input == 'e' ? "email" : "phone"));
    } else {
        if (json_is_integer(most) && json_integer_value(most) > 0)
            json_object_set(question, "most", (json_t *)(uintptr_t)most);
        set_text(theirs, question, "placeholder", json_object_get(element, "placeholder"));
    }
}

static const struct {
    const char *theirs, *ours;
} types[] = {{"rating", "rating"},       {"radiogroup", "choice"}, {"dropdown", "choice"},
             {"checkbox", "choices"},    {"tagbox", "choices"},    {"ranking", "ranking"},
             {"imagepicker", "picture"}, {"matrix", "matrix"},     {"boolean", "choice"},
             {"text", "short_text"},     {"comment", "long_text"}, {"html", "statement"}};

/* HTML without its tags. */
static char *plain_text(const char *html, struct arena *arena) {
    char *text = arena_text(arena, slice_of(html)), *to = text;
    bool tag = false;
    for (const char *c = html; *c; c++) {
        tag |= *c == '<';
        if (!tag)
            *to++ = *c;
        tag &= *c != '>';
    }
    *to = 0;
    return text;
}

static void add_kind(struct theirs *theirs, const char *type, const json_t *element,
                     json_t *question) {
    const char *own = text_at(question, "type");
    if (strcmp(type, "boolean") == 0)
        add_boolean(theirs, element, question);
    else if (strncmp(own, "choice", 6) == 0 || strcmp(own, "ranking") == 0 ||
             strcmp(own, "picture") == 0)
        add_choices(theirs, element, question);
    else if (strcmp(own, "matrix") == 0)
        add_matrix(theirs, element, question);
    else if (strcmp(own, "rating") == 0)
        add_rating(element, question);
    else if (strcmp(type, "text") == 0)
        add_field(theirs, element, question);
    else if (strcmp(type, "html") == 0 && text_at(element, "html"))
        json_object_set_new(question, "text",
                            json_string(plain_text(text_at(element, "html"), theirs->arena)));
}

static void add_question(struct theirs *theirs, const json_t *element) {
    const char *type = text_at(element, "type"), *name = text_at(element, "name");
    size_t k = 0;
    while (k < sizeof types / sizeof *types && type && strcmp(types[k].theirs, type) != 0)
        k++;
    if (!type || k == sizeof types / sizeof *types) {
        import_left(theirs->left, name ? name : type,
                    arena_format(theirs->arena, "type %.40s", type ? type : "?"));
        return;
    }
    const char *id = import_id(name, "question", theirs->ids, theirs->arena);
    json_t *question = json_pack("{s:s, s:s}", "id", id, "type", types[k].ours);
    if (name)
        json_object_set_new(theirs->names, name, json_string(id));
    set_text(theirs, question, "text", json_object_get(element, "title"));
    set_text(theirs, question, "help", json_object_get(element, "description"));
    if (json_is_true(json_object_get(element, "isRequired")))
        json_object_set_new(question, "required", json_true());
    add_kind(theirs, type, element, question);
    set_text(theirs, question, "low", json_object_get(element, "minRateDescription"));
    set_text(theirs, question, "high", json_object_get(element, "maxRateDescription"));
    if (!json_object_get(question, "text"))
        json_object_set_new(question, "text", json_string(name && *name ? name : id));
    const char *visible = text_at(element, "visibleIf");
    json_t *condition = visible ? condition_json(theirs, visible) : NULL;
    if (condition)
        json_object_set_new(question, "show_if", condition);
    else if (visible)
        import_left(theirs->left, visible, "condition");
    import_add(theirs->questions, question, theirs->left);
}

static void add_elements(struct theirs *theirs, const json_t *from, int depth) {
    const json_t *list = json_object_get(from, "elements");
    json_t *element;
    size_t i;
    if (!list)
        list = json_object_get(from, "questions");
    json_array_foreach((json_t *)(uintptr_t)list, i, element) {
        const char *type = text_at(element, "type");
        if (type && strcmp(type, "panel") == 0 && depth < PANELS_DEEP)
            add_elements(theirs, element, depth + 1);
        else
            add_question(theirs, element);
    }
}

static void add_page(struct theirs *theirs, const json_t *page, json_t *taken, json_t *pages) {
    json_t *ours = json_object();
    theirs->questions = json_array();
    json_object_set_new(
        ours, "id", json_string(import_id(text_at(page, "name"), "page", taken, theirs->arena)));
    set_text(theirs, ours, "title", json_object_get(page, "title"));
    add_elements(theirs, page, 0);
    const char *visible = text_at(page, "visibleIf");
    json_t *condition = visible ? condition_json(theirs, visible) : NULL;
    if (condition)
        json_object_set_new(ours, "show_if", condition);
    else if (visible)
        import_left(theirs->left, visible, "condition");
    json_object_set_new(ours, "questions", theirs->questions);
    if (json_array_size(theirs->questions))
        json_array_append(pages, ours);
    json_decref(ours);
}

int import_surveyjs(const json_t *source, json_t *left, json_t **definition, struct err *err) {
    const char *locale = text_at(source, "locale");
    const json_t *list = json_object_get(source, "pages");
    json_t *pages = json_array(), *taken = json_object(), *page;
    struct arena arena;
    size_t i;
    arena_init(&arena);
    struct theirs theirs = {.left = left,
                            .languages = json_array(),
                            .ids = json_object(),
                            .names = json_object(),
                            .values = json_object(),
                            .arena = &arena};
    know_language(&theirs, locale && *locale ? locale : "en");
    *definition = json_object();
    json_object_set_new(*definition, "title", json_string("Survey"));
    set_text(&theirs, *definition, "title", json_object_get(source, "title"));
    set_text(&theirs, *definition, "welcome", json_object_get(source, "description"));
    if (text_at(source, "completedHtml"))
        json_object_set_new(*definition, "thanks",
                            json_string(plain_text(text_at(source, "completedHtml"), &arena)));
    json_array_foreach((json_t *)(uintptr_t)list, i, page) add_page(&theirs, page, taken, pages);
    if (!list)
        add_page(&theirs, source, taken, pages);
    if (json_array_size(json_object_get(source, "triggers")))
        import_left(left, "triggers", "triggers");
    bool any = json_array_size(pages) > 0;
    json_object_set(*definition, "languages", theirs.languages);
    json_object_set_new(*definition, "pages", pages);
    json_decref(theirs.languages);
    json_decref(theirs.ids);
    json_decref(theirs.names);
    json_decref(theirs.values);
    json_decref(taken);
    arena_release(&arena);
    return any ? 0 : err_set(err, E_INVALID, "there is no question in this file that we know");
}
