/*
 * Dictionary, keys and log over a real store: codes, rollback, files, merging, folding, damage.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "../scratch.h"
#include "base/limits.h"
#include "base/logger.h"
#include "timeline/dictionary.h"
#include "timeline/guard.h"
#include "timeline/keys.h"
#include "timeline/log.h"

struct world {
    char *dir;
    struct store *store;
    struct dictionary *dictionary;
    struct keys *keys;
    struct log *log;
};

static void on_commit(void *context) { keys_commit(((struct world *)context)->keys); }
static void on_rollback(void *context) { keys_rollback(((struct world *)context)->keys); }

static void world_open(struct world *world) {
    struct err err = {0};
    static const unsigned char key[LOG_KEY_BYTES] = {1, 2, 3};
    assert_int_equal(store_open(&world->store, world->dir, &err), 0);
    assert_int_equal(dictionary_open(&world->dictionary, store_writer_db(world->store), &err), 0);
    dictionary_follow(world->dictionary, world->store);
    assert_int_equal(log_open(&world->log, world->store, world->dir, &err), 0);
    log_set_key(world->log, 7, key);
    assert_int_equal(keys_open(&world->keys, world->store, world->dir, "identity", &err), 0);
    store_add_hook(world->store, on_commit, on_rollback, world);
}

static void world_close(struct world *world) {
    store_close(world->store);
    keys_close(world->keys);
    log_close(world->log);
    dictionary_close(world->dictionary);
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    logger_set_level(LOGGER_ERROR);
    world->dir = scratch_make("truth");
    world_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    world_close(world);
    scratch_remove(world->dir);
    free(world->dir);
    free(world);
    return 0;
}

/* ---- dictionary ---- */

struct naming {
    struct world *world;
    unsigned from, to;
    bool fails;
};

static int add_names(void *context, sqlite3 *db, struct err *err) {
    struct naming *naming = context;
    for (unsigned i = naming->from; i < naming->to; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "name %u", i);
        uint16_t code = dictionary_add(naming->world->dictionary, DICTIONARY_EVENT,
                                       (struct slice){name, (size_t)n}, db, err);
        if (code != i + 1)
            return err_set(err, E_INTERNAL, "code %u for %s", code, name);
    }
    return naming->fails ? err_set(err, E_CONFLICT, "taken back") : 0;
}

static void test_codes_are_dense_and_survive(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct naming naming = {world, 0, 3000, false};
    assert_int_equal(store_write(world->store, add_names, &naming, &err), 0);
    naming = (struct naming){world, 3000, 9000, true};
    assert_int_equal(store_write(world->store, add_names, &naming, &err), E_CONFLICT);
    assert_int_equal(dictionary_count(world->dictionary, DICTIONARY_EVENT), 3000);
    assert_int_equal(dictionary_find(world->dictionary, DICTIONARY_EVENT, slice_of("name 3000")),
                     0);
    world_close(world);
    world_open(world);
    naming = (struct naming){world, 2900, 4000, false}; /* 100 known ones */
    assert_int_equal(store_write(world->store, add_names, &naming, &err), 0);
    for (unsigned i = 0; i < 4000; i++) {
        char name[32];
        snprintf(name, sizeof name, "name %u", i);
        assert_int_equal(dictionary_find(world->dictionary, DICTIONARY_EVENT, slice_of(name)),
                         i + 1);
        assert_true(slice_is(
            dictionary_name(world->dictionary, DICTIONARY_EVENT, (uint16_t)(i + 1)), name));
    }
    assert_int_equal(dictionary_find(world->dictionary, DICTIONARY_CHANNEL, slice_of("name 1")), 0);
    assert_int_equal(dictionary_name(world->dictionary, DICTIONARY_EVENT, 4001).n, 0);
}

