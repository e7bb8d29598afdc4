/*
 * SurveyJS: its JSON of pages and elements.
 *
 * Panels are flattened: their condition holds for each of their questions. A rating from 0 to 10 is taken for NPS, other ratings for
 * ratings. Each field of a `multipletext` is a question of its own. Conditions `visibleIf` are taken (surveyjs_condition).
 * One that calls functions or counts is noted, and its question is then always asked. Whatever else is not taken is noted as well.
 *
 * SOURCE  surveyjs.io/form-library/documentation (Survey JSON schema).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "survey/formats.h"

enum { PANELS_DEEP = 8 };

struct theirs {
    json_t *left, *languages, *ids, *questions; /* questions: of the page that is read */
    json_t *names;                              /* their names → our ids */
    json_t *values;      /* our ids → their values of options → our ids */
    const json_t *panel; /* the condition of the panels around, or NULL */
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

/* {name} of a question before. */
static const char *quoted(void *of, struct slice inner) {
    struct theirs *theirs = of;
    const char *id =
        json_string_value(json_object_get(theirs->names, arena_text(theirs->arena, inner)));
    return id ? arena_format(theirs->arena, "{{%s}}", id) : NULL;
}

static json_t *quoting(struct theirs *theirs, const json_t *text) {
    return json_string(import_quotes(json_string_value(text), quoted, theirs, theirs->arena));
}

