/*
 * Scores that can be trusted: what was asked for is left out, breaks are seen, comparisons refuse a false ranking, weights mend
 * what they can, answers are read one by one and beside what went on around them.
 *
 * SOURCES  the fixture of 100 answers raked by R's survey::rake (methods: NPS 9 -> 20.39107, n_eff 81.34764); telecom comments
 * with their NPS (fahadshery/textsummary, one half: 1,177 scored, NPS -24.72); San Francisco
 * airport's surveys, whose columns bear other names each year.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "world.h"

static struct world world;
static struct buf lines;

static int64_t fixed_now(void) { return INT64_C(1769385600000); } /* 2026-01-26 */

static int open_world(void **state) {
    (void)state;
    clock_inject(fixed_now);
    world_open(&world, "UTC");
    buf_init(&lines, 16 << 20);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    buf_release(&lines);
    world_close(&world);
    clock_inject(NULL);
    return 0;
}

/* An event of somebody new; unit may be NULL; properties without braces. */
static void put(const char *event, const char *time, const char *unit, const char *properties) {
    static unsigned who;
    buf_add_format(&lines,
                   "{\"type\":\"track\",\"anonymousId\":\"p%u\",\"event\":\"%s\",\"timestamp\":"
                   "\"%s\",\"properties\":{%s}",
                   who++, event, time, properties);
    if (unit)
        buf_add_format(&lines, ",\"context\":{\"unit\":\"%s\"}", unit);
    buf_add_text(&lines, "}\n");
}

static void store(void) {
    buf_add_char(&lines, '\0');
    world_track(&world, lines.p);
    buf_clear(&lines);
}

static const char *text_at(const json_t *json, const char *path) {
    const char *text = json_string_value(at(json, path));
    return text ? text : "";
}

/* The row of a value of `by`. */
static json_t *row_of(const json_t *answer, const char *by) {
    json_t *row;
    size_t i;
    json_array_foreach(at(answer, "data"), i,
                       row) if (strcmp(text_at(row, "by"), by) == 0) return row;
    fail_msg("no row %s", by);
    return NULL;
}

static void refused(const char *query, int code, const char *pointer) {
    struct err err = {0};
    json_t *answer;
    int got = world_try(&world, query, NULL, &answer, &err);
    if (got != code || strcmp(err.pointer, pointer) != 0)
        fail_msg("%s: %d at %s: %s", query, got, err.pointer, err.message);
}

/* ---- asked for ---- */

/* Three honest shops with taps all day; in "pon" two of three come in the last minutes. */
static void tap_for_days(void) {
    static const char *const shops[] = {"leon", "burgos", "soria"};
    char time[40];
    for (int day = 1; day <= 20; day++) {
        for (int s = 0; s < 3; s++)
            for (int hour = 10; hour < 20; hour += 2) {
                snprintf(time, sizeof time, "2026-01-%02dT%02d:%02d:00Z", day, hour, 5 + 7 * s);
                put("Kiosk Tapped", time, shops[s],
                    hour == 12 ? "\"value\":1,\"scale_max\":3" : "\"value\":3,\"scale_max\":3");
            }
        for (int i = 0; i < 6; i++) {
            snprintf(time, sizeof time, "2026-01-%02dT%02d:%02d:%02dZ", day, i < 2 ? 11 : 19,
                     i < 2 ? 15 * i : 44 + 2 * i, 3 * i);
            put("Kiosk Tapped", time, "pon", "\"value\":3,\"scale_max\":3");
        }
    }
    store();
}

static void taps_before_closing_are_flagged(void **state) {
    (void)state;
    tap_for_days();
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"by\":\"unit\"}");
    json_t *pon = row_of(a, "pon"), *leon = row_of(a, "leon");
    assert_int_equal(int_at(pon, "n"), 0);
    assert_true(json_is_null(at(pon, "value")));
    assert_int_equal(int_at(pon, "flagged"), 120);
    assert_true(int_at(pon, "flagged_reasons.closing_burst") >= 80);
    assert_true(int_at(pon, "flagged_reasons.centre") > 0);
    assert_int_equal(int_at(leon, "n"), 100);
    assert_int_equal(int_at(leon, "flagged"), 0);
    NEAR(leon, "value", 0.8, 1e-9);
    assert_string_equal(text_at(a, "meta.flagged.way"), "leave_out");
    assert_int_equal(int_at(a, "meta.flagged.n"), 120);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"by\":\"unit\",\"flagged\":"
                          "\"include\"}");
    assert_int_equal(int_at(row_of(a, "pon"), "n"), 120);
    NEAR(row_of(a, "pon"), "value", 1, 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"flagged\":\"only\"}");
    assert_int_equal(int_at(a, "data.0.n"), 120);
    json_decref(a);
    /* the same answers are flagged whatever else is asked */
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"unit\":\"pon\",\"range\":{"
                          "\"from\":\"2026-01-05\",\"to\":\"2026-01-06\"}}");
    assert_int_equal(int_at(a, "data.0.flagged"), 6);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"people\":{\"by\":\"pon\"},"
                          "\"by\":\"unit\"}");
    assert_int_equal(int_at(a, "data.count"), 0);
    json_decref(a);
}

