/*
 * Identifiers in one form, so that the same number in two writings is the same identifier.
 *
 * SOURCE  E.164 (ITU-T, 2010) for phones, with the numbering plans' national lengths; Orden INT/2058/2008 and RD 1065/2007 for the
 * control characters of NIF, NIE and the NIF of legal persons.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_FORMS_H
#define SENDA_CUSTOMER_FORMS_H

#include "base/slice.h"

enum { FORM_BYTES = 256 };
/* FORM_TEXT: as it is, without blanks around it. */
enum form { FORM_TEXT, FORM_EMAIL, FORM_PHONE, FORM_NATIONAL_ID, FORMS };
const char *form_name(enum form form); /* "text" "email" "phone" "national_id" */
bool form_find(const char *name, enum form *form);

/* How many bytes of out it filled; 0: it is none (no address, too short for a phone, a wrong control letter). country: of the
 * organisation, two capital letters, for what does not say its own. */
size_t form_normal(enum form form, struct slice text, const char *country, char out[FORM_BYTES]);

#endif
