/*
 * Private to tell.c and tell_kinds.c: the event under construction.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_DEMO_TELL_H
#define SENDA_DEMO_TELL_H

#include "demo/internal.h"

struct teller {
    struct world *world;
    struct arena *arena;
    struct stream stream;
    int day;
    struct event_property properties[32];
    size_t n;
};

/* Add a property; names and texts must outlive the event (literals, or the arena). */
void tell_text(struct teller *teller, const char *name, const char *text);
void tell_slice(struct teller *teller, const char *name, struct slice text);
void tell_int(struct teller *teller, const char *name, int64_t integer);
void tell_flag(struct teller *teller, const char *name, bool flag);
void tell_cents(struct teller *teller, const char *name, int64_t cents); /* as euros */

struct slice tell_user_id(struct teller *teller, uint32_t who);
struct slice tell_number(struct teller *teller, const char *prefix, uint32_t number);
struct slice tell_email(struct teller *teller, uint32_t who);
struct slice tell_line(struct teller *teller, uint32_t who);
struct slice tell_name(struct teller *teller, uint32_t who);

/* The properties (and what else differs) by kind. */
void tell_kind(struct teller *teller, const struct moment *moment, struct event *event);

#endif