/* n answers of a centre, `tens` of them 10; every third with words where `written`. */
static void tens_of(const char *unit, int n, int tens, bool written) {
    for (int i = 0; i < n; i++) {
        char properties[160];
        snprintf(properties, sizeof properties,
                 "\"survey\":\"s\",\"metric\":\"nps\",\"score\":%d%s", i < tens ? 10 : 6,
                 written && i % 3 == 0 ? ",\"comment\":\"bien\"" : "");
        put("Survey Responded", "2026-01-05T10:00:00Z", unit, properties);
    }
}

static void tens_without_words_are_flagged(void **state) {
    (void)state;
    tens_of("all", 40, 40, false);
    tens_of("a", 60, 25, true);
    tens_of("b", 60, 20, true);
    store();
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":\"unit\"}");
    assert_int_equal(int_at(row_of(a, "all"), "flagged_reasons.tens_no_words"), 40);
    assert_int_equal(int_at(row_of(a, "a"), "flagged"), 0);
    json_decref(a);
}

/* Where nobody was asked for words, an excellent centre is one. A file with dates alone has no closing time. */
static void what_looks_alike_is_not_flagged(void **state) {
    (void)state;
    char time[40];
    tens_of("excellent", 40, 40, false);
    tens_of("a", 60, 25, false);
    for (int day = 1; day <= 20; day++) {
        snprintf(time, sizeof time, "2026-01-%02dT00:00:00Z", day);
        put("Kiosk Tapped", time, "file", "\"value\":3,\"scale_max\":3");
        put("Kiosk Tapped", time, "file", "\"value\":1,\"scale_max\":3");
    }
    store();
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}");
    assert_int_equal(int_at(a, "data.0.flagged"), 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\"}");
    assert_int_equal(int_at(a, "data.0.flagged"), 0);
    json_decref(a);
}

static void words_and_invitations_are_flagged(void **state) {
    (void)state;
    put("Survey Responded", "2026-01-05T10:00:00Z", NULL,
        "\"survey\":\"s\",\"metric\":\"nps\",\"score\":10,\"comment\":\"Me pidieron un 10\"");
    put("Survey Responded", "2026-01-05T11:00:00Z", NULL,
        "\"survey\":\"s\",\"metric\":\"nps\",\"score\":9,\"invited_by\":\"staff\"");
    put("Survey Responded", "2026-01-05T12:00:00Z", NULL,
        "\"survey\":\"s\",\"metric\":\"nps\",\"score\":3,\"comment\":\"Nadie me atendió\"");
    put("Kiosk Tapped", "2026-01-05T12:00:00Z", "leon",
        "\"value\":3,\"scale_max\":3,\"misuse\":\"hammering\"");
    store();
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}");
    assert_int_equal(int_at(a, "data.0.n"), 1);
    NEAR(a, "data.0.value", -100, 0);
    assert_int_equal(int_at(a, "meta.flagged.reasons.asked_words"), 1);
    assert_int_equal(int_at(a, "meta.flagged.reasons.picked_by_staff"), 1);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\"}");
    assert_int_equal(int_at(a, "data.0.flagged_reasons.misuse"), 1);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"answers\",\"metric\":\"nps\",\"flagged\":\"include\"}");
    assert_int_equal(json_array_size(at(a, "data")), 3);
    assert_string_equal(text_at(a, "data.0.text"), "Nadie me atendió");
    assert_string_equal(text_at(a, "data.2.flag"), "asked_words");
    json_decref(a);
}

/* ---- breaks ---- */

