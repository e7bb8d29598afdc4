/*
 * What the tests of whole answers share: a scratch data folder, files imported into it, questions asked of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_BACKEND_WORLD_H
#define SENDA_TESTS_BACKEND_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../unit/scratch.h"
#include "backend/backend.h"
#include "base/clock.h"
#include "collect/import.h"

struct world {
    char *dir;
    struct folder *folder;
};

static inline void world_open(struct world *world, const char *timezone) {
    struct err err = {0};
    struct folder_settings settings = {.timezone = timezone};
    world->dir = scratch_make("backend");
    if (folder_create(world->dir, &settings, &err) || folder_open(&world->folder, world->dir, &err))
        fail_msg("folder: %s", err.message);
}

static inline void world_close(struct world *world) {
    folder_close(world->folder);
    scratch_remove(world->dir);
    free(world->dir);
}

/* map: JSON, NULL for xes and jsonl. Returns events accepted. */
static inline uint64_t world_import(struct world *world, const char *path, const char *map) {
    struct err err = {0};
    struct import_progress result = {0};
    struct import_file file = {.path = path};
    struct import_options options = {.map = map ? slice_of(map) : (struct slice){NULL, 0},
                                     .zone = world->folder->zone,
                                     .key = vault_message_key(world->folder->vault),
                                     .received_ms = clock_now_ms()};
    if (import_into(world->folder->ingest, (struct source){.number = 1}, &file, &options, NULL,
                    NULL, NULL, &result, &err))
        fail_msg("import: %s %s", err.message, err.pointer);
    return result.accepted;
}

static inline void world_track(struct world *world, const char *json_lines) {
    struct err err = {0};
    struct import_progress result = {0};
    struct import_file file = {.bytes = slice_of(json_lines), .name = "events.jsonl"};
    struct import_options options = {.format = "jsonl",
                                     .key = vault_message_key(world->folder->vault),
                                     .received_ms = clock_now_ms()};
    if (import_into(world->folder->ingest, (struct source){.number = 1}, &file, &options, NULL,
                    NULL, NULL, &result, &err))
        fail_msg("track: %s", err.message);
    assert_int_equal(result.rejected, 0);
}

static inline int world_try(struct world *world, const char *query,
                            const struct principal *principal, json_t **answer, struct err *err) {
    static const struct principal owner = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    json_t *json = json_loads(query, 0, NULL);
    if (!json)
        fail_msg("not JSON: %s", query);
    *answer = NULL;
    int code = query_run(world->folder, BACKEND_LOCAL, json, principal ? principal : &owner, NULL,
                         answer, err);
    json_decref(json);
    return code;
}

/* New reference to the whole answer. */
static inline json_t *world_ask(struct world *world, const char *query) {
    struct err err = {0};
    json_t *answer;
    if (world_try(world, query, NULL, &answer, &err))
        fail_msg("%s: %s %s (%s)", query, err.pointer, err.message, err.hint);
    return answer;
}

/* A member by a path like "data.edges.0.count". */
static inline json_t *at(const json_t *json, const char *path) {
    char copy[256], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    json_t *here = (json_t *)(uintptr_t)json;
    for (char *word = strtok_r(copy, ".", &rest); word && here; word = strtok_r(NULL, ".", &rest))
        here = json_is_array(here) ? json_array_get(here, strtoul(word, NULL, 10))
                                   : json_object_get(here, word);
    return here;
}

static inline long long int_at(const json_t *json, const char *path) {
    const json_t *value = at(json, path);
    if (!json_is_integer(value))
        fail_msg("%s is not a whole number", path);
    return (long long)json_integer_value(value);
}

static inline double number_at(const json_t *json, const char *path) {
    const json_t *value = at(json, path);
    if (!json_is_number(value))
        fail_msg("%s is not a number", path);
    return json_number_value(value);
}

/* The number at a path is within tolerance of what is wanted. */
#define NEAR(json, path, wanted, tolerance)                                                        \
    do {                                                                                           \
        double got_ = number_at((json), (path));                                                   \
        if (!(fabs(got_ - (wanted)) <= (tolerance)))                                               \
            fail_msg("%s is %.10g, not %.10g", (path), got_, (double)(wanted));                    \
    } while (0)

#endif
