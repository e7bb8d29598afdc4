/*
 * Who sees which properties. The registry says how sensitive one is (folder/registry.h); the table in sight.c says who is shown that, by
 * role, and keys by their scope. Whatever prints a property, or takes one to filter, group or sum by, asks here:
 *
 *   printed   the value is null and the row says "hidden"; pages write "(hidden)"
 *   asked by  403 that names the property
 *
 * What a stored segment, a promise or a model that an administrator made says of a customer is shown: it was made to be.
 *
 * THREADS  Everything from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_SIGHT_H
#define SENDA_QUERY_SIGHT_H

#include "folder/registry.h"
#include "query/principal.h"

/* What one asker sees; {0} sees everything. */
struct sight {
    struct folder *folder;
    unsigned hidden; /* bits of enum sensitivity */
};
struct sight sight_of(struct folder *folder, const struct principal *principal);

/* A property or trait, by its code in the dictionary. */
bool sight_hides(const struct sight *sight, uint32_t code);
/* By its name, also before anybody sent it. */
bool sight_hides_name(const struct sight *sight, struct slice name);
/* Identifiers of a kind ("nif"). */
bool sight_hides_kind(const struct sight *sight, struct slice kind);
/* Refuses a name that a question or a document asks by: E_FORBIDDEN at the pointer. */
must_use int sight_check(const struct sight *sight, struct slice name, const char *pointer,
                         struct err *err);

#endif
