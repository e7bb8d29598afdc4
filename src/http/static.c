/*
 * Serves the files of the interface: see assets.h for the addresses.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/internal.h"
#include "http/static.h"

/* form: its letter in the ETag. */
static struct slice choose_form(const struct request *request, const struct asset *asset,
                                const char **coding, char *form) {
    *coding = NULL;
    *form = 'r';
    if (asset->brotli.p && request_accepts_coding(request, "br")) {
        *coding = "br";
        *form = 'b';
        return asset->brotli;
    }
    if (asset->gzip.p && request_accepts_coding(request, "gzip")) {
        *coding = "gzip";
        *form = 'g';
        return asset->gzip;
    }
    return asset->raw;
}

int static_serve(struct request *request, struct response *response, const char *path,
                 const char *cache, struct err *err) {
    struct asset asset;
    const char *coding;
    char form;
    int code = asset_get(path, request->arena, &asset, err);
    if (code)
        return code;
    struct slice bytes = choose_form(request, &asset, &coding, &form);
    const char *etag = arena_format(request->arena, "\"%s-%c\"", asset.etag, form);
    response->type = asset.type;
    response_header(request, response, "ETag", etag);
    response_header(request, response, "Cache-Control", cache);
    if (asset.gzip.p || asset.brotli.p)
        response_header(request, response, "Vary", "Accept-Encoding");
    const char *known = request_header(request, "If-None-Match");
    if (known && (strstr(known, etag) || strcmp(known, "*") == 0)) {
        response->status = 304;
        return HANDLED;
    }
    if (coding)
        response_header(request, response, "Content-Encoding", coding);
    response->static_body = bytes;
    return HANDLED;
}

static int get_asset(struct request *request, struct response *response, struct err *err) {
    const char *path = request->params[0], *version = assets_version();
    size_t n = strlen(version);
    bool versioned = strncmp(path, version, n) == 0 && path[n] == '/';
    if (versioned)
        path += n + 1;
    if (strncmp(path, "templates/", 10) == 0)
        return err_set(err, E_NOT_FOUND, "nothing is at this address");
    bool fixed = versioned && strcmp(version, "dev") != 0;
    return static_serve(request, response, path,
                        fixed ? "public, max-age=31536000, immutable" : "no-cache", err);
}

static int get_script(struct request *request, struct response *response, struct err *err) {
    return static_serve(request, response, "js/senda.js", "public, max-age=3600", err);
}

static int get_icon(struct request *request, struct response *response, struct err *err) {
    return static_serve(request, response, "icons/senda.svg", "public, max-age=86400", err);
}

static int get_robots(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)err;
    response->type = "text/plain; charset=utf-8";
    response->static_body = SLICE_LITERAL("User-agent: *\nDisallow: /\n");
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/assets/*", .inline_handler = true, .handle = get_asset},
    {METHOD_GET, "/senda.js", .inline_handler = true, .handle = get_script, .cross_origin = true,
     .summary = "The snippet's script: page views, events, identify"},
    {METHOD_GET, "/favicon.ico", .inline_handler = true, .handle = get_icon},
    {METHOD_GET, "/robots.txt", .inline_handler = true, .handle = get_robots},
};
const struct route_table static_routes = ROUTE_TABLE(routes);
