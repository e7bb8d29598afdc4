/*
 * Web and app beyond sign-ups: searches that find nothing (11), prospects who only look, customers' sessions.
 *
 * life_visits runs last and fills the web up to 1.3 M and the app up to 540,000 interactions.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

static const double web_total = 1300000, app_total = 540000;
enum { LAST_SEARCHES = 90 }; /* days in which the planted searches lie */

/* ---- searches ---- */

static void search(struct world *world, int64_t t, uint32_t who, int query, bool clicks,
                   int article) {
    struct stream *stream = &world->streams[FOR_WEB];
    uint8_t device = stream_chance(stream, 0.7) ? 0 : 1;
    world_add(
        world, t,
        &(struct moment){.who = who, .kind = M_SEARCHED, .unit = NO_UNIT, .a = query, .d = device});
    if (clicks)
        world_add(world, t + stream_between(stream, 4, 40),
                  &(struct moment){
                      .who = who, .kind = M_ARTICLE, .unit = NO_UNIT, .a = article, .d = device});
}

/* As many different customers as planted, in the last 90 days. */
static void planted_search(struct world *world, int query, uint32_t people) {
    struct stream *stream = &world->streams[FOR_WEB];
    uint32_t n = scaled_count(world, people), step = world->n_people / (n + 1);
    uint32_t who = stream_below(stream, step ? step : 1);
    while (n && who < world->n_people) {
        const struct person *person = &world->people[who];
        int day = LAST_DAY - 1 - (int)stream_below(stream, LAST_SEARCHES - 2);
        if (person_active(person, day) && !(person->flags & CARMEN)) {
            search(world, day_time(world, RHYTHM_WEB, day, stream), who, query, false, 0);
            n--;
            who += step / 2 + 1;
        } else {
            who++;
        }
    }
}

void life_searches(struct world *world) {
    planted_search(world, QUERY_ESIM, facts.esim_people);
    planted_search(world, QUERY_ROAMING, facts.roaming_people);
    planted_search(world, QUERY_HOLDER, facts.holder_people);
}

/* The ordinary ones; about the planted three only earlier, and rarely. */
static void ordinary_search(struct world *world, int64_t t, uint32_t who) {
    struct stream *stream = &world->streams[FOR_WEB];
    int query = 4 + (int)stream_below(stream, HELP_QUERIES - 4);
    bool late = day_of(t) > LAST_DAY - LAST_SEARCHES;
    if (stream_chance(stream, 0.03))
        query = late ? QUERY_HOLDER : (int)stream_below(stream, 3);
    bool holder = query == QUERY_HOLDER, found = help_queries[query].results > 0;
    int article = holder ? ARTICLE_HOLDER : 1 + (int)stream_below(stream, HELP_ARTICLES - 1);
    search(world, t, who, query,
           found &&
               (holder ? late || day_of(t) >= world->dates.article : stream_chance(stream, 0.7)),
           article);
}

/* ---- visits ---- */

static void prospect_visit(struct world *world, int day) {
    struct stream *stream = &world->streams[FOR_WEB];
    bool back = world->n_visitors > 100 && stream_chance(stream, 0.2);
    /* who comes back was here some hundred visitors ago, if visitors come in the order of days */
    uint32_t visitor =
        back ? world->n_visitors - 1 - stream_below(stream, 50) : world->n_visitors++;
    uint8_t device = stream_chance(stream, 0.68) ? 0 : stream_chance(stream, 0.92) ? 1 : 2;
    uint16_t plan = (uint16_t)stream_below(stream, PLANS - 1);
    int64_t t = day_time(world, RHYTHM_WEB, day, stream);
    struct moment moment = {.who = WHO_VISITOR | visitor, .unit = NO_UNIT, .c = plan, .d = device};
    for (int pages = stream_between(stream, 1, 4); pages;
         pages--, t += stream_between(stream, 6, 90)) {
        moment.kind = M_PAGE;
        moment.a = stream_chance(stream, 0.3) ? 0 : (int32_t)stream_below(stream, PROSPECT_PAGES);
        world_add(world, t, &moment);
    }
    moment.a = stream_chance(stream, 0.88);
    if (stream_chance(stream, 0.2))
        moment.kind = M_COVERAGE, world_add(world, t += 20, &moment);
    if (!stream_chance(stream, 0.5))
        return;
    moment.kind = M_PRODUCT_VIEWED;
    world_add(world, t += 15, &moment);
    if (!stream_chance(stream, 0.14))
        return;
    moment.kind = M_PRODUCT_ADDED;
    world_add(world, t + stream_between(stream, 20, 100), &moment);
}

