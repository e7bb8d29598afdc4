/*
 * Is everything that is stored whole, and does it fit together?
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_FOLDER_VERIFY_H
#define SENDA_FOLDER_VERIFY_H

#include "folder/folder.h"

/* Checks pages of the records, every frame of the log, that its customers and names exist and its keys are known, every
 * file of keys, every sealed identifier, and the index against the log. Each fault is a line in findings; empty: all is well.
 * repair: the index and files of keys are rebuilt where they are damaged; faults of the truth cannot be repaired, only
 * restored. Negative only
 * when the check itself could not go on. While everything goes on. */
must_use int folder_verify(struct folder *folder, bool repair, struct buf *findings,
                           struct err *err);
/* Repairs, and looks again where there was anything: sound tells whether all is well now. */
must_use int folder_verify_mended(struct folder *folder, struct buf *findings, bool *sound,
                                  struct err *err);

#endif
