/*
 * The registry of properties: what each is kept for, and how sensitive it is.
 *
 *   open       tells nothing about a person: it stays when one is erased
 *   personal   goes when the person is erased
 *   sensitive  the same, and exports of whoever is no administrator leave it out
 *
 * Without an entry the name decides (name_identifies): personal, or "automatic", where erasing keeps what others share.
 *
 * THREADS  Everything from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PRIVACY_REGISTRY_H
#define SENDA_PRIVACY_REGISTRY_H

#include "folder/folder.h"

enum sensitivity {
    SENSITIVITY_AUTOMATIC,
    SENSITIVITY_OPEN,
    SENSITIVITY_PERSONAL,
    SENSITIVITY_SENSITIVE,
    SENSITIVITIES
};
extern const char *const SENSITIVITY_NAMES[SENSITIVITIES];

struct property_note {
    const char *name;
    enum sensitivity sensitivity;
    bool declared; /* by the organisation; else guessed from the name */
    const char *purpose, *note;
};

/* Every property that was ever sent and every one that was declared, by name. Texts in the arena. */
must_use int registry_list(struct folder *folder, struct arena *arena, struct property_note **notes,
                           size_t *n, struct err *err);
/* SENSITIVITY_AUTOMATIC takes the entry away. */
must_use int registry_put(struct folder *folder, const struct property_note *note, struct err *err);
/* By the code of the property in the dictionary; what cannot be read counts as not declared. */
enum sensitivity registry_of(struct folder *folder, uint32_t code);
/* Identifiers of this kind say what a sensitive trait says (a national id). */
bool registry_kind_is_sensitive(struct folder *folder, struct slice kind);

#endif
