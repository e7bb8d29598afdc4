/*
 * Addresses of Explore: what they ask, how the form's buttons change them, that they come back the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pages/explore.h"

static struct arena arena;
static struct zone *madrid;
#define NOON INT64_C(1795258800000) /* 2026-11-21T11:00:00Z */

static struct question question_at(const char *target, enum explore_kind kind) {
    struct question question;
    question_read(&question, kind, target, &arena);
    question.zone = madrid;
    question.now_ms = NOON;
    return question;
}

/* The query of an address equals the JSON. */
static void asks(enum explore_kind kind, const char *target, const char *expected) {
    struct question question = question_at(target, kind);
    json_error_t error;
    json_t *query = question_query(&question), *wanted = json_loads(expected, 0, &error);
    if (!wanted)
        fail_msg("%s: %s", expected, error.text);
    if (!json_equal(query, wanted))
        fail_msg("%s asks %s, not %s", target, json_dumps(query, JSON_COMPACT | JSON_SORT_KEYS),
                 expected);
    json_decref(query);
    json_decref(wanted);
    question_release(&question);
}

static void addresses_ask(void **unused) {
    (void)unused;
    asks(EXPLORE_TREND, "/explore/trend?range=all",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"day\"}");
    asks(EXPLORE_TREND, "/explore/trend?range=last_7d&by=channel&channel=web&channel=app",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"day\",\"by\":\"channel\",\"limit\":7,"
         "\"channel\":["
         "\"web\",\"app\"],"
         "\"range\":{\"from\":\"2026-11-15\",\"to\":\"2026-11-22\"}}");
    asks(EXPLORE_TREND,
         "/explore/trend?range=last_12m&of=Order+Completed&measure=sum&prop=total&every=month",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"month\",\"of\":{\"event\":\"Order "
         "Completed\"},\"measure\":{\"sum\":\"total\"},"
         "\"range\":{\"from\":\"2025-12-01\",\"to\":\"2026-11-22\"}}");
    asks(EXPLORE_TREND, "/explore/trend?range=previous_month&by=t:plan",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"day\",\"by\":{\"trait\":\"plan\"},"
         "\"limit\":7,"
         "\"range\":{\"from\":\"2026-10-01\",\"to\":\"2026-11-01\"}}");
    asks(EXPLORE_TREND, "/explore/trend?range=all&by=week",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"day\",\"by\":\"week\",\"limit\":7}");
    asks(EXPLORE_TREND, "/explore/trend?range=all&by=s:personas",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"day\","
         "\"by\":{\"segmentation\":\"personas\"},\"limit\":7}");
    asks(EXPLORE_TREND, "/explore/trend?range=custom&from=2026-02-01&to=2026-02-28",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"day\",\"range\":{\"from\":\"2026-02-"
         "01\",\"to\":\"2026-"
         "03-01\"}}");
    asks(EXPLORE_FUNNEL,
         "/explore/"
         "funnel?range=all&s1=Carrito&s3=%40Caja&s3p=amount&s3o=%3E%3D&s3v=12,5&w=36&wu=h&order="
         "strict&entry=first&x1=Baja&x1a=1&x1b=2",
         "{\"kind\":\"funnel\",\"system\":false,\"steps\":[{\"event\":\"Carrito\"},{\"touchpoint\":"
         "\"Caja\","
         "\"where\":[{\"property\":\"amount\","
         "\"op\":\">=\",\"value\":12.5}]}],\"window\":\"36h\",\"order\":\"strict\",\"entry\":"
         "\"first\","
         "\"exclude\":[{\"event\":\"Baja\",\"after_step\":1,\"before_step\":2}]}");
    asks(EXPLORE_FLOW,
         "/explore/"
         "flow?range=all&min=5&level=touchpoint&case=property&casep=order&f1p=zip&f1o==&f1v=%"
         "2209001%22&f2p=x&f2o=exists",
         "{\"kind\":\"flow\",\"level\":\"touchpoint\",\"case\":{\"property\":\"order\"},\"min_"
         "share\":0.05,\"where\":"
         "[{\"property\":\"zip\",\"op\":\"=\",\"value\":\"09001\"},{\"property\":\"x\",\"op\":"
         "\"exists\"}]}");
    asks(EXPLORE_VARIANTS,
         "/explore/variants?range=all&f1p=city&f1o=in&f1v=Burgos,+Soria&unit=Madrid",
         "{\"kind\":\"variants\",\"level\":\"event\",\"case\":\"customer\",\"top\":20,\"unit\":"
         "\"Madrid\",\"where\":"
         "[{\"property\":\"city\",\"op\":\"in\",\"value\":[\"Burgos\",\"Soria\"]}]}");
    asks(EXPLORE_RETENTION,
         "/explore/"
         "retention?range=all&start=Alta&return=*&every=month&periods=6&rm=rolling&g=any&g1k=trait&"
         "g1p=plan&g1o==&g1v=oro&"
         "g2k=did&g2e=Pago&g2n=2&g2w=30&g3k=did_not&g3e=Baja",
         "{\"kind\":\"retention\",\"system\":false,\"start\":{\"event\":\"Alta\"},\"return\":{},"
         "\"every\":\"month\","
         "\"periods\":6,\"measure\":\"rolling\","
         "\"segment\":{\"any\":[{\"trait\":\"plan\",\"op\":\"=\",\"value\":\"oro\"},{\"did\":{"
         "\"event\":\"Pago\"},\"times\":\">=2\","
         "\"within\":\"30d\"},{\"did\":{\"event\":\"Baja\"},\"times\":\"=0\"}]}}");
    /* broken down; what Senda derived counts too */
    asks(EXPLORE_FLOW, "/explore/flow?range=all&by=channel&sys=1",
         "{\"kind\":\"flow\",\"level\":\"event\",\"case\":\"customer\",\"by\":\"channel\","
         "\"limit\":5,\"system\":true}");
    asks(EXPLORE_TREND, "/explore/trend?range=all&sys=1", "{\"kind\":\"trend\",\"every\":\"day\"}");
    /* a stored segment; a rule without one asks nothing */
    asks(EXPLORE_TREND, "/explore/trend?range=all&g1k=in&g1s=vip&g2k=in&g3k=did&g3e=Baja&g3s=vip",
         "{\"kind\":\"trend\",\"system\":false,\"every\":\"day\",\"segment\":{\"all\":[{\"in\":"
         "\"vip\"},"
         "{\"did\":{\"event\":\"Baja\"}}]}}");
}

