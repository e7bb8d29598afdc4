/*
 * Reviews in a folder of their own: what is verified, counted, suspicious, decided, voted, asked again and forgotten.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <sys/stat.h>

#include "../scratch.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/time.h"
#include "voice/review.h"

static int64_t now_ms;
static int64_t now(void) { return now_ms; }

struct world {
    char *scratch, *dir;
    struct folder *folder;
    struct sources *sources;
    struct source shop, ours;
    struct arena arena;
};

static int64_t at(const char *text) {
    int64_t ms = 0;
    assert_int_equal(time_parse(slice_of(text), NULL, &ms), 0);
    return ms;
}

#define CHECK(call)                                                                                \
    do {                                                                                           \
        struct err err = {0};                                                                      \
        if (call)                                                                                  \
            fail_msg("%s: %s", #call, err.message);                                                \
    } while (0)

static void open_folder(struct world *world) {
    CHECK(folder_open(&world->folder, world->dir, &err));
    CHECK(sources_open(&world->sources, world->folder->store, world->folder->vault, &err));
    CHECK(sources_ensure(world->sources, "Shop", "server", "web", &world->shop, &err));
    CHECK(sources_ensure(world->sources, "Reviews", "reviews", "review", &world->ours, &err));
}

static void close_folder(struct world *world) {
    sources_close(world->sources);
    folder_close(world->folder);
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    logger_set_level(LOGGER_ERROR + 1);
    now_ms = at("2026-11-20T12:00:00Z");
    clock_inject(now);
    arena_init(&world->arena);
    world->scratch = scratch_make("reviews");
    assert_true(asprintf(&world->dir, "%s/d", world->scratch) > 0);
    CHECK(folder_create(world->dir, NULL, &err));
    open_folder(world);
    CHECK(subject_put(world->folder,
                      &(struct review_subject){"P1", "Router", "", "", SUBJECT_PRODUCT}, &err));
    CHECK(subject_put(world->folder,
                      &(struct review_subject){"Soria", "Tienda Soria", "", "", SUBJECT_UNIT},
                      &err));
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    close_folder(world);
    clock_inject(NULL);
    arena_release(&world->arena);
    scratch_remove(world->scratch);
    free(world->dir);
    free(world->scratch);
    free(world);
    return 0;
}

/* ---- what happens ---- */

struct property {
    const char *name, *text;
    int64_t number; /* without a text */
    bool json;
};

static void happen(struct world *world, const char *user, const char *name, const char *when,
                   const char *unit, const struct property *properties) {
    struct event_property list[16];
    size_t n = 0;
    for (; properties && properties->name; properties++)
        list[n++] = (struct event_property){
            slice_of(properties->name),
            properties->text ? (struct value){.type = properties->json ? VALUE_JSON : VALUE_TEXT,
                                              .text = slice_of(properties->text)}
                             : (struct value){.type = VALUE_INT, .integer = properties->number}};
    struct event event = {.type = EVENT_TRACK,
                          .name = slice_of(name),
                          .user_id = slice_of(user),
                          .time_ms = at(when),
                          .stated_ms = at(when),
                          .has_time = true,
                          .properties = list,
                          .n_properties = n,
                          .raw = {"", 0}};
    if (unit)
        event.unit = slice_of(unit);
    struct event_result result;
    struct ingest_batch batch = {.source = world->shop,
                                 .events = &event,
                                 .n = 1,
                                 .bytes = 1000,
                                 .received_ms = now_ms,
                                 .results = &result};
    CHECK(ingest_run(world->folder->ingest, &batch, &err));
    assert_int_equal(result.outcome, OUTCOME_ACCEPTED);
}

static uint64_t write_review(struct world *world, const char *subject, const char *customer,
                             double stars, const char *text, const char *when) {
    struct review_draft draft = {.subject = subject,
                                 .customer = customer,
                                 .stars = stars,
                                 .text = text,
                                 .author = "Eva",
                                 .origin = "api",
                                 .created_ms = at(when)};
    uint64_t id = 0;
    CHECK(review_submit(world->folder, world->ours, &draft, &id, &err));
    return id;
}

