/*
 * Serving a data folder: shared by `senda serve` and `senda demo`.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_SERVE_H
#define SENDA_CLI_SERVE_H

#include "base/err.h"

struct serving {
    const char *dir, *listen;
    const char *web_root, *trusted_proxy, *public_url; /* NULL: none */
    const char *greeting;                              /* printed below the address, or NULL */
};

/* Opens the folder, serves it, prints the address when ready; returns after SIGTERM or SIGINT, nothing lost. */
must_use int serve_folder(const struct serving *serving, struct err *err);

#endif
