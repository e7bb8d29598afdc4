/*
 * Carmen Ibáñez, the customer whom the tour opens: 14 months with Vereda, everything that can go wrong, and a contract
 * that ends in 20 days. Nothing here is drawn: every contact is written down.
 *
 * Lucía (fact 16) is the first online customer of year 2: before she identified herself she was a visitor of the web; an
 * e-mail address answers a survey and a line calls, and all three are her.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

enum { CARMEN_START = LAST_DAY - 436, CARMEN_COMMITMENT = LAST_DAY + 20 };

static uint32_t carmen_of(const struct world *world) {
    uint32_t who = world->n_people;
    while (who-- > 0)
        if (world->people[who].flags & CARMEN)
            break;
    return who;
}

void people_carmen(struct world *world) {
    uint32_t who = people_add(world, CARMEN_START, BY_STORE, NO_VISITOR, SHOP_ORDONO);
    struct person *person = &world->people[who];
    *person = (struct person){.start = CARMEN_START,
                              .end = NEVER,
                              .invoice = CARMEN_START + 31,
                              .commitment = CARMEN_COMMITMENT,
                              .visitor = NO_VISITOR,
                              .referrer = UINT32_MAX,
                              .flags = CARMEN | PORTED | FIBRE | APP | EXCESS,
                              .segment = HOGAR,
                              .province = LEON,
                              .town = 0,
                              .signup = BY_STORE,
                              .shop = SHOP_ORDONO,
                              .age = 47,
                              .lines = 2,
                              .plan = 2,
                              .first_name = 1,
                              .last_name = 70,
                              .second_name = 51,
                              .language = SPANISH};
    for (who = world->n_settled; who < world->n_people; who++) {
        person = &world->people[who];
        if (person->visitor == NO_VISITOR || person->start < YEAR_2 || person->end != NEVER)
            continue;
        person->flags |= LUCIA;
        person->first_name = 9;
        person->last_name = 3;
        return;
    }
}

static int64_t at(int day, int hour, int minute) {
    return (int64_t)day * DAY_SECONDS + hour * HOUR + minute * MINUTE;
}

static void carmen_begins(struct world *world, uint32_t who) {
    int day = CARMEN_START;
    struct moment moment = {.who = who, .unit = SHOP_ORDONO};
    moment.kind = M_QUEUE_SERVED, moment.a = 12, moment.b = 10;
    world_add(world, at(day, 11, 32), &moment);
    moment.kind = M_ORDER_STORE;
    world_add(world, at(day, 11, 55), &moment);
    moment = (struct moment){.who = who, .unit = NO_UNIT};
    moment.kind = M_TRAITS;
    world_add(world, at(day, 11, 56), &moment);
    moment.kind = M_SIGNED;
    world_add(world, at(day, 11, 57), &moment);
    moment.kind = M_PORTED_IN;
    world_add(world, at(day + 3, 9, 20), &moment);
    moment.unit = UNIT_PROVINCE + LEON;
    moment.kind = M_INSTALL_REQUESTED;
    world_add(world, at(day, 12, 0), &moment);
    moment.kind = M_INSTALLED; /* promised in 48 hours */
    moment.a = 5 * DAY_SECONDS + 5 * HOUR - 1200, moment.b = 1, moment.c = 0, moment.d = 31;
    world_add(world, at(day + 5, 16, 40), &moment);
    world_add(world, at(day + 6, 10, 15),
              &(struct moment){.who = who,
                               .kind = M_ANSWER,
                               .unit = UNIT_PROVINCE + LEON,
                               .a = 4,
                               .b = ABOUT_INSTALL,
                               .c = SURVEY_INSTALL,
                               .d = 1});
    world_add(world, at(day + 31, 6, 48),
              &(struct moment){
                  .who = who, .kind = M_INVOICE, .unit = NO_UNIT, .a = 5905, .b = 3990, .c = 1});
    world_add(world, at(day + 32, 20, 12),
              &(struct moment){.who = who, .kind = M_SCREEN, .unit = NO_UNIT, .a = 2});
    world_add(world, at(day + 33, 10, 26),
              &(struct moment){.who = who,
                               .kind = M_CALL,
                               .unit = UNIT_SUR,
                               .a = 402,
                               .b = 380,
                               .c = REASON_BILL,
                               .d = 1});
}

static void carmen_fault(struct world *world, uint32_t who, int day, int32_t number, int call_hour,
                         int visit_day) {
    world_add(world, at(day, call_hour, 14),
              &(struct moment){.who = who,
                               .kind = M_CALL,
                               .unit = UNIT_SUR,
                               .a = 287,
                               .b = 512,
                               .c = REASON_FAULT,
                               .d = 1});
    world_add(world, at(day, call_hour, 15),
              &(struct moment){
                  .who = who, .kind = M_FAULT_OPENED, .b = number, .unit = UNIT_PROVINCE + LEON});
    int64_t took = at(visit_day, 12, 30) - at(day, call_hour, 14);
    world_add(world, at(visit_day, 12, 30),
              &(struct moment){.who = who,
                               .kind = M_VISITED,
                               .unit = UNIT_PROVINCE + LEON,
                               .a = (int32_t)took,
                               .b = number,
                               .c = took <= DAY_SECONDS,
                               .d = 33,
                               .e = 1,
                               .f = 1});
}

static void carmen_ends(struct world *world, uint32_t who) {
    carmen_fault(world, who, LAST_DAY - 120, (int32_t)++world->n_faults, 9, LAST_DAY - 118);
    carmen_fault(world, who, LAST_DAY - 26, (int32_t)++world->n_faults, 18, LAST_DAY - 23);
    struct moment moment = {.who = who, .unit = SHOP_ORDONO};
    int day = LAST_DAY - 14;
    while (calendar_weekday(&world->calendar, day) != 5)
        day--; /* a Saturday */
    moment.kind = M_QUEUE_SERVED, moment.a = 37, moment.b = 15, moment.c = 1;
    world_add(world, at(day, 12, 20), &moment);
    moment.kind = M_TAP, moment.a = 2, moment.b = 37;
    world_add(world, at(day, 12, 41), &moment);
    moment = (struct moment){.who = who, .kind = M_PAGE, .unit = NO_UNIT, .a = 5, .b = 1};
    world_add(world, at(LAST_DAY - 6, 21, 58), &moment);
    moment.kind = M_SEARCHED, moment.a = QUERY_LEAVE;
    world_add(world, at(LAST_DAY - 6, 22, 3), &moment);
    moment.a = 5; /* permanencia */
    world_add(world, at(LAST_DAY - 2, 22, 31), &moment);
}

void life_carmen(struct world *world) {
    uint32_t who = carmen_of(world);
    carmen_begins(world, who);
    carmen_ends(world, who);
    for (who = world->n_settled; who < world->n_people; who++) {
        struct person *person = &world->people[who];
        if (!(person->flags & LUCIA))
            continue;
        world_add(world, at(person->start + 40, 19, 5),
                  &(struct moment){.who = who,
                                   .kind = M_ANSWER,
                                   .unit = NO_UNIT,
                                   .a = 8,
                                   .b = ABOUT_GENERAL,
                                   .c = SURVEY_RELATIONAL,
                                   .d = 1,
                                   .g = 1});
        world_add(world, at(person->start + 75, 11, 40),
                  &(struct moment){.who = who,
                                   .kind = M_CALL,
                                   .unit = UNIT_OWN_CALLS,
                                   .a = 350,
                                   .b = 40,
                                   .c = REASON_QUESTION,
                                   .d = 1,
                                   .g = 2});
    }
}
