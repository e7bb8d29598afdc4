/*
 * Editions of numbers: written whole under another name, synced, renamed, mapped. See number.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "number/number.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/logger.h"
#include "store/file.h"
#include "timeline/guard.h"

enum { VERSION = 1, NAME_BYTES = 24, REPORT_MAX_BYTES = 16 << 20 };
static const char FILE_NAME[] = "numbers.bin";
static const char KEPT[] = "numbers";

struct header {
    char magic[8];
    uint32_t version, n, columns, report_bytes;
    int64_t made_ms;
    uint64_t hash;
};
_Static_assert(sizeof(struct header) == 40, "the header as the format says");
static const char MAGIC[8] = {'S', 'E', 'N', 'D', 'A', 'N', 'U', 'M'};

const char *const number_names[NUMBERS] = {
#define X(name, text) text,
    NUMBER_TABLE(X) NUMBER_INNER_TABLE(X)
#undef X
};

struct numbers {
    struct shelf *shelf;
    unsigned readers; /* under the shelf's lock; the shelf itself is one */
    void *map;
    size_t bytes;
    int fd, guarded; /* of the mapping */
    struct file_stamp stamp;
    atomic_bool damaged; /* the file was cut or written to under our feet */
    struct header header;
    const float *columns[NUMBERS];
    const char *report;
};

struct shelf {
    pthread_mutex_t lock;
    struct numbers *newest;
};

/* ---- reading ---- */

static int damaged(struct err *err) { return err_set(err, E_CORRUPT, "estimates are damaged"); }

static uint64_t bytes_of(const struct header *header) {
    return sizeof *header + (uint64_t)header->columns * NAME_BYTES +
           (uint64_t)header->columns * header->n * sizeof(float) + header->report_bytes;
}

static int look_into(struct numbers *numbers, struct err *err) {
    const char *bytes = numbers->map;
    memcpy(&numbers->header, bytes, sizeof numbers->header);
    const struct header *header = &numbers->header;
    if (memcmp(header->magic, MAGIC, sizeof MAGIC) != 0 || header->version != VERSION ||
        header->columns > NUMBERS || bytes_of(header) != numbers->bytes ||
        header->hash != hash_bytes(bytes + sizeof *header, numbers->bytes - sizeof *header))
        return damaged(err);
    const char *names = bytes + sizeof *header;
    const float *column =
        (const float *)(const void *)(names + (size_t)header->columns * NAME_BYTES);
    for (uint32_t c = 0; c < header->columns; c++, column += header->n)
        for (int k = 0; k < NUMBERS; k++)
            if (strncmp(names + (size_t)c * NAME_BYTES, number_names[k], NAME_BYTES) == 0)
                numbers->columns[k] = column;
    numbers->report = (const char *)column;
    return 0;
}

static void numbers_free(struct numbers *numbers) {
    if (numbers->map) {
        guard_unregister(numbers->guarded);
        munmap(numbers->map, numbers->bytes);
    }
    close(numbers->fd);
    free(numbers);
}

