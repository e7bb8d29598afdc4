/*
 * Rebuilding parts from the log, in constant memory: rows of the wanted cells are gathered, built into parts, written to
 * files that are not listed, merged, and put in the place of the old files in one transaction. A crash leaves files that
 * the next start removes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/logger.h"
#include "timeline/part_merge.h"
#include "timeline/timeline_internal.h"

enum { GATHER_ROWS = LIMIT_HEAD_ROWS, FAN_IN = 64, PROGRESS_ROWS = 1 << 16 };

struct rebuild {
    struct timeline *timeline;
    struct view *view; /* as it was at the beginning */
    const bool *cells;
    uint64_t until; /* last seq */
    timeline_progress progress;
    void *context;
    struct err *err;
    struct row *rows; /* [GATHER_ROWS] */
    const struct row **pointers;
    size_t n, bytes;
    struct arena texts;
    struct part_body *files[CELLS][FAN_IN];
    size_t n_files[CELLS];
};

bool cells_damaged(const struct view *view, bool cells[CELLS]) {
    bool any = false;
    memset(cells, 0, CELLS * sizeof *cells);
    for (size_t i = 0; i < view->n; i++) {
        const struct part *part = &view->parts[i]->part;
        if (!part_is_file(view->parts[i]) || !part_is_damaged(view->parts[i]))
            continue;
        any = true;
        uint32_t last = range_of(&view->boundaries, part->max_ms);
        for (uint32_t range = range_of(&view->boundaries, part->min_ms); range <= last; range++)
            cells[cell_of(part->kind, range)] = true;
    }
    return any;
}

/* Merges the files of a cell into one. */
static int gather_files(struct rebuild *rebuild, uint32_t cell) {
    struct part_body **files = rebuild->files[cell], *merged = NULL;
    size_t n = rebuild->n_files[cell];
    if (n < 2)
        return 0;
    int code = file_merge(rebuild->timeline, files[0]->part.kind, files[0]->part.range_from_ms,
                          files[0]->part.range_to_ms, false, files, n, &merged, rebuild->err);
    if (code)
        return code;
    files_drop(rebuild->timeline, files, n);
    files[0] = merged;
    rebuild->n_files[cell] = 1;
    return 0;
}

static int add_file(struct rebuild *rebuild, struct part_body *part) {
    uint32_t cell = part_cell(rebuild->view, part);
    struct part_body *file = NULL;
    int code = 0;
    if (rebuild->n_files[cell] == FAN_IN)
        code = gather_files(rebuild, cell);
    if (!code)
        code = file_merge(rebuild->timeline, part->part.kind, part->part.range_from_ms,
                          part->part.range_to_ms, false, &part, 1, &file, rebuild->err);
    if (!code && file)
        rebuild->files[cell][rebuild->n_files[cell]++] = file;
    return code;
}

/* Writes what was gathered. */
static int flush(struct rebuild *rebuild) {
    struct part_body *parts[CELLS];
    for (size_t i = 0; i < rebuild->n; i++)
        rebuild->pointers[i] = &rebuild->rows[i];
    int made = rows_build(rebuild->timeline, rebuild->view, rebuild->pointers, rebuild->n, parts,
                          rebuild->err);
    int code = made < 0 ? made : 0;
    for (int i = 0; i < made; i++) {
        if (!code)
            code = add_file(rebuild, parts[i]);
        part_release(parts[i]);
    }
    rebuild->n = rebuild->bytes = 0;
    arena_clear(&rebuild->texts);
    return code;
}

static int visit(void *context, const struct log_record *record) {
    struct rebuild *rebuild = context;
    const struct row *row = &record->row;
    if (rebuild->progress && row->seq % PROGRESS_ROWS == 0)
        rebuild->progress(rebuild->context, row->seq, rebuild->until);
    if (row->type == ROW_GONE)
        return 0;
    enum part_kind kind = part_kind_of(row->type);
    if (!rebuild->cells[cell_of(kind, range_of(&rebuild->view->boundaries, row->time_ms))])
        return 0;
    struct row *copy = &rebuild->rows[rebuild->n++];
    *copy = *row;
    copy->properties = arena_copy(&rebuild->texts, row->properties);
    rebuild->bytes += row->properties.n;
    return rebuild->n == GATHER_ROWS || rebuild->bytes > (size_t)LIMIT_HEAD_BYTES ? flush(rebuild)
                                                                                  : 0;
}

