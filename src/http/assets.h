/*
 * Static files of the interface, embedded in the program by the asset tool: raw, gzip and brotli forms.
 *
 * URLS  /assets/<build>/css/senda.css, where <build> is one fingerprint of all assets, so that relative imports between
 * ES modules stay inside one build; such answers are immutable for a year. /assets/css/senda.css without the
 * fingerprint is served with an ETag (one per form). A path that begins with '/' ("/senda.js", "/robots.txt") is
 * served at exactly that place, for everybody (CORS), and kept an hour.
 *
 * With a web root (senda serve --web-root DIR) files are read from DIR/<path> at each request instead.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_ASSETS_H
#define SENDA_HTTP_ASSETS_H

#include "http/http.h"

struct asset {
    const char *path;         /* "css/senda.css", or "/senda.js" for a place at the root */
    const char *type;         /* "text/css; charset=utf-8" */
    struct slice raw;
    struct slice gzip, brotli; /* {NULL, 0} where it would not be smaller */
};

/* What the asset tool generates (pages/): one table and the fingerprint of everything in it (8 to 16 hex digits). */
struct asset_table {
    const struct asset *assets;
    size_t n;
    const char *build;
};

/* "/assets/<build>/css/senda.css"; the arena's. For templates. */
const char *asset_url(struct app *app, const char *path, struct arena *arena);
/* The embedded or (web root) read bytes of an asset, e.g. a template or icon. E_NOT_FOUND. */
must_use int asset_read(struct app *app, const char *path, struct arena *arena, struct slice *bytes, struct err *err);

extern const struct route asset_routes[]; /* GET /assets/… */
enum { ASSET_ROUTES = 1 };

#endif
