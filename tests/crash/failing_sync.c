/*
 * Preloaded into the program: fsync and fdatasync fail with EIO for files whose name ends with what the file named by
 * FAIL_SYNC says (it may appear and go while the program runs). The kernel throws the pages away, the program must not
 * trust them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 4096 };

static int fails(int fd) {
    const char *told = getenv("FAIL_SYNC");
    char wanted[64] = "", link[64], name[NAME_BYTES];
    int file = told ? open(told, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    ssize_t n = read(file, wanted, sizeof wanted - 1);
    close(file);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name);
    return n > 0 && length >= n && memcmp(name + length - n, wanted, (size_t)n) == 0;
}

typedef int sync_function(int fd);

static int sync_or_fail(const char *name, int fd) {
    sync_function *real;
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real);
    if (!fails(fd))
        return real(fd);
    errno = EIO;
    return -1;
}

int fsync(int fd) { return sync_or_fail("fsync", fd); }
int fdatasync(int fd) { return sync_or_fail("fdatasync", fd); }
