/*
 * event_parse and event_batch_split: what is read, what is refused and why, and the recorded requests of real clients.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "collect/event.h"

#define RECEIVED INT64_C(1795293100000) /* 2026-11-21T20:31:40Z */

static struct arena arena;
static char message[EVENT_MESSAGE_BYTES];

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static enum refusal parse(const char *json, int type, struct event *event) {
    /* a copy of exact size, so that the sanitizer sees a read beyond the end */
    char *copy = malloc(strlen(json));
    memcpy(copy, json, strlen(json));
    enum refusal refusal = event_parse((struct slice){copy, strlen(json)}, type, INT64_MIN,
                                       RECEIVED, &arena, event, message);
    for (size_t i = 0; i < event->n_properties; i++) { /* views outlive the copy */
        struct event_property *property = &event->properties[i];
        property->name = arena_copy(&arena, property->name);
        if (property->value.type >= VALUE_TEXT)
            property->value.text = arena_copy(&arena, property->value.text);
    }
    struct slice *texts[] = {&event->name,        &event->user_id,    &event->anonymous_id,
                             &event->previous_id, &event->group_id,   &event->message_id,
                             &event->channel,     &event->touchpoint, &event->unit};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_copy(&arena, *texts[i]);
    for (size_t i = 0; i < event->n_external; i++) {
        event->external[i].external_type = arena_copy(&arena, event->external[i].external_type);
        event->external[i].value = arena_copy(&arena, event->external[i].value);
    }
    free(copy);
    return refusal;
}

static const struct value *property(const struct event *event, const char *name) {
    for (size_t i = 0; i < event->n_properties; i++)
        if (slice_is(event->properties[i].name, name))
            return &event->properties[i].value;
    return NULL;
}

static void assert_text(struct slice text, const char *want) {
    assert_true(text.p != NULL);
    assert_string_equal(arena_text(&arena, text), want);
}

static void assert_property(const struct event *event, const char *name, const char *want) {
    const struct value *value = property(event, name);
    assert_non_null(value);
    assert_true(value->type == VALUE_TEXT || value->type == VALUE_JSON);
    assert_text(value->text, want);
}

static void test_track(void **state) {
    (void)state;
    struct event event;
    assert_int_equal(
        parse(" {\"type\":\"track\",\"event\":\"Order "
              "\\u0041\\ud83d\\ude00\",\"userId\":\"u1\",\"anonymousId\":\"a\",\"messageId\":"
              "\"m1\",\n"
              "\"timestamp\":\"2026-11-21T20:31:26.166Z\",\"sentAt\":\"2026-11-21T20:31:30Z\","
              "\"properties\":{\"total\":12.5,\"n\":3,\"big\":9007199254740993,\"neg\":-7,\"zero\":"
              "-0,\"e\":1e3,\"yes\":true,\"no\":false,"
              "\"nil\":null,\"s\":\"a\\n\\\"b\",\"list\":[1, {\"a\" : \"x y\"}, "
              "\"\\ud800z\"],\"o\":{\"k\":1},\"context.channel\":\"x\"},"
              "\"context\":{\"channel\":\"app\",\"touchpoint\":\"checkout\",\"unit\":\"madrid\","
              "\"locale\":\"es\",\"page\":{\"path\":\"/p\",\"search\":\"\","
              "\"referrer\":\"\"},\"campaign\":{\"source\":\"x\"},\"os\":{\"name\":\"Linux\"},"
              "\"library\":{\"a\":[[[]]]}},\"integrations\":{}}",
              -1, &event),
        REFUSAL_NONE);
    assert_int_equal(event.type, EVENT_TRACK);
    assert_text(event.name, "Order A😀");
    assert_text(event.user_id, "u1");
    assert_text(event.anonymous_id, "a");
    assert_text(event.message_id, "m1");
    assert_text(event.channel, "app");
    assert_text(event.touchpoint, "checkout");
    assert_text(event.unit, "madrid");
    assert_true(event.has_time);
    assert_int_equal(event.stated_ms, INT64_C(1795293086166));
    assert_int_equal(event.time_ms,
                     INT64_C(1795293096166)); /* ten seconds between sending and receiving */
    assert_int_equal(property(&event, "total")->type, VALUE_NUMBER);
    assert_true(property(&event, "total")->number == 12.5);
    assert_int_equal(property(&event, "n")->type, VALUE_INT);
    assert_int_equal(property(&event, "n")->integer, 3);
    assert_int_equal(property(&event, "big")->type, VALUE_NUMBER);
    assert_int_equal(property(&event, "neg")->integer, -7);
    assert_int_equal(property(&event, "zero")->integer, 0);
    assert_int_equal(property(&event, "e")->type, VALUE_NUMBER);
    assert_true(property(&event, "e")->number == 1000);
    assert_int_equal(property(&event, "yes")->type, VALUE_TRUE);
    assert_int_equal(property(&event, "no")->type, VALUE_FALSE);
    assert_null(property(&event, "nil"));
    assert_property(&event, "s", "a\n\"b");
    assert_property(&event, "list", "[1,{\"a\":\"x y\"},\"\\ufffdz\"]");
    assert_property(&event, "o", "{\"k\":1}");
    assert_property(&event, "properties.context.channel", "x");
    assert_property(&event, "context.page.path", "/p");
    assert_null(property(&event, "context.page.referrer"));
    assert_property(&event, "context.campaign.source", "x");
    assert_property(&event, "context.os.name", "Linux");
    assert_property(&event, "context.locale", "es");
    assert_int_equal(event.n_properties, 16);
}

