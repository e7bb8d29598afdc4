/*
 * Sealing the arrays of part files: see part_seal.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/part_seal.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "timeline/timeline.h"

enum { BLOCK = 64 };
_Static_assert(crypto_stream_xchacha20_KEYBYTES == LOG_KEY_BYTES &&
                   crypto_stream_xchacha20_NONCEBYTES == PART_NONCE_BYTES + sizeof(uint64_t),
               "keys and nonces of parts");

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static unsigned part_seal_wanted(const struct part_seal *seal, uint32_t code) {
    if (!seal || !seal->keys || !seal->keys->current)
        return 0;
    return seal->wanted ? seal->wanted(seal->context, code) : PART_SEALED_TEXT;
}

static unsigned array_bit(unsigned array) {
    if (array < ARRAY_CORE)
        return 0;
    unsigned which = (array - ARRAY_CORE) % ARRAY_PER_COLUMN;
    return which == ARRAY_OF_TEXT      ? PART_SEALED_TEXT
           : which == ARRAY_OF_PAYLOAD ? PART_SEALED_NUMBERS
                                       : 0;
}

static bool is_sealed(const struct part_image *image, unsigned array) {
    unsigned bit = array_bit(array);
    return bit && image->descriptors[(array - ARRAY_CORE) / ARRAY_PER_COLUMN].sealed & bit;
}

bool image_is_sealed(const struct part_image *image, const struct part_seal *seal) {
    for (uint32_t i = 0; i < image->header->n_columns; i++) {
        unsigned wanted = part_seal_wanted(seal, image->descriptors[i].code);
        if (wanted & ~(unsigned)image->descriptors[i].sealed)
            return false;
    }
    return true;
}

void image_seal_begin(struct part_image *image, const struct part_seal *seal) {
    struct part_header *header = (struct part_header *)(void *)image->base;
    struct part_descriptor *descriptors = (struct part_descriptor *)(void *)(header + 1);
    if (!seal || !seal->keys || !seal->keys->current)
        return;
    header->key_id = seal->keys->current;
    image->key = seal->keys->key[header->key_id];
    randombytes_buf(header->nonce, sizeof header->nonce);
    for (uint32_t i = 0; i < header->n_columns; i++)
        descriptors[i].sealed = (uint8_t)part_seal_wanted(seal, descriptors[i].code);
}

static void nonce_of(const struct part_image *image, unsigned array,
                     unsigned char nonce[crypto_stream_xchacha20_NONCEBYTES]) {
    uint64_t number = array;
    memcpy(nonce, image->header->nonce, PART_NONCE_BYTES);
    memcpy(nonce + PART_NONCE_BYTES, &number, sizeof number);
}

void image_seal(struct part_image *image, unsigned array, uint64_t from, uint64_t to) {
    unsigned char nonce[crypto_stream_xchacha20_NONCEBYTES], pad[BLOCK] = {0};
    unsigned char *bytes = image_array(image, array);
    if (from == to || !bytes || !image->key || !is_sealed(image, array))
        return;
    nonce_of(image, array, nonce);
    if (from % BLOCK) { /* the rest of a block that was begun */
        crypto_stream_xchacha20_xor_ic(pad, pad, BLOCK, nonce, from / BLOCK, image->key);
        for (; from % BLOCK && from < to; from++)
            bytes[from] ^= pad[from % BLOCK];
    }
    if (from < to)
        crypto_stream_xchacha20_xor_ic(bytes + from, bytes + from, to - from, nonce, from / BLOCK,
                                       image->key);
}

/* ---- reading ---- */

int image_reserve(struct part_image *image, const struct part_seal *seal, struct err *err) {
    uint32_t n_columns = image->header->n_columns;
    uint8_t id = image->header->key_id;
    if (!id)
        return 0;
    if (!seal || !seal->keys || !seal->keys->known[id])
        return err_set(err, E_CORRUPT, "a part of the timeline is sealed with a key that is gone");
    image->key = seal->keys->key[id];
    image->opened = calloc(image_arrays(n_columns), sizeof *image->opened);
    if (!image->opened)
        abort();
    for (uint32_t i = 0; i < n_columns; i++)
        for (unsigned which = ARRAY_OF_PAYLOAD; which <= ARRAY_OF_TEXT; which++) {
            unsigned array = image_column_array(i, which);
            if (!is_sealed(image, array) || !image->arrays[array].bytes)
                continue;
            void *pages = pages_new(image->arrays[array].bytes);
            if (!pages)
                return err_set(err, E_TOO_LARGE, "no memory for a part of the timeline");
            image->opened[array].bytes = pages;
            if (which == ARRAY_OF_TEXT)
                image->columns[i].text = pages;
            else
                image->columns[i].payload = pages;
        }
    return 0;
}

void image_open_array(struct part_image *image, unsigned array) {
    unsigned char nonce[crypto_stream_xchacha20_NONCEBYTES];
    const struct part_array *entry = &image->arrays[array];
    struct opened_array *opened = image->opened ? &image->opened[array] : NULL;
    if (!opened || !opened->bytes)
        return;
    pthread_mutex_lock(&opening);
    if (!opened->done) {
        nonce_of(image, array, nonce);
        crypto_stream_xchacha20_xor_ic(opened->bytes,
                                       (const unsigned char *)image->base + entry->offset,
                                       entry->bytes, nonce, 0, image->key);
        opened->done = true;
    }
    pthread_mutex_unlock(&opening);
}

void image_unreserve(struct part_image *image) {
    if (!image->opened)
        return;
    for (unsigned i = 0; i < image_arrays(image->header->n_columns); i++)
        if (image->opened[i].bytes)
            munmap(image->opened[i].bytes, image->arrays[i].bytes);
    free(image->opened);
    image->opened = NULL;
}
