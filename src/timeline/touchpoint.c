/*
 * Rules of touchpoints. See touchpoint.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/touchpoint.h"

#include <stdio.h>
#include <stdlib.h>

static const char *copy_text(const char *text, struct arena *arena) {
    return text ? arena_text(arena, slice_of(text)) : NULL;
}

struct touchpoint_rule *touchpoint_rules_copy(const struct touchpoint_rule *rules, size_t n,
                                              struct arena *arena) {
    struct touchpoint_rule *copy = ARENA_ARRAY(arena, struct touchpoint_rule, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = (struct touchpoint_rule){.touchpoint = copy_text(rules[i].touchpoint, arena),
                                           .event = copy_text(rules[i].event, arena),
                                           .channel = copy_text(rules[i].channel, arena),
                                           .path = copy_text(rules[i].path, arena),
                                           .property = copy_text(rules[i].property, arena),
                                           .value = copy_text(rules[i].value, arena)};
    return copy;
}

struct touchpoint_rules *touchpoint_rules_new(const struct touchpoint_rule *rules, size_t n,
                                              uint32_t version) {
    struct touchpoint_rules *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    atomic_init(&made->refs, 1);
    arena_init(&made->arena);
    made->version = version;
    made->n = (uint32_t)n;
    made->rules = touchpoint_rules_copy(rules, n, &made->arena);
    return made;
}

void touchpoint_rules_retain(struct touchpoint_rules *rules) { atomic_fetch_add(&rules->refs, 1); }

void touchpoint_rules_release(struct touchpoint_rules *rules) {
    if (!rules || atomic_fetch_sub(&rules->refs, 1) != 1)
        return;
    arena_release(&rules->arena);
    free(rules);
}

int touchpoint_rules_check(const struct touchpoint_rule *rules, size_t n, struct err *err) {
    char pointer[64];
    if (n > LIMIT_TOUCHPOINT_RULES)
        return err_set(err, E_INVALID, "at most %d rules", LIMIT_TOUCHPOINT_RULES);
    for (size_t i = 0; i < n; i++) {
        const char *fields[] = {rules[i].touchpoint, rules[i].event,    rules[i].channel,
                                rules[i].path,       rules[i].property, rules[i].value};
        static const char *const names[] = {"touchpoint", "event",    "channel",
                                            "path",       "property", "value"};
        for (int field = 0; field < 6; field++) {
            snprintf(pointer, sizeof pointer, "/%zu/%s", i, names[field]);
            if (fields[field] && strlen(fields[field]) > LIMIT_NAME_BYTES)
                return err_at(err, E_INVALID, pointer, "longer than %d bytes", LIMIT_NAME_BYTES);
            if (fields[field] && !*fields[field] && field < 5)
                return err_at(err, E_INVALID, pointer, "is empty");
        }
        snprintf(pointer, sizeof pointer, "/%zu", i);
        if (!rules[i].touchpoint)
            return err_at(err, E_INVALID, pointer, "needs a touchpoint");
        if (!rules[i].property != !rules[i].value)
            return err_at(err, E_INVALID, pointer, "property and value go together");
        if (!rules[i].event && !rules[i].channel && !rules[i].path && !rules[i].property)
            return err_at(err, E_INVALID, pointer, "needs a condition");
    }
    return 0;
}

bool touchpoint_glob(const char *pattern, struct slice text) {
    const char *p = pattern, *star = NULL;
    size_t i = 0, resume = 0;
    while (i < text.n) {
        if (*p == '*') {
            star = p++;
            resume = i;
        } else if (*p && (*p == '?' || *p == text.p[i])) {
            p++;
            i++;
        } else if (star) {
            p = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return !*p;
}

static bool value_is(const struct value *value, const char *wanted) {
    char *end;
    switch (value->type) {
    case VALUE_TEXT: return slice_is(value->text, wanted);
    case VALUE_TRUE: return strcmp(wanted, "true") == 0;
    case VALUE_FALSE: return strcmp(wanted, "false") == 0;
    case VALUE_INT:
    case VALUE_NUMBER: {
        double number = strtod(wanted, &end);
        if (end == wanted || *end)
            return false;
        double mine = value->type == VALUE_INT ? (double)value->integer : value->number;
        return !(number < mine) && !(number > mine);
    }
    default: return false;
    }
}

/* A column that rules look at: by path (either of two columns) or by property. Walked row by row. */
struct condition {
    const struct part_column *column;
    bool path;
    const char *property; /* of the rules that it stands for, unless path */
    uint32_t next;        /* entry of the next row that has it */
    uint64_t *sets;       /* [n_values][words]; NULL: no dictionary, evaluated per row */
};

struct evaluation {
    const struct touchpoint_rules *rules;
    const struct dictionary *dictionary;
    const struct part *part;
    struct arena arena;
    uint32_t words;                  /* of a set of rules */
    uint64_t *by_event, *by_channel; /* [codes + 1][words] */
    uint32_t n_events, n_channels;
    uint16_t *touchpoints; /* code of each rule's touchpoint */
    uint64_t *now;         /* set of the current row */
    uint32_t n_conditions;
    struct condition *conditions; /* paths first: context.page.path, then path */
    const struct part_column *explicit_column;
    uint16_t *explicit_codes; /* of its dictionary's values */
};

