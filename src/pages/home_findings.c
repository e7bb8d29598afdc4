/*
 * What to look at today: what changed more than chance explains, what is wrong with the sources, where people are lost, what
 * repeats, what takes long.
 *
 * CHANGE  Counts a (now) and b (before) of an event over periods of equal length: under "nothing changed" a − b has about
 *         variance a + b (Poisson), so z = (a − b) ÷ √(a + b). Contacts of one customer come in bursts, which widens that; a
 *         change is named only where |z| > CHANGE_Z, it is at least CHANGE_SHARE, and there were CHANGE_COUNT. It says
 *         what moved, not why, nor whether that is good. Where little else is found, the biggest movement beyond MOVE_Z is
 *         named after the rest.
 * LOSS    The step of the purchase (the events that carry that meaning) that loses most customers.
 * SILENT  Opinion screens without contact for longer than theirs allows.
 * REPEAT  Edges of the flow from an event to itself: people who had to do it again, with the median time between.
 * WAIT    The slowest edge that is a step and no coincidence: STEP_SHARE of its beginnings or more go on that way.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/home.h"
#include "pages/page.h"
#include "pages/text.h"
#include "pages/unit_titles.h"

enum {
    FINDINGS_MAX = 5,
    FINDINGS_FEW = 4,
    CHANGES_MAX = 3,
    CHANGE_COUNT = 60,
    REPEAT_COUNT = 30,
    LOSS_COUNT = 50,
    SILENT_MS = 2 * DAY_MS
};
static const double CHANGE_Z = 6, MOVE_Z = 2, CHANGE_SHARE = 0.1, REPEAT_SHARE = 0.15,
                    REPEAT_MEDIAN_S = 3600, STEP_SHARE = 0.3, WAIT_MEDIAN_S = 3600;

static const char *say(struct request *request, const char *key, const json_t *values) {
    struct buf out;
    buf_init(&out, 1024);
    struct template_world world = {
        .format = page_format(request), .now_ms = request->received_ms, .arena = request->arena};
    char source[128];
    snprintf(source, sizeof source, "{{_ %s}}", key);
    struct err ignored = {0};
    const char *text = template_render_text(slice_of(source), values, &world, &out, &ignored) < 0
                           ? key
                           : arena_text(request->arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

/* The texts are HTML already: the template prints them as they are. */
static void add_finding(struct request *request, json_t *list, const char *href, const char *tone,
                        const char *icon, const char *what, const char *why, json_t *values) {
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "href", href, "tone", tone,
                                          "icon", icon, "what", say(request, what, values), "why",
                                          say(request, why, values)));
    json_decref(values);
}

static const char *encoded(struct request *request, const char *prefix, const char *text) {
    struct buf out;
    buf_init(&out, 4096);
    buf_add_text(&out, prefix);
    url_encode(slice_of(text), &out);
    const char *address = arena_text(request->arena, buf_slice(&out));
    buf_release(&out);
    return address;
}

static double count_of(const json_t *totals, const char *name) {
    size_t i;
    json_t *row;
    json_array_foreach(totals, i, row) {
        const char *by = json_string_value(json_object_get(row, "by"));
        if (by && strcmp(by, name) == 0)
            return json_number_value(json_object_get(row, "count"));
    }
    return 0;
}

struct change {
    const char *name;
    double now, before, z;
};

static int by_strength(const void *a, const void *b) {
    double x = fabs(((const struct change *)a)->z), y = fabs(((const struct change *)b)->z);
    return (x < y) - (x > y);
}

static void add_change(struct request *request, json_t *list, const struct change *change) {
    bool up = change->z > 0;
    json_t *values = json_pack("{s:s, s:f, s:f, s:f}", "name", change->name, "size",
                               fabs(change->now / change->before - 1), "now", change->now, "before",
                               change->before);
    add_finding(request, list, encoded(request, "/explore/trend?compare=1&of=", change->name),
                up ? "accent" : "warn", up ? "up-right" : "down-right",
                up ? "home.finding.rise" : "home.finding.fall", "home.finding.change_why", values);
}

