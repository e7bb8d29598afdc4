/*
 * `"by": "segment"` without the member `segment`: a group for each stored segment, and null for those in none. Segments overlap, so
 * somebody may stand in several groups, which no other `by` does: each group is a question of its own, about its customers. Groups
 * are ranked as in any `by` (plan.h, 6); those beyond `limit` are one, "(other)": who is in any of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local.h"

struct segment_group {
    json_t *name; /* a text, or null: in none */
    json_t *answer;
    double weight;
};

struct segmenting {
    struct folder *folder;
    enum backend backend;
    const json_t *query;
    const struct principal *principal;
    struct query_control *control;
    struct err *err;
    json_t *names; /* of the stored segments */
    struct segment_group *groups;
    size_t n;
};

bool by_segment_wanted(const json_t *query) {
    static const char *const kinds[] = {"trend", "funnel", "retention", "score", "promise"};
    const char *by = json_string_value(json_object_get(query, "by")),
               *kind = json_string_value(json_object_get(query, "kind"));
    bool wanted = by && kind && strcmp(by, "segment") == 0 && !json_object_get(query, "segment"),
         takes = false;
    for (size_t i = 0; wanted && i < sizeof kinds / sizeof *kinds; i++)
        takes |= strcmp(kind, kinds[i]) == 0;
    return takes;
}

json_t *by_segment_plain(const json_t *query) {
    json_t *plain = json_copy((json_t *)(uintptr_t)query);
    const json_t *people = json_object_get(query, "people");
    json_object_del(plain, "by");
    json_object_del(plain, "segment");
    json_object_del(plain, "limit");
    if (json_is_object(people)) {
        json_t *without = json_copy((json_t *)(uintptr_t)people);
        json_object_del(without, "by");
        json_object_set_new(plain, "people", without);
    }
    return plain;
}

/* Classes of segmentations have a name as well: theirs is another `by`. */
static int read_names(struct segmenting *segmenting) {
    struct arena arena;
    struct stored_rules stored;
    sqlite3 *db = store_reader_get(segmenting->folder->store);
    arena_init(&arena);
    int code = stored_rules_load(db, &arena, &stored, segmenting->err);
    for (size_t i = 0; !code && i < stored.n; i++) {
        struct slice name = stored.rules[i].name;
        if (!memchr(name.p, '/', name.n))
            json_array_append_new(segmenting->names, json_stringn(name.p, name.n));
    }
    store_reader_put(segmenting->folder->store, db);
    arena_release(&arena);
    return code;
}

/* Who is in one of these groups: new reference, NULL for everybody. */
static json_t *rule_of_some(const struct segmenting *segmenting, const struct segment_group *groups,
                            size_t n) {
    json_t *any = json_array(), *name;
    size_t i;
    for (size_t g = 0; g < n; g++) {
        if (!json_is_null(groups[g].name)) {
            json_array_append_new(any, json_pack("{s:O}", "in", groups[g].name));
            continue;
        }
        json_t *known = json_array();
        json_array_foreach(segmenting->names, i, name)
            json_array_append_new(known, json_pack("{s:O}", "in", name));
        json_array_append_new(any, json_pack("{s:{s:o}}", "not", "any", known));
    }
    return json_pack("{s:o}", "any", any);
}

static int ask(struct segmenting *segmenting, json_t *rule, json_t **answer) {
    json_t *query = by_segment_plain(segmenting->query);
    if (rule)
        json_object_set_new(query, "segment", rule);
    int code = query_run(segmenting->folder, segmenting->backend, query, segmenting->principal,
                         segmenting->control, answer, segmenting->err);
    json_decref(query);
    return code;
}

/* What a group is ranked by: customers at step 1, sizes of cohorts, else interactions. */
static double weight_of(const json_t *answer) {
    const json_t *data = json_object_get(answer, "data"), *row;
    const json_t *first = json_array_get(data, 0);
    size_t i;
    double sum = 0;
    if (json_object_get(first, "step"))
        return json_number_value(json_object_get(first, "customers"));
    if (!json_object_get(first, "cohort"))
        return json_number_value(json_object_get(json_object_get(answer, "meta"), "interactions"));
    json_array_foreach((json_t *)(uintptr_t)data, i, row) sum +=
        json_number_value(json_object_get(row, "size"));
    return sum;
}

