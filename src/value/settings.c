/*
 * How this organisation counts purchases and contracts: one JSON document in the records (setting "value").
 *
 *   purchase   matcher; amount, product: properties of it; unit, months, discount, dropout: members of kind `value`
 *   contract   null, or {"end": matcher, "start": matcher or absent, "since": trait with a date, "fee": trait, a month},
 *              or of a table of customers without dates {"left": {"trait", "value"}, "tenure": trait, "tenure_unit": month if
 *              not said, "entry": trait or absent (observed since), "fee": trait}
 *   signs      traits that the forecast of leaving may look at besides what people did
 *   window     how far ahead leaving is foretold: "90d"
 *   wallet     null, or the trait that says what a customer spends on this kind of thing in a year, wherever
 *   groups     null, or the trait by whose values curves of lasting are compared
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/limits.h"
#include "base/time.h"
#include "store/store.h"
#include "value/internal.h"

enum { SETTING_MAX = 8192, WINDOW_MIN_DAYS = 7, WINDOW_MAX_DAYS = 730 };
static const char SETTING[] = "value";

static const char *const names[] = {"purchase", "amount",  "unit",    "months",
                                    "discount", "dropout", "product", "contract",
                                    "window",   "wallet",  "groups",  "signs"};
enum { NAMES = sizeof names / sizeof *names, QUESTION_NAMES = 6 };
static const char *const contract_names[] = {"end",  "start",  "since",       "fee",
                                             "left", "tenure", "tenure_unit", "entry"};
enum { CONTRACT_NAMES = sizeof contract_names / sizeof *contract_names };
static const char *const left_names[] = {"trait", "value"};

static json_t *standard(void) {
    return json_pack("{s:{s:s}, s:s, s:s, s:i, s:f, s:s, s:n, s:n, s:s, s:n, s:n, s:[]}",
                     "purchase", "event", "Order Completed", "amount", "total", "unit", "week",
                     "months", 12, "discount", 0.01, "dropout", "mbgnbd", "product", "contract",
                     "window", "90d", "wallet", "groups", "signs");
}

int value_settings_get(struct folder *folder, json_t **settings, struct err *err) {
    char text[SETTING_MAX];
    struct err none = {0};
    sqlite3 *db = store_reader_get(folder->store);
    int code = db ? store_setting_get(db, SETTING, text, sizeof text, &none) : E_IO;
    store_reader_put(folder->store, db);
    if (code && code != E_NOT_FOUND)
        return err_set(err, code, "the settings could not be read");
    json_t *set = code ? NULL : json_loads(text, 0, NULL);
    *settings = standard();
    if (set)
        json_object_update(*settings, set);
    json_decref(set);
    return 0;
}

/* ---- checks ---- */

static int known(const json_t *object, const char *const *allowed, size_t n, const char *prefix,
                 struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found |= strcmp(name, allowed[i]) == 0;
        if (!found) {
            char pointer[256];
            snprintf(pointer, sizeof pointer, "%s/%.80s", prefix, name);
            return err_at(err, E_INVALID, pointer, "no such setting");
        }
    }
    return 0;
}

/* The name of a property or trait, or none; one that the asker may count by. */
static int check_property(const struct sight *sight, const json_t *object, const char *name,
                          const char *prefix, struct err *err) {
    const json_t *text = json_object_get(object, name);
    char pointer[64];
    snprintf(pointer, sizeof pointer, "%s/%s", prefix, name);
    if (!text || json_is_null(text))
        return 0;
    if (!json_is_string(text) || !json_string_length(text) ||
        json_string_length(text) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, pointer, "must be a name");
    return sight_check(sight, slice_of(json_string_value(text)), pointer, err);
}

/* What stands at `from` of a question that was checked, as it stands in the settings. */
static void move_pointer(struct err *err, const char *from, const char *to) {
    char moved[sizeof err->pointer];
    size_t n = strlen(from);
    bool below = strncmp(err->pointer, from, n) == 0;
    snprintf(moved, sizeof moved, "%s%s", to, below ? err->pointer + n : "");
    snprintf(err->pointer, sizeof err->pointer, "%s", moved);
}