static void test_types(void **state) {
    (void)state;
    struct event event;
    assert_int_equal(
        parse("{\"userId\":\"u\",\"properties\":{\"path\":\"/x\"},\"category\":\"Docs\"}",
              EVENT_PAGE, &event),
        0);
    assert_text(event.name, "Page Viewed");
    assert_property(&event, "category", "Docs");
    assert_property(&event, "context.page.path", "/x");
    assert_int_equal(event.time_ms, RECEIVED);
    assert_false(event.has_time);
    assert_int_equal(parse("{\"userId\":\"u\",\"properties\":{\"name\":\"Home\"},\"name\":null}",
                           EVENT_PAGE, &event),
                     0);
    assert_text(event.name, "Home");
    assert_int_equal(parse("{\"userId\":\"u\"}", EVENT_SCREEN, &event), 0);
    assert_text(event.name, "Screen Viewed");
    assert_int_equal(
        parse("{\"type\":\"track\",\"userId\":12345678901234567890,\"traits\":{\"a\":null,\"b\":1},"
              "\"context\":{\"locale\":\"es\",\"traits\":{\"b\":2,\"c\":3}}}",
              EVENT_IDENTIFY, &event),
        0);
    assert_int_equal(event.type, EVENT_IDENTIFY);
    assert_text(event.user_id, "12345678901234567890");
    assert_int_equal(event.n_properties, 3);
    assert_int_equal(property(&event, "a")->type, VALUE_NULL);
    assert_int_equal(property(&event, "b")->integer, 1);
    assert_int_equal(property(&event, "c")->integer, 3);
    assert_int_equal(
        parse("{\"anonymousId\":\"x\",\"groupId\":\"g\",\"traits\":{\"name\":\"Acme\"}}",
              EVENT_GROUP, &event),
        0);
    assert_text(event.group_id, "g");
    assert_property(&event, "name", "Acme");
    assert_int_equal(
        parse("{\"userId\":\"u\",\"previousId\":\"p\",\"anonymousId\":\"a\"}", EVENT_ALIAS, &event),
        0);
    assert_text(event.previous_id, "p");
    assert_int_equal(parse("{\"userId\":\"u\",\"anonymousId\":\"a\"}", EVENT_ALIAS, &event), 0);
    assert_text(event.previous_id, "a");
    assert_int_equal(
        parse(
            "{\"userId\":\"\",\"anonymousId\":\"a\",\"event\":\"e\",\"context\":{\"externalIds\":["
            "{\"id\":\"123\",\"type\":\"loyalty\",\"collection\":\"users\",\"encoding\":\"none\"},"
            "{\"id\":9,\"type\":\"crm\"},{\"id\":\"z\",\"type\":\"org\",\"collection\":"
            "\"accounts\"}]}}",
            EVENT_TRACK, &event),
        0);
    assert_null(event.user_id.p);
    assert_int_equal(event.n_external, 2);
    assert_text(event.external[0].external_type, "loyalty");
    assert_text(event.external[1].value, "9");
    assert_int_equal(
        parse(
            "{\"userId\":\"u\",\"event\":\"e\",\"context\":{\"device\":{\"id\":\"B5372DB0\","
            "\"type\":\"ios\",\"model\":\"x\"},\"externalIds\":[{\"id\":\"7\",\"type\":\"crm\"}]}}",
            EVENT_TRACK, &event),
        0);
    assert_int_equal(event.n_external, 2);
    assert_text(event.external[0].external_type, "device");
    assert_text(event.external[0].value, "B5372DB0");
    assert_property(&event, "context.device.type", "ios");
    assert_int_equal(
        parse("{\"userId\":\"u\",\"event\":\"e\",\"context\":{\"device\":{\"id\":{\"a\":1}}}}",
              EVENT_TRACK, &event),
        0);
    assert_int_equal(event.n_external, 0);
}

