/*
 * How Vereda counts value: contracts with a monthly fee that end with "Contract Cancelled" (fact 14 of the plan). Estimated at
 * once, so that the page does not wait for the night.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/fill.h"
#include "value/value.h"

int demo_worth(struct folder *folder, const struct principal *principal, struct err *err) {
    json_t *settings =
        json_pack("{s:{s:s}, s:s, s:s, s:s, s:{s:{s:s}, s:{s:s}, s:s, s:s}}", "purchase", "event",
                  "Order Completed", "amount", "revenue", "groups", "segmento", "window", "90d",
                  "contract", "end", "event", "Contract Cancelled", "start", "event",
                  "Contract Signed", "since", "alta", "fee", "cuota");
    int code = value_settings_put(folder, principal, settings, err);
    json_decref(settings);
    return code ? code : value_run(folder, NULL, NULL, NULL, NULL, err);
}
