/*
 * The timeline's life: opening with what the last process left, closing, rules, figures. See timeline_internal.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "store/file.h"
#include "timeline/timeline_internal.h"

/* Stands for a listed file that cannot be read, until it is rebuilt: touching it is E_CORRUPT. */
static struct part_body *placeholder(const struct catalogue_part *listed) {
    struct part_body *part = calloc(1, sizeof *part);
    if (!part)
        abort();
    const void *zeros = part_zeros();
    atomic_init(&part->refs, 1);
    atomic_init(&part->damaged, true);
    part->touchpoints.registered = part->touchpoints.fd = -1;
    part->number = listed->number;
    part->part = (struct part){
        .kind = listed->kind,
        .n_rows = listed->rows,
        .min_ms = listed->min_ms,
        .max_ms = listed->max_ms,
        .seq_base = listed->min_seq,
        .min_seq = listed->min_seq,
        .max_seq = listed->max_seq,
        .rules_version = listed->rules_version,
        .customer = zeros,
        .start = zeros,
        .sec = zeros,
        .ms = zeros,
        .seq = zeros,
        .event = zeros,
        .channel = zeros,
        .unit = zeros,
        .source = zeros,
        .touchpoint = zeros,
        .type = zeros,
    };
    return part;
}

static bool part_as_listed(const struct part_body *part, const struct catalogue_part *listed) {
    const struct part *p = &part->part;
    return p->kind == listed->kind && p->n_rows == listed->rows && p->min_ms == listed->min_ms &&
           p->max_ms == listed->max_ms && p->min_seq == listed->min_seq &&
           p->max_seq == listed->max_seq && part->image->bytes == listed->bytes;
}

static int load_touchpoints(struct timeline *timeline, const struct touchpoint_rules *rules,
                            struct part_body **part, struct err *err) {
    if (part_kind_is_traits((*part)->part.kind)) {
        (*part)->part.rules_version = rules->version;
        return 0;
    }
    int code = part_touch_open(timeline->folder, rules->version, *part, err);
    if (!code)
        return 0;
    log_warn("timeline", "touchpoints of part %u are derived again", (*part)->number);
    struct part_body *again = part_again(*part); /* leaves the bad mapping behind */
    part_release(*part);
    *part = again;
    return part_give_touchpoints(timeline, rules, again, err);
}

/* A listed part, or its placeholder. */
static struct part_body *load_part(struct timeline *timeline, const struct catalogue_part *listed,
                                   const struct boundaries *boundaries,
                                   const struct touchpoint_rules *rules) {
    struct part_body *part = NULL;
    struct err err = {0};
    uint32_t range = range_of(boundaries, listed->min_ms);
    int code = part_file_open(timeline->folder, listed->number, &timeline->seal, &part, &err);
    if (!code && (!part_as_listed(part, listed) || range != range_of(boundaries, listed->max_ms)))
        code = part_damaged(&err, ERR_WORDS("it is not what was listed"));
    if (!code)
        code = load_touchpoints(timeline, rules, &part, &err);
    if (code) {
        log_warn("timeline", "part %u: %s", listed->number, err.message);
        part_release(part);
        part = placeholder(listed);
    }
    part->part.range_from_ms = range_from(boundaries, range);
    part->part.range_to_ms = range_to(boundaries, range);
    return part;
}

static bool is_listed(const struct catalogue *catalogue, uint32_t number, bool touch,
                      uint32_t version) {
    for (size_t i = 0; i < catalogue->n_parts; i++)
        if (catalogue->parts[i].number == number)
            return !touch || version == catalogue->rules_version;
    return false;
}

struct unlisted {
    struct timeline *timeline;
    const struct catalogue *catalogue;
};

static void remove_unlisted(void *context, const char *found) {
    const struct unlisted *unlisted = context;
    unsigned number, version = 0;
    char name[PART_NAME_BYTES], touch_name[PART_NAME_BYTES];
    if (sscanf(found, "%8u.%8u.touch", &number, &version) < 1)
        return;
    part_file_name(name, number);
    part_touch_name(touch_name, number, version);
    bool touch = strcmp(found, touch_name) == 0;
    if ((touch || strcmp(found, name) == 0) &&
        !is_listed(unlisted->catalogue, number, touch, version))
        unlinkat(unlisted->timeline->folder, found, 0);
}

/* Removes files of parts that are not listed: left by a crash. */
static int sweep(struct timeline *timeline, const char *path, const struct catalogue *catalogue,
                 struct err *err) {
    struct unlisted unlisted = {timeline, catalogue};
    int code = file_list(path, "", ".part", remove_unlisted, &unlisted, err);
    return code ? code : file_list(path, "", ".touch", remove_unlisted, &unlisted, err);
}

