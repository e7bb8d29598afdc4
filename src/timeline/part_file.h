/*
 * Parts as files.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_PART_FILE_H
#define SENDA_TIMELINE_PART_FILE_H

#include <stdint.h>

#include "base/err.h"

struct part_body;
struct part_image;

/* Checksum of header and tables (image_bind checks their sense). */
must_use int image_check_header(const struct part_image *image, struct err *err);

/* Sets E_CORRUPT: "a part of the timeline is damaged: HOW". */
int part_damaged(struct err *err, const char *how);

/* Files of parts live in one folder, given by its descriptor: NNNNNNNN.part and NNNNNNNN.VVVVVVVV.touch (V: version
 * of the rules). None of the functions below syncs the folder; part_folder_sync does. */
enum { PART_NAME_BYTES = 32 };
void part_file_name(char name[PART_NAME_BYTES], uint32_t number);
void part_touch_name(char name[PART_NAME_BYTES], uint32_t number, uint32_t rules_version);
/* An empty file for an image that is filled in place; then part_file_finish makes it durable and closes fd. On failure
 * the caller removes the file. */
must_use int part_file_create(int folder, uint32_t number, int *fd, struct err *err);
must_use int part_file_finish(struct part_image *image, int fd, struct err *err);
/* Maps a file. E_NOT_FOUND, E_CORRUPT (wrong size, format, header or tables), E_IO. */
struct part_seal;
must_use int part_file_open(int folder, uint32_t number, const struct part_seal *seal,
                            struct part_body **part, struct err *err);
/* A file of touchpoints to be filled in place: codes[n_rows], all zero. finish makes it durable, drop gives it up; the
 * caller removes the file then. */
struct touch_file {
    int fd;
    char *base;
    uint64_t bytes;
    uint16_t *codes;
};
must_use int part_touch_create(int folder, uint32_t number, uint32_t rules_version, uint32_t n_rows,
                               struct touch_file *file, struct err *err);
must_use int part_touch_finish(struct touch_file *file, struct err *err);
void part_touch_drop(struct touch_file *file);
/* Maps the file of touchpoints of a part. */
must_use int part_touch_open(int folder, uint32_t rules_version, struct part_body *part,
                             struct err *err);
/* Gives a part in memory its touchpoints: n_rows codes of an anonymous mapping, which it takes over. */
void part_touch_give(struct part_body *part, uint32_t rules_version, uint16_t *codes);
/* A new part over the same image, without touchpoints. */
struct part_body *part_again(struct part_body *part);
void part_file_remove(int folder, uint32_t number, uint32_t rules_version);
must_use int part_folder_sync(int folder, struct err *err);

#endif
