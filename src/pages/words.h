/*
 * Interactions in words for people: "Order Completed" {"total":56.2,"currency":"EUR"} becomes "Compra realizada",
 * "Importe 56,20 €".
 *
 * Names that the product knows have texts (po/: event.*, property.*); all others are made readable: "wait_min" and
 * "waitMin" become "Wait min". Values are written by what they are and by what their name says they are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_WORDS_H
#define SENDA_PAGES_WORDS_H

#include <jansson.h>

#include "base/arena.h"
#include "pages/format.h"
#include "timeline/dictionary.h"

/* Texts of the events and channels that the dictionary holds, where the product knows them: {"Order Completed": "Compra realizada",
 * "channel.web": "Web"}. For scripts. */
json_t *words_names(const struct format *format, const struct dictionary *dictionary);

/* The event that people call `text` in this language; `text` itself if it is a name of the dictionary, unknown, or fits several. */
const char *words_event_named(const char *language, const struct dictionary *dictionary,
                              const char *text);

/* Both in the arena or static. */
const char *words_event(const struct format *format, const char *event);
const char *words_property(const struct format *format, const char *name, struct arena *arena);

/* A value as people write it: names ending in _s, _min, _pct, and money beside `currency` (NULL: none), are written with their
 * unit. At most 300 bytes. */
const char *words_value(const struct format *format, const char *name, const json_t *value,
                        const char *currency, struct arena *arena);

/* What the asker is not shown (`hidden` of a row of a timeline, a trait, an identifier, a group) gets words in place of its null. */
void words_hidden(const struct format *format, json_t *row);
/* The properties of an interaction as [{"name","value"}]: *main gets the few that tell it (at most 4), *more the rest, in
 * alphabetical order. References are new. */
void words_properties(const struct format *format, const json_t *properties, const char *currency,
                      struct arena *arena, json_t **main, json_t **more);

#endif
