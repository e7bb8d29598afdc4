/*
 * Finds a file of the interface: a binary search in the embedded table, or a read below the web root.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/assets.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/assets_table.h"

enum { ASSET_MAX_BYTES = 4 * 1024 * 1024 };

static const char *folder; /* NULL: embedded */

void assets_use_folder(const char *web_root) { folder = web_root; }

const char *assets_version(void) { return folder ? "dev" : ASSETS_VERSION; }

static int compare_path(const void *path, const void *asset) {
    return strcmp(path, ((const struct asset *)asset)->path);
}

/* Letters, digits and "-_." between slashes, no part that begins with a dot. */
static bool is_plain(const char *path) {
    char before = '/';
    for (const char *c = path; *c; before = *c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '-' || *c == '_';
        if (!plain && !((*c == '.' || *c == '/') && before != '/'))
            return false;
    }
    return before != '/';
}

static const char *media_type(const char *path) {
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".mustache", "text/html; charset=utf-8"},
        {".woff2", "font/woff2"},
        {".png", "image/png"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].suffix) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static int read_file(const char *path, struct arena *arena, struct asset *asset, struct err *err) {
    FILE *file = fopen(arena_format(arena, "%s/%s", folder, path), "rb");
    if (!file)
        return err_set(err, E_NOT_FOUND, "no such file of the interface");
    int code = E_NOT_FOUND;
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size < 0 || size > ASSET_MAX_BYTES || fseek(file, 0, SEEK_SET) != 0)
        goto out;
    char *bytes = arena_get(arena, (size_t)size + 1);
    if (fread(bytes, 1, (size_t)size, file) != (size_t)size)
        goto out;
    bytes[size] = 0;
    *asset = (struct asset){.path = arena_format(arena, "%s", path),
                            .type = media_type(path),
                            .raw = {bytes, (size_t)size},
                            .etag = "dev"};
    if (err)
        err->code = 0;
    code = 0;
out:
    fclose(file);
    return code;
}

int asset_get(const char *path, struct arena *arena, struct asset *asset, struct err *err) {
    if (!is_plain(path))
        return err_set(err, E_NOT_FOUND, "no such file of the interface");
    if (folder)
        return read_file(path, arena, asset, err);
    const struct asset *found = bsearch(path, ASSETS, ASSETS_COUNT, sizeof *ASSETS, compare_path);
    if (!found)
        return err_set(err, E_NOT_FOUND, "no such file of the interface");
    *asset = *found;
    return 0;
}
