/*
 * Responses as they are exported: one answer a row (long, every survey or one), or one submission a row (wide, one survey).
 *
 * COLUMNS of the long form: those of the long table. Of the wide form: who, when, where, then a column a question, in the
 * order of the newest version; what only older ones asked comes after. Several choices are joined by "; ".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "api/export_rows.h"
#include "api/survey_wide.h"
#include "base/csv_out.h"
#include "base/json_out.h"
#include "base/time.h"
#include "query/sight.h"
#include "survey/survey.h"
#include "timeline/log.h"

enum { PAGE_SEQS = 2000, WIDE_COLUMNS = 1000, WIDE_BYTES = 64 * 1024 };

enum {
    R_TIME,
    R_SUBMISSION,
    R_SURVEY,
    R_VERSION,
    R_QUESTION,
    R_METRIC,
    R_VALUE,
    R_POINTS,
    R_LANGUAGE,
    R_CUSTOMER,
    R_CHANNEL,
    R_TOUCHPOINT,
    R_UNIT,
    R_PARTIAL,
    R_SCALE,
    R_COLUMNS
};

struct reading {
    struct export_source *source;
    struct export_page *page;
    const struct overlay *overlay;
    const struct dictionary *dictionary;
    struct sight sight;
    struct slice survey; /* absent: all */
};

static struct slice number_text(double number, struct arena *arena) {
    return slice_of(arena_format(arena, "%.15g", number));
}

static struct slice value_text(const struct value *value, struct arena *arena) {
    switch (value->type) {
    case VALUE_TEXT:
    case VALUE_JSON: return arena_copy(arena, value->text);
    case VALUE_INT: return number_text((double)value->integer, arena);
    case VALUE_NUMBER: return number_text(value->number, arena);
    case VALUE_TRUE: return SLICE_LITERAL("true");
    case VALUE_FALSE: return SLICE_LITERAL("false");
    default: return (struct slice){0};
    }
}

static bool concerns(const struct reading *reading, const struct row *row) {
    return row->time_ms >= reading->source->from_ms && row->time_ms < reading->source->to_ms &&
           principal_sees(&reading->source->request->principal, row->unit);
}