static int by_weight(const void *left, const void *right) {
    const struct segment_group *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight < b->weight ? 1 : -1;
    const char *x = json_string_value(a->name), *y = json_string_value(b->name);
    return !x || !y ? !!x - !!y : strcmp(x, y);
}

static int ask_groups(struct segmenting *segmenting) {
    size_t known = json_array_size(segmenting->names);
    segmenting->groups = calloc(known + 1, sizeof *segmenting->groups);
    if (!segmenting->groups)
        abort();
    int code = 0;
    for (size_t i = 0; i <= known && !code; i++) {
        struct segment_group *group = &segmenting->groups[segmenting->n++];
        group->name = i < known ? json_incref(json_array_get(segmenting->names, i)) : json_null();
        code = ask(segmenting,
                   i < known ? json_incref(group->name)
                   : known   ? rule_of_some(segmenting, group, 1)
                             : NULL,
                   &group->answer);
        group->weight = code ? 0 : weight_of(group->answer);
    }
    qsort(segmenting->groups, segmenting->n, sizeof *segmenting->groups, by_weight);
    return code;
}

/* Those beyond the limit become one. */
static int gather_others(struct segmenting *segmenting) {
    json_int_t limit = json_integer_value(json_object_get(segmenting->query, "limit"));
    if (limit < 1 || (size_t)limit >= segmenting->n)
        return 0;
    struct segment_group *first = &segmenting->groups[limit];
    size_t n = segmenting->n - (size_t)limit;
    json_t *rule = rule_of_some(segmenting, first, n), *answer = NULL;
    int code = ask(segmenting, rule, &answer);
    for (size_t i = 0; i < n; i++) {
        json_decref(first[i].name);
        json_decref(first[i].answer);
    }
    segmenting->n = (size_t)limit + 1;
    *first = (struct segment_group){.name = json_string("(other)"), .answer = answer};
    return code;
}

/* Rows of all groups, each with its group's name. */
static json_t *rows_of(const struct segmenting *segmenting) {
    json_t *rows = json_array(), *row;
    size_t i;
    for (size_t g = 0; g < segmenting->n; g++)
        json_array_foreach(json_object_get(segmenting->groups[g].answer, "data"), i, row) {
            json_object_set(row, "by", segmenting->groups[g].name);
            json_array_append(rows, row);
        }
    return rows;
}

/* The customers behind one group's number. */
static int ask_people(struct segmenting *segmenting, json_t **answer) {
    json_t *by = json_object_get(json_object_get(segmenting->query, "people"), "by"), *name;
    size_t i;
    struct segment_group none = {.name = json_null()};
    if (!by)
        return ask(segmenting, NULL, answer);
    if (json_is_null(by))
        return ask(segmenting,
                   json_array_size(segmenting->names) ? rule_of_some(segmenting, &none, 1) : NULL,
                   answer);
    json_array_foreach(segmenting->names, i, name) if (json_equal(name, by)) return ask(
        segmenting, json_incref(name), answer);
    return err_at(segmenting->err, E_INVALID, "/people/by", "there is no such segment");
}

int by_segment_run(struct folder *folder, enum backend backend, const json_t *query,
                   const struct principal *principal, struct query_control *control,
                   json_t **answer, struct err *err) {
    struct segmenting segmenting = {.folder = folder,
                                    .backend = backend,
                                    .query = query,
                                    .principal = principal,
                                    .control = control,
                                    .err = err,
                                    .names = json_array()};
    int code = read_names(&segmenting);
    if (!code && json_object_get(query, "people")) {
        code = ask_people(&segmenting, answer);
    } else if (!code) {
        *answer = NULL;
        code = ask(&segmenting, NULL, answer); /* its meta is about everybody */
        if (!code)
            code = ask_groups(&segmenting);
        if (!code)
            code = gather_others(&segmenting);
        if (!code) {
            json_object_set_new(*answer, "data", rows_of(&segmenting));
        } else {
            json_decref(*answer);
            *answer = NULL;
        }
    }
    for (size_t g = 0; g < segmenting.n; g++) {
        json_decref(segmenting.groups[g].name);
        json_decref(segmenting.groups[g].answer);
    }
    free(segmenting.groups);
    json_decref(segmenting.names);
    return code;
}
