/*
 * LimeSurvey: the XML of .lss files, a dump of its tables.
 *
 * FORMAT  <document><TABLE><rows><row><FIELD>text</FIELD>…; tables groups, questions, subquestions, answers, question_attributes,
 * surveys_languagesettings; since version 4 the texts stand in group_l10ns, question_l10ns and answer_l10ns, before that a row
 * is repeated for each language. Entities are not expanded.
 *
 * SOURCE  limesurvey.org, application/helpers/export_helper.php (surveyGetXMLData).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "survey/formats.h"

enum { FIELD_BYTES = 64 * 1024, DEEP = 32 };

/* ---- tables ---- */

struct reading {
    json_t *tables, *row, *languages;
    char path[DEEP][64];
    int depth;
    struct buf text;
    XML_Parser parser;
};

static void begin(void *context, const char *name, const char **attributes) {
    struct reading *reading = context;
    (void)attributes;
    if (reading->depth == DEEP) {
        XML_StopParser(reading->parser, XML_FALSE);
        return;
    }
    snprintf(reading->path[reading->depth++], sizeof reading->path[0], "%s", name);
    buf_clear(&reading->text);
    if (reading->depth == 4 && strcmp(name, "row") == 0)
        reading->row = json_object();
}

static void text(void *context, const char *bytes, int n) {
    struct reading *reading = context;
    buf_add(&reading->text, bytes, (size_t)n);
}

static void end(void *context, const char *name) {
    struct reading *reading = context;
    struct slice value = buf_slice(&reading->text);
    if (reading->depth == 5 && reading->row) {
        json_object_set_new(reading->row, name, json_stringn(value.p, value.n));
    } else if (reading->depth == 4 && reading->row) {
        json_t *rows = json_object_get(reading->tables, reading->path[1]);
        if (!rows) {
            rows = json_array();
            json_object_set_new(reading->tables, reading->path[1], rows);
        }
        json_array_append_new(rows, reading->row);
        reading->row = NULL;
    } else if (reading->depth == 3 && strcmp(name, "language") == 0 && value.n) {
        json_array_append_new(reading->languages, json_stringn(value.p, value.n));
    }
    buf_clear(&reading->text);
    reading->depth--;
}

static void no_entities(void *context, const char *name, int is_parameter, const char *value, int n,
                        const char *base, const char *system, const char *public,
                        const char *notation) {
    struct reading *reading = context;
    (void)name, (void)is_parameter, (void)value, (void)n, (void)base, (void)system, (void)public,
        (void)notation;
    XML_StopParser(reading->parser, XML_FALSE);
}

static int read_tables(struct slice xml, struct reading *reading, struct err *err) {
    reading->parser = XML_ParserCreate(NULL);
    if (!reading->parser)
        abort();
    buf_init(&reading->text, FIELD_BYTES);
    XML_SetUserData(reading->parser, reading);
    XML_SetElementHandler(reading->parser, begin, end);
    XML_SetCharacterDataHandler(reading->parser, text);
    XML_SetEntityDeclHandler(reading->parser, no_entities);
    int code = 0;
    if (XML_Parse(reading->parser, xml.n ? xml.p : "", (int)xml.n, 1) != XML_STATUS_OK)
        code = err_set(err, E_MALFORMED, "the file is not valid XML: line %lu",
                       (unsigned long)XML_GetCurrentLineNumber(reading->parser));
    json_decref(reading->row);
    XML_ParserFree(reading->parser);
    buf_release(&reading->text);
    return code;
}

/* ---- from tables to questions ---- */

struct lime {
    const json_t *tables;
    json_t *left, *languages, *taken, *names; /* names: qid and code → our id */
    json_t *traits;                           /* that texts quote, as members */
    struct arena *arena;
};

static const char *field(const json_t *row, const char *name) {
    const char *value = json_string_value(json_object_get(row, name));
    return value ? value : "";
}

static const json_t *table(const struct lime *lime, const char *name) {
    return json_object_get(lime->tables, name);
}

/* What stands between the braces of a text of theirs: an answer given before, or a field of the person's list. NULL: something that is
 * calculated, which is noted. */