static void a_new_scale_breaks_the_trend(void **state) {
    (void)state;
    char time[40];
    for (int month = 1; month <= 4; month++)
        for (int i = 0; i < 40; i++) {
            bool seven = month >= 3;
            char properties[160];
            snprintf(time, sizeof time, "2025-%02d-%02dT10:00:00Z", month, 1 + i % 28);
            snprintf(
                properties, sizeof properties,
                "\"survey\":\"chat\",\"version\":\"%d\",\"question\":\"how\",\"metric\":\"csat\","
                "\"score\":%d,\"scale_max\":%d",
                month == 2 ? 2
                : seven    ? 3
                           : 1,
                i % 2 ? (seven ? 6 : 4) : 1, seven ? 7 : 5);
            put("Survey Responded", time, NULL, properties);
        }
    store();
    json_t *a = world_ask(
        &world, "{\"kind\":\"score\",\"metric\":\"csat\",\"survey\":\"chat\",\"every\":\"month\"}");
    assert_null(at(a, "data.0.break"));
    assert_string_equal(text_at(a, "data.1.break.0"), "version"); /* and is compared */
    assert_non_null(at(a, "data.1.change"));
    assert_string_equal(text_at(a, "data.2.break.0"), "scale");
    assert_null(at(a, "data.2.change"));
    assert_null(at(a, "data.3.break"));
    assert_non_null(at(a, "data.3.change"));
    json_decref(a);
}

/* ---- comparing ---- */

static void answer_of(const char *unit, const char *extra, int promoters, int neutral,
                      int detractors) {
    int n = promoters + neutral + detractors;
    for (int i = 0; i < n; i++) {
        char properties[200];
        snprintf(properties, sizeof properties,
                 "\"survey\":\"s\",\"metric\":\"nps\",\"score\":%d%s",
                 i < promoters             ? 9
                 : i < promoters + neutral ? 7
                                           : 2,
                 extra);
        put("Survey Responded", "2026-01-05T10:00:00Z", unit, properties);
    }
}

static void no_false_ranking(void **state) {
    (void)state;
    answer_of("a", "", 60, 30, 10);
    answer_of("b", "", 55, 33, 12);
    answer_of("c", "", 20, 30, 50);
    answer_of("few", "", 11, 2, 1);
    store();
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":\"unit\"}");
    assert_true(json_is_false(at(a, "meta.comparison.ranking.allowed")));
    assert_string_equal(text_at(a, "meta.comparison.ranking.reason"), "intervals_overlap");
    assert_int_equal(int_at(a, "meta.comparison.tests"), 3);
    assert_string_equal(text_at(row_of(a, "few"), "standing"), "too_few");
    assert_string_equal(text_at(row_of(a, "a"), "standing"), "above");
    assert_string_equal(text_at(row_of(a, "c"), "standing"), "below");
    assert_true(json_is_null(at(row_of(a, "a"), "rank")));
    assert_true(number_at(row_of(a, "c"), "difference.high") < 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":\"unit\",\"unit\":[\"a\","
                          "\"c\",\"few\"]}");
    assert_true(json_is_true(at(a, "meta.comparison.ranking.allowed")));
    assert_int_equal(int_at(row_of(a, "a"), "rank"), 1);
    assert_int_equal(int_at(row_of(a, "c"), "rank"), 2);
    assert_true(json_is_null(at(row_of(a, "few"), "rank")));
    json_decref(a);
}