static int check_matcher(struct folder *folder, const struct principal *principal,
                         const json_t *contract, const char *name, bool needed, struct err *err) {
    json_t *matcher = json_object_get(contract, name);
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/contract/%s", name);
    if (!matcher || json_is_null(matcher))
        return needed ? err_at(err, E_INVALID, pointer, "is needed: which interaction is it?") : 0;
    json_t *question = json_pack("{s:s, s:O}", "kind", "trend", "of", matcher);
    int code = query_check(folder, question, principal, err);
    json_decref(question);
    if (code)
        move_pointer(err, "/of", pointer);
    return code;
}

/* A table of customers tells neither when somebody came nor when they left. */
static int check_table(const struct sight *sight, const json_t *contract, struct err *err) {
    static const char *const dated[] = {"end", "start", "since"};
    const json_t *left = json_object_get(contract, "left"), *value = json_object_get(left, "value"),
                 *unit = json_object_get(contract, "tenure_unit");
    char pointer[64];
    for (size_t i = 0; i < sizeof dated / sizeof *dated; i++)
        if (json_object_get(contract, dated[i])) {
            snprintf(pointer, sizeof pointer, "/contract/%s", dated[i]);
            return err_at(err, E_INVALID, pointer, "is not for a table that says who left");
        }
    if (!json_is_object(left))
        return err_at(err, E_INVALID, "/contract/left", "must be {\"trait\", \"value\"}");
    int code = known(left, left_names, 2, "/contract/left", err);
    if (!code && !json_is_string(json_object_get(left, "trait")))
        return err_at(err, E_INVALID, "/contract/left/trait", "must be a name");
    if (!code && !json_is_string(value) && !json_is_number(value) && !json_is_boolean(value))
        return err_at(err, E_INVALID, "/contract/left/value", "must be a text, number or boolean");
    if (!code && !json_is_string(json_object_get(contract, "tenure")))
        return err_at(err, E_INVALID, "/contract/tenure", "must be the trait that says how long");
    if (!code && unit && !(settings_unit_days(contract) > 0))
        return err_at(err, E_INVALID, "/contract/tenure_unit", "must be day, week, month or year");
    if (!code)
        code = check_property(sight, left, "trait", "/contract/left", err);
    if (!code)
        code = check_property(sight, contract, "tenure", "/contract", err);
    return code ? code : check_property(sight, contract, "entry", "/contract", err);
}

bool settings_are_table(const json_t *settings) {
    return json_object_get(json_object_get(settings, "contract"), "left") != NULL;
}

double settings_unit_days(const json_t *contract) {
    static const struct {
        const char *name;
        double days;
    } units[] = {{"day", 1}, {"week", 7}, {"month", MONTH_DAYS}, {"year", YEAR_DAYS}};
    const json_t *unit = json_object_get(contract, "tenure_unit");
    const char *name = unit ? json_string_value(unit) : "month";
    for (size_t i = 0; name && i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, name) == 0)
            return units[i].days;
    return 0;
}

static int check_contract(struct folder *folder, const struct principal *principal,
                          const json_t *contract, struct err *err) {
    if (!contract || json_is_null(contract))
        return 0;
    if (!json_is_object(contract))
        return err_at(err, E_INVALID, "/contract", "must be an object or null");
    struct sight sight = sight_of(folder, principal);
    int code = known(contract, contract_names, CONTRACT_NAMES, "/contract", err);
    if (!code && json_object_get(contract, "left")) {
        code = check_table(&sight, contract, err);
        return code ? code : check_property(&sight, contract, "fee", "/contract", err);
    }
    if (!code)
        code = check_matcher(folder, principal, contract, "end", true, err);
    if (!code)
        code = check_matcher(folder, principal, contract, "start", false, err);
    if (!code)
        code = check_property(&sight, contract, "since", "/contract", err);
    if (!code)
        code = check_property(&sight, contract, "fee", "/contract", err);
    bool begins = json_is_string(json_object_get(contract, "since")) ||
                  json_is_object(json_object_get(contract, "start"));
    if (!code && !begins)
        return err_at(err, E_INVALID, "/contract/start",
                      "a contract needs a start or the trait that says since when");
    return code;
}

