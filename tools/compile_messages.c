/*
 * Build-time program: po/messages.es.po and messages.en.po -> a C table (struct message_text of pages/text_table.h),
 * checked.
 *
 *     compile_messages ES.po EN.po OUT.c
 *     compile_messages --check ES.po EN.po SOURCE…     SOURCEs: headers and C files of src/
 *
 * ES says in Spanish what the program says in English: msgid is the English text with %s for each value, whatever its
 * type. EN has better English for some of them. msgstr has every value once, %s or %t in order or as %2$s; %t is for words of the product, which are
 * translated themselves.
 *
 * --check reads the sources: every format that is given to a function with format(printf, …) that returns an error
 * code, and all that ERR_WORDS marks, is translated (also each side of `a ? "…" : "…"`); words put in as a value are
 * marked; and every translation belongs to a text of some source.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>

#include "po.h"

enum { MAX_HOLES = 8, MAX_TOKENS = 200000, MAX_SPEAKERS = 64, MAX_LITERALS = 60000 };

/* ---- the translations ---- */

static struct po es, en;

/* Behind a conversion at '%'; sets its type and the value's place (from 1), 0 for %%. */
static const char *read_hole(const char *at, int *next, int *place, char *type) {
    at++;
    int number = 0;
    const char *digits = at;
    while (isdigit((unsigned char)*at))
        number = number * 10 + (*at++ - '0');
    if (at > digits && *at == '$')
        at++;
    else if (at > digits)
        number = -1;
    *type = *at ? *at++ : 0;
    *place = *type == '%' ? 0 : number ? number : ++*next;
    return at;
}

/* Every value once; returns how many, -1 if it is wrong. */
static int count_holes(const char *text, const char *types) {
    int next = 0, place, n = 0, seen[MAX_HOLES + 1] = {0};
    char type;
    while ((text = strchr(text, '%')) != NULL) {
        text = read_hole(text, &next, &place, &type);
        if (!place && type == '%')
            continue;
        if (place < 1 || place > MAX_HOLES || seen[place]++ || !type || !strchr(types, type))
            return -1;
        n++;
    }
    for (int i = 1; i <= n; i++)
        if (!seen[i])
            return -1;
    return n;
}

static void read_entries(struct po *po, const char *path) {
    read_po(po, path);
    qsort(po->entries, (size_t)po->n, sizeof *po->entries, compare_entry);
    for (int i = 0; i < po->n; i++) {
        const struct entry *entry = &po->entries[i];
        if (i && strcmp(entry->key, po->entries[i - 1].key) == 0)
            complain(po->path, "twice", entry->key);
        if (!entry->text[0] || !entry->text[0][0])
            complain(po->path, "empty", entry->key);
        else if (count_holes(entry->key, "s") < 0 ||
                 count_holes(entry->key, "s") != count_holes(entry->text[0], "st"))
            complain(po->path, "other values than the English text", entry->key);
    }
}

static void write_table(const char *path) {
    FILE *out = open_output(path, "compile_messages.c", "message_text MESSAGES[]");
    for (int i = 0; i < es.n; i++) {
        const struct entry *better = find(&en, es.entries[i].key);
        fputs("    {", out);
        print_text(out, es.entries[i].key);
        fputs(", ", out);
        print_text(out, es.entries[i].text[0]);
        fputs(", ", out);
        if (better)
            print_text(out, better->text[0]);
        else
            fputs("NULL", out);
        fputs("},\n", out);
    }
    close_output(out, "MESSAGES_COUNT", es.n);
}

/* ---- a source as words ---- */

enum kind { WORD, LITERAL, SIGN };

struct token {
    enum kind kind;
    char *text; /* a literal's is unescaped, with neighbours and PRI… joined */
    int line;
};

struct source {
    const char *path;
    struct token *tokens;
    int n;
};

static char *copy(const char *from, size_t n) { return concat(NULL, from, n); }