/* Lists the new files in place of the old ones. */
static int replace(struct rebuild *rebuild) {
    struct view *view = rebuild->view;
    struct part_body **removed = pointers_new(view->n), *added[CELLS];
    struct view_change change = {.removed = removed, .added = added, .new_content = true};
    for (size_t i = 0; i < view->n; i++)
        if (part_is_file(view->parts[i]) && rebuild->cells[part_cell(view, view->parts[i])])
            removed[change.n_removed++] = view->parts[i];
    for (uint32_t cell = 0; cell < CELLS; cell++)
        if (rebuild->n_files[cell])
            added[change.n_added++] = rebuild->files[cell][0];
    int code = files_swap(rebuild->timeline, &change, rebuild->err);
    if (!code)
        memset(rebuild->n_files, 0, sizeof rebuild->n_files);
    free(removed);
    return code;
}

int timeline_rebuild(struct timeline *timeline, const bool cells[CELLS], timeline_progress progress,
                     void *context, struct err *err) {
    struct rebuild *rebuild = calloc(1, sizeof *rebuild);
    if (!rebuild || !(rebuild->rows = calloc(GATHER_ROWS, sizeof *rebuild->rows)))
        abort();
    rebuild->pointers = pointers_new(GATHER_ROWS);
    rebuild->timeline = timeline;
    rebuild->view = timeline_view(timeline);
    rebuild->cells = cells;
    rebuild->until = rebuild->view->covered;
    rebuild->progress = progress;
    rebuild->context = context;
    rebuild->err = err;
    arena_init(&rebuild->texts);
    int code = 0;
    if (rebuild->until)
        code = log_read(timeline->log, 1, rebuild->until + 1, visit, rebuild, err);
    if (!code)
        code = flush(rebuild);
    for (uint32_t cell = 0; cell < CELLS && !code; cell++)
        code = gather_files(rebuild, cell);
    if (!code)
        code = replace(rebuild);
    for (uint32_t cell = 0; cell < CELLS; cell++)
        files_drop(timeline, rebuild->files[cell], rebuild->n_files[cell]);
    if (!code && progress)
        progress(context, rebuild->until, rebuild->until);
    view_release(rebuild->view);
    arena_release(&rebuild->texts);
    free(rebuild->rows);
    free(rebuild->pointers);
    free(rebuild);
    return code;
}

int timeline_reindex(struct timeline *timeline, timeline_progress progress, void *context,
                     struct err *err) {
    bool cells[CELLS];
    for (uint32_t cell = 0; cell < CELLS; cell++)
        cells[cell] = true;
    pthread_mutex_lock(&timeline->work);
    int code = head_advance(timeline, true, err);
    if (!code)
        code = timeline_rebuild(timeline, cells, progress, context, err);
    pthread_mutex_unlock(&timeline->work);
    return code;
}

int timeline_forget(struct timeline *timeline, const struct timeline_span *spans, struct err *err) {
    bool cells[CELLS] = {false}, any = false;
    pthread_mutex_lock(&timeline->work);
    int code = head_advance(timeline, true, err);
    struct view *view = timeline_view(timeline);
    for (uint32_t kind = 0; kind < PART_KINDS; kind++)
        if (spans[kind].from_ms <= spans[kind].to_ms) {
            uint32_t last = range_of(&view->boundaries, spans[kind].to_ms);
            for (uint32_t r = range_of(&view->boundaries, spans[kind].from_ms); r <= last; r++)
                cells[cell_of((enum part_kind)kind, r)] = any = true;
        }
    view_release(view);
    if (!code && any)
        code = timeline_rebuild(timeline, cells, NULL, NULL, err);
    pthread_mutex_unlock(&timeline->work);
    return code;
}
