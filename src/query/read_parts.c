/*
 * The parts that questions share: predicates, matchers, segment rules.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/limits.h"
#include "base/time.h"
#include "query/internal.h"

enum { RULE_DEPTH = 16, RULE_CHILDREN = 64, RULE_VALUES = 10000 };

static const char *const op_texts[] = {
#define X(name, text) text,
    PREDICATE_OP_TABLE(X)
#undef X
};

static int read_values(struct reader *r, const json_t *json, struct predicate *predicate) {
    if (!json_is_array(json) || json_array_size(json) == 0)
        return refuse(r, "\"in\" takes a list of values");
    if (json_array_size(json) > RULE_VALUES)
        return refuse(r, "at most %d values", RULE_VALUES);
    predicate->n_values = (uint32_t)json_array_size(json);
    struct value *values = ARENA_ARRAY(r->arena, struct value, predicate->n_values);
    predicate->values = values;
    int code = 0;
    for (uint32_t i = 0; i < predicate->n_values && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_value(r, json_array_get(json, i), &values[i]);
        leave(r, mark);
    }
    return code;
}

static int read_operand(struct reader *r, const json_t *json, struct predicate *predicate) {
    if (predicate->op == OP_IN)
        return read_values(r, json, predicate);
    struct value *value = ARENA_ARRAY(r->arena, struct value, 1);
    predicate->values = value;
    predicate->n_values = 1;
    int code = read_value(r, json, value);
    if (code)
        return code;
    if (predicate->op == OP_CONTAINS && value->type != VALUE_TEXT)
        return refuse(r, "\"contains\" takes a text");
    if (predicate->op >= OP_LT && predicate->op <= OP_GE &&
        (value->type == VALUE_TRUE || value->type == VALUE_FALSE))
        return refuse(r, "true and false have no order");
    return 0;
}

int read_operation(struct reader *r, const json_t *json, struct predicate *predicate) {
    int code = 0, op = OP_EQ;
    WITH_MEMBER(r, json, "op", text, code,
                read_choice(r, text, ERR_WORDS("op"), op_texts, PREDICATE_OPS, &op));
    if (code)
        return code;
    predicate->op = (enum predicate_op)op;
    bool needs_value = op != OP_EXISTS && op != OP_ABSENT;
    const json_t *operand = json_object_get(json, "value");
    if (needs_value && !operand)
        return refuse(r, "\"%s\" needs a \"value\"", op_texts[op]);
    if (!needs_value && operand)
        return refuse(r, "\"%s\" takes no value", op_texts[op]);
    WITH_MEMBER(r, json, "value", value, code, read_operand(r, value, predicate));
    return code;
}

int read_predicate(struct reader *r, const json_t *json, const char *name_member,
                   struct predicate *predicate) {
    char allowed[64];
    snprintf(allowed, sizeof allowed, "%s op value", name_member);
    int code = read_members(r, json, allowed);
    if (code)
        return code;
    *predicate = (struct predicate){0};
    if (!json_object_get(json, name_member))
        return refuse(r, "needs \"%s\"", name_member);
    uint16_t property = CODE_NONE;
    WITH_MEMBER(r, json, name_member, name, code,
                read_code(r, DICTIONARY_PROPERTY, name_member, name, &property));
    predicate->property = property;
    return code ? code : read_operation(r, json, predicate);
}

int read_where(struct reader *r, const json_t *json, const struct predicate **where, uint32_t *n) {
    if (!json_is_array(json))
        return refuse(r, "must be a list of conditions");
    size_t count = json_array_size(json);
    if (count > LIMIT_WHERE)
        return refuse(r, "at most %d conditions", LIMIT_WHERE);
    struct predicate *predicates = ARENA_ARRAY(r->arena, struct predicate, count);
    int code = 0;
    for (size_t i = 0; i < count && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_predicate(r, json_array_get(json, i), "property", &predicates[i]);
        leave(r, mark);
    }
    *where = predicates;
    *n = (uint32_t)count;
    return code;
}

static void name_list(struct buf *buf, const struct dictionary *dictionary,
                      enum dictionary_kind kind, const uint16_t *codes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (codes[i] == CODE_NONE)
            continue;
        if (buf->n)
            buf_add_text(buf, ", ");
        buf_add_slice(buf, dictionary_name(dictionary, kind, codes[i]));
    }
}

static struct slice matcher_name(struct reader *r, const struct matcher *matcher) {
    struct buf buf;
    buf_init(&buf, 4096);
    name_list(&buf, r->context->dictionary, DICTIONARY_EVENT, matcher->events, matcher->n_events);
    name_list(&buf, r->context->dictionary, DICTIONARY_TOUCHPOINT, matcher->touchpoints,
              matcher->n_touchpoints);
    struct slice name = arena_copy(r->arena, buf.n ? buf_slice(&buf) : SLICE_LITERAL("*"));
    buf_release(&buf);
    return name;
}

/* The codes of a unit, or of several, and of everything below. What the asker may see is another matter: filters mind it. */
static int read_matched_units(struct reader *r, const json_t *json, struct matcher *matcher) {
    bool list = json_is_array(json), *seen = ARENA_ARRAY(r->arena, bool, LIMIT_CODES + 1);
    size_t n = list ? json_array_size(json) : 1;
    int code = n ? 0 : refuse(r, "must name at least one unit");
    for (size_t i = 0; i < n && !code; i++) {
        size_t mark = list ? enter_index(r, i) : r->depth;
        struct slice name = {0};
        const uint16_t *below;
        code = read_text(r, list ? json_array_get(json, i) : json, &name);
        if (!code && !units_know(r->context->units, name))
            code = note_unknown(r, DICTIONARY_UNIT, ERR_WORDS("unit"), name);
        size_t n_below = code ? 0 : units_below(r->context->units, name, r->arena, &below);
        for (size_t k = 0; k < n_below; k++)
            seen[below[k]] = true;
        leave(r, mark);
    }
    uint16_t *units = ARENA_ARRAY(r->arena, uint16_t, LIMIT_CODES);
    for (uint32_t unit = 1; unit <= LIMIT_CODES; unit++)
        if (seen[unit])
            units[matcher->n_units++] = (uint16_t)unit;
    matcher->units = units;
    return code;
}

