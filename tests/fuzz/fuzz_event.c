/* module: collect
 *
 * Fuzz target: the reader of events and the splitter of requests. Whatever comes in: no crash, a reason with each refusal,
 * and what was accepted is bounded, valid UTF-8 and without control characters where that is promised.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds) {
    if (!holds)
        abort();
}

static void check_event(const struct event *event, enum refusal refusal, const char *message) {
    must(refusal < REFUSAL_COUNT);
    must(utf8_valid(slice_of(message)) || strlen(message) >= EVENT_MESSAGE_BYTES - 4);
    if (refusal) {
        must(message[0] != 0);
        return;
    }
    must(event->time_ms >= TIME_MIN_MS && event->time_ms < TIME_MAX_MS);
    must(event->user_id.n <= LIMIT_ID_BYTES && event->anonymous_id.n <= LIMIT_ID_BYTES);
    must(event->message_id.n <= LIMIT_MESSAGE_ID_BYTES);
    must(event->user_id.n || event->anonymous_id.n);
    must(event->type > EVENT_SCREEN || (event->name.n && event->name.n <= LIMIT_NAME_BYTES));
    for (size_t i = 0; i < event->n_properties; i++) {
        const struct event_property *property = &event->properties[i];
        must(property->name.n > 0 && utf8_valid(property->name));
        must(event->type > EVENT_SCREEN || property->value.type != VALUE_NULL);
        if (property->value.type >= VALUE_TEXT)
            must(utf8_valid(property->value.text) &&
                 !memchr(property->value.text.p, 0, property->value.text.n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    struct arena arena;
    struct event event;
    struct event_batch batch;
    struct err err;
    char message[EVENT_MESSAGE_BYTES];
    int type = n ? bytes[0] % 8 - 2 : -1; /* -2: the body is a batch */
    struct slice body = {n ? (const char *)bytes + 1 : "", n ? n - 1 : 0};
    arena_init(&arena);
    if (event_batch_split(body, type >= -1, &arena, &batch, &err) == 0)
        for (size_t i = 0; i < batch.n; i++) {
            enum refusal refusal = event_parse(batch.events[i], type < 0 ? -1 : type, batch.sent_ms,
                                               INT64_C(1795293100000), &arena, &event, message);
            check_event(&event, refusal, message);
            if (!refusal && batch.context.n) {
                refusal = event_add_context(batch.context, &arena, &event, message);
                check_event(&event, refusal, message);
            }
        }
    arena_release(&arena);
    return 0;
}