static void test_batch_context(void **state) {
    (void)state;
    struct event event;
    assert_int_equal(parse("{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"properties\":{"
                           "\"a\":1},\"context\":{\"channel\":\"app\",\"locale\":\"es\"}}",
                           -1, &event),
                     0);
    assert_int_equal(event_add_context(slice_of("{\"channel\":\"web\",\"unit\":\"x\",\"locale\":"
                                                "\"en\",\"page\":{\"title\":\"T\"}}"),
                                       &arena, &event, message),
                     0);
    assert_text(event.channel, "app");
    assert_text(event.unit, "x");
    assert_int_equal(event.n_properties, 3);
    assert_property(&event, "context.locale", "es");
    assert_property(&event, "context.page.title", "T");
    assert_int_equal(event_add_context(slice_of("{\"unit\":[]}"), &arena, &event, message),
                     REFUSAL_BAD_FIELD);
}

#define TRACK(more) "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\"" more "}"

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *json;
        enum refusal refusal;
    } cases[] = {
        {TRACK(""), REFUSAL_NONE},
        {TRACK(",\"properties\":null,\"traits\":null,\"context\":null,\"timestamp\":null"),
         REFUSAL_NONE},
        {TRACK(",\"properties\":{\"t\":\"line\\nbreak\"}"), REFUSAL_NONE},
        {"", REFUSAL_MALFORMED},
        {"{", REFUSAL_MALFORMED},
        {"{}x", REFUSAL_MALFORMED},
        {TRACK(",\"a\":tru"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":01"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":+1"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":.5"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":1."), REFUSAL_MALFORMED},
        {TRACK(",\"a\":1e"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":-"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":NaN"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":[1,]"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":{\"b\":1,}"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":{\"b\"}"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":{b:1}"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":'x'"), REFUSAL_MALFORMED},
        {TRACK(",\"a\":\"\\x\""), REFUSAL_MALFORMED},
        {TRACK(",\"a\":\"\\u12\""), REFUSAL_MALFORMED},
        {TRACK(",\"a\":\"tab\there\""), REFUSAL_MALFORMED},
        {TRACK(",\"a\":1 \"b\":2"), REFUSAL_MALFORMED},
        {TRACK(",,"), REFUSAL_MALFORMED},
        {"{\"type\":\"track\" /* c */}", REFUSAL_MALFORMED},
        {TRACK(",\"properties\":{\"a\":1,\"a\":2},\"b\":tru"), REFUSAL_MALFORMED},
        {"[]", REFUSAL_BAD_FIELD},
        {"7", REFUSAL_BAD_FIELD},
        {TRACK(",\"properties\":{\"a\":1,\"b\":0,\"a\":2}"), REFUSAL_DUPLICATE_KEY},
        {TRACK(",\"properties\":{\"a\":1,\"\\u0061\":2}"), REFUSAL_DUPLICATE_KEY},
        {TRACK(",\"userId\":\"v\""), REFUSAL_DUPLICATE_KEY},
        {TRACK(",\"x\":[{\"longer than eight\":1,\"longer than eight\":2}]"),
         REFUSAL_DUPLICATE_KEY},
        {TRACK(",\"x\":\"\xff\""), REFUSAL_NOT_UTF8},
        {TRACK(",\"x\":\"\xed\xa0\x80\""), REFUSAL_NOT_UTF8},
        {TRACK(",\"x\":1e400"), REFUSAL_NUMBER_OUT_OF_RANGE},
        {TRACK(",\"x\":[-1E+999]"), REFUSAL_NUMBER_OUT_OF_RANGE},
        {TRACK(",\"properties\":{\"x\":\"\\u0000\"}"), REFUSAL_CONTROL_CHARACTER},
        {TRACK(",\"properties\":{\"a\\nb\":1}"), REFUSAL_CONTROL_CHARACTER},
        {TRACK(",\"anonymousId\":\"a\\u0007\""), REFUSAL_CONTROL_CHARACTER},
        {TRACK(",\"anonymousId\":\"a\\u0085\""), REFUSAL_CONTROL_CHARACTER},
        {TRACK(",\"properties\":{\"\":1}"), REFUSAL_BAD_FIELD},
        {TRACK(",\"properties\":[]"), REFUSAL_BAD_FIELD},
        {TRACK(",\"context\":5"), REFUSAL_BAD_FIELD},
        {TRACK(",\"anonymousId\":true"), REFUSAL_BAD_FIELD},
        {TRACK(",\"anonymousId\":1.5"), REFUSAL_BAD_FIELD},
        {TRACK(",\"context\":{\"channel\":{}}"), REFUSAL_BAD_FIELD},
        {TRACK(",\"context\":{\"externalIds\":[{\"id\":\"x\"}]}"), REFUSAL_BAD_FIELD},
        {TRACK(",\"context\":{\"externalIds\":{}}"), REFUSAL_BAD_FIELD},
        {TRACK(",\"timestamp\":\"yesterday\""), REFUSAL_BAD_TIME},
        {TRACK(",\"timestamp\":1795293086166"), REFUSAL_BAD_TIME},
        {TRACK(",\"timestamp\":\"0000-01-01T00:00:00Z\""), REFUSAL_BAD_TIME},
        {TRACK(",\"timestamp\":\"0001-01-01T00:00:00Z\""), REFUSAL_TIME_OUT_OF_RANGE},
        {TRACK(",\"timestamp\":\"9999-12-31T00:00:00Z\""), REFUSAL_TIME_OUT_OF_RANGE},
        {TRACK(",\"timestamp\":\"1969-12-31T23:59:59Z\""), REFUSAL_TIME_OUT_OF_RANGE},
        {TRACK(",\"timestamp\":\"2026-11-21T00:00:00Z\",\"sentAt\":\"x\""), REFUSAL_BAD_TIME},
        {TRACK(",\"timestamp\":\"2026-11-21T00:00:00Z\",\"sentAt\":\"9999-01-01T00:00:00Z\""),
         REFUSAL_TIME_OUT_OF_RANGE},
        {"{\"userId\":\"u\"}", REFUSAL_UNKNOWN_TYPE},
        {"{\"userId\":\"u\",\"type\":\"Track\"}", REFUSAL_UNKNOWN_TYPE},
        {"{\"userId\":\"u\",\"type\":\"track\"}", REFUSAL_NO_NAME},
        {"{\"userId\":\"u\",\"type\":\"track\",\"event\":\"\"}", REFUSAL_NO_NAME},
        {"{\"type\":\"track\",\"event\":\"e\"}", REFUSAL_NO_IDENTITY},
        {"{\"type\":\"track\",\"event\":\"e\",\"userId\":null,\"anonymousId\":\"\"}",
         REFUSAL_NO_IDENTITY},
        {"{\"type\":\"alias\",\"userId\":\"u\"}", REFUSAL_NO_IDENTITY},
        {"{\"type\":\"group\",\"userId\":\"u\"}", REFUSAL_NO_IDENTITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event event;
        enum refusal refusal = parse(cases[i].json, -1, &event);
        if (refusal != cases[i].refusal)
            print_error("%s: %s (%s)\n", cases[i].json, refusal_code(refusal), message);
        assert_int_equal(refusal, cases[i].refusal);
        assert_true(refusal == REFUSAL_NONE || message[0]);
    }
}

