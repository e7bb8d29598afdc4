/*
 * Shared inside folder/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_FOLDER_INTERNAL_H
#define SENDA_FOLDER_INTERNAL_H

#include "folder/folder.h"

struct folder_kept *folder_kept_new(void);
/* Releases what is kept, the newest first. */
void folder_kept_free(struct folder_kept *kept);

/* sealing.c: seals the texts of a folder from before they were. */
must_use int sealing_catch_up(struct store *store, struct err *err);

#endif