static struct review find(struct world *world, uint64_t id) {
    struct review review;
    CHECK(review_find(world->folder, id, &world->arena, &review, &err));
    return review;
}

static struct review_figures figures_of(struct world *world, const char *name) {
    struct review_figures *figures;
    size_t n;
    CHECK(review_figures(world->folder, name, NULL, &world->arena, &figures, &n, &err));
    assert_int_equal(n, 1);
    return *figures;
}

static void catch_up(struct world *world) {
    struct err err = {0};
    int more = 1;
    while (more > 0)
        more = review_catch_up(world->folder, &err);
    assert_int_equal(more, 0);
}

static size_t count(struct world *world, const struct review_filter *filter) {
    struct review *reviews;
    const char *next;
    size_t n;
    CHECK(review_list(world->folder, filter, &world->arena, &reviews, &n, &next, &err));
    return n;
}

static bool has_signal(const struct review *review, const char *name) {
    for (unsigned bit = 0; review_signal_name(bit); bit++)
        if (strcmp(review_signal_name(bit), name) == 0)
            return review->signals & (1U << bit);
    fail_msg("no signal %s", name);
    return false;
}

/* ---- verified ---- */

static void a_purchase_that_names_it_verifies(void **state) {
    struct world *world = *state;
    static const struct property order[] = {
        {"products", "[{\"product_id\":\"p1\",\"name\":\"x\"},{\"product_id\":7}]", 0, true}, {0}};
    static const struct property other[] = {{"product_id", "P2", 0, false}, {0}};
    happen(world, "a", "Order Completed", "2026-11-01T10:00:00Z", NULL, order);
    happen(world, "b", "Order Completed", "2026-11-01T10:00:00Z", NULL, other);
    happen(world, "c", "Order Completed", "2026-11-19T10:00:00Z", NULL, order);
    struct review a = find(world, write_review(world, "P1", "a", 4, "", "2026-11-20T10:00:00Z"));
    struct review b = find(world, write_review(world, "P1", "b", 4, "", "2026-11-20T10:00:00Z"));
    struct review c = find(world, write_review(world, "P1", "c", 4, "", "2026-11-18T10:00:00Z"));
    assert_true(a.verified);
    assert_int_equal(a.experience_ms, at("2026-11-01T10:00:00Z"));
    assert_true(review_is_timely(&a));
    assert_false(b.verified);
    assert_true(has_signal(&b, "no_purchase"));
    assert_false(c.verified); /* bought after the review */
}

static void a_visit_verifies_a_unit(void **state) {
    struct world *world = *state;
    happen(world, "a", "Queue Served", "2026-10-01T10:00:00Z", "Soria", NULL);
    happen(world, "b", "Queue Served", "2026-10-01T10:00:00Z", "Burgos", NULL);
    struct review a = find(world, write_review(world, "Soria", "a", 2, "", "2026-11-20T10:00:00Z"));
    struct review b = find(world, write_review(world, "Soria", "b", 2, "", "2026-11-20T10:00:00Z"));
    assert_true(a.verified);
    assert_false(review_is_timely(&a)); /* fifty days later */
    assert_false(b.verified);
}

static void an_experience_that_comes_in_late_verifies(void **state) {
    struct world *world = *state;
    static const struct property order[] = {{"sku", "P1", 0, false}, {0}};
    uint64_t id = write_review(world, "P1", "a", 4, "", "2026-11-20T10:00:00Z");
    assert_false(find(world, id).verified);
    happen(world, "a", "Order Completed", "2026-11-01T10:00:00Z", NULL, order);
    struct jobs *jobs;
    static const struct job *const table[] = {&review_night_job, NULL};
    CHECK(jobs_open(&jobs, world->folder, table, &err));
    CHECK(jobs_request(jobs, "reviews.night", &err));
    jobs_close(jobs);
    struct review review = find(world, id);
    assert_true(review.verified);
    assert_false(has_signal(&review, "no_purchase"));
}

/* ---- from interactions ---- */

