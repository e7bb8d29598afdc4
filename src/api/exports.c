/*
 * GET /api/v1/exports/{what}?format=csv|jsonl|xlsx&from=&to=&segment=: everything the asker may see, as it is written, in constant
 * memory.
 *
 * CSV is RFC 4180 in UTF-8 with a byte order mark; a text that a spreadsheet would take for a formula gets an
 * apostrophe. An .xlsx is written to a nameless file first; beyond what a sheet holds another sheet begins.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "api/export_rows.h"
#include "backend/members.h"
#include "base/csv_out.h"
#include "base/json_out.h"
#include "base/time.h"
#include "segment/segment.h"

enum { SHEET_ROWS = 1048576, SHEET_CELL_BYTES = 32000, SHEETS_MAX = 200 };

struct export {
    struct export_source source;
    struct arena arena; /* of one page */
    bool head_written;
    void (*put)(struct export * export, const struct export_cell *cells, struct buf *out);
    void (*head)(struct export * export, struct buf * out);
    FILE *file; /* xlsx */
};

static bool is_empty(const struct export_kind *kind, size_t column,
                     const struct export_cell *cell) {
    switch (kind->columns[column].kind) {
    case CELL_TIME: return cell->number < 0;
    case CELL_NUMBER: return false;
    default: return !cell->text.p || !cell->text.n;
    }
}

static struct slice time_text(double time_ms, char text[TIME_TEXT_BYTES]) {
    time_format((int64_t)time_ms, text);
    return slice_of(text);
}

/* ---- csv ---- */

static void csv_head(struct export *export, struct buf *out) {
    const struct export_kind *kind = export->source.kind;
    buf_add_text(out, "\xef\xbb\xbf");
    for (size_t i = 0; i < kind->n_columns; i++)
        buf_add_format(out, "%s%s", i ? "," : "", kind->columns[i].name);
    buf_add_text(out, "\r\n");
}

static void csv_row(struct export *export, const struct export_cell *cells, struct buf *out) {
    const struct export_kind *kind = export->source.kind;
    char time[TIME_TEXT_BYTES];
    for (size_t i = 0; i < kind->n_columns; i++) {
        if (i)
            buf_add_char(out, ',');
        if (is_empty(kind, i, &cells[i]))
            continue;
        if (kind->columns[i].kind == CELL_TIME)
            buf_add_slice(out, time_text(cells[i].number, time));
        else if (kind->columns[i].kind == CELL_NUMBER)
            json_add_number(out, cells[i].number);
        else if (kind->columns[i].kind == CELL_JSON)
            csv_add_quoted(out, cells[i].text);
        else
            csv_add_text(out, cells[i].text);
    }
    buf_add_text(out, "\r\n");
}

/* ---- jsonl ---- */

static void jsonl_row(struct export *export, const struct export_cell *cells, struct buf *out) {
    const struct export_kind *kind = export->source.kind;
    char time[TIME_TEXT_BYTES];
    buf_add_char(out, '{');
    for (size_t i = 0; i < kind->n_columns; i++) {
        json_add_name(out, kind->columns[i].name);
        if (is_empty(kind, i, &cells[i]))
            buf_add_text(out, "null");
        else if (kind->columns[i].kind == CELL_TIME)
            json_add_text(out, time_text(cells[i].number, time));
        else if (kind->columns[i].kind == CELL_NUMBER)
            json_add_number(out, cells[i].number);
        else if (kind->columns[i].kind == CELL_JSON)
            buf_add_slice(out, cells[i].text);
        else
            json_add_text(out, cells[i].text);
    }
    buf_add_text(out, "}\n");
}

static int next_text(void *context, struct buf *chunk) {
    struct export *export = context;
    struct export_page page = {.arena = &export->arena};
    struct err err = {0};
    if (!export->head_written && export->head)
        export->head(export, chunk);
    export->head_written = true;
    if (atomic_load(export->source.request->cancelled))
        return -1;
    int code = export->source.kind->next(&export->source, &page, &err);
    size_t columns = export->source.kind->n_columns;
    for (size_t i = 0; !code && i < page.n; i++)
        export->put(export, &page.cells[i * columns], chunk);
    arena_clear(&export->arena);
    return code ? -1 : page.n ? 1 : 0;
}

/* ---- xlsx ---- */

