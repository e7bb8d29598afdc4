/*
 * A data folder as a whole: exactly once across restarts, a full disk, backup and restore, counters and refusals, locks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../scratch.h"
#include "base/clock.h"
#include "base/logger.h"
#include "collect/source.h"
#include "folder/backup.h"
#include "folder/verify.h"

enum { BATCH = 500 };

struct world {
    char *scratch, *dir;
    struct folder *folder;
};

static void world_open(struct world *world) {
    struct err err = {0};
    int code = folder_open(&world->folder, world->dir, &err);
    if (code)
        fail_msg("%s", err.message);
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    struct err err = {0};
    logger_set_level(LOGGER_ERROR + 1);
    world->scratch = scratch_make("folder");
    assert_true(asprintf(&world->dir, "%s/d", world->scratch) > 0);
    struct folder_settings settings = {
        .name = "Vereda", .timezone = "America/Lima", .language = "en"};
    assert_int_equal(folder_create(world->dir, &settings, &err), 0);
    world_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    folder_close(world->folder);
    scratch_remove(world->scratch);
    free(world->dir);
    free(world->scratch);
    free(world);
    return 0;
}

/* How an event says who it is the same as another one. */
enum kind { BY_MESSAGE_ID, BY_CONTENT, NEVER };

static int send(struct folder *folder, unsigned from, size_t n, enum kind kind,
                struct ingest_batch *batch) {
    static _Thread_local struct event events[BATCH];
    static _Thread_local struct event_result results[BATCH];
    static _Thread_local char ids[BATCH][32], users[BATCH][32], names[BATCH][32];
    static _Thread_local struct event_property properties[BATCH];
    for (size_t i = 0; i < n; i++) {
        unsigned k = from + (unsigned)i;
        snprintf(ids[i], sizeof ids[i], "id %u", k);
        snprintf(users[i], sizeof users[i], "user %u", k % 300);
        snprintf(names[i], sizeof names[i], "name %u", k % 50);
        properties[i] = (struct event_property){slice_of(names[i]),
                                                {.type = VALUE_TEXT, .text = slice_of(ids[i])}};
        events[i] = (struct event){.name = slice_of(names[i]),
                                   .user_id = slice_of(users[i]),
                                   .message_id =
                                       kind == BY_MESSAGE_ID ? slice_of(ids[i]) : (struct slice){0},
                                   .has_time = kind != NEVER,
                                   .time_ms = 1000 + k,
                                   .stated_ms = kind != NEVER ? 1000 + k : 0,
                                   .properties = &properties[i],
                                   .n_properties = 1,
                                   .raw = slice_of(ids[i])};
    }
    struct err err = {0};
    *batch = (struct ingest_batch){.source = {.number = 1, .channel = SLICE_LITERAL("web")},
                                   .events = events,
                                   .n = n,
                                   .bytes = n * 200,
                                   .received_ms = clock_now_ms(),
                                   .results = results};
    return ingest_run(folder->ingest, batch, &err);
}

static void expect(struct world *world, unsigned from, size_t n, enum kind kind, size_t accepted) {
    struct ingest_batch batch;
    assert_int_equal(send(world->folder, from, n, kind, &batch), 0);
    assert_int_equal(batch.accepted, accepted);
    assert_int_equal(batch.duplicates, n - accepted);
    assert_int_equal(batch.rejected, 0);
}

static void reopen(struct world *world) {
    folder_close(world->folder);
    world_open(world);
}

static void verify(struct world *world) {
    struct err err = {0};
    struct buf findings;
    buf_init(&findings, 65536);
    assert_int_equal(folder_verify(world->folder, false, &findings, &err), 0);
    if (findings.n)
        fail_msg("%s", findings.p);
    buf_release(&findings);
}

static void test_settings_and_lock(void **state) {
    struct world *world = *state;
    struct err err = {0};
    assert_string_equal(world->folder->name, "Vereda");
    assert_string_equal(world->folder->currency, "EUR");
    assert_string_equal(zone_name(world->folder->zone), "America/Lima");
    struct folder *second = NULL;
    assert_int_equal(folder_open(&second, world->dir, &err), E_CONFLICT);
    assert_int_equal(folder_create(world->dir, NULL, &err), E_REFUSED);
    assert_int_equal(folder_open(&second, world->scratch, &err), E_NOT_FOUND);
}

static void test_exactly_once_across_restarts(void **state) {
    struct world *world = *state;
    struct err err = {0};
    expect(world, 0, 300, BY_MESSAGE_ID, 300);
    expect(world, 1000, 300, BY_CONTENT, 300);
    expect(world, 2000, 100, NEVER, 100);
    for (int round = 0; round < 3; round++) {
        expect(world, 0, 300, BY_MESSAGE_ID, 0);
        expect(world, 1000, 300, BY_CONTENT, 0);
        expect(world, 2000, 100, NEVER, 100);
        if (round)
            assert_true(folder_maintain(world->folder, true, &err) >= 0);
        reopen(world);
    }
    expect(world, 200, 200, BY_MESSAGE_ID, 100);
    assert_int_equal(log_last(world->folder->log), 300 + 300 + 4 * 100 + 100);
    verify(world);
}

