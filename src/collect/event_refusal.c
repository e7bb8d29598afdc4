/*
 * Names of the reasons for refusing an event.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/event.h"

static const struct {
    const char *code, *text;
} table[REFUSAL_COUNT] = {[REFUSAL_NONE] = {"none", "accepted"},
#define X(name, code, text) [REFUSAL_##name] = {code, text},
                          REFUSAL_TABLE(X)
#undef X
};

const char *refusal_code(enum refusal refusal) {
    return refusal < REFUSAL_COUNT ? table[refusal].code : "unknown";
}

const char *refusal_text(enum refusal refusal) {
    return refusal < REFUSAL_COUNT ? table[refusal].text : "unknown";
}
