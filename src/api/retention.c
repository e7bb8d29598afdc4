/*
 * /api/v1/retention: how long what is kept, and what would go if it were so (privacy/retention.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "privacy/retention.h"

#include <stdlib.h>

#include "api/api.h"
#include "base/limits.h"

/* What is stored, or is asked about. */
struct wanted {
    struct retention retention;
    struct keep_rule *rules; /* [KEEP_RULES_MAX + 1] */
    size_t n;
    int64_t days; /* of interactions that no rule names; 0: for ever */
};

static json_t *days_json(int64_t days) { return days ? json_integer(days) : json_null(); }

static bool is_for_all(const struct keep_rule *rule) {
    return !rule->event[0] && !rule->channel[0] && rule->source == KEEP_ANY_SOURCE;
}

static int stored(struct request *request, struct wanted *wanted, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct keep_rule *list;
    int code = retention_get(folder, &wanted->retention, err);
    keeping_list(ingest_keeping(folder->ingest), request->arena, &list, &wanted->n);
    wanted->rules = ARENA_ARRAY(request->arena, struct keep_rule, KEEP_RULES_MAX + 1);
    memcpy(wanted->rules, list, wanted->n * sizeof *list);
    wanted->days = 0;
    if (wanted->n && is_for_all(&list[wanted->n - 1]))
        wanted->days = list[--wanted->n].days;
    return code;
}

static json_t *wanted_json(struct request *request, const struct wanted *wanted) {
    json_t *json = json_object(), *rules = json_array();
    for (int i = 0; i < RETAIN_KINDS; i++)
        json_object_set_new(json, arena_format(request->arena, "%s_days", RETENTION_NAMES[i]),
                            days_json(wanted->retention.days[i]));
    json_object_set_new(json, "interactions_days", days_json(wanted->days));
    for (size_t i = 0; i < wanted->n; i++) {
        const struct keep_rule *rule = &wanted->rules[i];
        json_array_append_new(
            rules, json_pack("{s:o, s:o, s:o, s:o}", "event",
                             rule->event[0] ? json_string(rule->event) : json_null(), "channel",
                             rule->channel[0] ? json_string(rule->channel) : json_null(), "source",
                             rule->source == KEEP_ANY_SOURCE ? json_null()
                                                             : json_sprintf("%d", rule->source),
                             "days", days_json(rule->days)));
    }
    json_object_set_new(json, "interaction_rules", rules);
    return json;
}

/* ---- reading ---- */

static int read_days(struct request *request, const json_t *body, const char *name,
                     const char *above, int64_t *days, struct err *err) {
    const json_t *value = json_object_get(body, name);
    if (!value)
        return 0;
    *days = json_is_null(value) ? 0 : json_integer_value(value);
    return json_is_null(value) || (*days >= 1 && *days <= RETENTION_DAYS_MOST)
               ? 0
               : err_at(err, E_INVALID, arena_format(request->arena, "%s/%s", above, name),
                        "days is a number from 1 to %d, or null for ever", RETENTION_DAYS_MOST);
}

/* A name or nothing. */
static int read_name(struct request *request, const json_t *row, const char *name,
                     const char *above, const char **text, struct err *err) {
    const json_t *value = json_object_get(row, name);
    *text =
        json_is_string(value) ? arena_text(request->arena, slice_of(json_string_value(value))) : "";
    return !value || json_is_null(value) ||
                   (json_is_string(value) && json_string_length(value) <= LIMIT_NAME_BYTES)
               ? 0
               : err_at(err, E_INVALID, arena_format(request->arena, "%s/%s", above, name),
                        "must be a name, or null for any");
}

static int read_rule(struct request *request, json_t *row, size_t i, struct keep_rule *rule,
                     struct err *err) {
    static const char *const known[] = {"event", "channel", "source", "days", NULL};
    const char *above = arena_format(request->arena, "/interaction_rules/%zu", i), *source;
    *rule = (struct keep_rule){.source = KEEP_ANY_SOURCE};
    if (!json_is_object(row))
        return err_at(err, E_INVALID, above, "must be an object");
    struct err unknown = {0};
    if (api_known(row, known, &unknown))
        return err_repeat(err, E_INVALID,
                          arena_format(request->arena, "%s%s", above, unknown.pointer), &unknown);
    int code = read_name(request, row, "event", above, &rule->event, err);
    if (!code)
        code = read_name(request, row, "channel", above, &rule->channel, err);
    if (!code)
        code = read_name(request, row, "source", above, &source, err);
    if (!code)
        code = read_days(request, row, "days", above, &rule->days, err);
    if (code)
        return code;
    if (source[0]) {
        char *end = NULL;
        long number = strtol(source, &end, 10);
        if (*end || number < 0 || number > UINT16_MAX)
            return err_at(err, E_INVALID, arena_format(request->arena, "%s/source", above),
                          "must be the id of a source");
        rule->source = (int)number;
    }
    return is_for_all(rule)
               ? err_at(err, E_INVALID, above, "a rule names an event, a channel or a source")
               : 0;
}

