/*
 * Sealed files: see vault_file.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/vault_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"

enum { CHUNK_BYTES = 1 << 20, NUMBER_BYTES = 4, MAGIC_BYTES = 8, PATH_BYTES = 4096 };
static const char MAGIC[MAGIC_BYTES] = {'S', 'E', 'N', 'D', 'A', 'F', '1', '\n'};
static const char WHAT[] = ERR_WORDS("a file of the data folder");
#define LAST 0x80000000u

static void put_number(char *to, uint32_t n) {
    for (int i = 0; i < NUMBER_BYTES; i++)
        to[i] = (char)(n >> (8 * i));
}

static uint32_t take_number(const char *from) {
    uint32_t n = 0;
    for (int i = 0; i < NUMBER_BYTES; i++)
        n |= (uint32_t)(unsigned char)from[i] << (8 * i);
    return n;
}

/* ---- writing ---- */

static int write_chunk(const struct vault *vault, int fd, uint32_t number, struct slice bytes,
                       struct buf *plain, struct buf *sealed, struct err *err) {
    char head[NUMBER_BYTES];
    buf_clear(plain);
    buf_clear(sealed);
    put_number(head, number);
    buf_add(plain, head, sizeof head);
    buf_add_slice(plain, bytes);
    vault_seal(vault, buf_slice(plain), sealed);
    put_number(head, (uint32_t)sealed->n);
    int code = file_write(fd, head, sizeof head, WHAT, err);
    return code ? code : file_write(fd, sealed->p, sealed->n, WHAT, err);
}

static int write_chunks(const struct vault *vault, int fd, struct slice bytes, struct err *err) {
    struct buf plain, sealed;
    buf_init(&plain, CHUNK_BYTES + NUMBER_BYTES + 1);
    buf_init(&sealed, CHUNK_BYTES + NUMBER_BYTES + VAULT_EXTRA_BYTES + 1);
    int code = file_write(fd, MAGIC, sizeof MAGIC, WHAT, err);
    bool last = false;
    for (uint32_t number = 0; !code && !last; number++) {
        size_t n = bytes.n < CHUNK_BYTES ? bytes.n : CHUNK_BYTES;
        last = n == bytes.n;
        code = write_chunk(vault, fd, number | (last ? LAST : 0), (struct slice){bytes.p, n},
                           &plain, &sealed, err);
        bytes = (struct slice){bytes.p + n, bytes.n - n};
    }
    buf_release(&plain);
    buf_release(&sealed);
    return code;
}

int vault_file_write(const struct vault *vault, const char *path, struct slice bytes,
                     struct err *err) {
    char new[PATH_BYTES];
    int n = snprintf(new, sizeof new, "%s.sealing", path);
    if (n < 0 || n >= (int)sizeof new)
        return err_set(err, E_INTERNAL, "the name of a file is too long");
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_fail(WHAT, err);
    int code = write_chunks(vault, fd, bytes, err);
    if (!code && fsync(fd))
        code = file_fail(WHAT, err);
    close(fd);
    if (!code && rename(new, path))
        code = file_fail(WHAT, err);
    if (code)
        unlink(new);
    return code;
}

/* ---- reading ---- */

static int damaged(struct err *err) { return err_set(err, E_CORRUPT, "a sealed file is damaged"); }

/* The next chunk of *from, into the file. 1: it was not the last. */
static int read_chunk(const struct vault *vault, int to, uint32_t number, struct slice *from,
                      struct buf *plain, struct err *err) {
    if (!from->p || from->n < NUMBER_BYTES)
        return damaged(err);
    size_t n = take_number(from->p);
    if (n > from->n - NUMBER_BYTES)
        return damaged(err);
    buf_clear(plain);
    int code = vault_unseal(vault, (struct slice){from->p + NUMBER_BYTES, n}, plain, err);
    if (code)
        return code;
    if (!plain->p || plain->n < NUMBER_BYTES || (take_number(plain->p) & ~LAST) != number)
        return damaged(err);
    bool last = (take_number(plain->p) & LAST) != 0;
    *from = (struct slice){from->p + NUMBER_BYTES + n, from->n - NUMBER_BYTES - n};
    code = file_write(to, plain->p + NUMBER_BYTES, plain->n - NUMBER_BYTES, WHAT, err);
    return code ? code : last && from->n ? damaged(err) : !last;
}

static int read_chunks(const struct vault *vault, int from, int to, size_t bytes, struct err *err) {
    struct buf plain, sealed;
    buf_init(&plain, CHUNK_BYTES + NUMBER_BYTES + 1);
    buf_init(&sealed, bytes + 1);
    char *all = buf_reserve(&sealed, bytes);
    int code = all ? file_read_at(from, all, bytes, 0, WHAT, err)
                   : err_set(err, E_TOO_LARGE, "a sealed file is too large");
    struct slice left = {code ? "" : all + MAGIC_BYTES, code ? 0 : bytes - MAGIC_BYTES};
    if (!code)
        code = 1;
    for (uint32_t number = 0; code == 1; number++)
        code = read_chunk(vault, to, number, &left, &plain, err);
    buf_release(&plain);
    buf_release(&sealed);
    return code;
}

int vault_file_memory(int *fd, char path[VAULT_FILE_PATH_BYTES], struct err *err) {
    *fd = memfd_create("senda", MFD_CLOEXEC);
    if (*fd < 0)
        return file_fail(WHAT, err);
    snprintf(path, VAULT_FILE_PATH_BYTES, "/proc/self/fd/%d", *fd);
    return 0;
}

int vault_file_open(const struct vault *vault, const char *path, int *fd, struct err *err) {
    char begins[MAGIC_BYTES], name[VAULT_FILE_PATH_BYTES];
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC), memory = -1;
    *fd = -1;
    if (file < 0)
        return errno == ENOENT ? err_set(err, E_NOT_FOUND, "a file is not there any more")
                               : file_fail(WHAT, err);
    if (fstat(file, &status) || status.st_size < MAGIC_BYTES ||
        pread(file, begins, sizeof begins, 0) != MAGIC_BYTES ||
        memcmp(begins, MAGIC, sizeof begins) != 0) {
        *fd = file;
        return 0;
    }
    int code = vault_file_memory(&memory, name, err);
    if (!code)
        code = read_chunks(vault, file, memory, (size_t)status.st_size, err);
    if (!code && lseek(memory, 0, SEEK_SET))
        code = file_fail(WHAT, err);
    close(file);
    if (code && memory >= 0)
        close(memory);
    else
        *fd = memory;
    return code;
}

int vault_file_keep(const struct vault *vault, int fd, const char *path, struct err *err) {
    struct stat status;
    if (fstat(fd, &status))
        return file_fail(WHAT, err);
    if (!status.st_size)
        return 0;
    size_t n = (size_t)status.st_size;
    char *bytes = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return file_fail(WHAT, err);
    int code = vault_file_write(vault, path, (struct slice){bytes, n}, err);
    munmap(bytes, n);
    return code;
}
