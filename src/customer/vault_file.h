/*
 * Files that only the vault reads: uploads until their import is done, and the rows of them that were refused.
 *
 * FORMAT  8 bytes "SENDAF1\n", then chunks: u32 bytes of the sealed chunk (little endian), the sealed chunk (vault.h). A chunk
 * holds u32 its number from 0 with the highest bit set in the last one, and up to CHUNK_BYTES of the file, so that none can be
 * left out, put elsewhere or cut off. A file that does not begin so is from before files were sealed, and is read as it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_VAULT_FILE_H
#define SENDA_CUSTOMER_VAULT_FILE_H

#include "customer/vault.h"

/* Seals bytes into the file, which is durable when this returns; it takes the place of what was there at once. */
must_use int vault_file_write(const struct vault *vault, const char *path, struct slice bytes,
                              struct err *err);
/* *fd: open at the beginning of what the file holds, in memory without a name where it is sealed. E_NOT_FOUND; E_CORRUPT. */
must_use int vault_file_open(const struct vault *vault, const char *path, int *fd, struct err *err);
/* A file in memory for plain bytes on their way; *path: the name under which this process finds it. */
enum { VAULT_FILE_PATH_BYTES = 40 };
must_use int vault_file_memory(int *fd, char path[VAULT_FILE_PATH_BYTES], struct err *err);
/* Seals all of what stands in fd into the file path; nothing where there is nothing. */
must_use int vault_file_keep(const struct vault *vault, int fd, const char *path, struct err *err);

#endif
