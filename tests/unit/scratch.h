/*
 * A scratch folder for a test, removed at its end.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_SCRATCH_H
#define SENDA_TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline int scratch_unlink(const char *path, const struct stat *status, int type,
                                 struct FTW *ftw) {
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void scratch_remove(const char *dir) {
    nftw(dir, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new empty folder; free() the name. */
static inline char *scratch_make(const char *name) {
    char *dir;
    if (asprintf(&dir, "%s/senda-test-%s-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
                 name) < 0 ||
        !mkdtemp(dir))
        abort();
    return dir;
}

#endif