static const char *quoted(void *of, struct slice inner) {
    static const char *const fields[][2] = {{"TOKEN:FIRSTNAME", "first_name"},
                                            {"TOKEN:LASTNAME", "last_name"},
                                            {"TOKEN:EMAIL", "email"}};
    struct lime *lime = of;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (slice_is(inner, fields[i][0])) {
            json_object_set_new(lime->traits, fields[i][1], json_true());
            return arena_format(lime->arena, "{{trait.%s|}}", fields[i][1]);
        }
    const char *name = arena_text(lime->arena, inner), *insert = "INSERTANS:";
    if (strncmp(name, insert, strlen(insert)) == 0 && strrchr(name, 'X'))
        name = strrchr(name, 'X') + 1;
    struct slice code = {name, strcspn(name, ".")};
    const char *id = json_string_value(json_object_get(lime->names, arena_text(lime->arena, code)));
    if (!id)
        import_left(lime->left, arena_format(lime->arena, "{%.*s}", SLICE_ARGS(inner)),
                    "expression in a text");
    return id ? arena_format(lime->arena, "{{%s}}", id) : NULL;
}

/* A text as people read it, with what it quotes in our way. */
static const char *plain(struct lime *lime, const char *html) {
    return import_quotes(html_text(html, lime->arena), quoted, lime, lime->arena);
}

static bool knows(const struct lime *lime, const char *language) {
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)lime->languages, i,
                       each) if (strcmp(json_string_value(each), language) == 0) return true;
    return false;
}

/* The texts of a thing in all languages: rows of `name` where `key` is `id`, member `column`; "" is left out. */
static json_t *texts(struct lime *lime, const char *name, const char *key, const char *id,
                     const char *column) {
    json_t *found = json_object(), *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)table(lime, name), i, row) {
        if (strcmp(field(row, key), id) != 0)
            continue;
        const char *value = plain(lime, field(row, column)), *language = field(row, "language");
        if (!*value)
            continue;
        if (!*language)
            language = json_string_value(json_array_get(lime->languages, 0));
        if (knows(lime, language))
            json_object_set_new(found, language, json_string(value));
    }
    return found;
}

/* Texts of the newer table, else of the older. New reference; NULL where there is none. */
static json_t *texts_of(struct lime *lime, const char *newer, const char *older, const char *key,
                        const char *id, const char *column) {
    json_t *found = texts(lime, newer, key, id, column);
    if (!json_object_size(found)) {
        json_decref(found);
        found = texts(lime, older, key, id, column);
    }
    if (json_object_size(found))
        return found;
    json_decref(found);
    return NULL;
}

static void set_texts(json_t *to, const char *name, json_t *found) {
    if (found)
        json_object_set_new(to, name, found);
}

static int by_number(const char *a, const char *b) {
    long x = strtol(a, NULL, 10), y = strtol(b, NULL, 10);
    return (x > y) - (x < y);
}

/* Rows with a value in a column, once each (by `once`), ordered by a number. */
static size_t rows_where(const struct lime *lime, const char *name, const char *column,
                         const char *value, const char *once, const char *order,
                         const json_t **rows, size_t max) {
    json_t *row;
    size_t i, n = 0;
    json_array_foreach((json_t *)(uintptr_t)table(lime, name), i, row) {
        bool twice = strcmp(field(row, column), value) != 0;
        for (size_t k = 0; k < n; k++)
            twice |= strcmp(field(rows[k], once), field(row, once)) == 0;
        if (!twice && n < max)
            rows[n++] = row;
    }
    for (size_t k = 1; k < n; k++)
        for (size_t j = k; j && by_number(field(rows[j], order), field(rows[j - 1], order)) < 0;
             j--) {
            const json_t *moved = rows[j];
            rows[j] = rows[j - 1];
            rows[j - 1] = moved;
        }
    return n;
}

