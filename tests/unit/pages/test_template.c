/*
 * Templates: values, sections, filters, texts; what Mustache's own specification says of them where we follow it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pages/template.h"

static struct arena arena;

/* What a template makes of a view; "error: …" if it is refused. */
static const char *render_in(const char *language, const char *region, const char *template,
                             const char *view) {
    json_t *json = json_loads(view, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    struct template_world world = {
        .format = format_get(language, region, NULL), .now_ms = 1795300000000, .arena = &arena};
    struct buf out;
    struct err err = {0};
    buf_init(&out, 65536);
    int code = template_render_text(slice_of(template), json, &world, &out, &err);
    const char *text = code < 0 ? arena_format(&arena, "error: %s", err.message)
                                : arena_text(&arena, buf_slice(&out));
    buf_release(&out);
    json_decref(json);
    return text;
}

static const char *render(const char *template, const char *view) {
    return render_in("es", "ES", template, view);
}

static void values_are_escaped_unless_asked(void **state) {
    (void)state;
    assert_string_equal(render("{{a}}", "{\"a\":\"<b> & 'c' \\\"d\\\"\"}"),
                        "&lt;b&gt; &amp; &#39;c&#39; &quot;d&quot;");
    assert_string_equal(render("{{{a}}}{{&a}}", "{\"a\":\"<b>\"}"), "<b><b>");
    assert_string_equal(render("{{a.b.c}}", "{\"a\":{\"b\":{\"c\":7}}}"), "7");
    assert_string_equal(render("[{{none}}]", "{}"), "[]");
    assert_string_equal(render("{{a}}", "{\"a\":1.5}"), "1.5");
    assert_string_equal(render("{{a}}", "{\"a\":true}"), "true");
}

/* Choices of a page may be longer than any text of it. */
static void json_is_printed_whole(void **state) {
    (void)state;
    enum { NAMES = 2000 };
    json_t *names = json_array();
    for (int i = 0; i < NAMES; i++)
        json_array_append_new(names, json_sprintf("name \"%d\"", i));
    json_t *view = json_pack("{s:O}", "a", names);
    char *text = json_dumps(view, 0), *whole = json_dumps(names, JSON_COMPACT);
    assert_string_equal(render("{{{a|json}}}", text), whole);
    assert_string_equal(render("{{a|json}}|{{b|json}}|{{c|json}}", "{\"a\":\"<\",\"b\":[1]}"),
                        "&quot;&lt;&quot;|[1]|null");
    free(text);
    free(whole);
    json_decref(view);
    json_decref(names);
}

static void sections_follow_their_value(void **state) {
    (void)state;
    assert_string_equal(render("{{#a}}{{.}},{{/a}}", "{\"a\":[1,2,3]}"), "1,2,3,");
    assert_string_equal(render("{{#a}}{{b}}{{c}}{{/a}}", "{\"a\":{\"b\":1},\"c\":2}"), "12");
    assert_string_equal(render("{{#a}}x{{/a}}{{^a}}y{{/a}}", "{\"a\":[]}"), "y");
    assert_string_equal(render("{{#a}}x{{/a}}{{^a}}y{{/a}}", "{\"a\":0}"), "y");
    assert_string_equal(render("{{#a}}x{{/a}}", "{\"a\":\"0\"}"), "x");
    assert_string_equal(
        render("{{#a}}{{#a}}{{.}}{{/a}}{{/a}}", "{\"a\":[{\"a\":[1,2]},{\"a\":[3]}]}"), "123");
    assert_string_equal(render("{{#a|is:x}}yes{{/a}}{{#a|not:x}}no{{/a}}", "{\"a\":\"x\"}"), "yes");
    assert_string_equal(render("{{#a|length|is:0}}none{{/a}}", "{\"a\":[]}"), "none");
}

static void a_tag_alone_on_its_line_leaves_none(void **state) {
    (void)state;
    assert_string_equal(render("a\n  {{#b}}\nc\n  {{/b}}\nd\n", "{\"b\":1}"), "a\nc\nd\n");
    assert_string_equal(render("a\n{{! words }}\nb", "{}"), "a\nb");
    assert_string_equal(render("x {{#b}} y {{/b}} z", "{\"b\":1}"), "x  y  z");
}

static void faults_are_named(void **state) {
    (void)state;
    assert_string_equal(render("{{#a}}x", "{\"a\":1}"),
                        "error: section {{#a}} of a template does not close");
    assert_string_equal(render("{{#a}}x{{/b}}", "{\"a\":1}"),
                        "error: section {{#a}} of a template does not close");
    assert_string_equal(render("x{{/b}}", "{}"), "error: {{/b}} of a template closes nothing");
    assert_string_equal(render("{{>nowhere}}", "{}"), "error: no template nowhere");
    assert_string_equal(render("{{a", "{\"a\":1}"), "{{a");
}

static void filters_write_in_the_words_of_the_region(void **state) {
    (void)state;
    assert_string_equal(render("{{a|number:2}}", "{\"a\":12345.678}"), "12.345,68");
    assert_string_equal(render_in("es", "es-MX", "{{a|number:2}}", "{\"a\":12345.678}"),
                        "12,345.68");
    assert_string_equal(render("{{a|percent:1}}", "{\"a\":0.315}"), "31,5\u00a0%");
    assert_string_equal(render_in("en", "GB", "{{a|percent}}", "{\"a\":0.315}"), "32%");
    assert_string_equal(
        render("{{a|change}} {{b|change}} {{c|change}}", "{\"a\":0.123,\"b\":-0.034,\"c\":0}"),
        "+12\u00a0% \u22123,4\u00a0% 0\u00a0%");
    assert_string_equal(render("{{a|duration}}", "{\"a\":200}"), "3\u00a0min 20\u00a0s");
    assert_string_equal(render("{{t|date}} {{t|time}}", "{\"t\":\"2026-11-21T20:31:26Z\"}"),
                        "21 nov 2026 20:31");
    assert_string_equal(render("{{t|iso}}", "{\"t\":1795300000000}"), "2026-11-21T22:26:40.000Z");
    assert_string_equal(render("{{t|ago}}", "{\"t\":1795299700000}"), "hace 5 min");
    assert_string_equal(render("[{{none|number}}]", "{}"), "[]");
    assert_string_equal(
        render("{{c|tr:channel}} {{d|tr:channel}}", "{\"c\":\"phone\",\"d\":\"zeppelin\"}"),
        "Teléfono zeppelin");
    assert_string_equal(render("{{a|url}}", "{\"a\":\"a b&ñ\"}"), "a%20b%26%C3%B1");
    assert_string_equal(render("{{c|channel}}", "{\"c\":\"whatsapp\"}"), "ch-chat");
    assert_string_equal(render("{{a|browser}}",
                               "{\"a\":\"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) "
                               "AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1\"}"),
                        "Safari \u00b7 iPhone");
    assert_string_equal(render("{{a|browser}}",
                               "{\"a\":\"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 "
                               "Chrome/156.0 Safari/537.36 Edg/156.0\"}"),
                        "Edge \u00b7 Windows");
    assert_string_equal(render("{{a|browser}}", "{\"a\":\"curl/8\"}"), "curl/8");
}

static void texts_are_filled_and_counted(void **state) {
    (void)state;
    assert_string_equal(render("{{_ customers.count n}}", "{\"n\":1}"), "1 cliente");
    assert_string_equal(render("{{_ customers.count n}}", "{\"n\":12000}"), "12.000 clientes");
    assert_string_equal(render_in("en", "", "{{_ customers.count n}}", "{\"n\":0}"), "0 customers");
    assert_string_equal(render("{{_ import_map.becomes_of}}", "{\"name\":\"<x>\"}"),
                        "&lt;x&gt; se importa como");
    assert_string_equal(render("{{_ no.such.key}}", "{}"), "no.such.key");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped_unless_asked),
        cmocka_unit_test(json_is_printed_whole),
        cmocka_unit_test(sections_follow_their_value),
        cmocka_unit_test(a_tag_alone_on_its_line_leaves_none),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(filters_write_in_the_words_of_the_region),
        cmocka_unit_test(texts_are_filled_and_counted),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
