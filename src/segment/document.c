/*
 * Documents of segments and segmentations: members, texts, names.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "segment/internal.h"

static const char *const colours[] = {
#define X(colour) #colour,
    SEGMENT_COLOURS(X)
#undef X
};

enum { TITLE_UNITS = 400, POINTER_BYTES = 120 };

int document_only(const json_t *document, const char *const *members, size_t n, const char *below,
                  struct err *err) {
    const char *name;
    json_t *value;
    if (!json_is_object(document))
        return err_at(err, *below ? E_INVALID : E_MALFORMED, below, "must be an object");
    json_object_foreach((json_t *)(uintptr_t)document, name, value) {
        char pointer[POINTER_BYTES];
        size_t i = 0;
        while (i < n && strcmp(members[i], name) != 0)
            i++;
        snprintf(pointer, sizeof pointer, "%s/%.60s", below, name);
        if (i == n)
            return err_at(err, E_INVALID, pointer, "unknown member \"%.64s\"", name);
    }
    return 0;
}

int document_text(const json_t *document, const char *name, size_t max, bool needed,
                  const char *below, struct err *err) {
    const json_t *text = json_object_get(document, name);
    char pointer[POINTER_BYTES];
    snprintf(pointer, sizeof pointer, "%s/%s", below, name);
    if (!needed && (!text || json_is_null(text)))
        return 0;
    if (!json_is_string(text) || (needed && !json_string_length(text)))
        return err_at(err, E_INVALID, pointer, "must be a text");
    if (json_string_length(text) > max)
        return err_at(err, E_INVALID, pointer, "must have at most %zu bytes", max);
    return 0;
}

int document_colour(const json_t *document, const char *below, struct err *err) {
    const json_t *colour = json_object_get(document, "colour");
    char pointer[POINTER_BYTES];
    if (!colour || json_is_null(colour))
        return 0;
    for (size_t i = 0; json_is_string(colour) && i < sizeof colours / sizeof *colours; i++)
        if (strcmp(colours[i], json_string_value(colour)) == 0)
            return 0;
    snprintf(pointer, sizeof pointer, "%s/colour", below);
    err_at(err, E_INVALID, pointer, "is not a colour that is offered");
    return err_hint(err, "One of: blue, green, amber, red, violet, teal, pink, grey.");
}

/* ---- names ---- */

static bool is_plain(int c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

static bool is_name(const char *text) {
    if (!is_plain(text[0]) || strlen(text) >= SEGMENT_NAME_BYTES)
        return false;
    for (const char *p = text; *p; p++)
        if (!is_plain(*p) && *p != '-' && *p != '_')
            return false;
    return true;
}

/* "Señal de Baja" -> "senal-de-baja": marks go, what is no letter or digit becomes one hyphen. */
static void name_of_title(const char *title, char name[SEGMENT_NAME_BYTES]) {
    UChar units[TITLE_UNITS], lower[2 * TITLE_UNITS], apart[4 * TITLE_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n = 0;
    size_t length = 0;
    u_strFromUTF8WithSub(units, TITLE_UNITS, &n, title, -1, 0xFFFD, NULL, &status);
    n = u_strToLower(lower, 2 * TITLE_UNITS, units, n, "", &status);
    n = unorm2_normalize(unorm2_getNFKDInstance(&status), lower, n, apart, 4 * TITLE_UNITS,
                         &status);
    for (int32_t i = 0; U_SUCCESS(status) && i < n && length + 1 < SEGMENT_NAME_BYTES; i++) {
        if (is_plain(apart[i]))
            name[length++] = (char)apart[i];
        else if (u_charType(apart[i]) != U_NON_SPACING_MARK && length && name[length - 1] != '-')
            name[length++] = '-';
    }
    while (length && name[length - 1] == '-')
        length--;
    name[length] = 0;
}

/* Addresses of pages and of the API that stand where a name would. */
static bool is_taken(const char *name) {
    return strcmp(name, "new") == 0 || strcmp(name, "overlap") == 0 || strcmp(name, "preview") == 0;
}

int document_name(const json_t *document, char name[SEGMENT_NAME_BYTES], const char *below,
                  struct err *err) {
    const json_t *given = json_object_get(document, "name"),
                 *title = json_object_get(document, "title");
    char pointer[POINTER_BYTES];
    bool said = given && !json_is_null(given);
    snprintf(pointer, sizeof pointer, "%s/name", below);
    if (said && (!json_is_string(given) || !is_name(json_string_value(given)) ||
                 is_taken(json_string_value(given)))) {
        err_at(err, E_INVALID, pointer, "is no name of a segment");
        return err_hint(err, "Lower case letters, digits, - and _; at most %d of them.",
                        SEGMENT_NAME_BYTES - 1);
    }
    if (said)
        snprintf(name, SEGMENT_NAME_BYTES, "%s", json_string_value(given));
    else
        name_of_title(json_is_string(title) ? json_string_value(title) : "", name);
    if (!said && is_taken(name))
        memcpy(name + strlen(name), "-1", sizeof "-1");
    if (name[0])
        return 0;
    err_at(err, E_INVALID, pointer, "the title makes no name");
    return err_hint(err, "Give a name of lower case letters and digits.");
}
