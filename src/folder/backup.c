/*
 * Making a backup: see backup.h.
 *
 * Files of the log and of keys are pinned (store_pin_files: whoever replaces one keeps it until the pins are gone), then the
 * records are copied in one read transaction, then the files that this copy lists are read. So all pieces belong to one
 * moment, and nobody waits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "folder/archive.h"
#include "store/file.h"

enum { PATH_BYTES = 4096, PIECE_BYTES = 256 * 1024, MANIFEST_MAX_BYTES = 16 * 1024 * 1024 };

struct copied {
    char name[ARCHIVE_NAME_BYTES];
    char *path; /* where it is read from */
    uint64_t bytes;
};

struct backup {
    struct folder *folder;
    struct archive_writer writer;
    struct copied *files;
    size_t n, capacity;
    struct buf manifest;
    char *piece;
    uint64_t done, total;
    folder_progress *progress;
    void *context;
};

/* A file of the folder; one that is optional and absent is left out. */
static int add_file(struct backup *backup, const char *name, const char *path, bool optional,
                    struct err *err) {
    struct stat status;
    if (stat(path, &status))
        return optional && errno == ENOENT ? 0
                                           : file_fail(ERR_WORDS("a file of the data folder"), err);
    if (backup->n == backup->capacity) {
        backup->capacity = backup->capacity ? backup->capacity * 2 : 64;
        backup->files = realloc(backup->files, backup->capacity * sizeof *backup->files);
        if (!backup->files)
            abort();
    }
    struct copied *file = &backup->files[backup->n++];
    *file = (struct copied){.path = strdup(path), .bytes = (uint64_t)status.st_size};
    if (!file->path)
        abort();
    snprintf(file->name, sizeof file->name, "%s", name);
    backup->total += file->bytes;
    return 0;
}

static int add_in_folder(struct backup *backup, const char *name, bool optional, struct err *err) {
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", backup->folder->dir, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, E_INVALID, "the name of the data folder is too long");
    return add_file(backup, name, path, optional, err);
}

/* The files that the copied records list. */
static int add_listed(struct backup *backup, const char *copy, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    int code = 0;
    if (sqlite3_open_v2(copy, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db,
                           "SELECT printf('log/%06d.log', number) FROM log_file UNION ALL"
                           " SELECT printf('keys/%s-%06d.keys', name, number) FROM key_file",
                           -1, &row, NULL) != SQLITE_OK)
        code = store_fail(db, err);
    while (!code && sqlite3_step(row) == SQLITE_ROW)
        code = add_in_folder(backup, (const char *)sqlite3_column_text(row, 0), false, err);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return code;
}

static int copy_bytes(struct backup *backup, const struct copied *file, XXH3_state_t *hash,
                      struct err *err) {
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(ERR_WORDS("a file of the data folder"), err);
    int code = 0;
    for (uint64_t at = 0; !code && at < file->bytes;) {
        size_t n = file->bytes - at < PIECE_BYTES ? (size_t)(file->bytes - at) : PIECE_BYTES;
        code = file_read_at(fd, backup->piece, n, at, ERR_WORDS("a file of the data folder"), err);
        if (!code)
            code = archive_write(&backup->writer, backup->piece, n, err);
        XXH3_64bits_update(hash, backup->piece, n);
        at += n;
        backup->done += n;
        if (!code && backup->progress)
            backup->progress(backup->context, backup->done, backup->total);
    }
    close(fd);
    return code;
}

static int copy_file(struct backup *backup, const struct copied *file, struct err *err) {
    XXH3_state_t *hash = XXH3_createState();
    if (!hash)
        abort();
    XXH3_64bits_reset(hash);
    int code = archive_begin(&backup->writer, file->name, file->bytes, err);
    if (!code)
        code = copy_bytes(backup, file, hash, err);
    if (!code)
        code = archive_end(&backup->writer, file->bytes, err);
    buf_add_format(&backup->manifest, "%016llx %llu %s\n",
                   (unsigned long long)XXH3_64bits_digest(hash), (unsigned long long)file->bytes,
                   file->name);
    XXH3_freeState(hash);
    return code;
}

static int write_archive(struct backup *backup, struct err *err) {
    buf_add_format(&backup->manifest, "senda-backup 1 %llu\n",
                   (unsigned long long)log_last(backup->folder->log));
    int code = 0;
    for (size_t i = 0; !code && i < backup->n; i++)
        code = copy_file(backup, &backup->files[i], err);
    if (!code)
        code = archive_begin(&backup->writer, "MANIFEST", backup->manifest.n, err);
    if (!code)
        code = archive_write(&backup->writer, backup->manifest.p, backup->manifest.n, err);
    if (!code)
        code = archive_end(&backup->writer, backup->manifest.n, err);
    return code ? code : archive_finish(&backup->writer, err);
}

static int collect(struct backup *backup, const char *copy, struct err *err) {
    int code = ingest_maintain(backup->folder->ingest, false, err); /* counters and refusals */
    if (!code)
        code = store_copy(backup->folder->store, copy, err);
    if (!code)
        code = add_file(backup, "senda.db", copy, false, err);
    if (!code)
        code = add_listed(backup, copy, err);
    if (!code)
        code = add_in_folder(backup, "refused/ring", true, err);
    if (!code)
        code = add_in_folder(backup, "senda.conf", true, err);
    if (!code && !folder_key_is_outside())
        code = add_in_folder(backup, "secret.key", false, err);
    return code;
}

static int sync_parent(const char *file, struct err *err) {
    char *dir = strdup(file);
    if (!dir)
        abort();
    char *slash = strrchr(dir, '/');
    if (slash)
        *(slash == dir ? slash + 1 : slash) = 0;
    int code = file_sync_folder(slash ? dir : ".", err);
    free(dir);
    return code;
}

int folder_backup(struct folder *folder, const char *file, folder_progress *progress, void *context,
                  struct err *err) {
    struct backup backup = {.folder = folder, .progress = progress, .context = context};
    char *part, *copy;
    if (asprintf(&part, "%s.part", file) < 0 || asprintf(&copy, "%s.records", file) < 0 ||
        !(backup.piece = malloc(PIECE_BYTES)))
        abort();
    buf_init(&backup.manifest, MANIFEST_MAX_BYTES);
    unlink(part); /* what an interrupted backup left */
    unlink(copy);
    store_pin_files(folder->store);
    int code = access(file, F_OK) == 0 ? err_set(err, E_CONFLICT, "the file exists already")
                                       : archive_writer_open(&backup.writer, part, err);
    bool opened = !code;
    if (!code)
        code = collect(&backup, copy, err);
    if (!code)
        code = write_archive(&backup, err);
    if (opened)
        archive_writer_close(&backup.writer);
    store_unpin_files(folder->store);
    if (!code && rename(part, file))
        code = file_fail(ERR_WORDS("the backup"), err);
    if (!code)
        code = sync_parent(file, err);
    unlink(copy);
    if (code && opened)
        unlink(part);
    for (size_t i = 0; i < backup.n; i++)
        free(backup.files[i].path);
    free(backup.files);
    free(backup.piece);
    free(part);
    free(copy);
    buf_release(&backup.manifest);
    return code;
}
