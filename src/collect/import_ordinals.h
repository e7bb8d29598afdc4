/*
 * How often a row was seen before: the ordinal of a row among the equal rows of its file. Private to collect/import_*.
 *
 * Exact counting needs to remember each distinct row: 8 bytes of its 128-bit key (two different rows among 100 million
 * share them with a probability of 3 in 10,000, and then only one repetition is taken for new or known wrongly). Rows
 * that repeat are counted apart. Beyond 32 MB the table lives in a file without a name, mapped: the system may take its
 * pages out of memory, so that the process stays small however long the file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_ORDINALS_H
#define SENDA_COLLECT_IMPORT_ORDINALS_H

#include "base/map.h"

struct import_ordinals {
    uint64_t *slots; /* 0: empty */
    size_t n, capacity;
    bool mapped;             /* slots are a file's */
    struct key_map repeated; /* keys seen twice or more -> times seen */
};

void import_ordinals_init(struct import_ordinals *ordinals);
void import_ordinals_release(struct import_ordinals *ordinals);
/* 0 the first time, 1 the second, … */
uint64_t import_ordinals_next(struct import_ordinals *ordinals, struct key128 key);

#endif
