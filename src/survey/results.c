/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "survey/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "query/sight.h"
#include "query/units.h"

enum column {
    C_SURVEY,
    C_SUBMISSION,
    C_VERSION,
    C_LANGUAGE,
    C_PARTIAL,
    C_INVITATION,
    C_QUESTION,
    C_METRIC,
    C_VALUE,
    C_POINTS,
    C_MIN,
    C_MAX,
    COLUMNS
};
static const char *const columns[] = {"survey",  "submission", "version",   "language",
                                      "partial", "invitation", "question",  "metric",
                                      "value",   "points",     "scale_min", "scale_max"};
static const char *const events[] = {"Survey Invited", "Survey Shown", "Survey Dismissed",
                                     "Survey Responded"};

struct scanning {
    const struct survey_filter *filter;
    struct slice survey;
    const struct snapshot *snapshot;
    const struct dictionary *dictionary;
    const struct part *part;
    enum part_kind kind;
    uint32_t codes[COLUMNS];
    uint16_t channel, touchpoint, events[SURVEY_EVENTS];
    const bool *units; /* [LIMIT_CODES + 1] the unit asked for and what is below it; NULL: all */
    const struct part_column *found[COLUMNS];
    void (*take)(void *context, const struct survey_said *said);
    void *context;
};

static struct value value_at(const struct scanning *scanning, enum column column, uint32_t row) {
    return scanning->found[column] ? part_value(scanning->part, row, scanning->codes[column])
                                   : (struct value){.type = VALUE_ABSENT};
}

static struct slice text_at(const struct scanning *scanning, enum column column, uint32_t row) {
    struct value value = value_at(scanning, column, row);
    return value.type == VALUE_TEXT ? value.text : (struct slice){"", 0};
}

static double number_at(const struct scanning *scanning, enum column column, uint32_t row) {
    struct value value = value_at(scanning, column, row);
    char text[24];
    if (value.type != VALUE_TEXT || value.text.n >= sizeof text)
        return value.type == VALUE_INT      ? (double)value.integer
               : value.type == VALUE_NUMBER ? value.number
                                            : 0;
    memcpy(text, value.text.p, value.text.n); /* versions of imported answers may be texts */
    text[value.text.n] = 0;
    return strtod(text, NULL);
}

static bool fits_text(struct slice wanted, struct slice text) {
    return !wanted.n || slice_equal(wanted, text);
}

/* A name that nothing bears is on no row, also not on those without one. */
static bool is_code(struct slice wanted, uint16_t code, uint16_t seen) {
    return !wanted.n || (code != CODE_NONE && seen == code);
}

static bool passes_codes(const struct scanning *scanning, uint32_t row, int64_t time_ms) {
    const struct survey_filter *filter = scanning->filter;
    const struct part *part = scanning->part;
    return time_ms >= filter->from_ms && time_ms < filter->to_ms &&
           principal_sees(filter->principal, part->unit[row]) &&
           is_code(filter->channel, scanning->channel, part->channel[row]) &&
           (!scanning->units || scanning->units[part->unit[row]]) &&
           is_code(filter->touchpoint, scanning->touchpoint, part->touchpoint[row]);
}

static bool event_of(const struct scanning *scanning, uint32_t row, enum survey_event *event) {
    for (int i = 0; i < SURVEY_EVENTS; i++)
        if (scanning->events[i] && scanning->part->event[row] == scanning->events[i]) {
            *event = (enum survey_event)i;
            return true;
        }
    return false;
}

static void take_row(const struct scanning *scanning, uint32_t owner, uint32_t row) {
    const struct part *part = scanning->part;
    const struct survey_filter *filter = scanning->filter;
    int64_t time_ms = (int64_t)part->sec[row] * 1000 + part->ms[row];
    struct survey_said said = {.owner = owner, .time_ms = time_ms};
    bool of_event = event_of(scanning, row, &said.event);
    if ((!of_event && scanning->kind == PART_INTERACTIONS) ||
        !passes_codes(scanning, row, time_ms) ||
        !slice_equal(text_at(scanning, C_SURVEY, row), scanning->survey))
        return;
    said.version = (int64_t)number_at(scanning, C_VERSION, row);
    said.language = text_at(scanning, C_LANGUAGE, row);
    said.question = text_at(scanning, C_QUESTION, row);
    bool invited = of_event && said.event == SURVEY_INVITED;
    if ((filter->version && said.version != filter->version && !invited) ||
        (!fits_text(filter->language, said.language) && !invited) ||
        !fits_text(filter->question, said.question))
        return;
    said.seq = part->seq_base + part->seq[row];
    said.submission = text_at(scanning, C_SUBMISSION, row);
    said.partial = value_at(scanning, C_PARTIAL, row).type == VALUE_TRUE;
    said.by_invitation = value_at(scanning, C_INVITATION, row).type != VALUE_ABSENT;
    said.channel = dictionary_name(scanning->dictionary, DICTIONARY_CHANNEL, part->channel[row]);
    said.unit = dictionary_name(scanning->dictionary, DICTIONARY_UNIT, part->unit[row]);
    said.touchpoint =
        dictionary_name(scanning->dictionary, DICTIONARY_TOUCHPOINT, part->touchpoint[row]);
    said.metric = text_at(scanning, C_METRIC, row);
    said.value = value_at(scanning, C_VALUE, row);
    said.has_points = value_at(scanning, C_POINTS, row).type != VALUE_ABSENT;
    said.points = number_at(scanning, C_POINTS, row);
    said.scale_min = number_at(scanning, C_MIN, row);
    said.scale_max = number_at(scanning, C_MAX, row);
    scanning->take(scanning->context, &said);
}

