/*
 * Imports as jobs: a file waits, is looked at, runs in one thread of its own, and is remembered.
 *
 * STATES  proposed (looked at, waits for a map) → waiting → running → done | failed | cancelled. What ran when the
 * process ended has failed: it is safe to import the file again, what is there is not doubled.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_IMPORT_JOBS_H
#define SENDA_API_IMPORT_JOBS_H

#include "api/api.h"

struct import_jobs;
struct import_jobs *import_jobs_of(struct app *app);

/* A new import in state proposed. path: of the file; uploaded: it is a copy of ours, sealed
 * (customer/vault_file.h), that goes away with the import. options:
 * JSON object (not taken). *id is its number. */
must_use int import_jobs_add(struct import_jobs *jobs, const char *file, const char *path,
                             bool uploaded, const json_t *options, const json_t *guess,
                             const char *who, uint64_t *id, struct err *err);
/* {"id","file","state","running","format",…}; guess: with what the file looks like. New reference. E_NOT_FOUND. */
must_use int import_jobs_get(struct import_jobs *jobs, uint64_t id, bool guess, json_t **json,
                             struct err *err);
must_use int import_jobs_list(struct import_jobs *jobs, uint64_t before, size_t limit,
                              json_t **rows, struct err *err);
/* The file and its options, copied to the arena: for another look. */
must_use int import_jobs_file(struct import_jobs *jobs, uint64_t id, struct arena *arena,
                              const char **path, const char **file, json_t **options,
                              struct err *err);
/* options: merged over those it has. E_CONFLICT: it ran already. */
must_use int import_jobs_start(struct import_jobs *jobs, uint64_t id, const json_t *options,
                               struct err *err);
must_use int import_jobs_cancel(struct import_jobs *jobs, uint64_t id, struct err *err);
/* Forgets an import that does not run; its interactions stay. */
must_use int import_jobs_remove(struct import_jobs *jobs, uint64_t id, struct err *err);
/* Its refused rows, open for reading; E_NOT_FOUND if there are none. */
must_use int import_jobs_rejected(struct import_jobs *jobs, uint64_t id, int *fd, struct err *err);

/* Options of the JSON for collect/import.h; texts are views of json. */
struct import_options;
void import_options_read(const json_t *json, struct folder *folder, struct arena *arena,
                         struct import_options *options);

#endif
