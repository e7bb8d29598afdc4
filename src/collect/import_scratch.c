/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_FROM_BYTES ((size_t)32 * 1024 * 1024)

int import_scratch_file(void) {
    const char *folder = getenv("TMPDIR");
    return open(folder && *folder ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* -1 where there is no room for one. */
static int file_of(size_t bytes) {
    int fd = import_scratch_file();
    if (fd >= 0 && posix_fallocate(fd, 0, (off_t)bytes) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void *import_scratch_get(size_t n, bool *mapped) {
    int fd = n > FILE_FROM_BYTES ? file_of(n) : -1;
    void *room = NULL;
    *mapped = fd >= 0;
    if (*mapped) {
        room = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    } else {
        room = calloc(1, n);
    }
    if (!room || room == MAP_FAILED)
        abort();
    return room;
}

void import_scratch_free(void *room, size_t n, bool mapped) {
    if (mapped)
        munmap(room, n);
    else
        free(room);
}