static void set_add(uint64_t *set, uint32_t rule) { set[rule / 64] |= UINT64_C(1) << rule % 64; }

/* The rules that a value lets pass: those without this condition, and those that it fulfils. */
static void value_set(const struct evaluation *e, const struct condition *condition,
                      const struct value *value, uint64_t *set) {
    memset(set, 0, e->words * sizeof *set);
    for (uint32_t i = 0; i < e->rules->n; i++) {
        const struct touchpoint_rule *rule = &e->rules->rules[i];
        bool passes;
        if (condition->path)
            passes = !rule->path ||
                     (value->type == VALUE_TEXT && touchpoint_glob(rule->path, value->text));
        else
            passes = !rule->property || strcmp(rule->property, condition->property) != 0 ||
                     value_is(value, rule->value);
        if (passes)
            set_add(set, i);
    }
}

static uint64_t *name_sets(struct evaluation *e, enum dictionary_kind kind, uint32_t *n) {
    *n = dictionary_count(e->dictionary, kind);
    uint64_t *sets = ARENA_ARRAY(&e->arena, uint64_t, (size_t)(*n + 1) * e->words);
    for (uint32_t i = 0; i < e->rules->n; i++) {
        const char *name =
            kind == DICTIONARY_EVENT ? e->rules->rules[i].event : e->rules->rules[i].channel;
        if (!name) {
            for (uint32_t code = 0; code <= *n; code++)
                set_add(sets + (size_t)code * e->words, i);
            continue;
        }
        uint16_t code = dictionary_find(e->dictionary, kind, slice_of(name));
        if (code != CODE_NONE && code <= *n)
            set_add(sets + (size_t)code * e->words, i);
    }
    return sets;
}

static const struct part_column *column_named(const struct evaluation *e, const char *name) {
    uint16_t code = dictionary_find(e->dictionary, DICTIONARY_PROPERTY, slice_of(name));
    return code == CODE_NONE ? NULL : part_column_find(e->part, code);
}

static void add_condition(struct evaluation *e, bool path, const char *name) {
    struct condition *condition = &e->conditions[e->n_conditions++];
    *condition =
        (struct condition){.column = column_named(e, name), .path = path, .property = name};
    const struct part_column *column = condition->column;
    if (!column || !column->code_bytes)
        return;
    condition->sets = ARENA_ARRAY(&e->arena, uint64_t, (size_t)column->n_values * e->words);
    struct part_column plain = *column;
    plain.code_bytes = 0;
    for (uint32_t v = 0; v < column->n_values; v++) {
        struct value value = part_column_value(&plain, v);
        value_set(e, condition, &value, condition->sets + (size_t)v * e->words);
    }
}

static void prepare_conditions(struct evaluation *e) {
    bool paths = false;
    e->conditions = ARENA_ARRAY(&e->arena, struct condition, e->rules->n + 2);
    for (uint32_t i = 0; i < e->rules->n; i++)
        paths |= e->rules->rules[i].path != NULL;
    if (paths) {
        add_condition(e, true, "context.page.path");
        add_condition(e, true, "path");
    }
    for (uint32_t i = 0; i < e->rules->n; i++) {
        const char *property = e->rules->rules[i].property;
        bool known = !property;
        for (uint32_t c = 0; c < e->n_conditions && !known; c++)
            known = !e->conditions[c].path && strcmp(e->conditions[c].property, property) == 0;
        if (!known)
            add_condition(e, false, property);
    }
}

static void prepare(struct evaluation *e) {
    e->words = (e->rules->n + 63) / 64;
    e->now = ARENA_ARRAY(&e->arena, uint64_t, e->words);
    e->by_event = name_sets(e, DICTIONARY_EVENT, &e->n_events);
    e->by_channel = name_sets(e, DICTIONARY_CHANNEL, &e->n_channels);
    e->touchpoints = ARENA_ARRAY(&e->arena, uint16_t, e->rules->n);
    for (uint32_t i = 0; i < e->rules->n; i++)
        e->touchpoints[i] = dictionary_find(e->dictionary, DICTIONARY_TOUCHPOINT,
                                            slice_of(e->rules->rules[i].touchpoint));
    prepare_conditions(e);
    const struct part_column *column = e->explicit_column = column_named(e, "context.touchpoint");
    if (!column || !column->code_bytes)
        return;
    e->explicit_codes = ARENA_ARRAY(&e->arena, uint16_t, column->n_values);
    struct part_column plain = *column;
    plain.code_bytes = 0;
    for (uint32_t v = 0; v < column->n_values; v++) {
        struct value value = part_column_value(&plain, v);
        if (value.type == VALUE_TEXT)
            e->explicit_codes[v] =
                dictionary_find(e->dictionary, DICTIONARY_TOUCHPOINT, value.text);
    }
}

