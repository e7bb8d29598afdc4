/*
 * From a question's parameters to the query, and from the pointers of its errors back to the controls.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/time.h"
#include "http/router.h"
#include "pages/explore.h"

enum { TREND_SERIES = 7, SERIES = 5 };

/* "*" or "", "@Touchpoint", "Event": a bare name that is no event but a touchpoint is that. */
static json_t *matcher_json(const struct question *question, const char *text) {
    if (!*text || strcmp(text, "*") == 0)
        return json_object();
    if (text[0] == '@')
        return json_pack("{s:s}", "touchpoint", text + 1);
    if (question->dictionary &&
        !dictionary_find(question->dictionary, DICTIONARY_EVENT, slice_of(text)) &&
        dictionary_find(question->dictionary, DICTIONARY_TOUCHPOINT, slice_of(text)))
        return json_pack("{s:s}", "touchpoint", text);
    return json_pack("{s:s}", "event", text);
}

/* 12,5 and 12.5 are numbers, true and false truth values, "12" (in quotes) and the rest texts. */
static json_t *value_json(struct slice text, bool literal) {
    char copy[64], *end;
    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        return json_stringn(text.p + 1, text.n - 2);
    if (!literal && (slice_is(text, "true") || slice_is(text, "false")))
        return json_boolean(slice_is(text, "true"));
    if (literal || !text.n || text.n >= sizeof copy || strspn(text.p, "0123456789.,-+eE") < text.n)
        return json_stringn(text.p, text.n);
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    char *comma = strchr(copy, ',');
    if (comma && !strchr(copy, '.'))
        *comma = '.';
    long long whole = strtoll(copy, &end, 10);
    if (!*end)
        return json_integer(whole);
    json_error_t unused;
    json_t *number = json_loads(copy, JSON_DECODE_ANY, &unused);
    return json_is_number(number) ? number : (json_decref(number), json_stringn(text.p, text.n));
}

static json_t *list_json(const char *text) {
    json_t *list = json_array();
    while (*text) {
        size_t n = strcspn(text, ",;");
        struct slice part = {text, n};
        while (part.n && part.p[0] == ' ')
            part.p++, part.n--;
        while (part.n && part.p[part.n - 1] == ' ')
            part.n--;
        if (part.n)
            json_array_append_new(list, value_json(part, false));
        text += n;
        text += *text != 0;
    }
    return list;
}

static json_t *predicate_json(const char *member, const char *name, const char *op,
                              const char *value) {
    op = *op ? op : "=";
    json_t *predicate = json_pack("{s:s, s:s}", member, name, "op", op);
    if (strcmp(op, "exists") == 0 || strcmp(op, "absent") == 0)
        return predicate;
    json_object_set_new(predicate, "value",
                        strcmp(op, "in") == 0
                            ? list_json(value)
                            : value_json(slice_of(value), strcmp(op, "contains") == 0));
    return predicate;
}

/* A row that is not filled to its end does not count yet. */
static bool condition_ready(const struct question *question, int group, size_t row) {
    const char *op = question_row(question, group, row, "o");
    return *question_row(question, group, row, "p") &&
           (*question_row(question, group, row, "v") || strcmp(op, "exists") == 0 ||
            strcmp(op, "absent") == 0);
}

static void days_text(const struct question *question, int64_t days, const char **text) {
    int year, month, day;
    time_civil_from_days(days, &year, &month, &day);
    *text = arena_format(question->arena, "%04d-%02d-%02d", year, month, day);
}

static bool days_of(const char *text, int64_t *days) {
    int64_t ms;
    if (strlen(text) != 10 || time_parse(slice_of(text), NULL, &ms))
        return false;
    *days = ms / DAY_MS;
    return true;
}

static int64_t today_of(const struct question *question) {
    int64_t s = question->now_ms / 1000;
    s += question->zone ? zone_offset_s(question->zone, s) : 0;
    return s / DAY_S;
}

