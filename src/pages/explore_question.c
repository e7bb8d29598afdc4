/*
 * The question of an address: reading, changing by the form's buttons, writing. See explore.h for the parameters.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/limits.h"
#include "http/router.h"
#include "pages/explore.h"
#include "pages/words.h"

enum {
    ON_TREND = 1,
    ON_FUNNEL = 2,
    ON_FLOW = 4,
    ON_VARIANTS = 8,
    ON_RETENTION = 16,
    ON_ALL = 31,
    VALUE_BYTES = 512
};

static const char *const KINDS[] = {"trend", "funnel", "flow", "variants", "retention"};

const char *explore_kind_name(enum explore_kind kind) { return KINDS[kind]; }

enum explore_kind explore_kind_of(const char *name) {
    for (int kind = 0; kind < EXPLORE_KINDS; kind++)
        if (strcmp(name, KINDS[kind]) == 0)
            return (enum explore_kind)kind;
    return EXPLORE_KINDS;
}

/* Single parameters in the order in which addresses bear them. */
static const struct {
    const char *name, *standard;
    unsigned kinds;
} SINGLES[] = {
    {"range", "last_90d", ON_ALL},
    {"from", "", ON_ALL},
    {"to", "", ON_ALL},
    {"unit", "", ON_ALL},
    {"by", "", ON_ALL},
    {"sys", "", ON_ALL & ~(unsigned)ON_FUNNEL},
    {"g", "all", ON_ALL},
    {"of", "*", ON_TREND},
    {"measure", "count", ON_TREND},
    {"prop", "", ON_TREND},
    {"every", "day", ON_TREND | ON_RETENTION},
    {"shape", "area", ON_TREND},
    {"compare", "", ON_TREND},
    {"w", "7", ON_FUNNEL},
    {"wu", "d", ON_FUNNEL},
    {"order", "ordered", ON_FUNNEL},
    {"entry", "any", ON_FUNNEL},
    {"level", "event", ON_FLOW | ON_VARIANTS},
    {"case", "customer", ON_FLOW | ON_VARIANTS},
    {"casep", "", ON_FLOW | ON_VARIANTS},
    {"min", "0", ON_FLOW},
    {"view", "map", ON_FLOW},
    {"color", "count", ON_FLOW},
    {"places", "fit", ON_FLOW},
    {"top", "20", ON_VARIANTS},
    {"start", "*", ON_RETENTION},
    {"return", "*", ON_RETENTION},
    {"periods", "12", ON_RETENTION},
    {"rm", "calendar", ON_RETENTION},
    {"sn", "", ON_FUNNEL},
    {"fn", "", ON_ALL},
    {"gn", "", ON_ALL},
    {"xn", "", ON_FUNNEL},
};

static const struct {
    const char *prefix, *fields[8]; /* the first field decides whether a row is filled */
    size_t least, most;             /* rows shown, rows possible */
    unsigned kinds;
} GROUPS[ROW_GROUPS] = {
    [ROWS_STEPS] = {"s", {"", "p", "o", "v"}, 2, LIMIT_FUNNEL_STEPS, ON_FUNNEL},
    [ROWS_FILTERS] = {"f", {"p", "o", "v"}, 0, 8, ON_ALL},
    [ROWS_SEGMENT] = {"g", {"k", "p", "o", "v", "e", "n", "w", "s"}, 0, 8, ON_ALL},
    [ROWS_EXCLUSIONS] = {"x", {"", "a", "b"}, 0, 8, ON_FUNNEL},
};

const char *question_get(const struct question *question, const char *name) {
    const char *value = json_string_value(json_object_get(question->values, name));
    if (value && *value)
        return value;
    if (strcmp(name, "every") == 0)
        return question->kind == EXPLORE_RETENTION ? "week" : "day";
    for (size_t i = 0; i < sizeof SINGLES / sizeof *SINGLES; i++)
        if (strcmp(SINGLES[i].name, name) == 0)
            return SINGLES[i].standard;
    return "";
}

void question_set(struct question *question, const char *name, const char *value) {
    if (value && *value)
        json_object_set_new(question->values, name, json_string(value));
    else
        json_object_del(question->values, name);
}

/* "of", "start", "return", "s2", "x1", "g3e": what names an event. */
static bool is_matcher(const char *name) {
    if (strcmp(name, "of") == 0 || strcmp(name, "start") == 0 || strcmp(name, "return") == 0)
        return true;
    size_t digits = strspn(name + 1, "0123456789");
    const char *rest = name + 1 + digits;
    return digits &&
           (name[0] == 'g' ? strcmp(rest, "e") == 0 : (name[0] == 's' || name[0] == 'x') && !*rest);
}

void question_take_words(struct question *question, const char *language) {
    const char *name;
    json_t *value;
    json_object_foreach(question->values, name, value) {
        const char *text = json_string_value(value);
        if (!text || !is_matcher(name))
            continue;
        const char *event = words_event_named(language, question->dictionary, text);
        if (event != text)
            json_string_set(value, event);
    }
}

