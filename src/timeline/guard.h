/*
 * The guard that turns a failing disk under a mapped file, or a file that somebody cuts, into a mark instead of a crash:
 * part_guard.c tells how.
 *
 * A file that is written to or cut inside its last page raises no signal: readers compare its file_stamp besides.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_GUARD_H
#define SENDA_TIMELINE_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Guards [base, base + bytes): a SIGBUS there sets *damaged and ends the part_guard around it, else zeros are read. Returns
 * its place, to be given back. */
int guard_register(const char *base, uint64_t bytes, atomic_bool *damaged);
/* The same, and zeros are always read: for readers that hold locks. */
int guard_register_zeros(const char *base, uint64_t bytes, atomic_bool *damaged);
void guard_unregister(int place); /* -1 is allowed */
/* Installs the handler; registering does it once. For tests, whose runner takes the signal for itself. */
void guard_install(void);

#endif
