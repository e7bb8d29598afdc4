/*
 * Maintenance: one round seals the head if it is due, rebuilds what is damaged, regroups ranges when the month turns,
 * and merges once.
 *
 * MERGING  Inside a cell (kind and range), by tiers of a factor of four: four parts of a tier become one of the next. A
 *          cell that nobody appends to is merged further: small parts into one, and that into the large one when it has
 *          a fiftieth of its rows. Between chunks of a long merge the head is looked after.
 *
 * Rows keep the profile that they came with, however many are redirected: questions gather an owner's profiles through
 * the overlay, and nothing is rewritten for it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "timeline/part_merge.h"
#include "timeline/timeline_internal.h"

enum {
    TIER_PARTS = 4,  /* parts of a tier that are merged */
    CELL_PARTS = 12, /* more are merged whatever their sizes */
    LARGE_FRACTION = 50
};

int part_give_touchpoints(struct timeline *timeline, const struct touchpoint_rules *rules,
                          struct part_body *part, struct err *err) {
    uint32_t n = part->part.n_rows;
    if (part_kind_is_traits(part->part.kind) || !n) {
        part->part.rules_version = rules->version;
        return 0;
    }
    if (part_is_file(part)) {
        struct touch_file file;
        int code = part_touch_create(timeline->folder, part->number, rules->version, n, &file, err);
        if (!code)
            code = touchpoint_apply(rules, timeline->dictionary, &part->part, file.codes, err);
        if (!code)
            code = part_touch_finish(&file, err);
        else
            part_touch_drop(&file);
        return code ? code : part_touch_open(timeline->folder, rules->version, part, err);
    }
    uint16_t *codes = pages_new(n * sizeof *codes);
    if (!codes)
        abort();
    int code = touchpoint_apply(rules, timeline->dictionary, &part->part, codes, err);
    if (code)
        munmap(codes, n * sizeof *codes);
    else
        part_touch_give(part, rules->version, codes);
    return code;
}

void yield_to_head(void *context) {
    struct timeline *timeline = context;
    struct err err;
    if (!timeline->head_rests && head_advance(timeline, false, &err))
        log_warn("timeline", "sealing failed: %s", err.message);
}

/* All sources follow the same rules: their touchpoints can be copied. */
static bool same_rules(struct part_body *const *parts, size_t n, uint32_t version) {
    for (size_t i = 0; i < n; i++)
        if (parts[i]->part.rules_version != version)
            return false;
    return true;
}

/* Fills and syncs both files of a planned merge, and maps them. */
static int write_files(struct timeline *timeline, struct merge *merge, uint32_t number, bool copy,
                       const struct touchpoint_rules *rules, struct part_body **part,
                       struct err *err) {
    struct touch_file touch = {.fd = -1};
    struct part_image *image = NULL;
    int fd = -1, code = part_file_create(timeline->folder, number, &fd, err);
    if (!code && copy)
        code = part_touch_create(timeline->folder, number, rules->version, merge_rows(merge),
                                 &touch, err);
    if (!code)
        code = merge_run(merge, fd, touch.codes, yield_to_head, timeline, &image, err);
    if (!code) {
        code = part_file_finish(image, fd, err);
        fd = -1;
    }
    if (!code && copy)
        code = part_touch_finish(&touch, err);
    part_touch_drop(&touch);
    if (fd >= 0)
        close(fd);
    image_free(image);
    if (!code)
        code = part_file_open(timeline->folder, number, &timeline->seal, part, err);
    if (code)
        return code;
    return copy ? part_touch_open(timeline->folder, rules->version, *part, err)
                : part_give_touchpoints(timeline, rules, *part, err);
}

int file_merge(struct timeline *timeline, enum part_kind kind, int64_t from_ms, int64_t to_ms,
               bool cut, struct part_body *const *parts, size_t n, struct part_body **part,
               struct err *err) {
    struct merge *merge = NULL;
    int code = merge_plan(&merge, kind, from_ms, to_ms, cut, parts, n, err);
    if (code)
        return code;
    *part = NULL;
    merge->plan.seal = &timeline->seal;
    if (merge_rows(merge)) {
        struct view *view = timeline_view(timeline);
        uint32_t number = timeline->next_number++;
        bool copy = !part_kind_is_traits(kind) && same_rules(parts, n, view->rules->version);
        code = write_files(timeline, merge, number, copy, view->rules, part, err);
        if (code) {
            part_release(*part);
            *part = NULL;
            part_file_remove(timeline->folder, number, view->rules->version);
        }
        view_release(view);
    }
    merge_free(merge);
    return code;
}

