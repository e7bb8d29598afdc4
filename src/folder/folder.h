/*
 * A data folder, open: everything that one organisation's Senda holds. Made once per process by
 * `serve` or by a command that found no server running.
 *
 * FORMAT of the folder
 *   senda.db senda.db-wal   records and fresh batches of the log (SQLite)
 *   log/ keys/ parts/       log files, key files, timeline parts
 *   secret.key              the outside key, unless it is kept elsewhere (SENDA_KEY_FILE, SENDA_KEY_COMMAND)
 *   senda.conf              options, NAME = VALUE
 *   senda.lock senda.sock   lock of the owning process, its Unix socket
 *   refused/                kept refusals
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_FOLDER_FOLDER_H
#define SENDA_FOLDER_FOLDER_H

#include "base/zone.h"
#include "collect/ingest.h"
#include "customer/vault.h"

struct folder {
    char *dir;
    struct store *store;
    struct vault *vault;
    struct dictionary *dictionary;
    struct log *log;
    struct customers *customers;
    struct timeline *timeline;
    struct ingest *ingest;
    /* settings of the organisation, read at open and by folder_reload */
    const char *_Atomic name, *_Atomic currency, *_Atomic language; /* "es" or "en" */
    struct zone *_Atomic zone;
    int lock_fd;
    struct folder_upkeep *upkeep; /* maintenance threads, or NULL */
    struct folder_past *past;     /* settings that were replaced: somebody may still read them */
    struct folder_kept *kept;     /* what modules keep: folder_keep */
};

struct folder_settings {
    const char *name, *timezone, *currency, *language; /* NULL: Senda, Europe/Madrid, EUR, es */
};

/* Creates a new data folder with its keys and settings (records' settings "name", "timezone", "currency", "language").
 * E_REFUSED if it is not empty. Sources and API keys are made by those who open it next. */
must_use int folder_create(const char *dir, const struct folder_settings *settings,
                           struct err *err);
/* Takes the lock and opens everything; recovers after a crash. E_CONFLICT when another process has it,
 * E_NOT_FOUND when there is no data folder. */
must_use int folder_open(struct folder **folder, const char *dir, struct err *err);
void folder_close(struct folder *folder);
/* The outside key is not in the folder: SENDA_KEY_FILE or SENDA_KEY_COMMAND says where it is. */
bool folder_key_is_outside(void);
/* Another outside key (vault_rotate): that of the file new_key, or NULL: a new one. The folder stays open. */
must_use int folder_rotate_key(struct folder *folder, const char *new_key, struct err *err);
/* Reads the settings again after they were changed. */
must_use int folder_reload(struct folder *folder, struct err *err);

/* What a module above keeps in memory for as long as the folder is open: made once, at the first call with this key
 * (a static string, compared by address), released at folder_close, the newest first, before the index and the truth
 * are closed. Thread safe; make's error is the caller's and nothing is kept then. */
must_use int folder_keep(struct folder *folder, const char *key,
                         int (*make)(struct folder *folder, void **value, struct err *err),
                         void (*release)(void *value), void **value, struct err *err);

/* One round of storage maintenance (fold, seal, merge, keys, checkpoint); returns 1 if more is due now. The server runs
 * it in two threads, folder_maintenance_start/stop do that: one for the truth (fold, keys, checkpoint: ingestion waits for
 * it when it falls behind), one for what takes long (index, merges). */
must_use int folder_maintain(struct folder *folder, bool force, struct err *err);
must_use int folder_maintenance_start(struct folder *folder, struct err *err);
void folder_maintenance_stop(struct folder *folder);

#endif
