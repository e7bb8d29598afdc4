/*
 * Secrets of a data folder: sealing of identifiers (libsodium, XChaCha20-Poly1305) and keyed hashes.
 *
 * An outside key (32 bytes: the file SENDA_KEY_FILE, what the command SENDA_KEY_COMMAND prints, else DIR/secret.key, mode
 * 0600, made at init) wraps the random data keys that the records hold, so that rotating the outside key only re-wraps.
 *
 * ROTATION  The new key lies durably in PATH.new before the data keys are wrapped anew in one transaction, and takes PATH's place
 * afterwards; vault_open finishes what a crash left between.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_VAULT_H
#define SENDA_CUSTOMER_VAULT_H

#include "base/buf.h"
#include "base/hash.h"
#include "store/store.h"

struct vault;

/* From then on the store's SQL has sealed(), opened() and hashed() by it; close it after what writes.
 * key_path: file of the outside key; made, mode 0600, when the records hold no data keys yet; "|command": what a shell command
 * prints, as 32 bytes or in hexadecimal or base64. E_NOT_FOUND when it is missing, E_REFUSED when it is another folder's
 * key. */
must_use int vault_open(struct vault **vault, struct store *store, const char *key_path,
                        struct err *err);
void vault_close(struct vault *vault);
/* Wraps the data keys by another outside key: that of the file new_key, else (NULL) a new one, which takes key_path's place. Where the
 * key comes from a command, new_key is needed and the command must give it from now on. E_REFUSED: no key. */
must_use int vault_rotate(const struct vault *vault, struct store *store, const char *key_path,
                          const char *new_key, struct err *err);

/* Key of message ids, of identifiers. */
const struct hash_key *vault_message_key(const struct vault *vault);
const struct hash_key *vault_identity_key(const struct vault *vault);
/* For signing small things (cursors, links). */
const struct hash_key *vault_token_key(const struct vault *vault);

/* For the frames of the log: the current key and its id (timeline/log.h). */
const unsigned char *vault_log_key(const struct vault *vault, uint8_t *id);

/* sealed: u8 number of the data key, nonce (24), ciphertext, tag (16). Thread safe. */
enum { VAULT_EXTRA_BYTES = 41 };
void vault_seal(const struct vault *vault, struct slice plain, struct buf *sealed);
must_use int vault_unseal(const struct vault *vault, struct slice sealed, struct buf *plain,
                          struct err *err);

#endif