static int take_answer(void *context, const struct log_record *record) {
    static const struct {
        const char *name;
        int column;
    } properties[] = {{"submission", R_SUBMISSION},
                      {"survey", R_SURVEY},
                      {"version", R_VERSION},
                      {"question", R_QUESTION},
                      {"metric", R_METRIC},
                      {"value", R_VALUE},
                      {"points", R_POINTS},
                      {"language", R_LANGUAGE},
                      {"context.touchpoint", R_TOUCHPOINT},
                      {"partial", R_PARTIAL}};
    struct reading *reading = context;
    const struct row *row = &record->row;
    struct export_page *page = reading->page;
    struct export_cell *cells = &page->cells[page->n * R_COLUMNS];
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    uint32_t code;
    if (row->type != ROW_ANSWER || !concerns(reading, row))
        return 0;
    memset(cells, 0, R_COLUMNS * sizeof *cells);
    struct slice ends[2] = {0};
    while (property_next(&cursor, &code, &value)) {
        struct slice name =
            dictionary_name(reading->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
            if (slice_is(name, properties[i].name) && !sight_hides(&reading->sight, code))
                cells[properties[i].column].text = value_text(&value, page->arena);
        if (slice_is(name, "scale_min") || slice_is(name, "scale_max"))
            ends[slice_is(name, "scale_max")] = value_text(&value, page->arena);
    }
    if (ends[0].n && ends[1].n)
        cells[R_SCALE].text = slice_of(
            arena_format(page->arena, "%.*s-%.*s", SLICE_ARGS(ends[0]), SLICE_ARGS(ends[1])));
    if (reading->survey.n && !slice_equal(cells[R_SURVEY].text, reading->survey))
        return 0;
    char *id = arena_get(page->arena, CUSTOMER_ID_BYTES);
    customer_id_format(overlay_owner(reading->overlay, row->customer), id);
    cells[R_TIME].number = (double)row->time_ms;
    cells[R_CUSTOMER].text = slice_of(id);
    cells[R_CHANNEL].text = dictionary_name(reading->dictionary, DICTIONARY_CHANNEL, row->channel);
    cells[R_UNIT].text = dictionary_name(reading->dictionary, DICTIONARY_UNIT, row->unit);
    page->n++;
    return 0;
}

/* Of the survey in the address, or the one that is asked for. */
static struct slice survey_of(const struct request *request) {
    bool own = strncmp(request->path, "/api/v1/surveys/", 16) == 0;
    const char *survey = own ? request->params[0] : request_query(request, "survey");
    return survey ? slice_of(survey) : (struct slice){0};
}

static int next_answers(struct export_source *source, struct export_page *page, struct err *err) {
    struct folder *folder = app_folder(source->request->app);
    struct reading reading = {.source = source,
                              .page = page,
                              .dictionary = folder->dictionary,
                              .sight = sight_of(folder, &source->request->principal),
                              .survey = survey_of(source->request)};
    struct snapshot *snapshot;
    page->n = 0;
    page->cells = arena_get(page->arena, sizeof *page->cells * PAGE_SEQS * R_COLUMNS);
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    reading.overlay = snapshot_overlay(snapshot);
    if (!source->end) {
        source->position = 1;
        source->end = snapshot_last_seq(snapshot) + 1;
    }
    while (!code && !page->n && source->position < source->end) {
        uint64_t to = source->position + PAGE_SEQS;
        if (to > source->end)
            to = source->end;
        code = log_read(folder->log, source->position, to, take_answer, &reading, err);
        source->position = to;
    }
    snapshot_release(snapshot);
    return code;
}

const struct export_kind export_responses = {
    .name = "responses",
    .n_columns = R_COLUMNS,
    .columns = {{"time", CELL_TIME},
                {"submission", CELL_TEXT},
                {"survey", CELL_TEXT},
                {"version", CELL_TEXT},
                {"question", CELL_TEXT},
                {"metric", CELL_TEXT},
                {"value", CELL_TEXT},
                {"points", CELL_TEXT},
                {"language", CELL_TEXT},
                {"customer", CELL_TEXT},
                {"channel", CELL_TEXT},
                {"touchpoint", CELL_TEXT},
                {"unit", CELL_TEXT},
                {"partial", CELL_TEXT},
                {"scale", CELL_TEXT}},
    .next = next_answers,
};

/* ---- wide ---- */

struct wide {
    struct export_source source;
    struct arena arena, round; /* of the export; of a page */
    const char **questions;
    size_t n;
    bool head_written;
    struct buf *chunk;
    struct reading reading;
};

static void add_column(struct wide *wide, const char *id) {
    for (size_t i = 0; i < wide->n; i++)
        if (strcmp(wide->questions[i], id) == 0)
            return;
    if (wide->n < WIDE_COLUMNS)
        wide->questions[wide->n++] = arena_text(&wide->arena, slice_of(id));
}

static void add_question(struct wide *wide, const struct survey_question *question) {
    bool ranking = question->type == SURVEY_RANKING;
    const struct survey_option *rows = ranking ? question->options : question->rows;
    size_t n = ranking ? question->n_options : question->n_rows;
    for (size_t i = 0; i < n; i++) {
        const char *id = arena_format(&wide->arena, "%s.%s", question->id, rows[i].id);
        if (question->type == SURVEY_SERVQUAL) {
            add_column(wide, arena_format(&wide->arena, "%s.expected", id));
            add_column(wide, arena_format(&wide->arena, "%s.perceived", id));
        } else {
            add_column(wide, id);
        }
    }
    if (!n && question->type != SURVEY_STATEMENT)
        add_column(wide, question->id);
    if (survey_option(question->options, question->n_options, SLICE_LITERAL("other")))
        add_column(wide, arena_format(&wide->arena, "%s.other", question->id));
}

/* Of every version, the newest first. */
static int find_columns(struct wide *wide, struct request *request, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct survey *survey;
    struct slice id = slice_of(request->params[0]);
    int code = survey_find(folder, id, &survey, err);
    wide->questions = ARENA_ARRAY(&wide->arena, const char *, WIDE_COLUMNS);
    for (uint32_t version = code ? 0 : survey->version; version > 0 && !code; version--) {
        if (version != survey->version) {
            survey_release(survey);
            code = survey_find_version(folder, id, version, &survey, err);
        }
        for (size_t i = 0; !code && i < survey->n_questions; i++)
            add_question(wide, &survey->questions[i]);
        if (!code && version == 1)
            survey_release(survey);
    }
    return code;
}

static void add_cell(struct wide *wide, struct slice text) {
    if (text.n)
        csv_add_text(wide->chunk, text);
    buf_add_char(wide->chunk, ',');
}

/* "recommend=nps:0-10;failed=choice[]": what import needs to read the row again (collect/import_own.c). */
static void add_scales(struct wide *wide, const json_t *answers) {
    json_t *answer;
    size_t i;
    struct buf text;
    buf_init(&text, WIDE_BYTES);
    json_array_foreach((json_t *)(uintptr_t)answers, i, answer) {
        const char *question = json_string_value(json_object_get(answer, "question")),
                   *metric = json_string_value(json_object_get(answer, "metric"));
        const json_t *scale = json_object_get(answer, "scale");
        if (!question || !metric || strpbrk(question, ";="))
            continue;
        buf_add_format(&text, "%s%s=%s", text.n ? ";" : "", question, metric);
        if (json_array_size(scale) == 2)
            buf_add_format(&text, ":%.15g-%.15g", json_number_value(json_array_get(scale, 0)),
                           json_number_value(json_array_get(scale, 1)));
        if (json_is_array(json_object_get(answer, "value")))
            buf_add_text(&text, "[]");
    }
    if (text.n)
        csv_add_text(wide->chunk, buf_slice(&text));
    buf_add_char(wide->chunk, ',');
    buf_release(&text);
}

static void add_json(struct buf *out, const json_t *value) {
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)value, i, each) {
        if (i)
            buf_add_text(out, "; ");
        add_json(out, each);
    }
    if (json_is_string(value))
        buf_add_text(out, json_string_value(value));
    else if (json_is_number(value))
        json_add_number(out, json_number_value(value));
    else if (json_is_boolean(value))
        buf_add_text(out, json_is_true(value) ? "true" : "false");
}

