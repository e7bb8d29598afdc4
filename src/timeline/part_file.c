/*
 * Parts as files: writing, mapping, checking.
 *
 * FORMAT
 *   NNNNNNNN.part            an image (part_internal.h)
 *   NNNNNNNN.VVVVVVVV.touch  struct touch_header, then u16 [n_rows]: touchpoints by version V of the rules
 *
 * A file is written once, made durable, listed in the records by its caller, and never changed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/file.h"
#include "timeline/part_internal.h"
#include "timeline/part_seal.h"

struct touch_header {
    char magic[8];
    uint32_t format, n_rows, number, rules_version;
    uint64_t codes_checksum, checksum; /* checksum: of the header, this field 0 */
    uint32_t stored;                   /* 0: every code is 0, and none is stored */
    char unused[20];
};
_Static_assert(sizeof(struct touch_header) == PART_ALIGN, "codes begin aligned");

void part_file_name(char name[PART_NAME_BYTES], uint32_t number) {
    snprintf(name, PART_NAME_BYTES, "%08u.part", number);
}

void part_touch_name(char name[PART_NAME_BYTES], uint32_t number, uint32_t rules_version) {
    snprintf(name, PART_NAME_BYTES, "%08u.%08u.touch", number, rules_version);
}

static int io_failed(struct err *err) {
    return file_fail(ERR_WORDS("a part of the timeline"), err);
}

static int create(int folder, const char *name, int *fd, struct err *err) {
    unlinkat(folder, name, 0); /* never truncated: somebody may have it mapped */
    *fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd < 0 ? io_failed(err) : 0;
}

int part_file_create(int folder, uint32_t number, int *fd, struct err *err) {
    char name[PART_NAME_BYTES];
    part_file_name(name, number);
    return create(folder, name, fd, err);
}

int part_file_finish(struct part_image *image, int fd, struct err *err) {
    image_finish(image);
    int code = 0;
    if (msync(image->base, image->bytes, MS_SYNC) || fsync(fd))
        code = io_failed(err);
    close(fd);
    return code;
}

/* Maps a whole file read-only; *fd stays open beside the mapping. */
static int map_file(int folder, const char *name, char **base, uint64_t *bytes, int *fd,
                    struct file_stamp *stamp, struct err *err) {
    *fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT)
        return err_set(err, E_NOT_FOUND, "a part of the timeline is missing");
    if (*fd < 0 || !file_stamp_take(*fd, stamp))
        return err_set(err, E_IO, "a part of the timeline could not be opened");
    if (!stamp->bytes)
        return part_damaged(err, ERR_WORDS("its file is empty"));
    void *mapped = mmap(NULL, (size_t)stamp->bytes, PROT_READ, MAP_SHARED, *fd, 0);
    if (mapped == MAP_FAILED)
        return err_set(err, E_IO, "a part of the timeline could not be mapped");
    madvise(mapped, (size_t)stamp->bytes, MADV_HUGEPAGE);
    *base = mapped;
    *bytes = (uint64_t)stamp->bytes;
    return 0;
}

static int bind_and_check(void *context, struct err *err) {
    struct part_image *image = context;
    int code = image_bind(image, err);
    return code ? code : image_check_header(image, err);
}

int part_file_open(int folder, uint32_t number, const struct part_seal *seal,
                   struct part_body **part, struct err *err) {
    char name[PART_NAME_BYTES];
    part_file_name(name, number);
    struct part_image *image = calloc(1, sizeof *image);
    if (!image)
        abort();
    atomic_init(&image->refs, 1);
    image->registered = image->fd = -1;
    int code = map_file(folder, name, &image->base, &image->bytes, &image->fd, &image->stamp, err);
    if (!code) {
        image->registered = guard_register(image->base, image->bytes, &image->damaged);
        code = part_guard(bind_and_check, image, err);
    }
    if (!code)
        code = image_reserve(image, seal, err);
    if (code) {
        image_free(image);
        return code;
    }
    void *checked = calloc(image_arrays(image->header->n_columns), sizeof *image->checked);
    if (!checked)
        abort();
    image->checked = checked;
    *part = part_over(image);
    (*part)->number = number;
    return 0;
}

static uint64_t touch_checksum(struct touch_header header) {
    header.checksum = 0;
    return hash_bytes(&header, sizeof header);
}

