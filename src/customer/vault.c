/*
 * The vault: data keys in the records, wrapped by the outside key; sealing of small texts.
 *
 * FORMAT of data_key.wrapped: nonce (24), crypto_secretbox (XSalsa20-Poly1305) under the outside key of: key that seals
 * (32), key of the log (32), keys of message ids, identifiers and tokens (16 each).
 *
 * Nonces are random, taken from a pool per thread so that sealing an identifier needs no system call.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/file.h"

enum { KEY_BYTES = 32, KEYS_MAX = 255, POOL_BYTES = 4096, COMMAND_BYTES = 128, PATH_BYTES = 4096 };
enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES
};

struct data_key {
    unsigned char seal[KEY_BYTES], log[KEY_BYTES];
    struct hash_key message, identity, token;
};
enum {
    WRAPPED_BYTES =
        crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + sizeof(struct data_key)
};
_Static_assert(sizeof(struct data_key) == 112, "data keys as stored");
_Static_assert(VAULT_EXTRA_BYTES == 1 + NONCE_BYTES + TAG_BYTES, "a sealed text");

struct vault {
    struct data_key keys[KEYS_MAX + 1]; /* by number; sodium_malloc */
    bool known[KEYS_MAX + 1];
    uint8_t current;
};

/* ---- the outside key ---- */

static int outside_read(const char *path, unsigned char key[KEY_BYTES], struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        err_set(err, E_NOT_FOUND, "the key of the data folder is missing");
        err_hint(err, "Put secret.key back, or name it in SENDA_KEY_FILE.");
        return E_NOT_FOUND;
    }
    if (fd < 0)
        return file_fail(ERR_WORDS("the key of the data folder"), err);
    struct stat status;
    int code = 0;
    if (fstat(fd, &status) || status.st_size != KEY_BYTES)
        code = err_set(err, E_REFUSED, "the key of the data folder is not a file of %d bytes",
                       KEY_BYTES);
    if (!code)
        code = file_read_at(fd, key, KEY_BYTES, 0, ERR_WORDS("the key of the data folder"), err);
    close(fd);
    return code;
}

static int outside_make(const char *path, unsigned char key[KEY_BYTES], struct err *err) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) /* kept elsewhere, given for a new folder */
        return outside_read(path, key, err);
    if (fd < 0)
        return file_fail(ERR_WORDS("the key of the data folder"), err);
    randombytes_buf(key, KEY_BYTES);
    int code = file_write(fd, key, KEY_BYTES, ERR_WORDS("the key of the data folder"), err);
    if (!code && fsync(fd))
        code = file_fail(ERR_WORDS("the key of the data folder"), err);
    close(fd);
    return code;
}