static void interactions_become_reviews_once(void **state) {
    struct world *world = *state;
    static const struct property of_ten[] = {{"product_id", "P9", 0, false},
                                             {"name", "Antena", 0, false},
                                             {"rating", NULL, 10, false},
                                             {"scale_min", NULL, 0, false},
                                             {"scale_max", NULL, 10, false},
                                             {"review_body", "Llama al 612345678", 0, false},
                                             {0}};
    static const struct property outside[] = {{"rating", NULL, 9, false}, {0}};
    static const struct property plain[] = {{"stars", NULL, 2, false}, {0}};
    happen(world, "a", REVIEW_EVENT, "2026-11-02T10:00:00Z", NULL, of_ten);
    happen(world, "b", REVIEW_EVENT, "2026-11-02T10:00:00Z", NULL, outside);
    happen(world, "c", REVIEW_EVENT, "2026-11-02T10:00:00Z", "Soria", plain);
    happen(world, "d", REVIEW_EVENT, "2026-11-02T10:00:00Z", NULL, plain);
    uint64_t ours = write_review(world, "P1", NULL, 3, "", "2026-11-02T10:00:00Z");
    catch_up(world);
    assert_int_equal(count(world, &REVIEW_FILTER_ALL), 4); /* 9 of 5 is none */
    close_folder(world);
    open_folder(world);
    catch_up(world);
    assert_int_equal(count(world, &REVIEW_FILTER_ALL), 4);
    struct review_figures antenna = figures_of(world, "P9");
    assert_string_equal(antenna.subject.title, "Antena");
    assert_true(antenna.counts[4] == 1);
    assert_int_equal(figures_of(world, "Soria").waiting, 1);
    assert_int_equal(figures_of(world, "organisation").waiting, 1);
    assert_string_equal(find(world, ours).origin, "api");
    struct review_filter masked = REVIEW_FILTER_ALL;
    masked.text = "[phone]";
    assert_int_equal(count(world, &masked), 1);
}

/* ---- counted ---- */

static void every_review_counts_but_the_refused(void **state) {
    struct world *world = *state;
    uint64_t first = write_review(world, "P1", "a", 1, "", "2026-11-01T10:00:00Z");
    write_review(world, "P1", "b", 5, "", "2026-11-05T10:00:00Z");
    write_review(world, "P1", "c", 5, "", "2026-11-09T10:00:00Z");
    struct review_figures all = figures_of(world, "P1");
    assert_true(all.n == 3 && fabs(all.mean - 11.0 / 3) < 1e-12);
    struct err err = {0};
    assert_int_equal(review_decide(world->folder, first, REVIEW_REFUSED, "", "", "x", &err),
                     E_INVALID);
    assert_string_equal(err.pointer, "/reason");
    err = (struct err){0};
    assert_int_equal(review_decide(world->folder, first, REVIEW_REFUSED, "unhappy", "", "x", &err),
                     E_INVALID);
    CHECK(review_decide(world->folder, first, REVIEW_REFUSED, "insult", "", "x", &err));
    struct review_figures rest = figures_of(world, "P1");
    assert_true(rest.n == 2 && rest.mean == 5 && rest.refused == 1);
    uint64_t *refusals;
    CHECK(review_refusals(world->folder, "P1", &world->arena, &refusals, &err));
    assert_int_equal(refusals[0], 1);
    CHECK(review_undo(world->folder, first, "x", &err));
    assert_true(figures_of(world, "P1").n == 3);
    err = (struct err){0};
    assert_int_equal(review_undo(world->folder, first, "x", &err), E_CONFLICT);
}

/* Somebody known for long may say what somebody else said: it is told, and counts. */
static void the_same_sentence_of_a_known_customer_is_told_only(void **state) {
    struct world *world = *state;
    static const char words[] =
        "Un producto maravilloso, llegó al día siguiente y funciona de fábula en toda la casa";
    happen(world, "d", "Page Viewed", "2026-01-10T10:00:00Z", NULL, NULL);
    write_review(world, "P1", "a", 5, words, "2026-10-01T10:00:00Z");
    uint64_t id = write_review(world, "P1", "d", 5, words, "2026-11-01T10:00:00Z");
    struct review copy = find(world, id);
    assert_true(has_signal(&copy, "duplicate_text") && has_signal(&copy, "no_purchase"));
    assert_true(!copy.held && copy.suspicion > 0.4);
    assert_true(figures_of(world, "P1").n == 2);
}