static void customer_visit(struct world *world, int day) {
    struct stream *stream = &world->streams[FOR_WEB];
    uint32_t who = people_active(world, stream, day, -1, 0);
    if (who == UINT32_MAX)
        return;
    const struct person *person = &world->people[who];
    if (person->age > 64 && stream_chance(stream, 0.7))
        return;
    uint8_t device = stream_chance(stream, 0.6) ? 0 : 1;
    int64_t t = day_time(world, RHYTHM_WEB, day, stream);
    for (int pages = stream_between(stream, 1, 4); pages;
         pages--, t += stream_between(stream, 8, 100)) {
        int set = stream_chance(stream, 0.25) ? 2 : 1;
        world_add(world, t,
                  &(struct moment){
                      .who = who,
                      .kind = M_PAGE,
                      .unit = NO_UNIT,
                      .b = set,
                      .d = device,
                      .a = (int32_t)stream_below(stream, set == 1 ? CUSTOMER_PAGES : HELP_PAGES)});
    }
    if (stream_chance(stream, 0.18))
        world_add(
            world, t,
            &(struct moment){.who = who, .kind = M_INVOICE_VIEWED, .unit = NO_UNIT, .d = device});
    if (stream_chance(stream, 0.12))
        ordinary_search(world, t + 30, who);
}

static void app_session(struct world *world, int day) {
    struct stream *stream = &world->streams[FOR_WEB];
    uint32_t who = people_active(world, stream, day, -1, APP);
    if (who == UINT32_MAX)
        return;
    int64_t t = day_time(world, RHYTHM_APP, day, stream);
    int screen = 0;
    for (int screens = stream_between(stream, 1, 4); screens;
         screens--, t += stream_between(stream, 3, 60)) {
        world_add(world, t,
                  &(struct moment){.who = who, .kind = M_SCREEN, .unit = NO_UNIT, .a = screen});
        screen = 1 + (int)stream_below(stream, stream_chance(stream, 0.6) ? 2 : APP_SCREENS - 1);
    }
}

/* n sessions spread over the days by the rhythm, day after day, until the source has its total. */
static void fill(struct world *world, enum rhythm rhythm, enum demo_source source, double total,
                 void (*session)(struct world *world, int day), double from) {
    double weights = 0, done = 0;
    for (int day = 0; day < N_DAYS; day++)
        weights += rhythm_day(&world->calendar, rhythm, day);
    for (int day = 0; day < N_DAYS; day++) {
        done += rhythm_day(&world->calendar, rhythm, day) / weights;
        double due = from + (total - from) * done;
        while ((double)world->count_source[source] < due)
            session(world, day);
    }
}

void life_visits(struct world *world) {
    double web = scaled(world, web_total), so_far = (double)world->count_source[DEMO_WEB];
    double prospects = so_far + (web - so_far) * 0.42;
    fill(world, RHYTHM_WEB, DEMO_WEB, prospects, prospect_visit, so_far);
    fill(world, RHYTHM_WEB, DEMO_WEB, web, customer_visit, prospects);
    fill(world, RHYTHM_APP, DEMO_APP, scaled(world, app_total), app_session,
         (double)world->count_source[DEMO_APP]);
}