/* Who sees aggregates only reads no answers. */
static void answers_are_for_those_who_see_people(void **state) {
    (void)state;
    struct principal viewer = {.user = 3, .role = ROLE_VIEWER, .scopes = SCOPE_QUERY, .floor = 5};
    struct err err = {0};
    json_t *a;
    answer_of("a", "", 6, 3, 1);
    store();
    assert_int_equal(
        world_try(&world, "{\"kind\":\"answers\",\"metric\":\"nps\"}", &viewer, &a, &err),
        E_FORBIDDEN);
    assert_int_equal(
        world_try(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}", &viewer, &a, &err), 0);
    assert_int_equal(int_at(a, "data.0.n"), 10);
    json_decref(a);
    /* a manager of one unit reads its answers only */
    answer_of("b", "", 1, 0, 0);
    store();
    const uint16_t b =
        dictionary_find(world.folder->dictionary, DICTIONARY_UNIT, SLICE_LITERAL("b"));
    struct principal manager = {
        .user = 2, .role = ROLE_UNIT_MANAGER, .scopes = SCOPE_QUERY, .units = &b, .n_units = 1};
    assert_int_equal(
        world_try(&world, "{\"kind\":\"answers\",\"metric\":\"nps\"}", &manager, &a, &err), 0);
    assert_int_equal(int_at(a, "meta.answers"), 1);
    assert_string_equal(text_at(a, "data.0.unit"), "b");
    json_decref(a);
}

static void countries_are_known_by_their_names(void **state) {
    (void)state;
    answer_of("ES", ",\"where\":\"España\",\"state\":\"CA\"", 60, 30, 10);
    answer_of("jpn", ",\"where\":\"JAPAN\",\"state\":\"CO\"", 10, 60, 30);
    store();
    static const struct {
        const char *by, *reason;
    } asked[] = {{"\"unit\"", "countries"},
                 {"{\"property\":\"where\"}", "countries"},
                 {"{\"property\":\"state\"}", NULL}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        char query[120];
        snprintf(query, sizeof query, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":%s}",
                 asked[i].by);
        json_t *a = world_ask(&world, query);
        const json_t *reason = at(a, "meta.comparison.ranking.reason");
        if (asked[i].reason)
            assert_string_equal(json_string_value(reason), asked[i].reason);
        else
            assert_true(json_is_null(reason)); /* states of the USA */
        json_decref(a);
    }
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"rating\",\"by\":\"unit\"}");
    assert_string_not_equal(text_at(a, "meta.comparison.ranking.reason"), "countries");
    json_decref(a);
}

static void countries_and_staff_are_not_ranked(void **state) {
    (void)state;
    answer_of(NULL,
              ",\"country\":\"ES\",\"Q17COUNTRY\":\"ES\",\"homeCountry\":\"ES\",\"countryside\":"
              "\"yes\",\"agent\":\"Marta\"",
              60, 30, 10);
    answer_of(NULL,
              ",\"country\":\"JP\",\"Q17COUNTRY\":\"JP\",\"homeCountry\":\"JP\",\"countryside\":"
              "\"no\",\"agent\":\"Luis\"",
              10, 60, 30);
    store();
    json_t *a = world_ask(
        &world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":{\"property\":\"country\"}}");
    assert_string_equal(text_at(a, "meta.comparison.ranking.reason"), "countries");
    assert_true(json_is_null(at(row_of(a, "ES"), "rank")));
    assert_true(json_is_null(at(row_of(a, "ES"), "standing")));
    NEAR(row_of(a, "ES"), "value", 50, 1e-9);
    json_decref(a);
    static const struct {
        const char *property, *reason;
    } names[] = {{"Q17COUNTRY", "countries"}, {"homeCountry", "countries"}, {"countryside", NULL}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char query[120];
        snprintf(query, sizeof query,
                 "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":{\"property\":\"%s\"}}",
                 names[i].property);
        a = world_ask(&world, query);
        if (names[i].reason)
            assert_string_equal(text_at(a, "meta.comparison.ranking.reason"), names[i].reason);
        else
            assert_int_equal(int_at(row_of(a, "yes"), "rank"), 1);
        json_decref(a);
    }
    refused("{\"kind\":\"score\",\"metric\":\"nps\",\"by\":{\"property\":\"agent\"}}", E_INVALID,
            "/by");
    refused(
        "{\"kind\":\"score\",\"metric\":\"nps\",\"where\":[{\"property\":\"agent\",\"op\":\"=\","
        "\"value\":\"Marta\"}]}",
        E_INVALID, "/where");
    refused("{\"kind\":\"answers\",\"metric\":\"nps\",\"where\":[{\"property\":\"agent\",\"op\":"
            "\"exists\"}]}",
            E_INVALID, "/where");
}

/* ---- weighting ---- */

static void answers_are_raked(void **state) {
    (void)state;
    answer_of(NULL, ",\"age\":\"y\",\"way\":\"web\"", 12, 6, 2);
    answer_of(NULL, ",\"age\":\"y\",\"way\":\"store\"", 3, 3, 4);
    answer_of(NULL, ",\"age\":\"o\",\"way\":\"web\"", 15, 5, 5);
    answer_of(NULL, ",\"age\":\"o\",\"way\":\"store\"", 10, 15, 20);
    store();
#define MARGINS(old)                                                                               \
    "\"margins\":[{\"by\":{\"property\":\"age\"},\"shares\":{\"y\":50,\"" old "\":50}},"           \
    "{\"by\":{\"property\":\"way\"},\"shares\":{\"web\":0.6,\"store\":0.4}}]"
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"," MARGINS("o") "}");
    assert_int_equal(int_at(a, "data.0.n"), 100);
    NEAR(a, "data.0.value", 20.39107, 1e-4);
    NEAR(a, "data.0.unweighted", 9, 1e-9);
    NEAR(a, "data.0.n_eff", 81.34764, 1e-4);
    NEAR(a, "data.0.standard_error", 8.831356, 1e-5);
    assert_true(number_at(a, "data.0.low") < number_at(a, "data.0.value"));
    assert_true(json_is_false(at(a, "meta.weighting.trimmed")));
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":{\"property\":\"way\"},"
                          "\"every\":\"month\"," MARGINS("o") "}");
    NEAR(row_of(a, "web"), "unweighted", 100.0 * 20 / 45, 1e-9);
    json_decref(a);
    refused("{\"kind\":\"score\",\"metric\":\"nps\"," MARGINS("oldest") "}", E_INVALID,
            "/margins/0/shares");
    refused("{\"kind\":\"score\",\"metric\":\"nps\",\"margins\":\"census\"}", E_INVALID,
            "/margins");
    refused(
        "{\"kind\":\"score\",\"metric\":\"nps\",\"margins\":[{\"by\":\"channel\",\"shares\":{}}]}",
        E_INVALID, "/margins/0/shares");
    refused("{\"kind\":\"score\",\"metric\":\"nps\",\"margins\":[{\"by\":\"channel\",\"shares\":{"
            "\"web\":-1}}]}",
            E_INVALID, "/margins/0/shares");
}

