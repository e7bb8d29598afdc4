/*
 * Notes on customers: what colleagues wrote down, sealed at rest. A note stays with the profile that it was written on, so that it
 * is shown with whoever owns it, and goes its own way when a merge is taken back.
 *
 * THREADS  all from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_NOTES_H
#define SENDA_CUSTOMER_NOTES_H

#include "customer/customer.h"

enum { NOTE_MAX_BYTES = 4000 };

struct note {
    uint64_t number;
    uint32_t profile;
    const char *author, *text;
    int64_t created_ms, changed_ms; /* 0: never changed */
};
/* Of a customer, newest first: at most *n with a number below before (0: all); *n becomes how many. */
must_use int notes_list(struct customers *customers, uint32_t owner, uint64_t before,
                        struct arena *arena, struct note **notes, size_t *n, struct err *err);
/* E_NOT_FOUND: this customer has none of that number. */
must_use int notes_find(struct customers *customers, uint32_t owner, uint64_t number,
                        struct arena *arena, struct note *note, struct err *err);
must_use int notes_add(struct customers *customers, uint32_t owner, const char *author,
                       const char *text, uint64_t *number, struct err *err);
must_use int notes_change(struct customers *customers, uint64_t number, const char *text,
                          struct err *err);
must_use int notes_remove(struct customers *customers, uint64_t number, struct err *err);

#endif
