/*
 * Build-time program: po/es.po and po/en.po -> one C table (struct text of pages/text_table.h), checked.
 *
 *     compile_texts ES.po EN.po OUT.c
 *     compile_texts --check ES.po EN.po FILE…    FILEs: templates, scripts and C sources that use the texts
 *
 * A key must stand in both files, with the same {placeholders}, and not be empty. --check besides: every {{_ key}} of a
 * template exists, and every key is used: written out in some file, or below a prefix that a file uses ("channel."
 * by `tr:channel` or text_of_value(…, "channel", …)).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>

#include "po.h"

static void check_placeholders(const struct po *po, const struct entry *entry, const char *other) {
    for (const char *open = strchr(entry->text[1], '{'); open; open = strchr(open + 1, '{')) {
        size_t n = strcspn(open, "}|");
        char name[64];
        if (n >= sizeof name)
            continue;
        memcpy(name, open, n);
        name[n] = 0;
        if (!strstr(other, name))
            complain(po->path, "placeholder is not in the other language", entry->key);
    }
}

static void check_pair(struct po *po, struct po *other) {
    for (int i = 0; i < po->n; i++) {
        struct entry *entry = &po->entries[i];
        struct entry *twin = find(other, entry->key);
        if (i && strcmp(entry->key, po->entries[i - 1].key) == 0)
            complain(po->path, "twice", entry->key);
        if (!entry->text[0] || !entry->text[0][0])
            complain(po->path, "empty", entry->key);
        else if (!twin || !twin->text[1])
            complain(other->path, "missing", entry->key);
        else
            check_placeholders(po, entry, twin->text[1]);
    }
}

static void write_table(struct po *es, struct po *en, const char *path) {
    FILE *out = open_output(path, "compile_texts.c", "text TEXTS[]");
    for (int i = 0; i < es->n; i++) {
        struct entry *twin = find(en, es->entries[i].key);
        fputs("    {", out);
        print_text(out, es->entries[i].key);
        for (int form = 0; form < 4; form++) {
            fputs(form == 0 || form == 2 ? ", {" : ", ", out);
            print_text(out, form < 2 ? es->entries[i].text[form] : twin->text[form - 2]);
            if (form % 2)
                fputs("}", out);
        }
        fputs("},\n", out);
    }
    close_output(out, "TEXTS_COUNT", es->n);
}

/* Keys that a template names must exist: {{_ key}}, {{{_ key}}}. */
static void check_tags(struct po *po, const char *path, const char *source) {
    const char *dot = strrchr(path, '.');
    if (!dot || strcmp(dot, ".mustache") != 0)
        return;
    for (const char *tag = strstr(source, "{_ "); tag; tag = strstr(tag + 3, "{_ ")) {
        char key[128];
        size_t n = strcspn(tag + 3, " }");
        if (n >= sizeof key)
            continue;
        memcpy(key, tag + 3, n);
        key[n] = 0;
        if (!find(po, key))
            complain(path, "no such text", key);
    }
}

static int is_key_char(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* The key as a whole word, or one of its prefixes as `tr:prefix` or "prefix", in a call of text_of_value. */
static int is_used(const char *key, const char *source) {
    size_t n = strlen(key);
    for (const char *at = strstr(source, key); at; at = strstr(at + 1, key))
        if ((at == source || !is_key_char(at[-1])) && !is_key_char(at[n]))
            return 1;
    char needle[160];
    for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.')) {
        int prefix_n = (int)(dot - key);
        snprintf(needle, sizeof needle, "tr:%.*s", prefix_n, key);
        const char *at = strstr(source, needle);
        if (at && !is_key_char(at[strlen(needle)]))
            return 1;
        snprintf(needle, sizeof needle, "\"%.*s\", ", prefix_n, key);
        if (strstr(source, needle))
            return 1;
    }
    return 0;
}

static void check_use(struct po *po, char **paths, int n) {
    char *used = calloc((size_t)po->n + 1, 1);
    for (int i = 0; i < n; i++) {
        char *source = read_source(paths[i]);
        check_tags(po, paths[i], source);
        for (int j = 0; j < po->n; j++)
            if (!used[j] && is_used(po->entries[j].key, source))
                used[j] = 1;
        free(source);
    }
    for (int j = 0; j < po->n; j++)
        if (!used[j])
            complain(po->path, "nobody uses", po->entries[j].key);
    free(used);
}

int main(int argc, char **argv) {
    static struct po es, en;
    int check = argc > 1 && strcmp(argv[1], "--check") == 0;
    if (argc < 4 + check) {
        fprintf(stderr, "usage: compile_texts [--check] ES.po EN.po OUT.c | FILE…\n");
        return 2;
    }
    read_po(&es, argv[1 + check]);
    read_po(&en, argv[2 + check]);
    qsort(es.entries, (size_t)es.n, sizeof *es.entries, compare_entry);
    qsort(en.entries, (size_t)en.n, sizeof *en.entries, compare_entry);
    check_pair(&es, &en);
    check_pair(&en, &es);
    if (check)
        check_use(&es, argv + 4, argc - 4);
    if (failures)
        return 1;
    if (!check)
        write_table(&es, &en, argv[3]);
    else
        printf("%d texts in 2 languages, all used\n", es.n);
    return 0;
}
