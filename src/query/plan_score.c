/*
 * What questions about answers take: score, answers, conditions.
 *
 * NAMED STAFF  The unit of a score is a team (a centre). By a property that names people who work there it may be asked only
 * where the organisation allows it (score_rules.h).
 *
 * RELATION  Relational and transactional NPS are two scores: who names surveys of both is refused. Without names all but those
 * about rivals count, and the answer says so if both were in it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "query/internal.h"

enum {
    DEFAULT_ANSWERS = 100,
    MAX_MARGINS = 4,
    MAX_CATEGORIES = 200,
    MAX_BANDS = 20,
    CONDITIONS_N = 8
};
#define DEFAULT_BEFORE_MS INT64_C(3600000)

/* ---- names that say more than themselves ---- */

/* "Q17COUNTRY" and "homeCountry" with blanks where a word begins. */
static struct slice apart(struct slice name, struct arena *arena) {
    char *copy = ARENA_ARRAY(arena, char, 2 * name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i], last = i ? (unsigned char)name.p[i - 1] : ' ';
        bool begins = (islower(last) && isupper(c)) || (isdigit(last) && !isdigit(c));
        if (begins)
            copy[n++] = ' ';
        copy[n++] = (char)c;
    }
    return (struct slice){copy, n};
}

/* One of the words is in the name, cut at what is no letter. */
static bool has_word(struct slice name, const char *const *words, size_t n, struct arena *arena) {
    struct slice folded = utf8_fold(apart(name, arena), arena);
    char *copy = ARENA_ARRAY(arena, char, folded.n + 1), *rest = NULL;
    memcpy(copy, folded.p, folded.n);
    for (char *word = strtok_r(copy, " _-.:/", &rest); word; word = strtok_r(NULL, " _-.:/", &rest))
        for (size_t i = 0; i < n; i++)
            if (strcmp(word, words[i]) == 0)
                return true;
    return false;
}

static bool names_staff(struct slice name, struct arena *arena) {
    static const char *const words[] = {
        "agent",       "employee",  "staff",      "technician",  "cashier",     "seller",
        "salesperson", "clerk",     "advisor",    "agente",      "empleado",    "empleada",
        "vendedor",    "vendedora", "técnico",    "tecnico",     "cajero",      "cajera",
        "asesor",      "asesora",   "trabajador", "dependiente", "teleoperador"};
    return has_word(name, words, sizeof words / sizeof *words, arena);
}

static bool names_country(struct slice name, struct arena *arena) {
    static const char *const words[] = {"country",     "countries",    "nation", "nations",
                                        "nationality", "pais",         "país",   "paises",
                                        "países",      "nacionalidad", "nación", "nacion"};
    return has_word(name, words, sizeof words / sizeof *words, arena);
}

static int refuse_staff(struct reader *r, const char *member) {
    size_t mark = enter(r, member);
    refuse(r, "scores of named staff are not given");
    leave(r, mark);
    return err_hint(r->err, "Ask by \"unit\": teams are what a score is of. An administrator may "
                            "allow it: PUT /api/v1/scores/settings.");
}

static int check_staff(struct reader *r) {
    const struct plan *plan = r->plan;
    const struct dictionary *names = r->context->dictionary;
    if (r->context->scores && r->context->scores->named_staff)
        return 0;
    if (plan->by == BY_PROPERTY || plan->by == BY_TRAIT) {
        struct slice name =
            dictionary_name(names, DICTIONARY_PROPERTY, (uint16_t)plan->by_property);
        if (plan->by == BY_PROPERTY && names_staff(name, r->arena))
            return refuse_staff(r, "by");
    }
    for (uint32_t i = 0; i < plan->filter.n_where; i++)
        if (names_staff(dictionary_name(names, DICTIONARY_PROPERTY,
                                        (uint16_t)plan->filter.where[i].property),
                        r->arena))
            return refuse_staff(r, "where");
    return 0;
}

/* ---- relation ---- */

static const struct slice *surveys_of(struct reader *r, enum survey_relation relation,
                                      uint32_t *n) {
    const struct score_rules *rules = r->context->scores;
    struct slice *names = ARENA_ARRAY(r->arena, struct slice, (rules ? rules->n_surveys : 0) + 1);
    *n = 0;
    for (size_t i = 0; rules && i < rules->n_surveys; i++)
        if (rules->surveys[i].relation == relation)
            names[(*n)++] = rules->surveys[i].name;
    return names;
}

