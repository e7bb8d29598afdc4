/*
 * Our own files of responses (api/export_responses.c) tell by their columns what they are: the map of one, without asking.
 *
 *   wide  submission, survey, time, customer, channel, touchpoint, unit, version, language, scales, partial, then a column a question
 *   long  time, submission, survey, version, question, metric, value, …, scale: an answer a row, those of a submission in any place
 *
 * Customers are known by their ids in the folder that the file came from; where it goes they are somebody else, so respondents are
 * anonymous: one within each survey.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/json_out.h"
#include "collect/import_guess.h"

static bool has_columns(const struct sample *sample, const char *const *names) {
    for (; *names; names++) {
        bool found = false;
        for (size_t i = 0; i < sample->header.n; i++)
            found |= slice_is(sample->columns[i].name, *names);
        if (!found)
            return false;
    }
    return true;
}

static void add_member(struct buf *json, const char *name, const char *column) {
    json_add_name(json, name);
    json_add_text(json, slice_of(column));
}

static void add_column(struct buf *json, const char *name, const char *column) {
    json_add_name(json, name);
    buf_add_char(json, '{');
    add_member(json, "column", column);
    buf_add_char(json, '}');
}

static void begin(struct buf *json) {
    static const char *const parts[] = {"time", "channel", "touchpoint", "unit"};
    buf_add_char(json, '{');
    add_column(json, "survey", "survey");
    add_member(json, "respondent", "customer");
    buf_add_text(json, ",\"anonymous\":true");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add_member(json, parts[i], parts[i]);
    add_member(json, "time_format", "rfc3339");
    buf_add_text(json, ",\"properties\":[\"submission\",\"version\",\"language\",\"partial\"],"
                       "\"types\":{\"submission\":\"string\",\"language\":\"string\",\"partial\":"
                       "\"boolean\"},\"decimal\":\".\",\"answers\":[");
}

/* Questions are what stands behind the column `partial`. */
static bool wide_json(const struct sample *sample, struct buf *json) {
    size_t at = 0, n = 0;
    while (at < sample->header.n && !slice_is(sample->columns[at].name, "partial"))
        at++;
    begin(json);
    for (size_t i = at + 1; i < sample->header.n; i++) {
        buf_add_text(json, n++ ? ",{" : "{");
        json_add_name(json, "column");
        json_add_text(json, sample->columns[i].name);
        buf_add_char(json, '}');
    }
    buf_add_char(json, ']');
    add_member(json, "scales", "scales");
    buf_add_char(json, '}');
    return n > 0;
}

static bool long_json(struct buf *json) {
    begin(json);
    buf_add_char(json, '{');
    add_member(json, "column", "value");
    add_column(json, "question", "question");
    add_column(json, "metric", "metric");
    add_column(json, "scale", "scale");
    add_column(json, "touchpoint", "touchpoint");
    buf_add_text(json, "}]");
    add_member(json, "response", "submission");
    buf_add_char(json, '}');
    return true;
}

bool guess_own_json(const struct sample *sample, struct buf *json) {
    static const char *const wide[] = {"submission", "time",   "customer", "channel",
                                       "touchpoint", "unit",   "version",  "language",
                                       "partial",    "survey", "scales",   NULL},
                             *const rows[] = {"time",     "submission", "survey",     "version",
                                              "question", "metric",     "value",      "language",
                                              "customer", "channel",    "touchpoint", "unit",
                                              "partial",  "scale",      NULL};
    return has_columns(sample, wide)   ? wide_json(sample, json)
           : has_columns(sample, rows) ? long_json(json)
                                       : false;
}

int import_own_map(const struct import_file *file, const struct import_options *options,
                   const struct import_opened *opened, struct buf *json, struct err *err) {
    struct sample sample;
    int code = sample_read(&sample, file, options, opened, NULL, err);
    if (code)
        return code;
    if (!guess_own_json(&sample, json)) {
        code = err_at(err, E_INVALID, "/map", "which column answers which question must be said");
        err_hint(err, "Files that Senda wrote itself need no map.");
    }
    sample_release(&sample);
    return code;
}
