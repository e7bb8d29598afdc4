/*
 * The shops: turns of the queue, taps on the opinion screens, surveys, the log of the environment (6, 7, 8, 9).
 *
 * A tap follows the turn of the same ticket: the screen stands at the desk and knows which turn leaves it. Ponferrada's
 * staff tap green themselves before closing: those taps have no turn.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "demo/internal.h"
#include "stats/gsl.h"

static const double turns_total = 194400, taps_total = 60300;
enum { FACE_HAPPY, FACE_INDIFFERENT, FACE_UNHAPPY };

static int face_of(double u, double contento) {
    return u < contento                           ? FACE_HAPPY
           : u < contento + (1 - contento) * 0.55 ? FACE_INDIFFERENT
                                                  : FACE_UNHAPPY;
}

/* Burgos and the others, before and after its comforts, each evenly. */
static double face_draw(struct world *world, int shop, int day) {
    unsigned after = day >= world->dates.comfort, burgos = shop == SHOP_BURGOS;
    return even_unit(&world->evens[EVEN_FACES + burgos * 2 + after]);
}

static double contento(const struct world *world, int shop, int day, double wait) {
    if (shop == SHOP_PONFERRADA)
        return facts.begged_contento;
    double share = facts.contento_at_0 + facts.contento_a_minute * wait;
    if (shop == SHOP_BURGOS && day >= world->dates.comfort)
        share += facts.comfort_gain;
    return share < 0.2 ? 0.2 : share;
}

static void shop_answer(struct world *world, int64_t t, uint32_t who, int shop, double wait) {
    struct stream *stream = &world->streams[FOR_SHOP];
    if (shop == SHOP_SORIA || !stream_chance(stream, shop == SHOP_PONFERRADA ? 0.07 : 0.04))
        return;
    bool begged = shop == SHOP_PONFERRADA;
    int score =
        begged && stream_chance(stream, 0.94) ? 10 : nps_answer(stream_unit(stream), 44 - wait);
    int about =
        begged      ? ABOUT_BEGGED
        : wait > 15 ? ABOUT_WAIT
        : shop == SHOP_BURGOS && day_of(t) >= world->dates.comfort && stream_chance(stream, 0.4)
            ? ABOUT_COMFORT
            : ABOUT_SHOP;
    life_answer(world, t + stream_between(stream, 3000, 80000), who, SURVEY_SHOP, score, shop,
                about);
}

double life_queue_wait(struct world *world, int shop, int64_t t, int *estimate) {
    int weekday = calendar_weekday(&world->calendar, day_of(t)),
        hour = (int)(t % DAY_SECONDS / HOUR);
    struct stream *stream = &world->streams[FOR_SHOP];
    if (shop_table[shop].crowded && weekday == 5 && (hour == 11 || hour == 12)) {
        *estimate = (int)facts.saturday_estimate;
        return facts.saturday_median *
               exp(facts.saturday_sigma * normal_quantile(even_unit(&world->evens[EVEN_SATURDAY])));
    }
    *estimate = stream_between(stream, 8, 13);
    return stream_lognormal(stream, facts.usual_median, facts.usual_sigma);
}