void files_drop(struct timeline *timeline, struct part_body **parts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (part_is_file(parts[i]))
            part_file_remove(timeline->folder, parts[i]->number, parts[i]->part.rules_version);
        part_release(parts[i]);
    }
}

int files_swap(struct timeline *timeline, const struct view_change *change, struct err *err) {
    const struct view *view = timeline->view;
    uint32_t *removed = calloc(change->n_removed + 1, sizeof *removed);
    uint32_t *versions = calloc(change->n_removed + 1, sizeof *versions);
    struct catalogue_part *added = calloc(change->n_added + 1, sizeof *added);
    if (!removed || !versions || !added)
        abort();
    struct catalogue_change listed = {.removed = removed,
                                      .added = added,
                                      .covered = change->covered ? change->covered : view->covered,
                                      .boundaries = change->boundaries ? *change->boundaries
                                                                       : view->boundaries,
                                      .rules_version = view->rules->version};
    for (size_t i = 0; i < change->n_removed; i++)
        if (part_is_file(change->removed[i])) {
            versions[listed.n_removed] = change->removed[i]->part.rules_version;
            removed[listed.n_removed++] = change->removed[i]->number;
        }
    for (size_t i = 0; i < change->n_added; i++)
        if (part_is_file(change->added[i]))
            added[listed.n_added++] = catalogue_part_of(change->added[i]);
    int code = part_folder_sync(timeline->folder, err);
    if (!code)
        code = catalogue_write(timeline->store, &listed, err);
    if (!code) {
        timeline_install(timeline, change);
        for (size_t i = 0; i < listed.n_removed; i++) {
            bool again = false; /* the same file with another range */
            for (size_t k = 0; k < listed.n_added; k++)
                again |= added[k].number == removed[i];
            if (!again)
                part_file_remove(timeline->folder, removed[i], versions[i]);
        }
    }
    free(removed);
    free(versions);
    free(added);
    return code;
}

static uint32_t tier_of(const struct part_body *part) {
    uint32_t tier = 0;
    for (uint64_t rows = LIMIT_HEAD_ROWS / 2; rows < part->part.n_rows && tier < 30; rows *= 4)
        tier++;
    return tier;
}

static int compare_rows(const void *a, const void *b) {
    uint32_t x = (*(struct part_body *const *)a)->part.n_rows;
    uint32_t y = (*(struct part_body *const *)b)->part.n_rows;
    return (x > y) - (x < y);
}

/* How many of the cell's files, ascending by rows, are to be merged now; 0: none. */
static size_t merge_due(struct part_body **files, size_t n, bool idle, bool force) {
    if (n < 2)
        return 0;
    if (force)
        return n;
    for (size_t i = 0, same = 1; i + 1 < n; i++) {
        same = tier_of(files[i]) == tier_of(files[i + 1]) ? same + 1 : 1;
        bool last = i + 2 == n || tier_of(files[i + 1]) != tier_of(files[i + 2]);
        if (last && same >= TIER_PARTS)
            return i + 2;
    }
    if (n > CELL_PARTS)
        return n - 1;
    if (!idle)
        return 0;
    uint64_t small = 0;
    for (size_t i = 0; i + 1 < n; i++)
        small += files[i]->part.n_rows;
    if (small * LARGE_FRACTION >= files[n - 1]->part.n_rows)
        return n;
    return n > 2 ? n - 1 : 0;
}

/* The cell's files that may still grow, ascending by rows. */
static size_t files_of(const struct view *view, uint32_t cell, struct part_body **files) {
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++) {
        struct part_body *part = view->parts[i];
        if (part_is_file(part) && !part->is_full && part_cell(view, part) == cell)
            files[n++] = part;
    }
    if (n)
        qsort(files, n, sizeof(void *), compare_rows);
    return n;
}