static char *repeat(const char *head, const char *part, size_t n, const char *tail) {
    char *text = arena_get(&arena, strlen(head) + strlen(part) * n + strlen(tail) + 1), *p = text;
    p += sprintf(p, "%s", head);
    for (size_t i = 0; i < n; i++)
        p += sprintf(p, "%s", part);
    sprintf(p, "%s", tail);
    return text;
}

static enum refusal with_names(size_t n, bool twice) {
    char *json = arena_get(&arena, n * 16 + 200), *p = json;
    struct event event;
    p += sprintf(p, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"properties\":{");
    for (size_t i = 0; i < n; i++)
        p += sprintf(p, "%s\"p%zu\":%zu", i ? "," : "", twice && i + 1 == n ? 3 : i, i);
    sprintf(p, "}}");
    return parse(json, -1, &event);
}

static void test_limits(void **state) {
    (void)state;
    struct event event;
    assert_int_equal(with_names(255, false), REFUSAL_NONE);
    assert_int_equal(with_names(255, true), REFUSAL_DUPLICATE_KEY);
    assert_int_equal(with_names(25, true), REFUSAL_DUPLICATE_KEY);
    assert_int_equal(with_names(256, false), REFUSAL_TOO_MANY_PROPERTIES);
    char *head = repeat("{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"a\":", "[", 31, "");
    assert_int_equal(parse(repeat(head, "]", 31, "}"), -1, &event), REFUSAL_NONE);
    head = repeat("{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"a\":", "[", 32, "");
    assert_int_equal(parse(repeat(head, "]", 32, "}"), -1, &event), REFUSAL_TOO_DEEP);
    head =
        repeat("{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"a\":", "{\"a\":[", 5000, "");
    assert_int_equal(parse(repeat(head, "]}", 5000, "}"), -1, &event), REFUSAL_TOO_LARGE);
    assert_int_equal(parse(repeat("{\"a\":", "{\"a\":[", 50, ""), -1, &event), REFUSAL_MALFORMED);
    assert_int_equal(
        parse(repeat("{\"event\":\"", "x", 255, "\",\"userId\":\"u\"}"), EVENT_TRACK, &event),
        REFUSAL_NONE);
    assert_int_equal(
        parse(repeat("{\"event\":\"", "x", 256, "\",\"userId\":\"u\"}"), EVENT_TRACK, &event),
        REFUSAL_TOO_LONG);
    assert_int_equal(
        parse(repeat("{\"event\":\"e\",\"userId\":\"", "x", 256, "\"}"), EVENT_TRACK, &event),
        REFUSAL_TOO_LONG);
    assert_int_equal(
        parse(repeat("{\"event\":\"e\",\"userId\":\"u\",\"messageId\":\"", "x", 100, "\"}"),
              EVENT_TRACK, &event),
        REFUSAL_NONE);
    assert_int_equal(
        parse(repeat("{\"event\":\"e\",\"userId\":\"u\",\"messageId\":\"", "x", 101, "\"}"),
              EVENT_TRACK, &event),
        REFUSAL_TOO_LONG);
    head = "{\"event\":\"e\",\"userId\":\"u\",\"properties\":{\"t\":\"";
    assert_int_equal(
        parse(repeat(head, "x", 32768 - strlen(head) - 3, "\"}}"), EVENT_TRACK, &event),
        REFUSAL_NONE);
    assert_int_equal(
        parse(repeat(head, "x", 32769 - strlen(head) - 3, "\"}}"), EVENT_TRACK, &event),
        REFUSAL_TOO_LARGE);
    assert_int_equal(parse(repeat(head, "x", 40000, "\"}"), EVENT_TRACK, &event),
                     REFUSAL_MALFORMED);
}