/* A condition of which nothing that was collected could be: nothing matches. */
static void match_nothing_unseen(const json_t *json, struct matcher *matcher) {
    static const uint16_t nothing[] = {CODE_NONE};
    if ((json_object_get(json, "event") && !matcher->n_events) ||
        (json_object_get(json, "touchpoint") && !matcher->n_touchpoints) ||
        (json_object_get(json, "channel") && !matcher->n_channels) ||
        (json_object_get(json, "unit") && !matcher->n_units)) {
        matcher->events = nothing;
        matcher->n_events = 1;
        matcher->touchpoints = matcher->channels = matcher->units = NULL;
        matcher->n_touchpoints = matcher->n_channels = matcher->n_units = 0;
    }
}

int read_matcher(struct reader *r, const json_t *json, const char *extra, struct matcher *matcher) {
    char allowed[128];
    snprintf(allowed, sizeof allowed, "event touchpoint channel unit station where name %s",
             extra ? extra : "");
    *matcher = (struct matcher){0};
    int code = read_members(r, json, allowed);
    if (code)
        return code;
    if (json_object_get(json, "station")) {
        size_t mark = enter(r, "station");
        refuse(r, "stations are not available yet");
        leave(r, mark);
        return err_hint(r->err, "Match by event or touchpoint.");
    }
    WITH_MEMBER(r, json, "event", event, code,
                read_codes(r, DICTIONARY_EVENT, ERR_WORDS("event"), event, &matcher->events,
                           &matcher->n_events));
    WITH_MEMBER(r, json, "touchpoint", touchpoint, code,
                read_codes(r, DICTIONARY_TOUCHPOINT, ERR_WORDS("touchpoint"), touchpoint,
                           &matcher->touchpoints, &matcher->n_touchpoints));
    WITH_MEMBER(r, json, "channel", channel, code,
                read_codes(r, DICTIONARY_CHANNEL, ERR_WORDS("channel"), channel, &matcher->channels,
                           &matcher->n_channels));
    WITH_MEMBER(r, json, "unit", unit, code, read_matched_units(r, unit, matcher));
    WITH_MEMBER(r, json, "where", where, code,
                read_where(r, where, &matcher->where, &matcher->n_where));
    matcher->skips_system =
        r->in_rule && !matcher->n_events && !matcher->n_touchpoints && !matcher->n_channels;
    match_nothing_unseen(json, matcher);
    WITH_MEMBER(r, json, "name", name, code, read_text(r, name, &matcher->name));
    if (!code && !matcher->name.p)
        matcher->name = matcher_name(r, matcher);
    return code;
}

/* ">=2", "= 0", "<5" */
static int read_times(struct reader *r, const json_t *json, struct rule *rule) {
    struct slice text = {0};
    int code = read_text(r, json, &text);
    if (code)
        return code;
    static const struct {
        const char *text;
        enum predicate_op op;
    } ops[] = {{">=", OP_GE}, {"<=", OP_LE}, {"!=", OP_NE}, {"==", OP_EQ},
               {">", OP_GT},  {"<", OP_LT},  {"=", OP_EQ}};
    const char *digits = NULL;
    for (size_t i = 0; i < sizeof ops / sizeof *ops && !digits; i++) {
        size_t n = strlen(ops[i].text);
        if (text.n > n && strncmp(text.p, ops[i].text, n) == 0) {
            digits = text.p + n;
            rule->times_op = ops[i].op;
        }
    }
    while (digits && *digits == ' ')
        digits++;
    uint64_t times = 0;
    bool good = digits && *digits;
    for (; good && *digits; digits++) {
        good = *digits >= '0' && *digits <= '9' && times < UINT64_C(1000000000);
        times = times * 10 + (uint64_t)(*digits - '0');
    }
    if (!good) {
        refuse(r, "must be a comparison and a whole number");
        return err_hint(r->err, "Write \">=2\", \"=0\" or \"<5\".");
    }
    rule->times = times;
    return 0;
}