static void sheet_head(const struct export_kind *kind, lxw_worksheet *sheet, lxw_format *bold) {
    for (size_t i = 0; i < kind->n_columns; i++)
        worksheet_write_string(sheet, 0, (lxw_col_t)i, kind->columns[i].name, bold);
}

static void sheet_row(const struct export *export, lxw_worksheet *sheet, lxw_row_t at,
                      const struct export_cell *cells, lxw_format *instant) {
    const struct export_kind *kind = export->source.kind;
    char text[SHEET_CELL_BYTES + 1];
    for (size_t i = 0; i < kind->n_columns; i++) {
        lxw_col_t column = (lxw_col_t)i;
        if (is_empty(kind, i, &cells[i]))
            continue;
        if (kind->columns[i].kind == CELL_TIME) {
            /* Days since 1899-12-30, UTC. */
            worksheet_write_number(sheet, at, column, cells[i].number / 86400000.0 + 25569.0,
                                   instant);
        } else if (kind->columns[i].kind == CELL_NUMBER) {
            worksheet_write_number(sheet, at, column, cells[i].number, NULL);
        } else {
            size_t n = cells[i].text.n < SHEET_CELL_BYTES ? cells[i].text.n : SHEET_CELL_BYTES;
            while (n < cells[i].text.n && n && ((unsigned char)cells[i].text.p[n] & 0xC0) == 0x80)
                n--;
            memcpy(text, cells[i].text.p, n);
            text[n] = 0;
            worksheet_write_string(sheet, at, column, text, NULL);
        }
    }
}

static int write_sheets(struct export *export, lxw_workbook *book, struct err *err) {
    struct export_page page = {.arena = &export->arena};
    size_t columns = export->source.kind->n_columns;
    lxw_format *bold = workbook_add_format(book), *instant = workbook_add_format(book);
    format_set_bold(bold);
    format_set_num_format(instant, "yyyy-mm-dd hh:mm:ss.000");
    lxw_worksheet *sheet = NULL;
    lxw_row_t at = SHEET_ROWS;
    int code = 0, sheets = 0;
    do {
        code = export->source.kind->next(&export->source, &page, err);
        if (!code && atomic_load(export->source.request->cancelled))
            code = err_set(err, E_CANCELLED, "the asker left");
        for (size_t i = 0; !code && i < page.n; i++) {
            if (at == SHEET_ROWS) {
                if (sheets++ == SHEETS_MAX)
                    code = err_set(err, E_TOO_LARGE, "too many rows for a workbook");
                sheet = workbook_add_worksheet(book, NULL);
                sheet_head(export->source.kind, sheet, bold);
                at = 1;
            }
            if (!code)
                sheet_row(export, sheet, at++, &page.cells[i * columns], instant);
        }
        arena_clear(&export->arena);
    } while (!code && page.n);
    if (!sheet)
        sheet_head(export->source.kind, workbook_add_worksheet(book, NULL), bold);
    return code;
}

static int write_workbook(struct export *export, struct err *err) {
    const char *dir = app_folder(export->source.request->app)->dir;
    struct arena arena;
    arena_init(&arena);
    char *path = arena_format(&arena, "%s/export-XXXXXX.xlsx", dir),
         *tmpdir = arena_format(&arena, "%s", dir);
    int fd = mkstemps(path, 5),
        code = fd < 0 ? err_set(err, E_NOSPACE, "no room for the export") : 0;
    if (!code) {
        lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = tmpdir};
        lxw_workbook *book = workbook_new_opt(path, &options);
        code = write_sheets(export, book, err);
        lxw_error error = workbook_close(book);
        if (!code && error)
            code = err_set(err, E_NOSPACE, "the workbook cannot be written");
        if (!code)
            export->file = fopen(path, "rb");
        close(fd);
        unlink(path);
    }
    arena_release(&arena);
    return code ? code : export->file ? 0 : err_set(err, E_IO, "the workbook cannot be read");
}

static int next_file(void *context, struct buf *chunk) {
    struct export *export = context;
    struct err err = {0};
    char block[32 * 1024];
    if (!export->file && write_workbook(export, &err))
        return -1;
    size_t n = fread(block, 1, sizeof block, export->file);
    buf_add(chunk, block, n);
    return n ? 1 : 0;
}

static void end_export(void *context) {
    struct export *export = context;
    if (export->file)
        fclose(export->file);
    arena_release(&export->arena);
    free(export->source.members);
    free(export);
}

/* ---- the route ---- */

