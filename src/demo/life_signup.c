/*
 * How people become customers: the web's checkouts (fact 1), the shops, the telephone.
 *
 * 27,600 sign-ups in two years: the web completes 71 % of 24 checkouts a day, but for the six weeks of the bad release;
 * shops and telephone bring the rest. A checkout has a past: one to three visits of comparing before it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

enum { MOBILE, DESKTOP, TABLET_DEVICE };

struct checkout {
    uint32_t visitor, who; /* who: the person they became, or NO_VISITOR */
    uint8_t device, plan;
    bool release;
};

static void visitor_add(struct world *world, int64_t t, const struct checkout *checkout,
                        enum moment_kind kind, int32_t a, int32_t b) {
    world_add(world, t,
              &(struct moment){.who = WHO_VISITOR | checkout->visitor,
                               .kind = (uint8_t)kind,
                               .unit = NO_UNIT,
                               .a = a,
                               .b = b,
                               .c = checkout->plan,
                               .d = checkout->device,
                               .e = checkout->release});
}

/* Visits before the purchase: pages, coverage, products. */
static void compare(struct world *world, int64_t t, const struct checkout *checkout) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    int visits = stream_between(stream, 0, 2);
    for (int visit = visits; visit >= 0; visit--) {
        int64_t days = visit ? visit * stream_between(stream, 1, 5) : 0;
        int64_t at = t - days * DAY_SECONDS -
                     (visit ? stream_between(stream, 0, 9000) : stream_between(stream, 240, 900));
        int pages = stream_between(stream, 1, 3);
        for (int i = 0; i < pages; i++, at += stream_between(stream, 8, 50))
            visitor_add(world, at, checkout, M_PAGE, (int32_t)stream_below(stream, PROSPECT_PAGES),
                        0);
        if (stream_chance(stream, 0.4))
            visitor_add(world, at += 20, checkout, M_COVERAGE, stream_chance(stream, 0.92), 0);
        visitor_add(world, at += 25, checkout, M_PRODUCT_VIEWED, 0, 0);
        if (!visit)
            visitor_add(world, at + 40, checkout, M_PRODUCT_ADDED, 0, 0);
    }
}

/* Why they left the last step, as one in three says. */
static void leave_checkout(struct world *world, int64_t t, const struct checkout *checkout) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    static const double usual[] = {0.06, 0.05}, release[] = {0.38, 0.34};
    static const uint8_t topics[] = {ABOUT_PAYMENT, ABOUT_SHIPPING, ABOUT_COMPARING};
    if (!stream_chance(stream, 0.35))
        return;
    double u = even_unit(&world->evens[EVEN_EXIT + checkout->release]);
    const double *shares = checkout->release ? release : usual;
    size_t topic = u < shares[0] ? 0 : u < shares[0] + shares[1] ? 1 : 2;
    bool comes_back = stream_chance(stream, 0.7);
    visitor_add(world, t + stream_between(stream, 8, 60), checkout, M_EXIT_ANSWER, topics[topic],
                comes_back);
}

static bool completes(struct world *world, const struct checkout *checkout) {
    bool mobile = checkout->device == MOBILE;
    if (checkout->release)
        return mobile ? even_chance(&world->evens[EVEN_MOBILE_RELEASE], facts.release_mobile)
                      : even_chance(&world->evens[EVEN_DESKTOP_RELEASE], facts.release_desktop);
    return mobile ? even_chance(&world->evens[EVEN_MOBILE], facts.completed_mobile)
                  : even_chance(&world->evens[EVEN_DESKTOP], facts.completed_desktop);
}

static void sign_online(struct world *world, int64_t t, const struct checkout *checkout) {
    visitor_add(world, t, checkout, M_ORDER_WEB, (int32_t)checkout->who, 0);
    world_add(world, t + 1,
              &(struct moment){.who = checkout->who, .kind = M_TRAITS_WEB, .unit = NO_UNIT});
    life_contract(world, checkout->who, t + 1);
}

