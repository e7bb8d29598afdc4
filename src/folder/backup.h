/*
 * Backup and restore of a data folder as one file.
 *
 * FORMAT  A tar archive compressed with zstd (`tar --zstd -tf` shows it): senda.db (a consistent copy of the records, with the
 * fresh part of the log), log/NNNNNN.log, keys/NAME-NNNNNN.keys, refused/ring, senda.conf and secret.key where they lie in the
 * folder, and last MANIFEST: a line "senda-backup 1 SEQ", then "XXH3 BYTES NAME" for each file. Parts of the timeline are
 * not in it: they are rebuilt from the log.
 *
 * A backup with secret.key in it opens by itself: keep it as safe as the folder. With SENDA_KEY_FILE or SENDA_KEY_COMMAND the key stays outside,
 * and the backup is worth nothing without it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_FOLDER_BACKUP_H
#define SENDA_FOLDER_BACKUP_H

#include "folder/folder.h"

/* Called now and then with bytes done and in all. */
typedef void folder_progress(void *context, uint64_t done, uint64_t total);

/* While everything goes on. `file` appears only when it is complete and durable. E_CONFLICT if it exists. progress may be
 * NULL. */
must_use int folder_backup(struct folder *folder, const char *file, folder_progress *progress,
                           void *context, struct err *err);
/* Into a folder that is absent or empty (E_REFUSED). Verifies every file against the manifest, then the restored folder itself
 * (folder_verify), before it returns 0; what failed is removed again. E_CORRUPT. */
must_use int folder_restore(const char *file, const char *dir, folder_progress *progress,
                            void *context, struct err *err);

#endif
