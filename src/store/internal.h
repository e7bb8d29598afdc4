/*
 * Shared inside store/: connections and their statements, schema steps.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STORE_INTERNAL_H
#define SENDA_STORE_INTERNAL_H

#include "store/store.h"

/* Opens a connection with everything set but what only a new file takes. */
must_use int connection_open(sqlite3 **db, const char *path, bool writer, struct err *err);
void connection_close(sqlite3 *db);
/* Ends whatever its statements still read. */
void connection_reset(sqlite3 *db);
/* One or several statements without values or rows. */
must_use int connection_run(sqlite3 *db, const char *sql, struct err *err);

/* The steps that the file lacks; 0 when it is up to date. E_REFUSED when it has steps that this program does not know. */
must_use int schema_missing(sqlite3 *db, unsigned *steps, bool *is_new, struct err *err);
/* Applies them, each in a transaction. */
must_use int schema_apply(sqlite3 *db, struct err *err);

#endif
