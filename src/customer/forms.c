/*
 * Normal forms of identifiers: see forms.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/forms.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { E164_LEAST = 8, E164_MOST = 15, NIF_BYTES = 9 };

static const char *const names[FORMS] = {"text", "email", "phone", "national_id"};

const char *form_name(enum form form) { return names[form]; }

bool form_find(const char *name, enum form *form) {
    for (int i = 0; i < FORMS; i++)
        if (strcmp(name, names[i]) == 0) {
            *form = (enum form)i;
            return true;
        }
    return false;
}

static struct slice trimmed(struct slice text) {
    while (text.n && (unsigned char)text.p[0] <= ' ')
        text = (struct slice){text.p + 1, text.n - 1};
    while (text.n && (unsigned char)text.p[text.n - 1] <= ' ')
        text.n--;
    return text;
}

static size_t text_normal(struct slice text, char out[FORM_BYTES]) {
    if (text.n >= FORM_BYTES)
        return 0;
    memcpy(out, text.p, text.n);
    return text.n;
}

/* Lower case, one @ with something before it and a point behind it. */
static size_t email_normal(struct slice text, char out[FORM_BYTES]) {
    size_t at = 0, ats = 0, point = 0;
    if (text.n >= FORM_BYTES)
        return 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c == ',' || c == ';' || c == '<' || c == '>')
            return 0;
        if (c == '@')
            at = i, ats++;
        if (c == '.' && ats)
            point = i;
        bool capital = i && (unsigned char)text.p[i - 1] == 0xC3 && c >= 0x80 && c <= 0x9E &&
                       c != 0x97; /* À … Þ, but × */
        out[i] = (char)(capital ? c + 0x20 : c < 0x80 ? tolower(c) : c);
    }
    return ats == 1 && at > 0 && point > at + 1 && point + 1 < text.n ? text.n : 0;
}

/* ---- phones ---- */

/* international: what is dialled before a country's code; trunk: before a number of the country itself, "" none. */
static const struct plan {
    const char *country, *code, *international, *trunk;
    size_t least, most; /* digits of a national number */
} plans[] = {
    {"ES", "34", "00", "", 9, 9},    {"MX", "52", "00", "", 10, 10},
    {"AR", "54", "00", "0", 10, 11}, {"BO", "591", "00", "0", 8, 8},
    {"CL", "56", "00", "", 9, 9},    {"CO", "57", "00", "", 10, 10},
    {"CR", "506", "00", "", 8, 8},   {"CU", "53", "119", "0", 8, 8},
    {"DO", "1", "011", "1", 10, 10}, {"EC", "593", "00", "0", 8, 9},
    {"SV", "503", "00", "", 8, 8},   {"GT", "502", "00", "", 8, 8},
    {"HN", "504", "00", "", 8, 8},   {"NI", "505", "00", "", 8, 8},
    {"PA", "507", "00", "", 7, 8},   {"PY", "595", "00", "0", 9, 9},
    {"PE", "51", "00", "0", 8, 9},   {"PR", "1", "011", "1", 10, 10},
    {"UY", "598", "00", "0", 8, 8},  {"VE", "58", "00", "0", 10, 10},
    {"US", "1", "011", "1", 10, 10}, {"CA", "1", "011", "1", 10, 10},
    {"GB", "44", "00", "0", 9, 10},  {"IE", "353", "00", "0", 7, 9},
    {"AU", "61", "0011", "0", 9, 9}, {"PT", "351", "00", "", 9, 9},
    {"FR", "33", "00", "0", 9, 9},   {"DE", "49", "00", "0", 7, 11},
    {"IT", "39", "00", "", 8, 11},   {"BR", "55", "00", "0", 10, 11},
    {"NL", "31", "00", "0", 9, 9},   {"BE", "32", "00", "0", 8, 9},
};

static const struct plan *plan_of(const char *country) {
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        if (strcmp(plans[i].country, country) == 0)
            return &plans[i];
    return NULL;
}

static bool begins(const char *digits, const char *prefix) {
    return prefix[0] && strncmp(digits, prefix, strlen(prefix)) == 0;
}

static size_t international(const char *digits, char out[FORM_BYTES]) {
    size_t n = strlen(digits);
    if (n < E164_LEAST || n > E164_MOST || digits[0] == '0')
        return 0;
    out[0] = '+';
    memcpy(out + 1, digits, n);
    return n + 1;
}

static size_t national(const struct plan *plan, const char *digits, char out[FORM_BYTES]) {
    size_t n = strlen(digits), trunk = strlen(plan->trunk), code = strlen(plan->code);
    bool fits = n >= plan->least && n <= plan->most && !begins(digits, plan->trunk);
    if (!fits && begins(digits, plan->trunk) && n - trunk >= plan->least &&
        n - trunk <= plan->most) {
        digits += trunk;
        n -= trunk;
        fits = true;
    }
    if (!fits) /* the country's code without + */
        return begins(digits, plan->code) && n >= code + plan->least && n <= code + plan->most
                   ? international(digits, out)
                   : 0;
    out[0] = '+';
    memcpy(out + 1, plan->code, code);
    memcpy(out + 1 + code, digits, n);
    return 1 + code + n;
}