/* Changes between two strengths of z, at most max of them. */
static void add_changes(struct request *request, json_t *list, const json_t *now,
                        const json_t *before, double least, double below, size_t max) {
    size_t n = json_array_size(now), used = 0, i;
    struct change *changes = ARENA_ARRAY(request->arena, struct change, n + 1);
    json_t *row;
    json_array_foreach(now, i, row) {
        const char *name = json_string_value(json_object_get(row, "by"));
        if (!name)
            continue;
        double a = json_number_value(json_object_get(row, "count")), b = count_of(before, name);
        if (a + b < 2.0 * CHANGE_COUNT || b < 1)
            continue;
        double z = (a - b) / sqrt(a + b);
        if (fabs(z) > least && fabs(z) <= below && fabs(a - b) / b >= CHANGE_SHARE)
            changes[used++] = (struct change){name, a, b, z};
    }
    qsort(changes, used, sizeof *changes, by_strength);
    for (i = 0; i < used && i < max; i++)
        add_change(request, list, &changes[i]);
}

static void add_sources(struct request *request, json_t *list, const json_t *sources) {
    size_t i;
    json_t *source;
    json_array_foreach(json_object_get(sources, "data"), i, source) {
        const char *name = json_string_value(json_object_get(source, "name"));
        const char *id = json_string_value(json_object_get(source, "id"));
        const char *last = json_string_value(json_object_get(source, "last_at"));
        const char *kind = json_string_value(json_object_get(source, "kind"));
        double rejected = json_number_value(json_object_get(source, "rejected"));
        if (!name || !id || json_is_true(json_object_get(source, "disabled")))
            continue;
        const char *href = encoded(request, "/sources/", id);
        int64_t last_ms = 0;
        if (rejected > 0)
            add_finding(request, list, arena_format(request->arena, "%s#refusals", href), "bad",
                        "alert", "home.finding.refused", "home.finding.refused_why",
                        json_pack("{s:f, s:s}", "count", rejected, "name", name));
        else if (last && kind && strcmp(kind, "file") != 0 && strcmp(kind, "demo") != 0 &&
                 time_parse(slice_of(last), NULL, &last_ms) == 0 &&
                 request->received_ms - last_ms > SILENT_MS)
            add_finding(request, list, href, "warn", "clock", "home.finding.silent",
                        "home.finding.silent_why",
                        json_pack("{s:s, s:s}", "name", name, "since", last));
    }
}

/* ---- from the flow ---- */

static double count_of_node(const json_t *data, const char *name) {
    size_t i;
    json_t *node;
    json_array_foreach(json_object_get(data, "nodes"), i, node) {
        const char *own = json_string_value(json_object_get(node, "name"));
        if (own && strcmp(own, name) == 0)
            return json_number_value(json_object_get(node, "count"));
    }
    return 0;
}

struct edges {
    const json_t *repeat, *wait;
    double repeat_share, repeat_cases, wait_s;
};

static void look_at_edge(const json_t *data, const json_t *edge, struct edges *edges) {
    const char *from = json_string_value(json_object_get(edge, "from"));
    const char *to = json_string_value(json_object_get(edge, "to"));
    double count = json_number_value(json_object_get(edge, "count"));
    double cases = json_number_value(json_object_get(edge, "cases"));
    double median_s = json_number_value(json_object_get(edge, "median_s"));
    if (!from || !to || cases < REPEAT_COUNT)
        return;
    double all = count_of_node(data, from), share = all > 0 ? count / all : 0;
    bool again = strcmp(from, to) == 0;
    if (again && median_s >= REPEAT_MEDIAN_S && share > REPEAT_SHARE &&
        cases > edges->repeat_cases) {
        edges->repeat = edge;
        edges->repeat_share = share;
        edges->repeat_cases = cases;
    } else if (!again && median_s >= WAIT_MEDIAN_S && share >= STEP_SHARE &&
               median_s > edges->wait_s) {
        edges->wait = edge;
        edges->wait_s = median_s;
    }
}

/* What most customers have to repeat, hours or days later, and the step that takes longest. */
static void add_edges(struct request *request, json_t *list, const struct home_period *period) {
    struct err ignored = {0};
    json_t *answer = NULL, *edge;
    json_t *query = json_pack("{s:s, s:s, s:o}", "kind", "flow", "level", "event", "range",
                              home_range(period->from_ms, period->to_ms));
    if (page_query(request, query, &answer, &ignored) < 0)
        return;
    const json_t *data = json_object_get(answer, "data");
    struct edges edges = {0};
    size_t i;
    json_array_foreach(json_object_get(data, "edges"), i, edge) look_at_edge(data, edge, &edges);
    if (edges.repeat)
        add_finding(request, list, "/explore/flow", "warn", "refresh", "home.finding.repeat",
                    "home.finding.repeat_why",
                    json_pack("{s:O, s:f, s:f, s:O}", "name", json_object_get(edges.repeat, "from"),
                              "share", edges.repeat_share, "count", edges.repeat_cases, "median",
                              json_object_get(edges.repeat, "median_s")));
    if (edges.wait)
        add_finding(request, list, "/explore/flow?color=time", "accent", "clock",
                    "home.finding.wait", "home.finding.wait_why",
                    json_pack("{s:O, s:O, s:O, s:O, s:O}", "from",
                              json_object_get(edges.wait, "from"), "to",
                              json_object_get(edges.wait, "to"), "median",
                              json_object_get(edges.wait, "median_s"), "p90",
                              json_object_get(edges.wait, "p90_s"), "count",
                              json_object_get(edges.wait, "count")));
    json_decref(answer);
}