static void test_the_same_twice_in_one_batch(void **state) {
    struct world *world = *state;
    struct event event = {.name = SLICE_LITERAL("a"),
                          .user_id = SLICE_LITERAL("u"),
                          .message_id = SLICE_LITERAL("m"),
                          .time_ms = 5};
    struct event events[3] = {event, event, event};
    struct event_result results[3];
    struct err err = {0};
    struct ingest_batch batch = {.events = events, .n = 3, .results = results, .bytes = 100};
    assert_int_equal(ingest_run(world->folder->ingest, &batch, &err), 0);
    assert_int_equal(batch.accepted, 1);
    assert_int_equal(results[0].outcome, OUTCOME_ACCEPTED);
    assert_int_equal(results[1].outcome, OUTCOME_DUPLICATE);
    assert_int_equal(results[2].outcome, OUTCOME_DUPLICATE);
}

static void limit_files(rlim_t bytes, struct rlimit *before) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, before);
    limit = *before;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk_refuses_and_recovers(void **state) {
    struct world *world = *state;
    struct rlimit before;
    struct ingest_batch batch;
    unsigned stored = 0, refused = 0;
    limit_files(3 * 1024 * 1024, &before);
    while (!refused && stored < 1000000) {
        if (send(world->folder, stored, BATCH, BY_MESSAGE_ID, &batch) == 0)
            stored += BATCH;
        else
            refused++;
    }
    assert_int_equal(refused, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send(world->folder, stored, BATCH, BY_MESSAGE_ID, &batch), E_NOSPACE);
        assert_int_equal(batch.accepted, 0);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(log_last(world->folder->log), stored);
    expect(world, stored, BATCH, BY_MESSAGE_ID, BATCH); /* what was refused is new */
    expect(world, 0, BATCH, BY_MESSAGE_ID, 0);
    verify(world);
    reopen(world);
    assert_int_equal(log_last(world->folder->log), stored + BATCH);
    expect(world, stored, BATCH, BY_MESSAGE_ID, 0);
    verify(world);
}

