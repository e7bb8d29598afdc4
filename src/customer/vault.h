/*
 * Secrets of a data folder: sealing of identifiers (libsodium, XChaCha20-Poly1305) and keyed hashes.
 *
 * An outside key (32 bytes: file given by key_file / SENDA_KEY_FILE, else DIR/secret.key, mode 0600, created at init)
 * wraps the random data keys that the records hold, so that rotating the outside key only re-wraps.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_VAULT_H
#define SENDA_CUSTOMER_VAULT_H

#include "base/buf.h"
#include "base/hash.h"
#include "store/store.h"

struct vault;

/* key_path: file of the outside key; made, mode 0600, when the records hold no data keys yet. E_NOT_FOUND when it is
 * missing, E_REFUSED when it is another folder's key. */
must_use int vault_open(struct vault **vault, struct store *store, const char *key_path,
                        struct err *err);
void vault_close(struct vault *vault);

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
