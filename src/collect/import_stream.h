/*
 * Bytes of a file as text in UTF-8: a file or memory, unpacked where it is gzip or zstd, decoded where it is UTF-16 or
 * Windows-1252. Constant memory. Private to collect/import_* and their tests.
 *
 * ENCODING  said by its name, else: a byte order mark; zero bytes in the pattern of UTF-16; UTF-8 if the first 64 KB are
 * valid; else Windows-1252. A file that turns out not to be what its beginning promised goes on with U+FFFD for what is
 * wrong (such rows are refused as not_utf8 where it is UTF-8).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_STREAM_H
#define SENDA_COLLECT_IMPORT_STREAM_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct import_stream;

/* path, or bytes where path is NULL. Errors: E_NOT_FOUND, E_IO. */
must_use int import_stream_open(struct import_stream **stream, const char *path, struct slice bytes,
                                struct err *err);
void import_stream_close(struct import_stream *stream);
/* Decodes from now on; call before the first import_stream_fill. encoding: an ICU name or NULL (recognise).
 * E_INVALID: unknown encoding. */
must_use int import_stream_decode(struct import_stream *stream, const char *encoding,
                                  struct err *err);
/* The encoding in use, for people: "UTF-8", "UTF-16LE", "windows-1252". */
const char *import_stream_encoding(const struct import_stream *stream);

/* Whether the unpacked bytes begin with these (sniffing a format). */
bool import_stream_begins(struct import_stream *stream, const char *bytes, size_t n);

/* A window on the text: import_stream_text is what is there, import_stream_take(n) drops its first n bytes,
 * import_stream_fill adds more (1 more came, 0 the end was reached, or an error). A window that reaches
 * IMPORT_WINDOW_BYTES without being taken from is E_TOO_LARGE. */
enum { IMPORT_WINDOW_BYTES = 4 * 1024 * 1024 };
struct slice import_stream_text(const struct import_stream *stream);
void import_stream_take(struct import_stream *stream, size_t n);
must_use int import_stream_fill(struct import_stream *stream, struct err *err);

/* Of the packed bytes: how far, how many (0 unknown), for progress. */
uint64_t import_stream_position(const struct import_stream *stream);
uint64_t import_stream_size(const struct import_stream *stream);

#endif
