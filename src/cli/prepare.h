/*
 * Making a data folder ready: settings, the first source with its write key, a first API key, the first person or the
 * token with which they sign up in the browser.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_PREPARE_H
#define SENDA_CLI_PREPARE_H

#include "cli/desk.h"

struct preparation {
    const char *dir;
    const char *name, *timezone, *currency, *language; /* NULL: folder.h's standards */
    const char *listen;                                /* for admin_url */
    const char *admin_email;                           /* NULL: setup in the browser */
    const char *admin_password_file, *admin_password;  /* the file wins */
};

/* Creates and fills the folder. *keys: {"write_key","api_key","admin_url"}, new reference. E_REFUSED: not empty. */
must_use int prepare_folder(const struct preparation *preparation, json_t **keys, struct err *err);

#endif