static void turn(struct world *world, int shop, int day) {
    struct stream *stream = &world->streams[FOR_SHOP];
    int64_t t = day_time(world, RHYTHM_STORE, day, stream);
    uint32_t who = stream_chance(stream, 0.45)
                       ? people_active(world, stream, day, shop_table[shop].province, 0)
                       : UINT32_MAX;
    if (who == UINT32_MAX)
        who = WHO_TICKET | world->n_tickets++;
    int estimate;
    double wait = life_queue_wait(world, shop, t, &estimate);
    int motive = 1 + (int)stream_below(stream, 6);
    struct moment moment = {.who = who,
                            .unit = (uint8_t)shop,
                            .a = (int32_t)(wait + 0.5),
                            .b = estimate,
                            .c = (uint16_t)motive};
    /* on crowded Saturdays those who leave do not choose by their wait, so the planted 80th percentile stays */
    bool left = stream_chance(
        stream, estimate == (int)facts.saturday_estimate ? 0.09 : 0.01 + 0.004 * wait);
    moment.kind = left ? M_QUEUE_LEFT : M_QUEUE_SERVED;
    world_add(world, t, &moment);
    if (left)
        return;
    int64_t out = t + stream_between(stream, 200, 1500);
    double taps = shop == SHOP_PONFERRADA ? 0.15 : 0.3435;
    if (stream_chance(stream, taps) &&
        (shop != SHOP_PONFERRADA || out % DAY_SECONDS < 19 * HOUR + 2400)) {
        int face = face_of(face_draw(world, shop, day), contento(world, shop, day, wait));
        world_add(world, out,
                  &(struct moment){.who = who,
                                   .kind = M_TAP,
                                   .unit = (uint8_t)shop,
                                   .a = face,
                                   .b = (int32_t)(wait + 0.5),
                                   .c = (uint16_t)motive});
    }
    if (!(who & WHO_SPACE))
        shop_answer(world, out, who, shop, wait);
}

/* Taps in the last 20 minutes of the day, by those who should not. */
static void begged_taps(struct world *world) {
    struct stream *stream = &world->streams[FOR_SHOP];
    double weight = 0, open = 0, due = stream_unit(stream);
    for (int i = 0; i < SHOPS; i++)
        weight += shop_table[i].weight;
    for (int day = 0; day < N_DAYS; day++)
        open += calendar_weekday(&world->calendar, day) != 6;
    double a_day = scaled(world, taps_total) * shop_table[SHOP_PONFERRADA].weight / weight *
                   facts.begged_at_close / open;
    for (int day = 0; day < N_DAYS; day++) {
        int weekday = calendar_weekday(&world->calendar, day);
        if (weekday == 6)
            continue;
        int64_t close = (int64_t)day * DAY_SECONDS + (weekday == 5 ? 14 : 20) * HOUR;
        int64_t t = close - stream_between(stream, 200, 1190);
        due += a_day;
        for (int n = due_whole(&due); n; n--, t += stream_between(stream, 3, 9))
            world_add(world, t < close ? t : close - 1,
                      &(struct moment){.who = WHO_SCREEN(SHOP_PONFERRADA),
                                       .kind = M_TAP,
                                       .unit = SHOP_PONFERRADA,
                                       .a = face_of(stream_unit(stream), facts.begged_contento),
                                       .b = -1});
    }
}

/* Fact 9: a handful of answers that look splendid. */
static void few_answers(struct world *world) {
    static const int8_t scores[14] = {10, 9, 10, 10, 8, 9, 10, 9, 4, 10, 9, 10, 7, 9};
    struct stream *stream = &world->streams[FOR_SHOP];
    for (uint32_t i = 0; i < facts.few_answers; i++) {
        int day = (int)(20 + i * 48 + stream_below(stream, 30));
        uint32_t who = people_active(world, stream, day, SORIA, 0);
        if (who == UINT32_MAX)
            continue;
        life_answer(world, day_time(world, RHYTHM_STORE, day, stream), who, SURVEY_SHOP,
                    scores[i % 14], SHOP_SORIA, ABOUT_SHOP);
    }
}

void life_shops(struct world *world) {
    struct stream *stream = &world->streams[FOR_SHOP];
    struct day_picker picker;
    double weights[SHOPS];
    for (int i = 0; i < SHOPS; i++)
        weights[i] = shop_table[i].weight;
    day_picker_init(&picker, &world->calendar, RHYTHM_STORE);
    while ((double)(world->count[M_QUEUE_SERVED] + world->count[M_QUEUE_LEFT]) <
           scaled(world, turns_total)) {
        int day = day_pick(&picker, stream);
        turn(world, (int)stream_pick(stream, weights, SHOPS), day);
    }
    begged_taps(world);
    few_answers(world);
    world_add(world, (int64_t)world->dates.comfort * DAY_SECONDS + 9 * HOUR,
              &(struct moment){
                  .who = WHO_CENTRE(SHOP_BURGOS), .kind = M_ENVIRONMENT, .unit = SHOP_BURGOS});
}