/* ---- how many answered ---- */

static void of_those_asked(const char *who, const char *time, const char *event,
                           const char *survey) {
    buf_add_format(&lines,
                   "{\"type\":\"track\",\"userId\":\"%s\",\"event\":\"%s\",\"timestamp\":\"%s\","
                   "\"properties\":{\"survey\":\"%s\"%s},\"context\":{\"unit\":\"u\"}}\n",
                   who, event, time, survey,
                   strcmp(event, "Survey Responded") == 0 ? ",\"metric\":\"nps\",\"score\":9" : "");
}

static void the_response_rate_is_said(void **state) {
    (void)state;
    of_those_asked("ana", "2026-01-05T10:00:00Z", "Survey Responded", "file");
    store();
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}");
    assert_true(json_is_null(at(a, "data.0.response_rate")));
    assert_string_equal(text_at(a, "data.0.response_rate_reason"), "no_invitations");
    json_decref(a);
    /* bea: invited, then shown, then answered; carl: shown twice, answered once; dora: never; eva: another survey */
    of_those_asked("bea", "2026-01-05T10:00:00Z", "Survey Invited", "s");
    of_those_asked("bea", "2026-01-06T10:00:00Z", "Survey Shown", "s");
    of_those_asked("bea", "2026-01-06T10:01:00Z", "Survey Responded", "s");
    of_those_asked("carl", "2026-01-05T10:00:00Z", "Survey Shown", "s");
    of_those_asked("carl", "2026-02-05T10:00:00Z", "Survey Shown", "s");
    of_those_asked("carl", "2026-02-05T10:01:00Z", "Survey Responded", "s");
    of_those_asked("dora", "2026-01-05T10:00:00Z", "Survey Shown", "s");
    of_those_asked("eva", "2026-01-05T10:00:00Z", "Survey Shown", "t");
    store();
    a = world_ask(&world,
                  "{\"kind\":\"score\",\"metric\":\"nps\",\"survey\":\"s\",\"by\":\"unit\"}");
    assert_int_equal(int_at(a, "data.0.asked"), 4);
    NEAR(a, "data.0.response_rate", 0.5, 1e-9);
    json_decref(a);
    a = world_ask(&world,
                  "{\"kind\":\"score\",\"metric\":\"nps\",\"survey\":\"s\",\"every\":\"month\"}");
    NEAR(a, "data.0.response_rate", 1.0 / 3, 1e-9);
    NEAR(a, "data.1.response_rate", 1, 1e-9);
    json_decref(a);
    a = world_ask(&world,
                  "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":{\"property\":\"survey\"}}");
    NEAR(row_of(a, "s"), "response_rate", 0.5, 1e-9);
    assert_true(json_is_null(at(row_of(a, "file"), "response_rate")));
    json_decref(a);
}

/* ---- relation ---- */