static json_t *answers_json(struct lime *lime, const char *qid) {
    const json_t *rows[SURVEY_OPTIONS];
    size_t n = rows_where(lime, "answers", "qid", qid, "code", "sortorder", rows, SURVEY_OPTIONS);
    json_t *list = json_array(), *taken = json_object();
    for (size_t i = 0; i < n; i++) {
        json_t *option = json_pack("{s:s}", "id",
                                   import_id(field(rows[i], "code"), "option", taken, lime->arena));
        json_t *found = texts(lime, "answer_l10ns", "aid", field(rows[i], "aid"), "answer");
        json_t *row;
        size_t k;
        json_array_foreach((json_t *)(uintptr_t)table(lime, "answers"), k,
                           row) if (strcmp(field(row, "qid"), qid) == 0 &&
                                    strcmp(field(row, "code"), field(rows[i], "code")) == 0 &&
                                    *field(row, "answer") && *field(row, "language"))
            json_object_set_new(found, field(row, "language"),
                                json_string(plain(lime, field(row, "answer"))));
        if (!json_object_size(found)) {
            json_decref(found);
            found = json_string(field(rows[i], "code"));
        }
        json_object_set_new(option, "text", found);
        json_array_append_new(list, option);
    }
    json_decref(taken);
    return list;
}

static json_t *parts_json(struct lime *lime, const char *qid) {
    const json_t *rows[SURVEY_OPTIONS];
    size_t n = rows_where(lime, "subquestions", "parent_qid", qid, "qid", "question_order", rows,
                          SURVEY_OPTIONS);
    json_t *list = json_array(), *taken = json_object();
    for (size_t i = 0; i < n; i++) {
        json_t *found = texts_of(lime, "question_l10ns", "subquestions", "qid",
                                 field(rows[i], "qid"), "question");
        json_array_append_new(
            list, json_pack("{s:s, s:o}", "id",
                            import_id(field(rows[i], "title"), "row", taken, lime->arena), "text",
                            found ? found : json_string(field(rows[i], "title"))));
    }
    json_decref(taken);
    return list;
}

static json_t *named(struct lime *lime, const char *const (*options)[3], size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *found = json_object();
        for (size_t k = 0; k < json_array_size(lime->languages); k++) {
            const char *language = json_string_value(json_array_get(lime->languages, k));
            json_object_set_new(found, language,
                                json_string(options[i][strncmp(language, "es", 2) == 0 ? 1 : 2]));
        }
        json_array_append_new(list, json_pack("{s:s, s:o}", "id", options[i][0], "text", found));
    }
    return list;
}

static const char *const yes_no[][3] = {{"Y", "Sí", "Yes"}, {"N", "No", "No"}},
                         *const yes_no_unsure[][3] = {{"Y", "Sí", "Yes"},
                                                      {"U", "No sé", "Uncertain"},
                                                      {"N", "No", "No"}},
                         *const more_less[][3] = {{"I", "Más", "Increase"},
                                                  {"S", "Igual", "Same"},
                                                  {"D", "Menos", "Decrease"}},
                         *const sexes[][3] = {{"F", "Mujer", "Female"}, {"M", "Hombre", "Male"}};

/* One letter of theirs: our type, and what it needs. */
static bool add_kind(struct lime *lime, char type, const char *qid, json_t *question) {
    const char *own = NULL;
    switch (type) {
    case '5': own = "rating"; break;
    case 'S': own = "short_text"; break;
    case 'T':
    case 'U': own = "long_text"; break;
    case 'N': own = "number"; break;
    case 'D': own = "date"; break;
    case 'X': own = "statement"; break;
    case 'L':
    case '!':
    case 'O':
        own = "choice";
        json_object_set_new(question, "options", answers_json(lime, qid));
        break;
    case 'M':
    case 'P':
        own = "choices";
        json_object_set_new(question, "options", parts_json(lime, qid));
        break;
    case 'R':
        own = "ranking";
        json_object_set_new(question, "options", answers_json(lime, qid));
        break;
    case 'Y':
        own = "choice";
        json_object_set_new(question, "options", named(lime, yes_no, 2));
        break;
    case 'G':
        own = "choice";
        json_object_set_new(question, "options", named(lime, sexes, 2));
        break;
    case 'F':
    case 'H':
        own = "matrix";
        json_object_set_new(question, "columns", answers_json(lime, qid));
        break;
    case 'A':
    case 'B':
        own = "matrix";
        json_object_set_new(question, "scale", json_pack("[i, i]", 1, type == 'A' ? 5 : 10));
        break;
    case 'C':
        own = "matrix";
        json_object_set_new(question, "columns", named(lime, yes_no_unsure, 3));
        break;
    case 'E':
        own = "matrix";
        json_object_set_new(question, "columns", named(lime, more_less, 3));
        break;
    default: return false;
    }
    json_object_set_new(question, "type", json_string(own));
    if (strcmp(own, "matrix") == 0)
        json_object_set_new(question, "rows", parts_json(lime, qid));
    if (type == 'O' || type == 'P')
        import_left(lime->left, field(question, "id"), "comments of choices");
    return true;
}