static void add_answers(struct wide *wide, struct slice text, struct slice partial) {
    json_t *answers = json_loadb(text.n ? text.p : "[]", text.n ? text.n : 2, 0, NULL), *answer;
    struct buf value;
    size_t k;
    add_scales(wide, answers);
    add_cell(wide, partial);
    buf_init(&value, WIDE_BYTES);
    for (size_t i = 0; i < wide->n; i++) {
        buf_clear(&value);
        json_array_foreach(answers, k, answer) {
            const char *question = json_string_value(json_object_get(answer, "question"));
            if (question && strcmp(question, wide->questions[i]) == 0)
                add_json(&value, json_object_get(answer, "value"));
        }
        if (value.n)
            csv_add_text(wide->chunk, buf_slice(&value));
        if (i + 1 < wide->n)
            buf_add_char(wide->chunk, ',');
    }
    buf_add_text(wide->chunk, "\r\n");
    buf_release(&value);
    json_decref(answers);
}

/* Properties of a response. */
enum {
    W_SUBMISSION,
    W_TOUCHPOINT,
    W_VERSION,
    W_LANGUAGE,
    W_PARTIAL,
    W_SURVEY,
    W_ANSWERS,
    W_QUESTION,
    W_VALUE,
    W_SCORE,
    W_COMMENT,
    W_METRIC,
    W_SCALE_MAX,
    W_N
};

static struct slice single_scales(struct wide *wide, struct slice value,
                                  const struct slice texts[W_N]) {
    const char *score = "", *scale = "", *words = texts[W_COMMENT].n ? ";comment=text" : "";
    if (value.n && texts[W_METRIC].n)
        score = arena_format(&wide->round, "%.*s=%.*s", SLICE_ARGS(texts[W_QUESTION]),
                             SLICE_ARGS(texts[W_METRIC]));
    if (score[0] && texts[W_SCALE_MAX].n)
        scale = arena_format(&wide->round, ":1-%.*s", SLICE_ARGS(texts[W_SCALE_MAX]));
    return slice_of(arena_format(&wide->round, "%s%s%s", score, scale, words));
}

/* A response that is one answer, with its words besides (collect/answers.h). */
static void add_single(struct wide *wide, const struct slice texts[W_N]) {
    struct slice value = texts[W_VALUE].n ? texts[W_VALUE] : texts[W_SCORE];
    add_cell(wide, single_scales(wide, value, texts));
    add_cell(wide, texts[W_PARTIAL]);
    for (size_t i = 0; i < wide->n; i++) {
        if (value.n && slice_is(texts[W_QUESTION], wide->questions[i]))
            csv_add_text(wide->chunk, value);
        else if (texts[W_COMMENT].n && strcmp(wide->questions[i], "comment") == 0)
            csv_add_text(wide->chunk, texts[W_COMMENT]);
        if (i + 1 < wide->n)
            buf_add_char(wide->chunk, ',');
    }
    buf_add_text(wide->chunk, "\r\n");
}

