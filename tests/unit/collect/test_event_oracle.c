/*
 * The scanner against jansson: random JSON and random damage to it. Both must agree on what is JSON; a parsed event must
 * bear the values that jansson reads.
 *
 * Where we differ on purpose: lone surrogates (read as U+FFFD), U+0000 (refused with a reason of its own), depth.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "collect/event.h"

enum { ROUNDS = 300000 };

static uint64_t seed = 88172645463325252u;

static uint32_t pick(uint32_t n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % n;
}

static void blanks(struct buf *buf) {
    static const char *const some[] = {"", "", "", "", " ", "\n", "\t ", "\r\n"};
    buf_add_text(buf, some[pick(8)]);
}

static void text(struct buf *buf) {
    static const char *const parts[] = {"a",
                                        "key",
                                        "ñ",
                                        "€",
                                        "😀",
                                        "\\n",
                                        "\\\"",
                                        "\\\\",
                                        "\\/",
                                        "\\u0041",
                                        "\\u00e1",
                                        "\\u20ac",
                                        "\\ud83d\\ude00",
                                        " ",
                                        "longer than sixteen bytes",
                                        "\\b\\f\\r\\t"};
    buf_add_char(buf, '"');
    for (uint32_t n = pick(4); n > 0; n--)
        buf_add_text(buf, parts[pick(16)]);
    buf_add_char(buf, '"');
}

static void number(struct buf *buf) {
    switch (pick(6)) {
    case 0: buf_add_format(buf, "%u", pick(1000)); break;
    case 1: buf_add_format(buf, "-%u.%u", pick(100000), pick(1000000)); break;
    case 2:
        buf_add_format(buf, "%u%09u%09u", pick(1000), pick(1000000000), pick(1000000000));
        break;
    case 3:
        buf_add_format(buf, "%u.%ue%s%u", pick(10), pick(1000000000), pick(2) ? "-" : "+",
                       pick(330));
        break;
    case 4:
        buf_add_format(buf, "0.%u%09u%09u", pick(1000), pick(1000000000), pick(1000000000));
        break;
    default: buf_add_format(buf, "%uE%u", pick(1000000), pick(30)); break;
    }
}

static void value(struct buf *buf, int depth) {
    uint32_t kind = pick(depth > 4 ? 5 : 8);
    blanks(buf);
    switch (kind) {
    case 0:
    case 1: text(buf); break;
    case 2:
    case 3: number(buf); break;
    case 4: buf_add_text(buf, pick(3) == 0 ? "null" : pick(2) ? "true" : "false"); break;
    case 5:
        buf_add_char(buf, '[');
        for (uint32_t i = 0, n = pick(4); i < n; i++) {
            if (i)
                buf_add_char(buf, ',');
            value(buf, depth + 1);
        }
        buf_add_char(buf, ']');
        break;
    default:
        buf_add_char(buf, '{');
        for (uint32_t i = 0, n = pick(5); i < n; i++) {
            if (i)
                buf_add_char(buf, ',');
            blanks(buf);
            if (pick(30))
                buf_add_format(buf, "\"k%u\"", i);
            else
                buf_add_text(buf, "\"k0\"");
            blanks(buf);
            buf_add_char(buf, ':');
            value(buf, depth + 1);
        }
        buf_add_char(buf, '}');
        break;
    }
    blanks(buf);
}

static void damage(struct buf *buf) {
    static const char bytes[] = "\"\\{}[],:0123456789eE+-.tfnul \n\x01\x80\xc3\xed\xff";
    for (uint32_t n = 1 + pick(2); n > 0 && buf->n; n--) {
        uint32_t at = pick((uint32_t)buf->n);
        switch (pick(3)) {
        case 0: buf->p[at] = bytes[pick(sizeof bytes - 1)]; break;
        case 1: memmove(buf->p + at, buf->p + at + 1, buf->n - at - 1), buf->n--; break;
        default: buf->n = at; break;
        }
    }
}

static bool mentions(struct slice json, const char *what) {
    return memmem(json.p, json.n, what, strlen(what)) != NULL;
}

static void assert_same(const struct value *value, const json_t *want) {
    switch (json_typeof(want)) {
    case JSON_STRING:
        assert_int_equal(value->type, VALUE_TEXT);
        assert_int_equal(value->text.n, json_string_length(want));
        assert_memory_equal(value->text.p, json_string_value(want), value->text.n);
        break;
    case JSON_INTEGER:
        if (value->type == VALUE_INT)
            assert_true(value->integer == json_integer_value(want));
        else
            assert_true(value->type == VALUE_NUMBER &&
                        value->number == (double)json_integer_value(want));
        break;
    case JSON_REAL:
        assert_int_equal(value->type, VALUE_NUMBER);
        assert_true(value->number == json_real_value(want));
        break;
    case JSON_TRUE: assert_int_equal(value->type, VALUE_TRUE); break;
    case JSON_FALSE: assert_int_equal(value->type, VALUE_FALSE); break;
    case JSON_NULL: fail_msg("a null property was kept"); break;
    default: {
        assert_int_equal(value->type, VALUE_JSON);
        json_t *again = json_loadb(value->text.p, value->text.n, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(again, want));
        char *compact = json_dumps(want, JSON_COMPACT);
        assert_true(value->text.n <=
                    strlen(compact) * 7); /* minified: escapes and digits aside, no longer */
        free(compact);
        json_decref(again);
    }
    }
}

