/*
 * What people write into free texts and should not have: card numbers, bank accounts, e-mail addresses, phones, national
 * ids. They are masked before anything is stored: "[card]" stands where the number stood.
 *
 * A text is masked unless its property is an identifier by name ("order_id", "email", "phone", "sku", "reference" …), whose
 * value is meant to be what it is. Phones and national ids are looked for only in what somebody wrote: a text with a blank.
 *
 *   [email]  name@domain.tld
 *   [card]   13 to 19 digits, in groups or not, with a right check digit (Luhn, ISO/IEC 7812-1) and a card's first digit
 *   [iban]   country, check digits and account, in groups (blanks, hyphens) or not, whose remainder by 97 is 1 (ISO 13616)
 *   [phone]  nine digits that begin with 6 to 9 (Spain), or + and 8 to 15 digits (E.164), in groups or not
 *   [nif]    NIF or NIE with its right letter, with points or not (Spain)
 *
 * COST  A pass over the bytes of texts of eight bytes and more; the rest only for those with an @ or eight digits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_MASK_H
#define SENDA_COLLECT_MASK_H

#include "base/arena.h"
#include "base/slice.h"

/* Masks the text of a property of an interaction: how many places; then *text is a new text in the arena, else it is
 * untouched. name {NULL, 0}: a text of any origin. */
unsigned mask_property(struct slice name, struct slice *text, struct arena *arena);
/* A text of any origin, masked; itself where nothing is to be. NULL of NULL. */
const char *mask_text(const char *text, struct arena *arena);
/* The same of the texts inside the JSON of `answers`, each by the name of its member. */
unsigned mask_answers(struct slice *json, struct arena *arena);

#endif