static void test_a_full_dictionary_says_so(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct naming naming = {world, 0, LIMIT_CODES, false};
    assert_int_equal(store_write(world->store, add_names, &naming, &err), 0);
    naming = (struct naming){world, LIMIT_CODES, LIMIT_CODES + 1, false};
    assert_int_equal(store_write(world->store, add_names, &naming, &err), E_INTERNAL);
    assert_int_equal(dictionary_count(world->dictionary, DICTIONARY_EVENT), LIMIT_CODES);
    assert_int_equal(dictionary_find(world->dictionary, DICTIONARY_EVENT, slice_of("name 65534")),
                     65535);
}

/* ---- keys ---- */

static struct key128 key_of(uint64_t n) {
    static const struct hash_key secret = {{42}};
    struct slice part = {(const char *)&n, sizeof n};
    return hash_keyed(&secret, &part, 1);
}

struct putting {
    struct world *world;
    uint64_t from, to, add;
    bool fails;
};

static int put_keys(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    (void)db;
    for (uint64_t i = putting->from; i < putting->to; i++)
        keys_put(putting->world->keys, key_of(i), (uint32_t)(i + putting->add), i);
    return putting->fails ? err_set(err, E_CONFLICT, "taken back") : 0;
}

static void put(struct world *world, uint64_t from, uint64_t to, uint64_t add) {
    struct err err = {0};
    struct putting putting = {world, from, to, add, false};
    assert_int_equal(store_write(world->store, put_keys, &putting, &err), 0);
}

static void test_keys_in_memory_and_files(void **state) {
    struct world *world = *state;
    struct err err = {0};
    for (uint64_t round = 0; round < 9; round++) { /* merges after the fourth and eighth file */
        put(world, round * 1000, round * 1000 + 1000, 0);
        put(world, round * 100, round * 100 + 50, 1000000); /* newer values of older keys */
        assert_int_equal(keys_flush(world->keys, 1, &err), 0);
        while (keys_merge(world->keys, &err) == 1)
            ;
    }
    put(world, 9000, 9100, 0); /* only in memory */
    for (int reopened = 0; reopened < 2; reopened++) {
        for (uint64_t i = 0; i < 9000; i++) {
            bool newer = i < 900 && i % 100 < 50;
            assert_int_equal(keys_find(world->keys, key_of(i)), newer ? i + 1000000 : i);
        }
        for (uint64_t i = 9100; i < 30000; i++)
            assert_int_equal(keys_find(world->keys, key_of(i)), MAP_NONE);
        assert_int_equal(keys_find(world->keys, key_of(9050)), reopened ? MAP_NONE : 9050);
        assert_int_equal(keys_verify(world->keys, &err), 0);
        assert_int_equal(keys_covered(world->keys),
                         849); /* the position of the newest put in files */
        world_close(world);
        world_open(world);
    }
}

static void test_rolled_back_keys_are_gone(void **state) {
    struct world *world = *state;
    struct err err = {0};
    put(world, 0, 100, 0);
    struct putting putting = {world, 50, 200, 7, true};
    assert_int_equal(store_write(world->store, put_keys, &putting, &err), E_CONFLICT);
    for (uint64_t i = 0; i < 200; i++)
        assert_int_equal(keys_find(world->keys, key_of(i)), i < 100 ? i : MAP_NONE);
    assert_int_equal(keys_flush(world->keys, 1, &err), 0);
    assert_int_equal(keys_covered(world->keys), 99); /* not the position of what was taken back */
    for (uint64_t i = 0; i < 200; i++)
        assert_int_equal(keys_find(world->keys, key_of(i)), i < 100 ? i : MAP_NONE);
}

static void flip(const char *dir, const char *name, long at) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void test_damaged_keys_are_found(void **state) {
    struct world *world = *state;
    struct err err = {0};
    put(world, 0, 5000, 0);
    assert_int_equal(keys_flush(world->keys, 1, &err), 0);
    assert_int_equal(keys_verify(world->keys, &err), 0);
    const long places[] = {20, 200, 8000, 30000};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        flip(world->dir, "keys/identity-000001.keys", places[i]);
        assert_int_equal(keys_verify(world->keys, &err), E_CORRUPT);
        flip(world->dir, "keys/identity-000001.keys", places[i]);
    }
    assert_int_equal(keys_verify(world->keys, &err), 0);
}

