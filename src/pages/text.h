/*
 * What the interface says, in Spanish and English: po/es.po and po/en.po, by key ("sources.create").
 *
 * A text may name values in braces, "{n} filas importadas", which the template fills and escapes. Two
 * forms (singular, other) where the text depends on a count. Keys of values ("channel.web", "refusal.too_large")
 * share a prefix: see text_of_value.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_TEXT_H
#define SENDA_PAGES_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* language: "es", else English. An unknown key gives the key itself. Never NULL. */
const char *text_of(const char *language, const char *key);
const char *text_of_count(const char *language, const char *key, double n);
/* The text of "prefix.value", or NULL if there is none. */
const char *text_of_value(const char *language, const char *prefix, const char *value);
/* The value whose text it is, or NULL if there is none or more than one. */
const char *text_value_named(const char *language, const char *prefix, const char *text);
/* How people call an event or channel that the product knows ("Queue Served" is "Turno atendido"); all other names as they
 * are. For reading only: addresses, files and the API keep the name itself. */
const char *text_of_name(const char *language, const char *name);

#endif
