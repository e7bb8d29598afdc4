/*
 * Room of an import that may leave memory: files without a name, gone with the process whatever happens. Private to
 * collect/import_*.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_SCRATCH_H
#define SENDA_COLLECT_IMPORT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* In TMPDIR, else /var/tmp. -1: not possible there. */
int import_scratch_file(void);
/* n zeroed bytes: in memory, or of a mapped file where they are many (*mapped). */
void *import_scratch_get(size_t n, bool *mapped);
void import_scratch_free(void *room, size_t n, bool mapped);

#endif