static int take_response(void *context, const struct log_record *record) {
    static const char *const names[] = {
        [W_SUBMISSION] = "submission", [W_TOUCHPOINT] = "context.touchpoint",
        [W_VERSION] = "version",       [W_LANGUAGE] = "language",
        [W_PARTIAL] = "partial",       [W_SURVEY] = "survey",
        [W_ANSWERS] = "answers",       [W_QUESTION] = "question",
        [W_VALUE] = "value",           [W_SCORE] = "score",
        [W_COMMENT] = "comment",       [W_METRIC] = "metric",
        [W_SCALE_MAX] = "scale_max"};
    struct wide *wide = context;
    const struct row *row = &record->row;
    const struct dictionary *dictionary = wide->reading.dictionary;
    struct property_cursor cursor = property_cursor(row);
    struct slice texts[W_N] = {0};
    struct value value;
    uint32_t code;
    char time[TIME_TEXT_BYTES], customer[CUSTOMER_ID_BYTES];
    if (!row_is_interaction(row->type) || !concerns(&wide->reading, row) ||
        !slice_is(dictionary_name(dictionary, DICTIONARY_EVENT, row->event), "Survey Responded"))
        return 0;
    while (property_next(&cursor, &code, &value)) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        for (size_t i = 0; i < W_N; i++)
            if (slice_is(name, names[i]) && !sight_hides(&wide->reading.sight, code))
                texts[i] = value_text(&value, &wide->round);
    }
    if (!slice_equal(texts[W_SURVEY], wide->reading.survey))
        return 0;
    time_format(row->time_ms, time);
    customer_id_format(overlay_owner(wide->reading.overlay, row->customer), customer);
    add_cell(wide, texts[W_SUBMISSION]);
    add_cell(wide, texts[W_SURVEY]);
    add_cell(wide, slice_of(time));
    add_cell(wide, slice_of(customer));
    add_cell(wide, dictionary_name(dictionary, DICTIONARY_CHANNEL, row->channel));
    add_cell(wide, texts[W_TOUCHPOINT]);
    add_cell(wide, dictionary_name(dictionary, DICTIONARY_UNIT, row->unit));
    add_cell(wide, texts[W_VERSION]);
    add_cell(wide, texts[W_LANGUAGE]);
    if (texts[W_ANSWERS].n)
        add_answers(wide, texts[W_ANSWERS], texts[W_PARTIAL]);
    else
        add_single(wide, texts);
    return 0;
}

static void add_head(struct wide *wide) {
    buf_add_text(wide->chunk, "\xef\xbb\xbfsubmission,survey,time,customer,channel,touchpoint,unit,"
                              "version,language,scales,partial");
    for (size_t i = 0; i < wide->n; i++)
        buf_add_format(wide->chunk, ",%s", wide->questions[i]);
    buf_add_text(wide->chunk, "\r\n");
}

static int next_wide(void *context, struct buf *chunk) {
    struct wide *wide = context;
    struct folder *folder = app_folder(wide->source.request->app);
    struct snapshot *snapshot;
    struct err err = {0};
    wide->chunk = chunk;
    if (!wide->head_written)
        add_head(wide);
    wide->head_written = true;
    if (atomic_load(wide->source.request->cancelled) ||
        timeline_snapshot(folder->timeline, &snapshot, &err))
        return -1;
    wide->reading.overlay = snapshot_overlay(snapshot);
    if (!wide->source.end) {
        wide->source.position = 1;
        wide->source.end = snapshot_last_seq(snapshot) + 1;
    }
    uint64_t to = wide->source.position + PAGE_SEQS;
    if (to > wide->source.end)
        to = wide->source.end;
    int code = wide->source.position < to
                   ? log_read(folder->log, wide->source.position, to, take_response, wide, &err)
                   : 0;
    wide->source.position = to;
    snapshot_release(snapshot);
    arena_clear(&wide->round);
    return code ? -1 : to < wide->source.end;
}

static void end_wide(void *context) {
    struct wide *wide = context;
    arena_release(&wide->arena);
    arena_release(&wide->round);
    free(wide);
}

int survey_wide_begin(struct request *request, struct response *response, int64_t from_ms,
                      int64_t to_ms, struct err *err) {
    struct wide *wide = calloc(1, sizeof *wide);
    if (!wide)
        abort();
    arena_init(&wide->arena);
    arena_init(&wide->round);
    wide->source = (struct export_source){.request = request, .from_ms = from_ms, .to_ms = to_ms};
    wide->reading =
        (struct reading){.source = &wide->source,
                         .sight = sight_of(app_folder(request->app), &request->principal),
                         .dictionary = app_folder(request->app)->dictionary,
                         .survey = survey_of(request)};
    int code = find_columns(wide, request, err);
    if (code) {
        end_wide(wide);
        return code;
    }
    response->type = "text/csv; charset=utf-8";
    response_header(
        request, response, "Content-Disposition",
        arena_format(request->arena, "attachment; filename=\"%s.csv\"", request->params[0]));
    response->stream = next_wide;
    response->stream_done = end_wide;
    response->stream_context = wide;
    audit_act(request, "export", request->params[0], "csv");
    return HANDLED;
}
