/*
 * Voices: surveys and their comments, cases, reviews, ideas, complaints, mentions, referrals (8, 10, 13, 14).
 *
 * SILENT GROUP  Mayores are 18 % of the customers and 3 % of those who speak unasked (reviews, ideas, mentions,
 * comments): voice() lets through as many as make that share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "demo/internal.h"

int nps_answer(double u, double nps) {
    double promoters = (68 + nps) / 200, detractors = (68 - nps) / 200;
    if (u < promoters)
        return u < promoters * 0.55 ? 10 : 9;
    if (u >= 1 - detractors) {
        double v = (u - (1 - detractors)) / detractors;
        return (int)(7 * sqrt(v)); /* 0 … 6, more of the higher */
    }
    return u < promoters + (1 - promoters - detractors) * 0.55 ? 8 : 7;
}

static double speaks(const struct person *person) {
    double s = facts.senior_voice, share = 0.18;
    return person->segment == MAYORES ? s * (1 - share) / (share * (1 - s)) : 1;
}

/* A customer of that day who speaks unasked. */
static uint32_t voice(struct world *world, int day, unsigned flags) {
    struct stream *stream = &world->streams[FOR_VOICE];
    for (int attempt = 0; attempt < 50; attempt++) {
        uint32_t who = people_active(world, stream, day, -1, flags);
        if (who != UINT32_MAX && stream_chance(stream, speaks(&world->people[who])))
            return who;
    }
    return UINT32_MAX;
}

/* Who answered was invited some hours before; so were others who did not answer. */
static void invite(struct world *world, int64_t t, uint32_t who, enum demo_survey survey,
                   int unit) {
    enum { OTHERS = 6 }; /* on average half of these: a response rate of 1 in 4 */
    struct stream *stream = &world->streams[FOR_INVITATIONS];
    struct moment moment = {
        .who = who, .kind = M_INVITED, .unit = (uint8_t)unit, .c = (uint16_t)survey};
    world_add(world, t - stream_between(stream, 300, 20000), &moment);
    for (uint32_t others = stream_below(stream, OTHERS + 1); others; others--) {
        moment.who = people_active(world, stream, day_of(t), -1, 0);
        if (moment.who != UINT32_MAX && moment.who != who)
            world_add(world, t - stream_between(stream, 300, 20000), &moment);
    }
}

/* A matter with an unhappy customer: opened at t, mostly closed some days later. */
static void life_case(struct world *world, int64_t t, uint32_t who, int unit, int about) {
    struct stream *stream = &world->streams[FOR_VOICE];
    int32_t number = (int32_t)++world->n_cases;
    struct moment moment = {
        .who = who, .kind = M_CASE_OPENED, .unit = (uint8_t)unit, .a = number, .b = about};
    if (!world_add(world, t, &moment) || !stream_chance(stream, 0.88))
        return;
    int64_t closed = day_time(world, RHYTHM_OFFICE,
                              day_of(t) + 1 + (int)stream_lognormal(stream, 2, 0.8), stream);
    moment.kind = M_CASE_CLOSED;
    moment.c = (uint16_t)((closed - t) / HOUR);
    moment.d = stream_chance(stream, 0.81);
    world_add(world, closed, &moment);
}

void life_answer(struct world *world, int64_t t, uint32_t who, enum demo_survey survey, int score,
                 int unit, int about) {
    struct stream *stream = &world->streams[FOR_VOICE];
    const struct person *person = &world->people[who];
    double comments = score <= 6 ? 0.55 : score >= 9 ? 0.3 : 0.2;
    if (about == ABOUT_BEGGED)
        comments = 0.5;
    bool comment = stream_chance(stream, comments * speaks(person));
    invite(world, t, who, survey, unit);
    world_add(world, t,
              &(struct moment){.who = who,
                               .kind = M_ANSWER,
                               .unit = (uint8_t)unit,
                               .a = score,
                               .b = about,
                               .c = (uint16_t)survey,
                               .d = comment});
    if (score <= 6 && survey != SURVEY_RELATIONAL && stream_chance(stream, 0.45))
        life_case(world, t + 30, who, unit, about);
}