/* *out stays NULL where there is no file. */
static int load(struct shelf *shelf, const char *path, struct numbers **out, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct numbers *numbers = calloc(1, sizeof *numbers);
    if (!numbers)
        abort();
    numbers->shelf = shelf;
    numbers->readers = 1;
    numbers->fd = fd;
    bool told = file_stamp_take(fd, &numbers->stamp);
    int code = !told || numbers->stamp.bytes < (int64_t)sizeof(struct header) ? damaged(err) : 0;
    if (!code) {
        numbers->bytes = (size_t)numbers->stamp.bytes;
        numbers->map = mmap(NULL, numbers->bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (numbers->map == MAP_FAILED) {
            numbers->map = NULL;
            code = file_fail(ERR_WORDS("the file of estimates"), err);
        }
    }
    if (numbers->map) {
        numbers->guarded = guard_register_zeros(numbers->map, numbers->bytes, &numbers->damaged);
        code = look_into(numbers, err);
    }
    if (code)
        numbers_free(numbers);
    else
        *out = numbers;
    return code;
}

/* ---- the shelf ---- */

static void path_of(const struct folder *folder, const char *name, char path[4096]) {
    snprintf(path, 4096, "%s/%s", folder->dir, name);
}

static int shelf_make(struct folder *folder, void **value, struct err *err) {
    (void)err;
    char path[4096];
    struct err damage = {0};
    struct shelf *shelf = calloc(1, sizeof *shelf);
    if (!shelf)
        abort();
    pthread_mutex_init(&shelf->lock, NULL);
    path_of(folder, FILE_NAME, path);
    if (load(shelf, path, &shelf->newest, &damage)) /* derived: the next run makes it again */
        log_error("numbers", "%s: run value.model again", damage.message);
    *value = shelf;
    return 0;
}

static void shelf_release(void *value) {
    struct shelf *shelf = value;
    numbers_put(shelf->newest);
    pthread_mutex_destroy(&shelf->lock);
    free(shelf);
}

static int shelf_of(struct folder *folder, struct shelf **shelf, struct err *err) {
    void *value = NULL;
    int code = folder_keep(folder, KEPT, shelf_make, shelf_release, &value, err);
    *shelf = value;
    return code;
}

/* Said once; from then on nothing is estimated, until the next run. */
static bool is_sound(struct numbers *numbers) {
    bool known = atomic_load(&numbers->damaged);
    if (!known && file_stamp_holds(numbers->fd, &numbers->stamp))
        return true;
    if (!known || numbers->stamp.bytes)
        log_error("numbers", "estimates are damaged: run value.model again");
    numbers->stamp.bytes = 0;
    atomic_store(&numbers->damaged, true);
    return false;
}

int numbers_get(struct folder *folder, struct numbers **numbers, struct err *err) {
    struct shelf *shelf;
    *numbers = NULL;
    int code = shelf_of(folder, &shelf, err);
    if (code)
        return code;
    pthread_mutex_lock(&shelf->lock);
    *numbers = shelf->newest && is_sound(shelf->newest) ? shelf->newest : NULL;
    if (*numbers)
        (*numbers)->readers++;
    pthread_mutex_unlock(&shelf->lock);
    return 0;
}

void numbers_put(struct numbers *numbers) {
    if (!numbers)
        return;
    pthread_mutex_lock(&numbers->shelf->lock);
    bool last = --numbers->readers == 0;
    pthread_mutex_unlock(&numbers->shelf->lock);
    if (last)
        numbers_free(numbers);
}

double numbers_of(const struct numbers *numbers, enum number number, uint32_t owner) {
    if (!numbers || !numbers->columns[number] || owner >= numbers->header.n)
        return (double)NAN;
    return (double)numbers->columns[number][owner];
}

uint32_t numbers_owners(const struct numbers *numbers) { return numbers ? numbers->header.n : 0; }
int64_t numbers_made_ms(const struct numbers *numbers) { return numbers->header.made_ms; }
struct slice numbers_report(const struct numbers *numbers) {
    return (struct slice){numbers->report, numbers->header.report_bytes};
}

static void forget(struct shelf *shelf, bool repair) {
    pthread_mutex_lock(&shelf->lock);
    struct numbers *old = shelf->newest;
    if (old)
        atomic_store(&old->damaged, true);
    if (repair)
        shelf->newest = NULL;
    pthread_mutex_unlock(&shelf->lock);
    if (repair)
        numbers_put(old);
}

void numbers_verify(struct folder *folder, bool repair, struct buf *findings) {
    char path[4096];
    struct shelf *shelf;
    struct numbers *again = NULL;
    struct err err = {0};
    path_of(folder, FILE_NAME, path);
    int code = shelf_of(folder, &shelf, &err);
    if (!code && (code = load(shelf, path, &again, &err)) == E_CORRUPT) {
        forget(shelf, repair);
        repair = repair && unlink(path) == 0;
    }
    if (code)
        buf_add_format(findings, "estimates of customers: %s%s\n", err.message,
                       repair ? "; removed, the next run makes them again" : "");
    if (again)
        numbers_free(again);
}

/* ---- writing ---- */

static char *image_of(const struct numbers_draft *draft, struct header *header) {
    *header = (struct header){.version = VERSION,
                              .n = draft->n,
                              .report_bytes = (uint32_t)draft->report.n,
                              .made_ms = draft->made_ms};
    memcpy(header->magic, MAGIC, sizeof MAGIC);
    for (int k = 0; k < NUMBERS; k++)
        header->columns += draft->columns[k] != NULL;
    char *image = calloc(1, bytes_of(header));
    if (!image)
        return NULL;
    char *name = image + sizeof *header, *at = name + (size_t)header->columns * NAME_BYTES;
    for (int k = 0; k < NUMBERS; k++) {
        if (!draft->columns[k])
            continue;
        memcpy(name, number_names[k], strnlen(number_names[k], NAME_BYTES));
        memcpy(at, draft->columns[k], draft->n * sizeof(float));
        name += NAME_BYTES;
        at += draft->n * sizeof(float);
    }
    if (draft->report.n)
        memcpy(at, draft->report.p, draft->report.n);
    header->hash = hash_bytes(image + sizeof *header, bytes_of(header) - sizeof *header);
    memcpy(image, header, sizeof *header);
    return image;
}

static int write_image(const char *path, const char *image, size_t n, struct err *err) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_fail(ERR_WORDS("the file of estimates"), err);
    int code = file_write(fd, image, n, ERR_WORDS("the file of estimates"), err);
    if (!code && fsync(fd))
        code = file_fail(ERR_WORDS("the file of estimates"), err);
    if (close(fd) && !code)
        code = file_fail(ERR_WORDS("the file of estimates"), err);
    return code;
}

int numbers_replace(struct folder *folder, const struct numbers_draft *draft, struct err *err) {
    char path[4096], fresh[4096];
    struct shelf *shelf;
    struct header header;
    struct numbers *numbers = NULL;
    int code = shelf_of(folder, &shelf, err);
    if (code)
        return code;
    if (draft->report.n > REPORT_MAX_BYTES)
        return err_set(err, E_TOO_LARGE, "the report of the estimates is too large");
    char *image = image_of(draft, &header);
    if (!image)
        return err_set(err, E_NOSPACE, "not enough memory for the estimates");
    path_of(folder, FILE_NAME, path);
    path_of(folder, "numbers.new", fresh);
    code = write_image(fresh, image, bytes_of(&header), err);
    free(image);
    if (!code && rename(fresh, path))
        code = file_fail(ERR_WORDS("the file of estimates"), err);
    if (!code)
        code = file_sync_folder(folder->dir, err);
    if (!code)
        code = load(shelf, path, &numbers, err);
    if (code)
        return code;
    pthread_mutex_lock(&shelf->lock);
    struct numbers *old = shelf->newest;
    shelf->newest = numbers;
    pthread_mutex_unlock(&shelf->lock);
    numbers_put(old);
    return 0;
}
