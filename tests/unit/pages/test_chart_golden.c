/*
 * Drawings as they were accepted: tests/golden/charts/NAME.json is {"kind","view"?,"data"}, NAME.wide.svg, NAME.narrow.svg and
 * NAME.table.html what became of it. SENDA_ACCEPT=1 in the environment rewrites them; look at them before committing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pages/chart.h"

#define FOLDER SOURCE_DIR "/tests/golden/charts/"
enum { DRAWING_BYTES = 4 * 1024 * 1024 };

static struct arena arena;
static struct zone *madrid;

static enum bucket bucket_of(const json_t *golden) {
    const char *every = json_string_value(json_object_get(golden, "every"));
    return every && strcmp(every, "week") == 0    ? BUCKET_WEEK
           : every && strcmp(every, "month") == 0 ? BUCKET_MONTH
                                                  : BUCKET_DAY;
}

static bool has_view(const json_t *golden, const char *view) {
    return slice_is(json_slice(golden, "view"), view);
}

/* form: 0 wide, 1 narrow, 2 table. */
static void draw(const json_t *golden, const char *language, int form, struct buf *out) {
    const json_t *data = json_object_get(golden, "data");
    struct chart chart = {.language = language,
                          .format = format_get(language, NULL, madrid),
                          .zone = madrid,
                          .label = "Gráfico",
                          .id = "g",
                          .people = "/explore/people?q=1",
                          .narrow = form == 1,
                          .arena = &arena};
    struct trend_view trend = {.shape = has_view(golden, "stacked") ? TREND_STACKED
                                        : has_view(golden, "area")  ? TREND_AREA
                                                                    : TREND_LINES,
                               .every = bucket_of(golden),
                               .now_ms = INT64_C(1795300000000),
                               .whole = !has_view(golden, "interval"),
                               .interval = has_view(golden, "interval"),
                               .share = has_view(golden, "interval"),
                               .previous = json_object_get(golden, "previous")};
    struct flow_view flow = {.by_time = has_view(golden, "time")};
    struct slice kind = json_slice(golden, "kind");
    if (slice_is(kind, "trend"))
        form == 2 ? chart_trend_table(&chart, &trend, data, out)
                  : chart_trend(&chart, &trend, data, out);
    else if (slice_is(kind, "funnel"))
        form == 2 ? chart_funnel_table(&chart, data, out) : chart_funnel(&chart, data, out);
    else if (slice_is(kind, "variants"))
        form == 2 ? chart_variants_table(&chart, data, out) : chart_variants(&chart, data, out);
    else if (slice_is(kind, "retention"))
        form == 2 ? chart_retention_table(&chart, bucket_of(golden), data, out)
                  : chart_retention(&chart, bucket_of(golden), data, out);
    else if (slice_is(kind, "agreement"))
        form == 2 ? chart_agreement_table(&chart, has_view(golden, "share"), data, out)
                  : chart_agreement(&chart, has_view(golden, "share"), data, out);
    else if (slice_is(kind, "survival"))
        form == 2 ? chart_survival_table(&chart, data, out) : chart_survival(&chart, data, out);
    else if (form == 2)
        chart_flow_table(&chart, data, out);
    else if (has_view(golden, "sankey"))
        chart_sankey(&chart, &flow, data, out);
    else
        chart_map(&chart, &flow, data, out);
}

static char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, DRAWING_BYTES);
    size_t n = fread(text, 1, DRAWING_BYTES - 1, file);
    text[n] = 0;
    fclose(file);
    return text;
}

static void compare(const char *path, const struct buf *drawing) {
    if (getenv("SENDA_ACCEPT")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(drawing->p, 1, drawing->n, file), drawing->n);
        fclose(file);
        return;
    }
    char *accepted = read_text(path);
    if (!accepted)
        fail_msg("%s is missing: look at the drawing and accept it with SENDA_ACCEPT=1", path);
    if (strcmp(accepted, drawing->p) != 0)
        fail_msg("%s differs: look at the drawing and accept it with SENDA_ACCEPT=1", path);
    free(accepted);
}

/* Every "<a" has its end, every attribute is quoted: jansson has no XML, expat does; here the balance of tags is enough. */
static void check_balance(const struct buf *drawing) {
    long depth = 0;
    for (const char *at = drawing->p; (at = strchr(at, '<')); at++) {
        const char *end = strchr(at, '>');
        assert_non_null(end);
        if (at[1] == '/')
            depth--;
        else if (end[-1] != '/')
            depth++;
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
}

static void drawings_are_as_accepted(void **unused) {
    (void)unused;
    static const char *const FORMS[] = {"wide.svg", "narrow.svg", "table.html"};
    DIR *folder = opendir(FOLDER);
    struct dirent *entry;
    int seen = 0;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        size_t n = strlen(entry->d_name);
        if (n < 6 || strcmp(entry->d_name + n - 5, ".json") != 0)
            continue;
        json_t *golden = json_load_file(arena_format(&arena, FOLDER "%s", entry->d_name), 0, NULL);
        assert_non_null(golden);
        for (int form = 0; form < 3; form++) {
            struct buf out;
            buf_init(&out, DRAWING_BYTES);
            draw(golden, "es", form, &out);
            assert_false(out.full);
            check_balance(&out);
            compare(arena_format(&arena, FOLDER "%.*s.%s", (int)n - 5, entry->d_name, FORMS[form]),
                    &out);
            buf_release(&out);
        }
        json_decref(golden);
        seen++;
    }
    closedir(folder);
    assert_true(seen >= 8);
}

static void names_from_outside_are_escaped(void **unused) {
    (void)unused;
    json_t *golden = json_pack("{s:s, s:{s:[{s:s, s:i, s:i, s:i}], s:[]}}", "kind", "flow", "data",
                               "nodes", "name", "<script>alert(\"1\")</script>&'", "count", 3,
                               "starts", 3, "ends", 3, "edges");
    for (int form = 0; form < 2; form++) {
        struct buf out;
        buf_init(&out, DRAWING_BYTES);
        draw(golden, "en", form, &out);
        assert_null(strstr(out.p, "<script"));
        assert_non_null(strstr(out.p, "&lt;script"));
        assert_non_null(strstr(out.p, "node=%3Cscript%3Ealert"));
        buf_release(&out);
    }
    json_decref(golden);
}

static void nothing_gives_nothing(void **unused) {
    (void)unused;
    static const char *const KINDS[] = {"trend", "funnel",    "variants", "retention",
                                        "flow",  "agreement", "survival"};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        json_t *golden = json_pack("{s:s, s:o}", "kind", KINDS[i], "data",
                                   i == 2 || i == 4 ? json_object() : json_array());
        struct buf out;
        buf_init(&out, DRAWING_BYTES);
        draw(golden, "es", 0, &out);
        draw(golden, "es", 1, &out);
        assert_int_equal(out.n, 0);
        buf_release(&out);
        json_decref(golden);
    }
}

static int set_up(void **unused) {
    (void)unused;
    arena_init(&arena);
    return zone_open(&madrid, "Europe/Madrid", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawings_are_as_accepted),
        cmocka_unit_test(names_from_outside_are_escaped),
        cmocka_unit_test(nothing_gives_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
