/*
 * Restoring a backup: see backup.h.
 *
 * Only names that a backup can have are taken, so no archive writes outside the folder.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "folder/archive.h"
#include "folder/backup.h"
#include "folder/verify.h"
#include "store/file.h"

enum { PATH_BYTES = 4096, PIECE_BYTES = 256 * 1024, MANIFEST_MAX_BYTES = 16 * 1024 * 1024 };

struct restoring {
    const char *dir;
    struct archive_reader reader;
    struct buf sums;     /* lines as in the manifest, of what was read */
    struct buf manifest; /* the manifest's own text */
    char *piece;
    uint64_t total;
    folder_progress *progress;
    void *context;
};

static int damaged(struct err *err) { return err_set(err, E_CORRUPT, "the backup is damaged"); }

/* log/NNNNNN.log, keys/NAME-NNNNNN.keys and the single files. */
static bool name_allowed(const char *name) {
    static const char *const single[] = {"senda.db", "senda.conf", "secret.key", "refused/ring"};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        if (strcmp(name, single[i]) == 0)
            return true;
    bool log = strncmp(name, "log/", 4) == 0, keys = strncmp(name, "keys/", 5) == 0;
    if (!log && !keys)
        return false;
    const char *rest = name + (log ? 4 : 5);
    return rest[0] && rest[0] != '.' &&
           rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == 0;
}

static int read_bytes(struct restoring *restoring, int fd, uint64_t bytes, XXH3_state_t *hash,
                      struct err *err) {
    int code = 0;
    while (!code && bytes) {
        size_t n = bytes < PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;
        code = archive_read(&restoring->reader, restoring->piece, n, err);
        if (!code)
            code = file_write(fd, restoring->piece, n, ERR_WORDS("the restored folder"), err);
        XXH3_64bits_update(hash, restoring->piece, n);
        bytes -= n;
        if (!code && restoring->progress)
            restoring->progress(restoring->context, restoring->reader.consumed, restoring->total);
    }
    if (!code && fsync(fd))
        code = file_fail(ERR_WORDS("the restored folder"), err);
    return code;
}

static int restore_file(struct restoring *restoring, const char *name, uint64_t bytes,
                        struct err *err) {
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", restoring->dir, name);
    if (!name_allowed(name) || n < 0 || (size_t)n >= sizeof path)
        return damaged(err);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_fail(ERR_WORDS("the restored folder"), err);
    XXH3_state_t *hash = XXH3_createState();
    if (!hash)
        abort();
    XXH3_64bits_reset(hash);
    int code = read_bytes(restoring, fd, bytes, hash, err);
    close(fd);
    buf_add_format(&restoring->sums, "%016llx %llu %s\n",
                   (unsigned long long)XXH3_64bits_digest(hash), (unsigned long long)bytes, name);
    XXH3_freeState(hash);
    return code;
}

static int read_manifest(struct restoring *restoring, uint64_t bytes, struct err *err) {
    char *to = bytes < MANIFEST_MAX_BYTES ? buf_reserve(&restoring->manifest, (size_t)bytes) : NULL;
    if (!to)
        return damaged(err);
    int code = archive_read(&restoring->reader, to, (size_t)bytes, err);
    restoring->manifest.n = (size_t)bytes;
    restoring->manifest.p[bytes] = 0;
    return code;
}

static int read_archive(struct restoring *restoring, struct err *err) {
    char name[ARCHIVE_NAME_BYTES + 1];
    uint64_t bytes;
    int code;
    while ((code = archive_next(&restoring->reader, name, &bytes, err)) == 1) {
        if (restoring->manifest.n)
            return damaged(err);
        code = strcmp(name, "MANIFEST") == 0 ? read_manifest(restoring, bytes, err)
                                             : restore_file(restoring, name, bytes, err);
        if (!code)
            code = archive_skip_padding(&restoring->reader, bytes, err);
        if (code)
            return code;
    }
    if (code)
        return code;
    static const char FIRST[] = "senda-backup 1 ";
    const char *line = restoring->manifest.n ? strchr(restoring->manifest.p, '\n') : NULL;
    if (!line || strncmp(restoring->manifest.p, FIRST, sizeof FIRST - 1) != 0 ||
        !slice_is(buf_slice(&restoring->sums), line + 1))
        return damaged(err);
    return 0;
}

/* What was restored must open and be whole. */
static int check(const char *dir, struct err *err) {
    struct folder *folder = NULL;
    struct buf findings;
    buf_init(&findings, (size_t)64 << 10);
    int code = folder_open(&folder, dir, err);
    if (!code)
        code = folder_verify(folder, true, &findings, err);
    folder_close(folder);
    if (!code && findings.n)
        code = err_set(err, E_CORRUPT, "what was restored is damaged: %.120s", findings.p);
    buf_release(&findings);
    return code;
}

static int make_folders(const char *dir, struct err *err) {
    static const char *const folders[] = {"", "/log", "/keys", "/refused", "/parts"};
    int code = 0;
    for (size_t i = 0; !code && i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s%s", dir, folders[i]);
        code = file_make_folder(path, err);
    }
    return code;
}

static int check_empty(const char *dir, struct err *err) {
    DIR *entries = opendir(dir);
    if (!entries)
        return 0;
    int n = 0;
    for (struct dirent *entry; (entry = readdir(entries));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(entries);
    return n ? err_set(err, E_REFUSED, "the folder is not empty") : 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status;
    (void)type;
    return ftw->level > 0 ? remove(path) : 0; /* the folder itself may have been there */
}

static int sync_folders(const char *dir, struct err *err) {
    static const char *const folders[] = {"/log", "/keys", "/refused", ""};
    int code = 0;
    for (size_t i = 0; !code && i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s%s", dir, folders[i]);
        code = file_sync_folder(path, err);
    }
    return code;
}

int folder_restore(const char *file, const char *dir, folder_progress *progress, void *context,
                   struct err *err) {
    struct restoring restoring = {.dir = dir, .progress = progress, .context = context};
    int code = check_empty(dir, err);
    if (!code)
        code = archive_reader_open(&restoring.reader, file, err);
    if (code)
        return code;
    struct stat status;
    if (fstat(restoring.reader.fd, &status) == 0)
        restoring.total = (uint64_t)status.st_size;
    restoring.piece = malloc(PIECE_BYTES);
    if (!restoring.piece)
        abort();
    buf_init(&restoring.sums, MANIFEST_MAX_BYTES);
    buf_init(&restoring.manifest, MANIFEST_MAX_BYTES);
    code = make_folders(dir, err);
    if (!code)
        code = read_archive(&restoring, err);
    if (!code)
        code = sync_folders(dir, err);
    if (!code)
        code = check(dir, err);
    if (code)
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    archive_reader_close(&restoring.reader);
    buf_release(&restoring.sums);
    buf_release(&restoring.manifest);
    free(restoring.piece);
    return code;
}