/* Without "tel:", what opens before the +, and spaces and hyphens beyond ASCII (no-break, thin, U+2010 … U+2015). */
static struct slice phone_plain(struct slice text, char plain[FORM_BYTES]) {
    size_t n = 0;
    if (text.n > 4 && strncasecmp(text.p, "tel:", 4) == 0)
        text = (struct slice){text.p + 4, text.n - 4};
    for (size_t i = 0; i < text.n && n < FORM_BYTES; i++) {
        const unsigned char *c = (const unsigned char *)text.p + i;
        size_t left = text.n - i;
        if (left > 1 && c[0] == 0xC2 && c[1] == 0xA0)
            i += 1;
        else if (left > 2 && c[0] == 0xE2 && c[1] == 0x80 && (c[2] <= 0x95 || c[2] == 0xAF))
            i += 2;
        else if (n || (*c != ' ' && *c != '('))
            plain[n++] = (char)*c;
    }
    return (struct slice){plain, n};
}

static size_t phone_normal(struct slice written, const char *country, char out[FORM_BYTES]) {
    char digits[2 * E164_MOST + 1], plain[FORM_BYTES];
    struct slice text = phone_plain(written, plain);
    size_t n = 0;
    bool plus = text.n && text.p[0] == '+';
    for (size_t i = plus; i < text.n; i++) {
        char c = text.p[i];
        if (plus && c == '(' && i + 2 < text.n && text.p[i + 1] == '0' && text.p[i + 2] == ')')
            i += 2; /* +44 (0)20 … */
        else if (c >= '0' && c <= '9' && n < sizeof digits - 1)
            digits[n++] = c;
        else if (!c || !strchr(" -.()/", c))
            return 0;
    }
    digits[n] = 0;
    if (plus)
        return international(digits, out);
    const struct plan *plan = plan_of(country);
    if (plan && begins(digits, plan->international))
        return international(digits + strlen(plan->international), out);
    return plan && n ? national(plan, digits, out) : 0;
}

/* ---- national ids ---- */

/* NIF of a person: digits and a letter; NIE: X, Y or Z in place of the first. */
static bool nif_is_right(const char nif[NIF_BYTES]) {
    static const char LETTERS[] = "TRWAGMYFPDXBNJZSQVHLCKE";
    unsigned number =
        nif[0] >= 'X' && nif[0] <= 'Z' ? (unsigned)(nif[0] - 'X') : (unsigned)(nif[0] - '0');
    if (number > 9)
        return false;
    for (size_t i = 1; i < NIF_BYTES - 1; i++) {
        if (!isdigit((unsigned char)nif[i]))
            return false;
        number = number * 10 + (unsigned)(nif[i] - '0');
    }
    return nif[NIF_BYTES - 1] == LETTERS[number % 23];
}

/* NIF of a legal person: a letter, seven digits, a control digit or letter. */
static bool company_is_right(const char nif[NIF_BYTES]) {
    static const char LETTERS[] = "JABCDEFGHI";
    unsigned sum = 0;
    if (!strchr("ABCDEFGHJNPQRSUVW", nif[0]))
        return false;
    for (size_t i = 1; i < NIF_BYTES - 1; i++) {
        if (!isdigit((unsigned char)nif[i]))
            return false;
        unsigned digit = (unsigned)(nif[i] - '0') * (i % 2 ? 2 : 1);
        sum += digit / 10 + digit % 10;
    }
    unsigned control = (10 - sum % 10) % 10;
    return nif[NIF_BYTES - 1] == (char)('0' + control) || nif[NIF_BYTES - 1] == LETTERS[control];
}

static size_t national_id_normal(struct slice text, const char *country, char out[FORM_BYTES]) {
    enum { LEAST = 5, MOST = 24 };
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (isalnum(c) && n < MOST)
            out[n++] = (char)toupper(c);
        else if (!c || !strchr(" -./", (char)c))
            return 0;
    }
    if (strcmp(country, "ES") != 0)
        return n >= LEAST ? n : 0;
    while (n && n < NIF_BYTES && isdigit((unsigned char)out[0]) && n >= LEAST) { /* 1234567-L */
        memmove(out + 1, out, n++);
        out[0] = '0';
    }
    return n == NIF_BYTES && (nif_is_right(out) || company_is_right(out)) ? n : 0;
}

size_t form_normal(enum form form, struct slice text, const char *country, char out[FORM_BYTES]) {
    text = trimmed(text);
    switch (form) {
    case FORM_EMAIL: return email_normal(text, out);
    case FORM_PHONE: return phone_normal(text, country, out);
    case FORM_NATIONAL_ID: return national_id_normal(text, country, out);
    default: return text_normal(text, out);
    }
}
