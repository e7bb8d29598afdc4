/*
 * IN: files of interactions and customers, from the shell, the web page or another program.
 *
 * IN:  jsonl, csv and xlsx with a map, xes; packed or not, in any encoding
 * OUT: batches of events with their keys, for the pipeline; refused rows with their reason
 *
 * The steps: open → unpack → decode → rows → map to events → key (messageId, else content and ordinal) → batches of the
 * sink. Reading runs ahead of writing by IMPORT_BATCHES batches; memory does not grow with the file, but for one number
 * of 8 bytes for each distinct row without message_id (in a file of its own beyond 32 MB, so that it can leave memory). Where several
 * rows are one response, the rows wait in a file without a name until all were read (import_gather.h).
 *
 * IDENTITY  A row without message_id is known by its content (customer, time, event, properties) and its ordinal among
 * equal rows of the file: importing the file again adds nothing, honest repetitions inside one file stay, and a longer
 * export of the same system adds only what is new. A row of customers without time is known by its content alone.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_H
#define SENDA_COLLECT_IMPORT_H

#include <stdatomic.h>

#include "base/zone.h"
#include "collect/ingest.h"

enum { IMPORT_BATCHES = 3, IMPORT_BATCH_ROWS = 8192, IMPORT_BATCH_BYTES = 2 * 1024 * 1024 };

/* What is imported: a file, or bytes where path is NULL (then name tells the format by its ending). */
struct import_file {
    const char *path;
    struct slice bytes;
    const char *name; /* "orders.csv.gz"; NULL: of path */
};

struct import_options {
    const char *
        format; /* jsonl csv xes customers-csv responses-csv reviews-csv; NULL: by the name's ending */
    struct slice map;           /* JSON of the interface; the csv forms need one */
    const char *sheet;          /* of an .xlsx; NULL: the first */
    const char *lifecycle;      /* xes: keep only this transition; NULL: all */
    const struct zone *zone;    /* of times without offset where the map names none; NULL: UTC */
    const struct hash_key *key; /* vault_message_key; NULL in a preview */
    int64_t received_ms;
    uint64_t most_rows;           /* gathered where several are one response (a preview); 0: all */
    const atomic_bool *cancelled; /* may be NULL */
};

struct import_progress {
    uint64_t read, accepted, duplicates, rejected;
    uint64_t position, size; /* bytes of the file; size 0: unknown */
    double seconds;
};

/* Events of a number of rows, with everything they point to. */
struct import_batch {
    struct event *events;
    struct key128 *keys;
    uint64_t *rows; /* numbers in the file */
    size_t n, bytes;
    struct event_result *results; /* [n], filled by the sink */
    void *state;                  /* the sink's */
};

/* Where batches go. Calls come from the importing thread, in order; a batch stays as it is until wait returns for it. */
struct import_sink {
    int (*submit)(void *context, struct import_batch *batch, struct err *err);
    int (*wait)(void *context, struct import_batch *batch,
                struct err *err); /* until results are there */
    /* A refused row. raw: the row as the file has it. */
    void (*reject)(void *context, uint64_t row, enum refusal refusal, const char *message,
                   struct slice raw);
    /* After each batch; may be NULL. */
    void (*progress)(void *context, const struct import_progress *progress);
    void *context;
};

/* Errors: E_INVALID a wrong map or a column that the file lacks, E_MALFORMED no such format, E_NOT_FOUND, E_CANCELLED,
 * whatever the sink fails with. What was submitted before stays; a second run completes it. */
must_use int import_run(const struct import_file *file, const struct import_options *options,
                        const struct import_sink *sink, struct import_progress *result,
                        struct err *err);

/* The sink of a data folder. Refused rows are appended to `rejected` (a JSON object a line), which is made by the first
 * one; NULL: nowhere. */
must_use int import_into(struct ingest *ingest, struct source source,
                         const struct import_file *file, const struct import_options *options,
                         const char *rejected,
                         void (*progress)(void *context, const struct import_progress *progress),
                         void *context, struct import_progress *result, struct err *err);
/* {"read":n,"accepted":n,"duplicates":n,"rejected":n,"seconds":x} */
void import_result_json(const struct import_progress *result, struct buf *json);

/* Looks at the beginning of a file and proposes how to read it:
 * {"format","encoding","delimiter","decimal","sheets":[…],"columns":[{"name","kind","filled","distinct","examples":[…]}],
 *  "sample":[["cell",…],…],"map":{…},"confidence":{"customer":0.9,…},"notes":["…"],
 *  "preview":[{"row","customer","time","event","channel"?,…,"properties":{…}}],"rejected":[{"row","code","message"}]}.
 * kind: empty integer decimal time text. notes: no_rows no_header no_customer no_time no_event (all rows bear one name)
 * day_or_month_first. format: csv, customers-csv or reviews-csv, whatever the rows look like, unless options say it. options->map given: keeps
 * it and shows its preview. map has null where nothing fits (then there is no preview); it is null for jsonl and xes. */
must_use int import_guess(const struct import_file *file, const struct import_options *options,
                          struct buf *json, struct err *err);

/* A small table, whole: a .csv or .xlsx in any encoding, with names of columns in its first row. Texts are the arena's. */
struct import_cells {
    const struct slice *columns; /* [n_columns] */
    const struct slice **rows;   /* [n][n_columns]; a missing cell is empty */
    uint64_t *numbers;           /* [n] as a spreadsheet shows them */
    size_t n_columns, n;
};
/* E_INVALID: no table, or an unreadable row; E_TOO_LARGE: more than max rows. */
must_use int import_cells(const struct import_file *file, size_t max, struct arena *arena,
                          struct import_cells *cells, struct err *err);

#endif