static int add_relation(struct reader *r, const json_t *json, struct predicate *where,
                        uint32_t *n) {
    static const char *const texts[] = {
#define X(name, word) word,
        SURVEY_RELATION_TABLE(X)
#undef X
    };
    int chosen = 0;
    uint32_t count;
    int code = read_choice(r, json, ERR_WORDS("relation"), texts, RELATIONS - 1, &chosen);
    const struct slice *names = surveys_of(r, (enum survey_relation)(chosen + 1), &count);
    struct value *values = ARENA_ARRAY(r->arena, struct value, count + 1);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (struct value){.type = VALUE_TEXT, .text = names[i]};
    where[(*n)++] = (struct predicate){
        .property = r->plan->survey_property, .op = OP_IN, .values = values, .n_values = count};
    return code;
}

/* Surveys of both relations named in one score. */
static int check_relation(struct reader *r, const json_t *query) {
    const json_t *survey = json_object_get(query, "survey"), *each;
    bool seen[RELATIONS] = {false};
    size_t i;
    json_array_foreach(survey, i, each) {
        struct slice name = {json_string_value(each), json_string_length(each)};
        seen[score_rules_relation(r->context->scores, name)] = true;
    }
    if (!seen[RELATION_RELATIONAL] || !seen[RELATION_TRANSACTIONAL])
        return 0;
    size_t mark = enter(r, "survey");
    refuse(r, "relational and transactional surveys are not one score");
    leave(r, mark);
    return err_hint(r->err, "Ask for each by itself: \"relation\": \"relational\".");
}

/* ---- margins ---- */

static int read_shares(struct reader *r, const json_t *json, struct plan_margin *margin) {
    size_t n = json_object_size(json), i = 0;
    if (!json_is_object(json) || n < 1 || n > MAX_CATEGORIES)
        return refuse(r, "must be an object of 1 to %d categories and their shares",
                      MAX_CATEGORIES);
    struct slice *category = ARENA_ARRAY(r->arena, struct slice, n);
    double *target = ARENA_ARRAY(r->arena, double, n), whole = 0;
    const char *name;
    json_t *share;
    json_object_foreach((json_t *)(uintptr_t)json, name, share) {
        double number = json_number_value(share);
        if (!json_is_number(share) || !(number >= 0) || !isfinite(number))
            return refuse(r, "the share of \"%.60s\" must be a number that is not negative", name);
        category[i] = arena_copy(r->arena, slice_of(name));
        target[i++] = number;
        whole += number;
    }
    margin->category = category;
    margin->target = target;
    margin->n = (uint32_t)n;
    return whole > 0 ? 0 : refuse(r, "some share must be above 0");
}

static int read_margin_by(struct reader *r, const json_t *json, struct plan_margin *margin) {
    static const char *const texts[] = {"channel", "unit", "touchpoint", "event"};
    static const enum by_kind kinds[] = {BY_CHANNEL, BY_UNIT, BY_TOUCHPOINT, BY_EVENT};
    if (!json_is_object(json)) {
        int chosen = 0;
        int code = read_choice(r, json, ERR_WORDS("variable"), texts, sizeof texts / sizeof *texts,
                               &chosen);
        margin->by = kinds[chosen];
        return code;
    }
    uint16_t name = CODE_NONE;
    int code = read_members(r, json, "property trait");
    if (!code && json_object_size(json) != 1)
        return refuse(r, "must be a property or a trait");
    margin->by = json_object_get(json, "trait") ? BY_TRAIT : BY_PROPERTY;
    WITH_MEMBER(r, json, "property", property, code,
                read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("property"), property, &name));
    WITH_MEMBER(r, json, "trait", trait, code,
                read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("trait"), trait, &name));
    margin->property = name;
    return code;
}

static int read_margin(struct reader *r, const json_t *json, struct plan_margin *margin) {
    int code = json_is_object(json) ? read_members(r, json, "by shares")
                                    : refuse(r, "must be {\"by\": …, \"shares\": {…}}");
    if (!code)
        code = need(r, json, "by");
    if (!code)
        code = need(r, json, "shares");
    WITH_MEMBER(r, json, "by", by, code, read_margin_by(r, by, margin));
    WITH_MEMBER(r, json, "shares", shares, code, read_shares(r, shares, margin));
    return code;
}

