/*
 * What a reader of a format gives: one row at a time, as an event or with the reason why it is none. Private to
 * collect/import_*.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_READER_H
#define SENDA_COLLECT_IMPORT_READER_H

#include "collect/import.h"
#include "collect/import_map.h"
#include "collect/import_table.h"

struct import_row {
    uint64_t number;
    struct slice raw;
    enum refusal refusal; /* REFUSAL_NONE: event is set */
    char message[EVENT_MESSAGE_BYTES];
    struct event event;
};

struct import_reader {
    const struct import_reader_class *class;
};
struct import_reader_class {
    /* 1: a row, everything of it in the arena; 0: the end; or an error. */
    int (*next)(struct import_reader *reader, struct arena *arena, struct import_row *row,
                struct err *err);
    void (*close)(struct import_reader *reader);
    void (*progress)(const struct import_reader *reader, uint64_t *position, uint64_t *size);
};

/* Readers take the stream over; NULL for a spreadsheet. */
must_use int import_open_jsonl(struct import_reader **reader, struct import_stream *stream,
                               const struct import_options *options, struct err *err);
must_use int import_open_xes(struct import_reader **reader, struct import_stream *stream,
                             const struct import_options *options, struct err *err);
/* csv and xlsx: binds the map (taken over) to the columns of the first row. */
must_use int import_open_rows(struct import_reader **reader, struct import_stream *stream,
                              struct table *table, struct import_map *map,
                              const struct import_options *options, struct err *err);

/* A file opened as the options and its name say. */
enum import_kind {
    IMPORT_JSONL,
    IMPORT_CSV,
    IMPORT_XES,
    IMPORT_CUSTOMERS,
    IMPORT_RESPONSES,
    IMPORT_REVIEWS
};
static inline enum map_kind import_map_kind(enum import_kind kind) {
    return kind == IMPORT_CUSTOMERS   ? MAP_CUSTOMERS
           : kind == IMPORT_RESPONSES ? MAP_RESPONSES
           : kind == IMPORT_REVIEWS   ? MAP_REVIEWS
                                      : MAP_INTERACTIONS;
}
struct import_opened {
    enum import_kind kind;
    bool spreadsheet;
    struct import_stream *stream; /* NULL for a spreadsheet */
};
must_use int import_open_file(const struct import_file *file, const struct import_options *options,
                              struct import_opened *opened, struct err *err);
/* Rows of an opened csv or spreadsheet; delimiter and encoding of the map, or recognised. */
must_use int import_open_table(const struct import_file *file, const struct import_options *options,
                               const struct import_opened *opened, const struct import_map *map,
                               struct table **table, struct err *err);

#endif