/* (({12X3X45.NAOK == "Y"})) or CODE.NAOK >= 3: one comparison, else NULL. */
static json_t *relevance_json(struct lime *lime, const char *text_) {
    char name[64], op[4], value[128];
    const char *text_at = text_ + strspn(text_, " ({");
    size_t n = strcspn(text_at, ".=<>! }"), k = 0;
    if (!n || n >= sizeof name)
        return NULL;
    memcpy(name, text_at, n);
    name[n] = 0;
    text_at += n;
    if (strncmp(text_at, ".NAOK", 5) == 0)
        text_at += 5;
    text_at += strspn(text_at, " }");
    while (k < 2 && *text_at && strchr("=<>!", *text_at))
        op[k++] = *text_at++;
    op[k] = 0;
    text_at += strspn(text_at, " \"'");
    n = strcspn(text_at, "\"' })");
    if (!k || !n || n >= sizeof value || text_at[n + strspn(text_at + n, "\"' })")])
        return NULL;
    memcpy(value, text_at, n);
    value[n] = 0;
    const char *last = strrchr(name, 'X');
    const char *id = json_string_value(
        json_object_get(lime->names, last && isdigit((unsigned char)name[0]) ? last + 1 : name));
    if (!id)
        return NULL;
    const char *own = strcmp(op, "==") == 0 ? "=" : op;
    char *stop;
    double number = strtod(value, &stop);
    return json_pack("{s:s, s:s, s:o}", "question", id, "op", own, "value",
                     *stop ? json_string(value) : json_real(number));
}

static void add_relevance(struct lime *lime, const char *text_, json_t *to) {
    if (!*text_ || strcmp(text_, "1") == 0)
        return;
    json_t *condition = relevance_json(lime, text_);
    if (condition)
        json_object_set_new(to, "show_if", condition);
    else
        import_left(lime->left, text_, "condition");
}

/* Codes of answers that stand alone: "A5;A6". */
static void set_alone(const json_t *question, const char *codes, struct arena *arena) {
    json_t *option;
    size_t i;
    const char *list = arena_format(arena, ";%s;", codes);
    json_array_foreach(json_object_get(question, "options"), i, option) {
        const char *id = json_string_value(json_object_get(option, "id"));
        if (strstr(list, arena_format(arena, ";%s;", id)))
            json_object_set_new(option, "exclusive", json_true());
    }
}

/* Limits of numbers and lengths of texts; false: the value says more than a number. */
static bool set_bound(json_t *question, const char *type, const char *attribute,
                      const char *value) {
    static const struct {
        const char *attribute, *type, *ours;
    } bounds[] = {{"min_num_value_n", "number", "min"},
                  {"max_num_value_n", "number", "max"},
                  {"maximum_chars", "short_text", "most"},
                  {"maximum_chars", "long_text", "most"}};
    char *end;
    double number = strtod(value, &end);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (!*end && strcmp(bounds[i].attribute, attribute) == 0 &&
            strcmp(bounds[i].type, type) == 0) {
            bool most = strcmp(bounds[i].ours, "most") == 0;
            if (most && (number < 1 || number > 4000))
                return true; /* ours is enough */
            json_object_set_new(question, bounds[i].ours,
                                most ? json_integer((json_int_t)number) : json_real(number));
            return true;
        }
    return false;
}