/* One checkout. reaches: 0 leaves after the first step, 1 after the second, 2 sees the payment step. */
static void checkout_run(struct world *world, int day, int reaches) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    struct checkout checkout = {.visitor = world->n_visitors++,
                                .who = NO_VISITOR,
                                .release = day >= world->dates.release_from &&
                                           day < world->dates.release_to};
    checkout.device = even_unit(&world->evens[EVEN_DEVICE]) < facts.mobile_share ? MOBILE
                      : stream_chance(stream, 0.9)                               ? DESKTOP
                                                                                 : TABLET_DEVICE;
    bool done = reaches == 2 && completes(world, &checkout);
    if (done) {
        checkout.who = people_add(world, day, BY_WEB, checkout.visitor, -1);
        checkout.plan = world->people[checkout.who].plan;
    } else {
        checkout.plan = (uint8_t)stream_below(stream, PLANS - 1);
    }
    int64_t t = day_time(world, RHYTHM_WEB, day, stream);
    compare(world, t, &checkout);
    visitor_add(world, t, &checkout, M_CHECKOUT_STARTED, 0, 0);
    visitor_add(world, t += stream_between(stream, 40, 150), &checkout, M_STEP_COMPLETED, 1, 0);
    if (reaches == 0)
        return;
    visitor_add(world, t += stream_between(stream, 30, 140), &checkout, M_STEP_COMPLETED, 2, 0);
    if (reaches == 1)
        return;
    visitor_add(world, t += stream_between(stream, 2, 6), &checkout, M_STEP_VIEWED, 3, 0);
    if (!done && !stream_chance(stream, 0.06)) {
        leave_checkout(world, t, &checkout);
        return;
    }
    visitor_add(world, t += stream_between(stream, 30, 130), &checkout, M_PAYMENT_ENTERED, 0, 0);
    if (done)
        sign_online(world, t + stream_between(stream, 4, 20), &checkout);
}

static void sign_in_store(struct world *world, int day) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    double weights[SHOPS];
    for (int i = 0; i < SHOPS; i++)
        weights[i] = shop_table[i].weight;
    int shop = (int)stream_pick(stream, weights, SHOPS);
    uint32_t who = people_add(world, day, BY_STORE, NO_VISITOR, shop);
    if (shop == SHOP_GAMONAL && day > 60 &&
        world->n_tablet < scaled_count(world, facts.tablet_people)) {
        world->people[who].flags |= TABLET;
        world->n_tablet++;
    }
    int64_t t = day_time(world, RHYTHM_STORE, day, stream);
    int estimate, wait = (int)(life_queue_wait(world, shop, t, &estimate) + 0.5);
    world_add(world, t,
              &(struct moment){.who = who,
                               .kind = M_QUEUE_SERVED,
                               .unit = (uint8_t)shop,
                               .a = wait,
                               .b = estimate,
                               .c = 0});
    t += stream_between(stream, 700, 1800);
    world_add(world, t, &(struct moment){.who = who, .kind = M_ORDER_STORE, .unit = (uint8_t)shop});
    world_add(world, t + 30, &(struct moment){.who = who, .kind = M_TRAITS, .unit = NO_UNIT});
    life_contract(world, who, t + 30);
}

static void sign_by_phone(struct world *world, int day) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    uint32_t who = people_add(world, day, BY_PHONE, NO_VISITOR, -1);
    int64_t t = day_time(world, RHYTHM_PHONE, day, stream);
    life_call(world, t, who, stream_chance(stream, 0.7) ? REASON_BUY : REASON_PORT);
    t += stream_between(stream, 600, 1500);
    world_add(world, t, &(struct moment){.who = who, .kind = M_ORDER_PHONE, .unit = NO_UNIT});
    world_add(world, t + 20, &(struct moment){.who = who, .kind = M_TRAITS, .unit = NO_UNIT});
    life_contract(world, who, t + 20);
}

/* The sign-ups that the web does not bring. */
static const double by_store = 10600, by_phone = 4734;

void life_signups(struct world *world) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    static const double reach_weights[3] = {0.04, 0.03, 0.93};
    static const double week[7] = {1.08, 1.06, 1.02, 1.0, 0.94, 0.92, 0.98};
    double web = stream_unit(stream), store = stream_unit(stream), phone = stream_unit(stream);
    for (int day = 0; day < N_DAYS; day++) {
        double per_day = scaled(world, facts.checkouts_a_day) / reach_weights[2];
        web += per_day * week[calendar_weekday(&world->calendar, day)];
        for (int n = due_whole(&web); n; n--)
            checkout_run(world, day, (int)stream_pick(stream, reach_weights, 3));
        store += scaled(world, by_store) / N_DAYS * rhythm_day(&world->calendar, RHYTHM_STORE, day);
        for (int n = due_whole(&store); n; n--)
            sign_in_store(world, day);
        phone += scaled(world, by_phone) / N_DAYS * rhythm_day(&world->calendar, RHYTHM_PHONE, day);
        for (int n = due_whole(&phone); n; n--)
            sign_by_phone(world, day);
    }
}