/* ---- from the funnel ---- */

/* The steps of a purchase that the data hold. */
static json_t *purchase_steps(struct request *request) {
    static const char *const names[] = {"Product Viewed", "Product Added", "Checkout Started",
                                        "Payment Info Entered", "Order Completed"};
    const struct dictionary *dictionary = app_folder(request->app)->dictionary;
    json_t *steps = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(names[i])))
            json_array_append_new(steps, json_pack("{s:s}", "event", names[i]));
    return steps;
}

static void add_loss(struct request *request, json_t *list, const struct home_period *period) {
    struct err ignored = {0};
    json_t *answer = NULL, *steps = purchase_steps(request);
    size_t n = json_array_size(steps), i, worst = 0;
    if (n < 3) {
        json_decref(steps);
        return;
    }
    json_t *query = json_pack("{s:s, s:s, s:o, s:o}", "kind", "funnel", "window", "7d", "steps",
                              steps, "range", home_range(period->from_ms, period->to_ms));
    if (page_query(request, query, &answer, &ignored) < 0)
        return;
    const json_t *data = json_object_get(answer, "data");
    double before = 0, lost = 0, from = 0;
    for (i = 0; i < json_array_size(data); i++) {
        double customers = json_number_value(json_object_get(json_array_get(data, i), "customers"));
        if (i && before - customers > lost) {
            lost = before - customers;
            from = before;
            worst = i;
        }
        before = customers;
    }
    if (worst && lost >= LOSS_COUNT)
        add_finding(request, list, "/explore/funnel", "warn", "down-right", "home.finding.loss",
                    "home.finding.loss_why",
                    json_pack("{s:O, s:O, s:f, s:f, s:f, s:f}", "from",
                              json_object_get(json_array_get(data, worst - 1), "name"), "to",
                              json_object_get(json_array_get(data, worst), "name"), "share",
                              lost / from, "lost", lost, "all", from, "end", before));
    json_decref(answer);
}

/* "Salida (Tienda Burgos)" */
static const char *screen_called(struct request *request, const json_t *kiosk) {
    const char *name = json_string_value(json_object_get(kiosk, "name")),
               *unit = json_string_value(json_object_get(kiosk, "unit"));
    return unit ? arena_format(request->arena, "%s (%s)", name,
                               unit_title(unit_titles_new(request), unit))
                : name;
}

/* Opinion screens that nobody hears any more. */
static void add_silent_screens(struct request *request, json_t *list) {
    json_t *answer;
    struct err ignored = {0};
    if (page_fetch(request, "/api/v1/kiosks?state=silent", &answer, &ignored) < 0)
        return;
    const json_t *silent = json_object_get(answer, "data"), *first = json_array_get(silent, 0);
    size_t n = json_array_size(silent);
    if (n)
        add_finding(
            request, list, "/kiosks?state=silent", "bad", "ch-kiosk",
            n == 1 ? "home.finding.screen" : "home.finding.screens", "home.finding.screens_why",
            json_pack("{s:I, s:s}", "n", (json_int_t)n, "name", screen_called(request, first)));
    json_decref(answer);
}

json_t *home_findings(struct request *request, const struct home_period *period, const json_t *now,
                      const json_t *before, const json_t *sources) {
    json_t *list = json_array();
    add_changes(request, list, now, before, CHANGE_Z, (double)INFINITY, CHANGES_MAX);
    add_sources(request, list, sources);
    add_silent_screens(request, list);
    add_loss(request, list, period);
    add_edges(request, list, period);
    size_t found = json_array_size(list);
    if (found < FINDINGS_FEW)
        add_changes(request, list, now, before, MOVE_Z, CHANGE_Z, FINDINGS_FEW - found);
    while (json_array_size(list) > FINDINGS_MAX)
        json_array_remove(list, json_array_size(list) - 1);
    return list;
}
