/*
 * A data folder with a survey, for tests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_SURVEY_WORLD_H
#define SENDA_TESTS_SURVEY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../scratch.h"
#include "base/logger.h"
#include "survey/survey.h"

#define NOW_MS INT64_C(1790000000000)

struct world {
    char *scratch, *dir;
    struct folder *folder;
    struct arena arena;
};

static inline void world_open(struct world *world) {
    struct err err = {0};
    if (folder_open(&world->folder, world->dir, &err))
        fail_msg("%s", err.message);
}

static inline int world_setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    struct err err = {0};
    logger_set_level(LOGGER_ERROR + 1);
    arena_init(&world->arena);
    world->scratch = scratch_make("survey");
    if (asprintf(&world->dir, "%s/d", world->scratch) < 0)
        return -1;
    struct folder_settings settings = {.name = "Vereda", .timezone = "Europe/Madrid"};
    if (folder_create(world->dir, &settings, &err))
        return -1;
    world_open(world);
    *state = world;
    return 0;
}

static inline int world_teardown(void **state) {
    struct world *world = *state;
    folder_close(world->folder);
    scratch_remove(world->scratch);
    arena_release(&world->arena);
    free(world->dir);
    free(world->scratch);
    free(world);
    return 0;
}

static inline json_t *json_of(const char *text) {
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (!json)
        fail_msg("%s at %d", error.text, error.position);
    return json;
}

/* Adds and publishes. */
static inline struct survey *published(struct world *world, const char *id, const char *text) {
    struct err err = {0};
    struct survey_row row;
    struct survey *survey;
    uint32_t version;
    json_t *draft = json_of(text);
    int code = surveys_add(world->folder, id, draft, "ana", &world->arena, &row, &err);
    if (!code)
        code = surveys_publish(world->folder, slice_of(id), "ana", &version, &err);
    if (!code)
        code = survey_find(world->folder, slice_of(id), &survey, &err);
    json_decref(draft);
    if (code)
        fail_msg("%s %s", err.pointer, err.message);
    return survey;
}

static inline struct survey_context context_of(const char *submission) {
    return (struct survey_context){
        .submission = slice_of(submission), .time_ms = NOW_MS, .received_ms = NOW_MS};
}

static inline int submit(struct world *world, const struct survey *survey, const char *answers,
                         const struct survey_context *context, bool *duplicate, struct err *err) {
    struct survey_result result;
    json_t *json = json_of(answers);
    int code = survey_submit(world->folder, survey, json, context, &result, err);
    json_decref(json);
    if (duplicate)
        *duplicate = result.duplicate;
    return code;
}

/* Answers in the long table as "question=value(points) …", by name of the question and value. */
static inline int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}
static inline const char *answers_of_folder(struct world *world) {
    struct err err = {0};
    struct snapshot *snapshot;
    const struct part *const *parts;
    char *rows[500];
    size_t n = 0;
    const struct dictionary *dictionary = world->folder->dictionary;
    if (timeline_snapshot(world->folder->timeline, &snapshot, &err))
        fail_msg("%s", err.message);
    size_t n_parts = snapshot_parts(snapshot, PART_ANSWERS, 0, INT64_MAX, &parts, &world->arena);
    uint32_t codes[3] = {
        dictionary_find(dictionary, DICTIONARY_PROPERTY, SLICE_LITERAL("question")),
        dictionary_find(dictionary, DICTIONARY_PROPERTY, SLICE_LITERAL("value")),
        dictionary_find(dictionary, DICTIONARY_PROPERTY, SLICE_LITERAL("points"))};
    for (size_t p = 0; p < n_parts; p++) {
        assert_int_equal(part_touch(parts[p], COLUMN_ALL, codes, codes[2] ? 3 : 2, &err), 0);
        for (uint32_t row = 0; row < parts[p]->n_rows && n < 500; row++) {
            struct value question = part_value(parts[p], row, codes[0]),
                         value = part_value(parts[p], row, codes[1]),
                         points = part_value(parts[p], row, codes[2]);
            const char *text =
                value.type == VALUE_TEXT
                    ? arena_text(&world->arena, value.text)
                    : arena_format(&world->arena, "%g",
                                   value.type == VALUE_INT      ? (double)value.integer
                                   : value.type == VALUE_NUMBER ? value.number
                                                                : value.type == VALUE_TRUE);
            const char *counted =
                points.type == VALUE_ABSENT
                    ? ""
                    : arena_format(&world->arena, "(%g)",
                                   points.type == VALUE_INT ? (double)points.integer
                                                            : points.number);
            rows[n++] =
                arena_format(&world->arena, "%.*s=%s%s", SLICE_ARGS(question.text), text, counted);
        }
    }
    snapshot_release(snapshot);
    qsort(rows, n, sizeof *rows, compare_texts);
    const char *all = "";
    for (size_t i = 0; i < n; i++)
        all = arena_format(&world->arena, "%s%s%s", all, i ? " " : "", rows[i]);
    return all;
}

#endif
