/*
 * What the names of properties say: see registry.h. A name is cut into words at whatever is no letter and where a small letter is
 * followed by a capital one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/registry.h"

enum { NAME_BYTES = 128 };

static bool has_word(struct slice name, const char *const *words, size_t n_words) {
    char word[NAME_BYTES];
    size_t n = 0;
    for (size_t i = 0; i <= name.n && i < NAME_BYTES - 1; i++) {
        char c = '\0', lower;
        if (i < name.n)
            c = name.p[i];
        lower = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
        bool letter = (lower >= 'a' && lower <= 'z') || (unsigned char)c > 127;
        bool begins = lower != c && i && !(name.p[i - 1] >= 'A' && name.p[i - 1] <= 'Z');
        if (!letter || begins) {
            for (size_t k = 0; n && k < n_words; k++)
                if (strlen(words[k]) == n && memcmp(words[k], word, n) == 0)
                    return true;
            n = 0;
        }
        if (letter)
            word[n++] = lower;
    }
    return false;
}

bool name_is_contact(struct slice name) {
    static const char *const WORDS[] = {
        "email",    "mail",     "correo",    "phone",    "tel",      "telephone", "telefono",
        "teléfono", "mobile",   "movil",     "móvil",    "msisdn",   "nif",       "nie",
        "dni",      "passport", "pasaporte", "iban",     "card",     "tarjeta",   "loyalty",
        "socio",    "login",    "username",  "user",     "customer", "cliente",   "contract",
        "contrato", "cups",     "plate",     "matricula"};
    return has_word(name, WORDS, sizeof WORDS / sizeof *WORDS);
}

bool name_is_name(struct slice name) {
    static const char *const WORDS[] = {
        "name",    "fullname", "firstname", "lastname",  "nombre",    "apellido", "apellidos",
        "surname", "address",  "direccion", "dirección", "domicilio", "street",   "calle"};
    return has_word(name, WORDS, sizeof WORDS / sizeof *WORDS);
}

bool name_identifies(struct slice name) {
    static const char *const WORDS[] = {
        "id",       "ids",       "uuid",      "guid",       "ref",     "reference",  "referencia",
        "number",   "numero",    "número",    "zip",        "postal",  "postcode",   "cp",
        "birth",    "birthday",  "birthdate", "nacimiento", "lat",     "lon",        "lng",
        "latitude", "longitude", "ip",        "token",      "session", "fingerprint"};
    return name_is_contact(name) || has_word(name, WORDS, sizeof WORDS / sizeof *WORDS);
}
