/*
 * A tar archive through zstd, written and read as a stream.
 *
 * SOURCE  POSIX.1-1988 ustar, sizes beyond 8 GB in base 256 as GNU tar writes them; regular files only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_FOLDER_ARCHIVE_H
#define SENDA_FOLDER_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <zstd.h>

#include "base/err.h"

enum { ARCHIVE_NAME_BYTES = 100 };

struct archive_writer {
    int fd;
    ZSTD_CCtx *zstd;
    char *out;
    size_t out_bytes;
};
/* A new file, private to who runs the program; E_IO with the reason. Each file: begin with its size, write all of it, end. */
must_use int archive_writer_open(struct archive_writer *writer, const char *path, struct err *err);
must_use int archive_begin(struct archive_writer *writer, const char *name, uint64_t bytes,
                           struct err *err);
must_use int archive_write(struct archive_writer *writer, const void *bytes, size_t n,
                           struct err *err);
/* Fills the last block of a file of `bytes` bytes. */
must_use int archive_end(struct archive_writer *writer, uint64_t bytes, struct err *err);
/* Ends the archive and syncs it. */
must_use int archive_finish(struct archive_writer *writer, struct err *err);
void archive_writer_close(struct archive_writer *writer);

struct archive_reader {
    int fd;
    ZSTD_DCtx *zstd;
    char *in, *out;
    size_t in_bytes;
    ZSTD_inBuffer input;
    size_t at, n;      /* of out */
    uint64_t consumed; /* bytes of the file */
    bool end;
};
/* E_NOT_FOUND, E_IO; what is no archive shows with the first archive_next (E_CORRUPT). */
must_use int archive_reader_open(struct archive_reader *reader, const char *path, struct err *err);
/* The next file: 1, or 0 at the end. Its bytes must have been read. */
must_use int archive_next(struct archive_reader *reader, char name[ARCHIVE_NAME_BYTES + 1],
                          uint64_t *bytes, struct err *err);
/* Exactly n bytes. E_CORRUPT when there are fewer. */
must_use int archive_read(struct archive_reader *reader, void *bytes, size_t n, struct err *err);
/* After the bytes of a file. */
must_use int archive_skip_padding(struct archive_reader *reader, uint64_t bytes, struct err *err);
void archive_reader_close(struct archive_reader *reader);

#endif
