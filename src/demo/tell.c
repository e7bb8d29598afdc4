/*
 * Tells a moment as an event: its identifiers, time, place, and properties by kind (tell_kinds.c has those).
 *
 * What a moment does not hold (milliseconds, words, campaign …) is drawn from a stream seeded by the moment's place in
 * the whole, so it is the same in every run.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "demo/tell.h"

static const uint8_t kind_types[MOMENT_KINDS] = {
#define X(name, type, event, channel, source, touchpoint) EVENT_##type,
    MOMENT_TABLE(X)
#undef X
};
static const struct slice kind_names[MOMENT_KINDS] = {
#define X(name, type, event, channel, source, touchpoint) {event, sizeof event - 1},
    MOMENT_TABLE(X)
#undef X
};
static const struct slice kind_channels[MOMENT_KINDS] = {
#define X(name, type, event, channel, source, touchpoint) {channel, sizeof channel - 1},
    MOMENT_TABLE(X)
#undef X
};
static const char *const kind_touchpoints[MOMENT_KINDS] = {
#define X(name, type, event, channel, source, touchpoint) touchpoint,
    MOMENT_TABLE(X)
#undef X
};

/* ---- properties ---- */

static void put(struct teller *teller, const char *name, struct value value) {
    teller->properties[teller->n++] = (struct event_property){slice_of(name), value};
}

void tell_text(struct teller *teller, const char *name, const char *text) {
    put(teller, name, (struct value){.type = VALUE_TEXT, .text = slice_of(text)});
}

void tell_slice(struct teller *teller, const char *name, struct slice text) {
    put(teller, name, (struct value){.type = VALUE_TEXT, .text = text});
}

void tell_int(struct teller *teller, const char *name, int64_t integer) {
    put(teller, name, (struct value){.type = VALUE_INT, .integer = integer});
}

void tell_flag(struct teller *teller, const char *name, bool flag) {
    put(teller, name, (struct value){.type = flag ? VALUE_TRUE : VALUE_FALSE});
}

void tell_cents(struct teller *teller, const char *name, int64_t cents) {
    if (cents % 100 == 0)
        tell_int(teller, name, cents / 100);
    else
        put(teller, name, (struct value){.type = VALUE_NUMBER, .number = (double)cents / 100});
}

/* ---- who ---- */

static char *digits(struct teller *teller, const char *prefix, uint32_t number, int width) {
    size_t n = strlen(prefix);
    char *text = arena_get(teller->arena, n + (size_t)width + 1);
    memcpy(text, prefix, n);
    for (int i = width - 1; i >= 0; i--, number /= 10)
        text[n + (size_t)i] = (char)('0' + number % 10);
    text[n + (size_t)width] = 0;
    return text;
}

struct slice tell_user_id(struct teller *teller, uint32_t who) {
    return slice_of(digits(teller, "VT-", 1000000 + who, 7));
}

struct slice tell_number(struct teller *teller, const char *prefix, uint32_t number) {
    return slice_of(digits(teller, prefix, number, 7));
}

/* 32 bits scattered so that numbers of visitors show no order; a bijection (odd multiplier, xor shift). */
static struct slice visitor_id(struct teller *teller, uint32_t visitor) {
    uint32_t z = visitor * UINT32_C(0x9E3779B1);
    z = (z ^ (z >> 15)) * UINT32_C(0x85EBCA77);
    z ^= z >> 13;
    char *text = arena_get(teller->arena, 13);
    memcpy(text, "nav-", 4);
    for (int i = 11; i >= 4; i--, z >>= 4)
        text[i] = "0123456789abcdef"[z & 15];
    text[12] = 0;
    return (struct slice){text, 12};
}

static size_t fold(char *out, const char *text) {
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x80) {
            if (*p != ' ')
                out[n++] = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        } else if (*p == 0xC3 && p[1]) {
            static const char plain[] =
                "aaaaaaaceeeeiiiidnooooo-ouuuuypsaaaaaaaceeeeiiiidnooooo-ouuuuypy";
            out[n++] = plain[*++p - 0x80];
        }
    }
    return n;
}

struct slice tell_email(struct teller *teller, uint32_t who) {
    const struct person *person = &teller->world->people[who];
    if (person->flags & CARMEN)
        return SLICE_LITERAL("carmen.ibanez@correo.example");
    char *text = arena_get(teller->arena, 96);
    size_t n = fold(text, first_names[person->first_name]);
    text[n++] = '.';
    n += fold(text + n, last_names[person->last_name]);
    const char *rest = digits(teller, "", who, 6);
    memcpy(text + n, rest, 6);
    memcpy(text + n + 6, "@correo.example", 16);
    return (struct slice){text, n + 21};
}

struct slice tell_line(struct teller *teller, uint32_t who) {
    return slice_of(digits(teller, "+34600", who * 7 % 1000000, 6));
}

struct slice tell_name(struct teller *teller, uint32_t who) {
    const struct person *person = &teller->world->people[who];
    return slice_of(arena_format(teller->arena, "%s %s %s", first_names[person->first_name],
                                 last_names[person->last_name], last_names[person->second_name]));
}

