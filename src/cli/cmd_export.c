/*
 * senda export: everything that is stored, in constant memory.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/commands.h"
#include "cli/desk.h"
#include "http/router.h"

/* "2026-01-01..2026-02-01", or as ISO 8601 has it, "2026-01-01/2026-02-01"; either end may be missing. */
static int add_range(const char *range, struct buf *target, struct err *err) {
    if (!range)
        return 0;
    const char *between = strstr(range, "..");
    const char *to = between ? between + 2 : NULL;
    if (!between && (between = strchr(range, '/')))
        to = between + 1;
    if (!between)
        return err_set(err, E_USAGE, "--range is FROM..TO");
    if (between > range) {
        buf_add_text(target, "&from=");
        url_encode((struct slice){range, (size_t)(between - range)}, target);
    }
    if (*to) {
        buf_add_text(target, "&to=");
        url_encode(slice_of(to), target);
    }
    return 0;
}

static int run(struct command_line *line, struct err *err) {
    const char *dir, *path = option_get(line, "out");
    struct desk *desk = NULL;
    struct buf target;
    buf_init(&target, 4096);
    buf_add_text(&target, "/api/v1/exports/");
    url_encode(slice_of(line->arguments[0]), &target);
    buf_add_text(&target, "?format=");
    url_encode(slice_of(option_get(line, "format")), &target);
    int code = option_need(line, "data", &dir, err);
    if (!code)
        code = add_range(option_get(line, "range"), &target, err);
    if (option_get(line, "segment")) {
        buf_add_text(&target, "&segment=");
        url_encode(slice_of(option_get(line, "segment")), &target);
    }
    if (!code)
        code = desk_open(&desk, dir, err);
    FILE *out = code ? NULL : path ? fopen(path, "wb") : stdout;
    if (!code && !out)
        code = err_set(err, E_IO, "the file %.100s cannot be written", path);
    struct ask ask = {.method = "GET", .target = target.p, .accept = "*/*"};
    if (!code)
        code = desk_ask_stream(desk, &ask, out, err);
    if (out && (out == stdout ? fflush(out) : fclose(out)) != 0 && !code)
        code = err_set(err, E_NOSPACE, "the export cannot be written");
    desk_close(desk);
    buf_release(&target);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    {"format", "FORMAT", "csv", "csv, jsonl or xlsx"},
    {"range", "FROM..TO", NULL, "only interactions of this time, half-open"},
    {"segment", "NAME", NULL, "only the members of a segment (customers)"},
    {"out", "FILE", NULL, "write to a file; else to stdout"},
};

const struct command command_export = {
    .name = "export",
    .arguments = "interactions|customers|responses|reviews",
    .least = 1,
    .most = 1,
    .summary = "writes all interactions, customers, responses or reviews as csv, jsonl or xlsx",
    OPTIONS_OF(options),
    .run = run};
