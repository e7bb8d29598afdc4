/*
 * See floor.h. One function a kind of question; a kind without one is not for those who see aggregates only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/floor.h"

#include <stdio.h>
#include <stdlib.h>

struct flooring {
    const struct plan *plan;
    json_int_t floor;
    const json_t *customers; /* of a trend: its twin */
    json_t *data, *meta;
    json_int_t suppressed;
};

static json_int_t number_of(const json_t *row, const char *name) {
    return (json_int_t)json_number_value(json_object_get(row, name));
}

static bool is_few(const struct flooring *flooring, json_int_t customers) {
    return customers > 0 && customers < flooring->floor;
}

/* ---- cells in rows and columns ---- */

struct cell {
    json_t *row; /* borrowed */
    json_int_t customers;
    size_t group, line; /* by value; bucket, step, cohort */
    bool hidden;
};

struct cells {
    struct cell *all;
    size_t n, groups, lines;
};

/* The number of a value among those seen, in order of appearance. */
static size_t place_of(json_t *seen, const json_t *value) {
    char *key = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *name = key ? key : "null";
    const json_t *known = json_object_get(seen, name);
    size_t place = known ? (size_t)json_integer_value(known) : json_object_size(seen);
    if (!known)
        json_object_set_new(seen, name, json_integer((json_int_t)place));
    free(key);
    return place;
}

/* customers: name of the member that counts them; twin: rows in which to look it up by (by, line), or NULL. */
static void read_cells(const json_t *rows, const json_t *twin, const char *line,
                       const char *customers, struct cells *cells) {
    json_t *groups = json_object(), *lines = json_object(), *counts = json_object(), *row;
    char key[64];
    size_t i;
    json_array_foreach(twin, i, row) {
        snprintf(key, sizeof key, "%zu %zu", place_of(groups, json_object_get(row, "by")),
                 place_of(lines, json_object_get(row, line)));
        json_object_set(counts, key, json_object_get(row, customers));
    }
    cells->n = json_array_size(rows);
    cells->all = calloc(cells->n + 1, sizeof *cells->all);
    if (!cells->all)
        abort();
    json_array_foreach(rows, i, row) {
        struct cell *cell = &cells->all[i];
        cell->row = row;
        cell->group = place_of(groups, json_object_get(row, "by"));
        cell->line = place_of(lines, json_object_get(row, line));
        snprintf(key, sizeof key, "%zu %zu", cell->group, cell->line);
        cell->customers = twin ? (json_int_t)json_number_value(json_object_get(counts, key))
                               : number_of(row, customers);
    }
    cells->groups = json_object_size(groups);
    cells->lines = json_object_size(lines);
    json_decref(groups);
    json_decref(lines);
    json_decref(counts);
}

/* Rule 3 over one group (by_group) or one line. */
static void hide_another(const struct flooring *flooring, struct cells *cells, bool by_group,
                         size_t which) {
    struct cell *smallest = NULL;
    json_int_t hidden = 0;
    for (size_t i = 0; i < cells->n; i++) {
        struct cell *cell = &cells->all[i];
        if ((by_group ? cell->group : cell->line) != which || !cell->customers)
            continue;
        if (cell->hidden)
            hidden += cell->customers;
        else if (!smallest || cell->customers < smallest->customers)
            smallest = cell;
    }
    if (is_few(flooring, hidden) && smallest)
        smallest->hidden = true;
}

/* Every number of a row but its place. */
static void blank(json_t *row) {
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(row, next, name, value) {
        if (strcmp(name, "step") == 0 || strcmp(name, "time") == 0 || strcmp(name, "by") == 0)
            continue;
        if (json_is_number(value))
            json_object_set_new(row, name, json_null());
        else if (json_is_array(value) || json_is_object(value))
            json_object_set_new(row, name, json_is_array(value) ? json_array() : json_object());
    }
    json_object_set_new(row, "suppressed", json_true());
}

/* Rule 4 for steps of a group, each of whom is among those of the step before: who was lost between two that are shown. Another
 * group goes from the step with it, so that neither is the difference to all groups together. */
