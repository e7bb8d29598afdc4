/*
 * Files that must survive: written whole, synced, then named.
 *
 * A write that fails for lack of space is E_NOSPACE, any other failure E_IO. Nothing is retried after a failed fsync.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STORE_FILE_H
#define SENDA_STORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

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

/* What tells that somebody wrote to a file, or cut it, while it was open and mapped: size and time of the last write. */
struct file_stamp {
    int64_t bytes;
    struct timespec written;
};
/* false: nothing can be said of it. */
bool file_stamp_take(int fd, struct file_stamp *stamp);
bool file_stamp_holds(int fd, const struct file_stamp *stamp);

#endif
