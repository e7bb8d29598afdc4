/*
 * Masking of free texts: see mask.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/mask.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/limits.h"

enum { TEXT_LEAST = 8, DIGITS_LEAST = 8, CARD_LEAST = 13, CARD_MOST = 19, NAME_BYTES = 128 };
enum { IBAN_LEAST = 15, IBAN_MOST = 34, PHONE_DIGITS = 9, E164_LEAST = 8, E164_MOST = 15 };

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool is_letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
/* Bytes beyond ASCII belong to words: "año", "ñ". */
static inline bool is_word(char c) { return is_digit(c) || is_letter(c) || (unsigned char)c > 127; }
static inline char upper(char c) { return (char)(is_letter(c) ? c & ~32 : c); }

/* ---- names ---- */

/* True if a property of this name holds identifiers rather than what people write. */
static bool spares(struct slice name) {
    /* words of a name: an identifier's property has one of them */
    static const char *const WORDS[] = {
        "id",      "ids",   "uuid", "sku",    "ref",        "reference", "referencia",
        "number",  "email", "mail", "correo", "phone",      "tel",       "telefono",
        "mobile",  "movil", "nif",  "dni",    "iban",       "code",      "codigo",
        "barcode", "ean",   "gtin", "token",  "touchpoint", "key",       "hash"};
    char word[NAME_BYTES] = "";
    size_t n = 0;
    for (size_t i = 0; i <= name.n && i < NAME_BYTES; i++) {
        char c = '\0';
        if (i < name.n)
            c = name.p[i];
        bool begins = c >= 'A' && c <= 'Z' && n && !(word[n - 1] >= 'A' && word[n - 1] <= 'Z');
        if (!is_word(c) || begins) {
            for (size_t k = 0; n && k < sizeof WORDS / sizeof WORDS[0]; k++)
                if (strlen(WORDS[k]) == n && strncasecmp(WORDS[k], word, n) == 0)
                    return true;
            n = 0;
        }
        if (is_word(c))
            word[n++] = c;
    }
    return false;
}

/* ---- what stands at a place: its bytes, or 0 ---- */

struct run {
    size_t n; /* bytes of the digits with what is between them */
    size_t n_digits;
    char digits[CARD_MOST + 1];
};

/* Digits in groups, at most one blank, point or hyphen between two. */
static struct run run_at(struct slice text, size_t at, size_t most) {
    struct run run = {0};
    for (size_t i = at; i < text.n && run.n_digits <= most; i++) {
        bool apart = text.p[i] == ' ' || text.p[i] == '-' || text.p[i] == '.';
        if (is_digit(text.p[i])) {
            run.digits[run.n_digits++] = text.p[i];
            run.n = i - at + 1;
        } else if (!apart || i + 1 == text.n || !is_digit(text.p[i + 1])) {
            break;
        }
    }
    return run;
}

static bool ends_word(struct slice text, size_t at) { return at >= text.n || !is_word(text.p[at]); }