static void copies_without_purchase_wait_for_a_person(void **state) {
    struct world *world = *state;
    static const char words[] =
        "Un producto maravilloso, llegó al día siguiente y funciona de fábula en toda la casa";
    static const char again[] =
        "Un producto maravilloso!! Llegó al día siguiente y funciona de fábula en toda la casa.";
    write_review(world, "P1", "a", 5, words, "2026-10-01T10:00:00Z");
    uint64_t id = write_review(world, "P1", "b", 5, again, "2026-11-01T10:00:00Z");
    write_review(world, "P1", "c", 1, "Otra cosa muy distinta: el mío vino roto de la tienda",
                 "2026-11-02T10:00:00Z");
    struct review copy = find(world, id);
    assert_true(has_signal(&copy, "duplicate_text"));
    assert_true(copy.held);
    assert_true(copy.suspicion > 0.5);
    struct review_figures figures = figures_of(world, "P1");
    assert_true(figures.n == 2 && figures.held == 1);
    assert_true(fabs(figures.with_held - 11.0 / 3) < 1e-12);
    CHECK(review_decide(world->folder, id, REVIEW_PUBLISHED, NULL, "", "x", &err));
    assert_true(figures_of(world, "P1").n == 3);
}

static void a_burst_is_marked_from_its_first(void **state) {
    struct world *world = *state;
    uint64_t first = 0, last = 0;
    write_review(world, "P1", "old", 2, "", "2026-01-01T10:00:00Z");
    for (int i = 0; i < 6; i++) {
        char who[8], when[32];
        snprintf(who, sizeof who, "n%d", i);
        snprintf(when, sizeof when, "2026-11-01T10:0%d:00Z", i);
        last = write_review(world, "P1", who, 5, "", when);
        first = first ? first : last;
    }
    struct review one = find(world, first), six = find(world, last);
    assert_true(has_signal(&one, "burst"));
    assert_true(has_signal(&six, "burst"));
    assert_true(has_signal(&six, "deviates_in_burst"));
    assert_int_equal(one.state, REVIEW_WAITS);
}

static void one_device_is_seen(void **state) {
    struct world *world = *state;
    uint64_t ids[2];
    for (int i = 0; i < 2; i++) {
        struct review_draft draft = {.subject = "P1",
                                     .customer = i ? "b" : "a",
                                     .stars = 5,
                                     .origin = "form",
                                     .created_ms = now_ms,
                                     .has_device = true};
        review_visitor(world->folder, 0, "192.0.2.1", "browser", draft.device);
        CHECK(review_submit(world->folder, world->ours, &draft, &ids[i], &err));
    }
    struct review first = find(world, ids[0]), second = find(world, ids[1]);
    assert_false(has_signal(&first, "same_device"));
    assert_true(has_signal(&second, "same_device"));
}

/* ---- ordering, pages of a list ---- */

static void lists_go_on_where_they_ended(void **state) {
    struct world *world = *state;
    for (int i = 0; i < 7; i++) {
        char when[32];
        snprintf(when, sizeof when, "2026-10-0%dT10:00:00Z", i + 1);
        write_review(world, "P1", NULL, 1 + i % 5, "", when);
    }
    for (unsigned order = 0; order < REVIEW_ORDERS; order++) {
        struct review_filter filter = REVIEW_FILTER_ALL;
        struct review *reviews;
        size_t n, seen = 0, distinct = 0;
        filter.limit = 3;
        filter.order = (enum review_order)order;
        do {
            CHECK(review_list(world->folder, &filter, &world->arena, &reviews, &n, &filter.cursor,
                              &err));
            for (size_t i = 0; i < n; i++)
                distinct |= (size_t)1 << reviews[i].id;
            seen += n;
        } while (filter.cursor);
        assert_int_equal(seen, 7);
        assert_int_equal(__builtin_popcountll(distinct), 7);
    }
    struct review_filter wrong = REVIEW_FILTER_ALL;
    struct review *reviews;
    size_t n;
    const char *next;
    struct err err = {0};
    wrong.cursor = "7";
    assert_int_equal(review_list(world->folder, &wrong, &world->arena, &reviews, &n, &next, &err),
                     E_INVALID);
}