static void hide_drops(const struct flooring *flooring, struct cells *cells) {
    for (size_t i = 0; i < cells->n; i++) {
        struct cell *cell = &cells->all[i], *before = NULL, *smallest = NULL;
        for (size_t k = i; k-- > 0 && !before;)
            if (cells->all[k].group == cell->group && !cells->all[k].hidden)
                before = &cells->all[k];
        if (cell->hidden || !before || !is_few(flooring, before->customers - cell->customers))
            continue;
        cell->hidden = true;
        for (size_t k = 0; k < cells->n; k++) {
            struct cell *other = &cells->all[k];
            if (other->line == cell->line && !other->hidden && other->customers &&
                (!smallest || other->customers < smallest->customers))
                smallest = other;
        }
        if (smallest)
            smallest->hidden = true;
    }
}

/* Hides what must be hidden; groups without anything to show go from the rows. */
static void hide_cells(struct flooring *flooring, json_t *rows, struct cells *cells) {
    for (size_t i = 0; i < cells->n; i++)
        cells->all[i].hidden |= is_few(flooring, cells->all[i].customers);
    for (size_t line = 0; line < cells->lines && cells->groups > 1; line++)
        hide_another(flooring, cells, false, line);
    for (size_t group = 0; group < cells->groups && cells->lines > 1; group++)
        hide_another(flooring, cells, true, group);
    bool *shown = calloc(cells->groups + 1, sizeof *shown);
    if (!shown)
        abort();
    for (size_t i = 0; i < cells->n; i++)
        shown[cells->all[i].group] |= !cells->all[i].hidden && cells->all[i].customers > 0;
    for (size_t i = cells->n; i-- > 0;) {
        struct cell *cell = &cells->all[i];
        flooring->suppressed += cell->hidden;
        if (cells->groups > 1 && !shown[cell->group])
            json_array_remove(rows, i);
        else if (cell->hidden)
            blank(cell->row);
    }
    free(shown);
    free(cells->all);
}

static void floor_trend(struct flooring *flooring) {
    struct cells cells;
    read_cells(flooring->data, json_object_get(flooring->customers, "data"), "time", "value",
               &cells);
    hide_cells(flooring, flooring->data, &cells);
}

static void null_those(json_t *row, const char *const *names) {
    for (; *names; names++)
        if (json_object_get(row, *names))
            json_object_set_new(row, *names, json_null());
}

/* A share of a step that is hidden would tell it. Rows of a group follow each other, by step. */
static void hide_shares(json_t *rows) {
    static const char *const of_first[] = {"share", "share_low", "share_high", NULL},
                             *const of_previous[] = {"from_previous", "from_previous_low",
                                                     "from_previous_high", NULL};
    bool first = false, previous = false;
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        bool begins = number_of(row, "step") == 1, hidden = json_object_get(row, "suppressed");
        first = begins ? hidden : first;
        if (!begins && first)
            null_those(row, of_first);
        if (!begins && previous)
            null_those(row, of_previous);
        previous = hidden;
    }
}

static void floor_funnel(struct flooring *flooring) {
    struct cells cells;
    read_cells(flooring->data, NULL, "step", "customers", &cells);
    hide_drops(flooring, &cells);
    hide_cells(flooring, flooring->data, &cells);
    hide_shares(flooring->data);
}

void floor_counts(unsigned floor, const uint64_t *counts, size_t n, bool *hidden) {
    uint64_t lost = 0;
    size_t smallest = n;
    for (size_t i = 0; i < n; i++) {
        hidden[i] = counts[i] && counts[i] < floor;
        lost += hidden[i] ? counts[i] : 0;
        if (counts[i] && !hidden[i] && (smallest == n || counts[i] < counts[smallest]))
            smallest = i;
    }
    if (lost && lost < floor && smallest < n)
        hidden[smallest] = true;
}

