/*
 * What a part file keeps to itself at rest: texts, and the numbers of properties that say something of a person. They are
 * encrypted under the key of the log, array by array; everything that questions run over (rows, codes, presence, other
 * numbers) lies open and is read in place.
 *
 * FORMAT  header.key_id: the key; a sealed array is XORed with XChaCha20 from its first byte on, nonce: header.nonce (16 random bytes
 * of the file) and the number of the array (u64). descriptor.sealed says which arrays of a column are. An array's checksum
 * is of its sealed bytes.
 *
 * INVARIANTS
 *  1. A (key, nonce) meets one content: a file is written once. Nothing vouches for who wrote it, as for the rest of the index, which is
 *     derived from the log and can be thrown away.
 *  2. An opened array lies in memory of its own, reserved when the file is mapped, filled at first touch: its address never
 *     changes, so views are bound once.
 *
 * COST  About 1 GB/s at first touch, and as much private memory as the opened arrays have bytes, until the part goes.
 *
 * THREADS  image_open_array from anywhere; image_seal from the one who fills the image.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_PART_SEAL_H
#define SENDA_TIMELINE_PART_SEAL_H

#include "timeline/log_frame.h"
#include "timeline/part_internal.h"

/* How files are sealed; keys NULL or without a current one: not at all. */
struct part_seal {
    const struct frame_keys *keys;
    /* enum part_sealed bits that a property asks for (timeline.h); NULL: texts */
    unsigned (*wanted)(void *context, uint32_t code);
    void *context;
};
/* Every column of the file is sealed as it should be now. */
bool image_is_sealed(const struct part_image *image, const struct part_seal *seal);

/* Marks a new image, its descriptors in place: draws the nonce. */
void image_seal_begin(struct part_image *image, const struct part_seal *seal);
/* Seals bytes [from, to) of an array in place; nothing if it is not a sealed one. Each byte once. */
void image_seal(struct part_image *image, unsigned array, uint64_t from, uint64_t to);

/* After a file was mapped and checked: memory for what is sealed. E_CORRUPT: its key is not known. */
must_use int image_reserve(struct part_image *image, const struct part_seal *seal, struct err *err);
/* Fills that memory, once. */
void image_open_array(struct part_image *image, unsigned array);
void image_unreserve(struct part_image *image);

#endif