static void settle(const char *survey, const char *relation) {
    struct err err = {0};
    char sql[200];
    sqlite3 *db = store_reader_get(world.folder->store);
    snprintf(sql, sizeof sql, "%s/senda.db", world.dir);
    sqlite3 *own = NULL;
    assert_int_equal(sqlite3_open(sql, &own), SQLITE_OK);
    snprintf(sql, sizeof sql, "INSERT INTO score_survey VALUES ('%s', '%s')", survey, relation);
    assert_int_equal(sqlite3_exec(own, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(own);
    store_reader_put(world.folder->store, db);
    (void)err;
}

static void relational_stands_apart(void **state) {
    (void)state;
    static const struct {
        const char *survey;
        int score;
    } answers[] = {{"whole", 9}, {"call", 3}, {"market", 0}};
    for (size_t i = 0; i < 3; i++) {
        char properties[120];
        snprintf(properties, sizeof properties, "\"survey\":\"%s\",\"metric\":\"nps\",\"score\":%d",
                 answers[i].survey, answers[i].score);
        put("Survey Responded", "2026-01-05T10:00:00Z", NULL, properties);
    }
    store();
    settle("whole", "relational");
    settle("call", "transactional");
    settle("market", "rivals");
    json_t *a =
        world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"relation\":\"relational\"}");
    assert_int_equal(int_at(a, "data.0.n"), 1);
    NEAR(a, "data.0.value", 100, 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"relation\":\"rivals\"}");
    NEAR(a, "data.0.value", -100, 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}"); /* without the rivals' */
    assert_int_equal(int_at(a, "data.0.n"), 2);
    assert_string_equal(text_at(a, "meta.warnings.0"), "relational_and_transactional");
    json_decref(a);
    a = world_ask(&world,
                  "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":{\"property\":\"survey\"}}");
    assert_int_equal(json_array_size(at(a, "data")), 3);
    json_decref(a);
    refused("{\"kind\":\"score\",\"metric\":\"nps\",\"survey\":[\"whole\",\"call\"]}", E_INVALID,
            "/survey");
}

/* ---- beside what went on ---- */

/* Who waits 10 minutes is half as often happy as who waits none. */
static void taps_beside_the_queue(void **state) {
    (void)state;
    char time[40], properties[80];
    for (int hour = 9; hour < 19; hour++)
        for (int i = 0; i < 20; i++) {
            int wait = hour % 2 ? 10 : 0;
            snprintf(time, sizeof time, "2026-01-05T%02d:%02d:00Z", hour, i);
            snprintf(properties, sizeof properties, "\"wait_min\":%d", wait);
            put("Queue Served", time, "leon", properties);
            snprintf(time, sizeof time, "2026-01-05T%02d:%02d:30Z", hour, i);
            snprintf(properties, sizeof properties, "\"value\":%d,\"scale_max\":3",
                     i % 10 < (wait ? 4 : 8) ? 3 : 1);
            put("Kiosk Tapped", time, "leon", properties);
        }
    put("Kiosk Tapped", "2026-01-05T12:00:00Z", "elsewhere", "\"value\":3,\"scale_max\":3");
    store();
    json_t *a = world_ask(
        &world, "{\"kind\":\"conditions\",\"metric\":\"csat\",\"of\":{\"event\":\"Queue Served\"},"
                "\"measure\":{\"mean\":\"wait_min\"},\"window\":\"30m\",\"bands\":[0,5]}");
    assert_int_equal(int_at(a, "data.n"), 200);
    assert_int_equal(int_at(a, "data.alone"), 1);
    NEAR(a, "data.bands.0.value", 0.8, 1e-9);
    NEAR(a, "data.bands.1.value", 0.4, 1e-9);
    assert_true(json_is_null(at(a, "data.bands.1.to")));
    NEAR(a, "data.slope.value", -0.04, 1e-9);
    assert_true(number_at(a, "data.slope.p") < 0.001);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"conditions\",\"metric\":\"csat\",\"of\":{\"event\":\"Queue "
                          "Served\"},\"measure\":\"count\",\"window\":\"10m\"}");
    assert_int_equal(int_at(a, "data.n"), 200);
    json_decref(a);
    refused("{\"kind\":\"conditions\",\"metric\":\"csat\",\"of\":{\"event\":\"Queue Served\"},"
            "\"window\":\"30d\"}",
            E_INVALID, "");
    refused("{\"kind\":\"conditions\",\"metric\":\"csat\",\"of\":{\"event\":\"Queue Served\"},"
            "\"bands\":[5,5]}",
            E_INVALID, "/bands");
}

/* ---- real comments ---- */

static uint64_t import_responses(const char *path, const char *map, uint64_t *rejected) {
    struct err err = {0};
    struct import_progress result = {0};
    struct import_file file = {.path = path};
    struct import_options options = {.format = "responses-csv",
                                     .map = slice_of(map),
                                     .zone = world.folder->zone,
                                     .key = vault_message_key(world.folder->vault),
                                     .received_ms = clock_now_ms()};
    if (import_into(world.folder->ingest, (struct source){.number = 1}, &file, &options, NULL, NULL,
                    NULL, &result, &err))
        fail_msg("import %s: %s %s", path, err.pointer, err.message);
    *rejected = result.rejected;
    return result.accepted;
}

static void comments_are_read(void **state) {
    (void)state;
    static const char FILE_[] = SHARED_DIR "/data/nps_verbatims/verbatim.csv";
    uint64_t rejected;
    if (access(FILE_, R_OK)) {
        print_message("%s is not here\n", FILE_);
        skip();
    }
    uint64_t accepted = import_responses(
        FILE_,
        "{\"survey\":\"journey\",\"time\":\"CUSTOMER_RESPONSE_DATE\",\"time_format\":\"%d/%m/%Y "
        "%H:%M\",\"properties\":[\"SURVEY_SUB_TYPE\"],\"answers\":[{\"column\":\"NPS_SCORE\","
        "\"question\":\"recommend\",\"metric\":\"nps\"},{\"column\":\"text\",\"metric\":\"text\"}]"
        "}",
        &rejected);
    assert_true(rejected == 0 && accepted == 1193);
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}");
    assert_int_equal(int_at(a, "data.0.n"), 1177);
    NEAR(a, "data.0.value", -24.72, 0.005);
    assert_int_equal(int_at(a, "data.0.promoters"), 345);
    assert_int_equal(int_at(a, "data.0.detractors"), 636);
    assert_int_equal(int_at(a, "data.0.flagged"), 0);
    assert_int_equal(json_array_size(at(a, "data.0.distribution")), 11); /* beside so many words */
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"answers\",\"metric\":\"nps\",\"values\":[0,6],\"text\":"
                          "\"ENGINEER\",\"limit\":3}");
    assert_true(int_at(a, "meta.answers") > 20);
    assert_int_equal(json_array_size(at(a, "data")), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(at(a, "data"), i);
        assert_true(number_at(row, "value") <= 6);
        assert_non_null(strcasestr(text_at(row, "text"), "engineer"));
    }
    /* the next page goes on where this one ended */
    char query[256];
    snprintf(query, sizeof query,
             "{\"kind\":\"answers\",\"metric\":\"nps\",\"values\":[0,6],\"text\":\"engineer\","
             "\"limit\":1,\"before\":\"%s\"}",
             text_at(a, "meta.next"));
    json_t *next = world_ask(&world, query);
    assert_true(strcmp(text_at(next, "data.0.time"), text_at(a, "data.2.time")) <= 0);
    assert_string_not_equal(text_at(next, "data.0.text"), text_at(a, "data.2.text"));
    json_decref(next);
    json_decref(a);
}