static const char *row_name(const struct question *question, int group, size_t row,
                            const char *field) {
    return arena_format(question->arena, "%s%zu%s", GROUPS[group].prefix, row, field);
}

const char *question_row(const struct question *question, int group, size_t row,
                         const char *field) {
    return question_get(question, row_name(question, group, row, field));
}

/* "s12p" is field "p" of row 12 of the steps. */
static bool is_row(const char *name) {
    for (int group = 0; group < ROW_GROUPS; group++) {
        if (name[0] != GROUPS[group].prefix[0] || !isdigit((unsigned char)name[1]) ||
            name[1] == '0')
            continue;
        char *end;
        unsigned long row = strtoul(name + 1, &end, 10);
        for (size_t i = 0; row <= GROUPS[group].most && i < 8 && GROUPS[group].fields[i]; i++)
            if (strcmp(end, GROUPS[group].fields[i]) == 0)
                return true;
    }
    return false;
}

static bool is_known(const char *name) {
    for (size_t i = 0; i < sizeof SINGLES / sizeof *SINGLES; i++)
        if (strcmp(SINGLES[i].name, name) == 0)
            return true;
    return is_row(name);
}

static void take_pair(struct question *question, struct slice pair) {
    const char *equals = memchr(pair.p, '=', pair.n);
    struct slice name, value = {"", 0};
    size_t name_n = equals ? (size_t)(equals - pair.p) : pair.n;
    if (!url_decode((struct slice){pair.p, name_n}, true, question->arena, &name))
        return;
    if (equals &&
        !url_decode((struct slice){equals + 1, pair.n - name_n - 1}, true, question->arena, &value))
        return;
    while (value.n && value.p[0] == ' ')
        value.p++, value.n--;
    while (value.n && value.p[value.n - 1] == ' ')
        value.n--;
    if (!value.n || value.n > VALUE_BYTES)
        return;
    const char *text = arena_text(question->arena, name);
    if (strcmp(text, "channel") == 0 && json_array_size(question->channels) < 64)
        json_array_append_new(question->channels, json_stringn(value.p, value.n));
    else if (is_known(text))
        json_object_set_new(question->values, text, json_stringn(value.p, value.n));
}

static void move_row(struct question *question, int group, size_t from, size_t to) {
    for (size_t i = 0; i < 8 && GROUPS[group].fields[i]; i++) {
        const char *value = question_row(question, group, from, GROUPS[group].fields[i]);
        question_set(question, row_name(question, group, to, GROUPS[group].fields[i]), value);
        if (from != to)
            question_set(question, row_name(question, group, from, GROUPS[group].fields[i]), NULL);
    }
}

static void clear_row(struct question *question, int group, size_t row) {
    for (size_t i = 0; i < 8 && GROUPS[group].fields[i]; i++)
        question_set(question, row_name(question, group, row, GROUPS[group].fields[i]), NULL);
}

/* Drops what a row does not use: a comparison without a property, the other kind's fields of a rule. */
static void tidy_row(struct question *question, int group, size_t row) {
    const char *kind = question_row(question, ROWS_SEGMENT, row, "k");
    bool did = group == ROWS_SEGMENT && strncmp(kind, "did", 3) == 0;
    bool in = group == ROWS_SEGMENT && strcmp(kind, "in") == 0;
    static const char *const CONDITION[] = {"p", "o", "v"}, *const DEED[] = {"e", "n", "w"};
    if (group == ROWS_EXCLUSIONS)
        return;
    for (size_t i = did || in ? 0 : 1; i < 3; i++)
        if (did || in || !*question_row(question, group, row, "p"))
            question_set(question, row_name(question, group, row, CONDITION[i]), NULL);
    for (size_t i = 0; group == ROWS_SEGMENT && !did && i < 3; i++)
        question_set(question, row_name(question, group, row, DEED[i]), NULL);
    if (group == ROWS_SEGMENT && !in)
        question_set(question, row_name(question, group, row, "s"), NULL);
}

/* Closes holes and counts rows. */
static void settle(struct question *question) {
    for (int group = 0; group < ROW_GROUPS; group++) {
        size_t filled = 0;
        for (size_t row = 1; row <= GROUPS[group].most; row++) {
            if (!*question_row(question, group, row, GROUPS[group].fields[0])) {
                clear_row(question, group, row);
                continue;
            }
            filled++;
            if (row != filled)
                move_row(question, group, row, filled);
            tidy_row(question, group, filled);
        }
        size_t asked = strtoul(
            question_get(question, arena_format(question->arena, "%sn", GROUPS[group].prefix)),
            NULL, 10);
        size_t shown = filled > GROUPS[group].least ? filled : GROUPS[group].least;
        if (asked > shown)
            shown = asked < GROUPS[group].most ? asked : GROUPS[group].most;
        question->rows[group] = filled;
        question->shown[group] = shown;
    }
}

