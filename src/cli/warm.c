/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/warm.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/logger.h"
#include "base/time.h"
#include "search/search.h"

enum { NICE = 10 };

/* Columns that every question has; of answers and traits also all properties, which pages of customers read. */
static int touch_parts(struct warming *warming, enum part_kind kind, struct err *err) {
    struct snapshot *snapshot;
    struct arena arena;
    const struct part *const *parts;
    int code = timeline_snapshot(warming->folder->timeline, &snapshot, err);
    if (code)
        return code;
    arena_init(&arena);
    size_t n = snapshot_parts(snapshot, kind, TIME_MIN_MS, TIME_MAX_MS, &parts, &arena);
    for (size_t p = 0; p < n && !code && !atomic_load(&warming->stop); p++) {
        code = part_touch(parts[p], COLUMN_ALL, NULL, 0, err);
        for (uint32_t c = 0; c < parts[p]->n_columns && !code && kind != PART_INTERACTIONS; c++)
            code = part_touch(parts[p], 0, &parts[p]->columns[c].code, 1, err);
    }
    arena_release(&arena);
    snapshot_release(snapshot);
    return code;
}

/* Whatever fails here fails again, and is told, where somebody asks. */
static void *run(void *context) {
    static const enum part_kind kinds[] = {PART_TRAITS, PART_ANSWERS, PART_INTERACTIONS};
    struct warming *warming = context;
    struct err err = {0};
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread alone (Linux) */
    int code = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !code; i++)
        code = touch_parts(warming, kinds[i], &err);
    if (!code && !atomic_load(&warming->stop))
        code = search_prepare(warming->folder, &err);
    if (code && code != E_CANCELLED)
        log_warn("serve", "could not prepare for the first questions: %s", err.message);
    return NULL;
}

void warming_start(struct warming *warming, struct folder *folder) {
    *warming = (struct warming){.folder = folder};
    warming->started = pthread_create(&warming->thread, NULL, run, warming) == 0;
}

void warming_stop(struct warming *warming) {
    if (!warming->started)
        return;
    atomic_store(&warming->stop, true);
    search_stop(warming->folder);
    pthread_join(warming->thread, NULL);
    warming->started = false;
}