static void a_visitor_has_one_vote(void **state) {
    struct world *world = *state;
    uint64_t id = write_review(world, "P1", NULL, 4, "", "2026-10-01T10:00:00Z");
    unsigned char visitor[REVIEW_DEVICE_BYTES];
    struct slice who = {(const char *)visitor, sizeof visitor};
    struct err err = {0};
    bool changed = true;
    review_visitor(world->folder, id, "192.0.2.1", "browser", visitor);
    assert_int_equal(review_vote(world->folder, id, who, 1, &changed, &err), E_NOT_FOUND);
    CHECK(review_decide(world->folder, id, REVIEW_PUBLISHED, NULL, "", "x", &err));
    CHECK(review_vote(world->folder, id, who, 1, &changed, &err));
    CHECK(review_vote(world->folder, id, who, 1, &changed, &err));
    assert_false(changed);
    assert_true(fabs(find(world, id).helpful_low - 0.206549) < 1e-6);
    CHECK(review_vote(world->folder, id, who, 0, &changed, &err));
    assert_int_equal(find(world, id).helpful, 0);
    assert_int_equal(find(world, id).unhelpful, 1);
    CHECK(review_vote(world->folder, id, who, -1, &changed, &err));
    assert_int_equal(find(world, id).unhelpful, 0);
    assert_true(find(world, id).helpful_low < 0);
}

/* ---- links, again, forgotten ---- */

static void a_link_is_good_once(void **state) {
    struct world *world = *state;
    happen(world, "a", "Page", "2026-11-01T10:00:00Z", NULL, NULL);
    struct review_link link = {.subject = "P1",
                               .customer = "a",
                               .invited_ms = now_ms,
                               .expires_ms = now_ms + DAY_MS},
                       opened;
    const char *token;
    struct err err = {0};
    uint64_t id;
    CHECK(review_link_make(world->folder, &link, &world->arena, &token, &err));
    CHECK(review_link_open(world->folder, token, now_ms, &world->arena, &opened, &err));
    assert_string_equal(opened.customer, "a");
    struct review_draft draft = {.subject = opened.subject,
                                 .customer = opened.customer,
                                 .stars = 5,
                                 .origin = "link",
                                 .created_ms = now_ms,
                                 .invited_ms = opened.invited_ms,
                                 .has_link = true};
    memcpy(draft.link, opened.id, sizeof draft.link);
    CHECK(review_submit(world->folder, world->ours, &draft, &id, &err));
    assert_int_equal(review_submit(world->folder, world->ours, &draft, &id, &err), E_CONFLICT);
    err = (struct err){0};
    assert_int_equal(review_link_open(world->folder, token, now_ms, &world->arena, &opened, &err),
                     E_CONFLICT);
    char *forged = arena_text(&world->arena, slice_of(token));
    forged[20] = forged[20] == 'A' ? 'B' : 'A';
    err = (struct err){0};
    assert_int_equal(review_link_open(world->folder, forged, now_ms, &world->arena, &opened, &err),
                     E_INVALID);
    CHECK(review_link_make(world->folder, &link, &world->arena, &token, &err));
    err = (struct err){0};
    assert_int_equal(
        review_link_open(world->folder, token, now_ms + 2 * DAY_MS, &world->arena, &opened, &err),
        E_INVALID);
}

static void night(struct world *world) {
    struct jobs *jobs;
    static const struct job *const table[] = {&review_night_job, NULL};
    CHECK(jobs_open(&jobs, world->folder, table, &err));
    CHECK(jobs_request(jobs, "reviews.night", &err));
    jobs_close(jobs);
}