static size_t card_at(struct slice text, size_t at) {
    struct run run = run_at(text, at, CARD_MOST);
    if (run.n_digits < CARD_LEAST || run.n_digits > CARD_MOST || run.digits[0] < '2' ||
        run.digits[0] > '6' || !ends_word(text, at + run.n))
        return 0;
    unsigned sum = 0;
    for (size_t i = 0; i < run.n_digits; i++) {
        unsigned digit = (unsigned)(run.digits[run.n_digits - 1 - i] - '0');
        if (i % 2)
            digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 ? 0 : run.n;
}

static size_t phone_at(struct slice text, size_t at) {
    bool plus = text.p[at] == '+';
    struct run run = run_at(text, at + plus, E164_MOST);
    bool fits = plus ? run.n_digits >= E164_LEAST && run.n_digits <= E164_MOST
                     : run.n_digits == PHONE_DIGITS && run.digits[0] >= '6';
    return fits && ends_word(text, at + plus + run.n) ? plus + run.n : 0;
}

/* Letters count from A = 10; the first four characters come last. */
static bool iban_is_right(const char *iban, size_t n) {
    unsigned rest = 0;
    for (size_t i = 0; i < n; i++) {
        char c = iban[(i + 4) % n];
        unsigned value = is_digit(c) ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
        rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
    }
    return rest == 1;
}

static size_t iban_at(struct slice text, size_t at) {
    if (text.n - at < IBAN_LEAST || !is_letter(text.p[at]) || !is_letter(text.p[at + 1]) ||
        !is_digit(text.p[at + 2]) || !is_digit(text.p[at + 3]))
        return 0;
    char iban[IBAN_MOST];
    size_t n = 0, found = 0;
    for (size_t i = at; i < text.n && n < IBAN_MOST; i++) {
        bool apart = text.p[i] == ' ' || text.p[i] == '-';
        if (apart && i + 1 < text.n && text.p[i + 1] != ' ' && text.p[i + 1] != '-')
            continue;
        if (!is_digit(text.p[i]) && !is_letter(text.p[i]))
            break;
        iban[n++] = upper(text.p[i]);
        if (n >= IBAN_LEAST && ends_word(text, i + 1) && iban_is_right(iban, n))
            found = i + 1 - at;
    }
    return found;
}

static size_t nif_at(struct slice text, size_t at) {
    static const char LETTERS[] = "TRWAGMYFPDXBNJZSQVHLCKE";
    enum { DIGITS = 8 };
    char first = upper(text.p[at]);
    bool foreign = first >= 'X' && first <= 'Z';
    if (text.n - at < DIGITS + 1 || (!foreign && !is_digit(first)))
        return 0;
    uint32_t number = foreign ? (uint32_t)(first - 'X') : (uint32_t)(first - '0');
    size_t letter = at + 1;
    for (size_t digits = 1; digits < DIGITS; letter++) {
        if (letter + 1 < text.n && text.p[letter] == '.' && is_digit(text.p[letter + 1]))
            continue;
        if (letter >= text.n || !is_digit(text.p[letter]))
            return 0;
        number = number * 10 + (uint32_t)(text.p[letter] - '0');
        digits++;
    }
    if (letter + 1 < text.n && text.p[letter] == '-')
        letter++;
    if (letter >= text.n)
        return 0;
    bool right = upper(text.p[letter]) == LETTERS[number % 23] && ends_word(text, letter + 1);
    return right ? letter + 1 - at : 0;
}

static bool is_local(char c) { return is_word(c) || (c && strchr("._%+-", c)); }

/* The address that begins at a word. */
static size_t email_at(struct slice text, size_t at) {
    size_t i = at, dot = 0;
    while (i < text.n && is_local(text.p[i]))
        i++;
    if (i == at || i >= text.n || text.p[i] != '@')
        return 0;
    size_t domain = ++i;
    while (i < text.n &&
           (is_digit(text.p[i]) || is_letter(text.p[i]) || text.p[i] == '-' || text.p[i] == '.')) {
        if (text.p[i] == '.')
            dot = i;
        i++;
    }
    while (i > domain && (text.p[i - 1] == '.' || text.p[i - 1] == '-')) /* of the sentence */
        i--;
    if (dot >= i) /* the last one ended the sentence */
        for (dot = i - 1; dot > domain && text.p[dot] != '.';)
            dot--;
    return dot > domain && i - dot > 2 ? i - at : 0;
}

static const struct {
    const char *instead;
    size_t (*at)(struct slice text, size_t at);
    bool written; /* looked for only where somebody wrote */
} KINDS[] = {{"[email]", email_at, false},
             {"[iban]", iban_at, false},
             {"[card]", card_at, false},
             {"[nif]", nif_at, true},
             {"[phone]", phone_at, true}};

static bool may_hold(struct slice text, bool *written) {
    size_t digits = 0;
    bool at = false;
    for (size_t i = 0; i < text.n; i++) {
        digits += is_digit(text.p[i]);
        at |= text.p[i] == '@';
        *written |= text.p[i] == ' ';
    }
    return at || digits >= DIGITS_LEAST || (*written && digits >= DIGITS_LEAST - 1);
}

static size_t find_at(struct slice text, size_t at, bool written, const char **instead) {
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        size_t n = KINDS[k].written && !written ? 0 : KINDS[k].at(text, at);
        if (n) {
            *instead = KINDS[k].instead;
            return n;
        }
    }
    return 0;
}

unsigned mask_property(struct slice name, struct slice *text, struct arena *arena) {
    bool written = false;
    if (text->n < TEXT_LEAST || !may_hold(*text, &written) || spares(name))
        return 0;
    struct buf out;
    unsigned masked = 0;
    buf_init(&out, (size_t)LIMIT_EVENT_BYTES * 2);
    for (size_t i = 0; i < text->n;) {
        const char *instead;
        bool begins = i == 0 || !is_word(text->p[i - 1]);
        bool candidate = begins && (is_word(text->p[i]) || text->p[i] == '+' || text->p[i] == '_');
        size_t n = candidate ? find_at(*text, i, written, &instead) : 0;
        if (n) {
            buf_add_text(&out, instead);
            masked++;
            i += n;
        } else {
            buf_add_char(&out, text->p[i++]);
        }
    }
    if (masked && !out.full)
        *text = arena_copy(arena, buf_slice(&out));
    buf_release(&out);
    return masked;
}

/* ---- answers ---- */

enum { NESTED_MOST = 8 };

/* A value below a member of this name. */
static unsigned mask_value(const char *name, json_t *holder, json_t *value, size_t at, int depth,
                           struct arena *arena) {
    unsigned masked = 0;
    const char *member;
    json_t *each;
    size_t i;
    if (depth == NESTED_MOST)
        return 0;
    if (json_is_object(value))
        json_object_foreach(value, member, each) masked +=
            mask_value(member, value, each, 0, depth + 1, arena);
    json_array_foreach(value, i, each) masked += mask_value(name, value, each, i, depth + 1, arena);
    struct slice text = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value) || !(masked = mask_property(slice_of(name), &text, arena)))
        return masked;
    if (json_is_array(holder))
        json_array_set_new(holder, at, json_stringn(text.p, text.n));
    else
        json_object_set_new(holder, name, json_stringn(text.p, text.n));
    return masked;
}

const char *mask_text(const char *text, struct arena *arena) {
    struct slice masked = text ? slice_of(text) : (struct slice){"", 0};
    return mask_property((struct slice){NULL, 0}, &masked, arena) ? arena_text(arena, masked)
                                                                  : text;
}

unsigned mask_answers(struct slice *json, struct arena *arena) {
    bool written = false;
    if (json->n < TEXT_LEAST || !may_hold(*json, &written))
        return 0;
    json_t *root = json_loadb(json->p, json->n, 0, NULL);
    unsigned masked = mask_value("answers", NULL, root, 0, 0, arena);
    char *text = masked ? json_dumps(root, JSON_COMPACT) : NULL;
    if (text)
        *json = arena_copy(arena, slice_of(text));
    free(text);
    json_decref(root);
    return masked;
}
