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
 * FORMAT  gettext's PO: msgid "key", msgstr "…" or msgid_plural with msgstr[0] and msgstr[1]; texts may be continued on
 * following lines; escapes \n \" \\. The header entry (empty msgid) and comments are skipped.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
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

static void write_table(struct po *es, struct po *en, const char *path) {
    FILE *out = fopen(path, "w");
    if (!out) {
        perror(path);
        exit(1);
    }
    fputs("/* Written by tools/compile_texts.c from po/. */\n#include "
          "\"pages/text_table.h\"\nconst struct text TEXTS[] = {\n",
          out);
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
    fprintf(out, "};\nconst size_t TEXTS_COUNT = %d;\n", es->n);
    if (fclose(out) != 0)
        exit(1);
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
