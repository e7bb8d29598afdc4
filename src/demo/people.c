/*
 * The population: who has a contract with Vereda, since when, with which plan, where they live.
 *
 * 57,800 contracts stand on day 0, their age drawn from the steady state of the hazard of loss (facts.hazard a month,
 * × facts.month_13 in the 13th). New ones come from life_signups. How long a contract lives is decided in
 * life_contract.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "demo/internal.h"

const struct shop_row shop_table[SHOPS] = {
    [SHOP_ORDONO] = {"Tienda León Ordoño", 11.0, LEON, true, true},
    [SHOP_ERAS] = {"Tienda León Eras", 6.5, LEON, true, false},
    [SHOP_PONFERRADA] = {"Tienda Ponferrada", 7.0, LEON, false, false},
    [SHOP_ASTORGA] = {"Tienda Astorga", 3.0, LEON, false, false},
    [SHOP_BANEZA] = {"Tienda La Bañeza", 2.6, LEON, false, false},
    [SHOP_BURGOS] = {"Tienda Burgos", 10.5, BURGOS, true, false},
    [SHOP_GAMONAL] = {"Tienda Gamonal", 8.5, BURGOS, false, true},
    [SHOP_ARANDA] = {"Tienda Aranda de Duero", 4.4, BURGOS, false, false},
    [SHOP_MIRANDA] = {"Tienda Miranda de Ebro", 4.2, BURGOS, false, false},
    [SHOP_OURENSE] = {"Tienda Ourense", 10.0, OURENSE, true, true},
    [SHOP_BARCO] = {"Tienda O Barco", 3.0, OURENSE, false, false},
    [SHOP_VERIN] = {"Tienda Verín", 3.4, OURENSE, false, false},
    [SHOP_SORIA] = {"Tienda Soria", 4.6, SORIA, true, false},
    [SHOP_ALMAZAN] = {"Tienda Almazán", 2.2, SORIA, false, false},
    [SHOP_HUESCA] = {"Tienda Huesca", 8.5, HUESCA, true, true},
    [SHOP_JACA] = {"Tienda Jaca", 4.0, HUESCA, true, false},
    [SHOP_BARBASTRO] = {"Tienda Barbastro", 3.6, HUESCA, false, false},
    [SHOP_FRAGA] = {"Tienda Fraga", 3.0, HUESCA, false, false},
};

const struct plan_row plan_table[PLANS] = {{"Fibra 600 + 2 móviles", 4690, HOGAR},
                                           {"Fibra 1 Gb + 3 móviles", 5990, HOGAR},
                                           {"Fibra 300 + móvil", 3990, HOGAR},
                                           {"Móvil 40 GB", 1590, JOVEN},
                                           {"Móvil sin fin", 2190, JOVEN},
                                           {"Fijo y móvil tranquilo", 2690, MAYORES},
                                           {"Fibra tranquila + fijo", 3490, MAYORES},
                                           {"Fibra pueblo 300 + móvil", 3990, RURAL},
                                           {"4G en casa", 2990, RURAL},
                                           {"Negocio 1 Gb", 6490, PYMES},
                                           {"Autónomo 600 + móvil", 4490, PYMES},
                                           {"Comunidad conectada", 7990, COMUNIDADES}};

static const double segment_share[SEGMENTS] = {0.41, 0.19, 0.18, 0.12, 0.08, 0.02};
static const double province_share[PROVINCES] = {0.33, 0.27, 0.20, 0.07, 0.13};
static const double fibre_share[SEGMENTS] = {0.95, 0, 0.35, 0.5737, 0.80, 0.90};
static const double town_share[TOWNS] = {0.40, 0.17, 0.10, 0.09, 0.06,
                                         0.05, 0.04, 0.04, 0.03, 0.02};
static const double lines_mean[SEGMENTS] = {1.62, 1.05, 1.12, 1.22, 1.75, 1.1};

static int age_of(struct stream *stream, enum segment segment) {
    switch (segment) {
    case JOVEN: return stream_between(stream, 18, 32);
    case MAYORES: return stream_between(stream, 65, 91);
    case RURAL: return stream_between(stream, 31, 82);
    default: return stream_between(stream, 27, 64);
    }
}

static uint8_t language_of(struct stream *stream, const struct person *person) {
    if (person->province == OURENSE && stream_chance(stream, 0.45))
        return GALICIAN;
    if (person->province == HUESCA &&
        (person->town == 3 || person->town == 5 || person->town == 8) && stream_chance(stream, 0.6))
        return CATALAN;
    return SPANISH;
}

static uint8_t plan_of(struct stream *stream, const struct person *person) {
    uint8_t own[PLANS];
    uint32_t n = 0;
    for (unsigned i = 0; i < PLANS; i++)
        if (plan_table[i].segment == person->segment)
            own[n++] = (uint8_t)i;
    if (person->segment == MAYORES)
        return person->flags & FIBRE ? 6 : 5;
    if (person->segment == RURAL)
        return person->flags & FIBRE ? 7 : 8;
    if (person->segment == HOGAR)
        return (uint8_t)(stream_chance(stream, 0.5) ? 0 : stream_chance(stream, 0.4) ? 1 : 2);
    if (person->segment == PYMES)
        return stream_chance(stream, 0.42) ? 9 : 10;
    return own[stream_below(stream, n)];
}

/* How much likelier than the average a segment signs up by each channel. */
static const double signup_taste[SEGMENTS][3] = {
    [HOGAR] = {1.10, 1.0, 0.9}, [JOVEN] = {1.6, 0.6, 0.3}, [MAYORES] = {0.25, 1.6, 1.7},
    [RURAL] = {0.75, 1.1, 1.6}, [PYMES] = {1.0, 0.9, 1.3}, [COMUNIDADES] = {0.4, 1.3, 2.0}};

