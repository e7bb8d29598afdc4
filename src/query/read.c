/*
 * The small readers: texts, counts, names, values, instants, each complaining with pointer and hint.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "query/internal.h"

static void append(struct reader *r, char c) {
    if (r->depth + 1 < sizeof r->pointer)
        r->pointer[r->depth++] = c;
    r->pointer[r->depth] = 0;
}

size_t enter(struct reader *r, const char *member) {
    size_t mark = r->depth;
    if (r->within_stored)
        return mark;
    append(r, '/');
    for (const char *p = member; *p; p++) {
        if (*p == '~' || *p == '/') {
            append(r, '~');
            append(r, *p == '~' ? '0' : '1');
        } else {
            append(r, *p);
        }
    }
    return mark;
}

size_t enter_index(struct reader *r, size_t index) {
    char text[24];
    snprintf(text, sizeof text, "%zu", index);
    return enter(r, text);
}

void leave(struct reader *r, size_t mark) {
    r->depth = mark;
    r->pointer[mark] = 0;
}

int refuse(struct reader *r, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int code = err_at_list(r->err, E_INVALID, r->pointer, format, args);
    va_end(args);
    return code;
}

/* Edits between two names without regard to case (Levenshtein, two rows); names beyond 64 bytes are far apart. */
static size_t distance(struct slice a, struct slice b) {
    enum { LONGEST = 64 };
    if (a.n > LONGEST || b.n > LONGEST)
        return LONGEST;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = tolower((unsigned char)a.p[i - 1]) == tolower((unsigned char)b.p[j - 1]);
            size_t best = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

static bool near(struct slice got, size_t edits) {
    return edits <= (got.n < 6 ? 2 : 1 + got.n / 4);
}

int refuse_choice(struct reader *r, const char *what, const char *got, const char *const *choices,
                  size_t n) {
    refuse(r, "unknown %s \"%.60s\"", what, got);
    size_t best = SIZE_MAX, nearest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t edits = distance(slice_of(got), slice_of(choices[i]));
        if (edits < best) {
            best = edits;
            nearest = i;
        }
    }
    if (n && near(slice_of(got), best))
        return err_hint(r->err, "Did you mean \"%s\"?", choices[nearest]);
    char list[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && used + strlen(choices[i]) + 3 < sizeof list; i++)
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
    return err_hint(r->err, "One of: %s.", list);
}

/* The known name that may be meant, absent if none is near. */
static struct slice nearest_name(const struct reader *r, enum dictionary_kind kind,
                                 struct slice name) {
    const struct dictionary *dictionary = r->context->dictionary;
    size_t best = SIZE_MAX;
    struct slice nearest = {NULL, 0};
    for (uint32_t code = 1; code <= dictionary_count(dictionary, kind); code++) {
        struct slice known = dictionary_name(dictionary, kind, (uint16_t)code);
        size_t edits = distance(name, known);
        if (edits < best) {
            best = edits;
            nearest = known;
        }
    }
    return nearest.n && near(name, best) ? nearest : (struct slice){NULL, 0};
}

int refuse_name(struct reader *r, enum dictionary_kind kind, const char *what, struct slice name) {
    struct slice nearest = nearest_name(r, kind, name);
    refuse(r, "unknown %s \"%.*s\"", what, name.n > 120 ? 120 : (int)name.n, name.p);
    if (nearest.n)
        return err_hint(r->err, "Did you mean \"%.*s\"?", nearest.n > 100 ? 100 : (int)nearest.n,
                        nearest.p);
    return err_hint(r->err, "Nothing that was collected bears this %s name yet.", what);
}