static void test_split(void **state) {
    (void)state;
    struct event_batch batch;
    struct err err;
    assert_int_equal(
        event_batch_split(
            slice_of(" {\"writeKey\":\"W\\u004b\",\"batch\":[ {\"a\":\"}]\\\"\"} ,{\"b\":[{}]}, 7 "
                     ",\"x\"],\"sentAt\":\"2026-11-21T20:31:26.188Z\","
                     "\"context\":{\"channel\":\"app\"},\"integrations\":{}}\n"),
            false, &arena, &batch, &err),
        0);
    assert_int_equal(batch.n, 4);
    assert_text(batch.events[0], "{\"a\":\"}]\\\"\"}");
    assert_text(batch.events[1], "{\"b\":[{}]}");
    assert_text(batch.events[2], "7");
    assert_text(batch.events[3], "\"x\"");
    assert_text(batch.write_key, "WK");
    assert_text(batch.context, "{\"channel\":\"app\"}");
    assert_int_equal(batch.sent_ms, INT64_C(1795293086188));
    assert_int_equal(event_batch_split(slice_of("{\"batch\":[]}"), false, &arena, &batch, &err), 0);
    assert_int_equal(batch.n, 0);
    assert_true(batch.sent_ms == INT64_MIN && !batch.write_key.p && !batch.context.p);
    assert_int_equal(event_batch_split(slice_of(" {\"a\":[{\"b\":\"]\"}],\"writeKey\":\"k\" } "),
                                       true, &arena, &batch, &err),
                     0);
    assert_int_equal(batch.n, 1);
    assert_text(batch.events[0], "{\"a\":[{\"b\":\"]\"}],\"writeKey\":\"k\" }");
    assert_text(batch.write_key, "k");
    static const struct {
        const char *body;
        int code;
    } bad[] = {
        {"", E_MALFORMED},
        {"[]", E_MALFORMED},
        {"{}", E_MALFORMED},
        {"null", E_MALFORMED},
        {"{\"batch\":{}}", E_MALFORMED},
        {"{\"batch\":[{}", E_MALFORMED},
        {"{\"batch\":[{}]", E_MALFORMED},
        {"{\"batch\":[{\"a\":\"]}]}", E_MALFORMED},
        {"{\"batch\":[{},]}", E_MALFORMED},
        {"{\"batch\":[,{}]}", E_MALFORMED},
        {"{\"batch\":[{} {}]}", E_MALFORMED},
        {"{\"batch\":[]}x", E_MALFORMED},
        {"{\"batch\":[],\"batch\":[]}", E_MALFORMED},
        {"{\"batch\":[],\"a\":tru}", E_MALFORMED},
        {"{\"batch\":[],\"\xff\":1,\"\xff\":2}", E_MALFORMED},
        {"{\"batch\":[],\"context\":[]}", E_MALFORMED},
        {"{\"batch\":[],\"sentAt\":\"soon\"}", E_INVALID},
        {"{\"batch\":[],\"sentAt\":\"9999-01-01\"}", E_INVALID},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = event_batch_split(slice_of(bad[i].body), false, &arena, &batch, &err);
        if (code != bad[i].code)
            print_error("%s\n", bad[i].body);
        assert_int_equal(code, bad[i].code);
    }
    char *many = repeat("{\"batch\":[{}", ",{}", 2499, "]}");
    assert_int_equal(event_batch_split(slice_of(many), false, &arena, &batch, &err), 0);
    assert_int_equal(batch.n, 2500);
    many = repeat("{\"batch\":[{}", ",{}", 2500, "]}");
    assert_int_equal(event_batch_split(slice_of(many), false, &arena, &batch, &err), E_TOO_LARGE);
}

