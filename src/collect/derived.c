/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/derived.h"

#include "base/clock.h"
#include "collect/ingest_internal.h"

struct deriving {
    struct ingest *ingest;
    const struct derived_event *events;
    size_t n;
    int (*along)(void *context, sqlite3 *db, struct err *err);
    void *context;
};

static int add_property(struct ingest *ingest, struct slice name, const struct value *value,
                        sqlite3 *db, struct err *err) {
    uint16_t code = dictionary_add(ingest->dictionary, DICTIONARY_PROPERTY, name, db, err);
    if (!code)
        return err->code ? err->code : E_REFUSED;
    property_add(&ingest->scratch, code, value);
    return 0;
}

static int encode(const struct derived_event *event, struct ingest *ingest, sqlite3 *db,
                  struct err *err) {
    struct value touchpoint = {.type = VALUE_TEXT, .text = event->touchpoint};
    int code = 0;
    buf_clear(&ingest->scratch);
    if (event->touchpoint.n) { /* as ingest_prepare.c keeps what an event says */
        if (!dictionary_add(ingest->dictionary, DICTIONARY_TOUCHPOINT, event->touchpoint, db, err))
            return err->code ? err->code : E_REFUSED;
        code = add_property(ingest, SLICE_LITERAL("context.touchpoint"), &touchpoint, db, err);
    }
    for (size_t i = 0; i < event->n_properties && !code; i++)
        code =
            add_property(ingest, event->properties[i].name, &event->properties[i].value, db, err);
    return code ? code : ingest->scratch.full ? E_TOO_LARGE : 0;
}

static int append(const struct derived_event *event, struct ingest *ingest, int64_t now_ms,
                  sqlite3 *db, struct err *err) {
    struct row row = {.time_ms = event->time_ms,
                      .customer = event->customer,
                      .unit = event->unit,
                      .type = ROW_TRACK};
    row.event = dictionary_add(ingest->dictionary, DICTIONARY_EVENT, event->event, db, err);
    if (row.event && event->channel.n)
        row.channel =
            dictionary_add(ingest->dictionary, DICTIONARY_CHANNEL, event->channel, db, err);
    if (!row.event || (event->channel.n && !row.channel))
        return err->code ? err->code : E_REFUSED;
    int code = encode(event, ingest, db, err);
    if (code)
        return code;
    row.properties = buf_slice(&ingest->scratch);
    code = log_add(ingest->log, &row, (struct slice){0}, (struct key128){0}, now_ms, err);
    ingest->pending = row.seq;
    return code;
}

static int run(void *opaque, sqlite3 *db, struct err *err) {
    const struct deriving *deriving = opaque;
    int64_t now_ms = clock_now_ms();
    int code = 0;
    for (size_t i = 0; i < deriving->n && !code; i++)
        code = append(&deriving->events[i], deriving->ingest, now_ms, db, err);
    return code || !deriving->along ? code : deriving->along(deriving->context, db, err);
}

int ingest_derive(struct ingest *ingest, const struct derived_event *events, size_t n,
                  int (*along)(void *context, sqlite3 *db, struct err *err), void *context,
                  struct err *err) {
    struct deriving deriving = {ingest, events, n, along, context};
    int code = ingest_make_room(ingest, err);
    return code ? code : store_write(ingest->store, run, &deriving, err);
}