/* Days of a preset, to exclusive; false: all. */
static bool preset_days(const struct question *question, const char *range, int64_t *from,
                        int64_t *to) {
    int64_t today = today_of(question);
    int year, month, day;
    time_civil_from_days(today, &year, &month, &day);
    *to = today + 1;
    if (strncmp(range, "last_", 5) == 0) {
        long n = strtol(range + 5, NULL, 10);
        *from = strchr(range, 'm') ? time_days_from_civil(year - (month <= (int)n - 1),
                                                          (month - (int)n + 1 + 11) % 12 + 1, 1)
                                   : today - n + 1;
        return n > 0;
    }
    if (strcmp(range, "this_month") == 0) {
        *from = time_days_from_civil(year, month, 1);
        return true;
    }
    if (strcmp(range, "previous_month") == 0) {
        *from = time_days_from_civil(year - (month == 1), month == 1 ? 12 : month - 1, 1);
        *to = time_days_from_civil(year, month, 1);
        return true;
    }
    *from = time_days_from_civil(year, 1, 1);
    return strcmp(range, "this_year") == 0;
}

/* Dates of the range as the query has them, "" where it is open. to is exclusive. */
static void question_range(const struct question *question, const char **from, const char **to) {
    const char *range = question_get(question, "range");
    int64_t first, after;
    *from = *to = "";
    if (strcmp(range, "custom") == 0) {
        if (days_of(question_get(question, "from"), &first))
            days_text(question, first, from);
        if (days_of(question_get(question, "to"), &after))
            days_text(question, after + 1, to);
    } else if (preset_days(question, range, &first, &after)) {
        days_text(question, first, from);
        days_text(question, after, to);
    }
}

bool question_previous_range(const struct question *question, const char **from, const char **to) {
    const char *this_from, *this_to;
    int64_t first, after;
    question_range(question, &this_from, &this_to);
    if (!days_of(this_from, &first) || !days_of(this_to, &after) || after <= first)
        return false;
    *to = this_from;
    days_text(question, first - (after - first), from);
    return true;
}

static void add_by(const struct question *question, json_t *query, int limit) {
    const char *by = question_get(question, "by");
    if (!*by)
        return;
    if (strncmp(by, "p:", 2) == 0)
        json_object_set_new(query, "by", json_pack("{s:s}", "property", by + 2));
    else if (strncmp(by, "t:", 2) == 0)
        json_object_set_new(query, "by", json_pack("{s:s}", "trait", by + 2));
    else if (strncmp(by, "s:", 2) == 0)
        json_object_set_new(query, "by", json_pack("{s:s}", "segmentation", by + 2));
    else
        json_object_set_new(query, "by", json_string(by));
    json_object_set_new(query, "limit", json_integer(limit));
}

static json_t *rule_json(const struct question *question, size_t row) {
    const char *kind = question_row(question, ROWS_SEGMENT, row, "k");
    if (strcmp(kind, "trait") == 0)
        return predicate_json("trait", question_row(question, ROWS_SEGMENT, row, "p"),
                              question_row(question, ROWS_SEGMENT, row, "o"),
                              question_row(question, ROWS_SEGMENT, row, "v"));
    if (strcmp(kind, "in") == 0)
        return json_pack("{s:s}", "in", question_row(question, ROWS_SEGMENT, row, "s"));
    json_t *rule = json_pack(
        "{s:o}", "did", matcher_json(question, question_row(question, ROWS_SEGMENT, row, "e")));
    const char *times = question_row(question, ROWS_SEGMENT, row, "n"),
               *days = question_row(question, ROWS_SEGMENT, row, "w");
    if (strcmp(kind, "did_not") == 0)
        json_object_set_new(rule, "times", json_string("=0"));
    else if (*times && strcmp(times, "1") != 0)
        json_object_set_new(rule, "times", json_sprintf(">=%s", times));
    if (*days)
        json_object_set_new(rule, "within", json_sprintf("%sd", days));
    return rule;
}

static bool rule_ready(const struct question *question, size_t row) {
    const char *kind = question_row(question, ROWS_SEGMENT, row, "k");
    if (strcmp(kind, "in") == 0)
        return *question_row(question, ROWS_SEGMENT, row, "s");
    return strcmp(kind, "trait") != 0 || condition_ready(question, ROWS_SEGMENT, row);
}

