/*
 * The facade: lets the processes run, then tells their moments day by day.
 *
 * Each day's moments are put in order of time (stable, so that of two in one second the cause stays first), told as events,
 * collected by source and emitted when a source's batch is full or the window of WINDOW events ends: within a window
 * sources are out of step, over windows time only goes forward.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "demo/internal.h"
#include "timeline/timeline.h"

enum { WINDOW = 16384, BATCH = 2000, IN_ORDER = 120 };

static const char *const source_titles[] = {
#define X(name, title, channel) title,
    DEMO_SOURCE_TABLE(X)
#undef X
};
static const char *const source_channels[] = {
#define X(name, title, channel) channel,
    DEMO_SOURCE_TABLE(X)
#undef X
};
const char *demo_source_title(enum demo_source source) { return source_titles[source]; }
const char *demo_source_channel(enum demo_source source) { return source_channels[source]; }

static const uint8_t kind_sources[MOMENT_KINDS] = {
#define X(name, type, event, channel, source, touchpoint) DEMO_##source,
    MOMENT_TABLE(X)
#undef X
};
enum demo_source moment_source(const struct moment *moment) { return kind_sources[moment->kind]; }

/* ---- world ---- */

uint32_t scaled_count(const struct world *world, double n) {
    double m = n * world->scale + 0.5;
    return m < 1 ? 1 : (uint32_t)m;
}

bool world_add(struct world *world, int64_t t, const struct moment *moment) {
    if (t < 0 || t >= (int64_t)N_DAYS * DAY_SECONDS)
        return false;
    struct day_list *day = &world->days[t / DAY_SECONDS];
    if (day->n == day->capacity) {
        day->capacity = day->capacity ? day->capacity + day->capacity / 2 : 64;
        day->moments = realloc(day->moments, day->capacity * sizeof *day->moments);
        if (!day->moments)
            abort();
    }
    day->moments[day->n] = *moment;
    day->moments[day->n++].second = (uint32_t)(t % DAY_SECONDS);
    world->count[moment->kind]++;
    world->count_source[kind_sources[moment->kind]]++;
    return true;
}

static void world_init(struct world *world, const struct demo_options *options) {
    world->seed = options->seed ? options->seed : UINT64_C(0x5e2da2026);
    world->scale = options->scale;
    calendar_init(&world->calendar, options->zone, options->now_ms);
    facts_dates(&world->calendar, &world->dates);
    for (unsigned i = 0; i < PURPOSES; i++)
        world->streams[i] = stream_of(world->seed, i);
    for (unsigned i = 0; i < EVENS; i++)
        world->evens[i] = even_of(world->seed, i);
}

static void world_release(struct world *world) {
    for (int day = 0; day < N_DAYS; day++)
        free(world->days[day].moments);
    free(world->people);
    free(world);
}

static void world_live(struct world *world) {
    people_settle(world);
    life_signups(world);
    people_carmen(world);
    life_losses(world);
    life_cut(world);
    life_faults(world);
    life_calls(world);
    life_shops(world);
    life_voice(world);
    life_searches(world);
    life_visits(world);
    life_carmen(world);
}

/* ---- order ---- */

/* Stable counting sort by second of the day, 9 bits at a time. */
static void day_sort(struct day_list *day) {
    struct moment *other = malloc((day->n ? day->n : 1) * sizeof *other);
    if (!other)
        abort();
    for (int shift = 0; shift < 18; shift += 9) {
        uint32_t starts[513] = {0};
        for (uint32_t i = 0; i < day->n; i++)
            starts[((day->moments[i].second >> shift) & 511) + 1]++;
        for (int i = 0; i < 512; i++)
            starts[i + 1] += starts[i];
        for (uint32_t i = 0; i < day->n; i++)
            other[starts[(day->moments[i].second >> shift) & 511]++] = day->moments[i];
        struct moment *swap = day->moments;
        day->moments = other;
        other = swap;
    }
    free(other);
}

/* ---- out ---- */

struct outlet {
    const struct demo_sink *sink;
    struct arena arena;
    struct event *events[DEMO_SOURCES];
    size_t n[DEMO_SOURCES], batch, in_window;
    uint64_t told, total;
};

static int outlet_flush(struct outlet *outlet, enum demo_source source) {
    size_t n = outlet->n[source];
    outlet->n[source] = 0;
    return n ? outlet->sink->emit(outlet->sink->context, source, outlet->events[source], n) : 0;
}

static int outlet_end_window(struct outlet *outlet) {
    int code = 0;
    for (int source = 0; source < DEMO_SOURCES && !code; source++)
        code = outlet_flush(outlet, (enum demo_source)source);
    arena_clear(&outlet->arena);
    outlet->in_window = 0;
    if (!code && outlet->sink->progress)
        outlet->sink->progress(outlet->sink->context, outlet->told, outlet->total);
    return code;
}

static int outlet_tell(struct outlet *outlet, struct teller *teller, int day,
                       const struct moment *moment) {
    enum demo_source source = moment_source(moment);
    tell(teller, day, moment, outlet->told++, &outlet->arena,
         &outlet->events[source][outlet->n[source]++]);
    if (++outlet->in_window == WINDOW)
        return outlet_end_window(outlet);
    bool last = outlet->told + IN_ORDER > outlet->total; /* live views show arrivals in order */
    if (last && outlet->told + IN_ORDER == outlet->total + 1)
        return outlet_end_window(outlet);
    return outlet->n[source] == outlet->batch || last ? outlet_flush(outlet, source) : 0;
}