/* Changes of a body; what it does not name stays. */
static int read_wanted(struct request *request, json_t *body, struct wanted *wanted,
                       struct err *err) {
    static const char *const known[] = {"texts_days",  "refusals_days",     "imports_days",
                                        "copies_days", "interactions_days", "interaction_rules",
                                        NULL};
    const json_t *rules = json_object_get(body, "interaction_rules");
    int code = api_known(body, known, err);
    for (int i = 0; !code && i < RETAIN_KINDS; i++)
        code = read_days(request, body, known[i], "", &wanted->retention.days[i], err);
    if (!code)
        code = read_days(request, body, "interactions_days", "", &wanted->days, err);
    if (!code && rules && (!json_is_array(rules) || json_array_size(rules) >= KEEP_RULES_MAX))
        code = err_at(err, E_INVALID, "/interaction_rules", "must be a list of at most %d",
                      KEEP_RULES_MAX - 1);
    if (!code && rules)
        wanted->n = json_array_size(rules);
    for (size_t i = 0; !code && rules && i < wanted->n; i++)
        code = read_rule(request, json_array_get(rules, i), i, &wanted->rules[i], err);
    return code;
}

/* The rules with the one for all others at the end. */
static size_t whole_list(const struct wanted *wanted) {
    if (!wanted->days)
        return wanted->n;
    wanted->rules[wanted->n] = (struct keep_rule){
        .event = "", .channel = "", .source = KEEP_ANY_SOURCE, .days = wanted->days};
    return wanted->n + 1;
}

/* ---- routes ---- */

static int answer(struct request *request, struct response *response, struct err *err) {
    struct wanted wanted;
    int code = stored(request, &wanted, err);
    if (code)
        return code;
    json_t *json = wanted_json(request, &wanted);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    return answer(request, response, err);
}

static int put(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct wanted wanted;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = stored(request, &wanted, err);
    if (!code)
        code = read_wanted(request, body, &wanted, err);
    json_decref(body);
    if (!code)
        code = retention_put(folder, &wanted.retention, err);
    if (!code)
        code =
            keeping_replace(ingest_keeping(folder->ingest), wanted.rules, whole_list(&wanted), err);
    if (code)
        return code;
    audit_act(request, "retention.change", "", "");
    return answer(request, response, err);
}

/* What would go tonight; with a body, if it were so. Nothing changes. */
static int preview(struct request *request, struct response *response, struct err *err) {
    struct wanted wanted;
    struct retention_preview found;
    json_t *body = NULL;
    int code = stored(request, &wanted, err);
    if (!code && request->body.n)
        code = request_json(request, &body, err);
    if (!code && body)
        code = read_wanted(request, body, &wanted, err);
    json_decref(body);
    if (code)
        return code;
    struct keeping *keeping = keeping_of(wanted.rules, whole_list(&wanted));
    code = retention_preview(app_folder(request->app), &wanted.retention, keeping,
                             request->received_ms, &found, err);
    keeping_close(keeping);
    if (code)
        return code;
    const struct retained *gone = &found.interactions;
    json_t *json = json_pack(
        "{s:b, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I}", "preview", 1, "interactions",
        (json_int_t)gone->interactions, "answers", (json_int_t)gone->answers, "customers",
        (json_int_t)gone->customers, "first", api_instant(gone->first_ms), "last",
        api_instant(gone->last_ms), "texts", (json_int_t)found.n[RETAIN_TEXTS], "imports",
        (json_int_t)found.n[RETAIN_IMPORTS], "copies", (json_int_t)found.n[RETAIN_COPIES]);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/retention", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = get,
     .summary = "How many days what is kept, by kind, and interactions by what they are; null: for "
                "ever"},
    {METHOD_PUT, "/api/v1/retention", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = put,
     .summary =
         "Changes texts_days, refusals_days, imports_days, copies_days, interactions_days, "
         "interaction_rules ([{\"event\", \"channel\", \"source\", \"days\"}], the first that "
         "fits)"},
    {METHOD_POST, "/api/v1/retention/preview", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = preview,
     .summary = "What would go tonight, by these settings or those of the body; changes nothing"},
};
const struct route_table api_retention_routes = ROUTE_TABLE(routes);