static int read_margin_list(struct reader *r, const json_t *json) {
    size_t n = json_array_size(json);
    if (!json_is_array(json) || n < 1 || n > MAX_MARGINS)
        return refuse(r, "must be a name, or a list of 1 to %d variables", MAX_MARGINS);
    struct plan_margin *margins = ARENA_ARRAY(r->arena, struct plan_margin, n);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_margin(r, json_array_get(json, i), &margins[i]);
        leave(r, mark);
    }
    r->plan->margins = margins;
    r->plan->n_margins = (uint32_t)n;
    return code;
}

static int read_margins(struct reader *r, const json_t *json) {
    const struct score_rules *rules = r->context->scores;
    if (!json_is_string(json))
        return read_margin_list(r, json);
    for (size_t i = 0; rules && i < rules->n_margins; i++) {
        const struct score_margins_row *row = &rules->margins[i];
        if (!slice_is(row->name, json_string_value(json)))
            continue;
        json_t *list = json_loadb(row->margins.p, row->margins.n, 0, NULL);
        int code = read_margin_list(r, list);
        json_decref(list);
        return code;
    }
    refuse(r, "no margins are called \"%.60s\"", json_string_value(json));
    return err_hint(r->err, "GET /api/v1/scores/margins lists them.");
}

/* ---- the kinds ---- */

static enum score_kind score_kind_of(const json_t *metric) {
    const char *text = json_string_value(metric);
    bool share = text && (strcmp(text, "csat") == 0 || strcmp(text, "ces") == 0);
    return text && strcmp(text, "nps") == 0 ? SCORE_NPS : share ? SCORE_SHARE : SCORE_MEAN;
}

static void find_properties(struct reader *r) {
    struct plan *plan = r->plan;
    const struct {
        uint32_t *code;
        const char *name;
    } properties[] = {
        {&plan->points_property, "points"},     {&plan->value_property, "value"},
        {&plan->flag_property, "answer.flag"},  {&plan->words_property, "answer.words"},
        {&plan->survey_property, "survey"},     {&plan->version_property, "version"},
        {&plan->question_property, "question"}, {&plan->metric_property, "metric"},
        {&plan->low_property, "scale_min"},     {&plan->high_property, "scale_max"}};
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        *properties[i].code = dictionary_find(r->context->dictionary, DICTIONARY_PROPERTY,
                                              slice_of(properties[i].name));
}

static int read_flagged(struct reader *r, const json_t *json) {
    static const char *const texts[] = {"leave_out", "include", "only"};
    int chosen = 0;
    int code = read_choice(r, json, ERR_WORDS("way with flagged answers"), texts, 3, &chosen);
    r->plan->flagged = (enum flagged)chosen;
    return code;
}

/* A whole number from `first` to `first` + n - 1, or a list of them, as bits. */
static int read_bits(struct reader *r, const json_t *json, int64_t first, unsigned n,
                     uint32_t *bits) {
    bool list = json_is_array(json);
    size_t count = list ? json_array_size(json) : 1;
    int code = 0;
    *bits = 0;
    for (size_t i = 0; i < count && !code; i++) {
        int64_t number = 0;
        size_t mark = list ? enter_index(r, i) : r->depth;
        code = read_count(r, list ? json_array_get(json, i) : json, first, first + (int64_t)n - 1,
                          &number);
        leave(r, mark);
        if (!code)
            *bits |= UINT32_C(1) << (number - first);
    }
    return code || *bits ? code : refuse(r, "must name at least one");
}

/* {"weekdays": 6, "hours": [11, 12]}: Saturday from 11 to 13. */
static int read_when(struct reader *r, const json_t *json) {
    struct week_hours *when = &r->plan->when;
    *when = (struct week_hours){true, UINT32_MAX, UINT32_MAX};
    if (!json_is_object(json))
        return refuse(r, "must be an object with weekdays, hours or both");
    int code = read_members(r, json, "weekdays hours");
    WITH_MEMBER(r, json, "weekdays", days, code, read_bits(r, days, 1, 7, &when->weekdays));
    WITH_MEMBER(r, json, "hours", hours, code, read_bits(r, hours, 0, 24, &when->hours));
    return code;
}

/* Words and choices are answers, but nothing to take a mean of. */
static int check_metric(struct reader *r) {
    struct plan *plan = r->plan;
    if (plan->kind == PLAN_ANSWERS ||
        (!slice_is(plan->metric, "text") && !slice_is(plan->metric, "choice")))
        return 0;
    size_t mark = enter(r, "metric");
    refuse(r, "answers in words and choices have no score");
    leave(r, mark);
    return err_hint(r->err, "nps, csat, ces, rating, or a scale of your own.");
}