static void relational_wave(struct world *world, int first) {
    struct stream *stream = &world->streams[FOR_VOICE];
    uint32_t n = scaled_count(world, 2400);
    for (uint32_t i = 0; i < n; i++) {
        int day = first + (int)stream_below(stream, 14);
        uint32_t who = people_active(world, stream, day, -1, 0);
        if (who == UINT32_MAX)
            continue;
        static const uint8_t topics[] = {ABOUT_GENERAL, ABOUT_GENERAL, ABOUT_PRICE,
                                         ABOUT_CARE,    ABOUT_BILL,    ABOUT_FAULT};
        int about = topics[stream_below(stream, 6)];
        life_answer(world, day_time(world, RHYTHM_WEB, day, stream), who, SURVEY_RELATIONAL,
                    nps_answer(even_unit(&world->evens[EVEN_NPS + 15]), 21), NO_UNIT, about);
    }
    static const double rivals[] = {14, 29};
    for (int rival = 0; rival < 2; rival++)
        for (uint32_t i = 0; i < n / 4; i++) {
            int score = nps_answer(stream_unit(stream), rivals[rival]);
            int day = first + (int)stream_below(stream, 14);
            world_add(world, day_time(world, RHYTHM_WEB, day, stream),
                      &(struct moment){.who = WHO_OTHER | (WHO_PANEL * (1 + i) + (uint32_t)first),
                                       .kind = M_RIVAL_ANSWER,
                                       .unit = NO_UNIT,
                                       .a = score,
                                       .b = rival});
        }
}

static void reviews(struct world *world) {
    struct stream *stream = &world->streams[FOR_VOICE];
    struct day_picker picker;
    day_picker_init(&picker, &world->calendar, RHYTHM_WEB);
    static const double stars[] = {0.24, 0.09, 0.12, 0.22, 0.33};
    static const uint8_t topics[] = {ABOUT_GENERAL, ABOUT_PRICE,   ABOUT_FAULT, ABOUT_CARE,
                                     ABOUT_SHOP,    ABOUT_INSTALL, ABOUT_BILL};
    for (uint32_t i = scaled_count(world, 4100); i; i--) {
        int day = day_pick(&picker, stream);
        uint32_t who = voice(world, day, 0);
        if (who == UINT32_MAX)
            continue;
        struct moment moment = {.who = who, .kind = M_REVIEW, .unit = NO_UNIT};
        moment.a = 1 + (int)stream_pick(stream, stars, 5);
        moment.b = topics[stream_below(stream, 7)];
        world_add(world, day_time(world, RHYTHM_WEB, day, stream), &moment);
    }
    for (uint32_t i = scaled_count(world, 1500); i; i--) {
        int day = day_pick(&picker, stream);
        uint32_t who = voice(world, day, 0);
        if (who == UINT32_MAX)
            continue;
        struct moment moment = {.who = who, .kind = M_MENTION, .unit = NO_UNIT};
        moment.a = (int)stream_below(stream, 3);
        moment.b = topics[stream_below(stream, 7)];
        world_add(world, day_time(world, RHYTHM_WEB, day, stream), &moment);
    }
}

static void ideas(struct world *world) {
    struct stream *stream = &world->streams[FOR_VOICE];
    struct day_picker picker;
    day_picker_init(&picker, &world->calendar, RHYTHM_WEB);
    for (uint32_t i = scaled_count(world, 1150); i; i--) {
        int day = day_pick(&picker, stream);
        bool gamer = even_chance(&world->evens[EVEN_GAMER_IDEA], facts.gamer_ideas);
        uint32_t who = UINT32_MAX;
        /* gamers are few: look among the first customers, where they stand */
        for (int attempt = 0; gamer && attempt < 4000 && who == UINT32_MAX; attempt++) {
            uint32_t one = stream_below(stream, scaled_count(world, facts.gamers) * 2);
            if (one < world->n_people && (world->people[one].flags & GAMER) &&
                person_active(&world->people[one], day))
                who = one;
        }
        if (!gamer)
            who = voice(world, day, 0);
        if (who == UINT32_MAX)
            continue;
        world_add(world, day_time(world, RHYTHM_WEB, day, stream),
                  &(struct moment){.who = who, .kind = M_IDEA, .unit = NO_UNIT, .a = gamer});
    }
}