/* Whether the row has the property; moves on to the next row. */
static bool condition_step(struct condition *condition, uint32_t row, uint32_t *k) {
    const struct part_column *column = condition->column;
    if (!column)
        return false;
    bool present = column->bitmap
                       ? column->bitmap[row / 64] >> row % 64 & 1
                       : condition->next < column->n && column->rows[condition->next] == row;
    *k = condition->next;
    condition->next += present;
    return present;
}

static uint32_t entry_value(const struct part_column *column, uint32_t k) {
    return column->code_bytes == 1 ? ((const uint8_t *)column->codes)[k]
                                   : ((const uint16_t *)column->codes)[k];
}

static void intersect(struct evaluation *e, const struct condition *condition, bool present,
                      uint32_t k) {
    if (present && condition->sets) {
        const uint64_t *set =
            condition->sets + (size_t)entry_value(condition->column, k) * e->words;
        for (uint32_t w = 0; w < e->words; w++)
            e->now[w] &= set[w];
        return;
    }
    uint64_t set[(LIMIT_TOUCHPOINT_RULES + 63) / 64];
    struct value value = {0};
    if (present)
        value = part_column_value(condition->column, k);
    value_set(e, condition, &value, set);
    for (uint32_t w = 0; w < e->words; w++)
        e->now[w] &= set[w];
}

static uint16_t first_rule(const struct evaluation *e) {
    for (uint32_t w = 0; w < e->words; w++)
        if (e->now[w])
            return e->touchpoints[w * 64 + (uint32_t)__builtin_ctzll(e->now[w])];
    return CODE_NONE;
}

static uint16_t row_touchpoint(struct evaluation *e, uint32_t row) {
    const struct part *part = e->part;
    uint32_t event = part->event[row] <= e->n_events ? part->event[row] : 0;
    uint32_t channel = part->channel[row] <= e->n_channels ? part->channel[row] : 0;
    uint64_t any = 0;
    for (uint32_t w = 0; w < e->words; w++)
        any |= e->now[w] = e->by_event[(size_t)event * e->words + w] &
                           e->by_channel[(size_t)channel * e->words + w];
    bool path_done = false;
    for (uint32_t c = 0; c < e->n_conditions; c++) {
        struct condition *condition = &e->conditions[c];
        uint32_t k = 0;
        bool present = condition_step(condition, row, &k);
        if (!any || (condition->path && path_done))
            continue;
        if (condition->path && c == 0 && !present)
            continue; /* context.page.path is not there: the property path decides */
        path_done |= condition->path;
        intersect(e, condition, present, k);
    }
    return any ? first_rule(e) : CODE_NONE;
}

static void apply_explicit(const struct evaluation *e, uint16_t *codes) {
    struct condition walk = {.column = e->explicit_column};
    for (uint32_t row = 0; row < e->part->n_rows; row++) {
        uint32_t k;
        if (!condition_step(&walk, row, &k))
            continue;
        uint16_t code;
        if (e->explicit_codes) {
            code = e->explicit_codes[entry_value(walk.column, k)];
        } else {
            struct value value = part_column_value(walk.column, k);
            code = value.type == VALUE_TEXT
                       ? dictionary_find(e->dictionary, DICTIONARY_TOUCHPOINT, value.text)
                       : CODE_NONE;
        }
        if (code != CODE_NONE)
            codes[row] = code;
    }
}

struct apply_call {
    struct evaluation *e;
    uint16_t *codes;
};

static int apply_guarded(void *context, struct err *err) {
    (void)err;
    struct apply_call *call = context;
    struct evaluation *e = call->e;
    prepare(e);
    if (e->rules->n)
        for (uint32_t row = 0; row < e->part->n_rows; row++)
            call->codes[row] = row_touchpoint(e, row);
    else
        memset(call->codes, 0, e->part->n_rows * sizeof *call->codes);
    if (e->explicit_column)
        apply_explicit(e, call->codes);
    return 0;
}

/* Checks what will be read. */
static int touch_columns(const struct evaluation *e, struct err *err) {
    uint32_t codes[LIMIT_TOUCHPOINT_RULES + 3], n = 0;
    const char *names[] = {"context.touchpoint", "context.page.path", "path"};
    for (uint32_t i = 0; i < e->rules->n + 3; i++) {
        const char *name = i < 3 ? names[i] : e->rules->rules[i - 3].property;
        const struct part_column *column = name ? column_named(e, name) : NULL;
        if (column)
            codes[n++] = column->code;
    }
    return part_touch(e->part, COLUMN_EVENT | COLUMN_CHANNEL, codes, n, err);
}

int touchpoint_apply(const struct touchpoint_rules *rules, const struct dictionary *dictionary,
                     const struct part *part, uint16_t *codes, struct err *err) {
    struct evaluation e = {.rules = rules, .dictionary = dictionary, .part = part};
    struct apply_call call = {&e, codes};
    arena_init(&e.arena);
    int code = touch_columns(&e, err);
    if (!code)
        code = part_guard(apply_guarded, &call, err);
    arena_release(&e.arena);
    return code;
}
