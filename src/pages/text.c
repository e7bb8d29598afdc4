/*
 * Finds texts by binary search in the compiled table.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/text_table.h"

static int compare_key(const void *key, const void *text) {
    return strcmp(key, ((const struct text *)text)->key);
}

static const char *find(const char *language, const char *key, int form) {
    const struct text *text = bsearch(key, TEXTS, TEXTS_COUNT, sizeof *TEXTS, compare_key);
    if (!text)
        return NULL;
    return strcmp(language, "es") == 0 ? text->es[form] : text->en[form];
}

const char *text_of(const char *language, const char *key) {
    const char *text = find(language, key, 1);
    return text ? text : key;
}

const char *text_of_count(const char *language, const char *key, double n) {
    const char *text = find(language, key, n < 1.0 || n > 1.0);
    return text ? text : key;
}

const char *text_of_value(const char *language, const char *prefix, const char *value) {
    char key[256];
    int n = snprintf(key, sizeof key, "%s.%s", prefix, value);
    if (n < 0 || (size_t)n >= sizeof key)
        return NULL;
    return find(language, key, 1);
}

const char *text_of_name(const char *language, const char *name) {
    const char *text = text_of_value(language, "event", name);
    if (!text)
        text = text_of_value(language, "channel", name);
    return text ? text : name;
}

const char *text_value_named(const char *language, const char *prefix, const char *text) {
    const char *found = NULL;
    size_t n = strlen(prefix);
    bool spanish = strcmp(language, "es") == 0;
    for (size_t i = 0; i < TEXTS_COUNT; i++) {
        if (strncmp(TEXTS[i].key, prefix, n) != 0 || TEXTS[i].key[n] != '.')
            continue;
        if (strcmp(spanish ? TEXTS[i].es[1] : TEXTS[i].en[1], text) != 0)
            continue;
        if (found)
            return NULL;
        found = TEXTS[i].key + n + 1;
    }
    return found;
}
