/*
 * Questions about what comes next or before: paths from a step on.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local_cases.h"
#include "journey/paths.h"

struct named_branch {
    struct slice name;
    uint64_t cases;
    uint32_t node;
};

static int branches_in_order(const void *a, const void *b) {
    const struct named_branch *x = a, *y = b;
    if (x->cases != y->cases)
        return x->cases > y->cases ? -1 : 1;
    return slice_compare(x->name, y->name);
}

/* {"name","count","share","stopped","children":[…]}; share is of the root. Depth is bounded by the plan. */
static json_t *path_tree(const struct question *question, const struct paths_node *nodes,
                         uint32_t at, json_t *name) {
    const struct paths_node *node = &nodes[at];
    size_t n = 0;
    for (uint32_t child = node->child; child; child = nodes[child].sibling)
        n++;
    struct named_branch *branches = calloc(n + 1, sizeof *branches);
    if (!branches)
        abort();
    n = 0;
    for (uint32_t child = node->child; child; child = nodes[child].sibling)
        branches[n++] = (struct named_branch){level_name(question, nodes[child].label),
                                              nodes[child].cases, child};
    qsort(branches, n, sizeof *branches, branches_in_order);
    json_t *children = json_array();
    uint64_t other = 0;
    for (size_t i = 0; i < n; i++) {
        if (i < question->plan->limit)
            json_array_append_new(children, path_tree(question, nodes, branches[i].node,
                                                      json_of_slice(branches[i].name)));
        else
            other += branches[i].cases;
    }
    if (other)
        json_array_append_new(children,
                              json_pack("{s:s, s:I, s:o, s:[]}", "name", "(other)", "count",
                                        (json_int_t)other, "share",
                                        json_of_share(other, nodes[0].cases), "children"));
    free(branches);
    return json_pack("{s:o, s:I, s:o, s:I, s:o}", "name", name, "count", (json_int_t)node->cases,
                     "share", json_of_share(node->cases, nodes[0].cases), "stopped",
                     (json_int_t)node->stopped, "children", children);
}

int answer_paths(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    question_begin_cases(question);
    question->spec.matchers[0] = &plan->root;
    question->spec.n_matchers = 1;
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct paths_spec spec = {.cases = plan->cases,
                              .lut = question->scan.lut,
                              .backward = plan->backward,
                              .collapse = plan->collapse,
                              .depth = plan->depth};
    uint16_t *path = NULL;
    if (plan->people.wanted) {
        code = level_find_path(question, &path, err);
        spec.path = path;
        spec.n_path = plan->people.n_path;
        spec.behind = question_behind(question);
    }
    if (code)
        return code;
    struct paths_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = paths_new(&spec);
    code = scan_run(&question->scan, &paths_operator, (void *const *)states, err);
    if (!code)
        paths_finish(states, question->scan.threads);
    size_t n;
    if (!code && spec.behind)
        code = question_list(question, spec.behind, plan->people_limit, err);
    else if (!code)
        question->data =
            path_tree(question, paths_nodes(states[0], &n), 0, json_of_slice(plan->root.name));
    for (uint32_t t = 0; t < question->scan.threads; t++)
        paths_free(states[t]);
    return code;
}
