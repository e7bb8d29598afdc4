/*
 * What to look at today: what changed more than chance explains, what repeats, and what is wrong with the sources.
 *
 * CHANGE  Counts a (now) and b (before) of an event over periods of equal length: under "nothing changed" a − b has about
 *         variance a + b (Poisson), so z = (a − b) ÷ √(a + b). Contacts of one customer come in bursts, which widens that; a
 *         change is named only where |z| > CHANGE_Z, it is at least CHANGE_SHARE, and there were CHANGE_COUNT. It says
 *         what moved, not why, nor whether that is good.
 * REPEAT  Edges of the flow from an event to itself: people who had to do it again, with the median time between.
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

enum { FINDINGS_MAX = 5, CHANGES_MAX = 3, CHANGE_COUNT = 60, REPEAT_COUNT = 30, SILENT_MS = 2 * DAY_MS };
static const double CHANGE_Z = 6, CHANGE_SHARE = 0.1, REPEAT_SHARE = 0.15, REPEAT_MEDIAN_S = 3600;

static const char *say(struct request *request, const char *key, const json_t *values) {
    struct buf out;
    buf_init(&out, 1024);
    struct template_world world = {.format = page_format(request), .now_ms = request->received_ms,
                                   .arena = request->arena};
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
static void add_finding(struct request *request, json_t *list, const char *href, const char *tone, const char *icon,
                        const char *what, const char *why, json_t *values) {
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "href", href, "tone", tone, "icon", icon,
                                          "what", say(request, what, values), "why", say(request, why, values)));
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
        if (by && strcmp(by, name) == 0) return json_number_value(json_object_get(row, "count"));
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

static void add_changes(struct request *request, json_t *list, const json_t *now, const json_t *before) {
    size_t n = json_array_size(now), used = 0, i;
    struct change *changes = ARENA_ARRAY(request->arena, struct change, n + 1);
    json_t *row;
    json_array_foreach(now, i, row) {
        const char *name = json_string_value(json_object_get(row, "by"));
        if (!name) continue;
        double a = json_number_value(json_object_get(row, "count")), b = count_of(before, name);
        if (a + b < 2.0 * CHANGE_COUNT || b < 1) continue;
        double z = (a - b) / sqrt(a + b);
        if (fabs(z) > CHANGE_Z && fabs(a - b) / b >= CHANGE_SHARE) changes[used++] = (struct change){name, a, b, z};
    }
    qsort(changes, used, sizeof *changes, by_strength);
    for (i = 0; i < used && i < CHANGES_MAX; i++) {
        bool up = changes[i].z > 0;
        json_t *values = json_pack("{s:s, s:f, s:f, s:f}", "name", changes[i].name, "change",
                                   changes[i].now / changes[i].before - 1, "now", changes[i].now, "before",
                                   changes[i].before);
        add_finding(request, list, encoded(request, "/explore/trend?compare=1&of=", changes[i].name),
                    up ? "accent" : "warn", up ? "up-right" : "down-right", "home.finding.change",
                    "home.finding.change_why", values);
    }
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
        if (!name || !id || json_is_true(json_object_get(source, "disabled"))) continue;
        const char *href = encoded(request, "/sources/", id);
        int64_t last_ms = 0;
        if (rejected > 0)
            add_finding(request, list, arena_format(request->arena, "%s#refusals", href), "bad", "alert",
                        "home.finding.refused", "home.finding.refused_why",
                        json_pack("{s:f, s:s}", "count", rejected, "name", name));
        else if (last && kind && strcmp(kind, "file") != 0 && strcmp(kind, "demo") != 0 &&
                 time_parse(slice_of(last), NULL, &last_ms) == 0 && request->received_ms - last_ms > SILENT_MS)
            add_finding(request, list, href, "warn", "clock", "home.finding.silent", "home.finding.silent_why",
                        json_pack("{s:s, s:s}", "name", name, "since", last));
    }
}

/* The event that most customers have to repeat, hours or days later. */
static void add_repeat(struct request *request, json_t *list, const struct home_period *period) {
    struct err ignored = {0};
    json_t *answer = NULL;
    json_t *query = json_pack("{s:s, s:s, s:o}", "kind", "flow", "level", "event", "range",
                              home_range(period->from_ms, period->to_ms));
    if (page_query(request, query, &answer, &ignored) < 0) return;
    const json_t *data = json_object_get(answer, "data"), *best = NULL;
    double best_share = REPEAT_SHARE, best_cases = 0;
    size_t i, j;
    json_t *edge, *node;
    json_array_foreach(json_object_get(data, "edges"), i, edge) {
        const char *from = json_string_value(json_object_get(edge, "from"));
        const char *to = json_string_value(json_object_get(edge, "to"));
        double count = json_number_value(json_object_get(edge, "count"));
        double cases = json_number_value(json_object_get(edge, "cases"));
        if (!from || !to || strcmp(from, to) != 0 || cases < REPEAT_COUNT) continue;
        if (json_number_value(json_object_get(edge, "median_s")) < REPEAT_MEDIAN_S) continue;
        double all = 0;
        json_array_foreach(json_object_get(data, "nodes"), j, node)
            if (strcmp(json_string_value(json_object_get(node, "name")), from) == 0)
                all = json_number_value(json_object_get(node, "count"));
        if (all < 1 || count / all <= REPEAT_SHARE || cases < best_cases) continue;
        best = edge;
        best_share = count / all;
        best_cases = cases;
    }
    if (best) {
        const char *name = json_string_value(json_object_get(best, "from"));
        add_finding(request, list, "/explore/flow", "warn", "refresh", "home.finding.repeat",
                    "home.finding.repeat_why",
                    json_pack("{s:s, s:f, s:f, s:O}", "name", name, "share", best_share, "count", best_cases, "median",
                              json_object_get(best, "median_s")));
    }
    json_decref(answer);
}

json_t *home_findings(struct request *request, const struct home_period *period, const json_t *now,
                      const json_t *before, const json_t *sources) {
    json_t *list = json_array();
    add_changes(request, list, now, before);
    add_repeat(request, list, period);
    add_sources(request, list, sources);
    while (json_array_size(list) > FINDINGS_MAX) json_array_remove(list, json_array_size(list) - 1);
    return list;
}