/* Lucía's answer by e-mail and call by line: the sender knows an address or a number, not a customer. */
static void identify_by_other(struct teller *teller, uint32_t who, int by, struct event *event) {
    event->external = arena_get(teller->arena, sizeof *event->external);
    event->n_external = 1;
    *event->external =
        by == 1
            ? (struct identity){IDENTITY_EXTERNAL, SLICE_LITERAL("email"), tell_email(teller, who)}
            : (struct identity){IDENTITY_EXTERNAL, SLICE_LITERAL("phone"), tell_line(teller, who)};
    event->anonymous_id = tell_number(teller, by == 1 ? "correo-" : "llamada-", who);
}

static void identify(struct teller *teller, const struct moment *moment, struct event *event) {
    uint32_t index = moment->who & WHO_INDEX;
    switch (moment->who & WHO_SPACE) {
    case WHO_VISITOR: event->anonymous_id = visitor_id(teller, index); return;
    case WHO_TICKET: event->anonymous_id = tell_number(teller, "turno-", index); return;
    case WHO_OTHER:
        event->anonymous_id =
            index >= WHO_PANEL
                ? tell_number(teller, "panel-", index)
                : tell_number(teller, index & 0x100 ? "centro-" : "pantalla-", index & 0xFF);
        return;
    default: break;
    }
    const struct person *person = &teller->world->people[index];
    if (moment->g) {
        identify_by_other(teller, index, moment->g, event);
        return;
    }
    event->user_id = tell_user_id(teller, index);
    bool web = moment_source(moment) == DEMO_WEB;
    if (web && person->visitor != NO_VISITOR)
        event->anonymous_id = visitor_id(teller, person->visitor);
    if (moment->kind == M_ORDER_STORE && (person->flags & TABLET))
        event->anonymous_id = SLICE_LITERAL("tableta-gamonal-1");
    if (moment->kind == M_TRAITS || moment->kind == M_TRAITS_WEB) {
        event->external = arena_get(teller->arena, 2 * sizeof *event->external);
        event->n_external = 2;
        event->external[0] =
            (struct identity){IDENTITY_EXTERNAL, SLICE_LITERAL("email"), tell_email(teller, index)};
        event->external[1] =
            (struct identity){IDENTITY_EXTERNAL, SLICE_LITERAL("phone"), tell_line(teller, index)};
    }
}

/* ---- where ---- */

static const char *unit_name(int unit) {
    static const char *const provinces[PROVINCES] = {"Provincia de León", "Provincia de Burgos",
                                                     "Provincia de Ourense", "Provincia de Soria",
                                                     "Provincia de Huesca"};
    if (unit < SHOPS)
        return shop_table[unit].name;
    if (unit == UNIT_OWN_CALLS)
        return "Centro de llamadas propio";
    if (unit == UNIT_SUR)
        return "Proveedor Sur";
    return unit >= UNIT_PROVINCE && unit < UNIT_PROVINCE + PROVINCES
               ? provinces[unit - UNIT_PROVINCE]
               : NULL;
}

static struct slice message_id(struct teller *teller, uint64_t number) {
    char *text = arena_get(teller->arena, 16);
    memcpy(text, "vereda-", 7);
    for (int i = 13; i >= 7; i--, number /= 36)
        text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
    text[14] = 0;
    return (struct slice){text, 14};
}

/* ---- the event ---- */

struct teller *teller_new(struct world *world) {
    struct teller *teller = calloc(1, sizeof *teller);
    if (!teller)
        abort();
    teller->world = world;
    return teller;
}

void teller_free(struct teller *teller) { free(teller); }

void tell(struct teller *teller, int day, const struct moment *moment, uint64_t number,
          struct arena *arena, struct event *event) {
    teller->arena = arena;
    teller->n = 0;
    teller->day = day;
    teller->stream = stream_of(teller->world->seed ^ 0x74656c6c, number * 64 + moment->kind);
    *event = (struct event){.type = (enum event_type)kind_types[moment->kind],
                            .name = kind_names[moment->kind],
                            .channel = kind_channels[moment->kind],
                            .has_time = true};
    event->time_ms = teller->world->calendar.midnight_ms[day] + (int64_t)moment->second * 1000 +
                     (int64_t)(stream_bits(&teller->stream) % 1000);
    event->message_id = message_id(teller, number);
    identify(teller, moment, event);
    const char *unit = unit_name(moment->unit);
    if (unit && event->type != EVENT_IDENTIFY)
        event->unit = slice_of(unit);
    if (kind_touchpoints[moment->kind])
        event->touchpoint = slice_of(kind_touchpoints[moment->kind]);
    tell_kind(teller, moment, event);
    event->n_properties = teller->n;
    event->properties = arena_get(arena, teller->n * sizeof *event->properties);
    memcpy(event->properties, teller->properties, teller->n * sizeof *event->properties);
}