void question_read(struct question *question, enum explore_kind kind, const char *target,
                   struct arena *arena) {
    *question = (struct question){
        .kind = kind, .arena = arena, .values = json_object(), .channels = json_array()};
    const char *at = strchr(target, '?');
    for (at = at ? at + 1 : ""; *at && *at != '#';) {
        size_t n = strcspn(at, "&#");
        take_pair(question, (struct slice){at, n});
        at += n;
        at += *at == '&';
    }
    settle(question);
}

void question_release(struct question *question) {
    json_decref(question->values);
    json_decref(question->channels);
}

static void swap_rows(struct question *question, int group, size_t a, size_t b) {
    for (size_t i = 0; i < 8 && GROUPS[group].fields[i]; i++) {
        const char *field = GROUPS[group].fields[i];
        const char *first =
            arena_format(question->arena, "%s", question_row(question, group, a, field));
        const char *second =
            arena_format(question->arena, "%s", question_row(question, group, b, field));
        question_set(question, row_name(question, group, a, field), second);
        question_set(question, row_name(question, group, b, field), first);
    }
}

void question_do(struct question *question, const char *operation) {
    char word[8], letter;
    size_t row = 0;
    const char *dash = strchr(operation, '-');
    if (!dash || (size_t)(dash - operation) >= sizeof word || !dash[1])
        return;
    memcpy(word, operation, (size_t)(dash - operation));
    word[dash - operation] = 0;
    letter = dash[1];
    if (dash[2] == '-')
        row = strtoul(dash + 3, NULL, 10);
    for (int group = 0; group < ROW_GROUPS; group++) {
        const char *count = arena_format(question->arena, "%sn", GROUPS[group].prefix);
        size_t shown = question->shown[group];
        if (letter != GROUPS[group].prefix[0] || row > GROUPS[group].most)
            continue;
        if (strcmp(word, "add") == 0 && shown < GROUPS[group].most) {
            question_set(question, count, arena_format(question->arena, "%zu", shown + 1));
        } else if (strcmp(word, "del") == 0 && row) {
            clear_row(question, group, row);
            question_set(question, count,
                         shown > 1 ? arena_format(question->arena, "%zu", shown - 1) : NULL);
        } else if (strcmp(word, "up") == 0 && row > 1) {
            swap_rows(question, group, row, row - 1);
        } else if (strcmp(word, "down") == 0 && row && row < question->rows[group]) {
            swap_rows(question, group, row, row + 1);
        }
    }
    settle(question);
}

static void add_pair(const struct question *question, const char *name, const char *value,
                     struct buf *out) {
    buf_add_format(out, "%s%s=%s", memchr(out->p, '?', out->n) ? "&" : "?", name,
                   svg_encode(question->arena, slice_of(value)));
}

static void add_rows(const struct question *question, int group, struct buf *out) {
    for (size_t row = 1; row <= question->rows[group]; row++) {
        for (size_t i = 0; i < 8 && GROUPS[group].fields[i]; i++) {
            const char *value = question_row(question, group, row, GROUPS[group].fields[i]);
            if (*value)
                add_pair(question, row_name(question, group, row, GROUPS[group].fields[i]), value,
                         out);
        }
    }
}

/* Whether a single parameter says something: not the default, not a row count that the rows imply. */
static bool says_something(const struct question *question, const char *name, const char *value) {
    for (int group = 0; group < ROW_GROUPS; group++) {
        size_t least = question->rows[group] > GROUPS[group].least ? question->rows[group]
                                                                   : GROUPS[group].least;
        if (name[0] == GROUPS[group].prefix[0] && strcmp(name + 1, "n") == 0)
            return question->shown[group] > least;
    }
    struct question empty = {.kind = question->kind, .values = json_object()};
    bool standard = strcmp(question_get(&empty, name), value) == 0;
    json_decref(empty.values);
    return !standard || (strcmp(name, "range") == 0 && json_object_get(question->values, name));
}

const char *question_address(const struct question *question, enum explore_kind kind,
                             const char *suffix) {
    unsigned bit = 1U << kind;
    struct buf out;
    size_t i;
    json_t *channel;
    buf_init(&out, (size_t)LIMIT_URL_BYTES * 4);
    buf_add_format(&out, "/explore/%s%s", KINDS[kind], suffix);
    for (size_t s = 0; s < sizeof SINGLES / sizeof *SINGLES; s++) {
        const char *name = SINGLES[s].name,
                   *value = json_string_value(json_object_get(question->values, name));
        bool shared = kind == question->kind || strcmp(name, "every") != 0;
        if (value && *value && (SINGLES[s].kinds & bit) && shared &&
            says_something(question, name, value))
            add_pair(question, name, value, &out);
    }
    json_array_foreach(question->channels, i, channel)
        add_pair(question, "channel", json_string_value(channel), &out);
    for (int group = 0; group < ROW_GROUPS; group++)
        if (GROUPS[group].kinds & bit)
            add_rows(question, group, &out);
    const char *address = arena_text(question->arena, buf_slice(&out));
    buf_release(&out);
    return address;
}