int part_touch_create(int folder, uint32_t number, uint32_t rules_version, uint32_t n_rows,
                      struct touch_file *file, struct err *err) {
    char name[PART_NAME_BYTES];
    part_touch_name(name, number, rules_version);
    *file = (struct touch_file){.fd = -1};
    uint64_t bytes = sizeof(struct touch_header) + n_rows * sizeof(uint16_t);
    int code = create(folder, name, &file->fd, err);
    if (code)
        return code;
    errno = posix_fallocate(file->fd, 0, (off_t)bytes);
    void *base = MAP_FAILED;
    if (!errno)
        base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    if (base == MAP_FAILED) {
        code = io_failed(err);
        close(file->fd);
        file->fd = -1;
        return code;
    }
    file->base = base;
    file->bytes = bytes;
    file->codes = (uint16_t *)(void *)(file->base + sizeof(struct touch_header));
    *(struct touch_header *)base = (struct touch_header){.magic = PART_TOUCH_MAGIC,
                                                         .format = PART_FORMAT,
                                                         .n_rows = n_rows,
                                                         .number = number,
                                                         .rules_version = rules_version};
    return 0;
}

static bool any_code(const uint16_t *codes, uint32_t n) {
    uint32_t any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= codes[i];
    return any;
}

int part_touch_finish(struct touch_file *file, struct err *err) {
    struct touch_header *header = (struct touch_header *)(void *)file->base;
    int code = 0;
    bool stored = any_code(file->codes, header->n_rows);
    if (stored)
        header->codes_checksum = hash_bytes(file->codes, header->n_rows * sizeof *file->codes);
    header->stored = stored;
    header->checksum = touch_checksum(*header);
    if ((!stored && ftruncate(file->fd, sizeof *header)) ||
        msync(file->base, stored ? file->bytes : sizeof *header, MS_SYNC) || fsync(file->fd))
        code = io_failed(err);
    part_touch_drop(file);
    return code;
}

void part_touch_drop(struct touch_file *file) {
    if (file->base)
        munmap(file->base, file->bytes);
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct touch_file){.fd = -1};
}

static int check_touch_header(void *context, struct err *err) {
    const struct part_body *part = context;
    const struct part_touchpoints *touchpoints = &part->touchpoints;
    const struct touch_header *header =
        (const struct touch_header *)(const void *)touchpoints->base;
    if (touchpoints->bytes < sizeof *header || memcmp(header->magic, PART_TOUCH_MAGIC, 8) != 0 ||
        header->format != PART_FORMAT || header->number != part->number ||
        header->n_rows != part->part.n_rows || header->rules_version != part->part.rules_version ||
        touchpoints->bytes !=
            sizeof *header + (header->stored ? (uint64_t)header->n_rows * sizeof(uint16_t) : 0) ||
        header->checksum != touch_checksum(*header))
        return part_damaged(err, ERR_WORDS("header of its touchpoints"));
    return 0;
}

int part_touch_open(int folder, uint32_t rules_version, struct part_body *part, struct err *err) {
    char name[PART_NAME_BYTES];
    struct part_touchpoints *touchpoints = &part->touchpoints;
    part_touch_name(name, part->number, rules_version);
    part->part.rules_version = rules_version;
    int code = map_file(folder, name, &touchpoints->base, &touchpoints->bytes, &touchpoints->fd,
                        &touchpoints->stamp, err);
    if (code)
        return code;
    touchpoints->registered = guard_register(touchpoints->base, touchpoints->bytes, &part->damaged);
    code = part_guard(check_touch_header, part, err);
    if (code)
        return code;
    const struct touch_header *header = (const void *)touchpoints->base;
    const void *codes = touchpoints->base + sizeof *header;
    touchpoints->codes = part->part.touchpoint = header->stored ? codes : part_zeros();
    touchpoints->checksum = header->codes_checksum;
    atomic_store(&touchpoints->checked, !header->stored);
    return 0;
}

void part_touch_give(struct part_body *part, uint32_t rules_version, uint16_t *codes) {
    part->part.rules_version = rules_version;
    part->touchpoints.base = (char *)codes;
    part->touchpoints.bytes = (uint64_t)part->part.n_rows * sizeof *codes;
    part->touchpoints.codes = part->part.touchpoint = codes;
    atomic_store(&part->touchpoints.checked, 1);
}

struct part_body *part_again(struct part_body *part) {
    atomic_fetch_add(&part->image->refs, 1);
    struct part_body *again = part_over(part->image);
    again->number = part->number;
    again->part.range_from_ms = part->part.range_from_ms;
    again->part.range_to_ms = part->part.range_to_ms;
    return again;
}

void part_file_remove(int folder, uint32_t number, uint32_t rules_version) {
    char name[PART_NAME_BYTES];
    part_file_name(name, number);
    unlinkat(folder, name, 0);
    part_touch_name(name, number, rules_version);
    unlinkat(folder, name, 0);
}

int part_folder_sync(int folder, struct err *err) { return fsync(folder) ? io_failed(err) : 0; }
