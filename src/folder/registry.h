/*
 * The registry of properties: what each is kept for, and how sensitive it is.
 *
 *   open       tells nothing about a person: it stays when one is erased
 *   personal   goes when the person is erased
 *   sensitive  the same, and is shown to administrators and owners alone (query/sight.h)
 *
 * Without an entry the name decides (name_identifies): personal, or "automatic", where erasing keeps what others share.
 *
 * THREADS  Everything from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_FOLDER_REGISTRY_H
#define SENDA_FOLDER_REGISTRY_H

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
/* By name, sent or not. */
enum sensitivity registry_of_name(struct folder *folder, struct slice name);
/* Identifiers of this kind say what one of these traits says (a national id): the most sensitive of them. */
enum sensitivity registry_of_kind(struct folder *folder, struct slice kind);

/* ---- by the name alone (registry_names.c) ---- */

/* A property identifies by its name ("email", "order_id", "postal_code"), whatever its value. */
bool name_identifies(struct slice name);
/* A way to reach somebody, or a number of theirs. */
bool name_is_contact(struct slice name);
/* What somebody is called, or where they live. */
bool name_is_name(struct slice name);

#endif