/* Settings of a question that we have as well; those that change what is asked and that we lack, by name. */
static void add_attributes(struct lime *lime, const char *qid, const char *name, json_t *question) {
    static const char *const lacking[] = {
        "array_filter",    "array_filter_exclude", "em_validation_q", "em_validation_sq",
        "hidden",          "max_num_value",        "max_num_value_n", "min_num_value",
        "min_num_value_n", "other_replace_text",   "random_group",    "max_subquestions",
        "equals_num_value"};
    const char *type = field(question, "type");
    bool many = strcmp(type, "choices") == 0;
    json_t *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)table(lime, "question_attributes"), i, row) {
        const char *attribute = field(row, "attribute"), *value = field(row, "value");
        json_int_t number = strtol(value, NULL, 10);
        if (strcmp(field(row, "qid"), qid) != 0 || !*value || strcmp(value, "0") == 0 ||
            strcmp(value, "N") == 0)
            continue;
        if (many && strcmp(attribute, "exclude_all_others") == 0)
            set_alone(question, value, lime->arena);
        if (set_bound(question, type, attribute, value))
            continue;
        if (many && number > 0 && strcmp(attribute, "max_answers") == 0)
            json_object_set_new(question, "most", json_integer(number));
        if (many && number > 0 && strcmp(attribute, "min_answers") == 0)
            json_object_set_new(question, "least", json_integer(number));
        if ((strcmp(attribute, "random_order") == 0 || strcmp(value, "random") == 0) &&
            (json_object_get(question, "options") || json_object_get(question, "rows")))
            json_object_set_new(question, "random", json_true());
        for (size_t k = 0; k < sizeof lacking / sizeof *lacking; k++)
            if (strcmp(attribute, lacking[k]) == 0)
                import_left(lime->left, name, lacking[k]);
    }
}

/* Multiple short texts and numbers: a question each. */
static void add_several(struct lime *lime, const json_t *row, const char *type, json_t *questions) {
    json_t *parts = parts_json(lime, field(row, "qid")), *part;
    size_t i;
    json_array_foreach(parts, i, part) {
        const char *name =
            arena_format(lime->arena, "%s_%s", field(row, "title"), field(part, "id"));
        json_t *question = json_pack("{s:s, s:s, s:O}", "id",
                                     import_id(name, "question", lime->taken, lime->arena), "type",
                                     type, "text", json_object_get(part, "text"));
        if (strcmp(field(row, "mandatory"), "Y") == 0)
            json_object_set_new(question, "required", json_true());
        add_relevance(lime, field(row, "relevance"), question);
        import_add(questions, question, lime->left);
    }
    add_attributes(lime, field(row, "qid"), field(row, "title"), NULL);
    json_decref(parts);
}

static void add_question(struct lime *lime, const json_t *row, json_t *questions) {
    const char *qid = field(row, "qid"), *type = field(row, "type");
    if (*type == 'Q' || *type == 'K') {
        add_several(lime, row, *type == 'Q' ? "short_text" : "number", questions);
        return;
    }
    const char *id = import_id(field(row, "title"), "question", lime->taken, lime->arena);
    json_t *question = json_pack("{s:s}", "id", id);
    if (!add_kind(lime, *type, qid, question)) {
        import_left(lime->left, field(row, "title"), arena_format(lime->arena, "type %.10s", type));
        json_decref(question);
        return;
    }
    json_object_set_new(lime->names, qid, json_string(id));
    json_object_set_new(lime->names, field(row, "title"), json_string(id));
    json_object_set_new(question, "text", json_string(id));
    set_texts(question, "text",
              texts_of(lime, "question_l10ns", "questions", "qid", qid, "question"));
    set_texts(question, "help", texts_of(lime, "question_l10ns", "questions", "qid", qid, "help"));
    if (strcmp(field(row, "mandatory"), "Y") == 0 && *type != 'X')
        json_object_set_new(question, "required", json_true());
    bool choice = strncmp(field(question, "type"), "choice", 6) == 0;
    if (choice && strcmp(field(row, "other"), "Y") == 0)
        json_object_set_new(question, "other", json_true());
    add_attributes(lime, qid, field(row, "title"), question);
    add_relevance(lime, field(row, "relevance"), question);
    import_add(questions, question, lime->left);
}

/* Tables of a file that ask nothing themselves, and have no place here. */
static void note_tables(struct lime *lime) {
    static const char *const names[] = {"quota", "assessments", "defaultvalues"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_array_size(table(lime, names[i])))
            import_left(lime->left, names[i], "table");
}