/* The overall rating of each year, whatever its column is called; the scale is one, so no year breaks the trend. */
static void columns_change_names_each_year(void **state) {
    (void)state;
    static const struct {
        int year;
        const char *id, *overall;
        int scale_max;
    } years[] = {{2011, "RESPNUM", "Q8N", 5},       {2012, "RESPNUM", "Q8N_WHOLE", 5},
                 {2013, "RESPNUM", "Q7O_WHOLE", 5}, {2014, "RESPNUM", "Q7ALL", 5},
                 {2015, "RESPNUM", "Q7ALL", 5},     {2016, "*RESPNUM", "Q7ALL", 5},
                 {2017, "RESPNUM", "Q7ALL", 5}};
    enum { YEARS = sizeof years / sizeof *years };
    char path[256], map[512];
    snprintf(path, sizeof path,
             SHARED_DIR "/data/sfo_survey/2017_SFO_Customer_Survey_20250817.csv");
    if (access(path, R_OK)) {
        print_message("%s is not here\n", path);
        skip();
    }
    for (int y = 0; y < YEARS; y++) {
        uint64_t rejected;
        snprintf(path, sizeof path,
                 SHARED_DIR "/data/sfo_survey/%d_SFO_Customer_Survey_20250817.csv", years[y].year);
        snprintf(
            map, sizeof map,
            "{\"survey\":\"Airport\",\"respondent\":\"%s\",\"anonymous\":true,\"time\":{\"const\":"
            "\"%d-05-15\"},\"properties\":[],\"answers\":[{\"column\":\"%s\",\"question\":"
            "\"overall\",\"metric\":\"rating\",\"scale\":[1,5],\"missing\":[\"0\",\"6\",\"\"]}]}",
            years[y].id, years[y].year, years[y].overall);
        assert_true(import_responses(path, map, &rejected) > 2000);
    }
    json_t *a =
        world_ask(&world, "{\"kind\":\"score\",\"metric\":\"rating\",\"survey\":\"Airport\","
                          "\"by\":{\"property\":\"survey\"},\"every\":\"month\"}");
    size_t answered = 0, i;
    json_t *row;
    json_array_foreach(at(a, "data"), i, row) {
        answered += int_at(row, "n") > 0;
        assert_null(at(row, "break"));
        if (int_at(row, "n"))
            assert_true(number_at(row, "value") > 3.5 && number_at(row, "value") < 4.5);
    }
    assert_int_equal(answered, YEARS);
    row = json_array_get(at(a, "data"), json_array_size(at(a, "data")) - 1);
    NEAR(row, "value", 4.064, 0.0005);
    assert_non_null(at(row, "change.p"));
    json_decref(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

/* Three shops and half a year of invitations; a third of those of "picker" are picked by staff, and happy. Left out, its score
 * is that of the shop like it; believed, it is the best by far. */
static void invite_for_months(const char *unit, int picked_of_ten) {
    for (int i = 0; i < 180; i++) {
        char time[40], properties[160];
        bool picked = i % 10 < picked_of_ten;
        int score = picked ? 9 + i % 2 : (int[]){9, 10, 7, 8, 3, 9, 6, 8, 10, 2}[i / 10 % 10];
        snprintf(time, sizeof time, "2026-%02d-%02dT%02d:00:00Z", 1 + i / 30, 1 + i % 28,
                 9 + i % 9);
        snprintf(properties, sizeof properties,
                 "\"survey\":\"s\",\"metric\":\"nps\",\"score\":%d,\"invited_by\":\"%s\"%s", score,
                 picked ? "staff" : "system", i % 4 ? "" : ",\"comment\":\"bien\"");
        put("Survey Responded", time, unit, properties);
    }
}

static void picked_invitations_do_not_lift_a_centre(void **state) {
    (void)state;
    invite_for_months("picker", 3);
    invite_for_months("honest", 0);
    invite_for_months("other", 0);
    store();
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":\"unit\"}");
    assert_int_equal(int_at(row_of(a, "picker"), "flagged_reasons.picked_by_staff"), 54);
    assert_int_equal(int_at(row_of(a, "picker"), "flagged"), 54);
    assert_int_equal(int_at(row_of(a, "picker"), "n"), 126);
    assert_int_equal(int_at(row_of(a, "honest"), "flagged"), 0);
    NEAR(row_of(a, "picker"), "value", number_at(row_of(a, "honest"), "value"), 5);
    assert_string_equal(text_at(row_of(a, "picker"), "standing"), "like");
    json_decref(a);
    a = world_ask(
        &world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":\"unit\",\"flagged\":\"include\"}");
    assert_string_equal(text_at(row_of(a, "picker"), "standing"), "above");
    json_decref(a);
    a = world_ask(&world,
                  "{\"kind\":\"answers\",\"metric\":\"nps\",\"flagged\":\"only\",\"reason\":"
                  "\"picked_by_staff\",\"limit\":5}");
    assert_int_equal(int_at(a, "meta.answers"), 54);
    assert_string_equal(text_at(a, "data.0.flag"), "picked_by_staff");
    json_decref(a);
    refused("{\"kind\":\"answers\",\"metric\":\"nps\",\"reason\":\"because\"}", E_INVALID,
            "/reason");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(taps_before_closing_are_flagged),
        TEST(tens_without_words_are_flagged),
        TEST(what_looks_alike_is_not_flagged),
        TEST(words_and_invitations_are_flagged),
        TEST(a_new_scale_breaks_the_trend),
        TEST(no_false_ranking),
        TEST(answers_are_for_those_who_see_people),
        TEST(countries_are_known_by_their_names),
        TEST(countries_and_staff_are_not_ranked),
        TEST(answers_are_raked),
        TEST(the_response_rate_is_said),
        TEST(relational_stands_apart),
        TEST(taps_beside_the_queue),
        TEST(comments_are_read),
        TEST(columns_change_names_each_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
