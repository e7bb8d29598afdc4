/*
 * Sealed files: what was put in comes out, in one chunk or many; nothing of it is readable; a file that was cut, changed or put
 * together from others is told; one from before they were sealed is read as it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scratch.h"
#include "customer/vault_file.h"

struct world {
    char *dir, path[256], key[256];
    struct store *store;
    struct vault *vault;
};

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    struct err err = {0};
    world->dir = scratch_make("vault_file");
    snprintf(world->path, sizeof world->path, "%s/file", world->dir);
    snprintf(world->key, sizeof world->key, "%s/secret.key", world->dir);
    assert_int_equal(store_open(&world->store, world->dir, &err), 0);
    assert_int_equal(vault_open(&world->vault, world->store, world->key, &err), 0);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    store_close(world->store);
    vault_close(world->vault);
    scratch_remove(world->dir);
    free(world->dir);
    free(world);
    return 0;
}

/* Text of n bytes in which every place is known. */
static char *text_of(size_t n) {
    char *text = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + i * 7 % 26);
    text[n] = 0;
    return text;
}

/* What the file holds; NULL: it cannot be opened. */
static char *held(struct world *world, size_t *n) {
    struct err err = {0};
    struct stat status;
    int fd;
    if (vault_file_open(world->vault, world->path, &fd, &err))
        return NULL;
    assert_int_equal(fstat(fd, &status), 0);
    *n = (size_t)status.st_size;
    char *text = calloc(1, *n + 1);
    assert_int_equal(read(fd, text, *n), (ssize_t)*n);
    close(fd);
    return text;
}

static void test_comes_out_as_it_went_in(void **state) {
    static const size_t SIZES[] = {0, 1, 26, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 19};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        struct err err = {0};
        size_t n = 0;
        char *text = text_of(SIZES[i]);
        assert_int_equal(
            vault_file_write(world->vault, world->path, (struct slice){text, SIZES[i]}, &err), 0);
        char *out = held(world, &n);
        assert_non_null(out);
        assert_int_equal(n, SIZES[i]);
        assert_memory_equal(out, text, n);
        free(out);
        free(text);
    }
}

/* The whole file as it lies on the disk. */
static char *raw(struct world *world, size_t *n) {
    struct stat status;
    int fd = open(world->path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    *n = (size_t)status.st_size;
    char *bytes = malloc(*n);
    assert_int_equal(read(fd, bytes, *n), (ssize_t)*n);
    close(fd);
    return bytes;
}

static void put_raw(struct world *world, const char *bytes, size_t n) {
    int fd = open(world->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

static void test_damage_is_told(void **state) {
    struct world *world = *state;
    struct err err = {0};
    size_t n = 0, out = 0;
    char *text = text_of(5 << 19);
    assert_int_equal(
        vault_file_write(world->vault, world->path, (struct slice){text, 5 << 19}, &err), 0);
    char *bytes = raw(world, &n);
    assert_null(memmem(bytes, n, text, 26));
    for (size_t at = 8; at < n; at += n / 13) {
        bytes[at] ^= 1;
        put_raw(world, bytes, n);
        assert_null(held(world, &out));
        bytes[at] ^= 1;
        put_raw(world, bytes, at + 1);
        assert_null(held(world, &out));
    }
    /* Its second chunk before its first, and without its last. */
    size_t first = 4 + (1 << 20) + 4 + VAULT_EXTRA_BYTES;
    char *turned = malloc(n);
    memcpy(turned, bytes, n);
    memcpy(turned + 8, bytes + 8 + first, first);
    memcpy(turned + 8 + first, bytes + 8, first);
    put_raw(world, turned, n);
    assert_null(held(world, &out));
    put_raw(world, bytes, 8 + 2 * first);
    assert_null(held(world, &out));
    free(turned);
    free(bytes);
    free(text);
}

static void test_before_they_were_sealed(void **state) {
    struct world *world = *state;
    size_t n = 0;
    put_raw(world, "user_id,email\n", 14);
    char *out = held(world, &n);
    assert_int_equal(n, 14);
    assert_memory_equal(out, "user_id,email\n", 14);
    free(out);
}

static void test_rows_are_kept_from_memory(void **state) {
    struct world *world = *state;
    char path[VAULT_FILE_PATH_BYTES];
    struct err err = {0};
    size_t n = 0;
    int fd;
    assert_int_equal(vault_file_memory(&fd, path, &err), 0);
    unlink(world->path);
    assert_int_equal(vault_file_keep(world->vault, fd, world->path, &err), 0);
    assert_int_equal(access(world->path, F_OK), -1); /* nothing, no file */
    assert_int_equal(write(fd, "refused\n", 8), 8);
    assert_int_equal(vault_file_keep(world->vault, fd, world->path, &err), 0);
    close(fd);
    char *out = held(world, &n);
    assert_int_equal(n, 8);
    assert_memory_equal(out, "refused\n", 8);
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_comes_out_as_it_went_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_before_they_were_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_are_kept_from_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