/* Which answers: metric, survey, question, relation. */
static int read_which(struct reader *r, const json_t *query) {
    struct plan *plan = r->plan;
    struct predicate *where = ARENA_ARRAY(r->arena, struct predicate, CONDITIONS_N);
    uint32_t n = 0;
    int code = need(r, query, "metric");
    if (!code && !json_is_string(json_object_get(query, "metric"))) {
        size_t mark = enter(r, "metric");
        refuse(r, "must be a text");
        leave(r, mark);
        return err_hint(r->err, "nps, csat, ces, rating, or a scale of your own.");
    }
    WITH_MEMBER(r, query, "metric", metric, code, read_condition(r, where, &n, "metric", metric));
    WITH_MEMBER(r, query, "survey", survey, code, read_condition(r, where, &n, "survey", survey));
    WITH_MEMBER(r, query, "question", question, code,
                read_condition(r, where, &n, "question", question));
    WITH_MEMBER(r, query, "relation", relation, code, add_relation(r, relation, where, &n));
    WITH_MEMBER(r, query, "when", when, code, read_when(r, when));
    plan->metric = slice_of(json_string_value(json_object_get(query, "metric")));
    if (!code)
        code = check_metric(r);
    plan->answer_where = where;
    plan->n_answer_where = n;
    if (plan->kind != PLAN_SCORE) /* which counts those outside their scale besides */
        where[n++] = (struct predicate){.property = plan->points_property, .op = OP_EXISTS};
    plan->of = (struct matcher){.name = SLICE_LITERAL("*"), .where = where, .n_where = n};
    plan->score = score_kind_of(json_object_get(query, "metric"));
    if (!json_object_get(query, "survey") && !json_object_get(query, "relation")) {
        plan->rivals = surveys_of(r, RELATION_RIVALS, &plan->n_rivals);
        plan->relational = surveys_of(r, RELATION_RELATIONAL, &plan->n_relational);
        plan->transactional = surveys_of(r, RELATION_TRANSACTIONAL, &plan->n_transactional);
    }
    return code ? code : plan->score == SCORE_NPS ? check_relation(r, query) : 0;
}

static int read_values(struct reader *r, const json_t *json) {
    const json_t *low = json_array_get(json, 0), *high = json_array_get(json, 1);
    struct plan *plan = r->plan;
    plan->has_values = true;
    plan->value_low = json_number_value(low);
    plan->value_high = json_number_value(high);
    return json_array_size(json) == 2 && json_is_number(low) && json_is_number(high) &&
                   plan->value_low <= plan->value_high
               ? 0
               : refuse(r, "must be [lowest, highest]");
}

static int read_bands(struct reader *r, const json_t *json) {
    size_t n = json_array_size(json);
    if (n < 1 || n > MAX_BANDS)
        return refuse(r, "must be a list of 1 to %d numbers", MAX_BANDS);
    double *bands = ARENA_ARRAY(r->arena, double, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *number = json_array_get(json, i);
        bands[i] = json_number_value(number);
        if (!json_is_number(number) || (i && !(bands[i] > bands[i - 1])))
            return refuse(r, "must rise from number to number");
    }
    r->plan->bands = bands;
    r->plan->n_bands = (uint32_t)n;
    return 0;
}

/* What is measured at the centre, and for how long before an answer. */
static int read_measured_there(struct reader *r, const json_t *json) {
    struct plan *plan = r->plan;
    int code = need(r, json, "of");
    plan->window_ms = DEFAULT_BEFORE_MS;
    WITH_MEMBER(r, json, "of", of, code, read_matcher(r, of, NULL, &plan->start));
    WITH_MEMBER(r, json, "measure", measure, code, read_measure(r, measure, json));
    WITH_MEMBER(r, json, "property", property, code,
                read_measure(r, json_object_get(json, "measure"), json));
    WITH_MEMBER(r, json, "window", window, code, read_duration(r, window, &plan->window_ms));
    if (!code && plan->measure == MEASURE_CUSTOMERS)
        return refuse(r, "measures count, sum or mean");
    if (!code && (plan->window_ms < 60000 || plan->window_ms > DAY_MS))
        return refuse(r, "the window is between 1 minute and 1 day");
    return code;
}

