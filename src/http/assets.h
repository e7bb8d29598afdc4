/*
 * Static files of the interface, embedded in the program by tools/embed_assets.c: raw, gzip and brotli forms.
 *
 * URLS  /assets/<version>/css/senda.css, where <version> is one fingerprint of all assets, so that relative imports
 * between ES modules stay inside one build; such answers are immutable for a year. /assets/css/senda.css without the
 * fingerprint is served with an ETag (one per form) and asked again each time. js/senda.js is served as /senda.js for
 * every site, kept an hour. Templates are not served.
 *
 * With a web root (senda serve --web-root DIR) files are read from DIR/<path> at each request instead.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_ASSETS_H
#define SENDA_HTTP_ASSETS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

struct asset {
    const char *path; /* "css/senda.css" */
    const char *type; /* "text/css; charset=utf-8" */
    const char *etag; /* of the raw form, without quotes */
    struct slice raw;
    struct slice gzip, brotli; /* {NULL, 0} where it would not be smaller */
};

/* From now on files are read below this folder; NULL: embedded. At start, before traffic. */
void assets_use_folder(const char *web_root);
/* The fingerprint of all assets: "/assets/<version>/…". */
const char *assets_version(void);
/* E_NOT_FOUND. */
must_use int asset_get(const char *path, struct arena *arena, struct asset *asset, struct err *err);

#endif