static int look_up(void *context, sqlite3 *db, struct err *err) {
    struct world *world = context;
    (void)db, (void)err;
    for (uint64_t i = 0; i < 5000; i++)
        (void)keys_get(world->keys, key_of(i));
    return 0;
}

static int replay_keys(void *context, uint64_t after, uint64_t to, struct keys_mending *mending,
                       struct err *err) {
    (void)context, (void)after;
    int code = 0;
    for (uint64_t i = 0; !code && i <= to; i++)
        code = keys_mend_put(mending, key_of(i), (uint32_t)i, err);
    return code;
}

static void test_keys_cut_under_our_feet(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char path[4200];
    put(world, 0, 5000, 0);
    assert_int_equal(keys_flush(world->keys, 1, &err), 0);
    guard_install();
    for (unsigned round = 0; round < 4; round++) {
        unsigned mended = 0;
        struct stat status;
        assert_int_equal(store_write(world->store, look_up, world, &err), 0);
        assert_false(keys_hurt(world->keys));
        snprintf(path, sizeof path, "%s/keys/identity-%06u.keys", world->dir, round + 1);
        assert_int_equal(stat(path, &status), 0);
        const off_t lengths[] = {0, 700, status.st_size / 2, status.st_size - 1};
        assert_int_equal(truncate(path, lengths[round]), 0);
        /* nothing that was looked up is committed, and nobody crashes */
        assert_int_equal(store_write(world->store, look_up, world, &err), E_BUSY);
        assert_true(keys_known_hurt(world->keys));
        assert_int_equal(keys_mend(world->keys, false, replay_keys, NULL, &mended, &err), 0);
        assert_int_equal(mended, 1);
        assert_false(keys_hurt(world->keys));
        for (uint64_t i = 0; i < 5000; i++)
            assert_int_equal(keys_find(world->keys, key_of(i)), i);
        assert_int_equal(keys_verify(world->keys, &err), 0);
        err = (struct err){0};
    }
}

static void test_keys_written_to_under_our_feet(void **state) {
    struct world *world = *state;
    struct err err = {0};
    unsigned mended = 0;
    put(world, 0, 5000, 0);
    assert_int_equal(keys_flush(world->keys, 1, &err), 0);
    usleep(20000); /* the clock of the file system is coarse */
    flip(world->dir, "keys/identity-000001.keys", 30000);
    flip(world->dir, "keys/identity-000001.keys", 30000);
    assert_true(keys_hurt(world->keys));
    assert_int_equal(keys_mend(world->keys, false, replay_keys, NULL, &mended, &err), 0);
    assert_int_equal(mended, 0); /* whole all the same: only looked at */
    assert_false(keys_hurt(world->keys));
    usleep(20000);
    flip(world->dir, "keys/identity-000001.keys", 30000);
    assert_int_equal(store_write(world->store, look_up, world, &err), E_BUSY);
    assert_int_equal(keys_mend(world->keys, false, replay_keys, NULL, &mended, &err), 0);
    assert_int_equal(mended, 1);
    assert_int_equal(keys_verify(world->keys, &err), 0);
}

static void test_merging_launders_no_damage(void **state) {
    struct world *world = *state;
    struct err err = {0};
    for (uint64_t i = 0; i < 4; i++) {
        put(world, i * 1000, (i + 1) * 1000, 0);
        assert_int_equal(keys_flush(world->keys, 1, &err), 0);
    }
    flip(world->dir, "keys/identity-000002.keys", 8000);
    assert_int_equal(keys_merge(world->keys, &err), E_CORRUPT);
    assert_true(keys_known_hurt(world->keys));
    flip(world->dir, "keys/identity-000002.keys", 8000);
    unsigned mended = 0;
    assert_int_equal(keys_mend(world->keys, true, replay_keys, NULL, &mended, &err), 0);
    assert_int_equal(mended, 0);
    assert_int_equal(keys_merge(world->keys, &err), 1);
    for (uint64_t i = 0; i < 4000; i++)
        assert_int_equal(keys_find(world->keys, key_of(i)), i);
}