/* 32 bytes as they are, in hexadecimal or in base64. */
static bool outside_parse(const char *text, size_t n, unsigned char key[KEY_BYTES]) {
    size_t got = 0;
    if (n == KEY_BYTES) {
        memcpy(key, text, KEY_BYTES);
        return true;
    }
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r' || text[n - 1] == ' '))
        n--;
    if (n == (size_t)2 * KEY_BYTES &&
        sodium_hex2bin(key, KEY_BYTES, text, n, NULL, &got, NULL) == 0 && got == KEY_BYTES)
        return true;
    return sodium_base642bin(key, KEY_BYTES, text, n, NULL, &got, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == KEY_BYTES;
}

static int outside_command(const char *command, unsigned char key[KEY_BYTES], struct err *err) {
    char text[COMMAND_BYTES];
    FILE *pipe = popen(command, "re");
    size_t n = pipe ? fread(text, 1, sizeof text, pipe) : 0;
    bool good = pipe && pclose(pipe) == 0 && outside_parse(text, n, key);
    sodium_memzero(text, sizeof text);
    if (good)
        return 0;
    err_set(err, E_REFUSED, "the command for the key of the data folder gave none");
    err_hint(err, "SENDA_KEY_COMMAND prints 32 bytes, or them in hexadecimal or base64.");
    return E_REFUSED;
}

static bool is_command(const char *key_path) { return key_path[0] == '|'; }

static int outside_get(const char *key_path, unsigned char key[KEY_BYTES], struct err *err) {
    return is_command(key_path) ? outside_command(key_path + 1, key, err)
                                : outside_read(key_path, key, err);
}

/* ---- data keys ---- */

struct making {
    const unsigned char *outside;
    struct data_key *key;
};

static void wrap(const struct data_key *key, const unsigned char *outside,
                 unsigned char wrapped[WRAPPED_BYTES]) {
    randombytes_buf(wrapped, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(wrapped + crypto_secretbox_NONCEBYTES, (const unsigned char *)key,
                          sizeof *key, wrapped, outside);
}

static int make_first(void *context, sqlite3 *db, struct err *err) {
    struct making *making = context;
    randombytes_buf(making->key, sizeof *making->key);
    unsigned char wrapped[WRAPPED_BYTES];
    wrap(making->key, making->outside, wrapped);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT INTO data_key(number, wrapped, created_ms) VALUES (1, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, wrapped, sizeof wrapped, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, clock_now_ms());
    return store_step(statement, err);
}

static int unwrap(struct vault *vault, sqlite3_stmt *statement, const unsigned char *outside,
                  struct err *err) {
    int number = sqlite3_column_int(statement, 0);
    const unsigned char *wrapped = sqlite3_column_blob(statement, 1);
    if (number < 1 || number > KEYS_MAX || sqlite3_column_bytes(statement, 1) != WRAPPED_BYTES)
        return err_set(err, E_CORRUPT, "a data key is damaged");
    if (crypto_secretbox_open_easy((unsigned char *)&vault->keys[number],
                                   wrapped + crypto_secretbox_NONCEBYTES,
                                   WRAPPED_BYTES - crypto_secretbox_NONCEBYTES, wrapped, outside)) {
        err_set(err, E_REFUSED, "the key does not open this data folder");
        err_hint(err, "Use the secret.key that was made with it.");
        return E_REFUSED;
    }
    vault->known[number] = true;
    vault->current = (uint8_t)number;
    return 0;
}

/* Reads the data keys; *n is how many there are. outside NULL: only counts. */
static int load(struct vault *vault, sqlite3 *db, const unsigned char *outside, size_t *n,
                struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT number, wrapped FROM data_key ORDER BY number", err);
    if (!statement)
        return err->code;
    int code;
    *n = 0;
    while ((code = store_step(statement, err)) == 1) {
        ++*n;
        code = outside ? unwrap(vault, statement, outside, err) : 0;
        if (code)
            break;
    }
    sqlite3_reset(statement);
    return code;
}

/* The key that a rotation left beside its place, if it is the one. Else the error stays. */
static int finish_rotation(struct vault *vault, sqlite3 *db, const char *key_path,
                           unsigned char outside[KEY_BYTES], struct err *err) {
    char new[PATH_BYTES];
    struct err none = {0};
    size_t n;
    int length = snprintf(new, sizeof new, "%s.new", key_path);
    if (length < 0 || length >= (int)sizeof new || outside_read(new, outside, &none) ||
        load(vault, db, outside, &n, &none))
        return err->code;
    return rename(new, key_path) ? file_fail(ERR_WORDS("the key of the data folder"), err) : 0;
}

static int open_keys(struct vault *vault, struct store *store, const char *key_path,
                     struct err *err) {
    unsigned char outside[KEY_BYTES];
    sqlite3 *db = store_reader_get(store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    size_t n = 0;
    int code = load(vault, db, NULL, &n, err);
    if (!code)
        code = n || is_command(key_path) ? outside_get(key_path, outside, err)
                                         : outside_make(key_path, outside, err);
    if (!code && n)
        code = load(vault, db, outside, &n, err);
    if ((code == E_REFUSED || code == E_NOT_FOUND) && n && !is_command(key_path))
        code = finish_rotation(vault, db, key_path, outside, err);
    store_reader_put(store, db);
    if (!code && !n) {
        struct making making = {outside, &vault->keys[1]};
        code = store_write(store, make_first, &making, err);
        vault->known[1] = true;
        vault->current = 1;
    }
    sodium_memzero(outside, sizeof outside);
    return code;
}

static void seal_for_store(const void *vault, struct slice plain, struct buf *sealed) {
    vault_seal(vault, plain, sealed);
}

static int unseal_for_store(const void *vault, struct slice sealed, struct buf *plain,
                            struct err *err) {
    return vault_unseal(vault, sealed, plain, err);
}

static void hash_for_store(const void *vault, struct slice plain,
                           unsigned char hash[STORE_HASH_BYTES]) {
    const struct slice parts[] = {slice_of("records"), plain};
    struct key128 key = hash_keyed(vault_identity_key(vault), parts, 2);
    _Static_assert(sizeof key == STORE_HASH_BYTES, "as many bytes");
    memcpy(hash, &key, STORE_HASH_BYTES);
}

int vault_open(struct vault **vault, struct store *store, const char *key_path, struct err *err) {
    if (sodium_init() < 0)
        return err_set(err, E_INTERNAL, "no random numbers");
    struct vault *opened = sodium_malloc(sizeof *opened);
    if (!opened)
        abort();
    memset(opened, 0, sizeof *opened);
    int code = open_keys(opened, store, key_path, err);
    if (code) {
        vault_close(opened);
        return code;
    }
    sodium_mprotect_readonly(opened);
    store_set_sealer(
        store, &(struct store_sealer){seal_for_store, unseal_for_store, hash_for_store, opened});
    *vault = opened;
    return 0;
}

void vault_close(struct vault *vault) { sodium_free(vault); }

/* ---- rotation ---- */

struct rewrapping {
    const struct vault *vault;
    const unsigned char *outside;
};

static int rewrap(void *context, sqlite3 *db, struct err *err) {
    const struct rewrapping *rewrapping = context;
    int code = 0;
    for (int number = 1; !code && number <= KEYS_MAX; number++) {
        unsigned char wrapped[WRAPPED_BYTES];
        if (!rewrapping->vault->known[number])
            continue;
        sqlite3_stmt *statement =
            STORE_PREPARE(db, "UPDATE data_key SET wrapped = ? WHERE number = ?", err);
        if (!statement)
            return err->code;
        wrap(&rewrapping->vault->keys[number], rewrapping->outside, wrapped);
        sqlite3_bind_blob(statement, 1, wrapped, sizeof wrapped, SQLITE_TRANSIENT);
        sqlite3_bind_int(statement, 2, number);
        code = store_step(statement, err);
    }
    return code;
}

/* PATH.new, durable, with a new key or that of another file. */
static int put_aside(const char *new, const char *from, unsigned char outside[KEY_BYTES],
                     struct err *err) {
    unlink(new);
    int code = from ? outside_read(from, outside, err) : 0;
    if (!code && !from)
        return outside_make(new, outside, err);
    int fd = code ? -1 : open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (code || fd < 0)
        return code ? code : file_fail(ERR_WORDS("the key of the data folder"), err);
    code = file_write(fd, outside, KEY_BYTES, ERR_WORDS("the key of the data folder"), err);
    if (!code && fsync(fd))
        code = file_fail(ERR_WORDS("the key of the data folder"), err);
    close(fd);
    return code;
}

int vault_rotate(const struct vault *vault, struct store *store, const char *key_path,
                 const char *new_key, struct err *err) {
    unsigned char outside[KEY_BYTES];
    char new[PATH_BYTES];
    bool command = is_command(key_path);
    int length = snprintf(new, sizeof new, "%s.new", key_path);
    if (length < 0 || length >= (int)sizeof new)
        return err_set(err, E_INVALID, "the name of the key file is too long");
    if (command && !new_key)
        return err_set(err, E_REFUSED,
                       "the key comes from a command: say which file has the new one");
    int code =
        command ? outside_read(new_key, outside, err) : put_aside(new, new_key, outside, err);
    struct rewrapping rewrapping = {vault, outside};
    if (!code)
        code = store_write(store, rewrap, &rewrapping, err);
    if (!code && !command && rename(new, key_path))
        code = file_fail(ERR_WORDS("the key of the data folder"), err);
    if (!code)
        code = store_scrub(store, err); /* nothing wrapped by the old key is left */
    sodium_memzero(outside, sizeof outside);
    return code;
}

const struct hash_key *vault_message_key(const struct vault *vault) {
    return &vault->keys[1].message;
}
const struct hash_key *vault_identity_key(const struct vault *vault) {
    return &vault->keys[1].identity;
}
const struct hash_key *vault_token_key(const struct vault *vault) {
    return &vault->keys[vault->current].token;
}

const unsigned char *vault_log_key(const struct vault *vault, uint8_t *id) {
    *id = vault->current;
    return vault->keys[vault->current].log;
}

/* ---- sealing ---- */

static void nonce_take(unsigned char nonce[NONCE_BYTES]) {
    static _Thread_local unsigned char pool[POOL_BYTES];
    static _Thread_local size_t left;
    if (left < NONCE_BYTES) {
        randombytes_buf(pool, sizeof pool);
        left = sizeof pool;
    }
    left -= NONCE_BYTES;
    memcpy(nonce, pool + left, NONCE_BYTES);
    sodium_memzero(pool + left, NONCE_BYTES);
}

void vault_seal(const struct vault *vault, struct slice plain, struct buf *sealed) {
    unsigned char *to = buf_reserve(sealed, plain.n + VAULT_EXTRA_BYTES);
    if (!to)
        return;
    to[0] = vault->current;
    nonce_take(to + 1);
    crypto_aead_xchacha20poly1305_ietf_encrypt(to + 1 + NONCE_BYTES, NULL,
                                               (const unsigned char *)plain.p, plain.n, to, 1, NULL,
                                               to + 1, vault->keys[vault->current].seal);
    sealed->n += plain.n + VAULT_EXTRA_BYTES;
    sealed->p[sealed->n] = 0;
}

int vault_unseal(const struct vault *vault, struct slice sealed, struct buf *plain,
                 struct err *err) {
    const unsigned char *from = (const unsigned char *)sealed.p;
    if (sealed.n < VAULT_EXTRA_BYTES || !vault->known[from[0]])
        return err_set(err, E_CORRUPT, "a sealed text is damaged");
    size_t n = sealed.n - VAULT_EXTRA_BYTES;
    unsigned char *to = buf_reserve(plain, n);
    if (!to)
        return err_set(err, E_TOO_LARGE, "a sealed text is too long");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(to, NULL, NULL, from + 1 + NONCE_BYTES,
                                                   sealed.n - 1 - NONCE_BYTES, from, 1, from + 1,
                                                   vault->keys[from[0]].seal))
        return err_set(err, E_CORRUPT, "a sealed text is damaged");
    plain->n += n;
    plain->p[plain->n] = 0;
    return 0;
}
