/*
 * See score_rules.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/score_rules.h"

#include "store/store.h"

static const char *const words[RELATIONS] = {"",
#define X(name, word) word,
                                             SURVEY_RELATION_TABLE(X)
#undef X
};

enum survey_relation survey_relation_of(struct slice text) {
    for (int relation = 1; relation < RELATIONS; relation++)
        if (slice_is(text, words[relation]))
            return (enum survey_relation)relation;
    return RELATION_NONE;
}

static struct slice column_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    struct slice view = {text ? (const char *)text : "",
                         (size_t)sqlite3_column_bytes(statement, column)};
    return arena_copy(arena, view);
}

enum { SURVEYS_MOST = 10000, MARGINS_MOST = 1000 };

static int load_surveys(sqlite3 *db, struct arena *arena, struct score_rules *rules,
                        struct err *err) {
    size_t capacity = 16;
    struct score_survey *surveys = ARENA_ARRAY(arena, struct score_survey, capacity);
    int code;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT survey, relation FROM score_survey ORDER BY survey LIMIT 10000", err);
    if (!statement)
        return E_IO;
    while ((code = store_step(statement, err)) == 1 && rules->n_surveys < SURVEYS_MOST) {
        if (rules->n_surveys == capacity) {
            struct score_survey *more = ARENA_ARRAY(arena, struct score_survey, 2 * capacity);
            memcpy(more, surveys, capacity * sizeof *more);
            surveys = more;
            capacity *= 2;
        }
        surveys[rules->n_surveys++] = (struct score_survey){
            column_text(statement, 0, arena), survey_relation_of(column_text(statement, 1, arena))};
    }
    rules->surveys = surveys;
    return code < 0 ? code : 0;
}

static int load_margins(sqlite3 *db, struct arena *arena, struct score_rules *rules,
                        struct err *err) {
    struct score_margins_row *margins = ARENA_ARRAY(arena, struct score_margins_row, MARGINS_MOST);
    int code;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT name, margins FROM score_margins ORDER BY name LIMIT 1000", err);
    if (!statement)
        return E_IO;
    while ((code = store_step(statement, err)) == 1 && rules->n_margins < MARGINS_MOST)
        margins[rules->n_margins++] = (struct score_margins_row){column_text(statement, 0, arena),
                                                                 column_text(statement, 1, arena)};
    rules->margins = margins;
    return code < 0 ? code : 0;
}

int score_rules_load(sqlite3 *db, struct arena *arena, struct score_rules *rules, struct err *err) {
    char text[8] = "";
    struct err none = {0};
    *rules = (struct score_rules){0};
    if (!store_setting_get(db, SCORE_NAMED_STAFF, text, sizeof text, &none))
        rules->named_staff = strcmp(text, "1") == 0;
    int code = load_surveys(db, arena, rules, err);
    return code ? code : load_margins(db, arena, rules, err);
}

enum survey_relation score_rules_relation(const struct score_rules *rules, struct slice survey) {
    for (size_t i = 0; rules && i < rules->n_surveys; i++)
        if (slice_equal(rules->surveys[i].name, survey))
            return rules->surveys[i].relation;
    return RELATION_NONE;
}