/* What Senda writes itself bears a name that is known before it first happens. */
static bool is_own_name(enum dictionary_kind kind, struct slice name) {
    static const char *const events[] = {"Segment Entered",
                                         "Segment Left",
                                         "Promise Broken",
                                         "Survey Invited",
                                         "Survey Shown",
                                         "Survey Dismissed",
                                         "Survey Responded",
                                         "Review Invited",
                                         "Product Reviewed",
                                         "Kiosk Tapped",
                                         NULL},
                             *const properties[] = {"segment",    "initial", "promise",
                                                    "promise_id", "made_at", NULL};
    const char *const *own = kind == DICTIONARY_EVENT ? events : properties;
    if (kind != DICTIONARY_EVENT && kind != DICTIONARY_PROPERTY)
        return false;
    while (*own && !slice_is(name, *own))
        own++;
    return *own != NULL;
}

int note_unknown(struct reader *r, enum dictionary_kind kind, const char *what, struct slice name) {
    if (!r->in_rule)
        return is_own_name(kind, name) ? 0 : refuse_name(r, kind, what, name);
    if (name.n > LIMIT_NAME_BYTES)
        return refuse(r, "a name has at most %d bytes", LIMIT_NAME_BYTES);
    if (r->within_stored || r->n_unseen == PLAN_UNSEEN)
        return 0; /* a stored rule says it of itself */
    struct unseen *unseen = ARENA_ARRAY(r->arena, struct unseen, 1);
    *unseen = (struct unseen){.before = r->plan->unseen,
                              .what = what,
                              .pointer = arena_text(r->arena, slice_of(r->pointer)),
                              .name = name,
                              .nearest = nearest_name(r, kind, name)};
    r->plan->unseen = unseen;
    r->n_unseen++;
    return 0;
}

int read_members(struct reader *r, const json_t *object, const char *allowed) {
    if (!json_is_object(object))
        return refuse(r, "must be an object");
    const char *key;
    const json_t *value;
    /* jansson's iterator takes a mutable object; nothing is changed. */
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const char *choices[64];
        char words[512];
        size_t n = 0;
        snprintf(words, sizeof words, "%s", allowed);
        bool known = false;
        char *rest = NULL;
        for (char *word = strtok_r(words, " ", &rest); word && n < 64;
             word = strtok_r(NULL, " ", &rest)) {
            choices[n++] = word;
            known = known || strcmp(word, key) == 0;
        }
        if (!known) {
            size_t mark = enter(r, key);
            int code = refuse_choice(r, ERR_WORDS("member"), key, choices, n);
            leave(r, mark);
            return code;
        }
    }
    return 0;
}

int read_text(struct reader *r, const json_t *json, struct slice *text) {
    if (!json_is_string(json))
        return refuse(r, "must be a text");
    *text = arena_copy(r->arena, (struct slice){json_string_value(json), json_string_length(json)});
    return text->n ? 0 : refuse(r, "must not be empty");
}

int read_choice(struct reader *r, const json_t *json, const char *what, const char *const *choices,
                size_t n, int *chosen) {
    struct slice text = {0};
    int code = read_text(r, json, &text);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++) {
        if (slice_is(text, choices[i])) {
            *chosen = (int)i;
            return 0;
        }
    }
    return refuse_choice(r, what, text.p, choices, n);
}

int read_count(struct reader *r, const json_t *json, int64_t min, int64_t max, int64_t *n) {
    if (!json_is_integer(json))
        return refuse(r, "must be a whole number");
    *n = json_integer_value(json);
    if (*n < min || *n > max)
        return refuse(r, "must be between %lld and %lld", (long long)min, (long long)max);
    return 0;
}

int read_bool(struct reader *r, const json_t *json, bool *value) {
    if (!json_is_boolean(json))
        return refuse(r, "must be true or false");
    *value = json_is_true(json);
    return 0;
}

int read_code(struct reader *r, enum dictionary_kind kind, const char *what, const json_t *json,
              uint16_t *found) {
    struct slice name = {0};
    int code = read_text(r, json, &name);
    if (code)
        return code;
    /* stored segments are decided by everything, whoever asks */
    if (kind == DICTIONARY_PROPERTY && !r->within_stored)
        code = sight_check(&r->plan->sight, name, r->pointer, r->err);
    if (code)
        return code;
    *found = dictionary_find(r->context->dictionary, kind, name);
    return *found == CODE_NONE ? note_unknown(r, kind, what, name) : 0;
}