static int read_conditions(struct reader *r, const json_t *query) {
    int code = read_measured_there(r, query);
    WITH_MEMBER(r, query, "bands", bands, code, read_bands(r, bands));
    return code;
}

/* {"of", "measure", "window", "from", "to"}: a band of `conditions`, as answers. */
static int read_beside(struct reader *r, const json_t *json) {
    struct plan *plan = r->plan;
    if (!json_is_object(json))
        return refuse(r, "must be an object with of, measure, window, from and to");
    const json_t *from = json_object_get(json, "from"), *to = json_object_get(json, "to");
    int code = read_members(r, json, "of measure property window from to");
    if (!code)
        code = read_measured_there(r, json);
    plan->beside = true;
    plan->band_from = json_is_number(from) ? json_number_value(from) : -(double)INFINITY;
    plan->band_to = json_is_number(to) ? json_number_value(to) : (double)INFINITY;
    bool numbers =
        (!from || json_is_number(from)) && (!to || json_is_number(to) || json_is_null(to));
    return code || (numbers && plan->band_from < plan->band_to)
               ? code
               : refuse(r, "from must be a number below to");
}

static int read_answers(struct reader *r, const json_t *query) {
    struct plan *plan = r->plan;
    int code = 0;
    WITH_MEMBER(r, query, "values", values, code, read_values(r, values));
    WITH_MEMBER(r, query, "text", text, code, read_text(r, text, &plan->text));
    WITH_MEMBER(r, query, "words", words, code, read_bool(r, words, &plan->with_words));
    WITH_MEMBER(r, query, "beside", beside, code, read_beside(r, beside));
    WITH_MEMBER(r, query, "outside", outside, code, read_bool(r, outside, &plan->outside));
    WITH_MEMBER(r, query, "reason", reason, code, read_text(r, reason, &plan->reason));
    WITH_MEMBER(r, query, "before", before, code, read_before(r, before));
    if (plan->limit == PLAN_NO_LIMIT)
        plan->limit = DEFAULT_ANSWERS;
    return code;
}

/* The name in {"by": {"segmentation": name}}. */
static struct slice segmentation_of(const json_t *query) {
    return slice_of(
        json_string_value(json_object_get(json_object_get(query, "by"), "segmentation")));
}

static int read_score_kind(struct reader *r, const json_t *query) {
    struct plan *plan = r->plan;
    bool rate = true;
    int code = 0;
    WITH_MEMBER(r, query, "every", every, code, read_every(r, every, true));
    WITH_MEMBER(r, query, "weighted", weighted, code, read_bool(r, weighted, &plan->weighted));
    WITH_MEMBER(r, query, "margins", margins, code, read_margins(r, margins));
    WITH_MEMBER(r, query, "misuse", json, code, read_bool(r, json, &plan->with_misuse));
    WITH_MEMBER(r, query, "response_rate", json, code, read_bool(r, json, &rate));
    plan->no_rate = !rate;
    plan->has_every = json_object_get(query, "every");
    if (plan->weighted)
        plan->weight_property =
            dictionary_find(r->context->dictionary, DICTIONARY_PROPERTY, SLICE_LITERAL("weight"));
    if (plan->by == BY_PROPERTY || plan->by == BY_TRAIT)
        plan->unranked = plan->score == SCORE_NPS &&
                         names_country(dictionary_name(r->context->dictionary, DICTIONARY_PROPERTY,
                                                       (uint16_t)plan->by_property),
                                       r->arena);
    if (plan->by == BY_SEGMENTATION)
        plan->unranked =
            plan->score == SCORE_NPS && names_country(segmentation_of(query), r->arena);
    plan->by_survey = plan->by == BY_PROPERTY && plan->by_property == plan->survey_property;
    if (plan->by_survey)
        plan->n_rivals = 0; /* each stands by itself */
    return code;
}

int read_score(struct reader *r, const json_t *query) {
    struct plan *plan = r->plan;
    plan->every = BUCKET_MONTH;
    find_properties(r);
    int code = read_which(r, query);
    WITH_MEMBER(r, query, "flagged", flagged, code, read_flagged(r, flagged));
    if (!code)
        code = check_staff(r);
    if (code)
        return code;
    return plan->kind == PLAN_SCORE     ? read_score_kind(r, query)
           : plan->kind == PLAN_ANSWERS ? read_answers(r, query)
                                        : read_conditions(r, query);
}
