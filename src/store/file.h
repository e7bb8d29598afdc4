/*
 * Files that must survive: written whole, synced, then named.
 *
 * A write that fails for lack of space is E_NOSPACE, any other failure E_IO. Nothing is retried after a failed fsync.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STORE_FILE_H
#define SENDA_STORE_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* E_NOSPACE or E_IO for errno, with `what` in the message ("a log file"). */
int file_fail(const char *what, struct err *err);
must_use int file_make_folder(const char *path, struct err *err); /* nothing if it is there */
must_use int file_sync_folder(const char *path, struct err *err);
must_use int file_write(int fd, const void *bytes, size_t n, const char *what, struct err *err);
/* E_CORRUPT when the file ends before. */
must_use int file_read_at(int fd, void *bytes, size_t n, uint64_t at, const char *what,
                          struct err *err);
/* Calls visit for each name that begins with prefix and ends with suffix. */
must_use int file_list(const char *dir, const char *prefix, const char *suffix,
                       void (*visit)(void *context, const char *name), void *context,
                       struct err *err);

#endif
