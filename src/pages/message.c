/*
 * Finds a translation by the format, or by a pattern that the text follows, and fills its holes: see message.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "pages/text_table.h"

enum { MESSAGE_BYTES = 400, DEPTH = 3 /* words in a message in a message */ };

/* A text under way. */
struct said {
    bool spanish;
    char text[MESSAGE_BYTES];
    size_t n;
};

static void put(struct said *said, struct slice piece) {
    piece = utf8_cut(piece, sizeof said->text - 1 - said->n);
    if (piece.n)
        memcpy(said->text + said->n, piece.p, piece.n);
    said->n += piece.n;
}

static int compare_format(const void *key, const void *message) {
    return strcmp(key, ((const struct message_text *)message)->format);
}

static const struct message_text *find(const char *format) {
    return bsearch(format, MESSAGES, MESSAGES_COUNT, sizeof *MESSAGES, compare_format);
}

static bool say_text(struct slice english, int depth, struct said *said);

/* Puts the values into the holes of a translation: %s as it is, %t translated, both also as %2$s. */
static void fill(const char *pattern, const struct slice *values, size_t n, int depth,
                 struct said *said) {
    size_t next = 0;
    while (*pattern) {
        size_t plain = strcspn(pattern, "%");
        put(said, (struct slice){pattern, plain});
        pattern += plain;
        if (!*pattern)
            return;
        size_t place = ++next;
        if (pattern[1] && pattern[2] == '$') {
            place = (size_t)(pattern[1] - '0');
            pattern += 2;
        }
        char type = pattern[1];
        pattern += type ? 2 : 1;
        if (type == '%') {
            put(said, SLICE_LITERAL("%"));
            next--;
        } else if (place && place <= n) {
            if (type != 't' || !say_text(values[place - 1], depth, said))
                put(said, values[place - 1]);
        }
    }
}

/* Does the text follow the pattern "…%s…"? Then with which values. Nothing follows one without words. */
static bool follows(const char *pattern, struct slice text, struct slice *values, size_t *n) {
    *n = 0;
    const char *end = text.p + text.n, *at = text.p;
    size_t plain = strcspn(pattern, "%");
    if (plain > text.n || memcmp(pattern, at, plain) != 0)
        return false;
    at += plain;
    pattern += plain;
    while (*pattern == '%' && pattern[1] == 's' && *n < PHRASE_VALUES) {
        pattern += 2;
        plain = strcspn(pattern, "%");
        const char *found = end - plain; /* what ends the pattern ends the text */
        if (plain > (size_t)(end - at))
            return false;
        if (pattern[plain])
            found = plain ? memmem(at, (size_t)(end - at), pattern, plain) : at;
        else if (memcmp(found, pattern, plain) != 0)
            return false;
        if (!found)
            return false;
        values[(*n)++] = (struct slice){at, (size_t)(found - at)};
        at = found + plain;
        pattern += plain;
    }
    return !*pattern && at == end;
}

/* The pattern with most words of its own that the text follows. */
static const struct message_text *recognise(struct slice text, struct slice *values, size_t *n) {
    const struct message_text *best = NULL;
    size_t best_words = 0;
    for (size_t i = 0; i < MESSAGES_COUNT; i++) {
        struct slice own[PHRASE_VALUES];
        size_t own_n;
        if (!strchr(MESSAGES[i].format, '%') || !follows(MESSAGES[i].format, text, own, &own_n))
            continue;
        size_t words = strlen(MESSAGES[i].format) - 2 * own_n;
        if (words <= best_words)
            continue;
        best = &MESSAGES[i];
        best_words = words;
        memcpy(values, own, sizeof own);
        *n = own_n;
    }
    return best;
}

/* What is said of a message: false if that is the format itself. */
static bool say(const struct message_text *message, const struct slice *values, size_t n, int depth,
                struct said *said) {
    const char *pattern = said->spanish ? message->es : message->en;
    if (pattern)
        fill(pattern, values, n, depth, said);
    return pattern != NULL;
}

/* A text whose format is not known; false: nothing is known of it, nothing is put. */
static bool say_text(struct slice english, int depth, struct said *said) {
    char key[MESSAGE_BYTES];
    struct slice values[PHRASE_VALUES];
    size_t n = 0;
    if (depth == DEPTH || !english.n || english.n >= sizeof key)
        return false;
    memcpy(key, english.p, english.n);
    key[english.n] = 0;
    const struct message_text *message = find(key);
    if (!message)
        message = recognise(english, values, &n);
    return message && say(message, values, n, depth + 1, said);
}

/* A text that came about by a format. */
static bool say_phrase(const struct phrase *phrase, const char *text, struct said *said) {
    char key[PHRASE_KEY_BYTES];
    struct slice values[PHRASE_VALUES];
    if (!phrase->format || !phrase_key(phrase->format, key, sizeof key) || strcmp(key, "%s") == 0)
        return false;
    const struct message_text *message = find(key);
    for (unsigned i = 0; i < phrase->n; i++)
        values[i] = (struct slice){text + phrase->values[i].at, phrase->values[i].n};
    return message && say(message, values, phrase->n, 0, said);
}

/* Lower case and no full stop, as messages are: with a capital and a full stop; one that begins with a name ("userId",
 * "--data") keeps its letter. Titles and hints have their capital. */
static void say_sentence(struct slice english, struct said *said) {
    size_t first = 0;
    if (english.p[0] >= 'A' && english.p[0] <= 'Z') {
        put(said, english);
        return;
    }
    while (first < english.n && english.p[first] >= 'a' && english.p[first] <= 'z')
        first++;
    bool word = first && (first == english.n || strchr(" ,:;'", english.p[first]));
    put(said, english);
    if (word)
        said->text[0] = (char)(said->text[0] - 'a' + 'A');
    if (!strchr(".!?:…", english.p[english.n - 1]))
        put(said, SLICE_LITERAL("."));
}

static void translate(bool spanish, struct phrase *phrase, char *text, size_t size) {
    struct said said = {.spanish = spanish};
    if (!text[0])
        return;
    if (!say_phrase(phrase, text, &said) && !say_text(slice_of(text), 0, &said)) {
        if (spanish)
            return;
        say_sentence(slice_of(text), &said);
    }
    struct slice cut = utf8_cut((struct slice){said.text, said.n}, size - 1);
    memcpy(text, cut.p, cut.n);
    text[cut.n] = 0;
    *phrase = (struct phrase){0}; /* it is the program's own English no more */
}

void message_translate(const char *language, struct err *err) {
    bool spanish = strcmp(language, "es") == 0;
    if (!spanish && strcmp(language, "en") != 0)
        return;
    translate(spanish, &err->message_phrase, err->message, sizeof err->message);
    translate(spanish, &err->hint_phrase, err->hint, sizeof err->hint);
}

const char *message_in_spanish(const char *english) {
    const struct message_text *message = find(english);
    return message ? message->es : NULL;
}
