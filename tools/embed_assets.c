/*
 * Build-time program: turns the files of web/ into one C file that embeds them, as they are, gzipped and in brotli. Scripts and
 * styles without what only their readers need (strip.h).
 *
 *     embed_assets ROOT OUT_FOLDER FILE…     (FILEs are relative to ROOT)
 *
 * Writes OUT_FOLDER/assets.c (struct asset table of http/assets_table.h, sorted by path, bytes by .incbin) and the
 * compressed forms beside it. A form that saves less than 5 % is left out.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <brotli/encode.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include "strip.h"

struct bytes {
    unsigned char *p;
    size_t n;
};

static _Noreturn void die(const char *what, const char *which) {
    fprintf(stderr, "embed_assets: %s: %s\n", what, which);
    exit(1);
}

static struct bytes read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die("cannot read", path);
    long size = ftell(file);
    struct bytes bytes = {malloc((size_t)size + 1), (size_t)size};
    rewind(file);
    if (!bytes.p || fread(bytes.p, 1, bytes.n, file) != bytes.n)
        die("cannot read", path);
    fclose(file);
    return bytes;
}

static void write_all(const char *path, struct bytes bytes) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes.p, 1, bytes.n, file) != bytes.n || fclose(file) != 0)
        die("cannot write", path);
}

static struct bytes gzip(struct bytes raw) {
    z_stream stream = {0};
    struct bytes out = {malloc(raw.n + 1024), raw.n + 1024};
    if (!out.p || deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        die("gzip", "out of memory");
    stream.next_in = raw.p, stream.avail_in = (unsigned)raw.n;
    stream.next_out = out.p, stream.avail_out = (unsigned)out.n;
    out.n = deflate(&stream, Z_FINISH) == Z_STREAM_END ? stream.total_out : SIZE_MAX;
    deflateEnd(&stream);
    return out;
}

static struct bytes brotli(struct bytes raw) {
    size_t n = raw.n + 1024;
    unsigned char *p = malloc(n);
    if (!p)
        die("brotli", "out of memory");
    if (!BrotliEncoderCompress(11, 22, BROTLI_MODE_TEXT, raw.n, raw.p, &n, p))
        n = SIZE_MAX;
    return (struct bytes){p, n};
}

static const char *media_type(const char *path) {
    static const char *const types[][2] = {
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
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    die("unknown kind of file", path);
}

/* One blob as symbols asset_KIND_INDEX and …_end, and the size of the terminating 0 beyond it. */
static void print_blob(FILE *out, const char *path, int index, const char *kind) {
    fprintf(
        out,
        "__asm__(\".section .rodata\\n.global asset_%s_%d\\n.hidden asset_%s_%d\\nasset_%s_%d:\\n"
        ".incbin \\\"%s\\\"\\n.byte 0\\n.previous\\n\");\nextern const char asset_%s_%d[];\n",
        kind, index, kind, index, kind, index, path, kind, index);
}

static void print_form(FILE *out, const char *kind, int index, size_t n) {
    if (n)
        fprintf(out, ", .%s = {asset_%s_%d, %zu}", kind, kind, index, n);
}

static size_t compress_form(FILE *out, struct bytes form, struct bytes raw, const char *folder,
                            const char *kind, int index) {
    size_t n = 0;
    if (form.n < raw.n - raw.n / 20) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d.%s", folder, index, kind);
        write_all(path, form);
        print_blob(out, path, index, kind);
        n = form.n;
    }
    free(form.p);
    return n;
}

/* What goes into the program of a file, beside it where that is not the file itself. */
static struct bytes prepare(const char *path, const char *folder, int index, char *shown,
                            size_t size) {
    struct bytes raw = read_all(path);
    const char *dot = strrchr(path, '.');
    bool css = dot && strcmp(dot, ".css") == 0;
    snprintf(shown, size, "%s", path);
    if (!css && !(dot && strcmp(dot, ".js") == 0))
        return raw;
    raw.n = strip((char *)raw.p, raw.n, css);
    snprintf(shown, size, "%s/%d.raw", folder, index);
    write_all(shown, raw);
    return raw;
}

static int compare_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv) {
    if (argc < 4)
        die("usage", "embed_assets ROOT OUT_FOLDER FILE…");
    const char *root = argv[1], *folder = argv[2];
    char **files = argv + 3;
    int n = argc - 3;
    qsort(files, (size_t)n, sizeof *files, compare_text);
    char path[4096];
    snprintf(path, sizeof path, "%s/assets.c", folder);
    FILE *out = fopen(path, "w");
    char *rows = NULL;
    size_t rows_bytes;
    FILE *table = open_memstream(&rows, &rows_bytes);
    if (!out || !table)
        die("cannot write", path);
    fputs("/* Written by tools/embed_assets.c. */\n#include \"http/assets_table.h\"\n", out);
    uint64_t all = 0;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", root, files[i]);
        char shown[4096];
        struct bytes raw = prepare(path, folder, i, shown, sizeof shown);
        uint64_t hash = XXH3_64bits(raw.p, raw.n);
        all = XXH3_64bits_withSeed(files[i], strlen(files[i]), all ^ hash);
        print_blob(out, shown, i, "raw");
        int is_template = strncmp(files[i], "templates/", 10) == 0;
        size_t gzip_n = is_template ? 0 : compress_form(out, gzip(raw), raw, folder, "gzip", i);
        size_t brotli_n =
            is_template ? 0 : compress_form(out, brotli(raw), raw, folder, "brotli", i);
        fprintf(table, "    {.path = \"%s\", .type = \"%s\", .etag = \"%016llx\"", files[i],
                media_type(files[i]), (unsigned long long)hash);
        print_form(table, "raw", i, raw.n);
        print_form(table, "gzip", i, gzip_n);
        print_form(table, "brotli", i, brotli_n);
        fputs("},\n", table);
        free(raw.p);
    }
    fclose(table);
    fprintf(out,
            "const struct asset ASSETS[] = {\n%s};\nconst size_t ASSETS_COUNT = %d;\n"
            "const char ASSETS_VERSION[] = \"%08llx\";\n",
            rows, n, (unsigned long long)(all & 0xffffffffULL));
    free(rows);
    return fclose(out) == 0 ? 0 : 1;
}
