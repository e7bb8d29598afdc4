/*
 * What opening this data folder would change in its schema.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <unistd.h>

#include "store/internal.h"

int store_pending(const char *dir, unsigned *steps, struct err *err) {
    char path[4096];
    bool is_new;
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/senda.db", dir);
    if (access(path, F_OK) != 0)
        return err_set(err, E_NOT_FOUND, "there is no data folder here");
    int code = connection_open(&db, path, false, err);
    if (code)
        return code;
    code = schema_missing(db, steps, &is_new, err);
    connection_close(db);
    return code;
}