static uint32_t seconds_told(const struct world *world, int day) {
    int64_t left_s = (world->calendar.now_ms - world->calendar.midnight_ms[day]) / 1000;
    return left_s > 2 * DAY_SECONDS ? 2 * DAY_SECONDS : left_s > 0 ? (uint32_t)left_s : 0;
}

/* Moments of a day that lie before now. */
static uint64_t told_of_day(const struct world *world, int day) {
    const struct day_list *list = &world->days[day];
    uint32_t until = seconds_told(world, day);
    if (until >= DAY_SECONDS)
        return list->n;
    uint64_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        n += list->moments[i].second < until;
    return n;
}

static int world_tell(struct world *world, const struct demo_sink *sink) {
    struct outlet outlet = {.sink = sink, .batch = sink->batch ? sink->batch : BATCH};
    arena_init(&outlet.arena);
    for (int i = 0; i < DEMO_SOURCES; i++) {
        outlet.events[i] = calloc(outlet.batch, sizeof **outlet.events);
        if (!outlet.events[i])
            abort();
    }
    for (int day = 0; day < N_DAYS; day++)
        outlet.total += told_of_day(world, day);
    struct teller *teller = teller_new(world);
    int code = 0;
    for (int day = 0; day < N_DAYS && !code; day++) {
        struct day_list *list = &world->days[day];
        day_sort(list);
        uint32_t until = seconds_told(world, day);
        for (uint32_t i = 0; i < list->n && !code && list->moments[i].second < until; i++)
            code = outlet_tell(&outlet, teller, day, &list->moments[i]);
        free(list->moments);
        *list = (struct day_list){0};
    }
    if (!code)
        code = outlet_end_window(&outlet);
    teller_free(teller);
    for (int i = 0; i < DEMO_SOURCES; i++)
        free(outlet.events[i]);
    arena_release(&outlet.arena);
    return code;
}

int demo_generate(const struct demo_options *options, const struct demo_sink *sink,
                  struct err *err) {
    if (!(options->scale >= 0.005 && options->scale <= 4))
        return err_at(err, E_INVALID, "/scale", "scale must lie between 0.005 and 4");
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        abort();
    world_init(world, options);
    world_live(world);
    int code = world_tell(world, sink);
    world_release(world);
    return code;
}

void demo_dates_of(const struct demo_options *options, struct demo_dates *dates) {
    struct calendar *calendar = malloc(sizeof *calendar);
    if (!calendar)
        abort();
    calendar_init(calendar, options->zone, options->now_ms);
    struct dates days;
    facts_dates(calendar, &days);
    const int64_t *at = calendar->midnight_ms;
    *dates = (struct demo_dates){.first_ms = at[0],
                                 .year2_ms = at[YEAR_2],
                                 .release_from_ms = at[days.release_from],
                                 .release_to_ms = at[days.release_to],
                                 .bill_notice_ms = at[days.bill_notice],
                                 .comfort_ms = at[days.comfort],
                                 .article_ms = at[days.article],
                                 .cut_ms = at[days.cut] + (16 * HOUR + 20 * MINUTE) * 1000,
                                 .chat_scale_ms = at[days.chat_scale]};
    free(calendar);
}

/* ---- the organisation ---- */

size_t demo_units(const struct demo_unit **units) {
    static struct demo_unit list[PROVINCES + SHOPS + 4];
    static const char *const provinces[PROVINCES] = {"Provincia de León", "Provincia de Burgos",
                                                     "Provincia de Ourense", "Provincia de Soria",
                                                     "Provincia de Huesca"};
    size_t n = 0;
    for (int i = 0; i < PROVINCES; i++)
        list[n++] = (struct demo_unit){provinces[i], NULL, "province"};
    for (int i = 0; i < SHOPS; i++)
        list[n++] =
            (struct demo_unit){shop_table[i].name, provinces[shop_table[i].province], "shop"};
    list[n++] = (struct demo_unit){"Atención al cliente", NULL, "call_centre"};
    list[n++] =
        (struct demo_unit){"Centro de llamadas propio", "Atención al cliente", "call_centre"};
    list[n++] = (struct demo_unit){"Proveedor Sur", "Atención al cliente", "call_centre"};
    *units = list;
    return n;
}

size_t demo_touchpoint_rules(const struct touchpoint_rule **rules) {
    static const struct touchpoint_rule list[] = {
        {"Contratación web", NULL, "web", "/contratar*", NULL, NULL},
        {"Consulta de cobertura", NULL, "web", "/cobertura*", NULL, NULL},
        {"Tarifas y ofertas", NULL, "web", "/tarifas*", NULL, NULL},
        {"Tarifas y ofertas", NULL, "web", "/comparador*", NULL, NULL},
        {"Factura en el área de cliente", NULL, "web", "/area-cliente/facturas*", NULL, NULL},
        {"Área de cliente", NULL, "web", "/area-cliente*", NULL, NULL},
        {"Comunidad de ideas", NULL, "web", "/comunidad*", NULL, NULL},
        {"Ayuda en la web", NULL, "web", "/ayuda*", NULL, NULL},
        {"Ayuda en la web", "Products Searched", "web", NULL, NULL, NULL},
        {"Web comercial", NULL, "web", NULL, NULL, NULL},
        {"App Mi Vereda", NULL, "app", NULL, NULL, NULL}};
    *rules = list;
    return sizeof list / sizeof *list;
}