static void addresses_come_back(void **unused) {
    (void)unused;
    static const struct {
        enum explore_kind kind;
        const char *address;
    } CASES[] = {
        {EXPLORE_TREND, "/explore/trend"},
        {EXPLORE_TREND,
         "/explore/"
         "trend?range=all&by=p%3Aamount&of=%40Caja%20%26%20co&channel=web&f1p=a&f1o=%3D&f1v=1"},
        {EXPLORE_FUNNEL, "/explore/funnel?range=last_30d&w=3&s1=A&s1p=x&s1o=%3E&s1v=1&s2=B"},
        {EXPLORE_FLOW, "/explore/flow?min=10&view=sankey&color=time&g1k=did&g1e=Pago"},
        {EXPLORE_RETENTION, "/explore/retention?every=month&start=Alta"},
        {EXPLORE_TREND, "/explore/trend?g1k=in&g1s=vip"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct question question = question_at(CASES[i].address, CASES[i].kind);
        assert_string_equal(question_address(&question, CASES[i].kind, ""), CASES[i].address);
        question_release(&question);
    }
    /* empty, unknown and oversized parameters fall away; another kind keeps what it shares */
    struct question question = question_at(
        "/explore/funnel?s1=&s2=A&evil=1&range=all&do=x&s99=Z&s3=B&by=channel", EXPLORE_FUNNEL);
    assert_string_equal(question_address(&question, EXPLORE_FUNNEL, ".csv"),
                        "/explore/funnel.csv?range=all&by=channel&s1=A&s2=B");
    assert_string_equal(question_address(&question, EXPLORE_FLOW, ""),
                        "/explore/flow?range=all&by=channel");
    question_release(&question);
}

static void becomes(const char *from, const char *operation, const char *to) {
    struct question question = question_at(from, EXPLORE_FUNNEL);
    question_do(&question, operation);
    assert_string_equal(question_address(&question, EXPLORE_FUNNEL, ""), to);
    question_release(&question);
}

static void buttons_change_steps(void **unused) {
    (void)unused;
    const char *abc = "/explore/funnel?s1=A&s1p=x&s2=B&s3=C";
    becomes(abc, "down-s-1", "/explore/funnel?s1=B&s2=A&s2p=x&s3=C");
    becomes(abc, "up-s-3", "/explore/funnel?s1=A&s1p=x&s2=C&s3=B");
    becomes(abc, "up-s-1", abc);
    becomes(abc, "down-s-3", abc);
    becomes(abc, "del-s-2", "/explore/funnel?s1=A&s1p=x&s2=C");
    becomes(abc, "add-s", "/explore/funnel?sn=4&s1=A&s1p=x&s2=B&s3=C");
    becomes(abc, "add-f", "/explore/funnel?fn=1&s1=A&s1p=x&s2=B&s3=C");
    becomes("/explore/funnel?s1=A&s2=B&f1p=x&f1v=1", "del-f-1", "/explore/funnel?s1=A&s2=B");
    becomes(abc, "explode", abc);
    becomes(abc, "del-s-999999999999", abc);
    becomes(abc, "-s", abc);
}

static void errors_find_their_control(void **unused) {
    (void)unused;
    struct question question = question_at("/explore/funnel", EXPLORE_FUNNEL);
    assert_string_equal(question_control(&question, "/steps/1/event"), "s2");
    assert_string_equal(question_control(&question, "/where/0/property"), "f1");
    assert_string_equal(question_control(&question, "/segment/any/2/did/event"), "g3");
    assert_string_equal(question_control(&question, "/exclude/0/before_step"), "x1");
    assert_string_equal(question_control(&question, "/window"), "w");
    assert_string_equal(question_control(&question, ""), "");
    question_release(&question);
}

/* The member "people" that the link of a shape leads to. */
static void leads_to(enum explore_kind kind, const char *target, const char *expected) {
    struct question question = question_at(target, kind);
    json_t *answer = json_pack("{s:{s:[{s:[s,s]}]}}", "data", "variants", "path", "A", "B");
    json_t *people = question_people(&question, target, answer),
           *wanted = expected ? json_loads(expected, 0, NULL) : NULL;
    if (expected)
        assert_true(json_equal(people, wanted));
    else
        assert_null(people);
    json_decref(answer);
    json_decref(people);
    json_decref(wanted);
    question_release(&question);
}

static void shapes_lead_to_people(void **unused) {
    (void)unused;
    leads_to(EXPLORE_FUNNEL, "/x?s1=A&step=3", "{\"step\":3}");
    leads_to(EXPLORE_FUNNEL, "/x?by=channel&step=3&lost=1&by_value=%22web%22",
             "{\"step\":2,\"lost\":true,\"by\":\"web\"}");
    leads_to(EXPLORE_FUNNEL, "/x?by=channel&step=1&by_value=null", "{\"step\":1,\"by\":null}");
    leads_to(EXPLORE_FLOW, "/x?edge_from=A%26B&edge_to=C", "{\"edge\":[\"A&B\",\"C\"]}");
    leads_to(EXPLORE_FLOW, "/x?first=A", "{\"node\":\"A\",\"starts\":true}");
    leads_to(EXPLORE_FLOW, "/x?last=A", "{\"node\":\"A\",\"ends\":true}");
    leads_to(EXPLORE_VARIANTS, "/x?variant=1", "{\"path\":[\"A\",\"B\"]}");
    leads_to(EXPLORE_VARIANTS, "/x?variant=2", NULL);
    leads_to(EXPLORE_VARIANTS, "/x?by=channel&variant=1&by_value=%22web%22", NULL);
    leads_to(EXPLORE_FLOW, "/x?by=channel&node=A&by_value=%22web%22",
             "{\"node\":\"A\",\"by\":\"web\"}");
    leads_to(EXPLORE_RETENTION, "/x?cohort=2026-01-05T00:00:00.000Z&period=2",
             "{\"cohort\":\"2026-01-05T00:00:00.000Z\",\"period\":2}");
    leads_to(EXPLORE_TREND, "/x?bucket=2026-01-05T00:00:00.000Z",
             "{\"time\":\"2026-01-05T00:00:00.000Z\"}");
    leads_to(EXPLORE_FLOW, "/x", NULL);
}

static void previous_range_is_as_long(void **unused) {
    (void)unused;
    const char *from, *to;
    struct question question = question_at("/explore/trend?range=last_30d", EXPLORE_TREND);
    assert_true(question_previous_range(&question, &from, &to));
    assert_string_equal(from, "2026-09-23");
    assert_string_equal(to, "2026-10-23");
    question_set(&question, "range", "all");
    assert_false(question_previous_range(&question, &from, &to));
    question_release(&question);
}

static int set_up(void **unused) {
    (void)unused;
    arena_init(&arena);
    return zone_open(&madrid, "Europe/Madrid", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_ask),         cmocka_unit_test(addresses_come_back),
        cmocka_unit_test(buttons_change_steps),  cmocka_unit_test(errors_find_their_control),
        cmocka_unit_test(shapes_lead_to_people), cmocka_unit_test(previous_range_is_as_long),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