/* The type that a client's path says, -1 for a batch, -2 for a path that is not ours. */
static int path_type(const char *path) {
    static const char *const names[][3] = {{"track", "t", "tr"},  {"page", "p", "pa"},
                                           {"screen", "s", "sc"}, {"identify", "i", "id"},
                                           {"group", "g", "gr"},  {"alias", "a", "al"}};
    const char *last = strrchr(path, '/') + 1;
    if (strcmp(last, "batch") == 0 || strcmp(last, "b") == 0 || strcmp(last, "import") == 0)
        return -1;
    for (int i = 0; i < 6; i++)
        if (strcmp(last, names[i][0]) == 0 || strcmp(last, names[i][1]) == 0)
            return i;
    return -2;
}

static size_t replay_body(const char *path, const json_t *body) {
    int type = path_type(path);
    assert_int_not_equal(type, -2);
    char *text = json_dumps(body, JSON_COMPACT);
    struct event_batch batch;
    struct err err;
    assert_int_equal(event_batch_split(slice_of(text), type >= 0, &arena, &batch, &err), 0);
    assert_true(batch.n >= 1);
    for (size_t i = 0; i < batch.n; i++) {
        struct event event;
        assert_int_equal(
            event_parse(batch.events[i], type, batch.sent_ms, RECEIVED, &arena, &event, message),
            REFUSAL_NONE);
        assert_true(event.has_time && event.message_id.n > 0);
        assert_true(event.user_id.n || event.anonymous_id.n);
        assert_true(llabs(event.time_ms - RECEIVED) <
                    60000); /* repaired: sent just before it was received */
        if (event.type == EVENT_IDENTIFY)
            assert_property(&event, "email", "a@b.test");
        if (event.type == EVENT_PAGE)
            assert_text(event.name, "Home");
    }
    size_t n = batch.n;
    free(text);
    return n;
}

