/*
 * Files that must survive: see file.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "store/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logger.h"

int file_fail(const char *what, struct err *err) {
    int number = errno;
    log_warn("store", "%s: %s", what, strerror(number));
    if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
        err_set(err, E_NOSPACE, "no space left for %s", what);
        err_hint(err, "Free some space on the disk of the data folder.");
        return E_NOSPACE;
    }
    return err_set(err, E_IO, "%s could not be read or written", what);
}

int file_make_folder(const char *path, struct err *err) {
    if (mkdir(path, 0700) && errno != EEXIST)
        return file_fail(ERR_WORDS("a folder"), err);
    return 0;
}

int file_sync_folder(const char *path, struct err *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(ERR_WORDS("a folder"), err);
    int code = fsync(fd) ? file_fail(ERR_WORDS("a folder"), err) : 0;
    close(fd);
    return code;
}

int file_write(int fd, const void *bytes, size_t n, const char *what, struct err *err) {
    const char *p = bytes;
    while (n) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return file_fail(what, err);
        p += written;
        n -= (size_t)written;
    }
    return 0;
}

int file_read_at(int fd, void *bytes, size_t n, uint64_t at, const char *what, struct err *err) {
    char *p = bytes;
    while (n) {
        ssize_t got = pread(fd, p, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_fail(what, err);
        if (got == 0)
            return err_set(err, E_CORRUPT, "%s ends too early", what);
        p += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

int file_list(const char *dir, const char *prefix, const char *suffix,
              void (*visit)(void *context, const char *name), void *context, struct err *err) {
    DIR *folder = opendir(dir);
    if (!folder)
        return file_fail(ERR_WORDS("a folder"), err);
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t n = strlen(entry->d_name), end = strlen(suffix);
        if (n >= end && strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            strcmp(entry->d_name + n - end, suffix) == 0)
            visit(context, entry->d_name);
    }
    closedir(folder);
    return 0;
}

bool file_stamp_take(int fd, struct file_stamp *stamp) {
    struct stat status;
    if (fstat(fd, &status))
        return false;
    *stamp = (struct file_stamp){status.st_size, status.st_mtim};
    return true;
}

bool file_stamp_holds(int fd, const struct file_stamp *stamp) {
    struct file_stamp now;
    return file_stamp_take(fd, &now) && now.bytes == stamp->bytes &&
           now.written.tv_sec == stamp->written.tv_sec &&
           now.written.tv_nsec == stamp->written.tv_nsec;
}