/* Merges in one cell if something is due: 1 when it did. */
static int merge_cell(struct timeline *timeline, const struct view *view, uint32_t cell, bool idle,
                      bool force, struct err *err) {
    struct part_body **files = pointers_new(view->n), *merged = NULL;
    size_t due = merge_due(files, files_of(view, cell, files), idle, force);
    due = due > MERGE_SOURCES ? MERGE_SOURCES : due;
    int code = 0;
    if (due) {
        code = file_merge(timeline, files[0]->part.kind, files[0]->part.range_from_ms,
                          files[0]->part.range_to_ms, false, files, due, &merged, err);
        if (code == E_TOO_LARGE) { /* more than one part can hold */
            files[due - 1]->is_full = true;
            code = 1;
        } else if (!code) {
            struct view_change change = {
                .removed = files, .n_removed = due, .added = &merged, .n_added = merged != NULL};
            code = files_swap(timeline, &change, err);
            if (code)
                files_drop(timeline, &merged, merged != NULL);
            else
                code = 1;
        }
    }
    free(files);
    return code;
}

/* One merge anywhere: 1 when there was one. */
static int merge_once(struct timeline *timeline, bool force, struct err *err) {
    bool idle = timeline_is_idle(timeline);
    struct view *view = timeline_view(timeline);
    int code = 0;
    for (uint32_t cell = 0; cell < CELLS && !code; cell++)
        code = merge_cell(timeline, view, cell, idle, force, err);
    view_release(view);
    return code;
}

static int repair(struct timeline *timeline, struct err *err) {
    bool cells[CELLS];
    struct view *view = timeline_view(timeline);
    bool damaged = cells_damaged(view, cells);
    view_release(view);
    if (!damaged)
        return 0;
    log_warn("timeline", "a part is damaged; it is rebuilt from the log");
    return timeline_rebuild(timeline, cells, NULL, NULL, err);
}

/* ---- sealing ---- */

static bool is_unsealed(const struct timeline *timeline, const struct part_body *part) {
    return part_is_file(part) && part->image && !image_is_sealed(part->image, &timeline->seal);
}

size_t timeline_unsealed(struct timeline *timeline) {
    struct view *view = timeline_view(timeline);
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++)
        n += is_unsealed(timeline, view->parts[i]);
    view_release(view);
    return n;
}

void timeline_seal_again(struct timeline *timeline) { atomic_store(&timeline->seal_again, true); }

/* Writes one file anew, as it is, with what should be sealed now: 1 when it did. */
static int seal_once(struct timeline *timeline, struct err *err) {
    if (!atomic_load(&timeline->seal_again))
        return 0;
    atomic_store(&timeline->seal_again, false); /* before looking: a change meanwhile is seen */
    struct view *view = timeline_view(timeline);
    struct part_body *old = NULL, *sealed = NULL;
    for (size_t i = 0; i < view->n && !old; i++)
        if (is_unsealed(timeline, view->parts[i]))
            old = view->parts[i];
    int code = 0;
    if (old) {
        code = file_merge(timeline, old->part.kind, old->part.range_from_ms, old->part.range_to_ms,
                          true, &old, 1, &sealed, err);
        struct view_change change = {
            .removed = &old, .n_removed = 1, .added = &sealed, .n_added = sealed != NULL};
        if (!code)
            code = files_swap(timeline, &change, err);
        if (code)
            files_drop(timeline, &sealed, sealed != NULL);
        atomic_store(&timeline->seal_again, true);
    }
    view_release(view);
    return code ? code : old != NULL;
}

static int regroup_if_due(struct timeline *timeline, struct err *err) {
    struct boundaries wanted;
    boundaries_at(clock_now_ms(), &wanted);
    struct view *view = timeline_view(timeline);
    bool same = boundaries_equal(&wanted, &view->boundaries);
    view_release(view);
    return same ? 0 : timeline_regroup(timeline, &wanted, err);
}

int timeline_maintain(struct timeline *timeline, bool force, struct err *err) {
    pthread_mutex_lock(&timeline->work);
    int code = head_advance(timeline, force, err);
    if (!code)
        code = repair(timeline, err);
    if (!code)
        code = regroup_if_due(timeline, err);
    if (!code)
        do
            code = merge_once(timeline, force, err);
        while (force && code == 1);
    if (!code)
        do
            code = seal_once(timeline, err);
        while (force && code == 1);
    pthread_mutex_unlock(&timeline->work);
    return code;
}
