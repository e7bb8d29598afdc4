/*
 * One event object a line, of the shape of the items of /v1/batch. Empty lines are skipped. The clock is not repaired:
 * sentAt of an old event tells nothing about the clock of its sender now.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "collect/import_reader.h"

struct jsonl {
    struct import_reader reader;
    struct import_stream *stream;
    int64_t received_ms;
    uint64_t lines;
};

/* The next line without its end, a view of the stream. 1, 0 or an error. */
static int next_line(struct jsonl *jsonl, struct slice *line, size_t *total, struct err *err) {
    size_t looked = 0;
    for (;;) {
        struct slice text = import_stream_text(jsonl->stream);
        const char *end = text.n > looked ? memchr(text.p + looked, '\n', text.n - looked) : NULL;
        if (end) {
            *total = (size_t)(end - text.p) + 1;
            *line = (struct slice){text.p, *total - 1};
            return 1;
        }
        looked = text.n;
        int code = import_stream_fill(jsonl->stream, err);
        if (code < 0)
            return code;
        if (code == 0) {
            *line = import_stream_text(jsonl->stream);
            *total = line->n;
            return line->n > 0;
        }
    }
}

static int jsonl_next(struct import_reader *reader, struct arena *arena, struct import_row *row,
                      struct err *err) {
    struct jsonl *jsonl = (struct jsonl *)reader;
    struct slice line;
    size_t total;
    for (;;) {
        int code = next_line(jsonl, &line, &total, err);
        if (code <= 0)
            return code;
        jsonl->lines++;
        while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' ' ||
                          line.p[line.n - 1] == '\t'))
            line.n--;
        if (line.n)
            break;
        import_stream_take(jsonl->stream, total);
    }
    row->number = jsonl->lines;
    row->raw = arena_copy(arena, line);
    import_stream_take(jsonl->stream, total);
    row->refusal = event_parse(row->raw, -1, jsonl->received_ms, jsonl->received_ms, arena,
                               &row->event, row->message);
    return 1;
}

static void jsonl_close(struct import_reader *reader) {
    struct jsonl *jsonl = (struct jsonl *)reader;
    import_stream_close(jsonl->stream);
    free(jsonl);
}

static void jsonl_progress(const struct import_reader *reader, uint64_t *position, uint64_t *size) {
    const struct jsonl *jsonl = (const struct jsonl *)reader;
    *position = import_stream_position(jsonl->stream);
    *size = import_stream_size(jsonl->stream);
}

int import_open_jsonl(struct import_reader **reader, struct import_stream *stream,
                      const struct import_options *options, struct err *err) {
    static const struct import_reader_class class = {jsonl_next, jsonl_close, jsonl_progress};
    struct jsonl *jsonl = calloc(1, sizeof *jsonl);
    (void)err;
    if (!jsonl)
        abort();
    *jsonl = (struct jsonl){{&class}, stream, options->received_ms, 0};
    *reader = &jsonl->reader;
    return 0;
}
