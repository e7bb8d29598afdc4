/*
 * Small JSON of answers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "backend/local.h"
#include "base/time.h"

json_t *json_of_slice(struct slice text) {
    json_t *json = json_stringn(text.p ? text.p : "", text.n);
    return json ? json
                : json_string(
                      "\xEF\xBF\xBD"); /* collection refuses such bytes; a mended part might not */
}

json_t *json_of_name(const struct question *question, enum dictionary_kind kind, uint16_t code) {
    return code == CODE_NONE ? json_null()
                             : json_of_slice(dictionary_name(question->dictionary, kind, code));
}

json_t *json_of_number(double number) {
    if (!isfinite(number))
        return json_null();
    if (number == floor(number) && fabs(number) < 0x1p53)
        return json_integer((json_int_t)number);
    return json_real(number);
}

json_t *json_of_ms(double ms) { return isnan(ms) ? json_null() : json_real(ms / 1000.0); }

json_t *json_of_instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    time_format(ms, text);
    return json_string(text);
}

json_t *json_of_share(uint64_t part, uint64_t whole) {
    return whole ? json_real((double)part / (double)whole) : json_null();
}

json_t *json_of_owner(uint32_t owner) {
    char text[CUSTOMER_ID_BYTES];
    customer_id_format(owner, text);
    return json_string(text);
}

json_t *json_of_value(const struct value *value) {
    switch (value->type) {
    case VALUE_FALSE: return json_false();
    case VALUE_TRUE: return json_true();
    case VALUE_INT: return json_integer(value->integer);
    case VALUE_NUMBER: return json_real(value->number);
    case VALUE_TEXT: return json_of_slice(value->text);
    case VALUE_JSON: {
        json_t *json = json_loadb(value->text.p, value->text.n, JSON_DECODE_ANY, NULL);
        return json ? json : json_null();
    }
    default: return json_null();
    }
}