static void add_common(const struct question *question, json_t *query) {
    const char *from, *to, *unit = question_get(question, "unit");
    question_range(question, &from, &to);
    if (*from || *to) {
        json_t *range = json_object();
        if (*from)
            json_object_set_new(range, "from", json_string(from));
        if (*to)
            json_object_set_new(range, "to", json_string(to));
        json_object_set_new(query, "range", range);
    }
    if (json_array_size(question->channels))
        json_object_set(query, "channel", question->channels);
    if (*unit)
        json_object_set_new(query, "unit", json_string(unit));
    json_t *where = json_array(), *rules = json_array();
    for (size_t row = 1; row <= question->rows[ROWS_FILTERS]; row++)
        if (condition_ready(question, ROWS_FILTERS, row))
            json_array_append_new(
                where, predicate_json("property", question_row(question, ROWS_FILTERS, row, "p"),
                                      question_row(question, ROWS_FILTERS, row, "o"),
                                      question_row(question, ROWS_FILTERS, row, "v")));
    for (size_t row = 1; row <= question->rows[ROWS_SEGMENT]; row++)
        if (rule_ready(question, row))
            json_array_append_new(rules, rule_json(question, row));
    if (json_array_size(where))
        json_object_set(query, "where", where);
    if (json_array_size(rules))
        json_object_set_new(query, "segment",
                            json_pack("{s:O}", question_get(question, "g"), rules));
    json_decref(where);
    json_decref(rules);
}

static void add_trend(const struct question *question, json_t *query) {
    const char *measure = question_get(question, "measure"), *prop = question_get(question, "prop");
    json_t *of = matcher_json(question, question_get(question, "of"));
    if (json_object_size(of))
        json_object_set(query, "of", of);
    json_decref(of);
    if ((strcmp(measure, "sum") == 0 || strcmp(measure, "mean") == 0) && *prop)
        json_object_set_new(query, "measure", json_pack("{s:s}", measure, prop));
    else if (strcmp(measure, "customers") == 0)
        json_object_set_new(query, "measure", json_string("customers"));
    json_object_set_new(query, "every", json_string(question_get(question, "every")));
    add_by(question, query, TREND_SERIES);
    if (!*question_get(question, "sys"))
        json_object_set_new(query, "system", json_false());
}

static void add_funnel(const struct question *question, json_t *query) {
    json_t *steps = json_array(), *exclude = json_array();
    const char *unit = question_get(question, "wu");
    for (size_t row = 1; row <= question->rows[ROWS_STEPS]; row++) {
        json_t *step = matcher_json(question, question_row(question, ROWS_STEPS, row, ""));
        const char *property = question_row(question, ROWS_STEPS, row, "p");
        if (condition_ready(question, ROWS_STEPS, row))
            json_object_set_new(
                step, "where",
                json_pack("[o]", predicate_json("property", property,
                                                question_row(question, ROWS_STEPS, row, "o"),
                                                question_row(question, ROWS_STEPS, row, "v"))));
        json_array_append_new(steps, step);
    }
    json_object_set_new(query, "steps", steps);
    json_object_set_new(query, "window", json_sprintf("%s%s", question_get(question, "w"), unit));
    if (strcmp(question_get(question, "order"), "ordered") != 0)
        json_object_set_new(query, "order", json_string(question_get(question, "order")));
    if (strcmp(question_get(question, "entry"), "any") != 0)
        json_object_set_new(query, "entry", json_string(question_get(question, "entry")));
    for (size_t row = 1; row <= question->rows[ROWS_EXCLUSIONS]; row++) {
        json_t *exclusion =
            matcher_json(question, question_row(question, ROWS_EXCLUSIONS, row, ""));
        const char *after = question_row(question, ROWS_EXCLUSIONS, row, "a"),
                   *before = question_row(question, ROWS_EXCLUSIONS, row, "b");
        if (*after)
            json_object_set_new(exclusion, "after_step", json_integer(strtol(after, NULL, 10)));
        if (*before)
            json_object_set_new(exclusion, "before_step", json_integer(strtol(before, NULL, 10)));
        json_array_append_new(exclude, exclusion);
    }
    if (json_array_size(exclude))
        json_object_set(query, "exclude", exclude);
    json_decref(exclude);
    add_by(question, query, SERIES);
    json_object_set_new(query, "system", json_false());
}

