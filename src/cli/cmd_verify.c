/*
 * senda verify, senda reindex and senda migrate: what keeps a data folder sound.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/progress.h"
#include "cli/show.h"

static int run_verify(struct command_line *line, struct err *err) {
    const char *dir, *finding;
    struct desk *desk = NULL;
    json_t *answer = NULL, *body = json_pack("{s:b}", "repair", option_flag(line, "repair")), *row;
    size_t i;
    int code = option_need(line, "data", &dir, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code)
        code = desk_ask_json(desk, "POST", "/api/v1/verify", body, &answer, err);
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (!code && option_flag(line, "json")) {
        desk_print(answer);
    } else if (!code) {
        json_array_foreach(json_object_get(answer, "findings"), i,
                           row) if ((finding = json_string_value(row))) printf("%s\n", finding);
        puts(!ok                                                    ? "not everything is sound"
             : json_array_size(json_object_get(answer, "findings")) ? "everything is sound again"
                                                                    : "everything is sound");
    }
    if (!code && !ok) {
        code = err_set(err, E_REFUSED, "%zu findings",
                       json_array_size(json_object_get(answer, "findings")));
        err_hint(err, option_flag(line, "repair")
                          ? "What is left cannot be rebuilt: restore a backup."
                          : "senda verify --repair rebuilds a damaged index and damaged keys.");
    }
    json_decref(answer);
    json_decref(body);
    desk_close(desk);
    return code;
}

static const struct option verify_options[] = {
    OPTION_DATA,
    {"repair", NULL, NULL, "rebuild the index and keys where they are damaged"},
    OPTION_JSON,
};

const struct command command_verify = {.name = "verify",
                                       .summary =
                                           "checks every checksum and cross-reference; exit 4 if "
                                           "something is (or, with --repair, stays) wrong",
                                       OPTIONS_OF(verify_options),
                                       .run = run_verify};

static int reindex_here(struct folder *folder, json_t **answer, struct err *err) {
    struct timeline_stats stats;
    struct progress progress;
    int64_t began_us = clock_monotonic_us();
    progress_init(&progress, "reindex");
    int code = timeline_reindex(folder->timeline, progress_show, &progress, err);
    progress_end(&progress);
    if (code)
        return code;
    timeline_stats(folder->timeline, &stats);
    *answer =
        json_pack("{s:I, s:i, s:f}", "interactions", (json_int_t)stats.rows, "parts",
                  (int)stats.parts, "seconds", (double)(clock_monotonic_us() - began_us) / 1e6);
    return 0;
}

static int run_reindex(struct command_line *line, struct err *err) {
    const char *dir;
    struct desk *desk = NULL;
    json_t *answer = NULL;
    int code = option_need(line, "data", &dir, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code)
        code = desk_folder(desk)
                   ? reindex_here(desk_folder(desk), &answer, err)
                   : desk_ask_json(desk, "POST", "/api/v1/reindex", NULL, &answer, err);
    if (!code)
        desk_print(answer);
    json_decref(answer);
    desk_close(desk);
    return code;
}

static const struct option reindex_options[] = {OPTION_DATA};

const struct command command_reindex = {.name = "reindex",
                                        .summary = "rebuilds the timeline's index from the log",
                                        OPTIONS_OF(reindex_options),
                                        .run = run_reindex};

static int run_migrate(struct command_line *line, struct err *err) {
    const char *dir;
    unsigned steps = 0;
    struct desk *desk = NULL;
    int code = option_need(line, "data", &dir, err);
    if (!code)
        code = store_pending(dir, &steps, err);
    /* Opening applies them, after a copy of the records. */
    if (!code && steps && !option_flag(line, "dry-run"))
        code = desk_open(&desk, dir, err);
    desk_close(desk);
    if (code)
        return code;
    json_t *result = json_pack("{s:i, s:b}", "steps", (int)steps, "applied",
                               steps && !option_flag(line, "dry-run"));
    desk_print(result);
    json_decref(result);
    return 0;
}

static const struct option migrate_options[] = {
    OPTION_DATA,
    {"dry-run", NULL, NULL, "only say how many steps are missing"},
};

const struct command command_migrate = {
    .name = "migrate",
    .summary = "applies steps of the schema that are missing, after a copy of the records",
    OPTIONS_OF(migrate_options),
    .run = run_migrate,
    .more = "Every command and the server do this by themselves when they open a folder."};
