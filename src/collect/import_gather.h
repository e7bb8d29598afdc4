/*
 * Rows of a file that belong together, wherever they stand in it. Private to collect/import_*.
 *
 * Rows are kept in the order of the file in a file without a name (in memory where none can be made), each with the place of the next
 * one of its group; a table finds the last row of a group by its key. Memory holds one row at a time and the table: 24 bytes a group,
 * itself in a file once it is large. Groups come back in the order of their first rows, rows of a group in the order of the file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_GATHER_H
#define SENDA_COLLECT_IMPORT_GATHER_H

#include "base/hash.h"
#include "collect/import_table.h"

struct import_gather;

/* E_IO. */
must_use int import_gather_open(struct import_gather **gather, struct err *err);
void import_gather_close(struct import_gather *gather); /* NULL is allowed */
/* Keeps a row. key NULL: it stands alone. E_NOSPACE. */
must_use int import_gather_put(struct import_gather *gather, const struct table_row *row,
                               const struct key128 *key, struct err *err);
/* No row comes any more. */
must_use int import_gather_end(struct import_gather *gather, struct err *err);
/* The next group, everything of it in the arena: a row with the others of its group as `more`, its `raw` those of all, at most `most` of
 * them: the rest of a larger group comes as groups of their own. false: the end. */
bool import_gather_next(struct import_gather *gather, size_t most, struct arena *arena,
                        struct table_row *row);

#endif