/* Bars about few answers, and who are for and against where one of them are few. */
static void floor_bars(struct flooring *flooring, json_t *row) {
    static const char *const sides[] = {"promoters", "neutral", "detractors", NULL};
    json_t *bars = json_object_get(row, "distribution"), *bar;
    size_t n = json_array_size(bars), i;
    uint64_t *counts = calloc(n + 1, sizeof *counts);
    bool *hidden = calloc(n + 1, sizeof *hidden), few = false;
    if (!counts || !hidden)
        abort();
    json_array_foreach(bars, i, bar) counts[i] = (uint64_t)number_of(bar, "n");
    floor_counts((unsigned)flooring->floor, counts, n, hidden);
    json_array_foreach(bars, i, bar) if (hidden[i]) {
        json_object_set_new(bar, "n", json_null());
        flooring->suppressed++;
    }
    for (size_t side = 0; sides[side]; side++)
        few |= is_few(flooring, number_of(row, sides[side]));
    if (few)
        null_those(row, sides);
    free(counts);
    free(hidden);
}

/* How often a promise was kept, broken and is still open, where one of them is about few: each is the others' difference. */
static void floor_states(struct flooring *flooring, json_t *row) {
    static const char *const settled[] = {"kept", "broken", NULL}, *const open[] = {
                                                                       "pending", "at_risk", NULL};
    for (size_t which = 0; which < 2; which++) {
        const char *const *names = which ? open : settled;
        if (!is_few(flooring, number_of(row, names[0])) &&
            !is_few(flooring, number_of(row, names[1])))
            continue;
        null_those(row, names);
        flooring->suppressed++;
    }
}

static void floor_score(struct flooring *flooring) {
    struct cells cells;
    size_t i;
    json_t *row;
    read_cells(flooring->data, NULL, "time", "customers", &cells);
    hide_cells(flooring, flooring->data, &cells);
    json_array_foreach(flooring->data, i, row) {
        json_object_del(row, "customers");
        floor_bars(flooring, row);
        floor_states(flooring, row);
    }
}

/* Periods of a cohort in which few returned, or all but few; of who came in a period or later, also few since the one before. */
static void floor_returned(struct flooring *flooring, const json_t *row, json_t *average) {
    bool nested = flooring->plan->retention == RETENTION_UNBOUNDED;
    json_t *returned = json_object_get(row, "returned"), *value;
    json_int_t all = number_of(row, "size");
    size_t k;
    json_array_foreach(returned, k, value) {
        json_int_t came = (json_int_t)json_number_value(value);
        if (json_is_null(value))
            continue;
        if (!is_few(flooring, came) && !is_few(flooring, all - came)) {
            all = nested ? came : all;
            continue;
        }
        json_array_set_new(returned, k, json_null());
        if (k < json_array_size(average))
            json_array_set_new(average, k, json_null());
        flooring->suppressed++;
    }
}

static void floor_retention(struct flooring *flooring) {
    struct cells cells;
    json_t *row;
    size_t i, k;
    json_t *average = json_object_get(flooring->meta, "average");
    json_array_foreach(flooring->data, i, row) floor_returned(flooring, row, average);
    json_int_t before = flooring->suppressed;
    read_cells(flooring->data, NULL, "cohort", "size", &cells);
    hide_cells(flooring, flooring->data, &cells);
    for (k = 0; flooring->suppressed > before && k < json_array_size(average); k++)
        json_array_set_new(average, k, json_null());
}

/* ---- graphs ---- */

/* Customers that surely pass a node: those who begin or end there, or walk one of its edges. */
static json_int_t node_customers(const json_t *node, const json_t *edges) {
    const char *name = json_string_value(json_object_get(node, "name"));
    json_int_t most = number_of(node, "starts"), ends = number_of(node, "ends");
    size_t i;
    json_t *edge;
    most = ends > most ? ends : most;
    json_array_foreach(edges, i, edge) {
        const char *from = json_string_value(json_object_get(edge, "from")),
                   *to = json_string_value(json_object_get(edge, "to"));
        bool touches = name && ((from && strcmp(from, name) == 0) || (to && strcmp(to, name) == 0));
        if (touches && number_of(edge, "cases") > most)
            most = number_of(edge, "cases");
    }
    return most;
}