static void add_cases(const struct question *question, json_t *query) {
    add_by(question, query, SERIES);
    if (*question_get(question, "sys"))
        json_object_set_new(query, "system", json_true());
    const char *level = question_get(question, "level"), *cases = question_get(question, "case");
    json_object_set_new(query, "level", json_string(level));
    if (strcmp(cases, "property") == 0 && *question_get(question, "casep"))
        json_object_set_new(query, "case",
                            json_pack("{s:s}", "property", question_get(question, "casep")));
    else
        json_object_set_new(query, "case",
                            json_string(strcmp(cases, "session") == 0 ? "session" : "customer"));
    if (question->kind == EXPLORE_VARIANTS) {
        long top = strtol(question_get(question, "top"), NULL, 10);
        json_object_set_new(query, "top", json_integer(top > 0 ? top : 20));
        return;
    }
    double percent = strtod(question_get(question, "min"), NULL);
    if (percent > 0)
        json_object_set_new(query, "min_share", json_real(percent > 100 ? 1 : percent / 100));
}

static void add_retention(const struct question *question, json_t *query) {
    static const char *const ENDS[] = {"start", "return"};
    for (size_t i = 0; i < 2; i++)
        json_object_set_new(query, ENDS[i],
                            matcher_json(question, question_get(question, ENDS[i])));
    long periods = strtol(question_get(question, "periods"), NULL, 10);
    json_object_set_new(query, "every", json_string(question_get(question, "every")));
    json_object_set_new(query, "periods", json_integer(periods > 0 ? periods : 12));
    if (strcmp(question_get(question, "rm"), "calendar") != 0)
        json_object_set_new(query, "measure", json_string(question_get(question, "rm")));
    add_by(question, query, SERIES);
    if (!*question_get(question, "sys"))
        json_object_set_new(query, "system", json_false());
}

json_t *question_query(const struct question *question) {
    json_t *query = json_pack("{s:s}", "kind", explore_kind_name(question->kind));
    switch (question->kind) {
    case EXPLORE_TREND: add_trend(question, query); break;
    case EXPLORE_FUNNEL: add_funnel(question, query); break;
    case EXPLORE_RETENTION: add_retention(question, query); break;
    default: add_cases(question, query);
    }
    add_common(question, query);
    return query;
}

const char *question_control(const struct question *question, const char *pointer) {
    static const struct {
        const char *head, *prefix;
    } LISTS[] = {{"/steps/", "s"},
                 {"/where/", "f"},
                 {"/exclude/", "x"},
                 {"/segment/all/", "g"},
                 {"/segment/any/", "g"}};
    static const struct {
        const char *head, *control;
    } MEMBERS[] = {{"/range", "range"},   {"/channel", "channel"}, {"/unit", "unit"},
                   {"/by", "by"},         {"/of", "of"},           {"/measure", "measure"},
                   {"/every", "every"},   {"/window", "w"},        {"/order", "order"},
                   {"/entry", "entry"},   {"/level", "level"},     {"/case", "case"},
                   {"/min_share", "min"}, {"/top", "top"},         {"/start", "start"},
                   {"/return", "return"}, {"/periods", "periods"}, {"/steps", "s1"},
                   {"/segment", "g1"},    {"/property", "prop"}};
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++)
        if (strncmp(pointer, LISTS[i].head, strlen(LISTS[i].head)) == 0)
            return arena_format(question->arena, "%s%ld", LISTS[i].prefix,
                                strtol(pointer + strlen(LISTS[i].head), NULL, 10) + 1);
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++)
        if (strncmp(pointer, MEMBERS[i].head, strlen(MEMBERS[i].head)) == 0)
            return MEMBERS[i].control;
    return "";
}