static const char *skip_quoted(const char *at) {
    char quote = *at++;
    while (*at && *at != quote)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

static int is_word(const struct source *source, int i, const char *text) {
    return i >= 0 && i < source->n && source->tokens[i].kind != LITERAL &&
           strcmp(source->tokens[i].text, text) == 0;
}

static void add_token(struct source *source, enum kind kind, char *text, int line) {
    struct token *last = source->n ? &source->tokens[source->n - 1] : NULL;
    if (kind == LITERAL && last && last->kind == LITERAL) {
        last->text = concat(last->text, text, strlen(text));
        free(text);
        return;
    }
    if (source->n == MAX_TOKENS)
        abort();
    source->tokens[source->n++] = (struct token){kind, text, line};
}

static void read_tokens(struct source *source, const char *text) {
    int line = 1;
    for (const char *at = text, *next; *at; at = next) {
        next = at + 1;
        if (*at == '\n') {
            line++;
        } else if (strncmp(at, "/*", 2) == 0) {
            const char *end = strstr(at + 2, "*/");
            next = end ? end + 2 : at + strlen(at);
            for (const char *c = at; c < next; c++)
                line += *c == '\n';
        } else if (strncmp(at, "//", 2) == 0) {
            next = at + strcspn(at, "\n");
        } else if (*at == '"') {
            next = skip_quoted(at);
            char *quoted = copy(at, (size_t)(next - at));
            add_token(source, LITERAL, append_quoted(NULL, quoted), line);
            free(quoted);
        } else if (*at == '\'') {
            next = skip_quoted(at);
        } else if (isalnum((unsigned char)*at) || *at == '_') {
            while (isalnum((unsigned char)*next) || *next == '_')
                next++;
            if (strncmp(at, "PRI", 3) == 0 && isalpha((unsigned char)at[3]))
                add_token(source, LITERAL, copy("d", 1), line);
            else
                add_token(source, WORD, copy(at, (size_t)(next - at)), line);
        } else if (!isspace((unsigned char)*at) && *at != '\\') {
            add_token(source, SIGN, copy(at, 1), line);
        }
    }
}

static void release_tokens(struct source *source) {
    for (int i = 0; i < source->n; i++)
        free(source->tokens[i].text);
    source->n = 0;
}

/* ---- who speaks: functions that take a format and return an error code ---- */

struct speaker {
    char *name, *folder; /* folder: known in this one only, or NULL */
    const char *path;    /* known in this file only, or NULL */
    int format;          /* its argument, from 0 */
};

static struct speaker speakers[MAX_SPEAKERS];
static int n_speakers;

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? copy(path, (size_t)(slash - path)) : copy("", 0);
}

/* At `format(printf, N, M)`: the function that is declared behind it. M = 0 takes a list of arguments: its caller is the
 * speaker. */
static void find_speaker(const struct source *source, int i) {
    int at = i + 8, code = 0;
    const char *path = source->path;
    if (is_word(source, i + 6, "0"))
        return;
    while (at < source->n && !(source->tokens[at].kind == WORD && is_word(source, at + 1, "("))) {
        code |= is_word(source, at, "int") || is_word(source, at, "refusal");
        at++;
    }
    if (!code || at == source->n)
        return;
    if (n_speakers == MAX_SPEAKERS)
        abort();
    int own = strcmp(path + strlen(path) - 2, ".c") == 0;
    const char *name = source->tokens[at].text;
    speakers[n_speakers++] = (struct speaker){
        .name = copy(name, strlen(name)),
        .folder = strstr(path, "/internal.h") ? folder_of(path) : NULL,
        .path = own ? path : NULL,
        .format = atoi(source->tokens[i + 4].text) - 1,
    };
}

static void find_speakers(const struct source *source) {
    for (int i = 0; i + 8 < source->n; i++)
        if (is_word(source, i, "format") && is_word(source, i + 2, "printf"))
            find_speaker(source, i);
}

/* Whom the source means by a name: its own function before those of its folder and all others. */
static const struct speaker *speaker_of(const struct source *source, const char *name) {
    char *folder = folder_of(source->path);
    const struct speaker *found = NULL;
    for (int i = 0; i < n_speakers; i++) {
        const struct speaker *speaker = &speakers[i];
        if (strcmp(speaker->name, name) != 0 || (found && found->path) ||
            (speaker->path && speaker->path != source->path) ||
            (speaker->folder && strcmp(speaker->folder, folder) != 0))
            continue;
        found = speaker;
    }
    free(folder);
    return found;
}

/* ---- what is said ---- */

static char *literals[MAX_LITERALS];
static int n_literals;

/* printf's format as the catalogue's key: every conversion is %s. */
static char *key_of(const char *format) {
    char *key = copy("", 0);
    while (*format) {
        size_t n = strcspn(format, "%");
        key = concat(key, format, n);
        format += n;
        if (!*format)
            break;
        format++;
        format += strspn(format, ".*0123456789lz");
        key = concat(key, *format == '%' ? "%%" : "%s", 2);
        format += *format != 0;
    }
    return key;
}

static void complain_at(const struct source *source, int token, const char *what,
                        const char *which) {
    char *where = NULL;
    if (asprintf(&where, "%s:%d", source->path, source->tokens[token].line) < 0)
        abort();
    complain(where, what, which);
    free(where);
}

static int has_words(const char *text) {
    int letters = 0;
    for (; *text; text++)
        letters += isalpha((unsigned char)*text) != 0;
    return letters > 1;
}

/* What base/phrase.h walks: no flags, no widths. */
static int is_walkable(const char *format) {
    while ((format = strchr(format, '%')) != NULL) {
        format++;
        if (*format == '.')
            format += 1 + strspn(format + 1, "*0123456789");
        format += strspn(format, "lz");
        if (!*format || !strchr("sdiugc%", *format))
            return 0;
        format++;
    }
    return 1;
}