/* The index reaches beyond the log: it belongs to another one, and is dropped. */
static int drop_parts(struct timeline *timeline, struct catalogue *catalogue, struct err *err) {
    log_warn("timeline", "the index is newer than the log; it is built again");
    uint32_t *removed = calloc(catalogue->n_parts + 1, sizeof *removed);
    if (!removed)
        abort();
    for (size_t i = 0; i < catalogue->n_parts; i++)
        removed[i] = catalogue->parts[i].number;
    struct catalogue_change change = {.removed = removed,
                                      .n_removed = catalogue->n_parts,
                                      .boundaries = catalogue->boundaries,
                                      .rules_version = catalogue->rules_version};
    int code = catalogue_write(timeline->store, &change, err);
    free(removed);
    catalogue->n_parts = 0;
    catalogue->covered = 0;
    return code;
}

static void raise_customer(struct timeline *timeline, uint32_t customer) {
    if (customer > atomic_load(&timeline->max_customer))
        atomic_store(&timeline->max_customer, customer);
}

/* The first view, of the listed files. */
static int load_view(struct timeline *timeline, const char *path, struct err *err) {
    struct arena arena;
    struct catalogue catalogue;
    arena_init(&arena);
    int code = catalogue_read(timeline->store, &catalogue, &arena, err);
    if (!code && catalogue.covered > log_last(timeline->log))
        code = drop_parts(timeline, &catalogue, err);
    if (!code)
        code = sweep(timeline, path, &catalogue, err);
    if (!code) {
        if (!catalogue.exists) {
            boundaries_at(clock_now_ms(), &catalogue.boundaries);
            catalogue.rules_version = 1;
        }
        struct touchpoint_rules *rules =
            touchpoint_rules_new(catalogue.rules, catalogue.n_rules, catalogue.rules_version);
        struct part_body **parts = pointers_new(catalogue.n_parts);
        for (size_t i = 0; i < catalogue.n_parts; i++) {
            parts[i] = load_part(timeline, &catalogue.parts[i], &catalogue.boundaries, rules);
            raise_customer(timeline, parts[i]->max_customer);
            if (catalogue.parts[i].number >= timeline->next_number)
                timeline->next_number = catalogue.parts[i].number + 1;
        }
        struct view_change change = {.added = parts,
                                     .n_added = catalogue.n_parts,
                                     .boundaries = &catalogue.boundaries,
                                     .rules = rules,
                                     .covered = catalogue.covered,
                                     .last_seq = catalogue.covered};
        timeline->view = view_new(NULL, &change);
        touchpoint_rules_release(rules);
        free(parts);
        atomic_store(&timeline->sealed_seq, catalogue.covered);
        atomic_store(&timeline->last_seq, catalogue.covered);
    }
    arena_release(&arena);
    return code;
}

static int rebuild_damaged(struct timeline *timeline) {
    bool cells[CELLS];
    struct err err = {0};
    if (!cells_damaged(timeline->view, cells))
        return 0;
    log_warn("timeline", "parts that cannot be read are rebuilt from the log");
    unsigned damaged = 0;
    for (size_t i = 0; i < timeline->view->n; i++)
        damaged +=
            part_is_file(timeline->view->parts[i]) && part_is_damaged(timeline->view->parts[i]);
    int code = timeline_rebuild(timeline, cells, NULL, NULL, &err);
    if (!code)
        timeline->mended = damaged;
    if (code) /* questions about them fail until it succeeds; the rest works */
        log_error("timeline", "rebuilding failed: %s", err.message);
    struct view *view = timeline->view;
    for (size_t i = 0; i < view->n; i++)
        raise_customer(timeline, view->parts[i]->max_customer);
    return code;
}

struct replay {
    struct timeline *timeline;
    struct err *err;
    uint64_t rows;
};

static int replay_record(void *context, const struct log_record *record) {
    struct replay *replay = context;
    if (record->row.type == ROW_GONE)
        return 0;
    timeline_append(replay->timeline, &record->row, 1);
    if (++replay->rows % (uint64_t)LIMIT_TAIL_ROWS)
        return 0;
    return head_advance(replay->timeline, false, replay->err);
}

int timeline_open(struct timeline **out, struct store *store, struct log *log,
                  struct dictionary *dictionary, timeline_sealed sealed, void *context,
                  const char *dir, struct err *err) {
    struct timeline *timeline = calloc(1, sizeof *timeline);
    if (!timeline)
        abort();
    timeline->store = store;
    timeline->log = log;
    timeline->dictionary = dictionary;
    timeline->seal = (struct part_seal){log_keys(log), sealed, context};
    atomic_init(&timeline->seal_again, true);
    timeline->next_number = 1;
    timeline->newest = timeline->oldest = tail_new();
    pthread_mutex_init(&timeline->work, NULL);
    pthread_mutex_init(&timeline->sorting, NULL);
    pthread_mutex_init(&timeline->lock, NULL);
    char path[4096];
    snprintf(path, sizeof path, "%s/parts", dir);
    int code = file_make_folder(path, err);
    timeline->folder = code ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!code && timeline->folder < 0)
        code = file_fail(ERR_WORDS("the folder of the timeline"), err);
    if (!code)
        code = load_view(timeline, path, err);
    if (!code) {
        struct replay replay = {timeline, err, 0};
        rebuild_damaged(timeline);
        uint64_t last = log_last(log), from = timeline->view->covered + 1;
        if (from <= last)
            code = log_read(log, from, last + 1, replay_record, &replay, err);
    }
    if (code)
        timeline_close(timeline);
    else
        *out = timeline;
    return code;
}

