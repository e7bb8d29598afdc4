/*
 * What Vereda has settled about its scores, and its diary: surveys by relation, the comforts of the Burgos shop (facts 7, 9, 15).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/time.h"
#include "demo/fill.h"
#include "metric/metric.h"

static const struct {
    const char *survey, *relation;
} surveys[] = {
    {"Relacional", "relational"},       {"Relacional, panel de mercado", "rivals"},
    {"tras-llamada", "transactional"},  {"tras-instalacion", "transactional"},
    {"tras-tienda", "transactional"},   {"tras-renovacion", "transactional"},
    {"tras-el-corte", "transactional"},
};

static int write_diary(struct folder *folder, const struct principal *principal, int64_t comfort_ms,
                       struct err *err) {
    char from[TIME_TEXT_BYTES];
    uint64_t id = 0;
    json_t *list = NULL;
    int code = diary_list(folder, principal, &list, err);
    bool there = json_array_size(list) > 0; /* of a fill that was interrupted */
    json_decref(list);
    if (code || there)
        return code;
    time_format(comfort_ms, from);
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:s}", "unit", "Tienda Burgos", "kind", "environment", "from",
                  from, "text", "Asientos, música más baja y café");
    code = diary_put(folder, principal, &id, entry, err);
    json_decref(entry);
    return code;
}

/* The organisation's own customers by segment: who answers is not quite who is a customer. */
static int write_margins(struct folder *folder, const struct principal *principal,
                         struct err *err) {
    json_t *margins = json_loads(
        "[{\"by\":{\"trait\":\"segmento\"},\"shares\":{\"Hogar convergente\":0.41,\"Joven solo "
        "móvil\":0.19,\"Mayores 65+\":0.18,\"Rural\":0.12,\"Autónomos y pymes\":0.08,"
        "\"Comunidades\":0.02}}]",
        0, NULL);
    int code = metric_margins_put(folder, "Clientes por segmento", margins, principal->name, err);
    json_decref(margins);
    return code;
}

int demo_scores(struct folder *folder, const struct principal *principal, int64_t comfort_ms,
                struct err *err) {
    int code = 0;
    for (size_t i = 0; i < sizeof surveys / sizeof *surveys && !code; i++)
        code = metric_survey_put(folder, surveys[i].survey, surveys[i].relation, err);
    if (!code)
        code = write_margins(folder, principal, err);
    return code ? code : write_diary(folder, principal, comfort_ms, err);
}