static void test_wrong_or_missing_key_is_refused(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char *key, *away;
    assert_true(asprintf(&key, "%s/secret.key", world->dir) > 0);
    assert_true(asprintf(&away, "%s/away", world->scratch) > 0);
    expect(world, 0, 10, BY_MESSAGE_ID, 10);
    folder_close(world->folder);
    world->folder = NULL;
    assert_int_equal(rename(key, away), 0);
    assert_int_equal(folder_open(&world->folder, world->dir, &err), E_NOT_FOUND);
    int fd = open(key, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
    close(fd);
    assert_int_equal(folder_open(&world->folder, world->dir, &err), E_REFUSED);
    assert_int_equal(rename(away, key), 0);
    world_open(world);
    expect(world, 0, 10, BY_MESSAGE_ID, 0);
    free(key);
    free(away);
}

static void test_identifiers_are_not_readable_on_disk(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct event event = {.type = EVENT_IDENTIFY,
                          .user_id = SLICE_LITERAL("maria.garcia@example.org"),
                          .message_id = SLICE_LITERAL("m"),
                          .time_ms = 5};
    struct event_property property = {SLICE_LITERAL("phone"),
                                      {.type = VALUE_TEXT, .text = SLICE_LITERAL("+34600123456")}};
    event.properties = &property;
    event.n_properties = 1;
    struct event_result result;
    struct ingest_batch batch = {.events = &event, .n = 1, .results = &result, .bytes = 100};
    assert_int_equal(ingest_run(world->folder->ingest, &batch, &err), 0);
    assert_true(log_fold(world->folder->log, true, &err) >= 0);
    char command[4200];
    snprintf(command, sizeof command,
             "grep -rqa 'maria.garcia\\|34600123456' %s/log %s/senda.db* %s/keys", world->dir,
             world->dir, world->dir);
    assert_int_not_equal(system(command), 0);
    uint32_t owner;
    assert_int_equal(customers_find(world->folder->customers, event.user_id, &owner, &err), 0);
    struct arena arena;
    arena_init(&arena);
    struct identity *identities;
    size_t n;
    assert_int_equal(
        customers_identities(world->folder->customers, owner, &arena, &identities, &n, &err), 0);
    assert_int_equal(n, 2); /* the phone is one, too */
    assert_true(slice_equal(identities[0].value, event.user_id));
    arena_release(&arena);
}

static void test_counters_and_refusals_survive(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct source source = {.number = 1};
    expect(world, 0, 40, BY_MESSAGE_ID, 40);
    expect(world, 0, 40, BY_MESSAGE_ID, 0);
    for (int i = 0; i < 1500; i++) {
        char raw[32];
        snprintf(raw, sizeof raw, "{\"n\":%d}", i);
        ingest_refuse(world->folder->ingest, source, REFUSAL_NO_NAME, "no name", slice_of(raw), i);
    }
    reopen(world);
    struct ingest_counters counters;
    assert_int_equal(ingest_counters(world->folder->ingest, 1, &counters, &err), 0);
    assert_int_equal(counters.accepted, 40);
    assert_int_equal(counters.duplicates, 40);
    assert_int_equal(counters.rejected, 1500);
    assert_int_equal(counters.refused_by_reason[REFUSAL_NO_NAME], 1500);
    struct refused_event *events = calloc(2000, sizeof *events);
    assert_int_equal(ingest_refusals(world->folder->ingest, -1, events, 2000), 1000);
    assert_string_equal(events[0].raw, "{\"n\":1499}");
    assert_string_equal(events[999].raw, "{\"n\":500}");
    assert_int_equal(events[7].refusal, REFUSAL_NO_NAME);
    assert_int_equal(ingest_refusals(world->folder->ingest, 2, events, 2000), 0);
    free(events);
    struct arrival arrivals[50];
    assert_int_equal(ingest_arrivals(world->folder->ingest, 1, arrivals, 50), 40);
    assert_int_equal(arrivals[0].seq, 40);
}

static void test_sources(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct arena arena;
    arena_init(&arena);
    struct sources *sources;
    assert_int_equal(sources_open(&sources, world->folder->store, world->folder->vault, &err), 0);
    struct source_record web = {.name = "Web", .kind = "web", .channel = "web"};
    struct source_record shop = {.name = "Shop", .kind = "store", .write_key = "my-own-key"};
    assert_int_equal(sources_add(sources, &arena, &web, &err), 0);
    assert_int_equal(sources_add(sources, &arena, &shop, &err), 0);
    struct source_record again = {.name = "Web", .kind = "web"};
    assert_int_equal(sources_add(sources, &arena, &again, &err), E_CONFLICT);
    struct source found;
    bool disabled;
    assert_int_equal(sources_find(sources, slice_of(web.write_key), &found, &disabled), 0);
    assert_int_equal(found.number, 1);
    assert_true(slice_is(found.channel, "web"));
    assert_int_equal(sources_find(sources, SLICE_LITERAL("nobody's"), &found, &disabled),
                     E_UNAUTHORIZED);
    const char *rotated;
    assert_int_equal(sources_rotate(sources, 1, &arena, &rotated, &err), 0);
    assert_int_equal(sources_find(sources, slice_of(web.write_key), &found, &disabled),
                     E_UNAUTHORIZED);
    shop.disabled = true;
    assert_int_equal(sources_change(sources, &shop, &err), 0);
    sources_close(sources);
    reopen(world);
    assert_int_equal(sources_open(&sources, world->folder->store, world->folder->vault, &err), 0);
    assert_int_equal(sources_find(sources, slice_of(rotated), &found, &disabled), 0);
    assert_false(disabled);
    assert_int_equal(sources_find(sources, SLICE_LITERAL("my-own-key"), &found, &disabled), 0);
    assert_true(disabled);
    assert_int_equal(sources_remove(sources, 2, &err), 0);
    assert_int_equal(sources_find(sources, SLICE_LITERAL("my-own-key"), &found, &disabled),
                     E_UNAUTHORIZED);
    struct source_record *records;
    size_t n;
    assert_int_equal(sources_list(sources, &arena, &records, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_string_equal(records[0].write_key, rotated);
    assert_int_equal(sources_ensure(sources, "Shop", "store", NULL, &found, &err), 0);
    assert_int_equal(found.number, 3); /* the number of a removed source is never given again */
    sources_close(sources);
    arena_release(&arena);
}

/* ---- backup ---- */

struct loading {
    struct folder *folder;
    atomic_bool stop;
    atomic_uint stored;
};

static void *load(void *context) {
    struct loading *loading = context;
    struct err err = {0};
    while (!atomic_load(&loading->stop)) {
        struct ingest_batch batch;
        unsigned from = atomic_load(&loading->stored);
        if (send(loading->folder, from, BATCH, BY_MESSAGE_ID, &batch))
            abort();
        atomic_store(&loading->stored, from + BATCH);
        if (from / BATCH % 10 == 0 && folder_maintain(loading->folder, true, &err) < 0)
            abort();
    }
    return NULL;
}

static void test_backup_under_load_restores(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char *file, *dir;
    assert_true(asprintf(&file, "%s/backup", world->scratch) > 0);
    assert_true(asprintf(&dir, "%s/restored", world->scratch) > 0);
    struct loading loading = {.folder = world->folder};
    pthread_t thread;
    pthread_create(&thread, NULL, load, &loading);
    while (atomic_load(&loading.stored) < 30 * BATCH)
        usleep(1000);
    unsigned before = atomic_load(&loading.stored);
    int code = folder_backup(world->folder, file, NULL, NULL, &err);
    unsigned after = atomic_load(&loading.stored) + BATCH;
    atomic_store(&loading.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(code, 0);
    assert_int_equal(folder_backup(world->folder, file, NULL, NULL, &err), E_CONFLICT);
    code = folder_restore(file, dir, NULL, NULL, &err);
    if (code)
        fail_msg("%s", err.message);
    struct world restored = {.dir = dir};
    world_open(&restored);
    uint64_t last = log_last(restored.folder->log);
    assert_in_range(last, before, after);
    assert_int_equal(last % BATCH, 0);
    verify(&restored);
    expect(&restored, (unsigned)last - BATCH, BATCH, BY_MESSAGE_ID, 0);
    expect(&restored, (unsigned)last, BATCH, BY_MESSAGE_ID, BATCH);
    folder_close(restored.folder);
    free(file);
    free(dir);
}

/* ---- texts that are sealed ---- */

static int put_readable(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    return sqlite3_exec(db,
                        "INSERT INTO redirect(profile, target, reason, at_ms, number, who, why)"
                        " VALUES(7, 8, 3, 0, 1, 'x', 'Zurriburri lo dijo');"
                        "DELETE FROM setting WHERE name = 'sealed_columns'",
                        NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : store_fail(db, err);
}

static bool stands_in(const char *path, const char *text) {
    struct stat status;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &status))
        return false;
    char *bytes = malloc((size_t)status.st_size + 1);
    ssize_t n = read(fd, bytes, (size_t)status.st_size);
    bool found = n > 0 && memmem(bytes, (size_t)n, text, strlen(text));
    free(bytes);
    close(fd);
    return found;
}

/* A folder from before texts were sealed: they are at the next opening, whatever page they lay on; and read as before. */
static void test_texts_from_before_are_sealed(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char *db_path, *wal;
    assert_true(asprintf(&db_path, "%s/senda.db", world->dir) > 0);
    assert_true(asprintf(&wal, "%s/senda.db-wal", world->dir) > 0);
    assert_int_equal(store_write(world->folder->store, put_readable, NULL, &err), 0);
    assert_true(stands_in(db_path, "Zurriburri") || stands_in(wal, "Zurriburri"));
    folder_close(world->folder);
    world_open(world);
    assert_false(stands_in(db_path, "Zurriburri") || stands_in(wal, "Zurriburri"));
    sqlite3 *db = store_reader_get(world->folder->store);
    sqlite3_stmt *row =
        STORE_PREPARE(db, "SELECT opened(why), typeof(why) FROM redirect WHERE profile = 7", &err);
    assert_int_equal(store_step(row, &err), 1);
    assert_string_equal((const char *)sqlite3_column_text(row, 0), "Zurriburri lo dijo");
    assert_string_equal((const char *)sqlite3_column_text(row, 1), "blob");
    sqlite3_reset(row);
    store_reader_put(world->folder->store, db);
    free(db_path);
    free(wal);
}

static void test_damaged_backup_is_refused(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char *file, *dir, *inside;
    assert_true(asprintf(&file, "%s/backup", world->scratch) > 0);
    assert_true(asprintf(&dir, "%s/restored", world->scratch) > 0);
    assert_true(asprintf(&inside, "%s/senda.db", dir) > 0);
    for (unsigned i = 0; i < 10; i++)
        expect(world, i * BATCH, BATCH, BY_MESSAGE_ID, BATCH);
    assert_true(folder_maintain(world->folder, true, &err) >= 0);
    assert_int_equal(folder_backup(world->folder, file, NULL, NULL, &err), 0);
    struct stat status;
    assert_int_equal(stat(file, &status), 0);
    for (int i = 1; i < 6; i++) {
        int fd = open(file, O_RDWR);
        char byte;
        off_t at = status.st_size * i / 6;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_not_equal(folder_restore(file, dir, NULL, NULL, &err), 0);
        assert_int_not_equal(access(inside, F_OK), 0); /* nothing half restored stays */
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    assert_int_equal(truncate(file, status.st_size - 20), 0);
    assert_int_equal(folder_restore(file, dir, NULL, NULL, &err), E_CORRUPT);
    free(file);
    free(dir);
    free(inside);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_settings_and_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exactly_once_across_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_same_twice_in_one_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_refuses_and_recovers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_or_missing_key_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identifiers_are_not_readable_on_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counters_and_refusals_survive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backup_under_load_restores, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_backup_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts_from_before_are_sealed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