/* Some row of the part may name the survey: its dictionary of values has it, or there is none. */
static bool names_survey(const struct scanning *scanning) {
    const struct part_column *column = scanning->found[C_SURVEY];
    if (!column || !column->code_bytes)
        return column != NULL;
    for (uint32_t i = 0; i < column->n_values; i++) {
        uint64_t t = column->payload[i];
        if (column->value_types[i] == VALUE_TEXT &&
            slice_equal((struct slice){column->text + column->text_start[t],
                                       column->text_start[t + 1] - column->text_start[t]},
                        scanning->survey))
            return true;
    }
    return false;
}

static int scan_part(void *context, struct err *err) {
    struct scanning *scanning = context;
    const struct part *part = scanning->part;
    const struct overlay *overlay = snapshot_overlay(scanning->snapshot);
    uint32_t touched[COLUMNS];
    size_t n = 0;
    for (int i = 0; i < COLUMNS; i++)
        if (scanning->codes[i])
            touched[n++] = scanning->codes[i];
    int code = part_touch(part, COLUMN_ALL, touched, n, err);
    if (code)
        return code;
    for (int i = 0; i < COLUMNS; i++)
        scanning->found[i] = scanning->codes[i] ? part_column_find(part, scanning->codes[i]) : NULL;
    if (!names_survey(scanning))
        return 0;
    for (uint32_t k = 0; k < part->n_customers; k++) {
        uint32_t owner = overlay_owner(overlay, part->customer[k]);
        for (uint32_t row = part->start[k]; row < part->start[k + 1]; row++)
            take_row(scanning, owner, row);
    }
    return 0;
}

static void find_codes(struct folder *folder, struct scanning *scanning) {
    const struct dictionary *dictionary = scanning->dictionary;
    const struct survey_filter *filter = scanning->filter;
    struct sight sight = sight_of(folder, filter->principal);
    for (int i = 0; i < COLUMNS; i++) {
        uint16_t code = dictionary_find(dictionary, DICTIONARY_PROPERTY, slice_of(columns[i]));
        scanning->codes[i] = sight_hides(&sight, code) ? CODE_NONE : code;
    }
    for (int i = 0; i < SURVEY_EVENTS; i++)
        scanning->events[i] = dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(events[i]));
    scanning->channel = dictionary_find(dictionary, DICTIONARY_CHANNEL, filter->channel);
    scanning->touchpoint = dictionary_find(dictionary, DICTIONARY_TOUCHPOINT, filter->touchpoint);
}

static int find_units(struct folder *folder, struct scanning *scanning, struct arena *arena,
                      struct err *err) {
    struct slice name = scanning->filter->unit;
    struct units units;
    const uint16_t *below;
    if (!name.n)
        return 0;
    sqlite3 *db = store_reader_get(folder->store);
    int code = units_load(db, scanning->dictionary, arena, &units, err);
    store_reader_put(folder->store, db);
    if (code)
        return code;
    if (!units_know(&units, name))
        return err_at(err, E_INVALID, "/unit", "unknown unit \"%.*s\"",
                      (int)(name.n < 60 ? name.n : 60), name.p);
    bool *wanted = ARENA_ARRAY(arena, bool, LIMIT_CODES + 1);
    size_t n = units_below(&units, name, arena, &below);
    for (size_t i = 0; i < n; i++)
        wanted[below[i]] = true;
    scanning->units = wanted;
    return 0;
}

static int scan(struct folder *folder, struct scanning *scanning, struct err *err) {
    struct snapshot *snapshot;
    struct arena arena;
    const struct part *const *parts;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    arena_init(&arena);
    scanning->snapshot = snapshot;
    scanning->dictionary = folder->dictionary;
    find_codes(folder, scanning);
    code = find_units(folder, scanning, &arena, err);
    size_t n = snapshot_parts(snapshot, scanning->kind, scanning->filter->from_ms,
                              scanning->filter->to_ms, &parts, &arena);
    for (size_t i = 0; i < n && !code && scanning->codes[C_SURVEY]; i++) {
        scanning->part = parts[i];
        code = part_guard(scan_part, scanning, err);
    }
    snapshot_release(snapshot);
    arena_release(&arena);
    return code;
}

int survey_read_answers(struct folder *folder, struct slice survey,
                        const struct survey_filter *filter,
                        void (*take)(void *context, const struct survey_said *said), void *context,
                        struct err *err) {
    struct scanning scanning = {
        .filter = filter, .survey = survey, .kind = PART_ANSWERS, .take = take, .context = context};
    return scan(folder, &scanning, err);
}

int survey_read_events(struct folder *folder, struct slice survey,
                       const struct survey_filter *filter,
                       void (*take)(void *context, const struct survey_said *said), void *context,
                       struct err *err) {
    struct scanning scanning = {.filter = filter,
                                .survey = survey,
                                .kind = PART_INTERACTIONS,
                                .take = take,
                                .context = context};
    return scan(folder, &scanning, err);
}
