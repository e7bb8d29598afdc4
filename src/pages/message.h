/*
 * What errors say in the language of whoever reads them: po/messages.es.po, by the English format (base/phrase.h). In
 * English it is made a sentence, or put into better words (po/messages.en.po).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_MESSAGE_H
#define SENDA_PAGES_MESSAGE_H

#include "base/err.h"

/* Puts message and hint into the language ("es" or "en"). A text that came without its format, because it
 * was stored or passed on, is recognised by the catalogue's patterns; one that is not known stays as it is. What is translated already stays. */
void message_translate(const char *language, struct err *err);

/* A text without values, of any length, as help has them; NULL where the catalogue has none. */
const char *message_in_spanish(const char *english);

#endif