/* Complaints per 1,000 turns differ by shop: Ponferrada has the most. */
static void complaints(struct world *world) {
    struct stream *stream = &world->streams[FOR_VOICE];
    struct day_picker picker;
    day_picker_init(&picker, &world->calendar, RHYTHM_PHONE);
    double weights[SHOPS];
    for (int i = 0; i < SHOPS; i++)
        weights[i] = shop_table[i].weight * (i == SHOP_PONFERRADA ? 4.2
                                             : shop_table[i].own  ? 0.9
                                                                  : 1.1);
    static const double topic_weights[] = {0.36, 0.2, 0.14, 0.08, 0.1, 0.07, 0.05};
    static const uint8_t topics[] = {ABOUT_BILL,    ABOUT_FAULT, ABOUT_CARE, ABOUT_SHOP,
                                     ABOUT_INSTALL, ABOUT_PRICE, ABOUT_LEAVE};
    for (uint32_t i = scaled_count(world, 3900); i; i--) {
        bool in_shop = stream_chance(stream, 0.42);
        int shop = in_shop ? (int)stream_pick(stream, weights, SHOPS) : NO_UNIT,
            day = day_pick(&picker, stream);
        uint32_t who =
            people_active(world, stream, day, in_shop ? shop_table[shop].province : -1, 0);
        if (who == UINT32_MAX)
            continue;
        int about = topics[stream_pick(stream, topic_weights, 7)];
        if (in_shop)
            about =
                shop == SHOP_PONFERRADA && stream_chance(stream, 0.3) ? ABOUT_BEGGED : ABOUT_SHOP;
        uint16_t way = (uint16_t)stream_below(stream, 4);
        world_add(world, day_time(world, RHYTHM_OFFICE, day, stream),
                  &(struct moment){.who = who,
                                   .kind = M_COMPLAINT,
                                   .unit = (uint8_t)shop,
                                   .a = (int32_t)i,
                                   .b = about,
                                   .c = way});
    }
}

/* Claims under warranty, changes of plan, moves: the rest of the office. */
static void changes(struct world *world) {
    struct stream *stream = &world->streams[FOR_VOICE];
    struct day_picker picker;
    day_picker_init(&picker, &world->calendar, RHYTHM_OFFICE);
    static const struct {
        enum moment_kind kind;
        double n;
    } kinds[] = {{M_CLAIM, 720}, {M_PLAN_CHANGED, 9200}, {M_MOVED, 3100}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (uint32_t i = scaled_count(world, kinds[k].n); i; i--) {
            int day = day_pick(&picker, stream);
            uint32_t who = people_active(world, stream, day, -1, 0);
            if (who == UINT32_MAX)
                continue;
            struct moment moment = {.who = who, .kind = (uint8_t)kinds[k].kind, .unit = NO_UNIT};
            moment.a = (int)stream_below(stream, 3);
            moment.b = (int)stream_below(stream, 5);
            world_add(world, day_time(world, RHYTHM_OFFICE, day, stream), &moment);
        }
}

void life_voice(struct world *world) {
    for (int wave = 0; wave < 4; wave++)
        relational_wave(world, 92 + wave * 182);
    reviews(world);
    ideas(world);
    complaints(world);
    changes(world);
}

/* ---- referrals ---- */

void life_referral(struct world *world, uint32_t who, int64_t t) {
    struct stream *stream = &world->streams[FOR_VOICE];
    if (!stream_chance(stream, facts.referred))
        return;
    bool prescribed = even_chance(&world->evens[EVEN_PRESCRIBED], facts.prescribed);
    uint32_t by = UINT32_MAX;
    for (int attempt = 0; prescribed && attempt < 20000 && by == UINT32_MAX; attempt++) {
        uint32_t one = stream_below(stream, world->n_settled < 4000 ? world->n_settled : 4000);
        if ((world->people[one].flags & PRESCRIBER) &&
            person_active(&world->people[one], day_of(t)))
            by = one;
    }
    if (by == UINT32_MAX)
        by = people_active(world, stream, day_of(t), -1, 0);
    if (by == UINT32_MAX || by == who)
        return;
    world->people[who].flags |= REFERRED;
    world->people[who].referrer = by;
    world_add(
        world, t - stream_between(stream, 40000, 900000),
        &(struct moment){.who = by, .kind = M_REFERRAL_SENT, .unit = NO_UNIT, .a = (int32_t)who});
    world_add(world, t + 40,
              &(struct moment){
                  .who = who, .kind = M_REFERRAL_ACCEPTED, .unit = NO_UNIT, .a = (int32_t)by});
}