/* {"default": …, "de": …} as ours; without HTML it stays as it is. New reference, NULL if there is none. */
static json_t *text_json(struct theirs *theirs, const json_t *value) {
    const char *language;
    json_t *each;
    if (json_is_string(value))
        return json_string_length(value) ? quoting(theirs, value) : NULL;
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
        json_object_set_new(texts, own, quoting(theirs, each));
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

static void set_first_text(struct theirs *theirs, json_t *object, const char *name,
                           const json_t *element, const char *member, const char *older) {
    const json_t *text = json_object_get(element, member);
    set_text(theirs, object, name, text ? text : json_object_get(element, older));
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
    const json_t *most = json_object_get(element, "maxSelectedChoices"),
                 *least = json_object_get(element, "minSelectedChoices");
    if (strcmp(text_at(question, "type"), "choices") == 0 && json_integer_value(most) > 0)
        json_object_set(question, "most", (json_t *)(uintptr_t)most);
    if (strcmp(text_at(question, "type"), "choices") == 0 && json_integer_value(least) > 0)
        json_object_set(question, "least", (json_t *)(uintptr_t)least);
    const char *order = text_at(element, "choicesOrder");
    if (order && strcmp(order, "random") == 0)
        json_object_set_new(question, "random", json_true());
    if (json_object_get(element, "choicesByUrl"))
        import_left(theirs->left, text_at(element, "name"), "choices from an address");
}

/* ---- conditions ---- */

/* The element's own condition and that of the panels around it: a new reference, or NULL. */
static json_t *visible_json(struct theirs *theirs, const json_t *element) {
    const char *visible = text_at(element, "visibleIf");
    json_t *own = visible && *visible
                      ? surveyjs_condition(theirs->names, theirs->values, visible, theirs->arena)
                      : NULL,
           *panel = (json_t *)(uintptr_t)theirs->panel;
    if (visible && *visible && !own)
        import_left(theirs->left, visible, "condition");
    return own && panel ? json_pack("{s:[o, O]}", "all", own, panel)
           : own        ? own
                        : json_incref(panel);
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
        if (json_number_value(json_object_get(element, "step")) > 0)
            json_object_set(question, "step", json_object_get(element, "step"));
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
        json_object_set_new(
            question, "text",
            json_string(import_quotes(html_text(text_at(element, "html"), theirs->arena), quoted,
                                      theirs, theirs->arena)));
}

/* Members that change what is asked, and that we have nothing for. */
static void note_members(struct theirs *theirs, const json_t *element, const char *name) {
    static const char *const members[] = {"requiredIf",
                                          "enableIf",
                                          "setValueIf",
                                          "setValueExpression",
                                          "validators",
                                          "defaultValue",
                                          "defaultValueExpression",
                                          "choicesVisibleIf",
                                          "choicesEnableIf",
                                          "rowsVisibleIf",
                                          "columnsVisibleIf",
                                          "choicesFromQuestion",
                                          "resetValueIf",
                                          "minErrorText",
                                          "hasComment",
                                          "showCommentArea",
                                          "minValueExpression",
                                          "maxValueExpression"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *value = json_object_get(element, members[i]);
        if (value && !json_is_false(value) && !json_is_null(value))
            import_left(theirs->left, name, members[i]);
    }
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
    /* Older files have longer names, one of them misspelt. */
    set_first_text(theirs, question, "low", element, "minRateDescription",
                   "mininumRateDescription");
    set_first_text(theirs, question, "high", element, "maxRateDescription",
                   "maximumRateDescription");
    if (!json_object_get(question, "text"))
        json_object_set_new(question, "text", json_string(name && *name ? name : id));
    json_t *condition = visible_json(theirs, element);
    if (condition)
        json_object_set_new(question, "show_if", condition);
    note_members(theirs, element, name ? name : id);
    import_add(theirs->questions, question, theirs->left);
}

/* Each field is a question, called "title: field". */
static void add_several(struct theirs *theirs, const json_t *element) {
    const char *name = text_at(element, "name");
    json_t *title = text_json(theirs, json_object_get(element, "title")), *item;
    const char *around = json_is_string(title) ? json_string_value(title) : name ? name : "";
    size_t i;
    json_array_foreach(json_object_get(element, "items"), i, item) {
        const char *own = text_at(item, "name"), *label = text_at(item, "title");
        json_t *one = json_copy(item);
        const char *full =
            arena_format(theirs->arena, "%s.%s", name ? name : "question", own ? own : "field");
        json_object_set_new(one, "type", json_string("text"));
        json_object_set_new(one, "name", json_string(full));
        if (label || !json_object_get(item, "title"))
            json_object_set_new(one, "title",
                                json_sprintf("%s: %s", around,
                                             label ? label
                                             : own ? own
                                                   : "?"));
        if (json_object_get(element, "visibleIf"))
            json_object_set(one, "visibleIf", json_object_get(element, "visibleIf"));
        if (json_is_true(json_object_get(element, "isRequired")))
            json_object_set_new(one, "isRequired", json_true());
        add_question(theirs, one);
        json_decref(one);
    }
    json_decref(title);
}

static void add_elements(struct theirs *theirs, const json_t *from, int depth);

/* A panel's condition is that of each of its questions. */
static void add_panel(struct theirs *theirs, const json_t *panel, int depth) {
    const json_t *around = theirs->panel;
    json_t *condition = visible_json(theirs, panel);
    if (json_object_get(panel, "title"))
        import_left(theirs->left, text_at(panel, "name"), "the panel's title");
    theirs->panel = condition;
    add_elements(theirs, panel, depth + 1);
    theirs->panel = around;
    json_decref(condition);
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
            add_panel(theirs, element, depth);
        else if (type && strcmp(type, "multipletext") == 0)
            add_several(theirs, element);
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
    json_t *condition = visible_json(theirs, page);
    if (condition)
        json_object_set_new(ours, "show_if", condition);
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
                            json_string(html_text(text_at(source, "completedHtml"), &arena)));
    json_array_foreach((json_t *)(uintptr_t)list, i, page) add_page(&theirs, page, taken, pages);
    if (!list)
        add_page(&theirs, source, taken, pages);
    static const char *const whole[] = {"triggers", "calculatedValues", "completedHtmlOnCondition",
                                        "navigateToUrl", "maxTimeToFinish"};
    for (size_t k = 0; k < sizeof whole / sizeof *whole; k++)
        if (json_object_get(source, whole[k]))
            import_left(left, "survey", whole[k]);
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
