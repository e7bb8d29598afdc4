/*
 * Reading gettext's PO and writing tables, for the programs that compile po/ at build time.
 *
 * FORMAT  msgid "key", msgstr "…" or msgid_plural with msgstr[0] and msgstr[1]; texts may be continued on following lines;
 * escapes \n \" \\. The header entry (empty msgid) and comments are skipped.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TOOLS_PO_H
#define SENDA_TOOLS_PO_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXTS = 4000, MAX_LINE = 8192 };

struct entry {
    char *key, *text[2];
};
struct po {
    const char *path;
    struct entry entries[MAX_TEXTS];
    int n;
};

static int failures;

static void complain(const char *where, const char *what, const char *which) {
    fprintf(stderr, "%s: %s: %s\n", where, what, which);
    failures++;
}

static char *concat(char *head, const char *tail, size_t tail_n) {
    size_t n = head ? strlen(head) : 0;
    char *text = realloc(head, n + tail_n + 1);
    if (!text)
        abort();
    memcpy(text + n, tail, tail_n);
    text[n + tail_n] = 0;
    return text;
}

/* Appends the C string between the first and last quote of the line, unescaped. */
static char *append_quoted(char *head, const char *line) {
    const char *from = strchr(line, '"'), *to = strrchr(line, '"');
    if (!from || to == from)
        return concat(head, "", 0);
    for (const char *c = from + 1; c < to; c++) {
        char plain = *c;
        if (*c == '\\' && c + 1 < to) {
            c++;
            plain = *c == 'n' ? '\n' : *c;
        }
        head = concat(head, &plain, 1);
    }
    return concat(head, "", 0);
}

static void read_po(struct po *po, const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    po->path = path;
    char line[MAX_LINE], **target = NULL, *skipped = NULL;
    struct entry *entry = NULL;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "msgid ", 6) == 0) {
            if (po->n == MAX_TEXTS)
                abort();
            entry = &po->entries[po->n++];
            target = &entry->key;
        } else if (strncmp(line, "msgid_plural", 12) == 0) {
            target = &skipped;
        } else if (strncmp(line, "msgstr[1]", 9) == 0 && entry) {
            target = &entry->text[1];
        } else if (strncmp(line, "msgstr", 6) == 0 && entry) {
            target = &entry->text[0];
        } else if (line[0] != '"') {
            continue;
        }
        if (target)
            *target = append_quoted(*target, line);
    }
    free(skipped);
    fclose(file);
    int kept = 0;
    for (int i = 0; i < po->n; i++)
        if (po->entries[i].key && po->entries[i].key[0]) {
            po->entries[kept++] = po->entries[i];
        } else {
            free(po->entries[i].key);
            free(po->entries[i].text[0]);
            free(po->entries[i].text[1]);
        }
    po->n = kept;
    for (int i = 0; i < po->n; i++)
        if (!po->entries[i].text[1] && po->entries[i].text[0]) {
            const char *one = po->entries[i].text[0];
            po->entries[i].text[1] = concat(NULL, one, strlen(one));
        }
}

static int compare_entry(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static struct entry *find(struct po *po, const char *key) {
    struct entry wanted = {.key = (char *)(size_t)key};
    return bsearch(&wanted, po->entries, (size_t)po->n, sizeof wanted, compare_entry);
}

static void print_text(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if (*text == '\n')
            fputs("\\n", out);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

/* A C file to be filled, with its first lines; ends the program where it cannot be written. */
static FILE *open_output(const char *path, const char *writer, const char *table) {
    FILE *out = fopen(path, "w");
    if (!out) {
        perror(path);
        exit(1);
    }
    fprintf(out,
            "/* Written by tools/%s from po/. */\n#include \"pages/text_table.h\"\n"
            "const struct %s = {\n",
            writer, table);
    return out;
}

/* Ends the table with its count. */
static void close_output(FILE *out, const char *count, int n) {
    fprintf(out, "};\nconst size_t %s = %d;\n", count, n);
    if (fclose(out) != 0)
        exit(1);
}

static char *read_source(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    char *text = NULL, block[65536];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        text = concat(text, block, n);
    fclose(file);
    return text ? text : concat(NULL, "", 0);
}

#endif