static void check(struct slice json, size_t *valid) {
    struct arena arena;
    struct event event;
    char message[EVENT_MESSAGE_BYTES];
    arena_init(&arena);
    enum refusal refusal = event_parse(json, EVENT_TRACK, INT64_MIN, 0, &arena, &event, message);
    json_error_t error;
    json_t *tree = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    bool strict = tree != NULL;
    if (strict && refusal == REFUSAL_NONE) {
        ++*valid;
        const json_t *properties = json_object_get(tree, "properties");
        for (size_t i = 0; i < event.n_properties; i++)
            assert_same(&event.properties[i].value,
                        json_object_getn(properties, event.properties[i].name.p,
                                         event.properties[i].name.n));
    } else if (strict) { /* JSON, but no event: never "malformed" */
        if (refusal == REFUSAL_MALFORMED)
            print_error("%.*s\n", SLICE_ARGS(json));
        assert_int_not_equal(refusal, REFUSAL_MALFORMED);
    } else if (
        refusal ==
        REFUSAL_NONE) { /* not JSON for jansson: only a lone surrogate, or an integer beyond 64 bits */
        if (!mentions(json, "\\u") && json_error_code(&error) != json_error_numeric_overflow)
            print_error("%.*s: %s\n", SLICE_ARGS(json), error.text);
        assert_true(mentions(json, "\\u") ||
                    json_error_code(&error) == json_error_numeric_overflow);
    }
    json_decref(tree);
    arena_release(&arena);
}

static void test_agrees(void **state) {
    (void)state;
    struct buf buf;
    size_t valid = 0;
    buf_init(&buf, 1 << 20);
    for (int round = 0; round < ROUNDS; round++) {
        buf_clear(&buf);
        buf_add_text(&buf, "{\"event\":\"e\",\"userId\":\"u\",\"properties\":{\"a\":");
        value(&buf, 0);
        buf_add_text(&buf, ",\"b\":");
        value(&buf, 0);
        buf_add_text(&buf, "},\"other\":");
        value(&buf, 0);
        buf_add_text(&buf, "}");
        if (pick(3))
            damage(&buf);
        char *exact =
            malloc(buf.n + 1); /* exact size, so that the sanitizer sees a read beyond the end */
        exact = realloc(exact, buf.n ? buf.n : 1);
        memcpy(exact, buf.p, buf.n);
        check((struct slice){exact, buf.n}, &valid);
        free(exact);
    }
    print_message("%d texts, %zu of them events\n", ROUNDS, valid);
    assert_true(valid > ROUNDS / 4);
    buf_release(&buf);
}

/* The same bytes inside a batch give the same events. */
static void test_split_agrees(void **state) {
    (void)state;
    struct buf buf, one;
    struct arena arena;
    buf_init(&buf, 1 << 20);
    buf_init(&one, 1 << 20);
    arena_init(&arena);
    for (int round = 0; round < ROUNDS / 20; round++) {
        struct event_batch batch;
        struct err err;
        uint32_t n = 1 + pick(4);
        struct slice parts[5];
        buf_clear(&buf);
        buf_clear(&one);
        buf_add_text(&buf, "{\"batch\":[");
        size_t ends[5];
        for (uint32_t i = 0; i < n; i++) {
            if (i)
                buf_add_text(&buf, ",");
            size_t from = buf.n;
            value(&buf, 0);
            buf_add(&one, buf.p + from, buf.n - from);
            ends[i] = one.n;
        }
        buf_add_text(&buf, "]}");
        for (uint32_t i = 0; i < n; i++)
            parts[i] =
                (struct slice){one.p + (i ? ends[i - 1] : 0), ends[i] - (i ? ends[i - 1] : 0)};
        assert_int_equal(event_batch_split(buf_slice(&buf), false, &arena, &batch, &err), 0);
        assert_int_equal(batch.n, n);
        for (uint32_t i = 0; i < n; i++) {
            while (strchr(" \r\n\t", parts[i].p[0]))
                parts[i].p++, parts[i].n--;
            while (strchr(" \r\n\t", parts[i].p[parts[i].n - 1]))
                parts[i].n--;
            assert_true(slice_equal(parts[i], batch.events[i]));
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    buf_release(&buf);
    buf_release(&one);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees),
                                       cmocka_unit_test(test_split_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
