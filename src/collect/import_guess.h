/*
 * What a table means, guessed from the names and the first rows of its columns. Private to collect/import_*.
 *
 * NAMES  A column's name is compared with words of Spanish and English without regard to case, accents and separators: the
 * whole name counts 1, a word in it 0.7. A file of a header alone is judged by its names. CONTENT must allow it: a time is read by one format in four rows of five, a
 * customer and an event are nearly always there, an event is a short text that repeats. Confidence is the product.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_GUESS_H
#define SENDA_COLLECT_IMPORT_GUESS_H

#include "collect/import.h"
#include "collect/import_map.h"
#include "collect/import_reader.h"

enum { SAMPLE_ROWS = 200, SAMPLE_EXAMPLES = 3 };

enum cells_kind { CELLS_EMPTY, CELLS_INTEGER, CELLS_DECIMAL, CELLS_TIME, CELLS_TEXT };

struct sample_column {
    struct slice name;  /* trimmed */
    struct slice words; /* folded, separators as single blanks */
    enum cells_kind kind;
    size_t filled, distinct;
    size_t bytes;             /* of all filled cells */
    bool leading_zeros;       /* "08001": a code, not a number */
    const char *time_format;  /* of CELLS_TIME */
    const char *clock_format; /* every cell is a time of day: "%H:%M" */
    bool day_first_doubtful;  /* 03/04/2026: either order fits all rows */
    struct slice examples[SAMPLE_EXAMPLES];
    size_t n_examples;
};

/* The header and the first rows of a file. */
struct sample {
    struct arena arena;
    struct table_row header, rows[SAMPLE_ROWS];
    size_t n_rows;
    struct sample_column *columns; /* [header.n] */
    uint64_t header_row; /* titles stand above the header, which is this row; 0: none do */
    bool bare; /* there is no header: the first row is data, and the columns are called A, B … */
    char delimiter, decimal;
    char encoding[32];
    const char **sheets; /* NULL-terminated, or NULL */
};
must_use int sample_read(struct sample *sample, const struct import_file *file,
                         const struct import_options *options, const struct import_opened *opened,
                         const struct import_map *map, struct err *err);
void sample_release(struct sample *sample);
/* Which column is which part, -1 none, and how sure that is (0 to 1). */
struct guess {
    int columns[MAP_PARTS];
    double confidence[MAP_PARTS];
    const char
        *time_format; /* of the time, with the time of day where it has a column; NULL: not known */
    const char *event; /* where no column is the event: what all rows may be called */
};
/* file_words: sample_words of the file's name; they help to name the event of all rows. */
void guess_parts(struct sample *sample, bool customers, struct slice file_words,
                 struct guess *guess);
/* Rows about people, not about what they did: an identifier once in each row, no event, several columns like name, e-mail,
 * city. */
bool guess_is_customers(const struct sample *sample, const struct guess *guess);
/* The map as JSON; null where nothing fits. */
void guess_map_json(const struct sample *sample, const struct guess *guess, bool customers,
                    struct buf *json);
/* The members of a map that say how the file is read: header, delimiter, encoding, decimal. */
void guess_file_json(const struct sample *sample, struct buf *json);
/* import_own.c: the map of a file of responses that we wrote ourselves; false: it is none. */
bool guess_own_json(const struct sample *sample, struct buf *json);
/* The same for a file that nobody described: E_INVALID. */
must_use int import_own_map(const struct import_file *file, const struct import_options *options,
                            const struct import_opened *opened, struct buf *json, struct err *err);
/* Lower case without accents, whatever is no letter or digit as single blanks: "ID_Cliente" and "id cliente" are one. */
struct slice sample_words(struct sample *sample, struct slice name);
/* So many of the rows that the others are slips: four of five, or all but one in a short table. */
bool sample_nearly_all(size_t n, size_t of);
/* The format that reads "date clock" of two columns, in the sample's arena. NULL: none fits four of five of the instants that the two columns make up. */
const char *sample_joined_format(struct sample *sample, int date, int clock);

/* Fills in what a map does not say: the decimal sign and the format of times, from the first rows. */
must_use int import_complete_map(const struct import_file *file,
                                 const struct import_options *options, struct import_map *map,
                                 struct err *err);

#endif