static void test_recorded(void **state) {
    (void)state;
    static const struct {
        const char *file;
        size_t events;
    } files[] = {{"segment_analytics-node", 6},
                 {"segment_analytics-node+503", 0},
                 {"segment_analytics-node+429", 0},
                 {"browser-segment", 0},
                 {"browser-segment+503", 0},
                 {"browser-segment-xorigin", 0},
                 {"browser-rudder", 3},
                 {"browser-rudder+503", 0},
                 {"browser-rudder-xorigin", 3},
                 {"browser-rudder2", 0},
                 {"rudderstack_rudder-sdk-node", 4},
                 {"rudderstack_rudder-sdk-node+503", 0},
                 {"browser-jitsu", 3},
                 {"browser-jitsu-xorigin", 3}};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char path[512];
        snprintf(path, sizeof path, SHARED_DIR "/wire/%s.json", files[f].file);
        json_error_t error;
        json_t *recording = json_load_file(path, 0, &error), *request;
        if (!recording) {
            print_message("%s is absent: skipped\n", files[f].file);
            continue;
        }
        size_t index, events = 0;
        json_array_foreach(json_object_get(recording, "requests"), index, request) {
            const char *method = json_string_value(json_object_get(request, "method"));
            const json_t *body = json_object_get(request, "body");
            if (strcmp(method, "POST") == 0 && json_is_object(body))
                events += replay_body(json_string_value(json_object_get(request, "path")), body);
        }
        print_message("%s: %zu events\n", files[f].file, events);
        assert_true(events >= (files[f].events ? files[f].events : 1));
        json_decref(recording);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_track, setup, teardown),
        cmocka_unit_test_setup_teardown(test_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_context, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recorded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