/* ---- log ---- */

struct adding {
    struct world *world;
    uint64_t n;
    bool fails;
};

static void text_of(uint64_t i, char id[64]) {
    if (i % 3 == 0)
        snprintf(id, 64, "%08llx-1234-4abc-8def-%012llx", (unsigned long long)i * 77,
                 (unsigned long long)i);
    else if (i % 3 == 1)
        snprintf(id, 64, "ajs-next-17-%08llx-1234-4abc-8def-%012llx", (unsigned long long)i,
                 (unsigned long long)i * 3);
    else
        snprintf(id, 64, "message %llu", (unsigned long long)i);
}

static void row_of(uint64_t i, struct row *row, struct buf *properties) {
    struct value text = {.type = VALUE_TEXT, .text = SLICE_LITERAL("some text that is stored")};
    struct value number = {.type = VALUE_INT, .integer = (int64_t)i};
    buf_clear(properties);
    for (uint64_t k = 0; k < i % 5; k++)
        property_add(properties, (uint32_t)k + 1, &text);
    property_add(properties, 9, &number);
    *row = (struct row){
        .time_ms = (int64_t)(i * 7919 % 4000000000u) * 1000 + (int64_t)(i % 1000),
        .customer = (uint32_t)(i % 1000 + 1),
        .event = (uint16_t)(i % 300 + 1),
        .channel = (uint16_t)(i % 4),
        .unit = (uint16_t)(i % 7 == 0 ? 400 : 0),
        .source = (uint16_t)(i % 3),
        .type = (uint8_t)(i % 5),
        .properties = buf_slice(properties),
    };
}

static struct key128 log_key_of(uint64_t i) {
    if (i % 2)
        return (struct key128){0};
    struct key128 key = key_of(i);
    key.b &= UINT64_C(0xffffffff00000000); /* what is kept */
    return key;
}

static int add_records(void *context, sqlite3 *db, struct err *err) {
    struct adding *adding = context;
    (void)db;
    struct buf properties;
    buf_init(&properties, 1 << 20);
    int code = 0;
    uint64_t last = log_last(adding->world->log);
    for (uint64_t i = last + 1; !code && i <= last + adding->n; i++) {
        struct row row;
        char id[64];
        text_of(i, id);
        row_of(i, &row, &properties);
        code = log_add(adding->world->log, &row, i % 4 == 3 ? (struct slice){0} : slice_of(id),
                       log_key_of(i), row.time_ms + 5, err);
        if (!code && row.seq != i)
            code = err_set(err, E_INTERNAL, "seq");
    }
    buf_release(&properties);
    return !code && adding->fails ? err_set(err, E_CONFLICT, "taken back") : code;
}

static void add(struct world *world, uint64_t n) {
    struct err err = {0};
    struct adding adding = {world, n, false};
    assert_int_equal(store_write(world->store, add_records, &adding, &err), 0);
}

struct expecting {
    uint64_t seq, step, n;
};

static int expect_record(void *context, const struct log_record *record) {
    struct expecting *expecting = context;
    const struct row *row = &record->row;
    struct buf properties;
    buf_init(&properties, 1 << 20);
    struct row wanted;
    char id[64];
    assert_int_equal(row->seq, expecting->seq);
    row_of(row->seq, &wanted, &properties);
    text_of(row->seq, id);
    assert_true(row->time_ms == wanted.time_ms && row->customer == wanted.customer);
    assert_true(row->event == wanted.event && row->channel == wanted.channel);
    assert_true(row->unit == wanted.unit && row->source == wanted.source &&
                row->type == wanted.type);
    assert_true(slice_equal(row->properties, wanted.properties));
    assert_true(record->received_ms == wanted.time_ms + 5);
    assert_true(row->seq % 4 == 3 ? !record->message_id.p : slice_is(record->message_id, id));
    struct key128 key = log_key_of(row->seq);
    assert_true(record->key.a == key.a && record->key.b == key.b);
    expecting->seq += expecting->step;
    expecting->n++;
    buf_release(&properties);
    return 0;
}