static void need_translation(const struct source *source, int token) {
    if (!is_walkable(source->tokens[token].text))
        complain_at(source, token, "a conversion that base/phrase.h does not know",
                    source->tokens[token].text);
    char *key = key_of(source->tokens[token].text);
    if (has_words(key) && strcmp(key, "%s") != 0 && strcmp(key, "%s: %s") != 0 && !find(&es, key))
        complain_at(source, token, "not in Spanish", key);
    free(key);
}

/* The end of an argument that begins at `at`: its comma or the closing parenthesis. */
static int end_of_argument(const struct source *source, int at) {
    for (int depth = 0; at < source->n; at++) {
        if (source->tokens[at].kind != SIGN)
            continue;
        char sign = source->tokens[at].text[0];
        if (depth == 0 && (sign == ',' || sign == ')'))
            return at;
        depth += (strchr("([{", sign) != NULL) - (strchr(")]}", sign) != NULL);
    }
    return at;
}

/* Calls `use` for each literal that the argument may be, not for those of conditions and calls in it. */
static int each_literal(const struct source *source, int from, int to,
                        void (*use)(const struct source *source, int token)) {
    int depth = 0, n = 0;
    for (int i = from; i < to; i++) {
        depth += (is_word(source, i, "(") || is_word(source, i, "[")) -
                 (is_word(source, i, ")") || is_word(source, i, "]"));
        if (source->tokens[i].kind != LITERAL || depth)
            continue;
        int next = i + 1;
        while (next < to && !is_word(source, next, "?") && !is_word(source, next, ":"))
            next++;
        if (next < to && is_word(source, next, "?"))
            continue; /* of a condition */
        n++;
        use(source, i);
    }
    return n;
}

static void need_mark(const struct source *source, int token) {
    if (has_words(source->tokens[token].text))
        complain_at(source, token, "words in a message without ERR_WORDS",
                    source->tokens[token].text);
}

static void check_call(const struct source *source, int i, const struct speaker *speaker) {
    int at = i + 2, end;
    for (int argument = 0;; argument++, at = end + 1) {
        end = end_of_argument(source, at);
        if (argument == speaker->format && !each_literal(source, at, end, need_translation) &&
            !is_word(source, at, "const"))
            complain_at(source, i, "the format is not written out", source->tokens[i].text);
        if (argument > speaker->format)
            each_literal(source, at, end, need_mark);
        if (end >= source->n || is_word(source, end, ")"))
            return;
    }
}

static void check_source(const struct source *source) {
    for (int i = 0; i < source->n; i++) {
        const struct token *token = &source->tokens[i];
        if (token->kind == LITERAL) {
            if (n_literals == MAX_LITERALS)
                abort();
            literals[n_literals++] = key_of(token->text);
            if (is_word(source, i - 1, "(") && is_word(source, i - 2, "ERR_WORDS"))
                need_translation(source, i);
        } else if (token->kind == WORD && is_word(source, i + 1, "(")) {
            const struct speaker *speaker = speaker_of(source, token->text);
            if (speaker)
                check_call(source, i, speaker);
        }
    }
}

static int compare_literal(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_dead(void) {
    qsort(literals, (size_t)n_literals, sizeof *literals, compare_literal);
    for (int i = 0; i < es.n; i++) {
        char *key = es.entries[i].key;
        if (!bsearch(&key, literals, (size_t)n_literals, sizeof *literals, compare_literal))
            complain(es.path, "nobody says", key);
    }
}

static void check_sources(char **paths, int n) {
    struct source source = {.tokens = calloc(MAX_TOKENS, sizeof *source.tokens)};
    if (!source.tokens)
        abort();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < n; i++) {
            char *text = read_source(paths[i]);
            source.path = paths[i];
            read_tokens(&source, text);
            if (round == 0)
                find_speakers(&source);
            else
                check_source(&source);
            release_tokens(&source);
            free(text);
        }
    free(source.tokens);
    check_dead();
}

int main(int argc, char **argv) {
    int check = argc > 1 && strcmp(argv[1], "--check") == 0;
    if (argc < 4 + check) {
        fprintf(stderr, "usage: compile_messages [--check] ES.po EN.po OUT.c | SOURCE…\n");
        return 2;
    }
    read_entries(&es, argv[1 + check]);
    read_entries(&en, argv[2 + check]);
    for (int i = 0; i < en.n; i++)
        if (!find(&es, en.entries[i].key))
            complain(es.path, "missing", en.entries[i].key);
    if (check)
        check_sources(argv + 4, argc - 4);
    if (failures)
        return 1;
    if (!check)
        write_table(argv[3]);
    else
        printf("%d messages in Spanish, all said\n", es.n);
    return 0;
}
