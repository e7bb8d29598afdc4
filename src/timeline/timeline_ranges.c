/*
 * Ranges of time. Few of them, since each costs every question over all of the past a slice per customer; fine ones near
 * today, since "the last 30 days" is what people ask for.
 *
 *   … | year | year | this year so far, or quarters of the last half year | last month | this month and later
 *
 * Boundaries are months in UTC. When a month begins, parts that straddle a new boundary are cut; parts of ranges that
 * grow together are merged like any others.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/logger.h"
#include "base/time.h"
#include "timeline/part_merge.h"
#include "timeline/timeline_internal.h"

/* First instant of a month counted from year 0. */
static int64_t month_start_ms(int month) {
    return time_days_from_civil(month / 12, month % 12 + 1, 1) * DAY_MS;
}

void boundaries_at(int64_t now_ms, struct boundaries *boundaries) {
    int year, month, day, at[LIMIT_TIME_RANGES - 1];
    time_civil_from_days(now_ms / DAY_MS, &year, &month, &day);
    int this_month = year * 12 + month - 1, next = this_month - 1;
    uint32_t n = 0;
    at[n++] = this_month;
    at[n++] = next;
    for (next = (next - 1) / 3 * 3; next > this_month - 6; next -= 3)
        at[n++] = next;
    for (next = next / 12 * 12; n < LIMIT_TIME_RANGES - 1; next -= 12)
        at[n++] = next;
    boundaries->n = 0;
    while (n)
        if (month_start_ms(at[--n]) > TIME_MIN_MS)
            boundaries->ms[boundaries->n++] = month_start_ms(at[n]);
}

struct regroup {
    struct timeline *timeline;
    const struct boundaries *boundaries;
    struct part_body **removed, **added;
    size_t n_removed, n_added;
};

/* The same content under the new range: the file mapped again, or the run copied. */
static int move_part(struct regroup *regroup, struct part_body *part, uint32_t range,
                     struct err *err) {
    int64_t from = range_from(regroup->boundaries, range),
            to = range_to(regroup->boundaries, range);
    struct part_body *moved = NULL;
    int code;
    if (part_is_file(part) && part->image) {
        moved = part_again(part);
        moved->part.range_from_ms = from;
        moved->part.range_to_ms = to;
        moved->part.rules_version = part->part.rules_version;
        code = part->touchpoints.base ? part_touch_open(regroup->timeline->folder,
                                                        part->part.rules_version, moved, err)
                                      : 0;
    } else if (part->image) {
        code = merge_in_memory(&moved, part->part.kind, from, to, false, &part, 1, err);
    } else {
        part_retain(part); /* a placeholder; its range is set when it is rebuilt */
        moved = part;
        code = 0;
    }
    if (code)
        part_release(moved);
    else
        regroup->added[regroup->n_added++] = moved;
    return code;
}

static int cut_part(struct regroup *regroup, struct part_body *part, struct err *err) {
    int code = 0;
    for (uint32_t range = 0; range <= regroup->boundaries->n && !code; range++) {
        int64_t from = range_from(regroup->boundaries, range),
                to = range_to(regroup->boundaries, range);
        struct part_body *piece = NULL;
        if (part->part.max_ms < from || part->part.min_ms >= to)
            continue;
        if (part_is_file(part))
            code = file_merge(regroup->timeline, part->part.kind, from, to, true, &part, 1, &piece,
                              err);
        else
            code = merge_in_memory(&piece, part->part.kind, from, to, true, &part, 1, err);
        if (!code && piece && piece->part.n_rows)
            regroup->added[regroup->n_added++] = piece;
        else
            part_release(piece);
    }
    return code;
}

/* Gives up what was made. */
static void regroup_drop(struct regroup *regroup, const struct view *view) {
    for (size_t i = 0; i < regroup->n_added; i++) {
        struct part_body *part = regroup->added[i];
        bool listed = !part_is_file(part);
        for (size_t k = 0; k < view->n && !listed; k++)
            listed = view->parts[k]->number == part->number;
        if (listed)
            part_release(part);
        else
            files_drop(regroup->timeline, &part, 1);
    }
}

int timeline_regroup(struct timeline *timeline, const struct boundaries *boundaries,
                     struct err *err) {
    struct view *view = timeline_view(timeline);
    struct regroup regroup = {.timeline = timeline, .boundaries = boundaries};
    regroup.removed = pointers_new(view->n);
    regroup.added = pointers_new(view->n * LIMIT_TIME_RANGES);
    int code = 0;
    timeline->head_rests = true; /* no runs of the old ranges meanwhile */
    for (size_t i = 0; i < view->n && !code; i++) {
        struct part_body *part = view->parts[i];
        uint32_t first = range_of(boundaries, part->part.min_ms);
        regroup.removed[regroup.n_removed++] = part;
        code = first == range_of(boundaries, part->part.max_ms) || !part->image
                   ? move_part(&regroup, part, first, err)
                   : cut_part(&regroup, part, err);
    }
    timeline->head_rests = false;
    struct view_change change = {.removed = regroup.removed,
                                 .n_removed = regroup.n_removed,
                                 .added = regroup.added,
                                 .n_added = regroup.n_added,
                                 .boundaries = boundaries};
    if (!code)
        code = files_swap(timeline, &change, err);
    if (code)
        regroup_drop(&regroup, view);
    else
        log_info("timeline", "ranges of time were regrouped");
    view_release(view);
    free(regroup.removed);
    free(regroup.added);
    return code;
}
