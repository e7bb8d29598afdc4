/*
 * What Vereda promises: brand promises measured on the simulated interactions (facts 2 and 4).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/clock.h"
#include "base/time.h"
#include "demo/fill.h"
#include "promise/promise.h"

enum { TOLD_DAYS = 90, DATE_BYTES = 10 /* of a time as text */ };

static const char *const documents[] = {
    "{\"sentence\":\"Instalado en 48 h\",\"owner\":\"Operaciones de campo\",\"target\":0.9,"
    "\"split\":\"segmento\",\"rule\":{\"of\":{\"event\":\"Installation Requested\"},"
    "\"then\":{\"event\":\"Installation Completed\"},\"window\":\"48h\"}}",
    "{\"sentence\":\"Factura sin sorpresas\",\"owner\":\"Facturación\",\"target\":0.95,"
    "\"split\":\"segmento\",\"rule\":{\"of\":{\"event\":\"First Invoice Issued\"},"
    "\"then\":{\"event\":\"Call Ended\"},\"window\":\"10d\",\"absent\":true}}",
    "{\"sentence\":\"Avería resuelta en 24 h\",\"owner\":\"Operaciones de campo\",\"target\":0.9,"
    "\"split\":\"segmento\",\"rule\":{\"of\":{\"event\":\"Fault Opened\"},"
    "\"then\":{\"event\":\"Technician Visited\"},\"window\":\"24h\",\"key\":\"fault\"}}",
    "{\"sentence\":\"Resuelto a la primera llamada\",\"owner\":\"Atención "
    "telefónica\",\"target\":0.75,"
    "\"split\":\"segmento\",\"rule\":{\"of\":{\"event\":\"Call Ended\"},"
    "\"then\":{\"event\":\"Call Ended\"},\"window\":\"7d\",\"absent\":true}}",
    "{\"sentence\":\"Una persona en 3 minutos\",\"owner\":\"Atención "
    "telefónica\",\"target\":0.85,"
    "\"split\":\"segmento\",\"rule\":{\"of\":{\"event\":\"Call Ended\"},"
    "\"bound\":{\"property\":\"wait_s\",\"op\":\"<=\",\"value\":180}}}",
};

/* Breaks of the last months stand on the customers' pages. */
static void tell_since(json_t *document) {
    char time[TIME_TEXT_BYTES];
    time_format(clock_now_ms() - (int64_t)TOLD_DAYS * DAY_MS, time);
    json_object_set_new(document, "since", json_stringn(time, DATE_BYTES));
}

int demo_promises(struct folder *folder, const struct principal *principal, struct err *err) {
    json_t *list = NULL;
    int code = promise_list(folder, &list, err);
    size_t there = json_array_size(list); /* of a fill that was interrupted */
    json_decref(list);
    for (size_t i = there; i < sizeof documents / sizeof *documents && !code; i++) {
        uint64_t id = 0;
        json_t *document = json_loads(documents[i], 0, NULL);
        tell_since(document);
        code = promise_check(folder, principal, document, err);
        if (!code)
            code = promise_put(folder, &id, document, principal->name, err);
        json_decref(document);
    }
    return code;
}