/* Rule 3 for the edges that leave (end "from") or enter ("to") each node: hidden ones by the difference to its count. */
static void hide_other_edges(const struct flooring *flooring, const json_t *edges, const char *end,
                             bool *hidden) {
    json_t *nodes = json_object(), *edge;
    size_t n = json_array_size(edges), i;
    json_int_t *lost = calloc(n + 1, sizeof *lost);
    size_t *smallest = calloc(n + 1, sizeof *smallest); /* from 1; 0: none */
    if (!lost || !smallest)
        abort();
    json_array_foreach(edges, i, edge) {
        size_t node = place_of(nodes, json_object_get(edge, end));
        size_t best = smallest[node];
        if (hidden[i])
            lost[node] += number_of(edge, "cases");
        else if (!best ||
                 number_of(edge, "cases") < number_of(json_array_get(edges, best - 1), "cases"))
            smallest[node] = i + 1;
    }
    for (size_t node = 0; node < json_object_size(nodes); node++)
        if (is_few(flooring, lost[node]) && smallest[node])
            hidden[smallest[node] - 1] = true;
    json_decref(nodes);
    free(lost);
    free(smallest);
}

/* Starts (or ends) of the nodes that are left: all cases have one, so the hidden ones are what is missing to them. */
static void floor_ends(struct flooring *flooring, json_t *nodes, const char *name, json_int_t all) {
    size_t n = json_array_size(nodes), smallest = n, i;
    json_int_t shown = 0, least = 0;
    json_t *node;
    json_array_foreach(nodes, i, node) {
        json_int_t count = number_of(node, name);
        if (is_few(flooring, count)) {
            json_object_set_new(node, name, json_null());
            flooring->suppressed++;
        } else if (count) {
            shown += count;
            smallest = smallest == n || count < least ? i : smallest;
            least = smallest == i ? count : least;
        }
    }
    if (smallest < n && is_few(flooring, all - shown)) {
        json_object_set_new(json_array_get(nodes, smallest), name, json_null());
        flooring->suppressed++;
    }
}

/* The shortest and the longest case are one customer's. */
static void hide_extremes(json_t *lengths) {
    static const char *const extremes[] = {"min_s", "max_s", NULL};
    if (lengths)
        null_those(lengths, extremes);
}

static void floor_flow(struct flooring *flooring) {
    json_t *nodes = json_object_get(flooring->data, "nodes"),
           *edges = json_object_get(flooring->data, "edges"), *gone = json_object(), *edge;
    size_t n = json_array_size(edges), i;
    bool *hidden = calloc(n + 1, sizeof *hidden);
    if (!hidden)
        abort();
    for (i = json_array_size(nodes); i-- > 0;) {
        json_t *node = json_array_get(nodes, i);
        if (!is_few(flooring, node_customers(node, edges)) && node_customers(node, edges))
            continue;
        (void)place_of(gone, json_object_get(node, "name"));
        json_array_remove(nodes, i);
        flooring->suppressed++;
    }
    floor_ends(flooring, nodes, "starts", number_of(flooring->meta, "customers"));
    floor_ends(flooring, nodes, "ends", number_of(flooring->meta, "customers"));
    hide_extremes(json_object_get(flooring->meta, "case_length"));
    size_t n_gone = json_object_size(gone);
    json_array_foreach(edges, i, edge) hidden[i] =
        is_few(flooring, number_of(edge, "cases")) ||
        place_of(gone, json_object_get(edge, "from")) < n_gone ||
        place_of(gone, json_object_get(edge, "to")) < n_gone;
    hide_other_edges(flooring, edges, "from", hidden);
    hide_other_edges(flooring, edges, "to", hidden);
    for (i = n; i-- > 0;)
        if (hidden[i]) {
            json_array_remove(edges, i);
            flooring->suppressed++;
        }
    json_decref(gone);
    free(hidden);
}

/* Variants come with most cases first: the few stand at the end, the smallest of the others before them. */
static void floor_variants(struct flooring *flooring) {
    json_t *variants = json_object_get(flooring->data, "variants");
    size_t n = json_array_size(variants);
    json_int_t lost = 0;
    while (n && (is_few(flooring, number_of(json_array_get(variants, n - 1), "cases")) ||
                 is_few(flooring, lost))) {
        lost += number_of(json_array_get(variants, n - 1), "cases");
        json_array_remove(variants, --n);
        flooring->suppressed++;
    }
    json_object_set_new(flooring->data, "total", json_null());
    hide_extremes(flooring->data);
}