int read_within(struct reader *r, const json_t *json, struct rule *rule) {
    int64_t length_ms = 0;
    int code = read_duration(r, json, &length_ms);
    rule->to_ms = r->plan->end_ms;
    rule->from_ms = rule->to_ms - length_ms;
    rule->relative = true;
    return code;
}

static int read_did(struct reader *r, const json_t *json, struct rule *rule) {
    int code = read_members(r, json, "did times within range");
    rule->kind = RULE_DID;
    rule->times_op = OP_GE;
    rule->times = 1;
    rule->from_ms = TIME_MIN_MS;
    rule->to_ms = TIME_MAX_MS;
    if (!code && json_object_get(json, "within") && json_object_get(json, "range")) {
        size_t mark = enter(r, "range");
        refuse(r, "\"within\" and \"range\" exclude each other");
        leave(r, mark);
        return err_hint(r->err, "Keep one of them.");
    }
    bool has_from, has_to;
    WITH_MEMBER(r, json, "did", did, code, read_matcher(r, did, NULL, &rule->did));
    WITH_MEMBER(r, json, "times", times, code, read_times(r, times, rule));
    WITH_MEMBER(r, json, "within", within, code, read_within(r, within, rule));
    WITH_MEMBER(r, json, "range", range, code,
                read_range(r, range, &rule->from_ms, &rule->to_ms, &has_from, &has_to));
    return code;
}

static int read_one_rule(struct reader *r, const json_t *json, int depth, const struct rule **out);

static int read_children(struct reader *r, const json_t *json, int depth, struct rule *rule) {
    if (!json_is_array(json))
        return refuse(r, "must be a list of rules");
    size_t n = json_array_size(json);
    if (n == 0 || n > RULE_CHILDREN)
        return refuse(r, n ? "at most %d rules" : "must hold at least one rule", RULE_CHILDREN);
    const struct rule **children = ARENA_ARRAY(r->arena, const struct rule *, n);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_rule(r, json_array_get(json, i), depth + 1, &children[i]);
        leave(r, mark);
    }
    rule->children = children;
    rule->n_children = (uint32_t)n;
    return code;
}

static int read_not(struct reader *r, const json_t *json, int depth, struct rule *rule) {
    const struct rule **children = ARENA_ARRAY(r->arena, const struct rule *, 1);
    rule->children = children;
    rule->n_children = 1;
    return read_rule(r, json, depth + 1, &children[0]);
}

/* The member of the object that says what kind of rule it is, or NULL. */
static const char *rule_word(const json_t *json) {
    static const char *const words[] = {"all", "any",      "not",      "trait", "did",
                                        "in",  "sequence", "answered", "value"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (json_object_get(json, words[i]) &&
            (strcmp(words[i], "value") != 0 || !json_object_get(json, "trait")))
            return words[i];
    return NULL;
}

int read_rule(struct reader *r, const json_t *json, int depth, const struct rule **out) {
    r->in_rule++;
    int code = read_one_rule(r, json, depth, out);
    r->in_rule--;
    return code;
}

static int read_one_rule(struct reader *r, const json_t *json, int depth, const struct rule **out) {
    if (!json_is_object(json))
        return refuse(r, "must be a rule (an object)");
    if (depth > RULE_DEPTH)
        return refuse(r, "rules are nested more than %d deep", RULE_DEPTH);
    const char *word = rule_word(json);
    struct rule *rule = ARENA_ARRAY(r->arena, struct rule, 1);
    *out = rule;
    int code = 0;
    if (!word) {
        code = read_members(r, json, "all any not trait did sequence answered value in");
        return code ? code
                    : refuse(r, "a rule needs one of all, any, not, trait, did, sequence, "
                                "answered, value, in");
    }
    if (strcmp(word, "trait") == 0) {
        rule->kind = RULE_TRAIT;
        return read_predicate(r, json, "trait", &rule->trait);
    }
    if (strcmp(word, "did") == 0)
        return read_did(r, json, rule);
    if (strcmp(word, "sequence") == 0)
        return read_sequence(r, json, rule);
    code = strcmp(word, "value") == 0 && !json_is_object(json_object_get(json, word))
               ? 0 /* read_number tells how it is written */
               : read_members(r, json, word);
    if (strcmp(word, "value") == 0) {
        WITH_MEMBER(r, json, "value", number, code, read_number_leaf(r, number, rule));
    } else if (strcmp(word, "answered") == 0) {
        WITH_MEMBER(r, json, "answered", answered, code, read_answered(r, answered, rule));
    } else if (strcmp(word, "not") == 0) {
        rule->kind = RULE_NOT;
        WITH_MEMBER(r, json, "not", child, code, read_not(r, child, depth, rule));
    } else if (strcmp(word, "in") == 0) {
        WITH_MEMBER(r, json, "in", name, code, read_in(r, name, rule));
    } else {
        rule->kind = strcmp(word, "all") == 0 ? RULE_ALL : RULE_ANY;
        WITH_MEMBER(r, json, word, children, code, read_children(r, children, depth, rule));
    }
    return code;
}
