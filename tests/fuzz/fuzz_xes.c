/* module: collect
 *
 * Fuzz target: event logs. Whatever comes in: no crash, each event is accepted or refused with a reason.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds) {
    if (!holds)
        abort();
}

static int submit(void *context, struct import_batch *batch, struct err *err) {
    (void)context, (void)err;
    for (size_t i = 0; i < batch->n; i++) {
        const struct event *event = &batch->events[i];
        must(event->user_id.n && event->user_id.n <= LIMIT_ID_BYTES && utf8_valid(event->user_id));
        must(event->name.n && event->name.n <= LIMIT_NAME_BYTES && utf8_valid(event->name));
        must(event->time_ms >= TIME_MIN_MS && event->time_ms < TIME_MAX_MS);
        must(event->n_properties <= LIMIT_EVENT_PROPERTIES);
        for (size_t k = 0; k < event->n_properties; k++) {
            must(event->properties[k].name.n && utf8_valid(event->properties[k].name));
            if (event->properties[k].value.type == VALUE_TEXT)
                must(utf8_valid(event->properties[k].value.text));
        }
        batch->results[i].outcome = OUTCOME_ACCEPTED;
    }
    return 0;
}

static int wait_for(void *context, struct import_batch *batch, struct err *err) {
    (void)context, (void)batch, (void)err;
    return 0;
}

static void reject(void *context, uint64_t row, enum refusal refusal, const char *message,
                   struct slice raw) {
    (void)context, (void)row, (void)raw;
    must(refusal > REFUSAL_NONE && refusal < REFUSAL_COUNT && message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static const struct hash_key key = {{1}};
    struct import_file file = {.bytes = {n ? (const char *)bytes : "", n}, .name = "x.xes"};
    struct import_options options = {.key = &key};
    struct import_sink sink = {submit, wait_for, reject, NULL, NULL};
    struct import_progress result;
    struct err err = {0};
    int code = import_run(&file, &options, &sink, &result, &err);
    must(code == 0 || err.message[0]);
    must(code || result.read == result.accepted + result.rejected);
    return 0;
}