/* Branches with few go, and how many stopped where that is few or would tell how many they were. */
static void prune(struct flooring *flooring, json_t *node, unsigned depth) {
    json_t *children = json_object_get(node, "children");
    json_int_t lost = 0, stopped = number_of(node, "stopped");
    for (size_t i = json_array_size(children); i-- > 0;) {
        json_t *child = json_array_get(children, i);
        if (is_few(flooring, number_of(child, "count"))) {
            lost += number_of(child, "count");
            json_array_remove(children, i);
            flooring->suppressed++;
        } else if (depth) {
            prune(flooring, child, depth - 1);
        }
    }
    if (lost || is_few(flooring, stopped)) {
        json_object_set_new(node, "stopped", json_null());
        flooring->suppressed++;
        lost += stopped;
    }
    if (is_few(flooring, lost) && json_array_size(children)) { /* the smallest stands last */
        json_array_remove(children, json_array_size(children) - 1);
        flooring->suppressed++;
    }
}

static void floor_paths(struct flooring *flooring) { prune(flooring, flooring->data, 64); }

/* ---- all ---- */

static void (*const floors[PLAN_KINDS])(struct flooring *) = {
    [PLAN_TREND] = floor_trend, [PLAN_FUNNEL] = floor_funnel,
    [PLAN_FLOW] = floor_flow,   [PLAN_VARIANTS] = floor_variants,
    [PLAN_PATHS] = floor_paths, [PLAN_RETENTION] = floor_retention,
    [PLAN_SCORE] = floor_score, [PLAN_PROMISE] = floor_score,
};

int floor_permits(const struct plan *plan, struct err *err) {
    if (!floors[plan->kind])
        return err_at(err, E_FORBIDDEN, "/kind", "your role sees aggregates only");
    if (plan->people.wanted)
        return err_at(err, E_FORBIDDEN, "/people", "your role sees aggregates only");
    if (plan->kind == PLAN_PROMISE && plan->customer.n)
        return err_at(err, E_FORBIDDEN, "/customer", "your role sees aggregates only");
    bool cases = plan->kind == PLAN_FLOW || plan->kind == PLAN_VARIANTS || plan->kind == PLAN_PATHS;
    if (cases && plan->cases != CASE_CUSTOMER)
        return err_at(err, E_FORBIDDEN, "/case", "your role sees customers as cases only");
    if (cases && plan->by != BY_NONE) /* beside the whole, its parts tell of few */
        return err_at(err, E_FORBIDDEN, "/by", "your role sees cases together only");
    return 0;
}

static json_t *empty_like(const json_t *data) {
    if (json_is_array(data))
        return json_array();
    if (json_object_get(data, "edges"))
        return json_pack("{s:[], s:[]}", "nodes", "edges");
    if (json_object_get(data, "variants"))
        return json_pack("{s:n, s:[]}", "total", "variants");
    return json_pack("{s:n, s:n, s:n, s:n, s:[]}", "name", "count", "share", "stopped", "children");
}

void floor_apply(const struct plan *plan, unsigned floor, const json_t *customers, json_t *answer) {
    json_t *meta = json_object_get(answer, "meta");
    struct flooring flooring = {.plan = plan,
                                .floor = floor,
                                .customers = customers,
                                .data = json_object_get(answer, "data"),
                                .meta = meta};
    if (is_few(&flooring, number_of(meta, "customers"))) {
        json_object_set_new(answer, "data", empty_like(flooring.data));
        json_object_set_new(answer, "meta",
                            json_pack("{s:n, s:n, s:O?, s:O?, s:O?, s:i}", "customers",
                                      "interactions", "elapsed_ms",
                                      json_object_get(meta, "elapsed_ms"), "as_of",
                                      json_object_get(meta, "as_of"), "incomplete",
                                      json_object_get(meta, "incomplete"), "suppressed", 1));
        return;
    }
    floors[plan->kind](&flooring);
    json_object_set_new(meta, "suppressed", json_integer(flooring.suppressed));
}