static void opinions_are_asked_for_again(void **state) {
    struct world *world = *state;
    static const struct property order[] = {{"product_id", "P1", 0, false}, {0}};
    struct review_due due[8];
    size_t n;
    happen(world, "a", "Order Completed", "2026-05-19T10:00:00Z", NULL, order);
    happen(world, "b", "Order Completed", "2026-06-19T10:00:00Z", NULL, order);
    uint64_t id = write_review(world, "P1", "a", 1, "", "2026-06-01T10:00:00Z");
    write_review(world, "P1", "b", 5, "", "2026-06-21T10:00:00Z");
    night(world);
    CHECK(review_due_list(world->folder, &world->arena, due, 8, &n, &err));
    assert_int_equal(n, 1); /* six months of use, however unhappy; b's are five */
    assert_int_equal(due[0].review, id);
    assert_int_equal(due[0].months, 6);
    struct review_draft draft = {.subject = "P1",
                                 .customer = "a",
                                 .stars = 2,
                                 .origin = "link",
                                 .created_ms = now_ms,
                                 .months = 6};
    CHECK(review_submit(world->folder, world->ours, &draft, &id, &err));
    CHECK(review_due_list(world->folder, &world->arena, due, 8, &n, &err));
    assert_int_equal(n, 0);
    night(world);
    CHECK(review_due_list(world->folder, &world->arena, due, 8, &n, &err));
    assert_int_equal(n, 0);
}

static uint32_t forgotten;
static int forget(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    return review_forget(db, &forgotten, 1, err);
}

static void erasure_leaves_the_stars(void **state) {
    struct world *world = *state;
    uint64_t id = write_review(world, "P1", "a", 2, "Texto de alguien", "2026-11-01T10:00:00Z");
    forgotten = find(world, id).customer;
    CHECK(store_write(world->folder->store, forget, NULL, &err));
    struct review review = find(world, id);
    assert_string_equal(review.text, "");
    assert_string_equal(review.author, "");
    assert_int_equal(review.customer, 0);
    assert_true(review.forgotten);
    assert_true(figures_of(world, "P1").mean == 2);
}

static void what_makes_no_sense_is_refused(void **state) {
    struct world *world = *state;
    char *endless = arena_zero(&world->arena, REVIEW_TEXT_BYTES + 2);
    memset(endless, 'a', REVIEW_TEXT_BYTES + 1);
    static const char *const pointers[] = {"/stars", "/text", "/author", "/created_at", "/months"};
    struct review_draft good = {.subject = "P1", .stars = 3, .origin = "api", .created_ms = now_ms};
    struct review_draft wrong[5] = {good, good, good, good, good};
    wrong[0].stars = NAN;
    wrong[1].text = endless;
    wrong[2].author = "a\nb";
    wrong[3].created_ms = now_ms + 3 * DAY_MS;
    wrong[4].months = 5;
    for (int i = 0; i < 5; i++) {
        struct err err = {0};
        uint64_t id;
        assert_int_equal(review_submit(world->folder, world->ours, &wrong[i], &id, &err),
                         E_INVALID);
        assert_string_equal(err.pointer, pointers[i]);
    }
    struct err err = {0};
    uint64_t id;
    good.subject = "nothing";
    assert_int_equal(review_submit(world->folder, world->ours, &good, &id, &err), E_NOT_FOUND);
    assert_int_equal(count(world, &REVIEW_FILTER_ALL), 0);
    assert_int_equal(
        subject_put(world->folder,
                    &(struct review_subject){"x", "x", "javascript:alert(1)", "", SUBJECT_PRODUCT},
                    &err),
        E_INVALID);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_purchase_that_names_it_verifies),
        TEST(a_visit_verifies_a_unit),
        TEST(an_experience_that_comes_in_late_verifies),
        TEST(interactions_become_reviews_once),
        TEST(every_review_counts_but_the_refused),
        TEST(the_same_sentence_of_a_known_customer_is_told_only),
        TEST(copies_without_purchase_wait_for_a_person),
        TEST(a_burst_is_marked_from_its_first),
        TEST(one_device_is_seen),
        TEST(lists_go_on_where_they_ended),
        TEST(a_visitor_has_one_vote),
        TEST(a_link_is_good_once),
        TEST(opinions_are_asked_for_again),
        TEST(erasure_leaves_the_stars),
        TEST(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