static void person_init(struct world *world, struct person *person, int start, enum signup signup,
                        int shop) {
    struct stream *stream = &world->streams[FOR_PEOPLE];
    double weights[SEGMENTS];
    for (int i = 0; i < SEGMENTS; i++)
        weights[i] = segment_share[i] * (start > 0 ? signup_taste[i][signup] : 1);
    *person = (struct person){.start = (int16_t)start,
                              .end = NEVER,
                              .invoice = NEVER,
                              .visitor = NO_VISITOR,
                              .referrer = UINT32_MAX,
                              .signup = (uint8_t)signup};
    person->segment = (uint8_t)stream_pick(stream, weights, SEGMENTS);
    person->province = shop >= 0 ? shop_table[shop].province
                                 : (uint8_t)stream_pick(stream, province_share, PROVINCES);
    person->shop = (uint8_t)(shop >= 0 ? shop : NO_UNIT);
    person->town = (uint8_t)stream_pick(stream, town_share, TOWNS);
    if (shop == SHOP_PONFERRADA)
        person->town = 1;
    person->age = (uint8_t)age_of(stream, person->segment);
    if (stream_chance(stream, fibre_share[person->segment]))
        person->flags |= FIBRE;
    if (stream_chance(stream, 0.70))
        person->flags |= PORTED;
    if (stream_chance(stream, person->age > 64 ? 0.22 : person->age < 35 ? 0.80 : 0.58))
        person->flags |= APP;
    person->lines = (uint8_t)(1 + whole(stream, (lines_mean[person->segment] - 1)));
    person->plan = plan_of(stream, person);
    person->first_name = (uint8_t)stream_below(stream, FIRST_NAMES);
    person->last_name = (uint8_t)stream_below(stream, LAST_NAMES);
    person->second_name = (uint8_t)stream_below(stream, LAST_NAMES);
    if (person->first_name == 1 && person->last_name == 70)
        person->last_name++; /* there is one Carmen Ibáñez */
    person->language = language_of(stream, person);
    person->commitment = (int16_t)(start + 365);
}

static struct person *people_grow(struct world *world) {
    if (world->n_people == world->capacity) {
        world->capacity = world->capacity ? world->capacity * 2 : 1 << 14;
        world->people = realloc(world->people, world->capacity * sizeof *world->people);
        if (!world->people)
            abort();
    }
    return &world->people[world->n_people++];
}

uint32_t people_add(struct world *world, int start, enum signup signup, uint32_t visitor,
                    int shop) {
    struct person *person = people_grow(world);
    person_init(world, person, start, signup, shop);
    person->visitor = visitor;
    return world->n_people - 1;
}

/* Months of age on day 0: density proportional to the share that survives so long, at most 15 years. */
static int age_in_months(struct stream *stream, const double *survival, int months) {
    double u = stream_unit(stream) * survival[months];
    int low = 0, high = months;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (survival[middle] <= u)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void people_settle(struct world *world) {
    enum { MONTHS = 180 };
    double survival[MONTHS + 1], alive = 1;
    survival[0] = 0;
    for (int month = 0; month < MONTHS; month++) {
        survival[month + 1] = survival[month] + alive;
        alive *= 1 - facts.hazard * (month == 12 ? facts.month_13 : 1);
    }
    struct stream *stream = &world->streams[FOR_PEOPLE];
    uint32_t n = scaled_count(world, 57800), gamers = scaled_count(world, facts.gamers);
    uint32_t prescribers = scaled_count(world, facts.prescribers);
    for (uint32_t i = 0; i < n; i++) {
        int months = age_in_months(stream, survival, MONTHS);
        int start = -(int)(months * 30.4 + stream_unit(stream) * 30.4) - 1;
        uint32_t who =
            people_add(world, start, (enum signup)stream_below(stream, 3), NO_VISITOR, -1);
        struct person *person = &world->people[who];
        if (gamers && (person->segment == HOGAR || person->segment == JOVEN)) {
            person->flags |= GAMER | APP;
            gamers--;
        }
        if (prescribers && person->segment == COMUNIDADES) {
            person->flags |= PRESCRIBER;
            prescribers--;
        }
    }
    world->n_settled = n;
}

uint32_t people_active(struct world *world, struct stream *stream, int day, int province,
                       unsigned flags) {
    for (int attempt = 0; attempt < 400; attempt++) {
        double u = stream_unit(stream);
        uint32_t who = (uint32_t)(u * world->n_people);
        const struct person *person = &world->people[who];
        if (!person_active(person, day) || (person->flags & CARMEN))
            continue;
        if (province >= 0 && person->province != province)
            continue;
        if ((person->flags & flags) != flags)
            continue;
        return who;
    }
    return UINT32_MAX;
}