static int read_instant(struct request *request, const char *name, int64_t standard,
                        int64_t *time_ms, struct err *err) {
    const char *text = request_query(request, name);
    *time_ms = standard;
    if (!text || !text[0])
        return 0;
    if (time_parse(slice_of(text), app_folder(request->app)->zone, time_ms))
        return err_at(err, E_INVALID, arena_format(request->arena, "/%s", name),
                      "%s is not an instant", name);
    return 0;
}

static int read_format(struct request *request, const char **format, struct err *err) {
    static const char *const formats[] = {"csv", "jsonl", "xlsx"};
    const char *said = request_query(request, "format");
    *format = formats[0];
    for (size_t i = 0; said && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i], said) == 0) {
            *format = formats[i];
            return 0;
        }
    return said ? err_at(err, E_INVALID, "/format", "format is csv, jsonl or xlsx") : 0;
}

/* Its members now of whom the asker may know. */
static int read_members(struct request *request, const char *segment, struct export_source *source,
                        struct err *err) {
    struct folder *folder = app_folder(request->app);
    roaring_bitmap_t *members, *seen = NULL;
    struct snapshot *snapshot;
    int code = segment_members(folder, segment, &members, err);
    if (code)
        return code;
    code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (!code) {
        code = members_seen(snapshot, &request->principal, &seen, err);
        snapshot_release(snapshot);
    }
    if (seen)
        roaring_bitmap_and_inplace(members, seen);
    source->n_members = roaring_bitmap_get_cardinality(members);
    source->members = malloc((source->n_members + 1) * sizeof *source->members);
    if (!source->members)
        abort();
    roaring_bitmap_to_uint32_array(members, source->members);
    roaring_bitmap_free(members);
    if (seen)
        roaring_bitmap_free(seen);
    return code;
}

int export_begin(struct request *request, struct response *response, const struct export_kind *kind,
                 const char *segment, struct err *err) {
    struct export_source source = {.kind = kind, .request = request};
    const char *format;
    if ((request->principal.scopes & kind->scopes) != kind->scopes)
        return err_set(err, E_FORBIDDEN, "only an administrator exports this");
    int code = read_format(request, &format, err);
    if (!code)
        code = read_instant(request, "from", TIME_MIN_MS, &source.from_ms, err);
    if (!code)
        code = read_instant(request, "to", TIME_MAX_MS, &source.to_ms, err);
    if (!code && segment && kind != &export_customers)
        code = err_at(err, E_INVALID, "/segment", "only customers are exported by segment");
    if (!code && segment)
        code = read_members(request, segment, &source, err);
    if (code) {
        free(source.members);
        return code;
    }
    struct export *export = calloc(1, sizeof *export);
    if (!export)
        abort();
    bool csv = strcmp(format, "csv") == 0, xlsx = strcmp(format, "xlsx") == 0;
    export->source = source;
    export->put = csv ? csv_row : jsonl_row;
    export->head = csv ? csv_head : NULL;
    arena_init(&export->arena);
    response->type = csv    ? "text/csv; charset=utf-8"
                     : xlsx ? "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                            : "application/x-ndjson";
    response_header(request, response, "Content-Disposition",
                    arena_format(request->arena, "attachment; filename=\"%s%s%s.%s\"", kind->name,
                                 segment ? "-" : "", segment ? segment : "", format));
    response->stream = xlsx ? next_file : next_text;
    response->stream_done = end_export;
    response->stream_context = export;
    audit_act(request, "export", segment ? segment : kind->name, format);
    return HANDLED;
}

static int begin(struct request *request, struct response *response, struct err *err) {
    enum { KINDS = 5 };
    static const struct export_kind *const kinds[KINDS] = {
        &export_interactions, &export_customers, &export_audit, &export_responses, &export_reviews};
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i]->name, request->params[0]) == 0)
            return export_begin(request, response, kinds[i], request_query(request, "segment"),
                                err);
    return err_set(err, E_NOT_FOUND,
                   "interactions, customers, responses, reviews and audit can be exported");
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/exports/{what}", ACCESS_API, SCOPE_QUERY, .role = ROLE_UNIT_MANAGER,
     .handle = begin,
     .summary = "All interactions, customers, reviews, responses (&survey=) or the audit: "
                "?format=csv|jsonl|xlsx &from= "
                "&to= &segment="},
};
const struct route_table api_export_routes = ROUTE_TABLE(routes);