static void check_log(struct world *world, uint64_t last) {
    struct err err = {0};
    struct expecting expecting = {.seq = 1, .step = 1};
    assert_int_equal(log_last(world->log), last);
    assert_int_equal(log_read(world->log, 1, UINT64_MAX, expect_record, &expecting, &err), 0);
    assert_int_equal(expecting.n, last);
    expecting = (struct expecting){.seq = last / 3, .step = 1};
    assert_int_equal(log_read(world->log, last / 3, last / 2, expect_record, &expecting, &err), 0);
    assert_int_equal(expecting.n, last / 2 - last / 3);
    uint64_t seqs[1000];
    for (uint64_t step = 1; step < last / 2; step = step * 3 + 1) {
        size_t n = 0;
        for (uint64_t seq = step; seq <= last && n < 1000; seq += step)
            seqs[n++] = seq;
        expecting = (struct expecting){.seq = step, .step = step};
        assert_int_equal(log_fetch(world->log, seqs, n, expect_record, &expecting, &err), 0);
        assert_int_equal(expecting.n, n);
    }
}

static void test_log_reads_back_fresh_and_folded(void **state) {
    struct world *world = *state;
    struct err err = {0};
    add(world, 1);
    add(world, 20000);
    for (int i = 0; i < 30; i++)
        add(world, 7);
    check_log(world, 20211);
    while (log_fold(world->log, true, &err) == 1)
        ;
    check_log(world, 20211);
    add(world, 500);
    check_log(world, 20711);
    world_close(world);
    world_open(world);
    check_log(world, 20711);
    assert_int_equal(log_fold(world->log, true, &err), 0);
    world_close(world);
    world_open(world);
    add(world, 10);
    check_log(world, 20721);
    struct log_stats stats;
    log_stats(world->log, &stats);
    assert_int_equal(stats.files, 2);
}

static void test_taken_back_records_leave_no_gap(void **state) {
    struct world *world = *state;
    struct err err = {0};
    add(world, 100);
    struct adding adding = {world, 5000, true};
    assert_int_equal(store_write(world->store, add_records, &adding, &err), E_CONFLICT);
    assert_int_equal(log_last(world->log), 100);
    add(world, 50);
    check_log(world, 150);
}

static void test_damaged_log_is_found_and_not_served(void **state) {
    struct world *world = *state;
    struct err err = {0};
    add(world, 5000);
    assert_int_equal(log_fold(world->log, true, &err), 0);
    flip(world->dir, "log/000001.log", 5000);
    struct expecting expecting = {.seq = 1, .step = 1};
    assert_int_equal(log_read(world->log, 1, UINT64_MAX, expect_record, &expecting, &err),
                     E_CORRUPT);
    flip(world->dir, "log/000001.log", 5000);
    check_log(world, 5000);
    char path[4200];
    snprintf(path, sizeof path, "%s/log/000001.log", world->dir);
    world_close(world);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, status.st_size - 1), 0);
    assert_int_equal(store_open(&world->store, world->dir, &err), 0);
    struct log *log = NULL;
    assert_int_equal(log_open(&log, world->store, world->dir, &err), E_CORRUPT);
    store_close(world->store);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "D", 1), 1); /* the last byte of SENDAEND */
    close(fd);
    world_open(world);
    check_log(world, 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_codes_are_dense_and_survive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_dictionary_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_in_memory_and_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rolled_back_keys_are_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_cut_under_our_feet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_written_to_under_our_feet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merging_launders_no_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_keys_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_reads_back_fresh_and_folded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_back_records_leave_no_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_log_is_found_and_not_served, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
