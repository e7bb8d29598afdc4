/*
 * Fills a data folder with the demonstration: see fill.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/fill.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "voice/review.h"

/* The demonstration prepares itself. */
static const struct principal DEMO = {
    .name = "demo", .role = ROLE_OWNER, .scopes = SCOPE_MANAGE | SCOPE_ADMIN | SCOPE_IMPORT};

/* ---- state ---- */

static int read_setting(struct folder *folder, const char *name, char *value, size_t size,
                        struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    value[0] = 0;
    int code = store_setting_get(db, name, value, size, err);
    store_reader_put(folder->store, db);
    return code == E_NOT_FOUND ? 0 : code;
}

int demo_folder_state(struct folder *folder, struct demo_folder *demo, struct err *err) {
    char state[16], now[32], scale[32];
    struct err ignored = {0};
    *demo = (struct demo_folder){0};
    int code = read_setting(folder, "demo", state, sizeof state, &ignored);
    if (!code)
        code = read_setting(folder, "demo_now", now, sizeof now, &ignored);
    if (!code)
        code = read_setting(folder, "demo_scale", scale, sizeof scale, &ignored);
    if (code) {
        *err = ignored;
        return code;
    }
    demo->state = strcmp(state, "1") == 0 ? DEMO_COMPLETE : state[0] ? DEMO_LOADING : DEMO_NONE;
    demo->now_ms = strtoll(now, NULL, 10);
    demo->scale = strtod(scale, NULL);
    return 0;
}

struct settings_job {
    const char *state;
    char now[32], scale[32];
};

static int write_settings(void *context, sqlite3 *db, struct err *err) {
    const struct settings_job *job = context;
    int code = store_setting_put(db, "demo", job->state, err);
    if (!code)
        code = store_setting_put(db, "demo_now", job->now, err);
    return code ? code : store_setting_put(db, "demo_scale", job->scale, err);
}

static int put_state(struct folder *folder, const char *state, const struct demo_filling *filling,
                     struct err *err) {
    struct settings_job job = {.state = state};
    snprintf(job.now, sizeof job.now, "%lld", (long long)filling->now_ms);
    snprintf(job.scale, sizeof job.scale, "%.17g", filling->scale);
    return store_write(folder->store, write_settings, &job, err);
}

/* ---- the organisation ---- */

static int put_organisation(struct app *app, struct source sources[DEMO_SOURCES], struct err *err) {
    const struct demo_unit *units;
    size_t n = demo_units(&units);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        struct unit_parent parent = {"territory", units[i].parent};
        struct unit unit = {units[i].name, units[i].name, &parent, units[i].parent != NULL};
        code = unit_put(app_accounts(app), &DEMO, &unit, err);
    }
    const struct touchpoint_rule *rules;
    size_t n_rules = demo_touchpoint_rules(&rules);
    if (!code)
        code = timeline_set_rules(app_folder(app)->timeline, rules, n_rules, err);
    for (int i = 0; i < DEMO_SOURCES && !code; i++)
        code = sources_ensure(app_sources(app), demo_source_title((enum demo_source)i), "demo",
                              demo_source_channel((enum demo_source)i), &sources[i], err);
    return code;
}

/* ---- events ---- */

enum { FILL_BATCH = 4000 };

struct filler {
    struct folder *folder;
    struct demo_filling *filling;
    struct source sources[DEMO_SOURCES];
    struct event_result results[FILL_BATCH];
    struct err *err;
};

static int fill_emit(void *context, enum demo_source source, const struct event *events, size_t n) {
    struct filler *filler = context;
    struct ingest_batch batch = {.source = filler->sources[source],
                                 .events = events,
                                 .n = n,
                                 .bulk = true,
                                 .bytes = n * 400,
                                 .received_ms = clock_now_ms(),
                                 .results = filler->results};
    int code = ingest_run(filler->folder->ingest, &batch, filler->err);
    if (code)
        return code;
    for (size_t i = 0; i < n && batch.rejected; i++)
        if (filler->results[i].outcome == OUTCOME_REJECTED)
            return err_set(filler->err, E_INTERNAL, "an event of the demonstration was refused: %s",
                           refusal_text((enum refusal)filler->results[i].refusal));
    filler->filling->accepted += batch.accepted;
    filler->filling->duplicates += batch.duplicates;
    return 0;
}

static void fill_progress(void *context, uint64_t done, uint64_t total) {
    const struct filler *filler = context;
    if (filler->filling->progress)
        filler->filling->progress(filler->filling->context, done, total);
}

int demo_fill(struct app *app, struct demo_filling *filling, struct err *err) {
    struct filler *filler = calloc(1, sizeof *filler);
    if (!filler)
        abort();
    filler->folder = app_folder(app);
    filler->filling = filling;
    filler->err = err;
    struct demo_options options = {
        .scale = filling->scale, .now_ms = filling->now_ms, .zone = filler->folder->zone};
    struct demo_sink sink = {
        .emit = fill_emit, .progress = fill_progress, .context = filler, .batch = FILL_BATCH};
    int code = put_state(filler->folder, "loading", filling, err);
    if (!code)
        code = put_organisation(app, filler->sources, err);
    if (!code)
        code = demo_generate(&options, &sink, err);
    int more = 1;
    while (!code && more > 0)
        if ((more = folder_maintain(filler->folder, true, err)) < 0)
            code = more;
    if (!code)
        code = demo_promises(filler->folder, &DEMO, err);
    if (!code)
        code = demo_surveys(filler->folder, &DEMO, err);
    if (!code)
        code = demo_segments(filler->folder, &DEMO, err);
    if (!code)
        code = demo_invitations(filler->folder, &DEMO, err);
    for (more = 1; !code && more > 0;)
        if ((more = review_catch_up(filler->folder, err)) < 0)
            code = more;
    struct demo_dates dates;
    demo_dates_of(&options, &dates);
    if (!code)
        code = demo_scores(filler->folder, &DEMO, dates.comfort_ms, err);
    if (!code)
        code = demo_kiosks(filler->folder, &DEMO, filling->now_ms, err);
    if (!code)
        code = demo_worth(filler->folder, &DEMO, err);
    if (!code)
        code = put_state(filler->folder, "1", filling, err);
    free(filler);
    malloc_trim(0);
    return code;
}