static int by_code(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

int read_codes(struct reader *r, enum dictionary_kind kind, const char *what, const json_t *json,
               const uint16_t **codes, uint32_t *n) {
    size_t count = json_is_array(json) ? json_array_size(json) : 1;
    if (count == 0)
        return refuse(r, "must name at least one %s", what);
    uint16_t *found = ARENA_ARRAY(r->arena, uint16_t, count);
    for (size_t i = 0; i < count; i++) {
        bool list = json_is_array(json);
        size_t mark = list ? enter_index(r, i) : r->depth;
        int code = read_code(r, kind, what, list ? json_array_get(json, i) : json, &found[i]);
        leave(r, mark);
        if (code)
            return code;
    }
    qsort(found, count, sizeof *found, by_code);
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++)
        if (found[i] != CODE_NONE && (!distinct || found[i] != found[distinct - 1]))
            found[distinct++] = found[i];
    *codes = found;
    *n = (uint32_t)distinct;
    return 0;
}

int read_value(struct reader *r, const json_t *json, struct value *value) {
    if (json_is_boolean(json)) {
        value->type = json_is_true(json) ? VALUE_TRUE : VALUE_FALSE;
    } else if (json_is_integer(json)) {
        value->type = VALUE_INT;
        value->integer = json_integer_value(json);
    } else if (json_is_real(json)) {
        value->type = VALUE_NUMBER;
        value->number = json_real_value(json);
    } else if (json_is_string(json)) {
        value->type = VALUE_TEXT;
        value->text =
            arena_copy(r->arena, (struct slice){json_string_value(json), json_string_length(json)});
    } else {
        refuse(r, "must be a text, a number, true or false");
        return json_is_null(json) ? err_hint(r->err, "Use the op \"absent\" or \"exists\".")
                                  : E_INVALID;
    }
    return 0;
}

int read_instant(struct reader *r, const json_t *json, int64_t *ms) {
    struct slice text = {0};
    int code = read_text(r, json, &text);
    if (code)
        return code;
    code = time_parse(text, r->context->zone, ms);
    if (code)
        return refuse(r, code == E_INVALID ? "there is no such date"
                                           : "must be a date or an instant (RFC 3339)");
    if (*ms < TIME_MIN_MS || *ms > TIME_MAX_MS)
        return refuse(r, "must lie between 1970 and 2106");
    return 0;
}

int read_duration(struct reader *r, const json_t *json, int64_t *ms) {
    struct slice text = {0};
    int code = read_text(r, json, &text);
    if (code)
        return code;
    if (time_parse_duration(text, ms) || *ms <= 0) {
        refuse(r, "must be a length of time of at most 20 years");
        return err_hint(r->err, "Write it as \"45s\", \"90m\", \"36h\", \"7d\" or \"2w\".");
    }
    return 0;
}

int read_range(struct reader *r, const json_t *json, int64_t *from_ms, int64_t *to_ms,
               bool *has_from, bool *has_to) {
    int code = read_members(r, json, "from to");
    *from_ms = TIME_MIN_MS;
    *to_ms = TIME_MAX_MS;
    *has_from = *has_to = false;
    if (!code && json_object_get(json, "from"))
        *has_from = true;
    if (!code && json_object_get(json, "to"))
        *has_to = true;
    WITH_MEMBER(r, json, "from", from, code, read_instant(r, from, from_ms));
    WITH_MEMBER(r, json, "to", to, code, read_instant(r, to, to_ms));
    if (!code && *from_ms >= *to_ms) {
        refuse(r, "begins at or after its end");
        return err_hint(r->err, "`to` is exclusive: one day is from that day to the next.");
    }
    return code;
}