static json_t *pages_json(struct lime *lime) {
    const json_t *groups[SURVEY_PAGES], *rows[SURVEY_QUESTIONS];
    json_t *pages = json_array(), *row;
    size_t n = 0, i;
    json_array_foreach((json_t *)(uintptr_t)table(lime, "groups"), i, row) {
        bool twice = false;
        for (size_t k = 0; k < n; k++)
            twice |= strcmp(field(groups[k], "gid"), field(row, "gid")) == 0;
        if (!twice && n < SURVEY_PAGES)
            groups[n++] = row;
    }
    for (size_t k = 1; k < n; k++)
        for (size_t j = k; j && by_number(field(groups[j], "group_order"),
                                          field(groups[j - 1], "group_order")) < 0;
             j--) {
            const json_t *moved = groups[j];
            groups[j] = groups[j - 1];
            groups[j - 1] = moved;
        }
    for (size_t g = 0; g < n; g++) {
        const char *gid = field(groups[g], "gid");
        json_t *page = json_object(), *questions = json_array();
        set_texts(page, "title", texts_of(lime, "group_l10ns", "groups", "gid", gid, "group_name"));
        add_relevance(lime, field(groups[g], "grelevance"), page);
        size_t many = rows_where(lime, "questions", "gid", gid, "qid", "question_order", rows,
                                 SURVEY_QUESTIONS);
        for (size_t k = 0; k < many; k++)
            add_question(lime, rows[k], questions);
        json_object_set_new(page, "questions", questions);
        if (json_array_size(questions))
            json_array_append(pages, page);
        json_decref(page);
    }
    return pages;
}

/* The language that the survey was written in is the fallback. */
static void order_languages(struct lime *lime) {
    const char *base = field(json_array_get(table(lime, "surveys"), 0), "language");
    for (size_t i = 1; i < json_array_size(lime->languages); i++)
        if (strcmp(json_string_value(json_array_get(lime->languages, i)), base) == 0) {
            json_array_remove(lime->languages, i);
            json_array_insert_new(lime->languages, 0, json_string(base));
        }
}

static json_t *setting(struct lime *lime, const char *column) {
    json_t *found = json_object(), *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)table(lime, "surveys_languagesettings"), i, row) {
        const char *value = plain(lime, field(row, column));
        if (*value && knows(lime, field(row, "surveyls_language")))
            json_object_set_new(found, field(row, "surveyls_language"), json_string(value));
    }
    if (json_object_size(found))
        return found;
    json_decref(found);
    return NULL;
}

int import_lss(struct slice xml, json_t *left, json_t **definition, struct err *err) {
    struct reading reading = {.tables = json_object(), .languages = json_array()};
    struct arena arena;
    bool any = false;
    arena_init(&arena);
    int code = read_tables(xml, &reading, err);
    if (!code) {
        if (!json_array_size(reading.languages))
            json_array_append_new(reading.languages, json_string("en"));
        struct lime lime = {.tables = reading.tables,
                            .left = left,
                            .languages = reading.languages,
                            .taken = json_object(),
                            .names = json_object(),
                            .traits = json_object(),
                            .arena = &arena};
        order_languages(&lime);
        *definition = json_pack("{s:s, s:O}", "title", "Survey", "languages", reading.languages);
        set_texts(*definition, "title", setting(&lime, "surveyls_title"));
        set_texts(*definition, "welcome", setting(&lime, "surveyls_welcometext"));
        set_texts(*definition, "thanks", setting(&lime, "surveyls_endtext"));
        json_t *pages = pages_json(&lime);
        note_tables(&lime);
        any = json_array_size(pages) > 0;
        json_object_set_new(*definition, "pages", pages);
        if (json_object_size(lime.traits)) {
            const char *trait;
            json_t *unused, *list = json_array();
            json_object_foreach(lime.traits, trait, unused)
                json_array_append_new(list, json_string(trait));
            json_object_set_new(*definition, "traits", list);
        }
        json_decref(lime.traits);
        json_decref(lime.taken);
        json_decref(lime.names);
    }
    json_decref(reading.tables);
    json_decref(reading.languages);
    arena_release(&arena);
    if (!code && !any)
        code = err_set(err, E_INVALID, "there is no question in this file that we know");
    return code;
}