double settings_window_days(const json_t *settings) {
    const char *text = json_string_value(json_object_get(settings, "window"));
    int64_t ms = 0;
    if (!text || time_parse_duration(slice_of(text), &ms))
        return 90;
    return (double)ms / DAY_MS;
}

static int check_window(const json_t *settings, struct err *err) {
    const char *text = json_string_value(json_object_get(settings, "window"));
    int64_t ms = 0;
    if (!text || time_parse_duration(slice_of(text), &ms) ||
        ms < (int64_t)WINDOW_MIN_DAYS * DAY_MS || ms > (int64_t)WINDOW_MAX_DAYS * DAY_MS)
        return err_at(err, E_INVALID, "/window", "must be a time between 7d and 730d");
    return 0;
}

static int check_signs(const struct sight *sight, const json_t *settings, struct err *err) {
    const json_t *signs = json_object_get(settings, "signs"), *sign;
    size_t i;
    char pointer[32];
    int code = 0;
    if (!json_is_array(signs) || json_array_size(signs) > VALUE_SIGN_TRAITS)
        return err_at(err, E_INVALID, "/signs", "must be a list of at most %d traits",
                      VALUE_SIGN_TRAITS);
    json_array_foreach((json_t *)(uintptr_t)signs, i, sign) {
        snprintf(pointer, sizeof pointer, "/signs/%zu", i);
        if (!json_is_string(sign) || !json_string_length(sign) ||
            json_string_length(sign) > LIMIT_NAME_BYTES)
            return err_at(err, E_INVALID, pointer, "must be a name");
        code = code ? code : sight_check(sight, slice_of(json_string_value(sign)), pointer, err);
    }
    return code;
}

static int check_purchase(struct folder *folder, const struct principal *principal,
                          const json_t *settings, struct err *err) {
    json_t *question = json_pack("{s:s, s:s}", "kind", "value", "model", "clv");
    for (size_t i = 0; i < QUESTION_NAMES; i++)
        json_object_set(question, names[i], json_object_get(settings, names[i]));
    int code = query_check(folder, question, principal, err);
    json_decref(question);
    return code;
}

/* Who has contracts need not sell anything else. */
static bool is_standard_purchase(const json_t *settings) {
    json_t *usual = standard();
    bool same =
        json_equal(json_object_get(usual, "purchase"), json_object_get(settings, "purchase"));
    json_decref(usual);
    return same;
}

static int check(struct folder *folder, const struct principal *principal, const json_t *settings,
                 struct err *err) {
    static const char *const texts[] = {"product", "wallet", "groups"};
    int code = known(settings, names, NAMES, "", err);
    bool contracts = json_is_object(json_object_get(settings, "contract"));
    if (!code && !(contracts && is_standard_purchase(settings)))
        code = check_purchase(folder, principal, settings, err);
    if (!code)
        code = check_contract(folder, principal, json_object_get(settings, "contract"), err);
    if (!code)
        code = check_window(settings, err);
    struct sight sight = sight_of(folder, principal);
    for (size_t i = 0; !code && i < sizeof texts / sizeof *texts; i++)
        code = check_property(&sight, settings, texts[i], "", err);
    return code ? code : check_signs(&sight, settings, err);
}

static int write_setting(void *context, sqlite3 *db, struct err *err) {
    return store_setting_put(db, SETTING, context, err);
}

int value_settings_put(struct folder *folder, const struct principal *principal,
                       const json_t *settings, struct err *err) {
    if (!json_is_object(settings))
        return err_set(err, E_INVALID, "settings are an object");
    json_t *whole = standard();
    json_object_update(whole, (json_t *)(uintptr_t)settings);
    int code = check(folder, principal, whole, err);
    char *text = code ? NULL : json_dumps(whole, JSON_COMPACT);
    if (text && strlen(text) >= SETTING_MAX)
        code = err_set(err, E_TOO_LARGE, "these settings are too long");
    if (text && !code)
        code = store_write(folder->store, write_setting, text, err);
    free(text);
    json_decref(whole);
    return code;
}