/* A parameter of an address, decoded; NULL if absent. */
static const char *parameter(const struct question *question, const char *target,
                             const char *name) {
    size_t name_n = strlen(name);
    const char *at = strchr(target, '?');
    for (at = at ? at + 1 : ""; *at;) {
        size_t n = strcspn(at, "&#");
        struct slice value;
        if (n > name_n && strncmp(at, name, name_n) == 0 && at[name_n] == '=' &&
            url_decode((struct slice){at + name_n + 1, n - name_n - 1}, true, question->arena,
                       &value))
            return arena_text(question->arena, value);
        at += n;
        at += *at != 0;
    }
    return NULL;
}

static json_t *people_of_flow(const struct question *question, const char *target) {
    static const char *const ENDS[][3] = {
        {"node", NULL, NULL}, {"first", "starts", NULL}, {"last", "ends", NULL}};
    const char *from = parameter(question, target, "edge_from"),
               *to = parameter(question, target, "edge_to");
    if (from && to)
        return json_pack("{s:[s,s]}", "edge", from, to);
    for (size_t i = 0; i < 3; i++) {
        const char *node = parameter(question, target, ENDS[i][0]);
        if (!node)
            continue;
        json_t *people = json_pack("{s:s}", "node", node);
        if (ENDS[i][1])
            json_object_set_new(people, ENDS[i][1], json_true());
        return people;
    }
    return NULL;
}

static json_t *people_of_funnel(const struct question *question, const char *target,
                                const char *step) {
    bool lost = parameter(question, target, "lost") != NULL;
    long number =
        strtol(step, NULL, 10) - (lost ? 1 : 0); /* lost at step 3: came as far as step 2 */
    json_t *people = json_pack("{s:I}", "step", (json_int_t)(number > 0 ? number : 1));
    if (lost)
        json_object_set_new(people, "lost", json_true());
    return people;
}

/* The path of a variant: its number among those of its value of `by`, or among all. */
static json_t *people_of_variants(const struct question *question, const char *target,
                                  const char *variant, const json_t *answer) {
    size_t index = strtoul(variant, NULL, 10);
    json_t *groups = explore_is_grouped(question) ? explore_groups(question, answer) : NULL;
    const json_t *own =
        groups ? explore_group_named(groups, parameter(question, target, "by_value")) : answer;
    const json_t *rows = json_object_get(json_object_get(own, "data"), "variants");
    json_t *path = index ? json_object_get(json_array_get(rows, index - 1), "path") : NULL;
    json_t *people = path ? json_pack("{s:O}", "path", path) : NULL;
    json_decref(groups);
    return people;
}

static json_t *people_of(const struct question *question, const char *target,
                         const json_t *answer) {
    const char *bucket = parameter(question, target, "bucket"),
               *step = parameter(question, target, "step");
    const char *cohort = parameter(question, target, "cohort"),
               *period = parameter(question, target, "period");
    const char *variant = parameter(question, target, "variant");
    if (question->kind == EXPLORE_TREND)
        return bucket ? json_pack("{s:s}", "time", bucket) : json_object();
    if (question->kind == EXPLORE_FUNNEL)
        return step ? people_of_funnel(question, target, step) : NULL;
    if (question->kind == EXPLORE_FLOW)
        return people_of_flow(question, target);
    if (question->kind == EXPLORE_RETENTION && cohort) {
        json_t *people = json_pack("{s:s}", "cohort", cohort);
        if (period)
            json_object_set_new(people, "period", json_integer(strtol(period, NULL, 10)));
        return people;
    }
    if (question->kind == EXPLORE_VARIANTS && variant && answer)
        return people_of_variants(question, target, variant, answer);
    return NULL;
}

json_t *question_people(const struct question *question, const char *target, const json_t *answer) {
    json_t *people = people_of(question, target, answer);
    const char *by = parameter(question, target, "by_value");
    json_t *value = people && by && *question_get(question, "by")
                        ? json_loads(by, JSON_DECODE_ANY, NULL)
                        : NULL;
    if (value)
        json_object_set_new(people, "by", value);
    return people;
}