void timeline_close(struct timeline *timeline) {
    if (!timeline)
        return;
    snapshot_release(timeline->cached);
    timeline->cached = NULL;
    timeline_publish_overlay(timeline, NULL);
    free(timeline->overlay);
    view_release(timeline->view);
    while (timeline->oldest) {
        struct tail *next = timeline->oldest->next;
        tail_release(timeline->oldest);
        timeline->oldest = next;
    }
    if (timeline->folder >= 0)
        close(timeline->folder);
    pthread_mutex_destroy(&timeline->work);
    pthread_mutex_destroy(&timeline->sorting);
    pthread_mutex_destroy(&timeline->lock);
    free(timeline);
}

/* Every part of a view with touchpoints by other rules; traits unchanged. */
static int parts_by_rules(struct timeline *timeline, const struct view *view,
                          const struct touchpoint_rules *rules, struct part_body **parts, size_t *n,
                          struct err *err) {
    int code = 0;
    for (size_t i = 0; i < view->n && !code; i++) {
        struct part_body *part = view->parts[i];
        if (!part->image)
            return part_damaged(err, ERR_WORDS("it waits to be rebuilt"));
        struct part_body *again = part_again(part);
        again->is_full = part->is_full;
        code = part_give_touchpoints(timeline, rules, again, err);
        if (code)
            part_release(again);
        else
            parts[(*n)++] = again;
    }
    return code;
}

/* Lists and installs the parts by the new rules. */
static int rules_swap(struct timeline *timeline, struct touchpoint_rules *rules,
                      struct part_body **parts, size_t n, struct err *err) {
    struct view *view = timeline_view(timeline);
    struct catalogue_change listed = {.covered = view->covered,
                                      .boundaries = view->boundaries,
                                      .rules_version = rules->version,
                                      .rules = rules->rules,
                                      .n_rules = rules->n,
                                      .new_rules = true};
    int code = part_folder_sync(timeline->folder, err);
    if (!code)
        code = catalogue_write(timeline->store, &listed, err);
    if (!code) {
        struct view_change change = {.removed = view->parts,
                                     .n_removed = view->n,
                                     .added = parts,
                                     .n_added = n,
                                     .rules = rules,
                                     .new_content = true};
        timeline_install(timeline, &change);
        for (size_t i = 0; i < view->n; i++) {
            char name[PART_NAME_BYTES];
            part_touch_name(name, view->parts[i]->number, view->rules->version);
            if (part_is_file(view->parts[i]))
                unlinkat(timeline->folder, name, 0);
        }
    }
    view_release(view);
    return code;
}

int timeline_set_rules(struct timeline *timeline, const struct touchpoint_rule *rules, size_t n,
                       struct err *err) {
    int code = touchpoint_rules_check(rules, n, err);
    if (!code)
        code = catalogue_add_names(timeline->store, timeline->dictionary, rules, n, err);
    if (code)
        return code;
    pthread_mutex_lock(&timeline->work);
    struct view *view = timeline_view(timeline);
    struct touchpoint_rules *made = touchpoint_rules_new(rules, n, view->rules->version + 1);
    struct part_body **parts = pointers_new(view->n);
    size_t n_parts = 0;
    code = parts_by_rules(timeline, view, made, parts, &n_parts, err);
    if (!code)
        code = rules_swap(timeline, made, parts, n_parts, err);
    if (code)
        for (size_t i = 0; i < n_parts; i++) {
            char name[PART_NAME_BYTES];
            part_touch_name(name, parts[i]->number, made->version);
            unlinkat(timeline->folder, name, 0);
            part_release(parts[i]);
        }
    view_release(view);
    touchpoint_rules_release(made);
    free(parts);
    pthread_mutex_unlock(&timeline->work);
    return code;
}

int timeline_get_rules(struct timeline *timeline, struct arena *arena,
                       struct touchpoint_rule **rules, size_t *n, struct err *err) {
    (void)err;
    struct view *view = timeline_view(timeline);
    struct touchpoint_rules *copy = view->rules;
    *n = copy->n;
    *rules = touchpoint_rules_copy(copy->rules, copy->n, arena);
    view_release(view);
    return 0;
}

void timeline_stats(struct timeline *timeline, struct timeline_stats *stats) {
    uint64_t bytes;
    *stats = (struct timeline_stats){.head_rows = head_rows(timeline, &bytes)};
    struct view *view = timeline_view(timeline);
    stats->rows = stats->head_rows;
    for (size_t i = 0; i < view->n; i++)
        if (part_is_file(view->parts[i])) {
            stats->parts++;
            stats->rows += view->parts[i]->part.n_rows;
            stats->bytes += catalogue_part_of(view->parts[i]).bytes;
            stats->bytes += view->parts[i]->touchpoints.bytes;
        }
    view_release(view);
}
