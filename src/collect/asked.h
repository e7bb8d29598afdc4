/*
 * Words that say a score was asked for: "me pidieron un 10", "they asked me to give five stars".
 *
 * An asking word and, within a few words of it, a word of the best scores. Neither alone is enough: who was
 * asked for an identity card, or for any score at all (that is what surveys do), says nothing of a wish. Spanish, English, Catalan, Galician; case and accents do not matter.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_ASKED_H
#define SENDA_COLLECT_ASKED_H

#include "base/arena.h"
#include "base/slice.h"

bool words_say_asked(struct slice text, struct arena *arena);

#endif
