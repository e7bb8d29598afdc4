/*
 * /api/v1/settings: name, region, language, zone and currency of the organisation, and the floor of what viewers see.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"

#include <stdio.h>

#include "base/limits.h"

enum { VALUE_MAX = 128 };

static int setting(struct request *request, const char *name, char value[VALUE_MAX],
                   struct err *err) {
    struct store *store = app_folder(request->app)->store;
    sqlite3 *db = store_reader_get(store);
    struct err none = {0};
    value[0] = 0;
    int code = db ? store_setting_get(db, name, value, VALUE_MAX, &none) : E_IO;
    if (db)
        store_reader_put(store, db);
    if (code == 0 || code == E_NOT_FOUND)
        return 0;
    *err = none;
    return code;
}

static int settings_json(struct request *request, json_t **json, struct err *err) {
    const struct folder *folder = app_folder(request->app);
    char region[VALUE_MAX];
    int code = setting(request, "region", region, err);
    if (code)
        return code;
    char least[VALUE_MAX];
    code = setting(request, TOTP_SETTING, least, err);
    if (code)
        return code;
    *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s?}", "name", folder->name, "timezone",
                      zone_name(folder->zone), "currency", folder->currency, "language",
                      folder->language, "region", region, "floor",
                      (int)accounts_floor(app_accounts(request->app)), "totp_required",
                      least[0] ? least : NULL);
    return 0;
}

static int get(struct request *request, struct response *response, struct err *err) {
    json_t *json;
    int code = settings_json(request, &json, err);
    if (code)
        return code;
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

struct settings {
    const char *name, *timezone, *currency, *language, *region;
    char floor[16];
    const char *totp; /* the least role that needs a second factor, or "" */
};

static int write_settings(void *context, sqlite3 *db, struct err *err) {
    const struct settings *settings = context;
    int code = store_setting_put(db, "name", settings->name, err);
    if (!code)
        code = store_setting_put(db, "timezone", settings->timezone, err);
    if (!code)
        code = store_setting_put(db, "currency", settings->currency, err);
    if (!code)
        code = store_setting_put(db, "language", settings->language, err);
    if (!code)
        code = store_setting_put(db, "region", settings->region, err);
    if (!code)
        code = store_setting_put(db, TOTP_SETTING, settings->totp, err);
    return code ? code : store_setting_put(db, FLOOR_SETTING, settings->floor, err);
}

/* The k-anonymity floor. 1 shows everything that is aggregated. */
static int read_floor(const json_t *body, unsigned present, struct settings *settings,
                      struct err *err) {
    const json_t *floor = json_object_get(body, "floor");
    json_int_t value = floor ? json_integer_value(floor) : (json_int_t)present;
    if (value < 1 || value > FLOOR_MAX)
        return err_at(err, E_INVALID, "/floor", "the floor is a number from 1 to %d", FLOOR_MAX);
    snprintf(settings->floor, sizeof settings->floor, "%d", (int)value);
    return 0;
}

static int read_totp(const json_t *body, const char *present, struct settings *settings,
                     struct err *err) {
    const json_t *least = json_object_get(body, "totp_required");
    settings->totp = json_is_null(least) ? "" : present;
    if (!least || json_is_null(least))
        return 0;
    settings->totp = json_string_value(least);
    return settings->totp && (!settings->totp[0] || role_of(settings->totp) != ROLE_NONE)
               ? 0
               : err_at(err, E_INVALID, "/totp_required", "unknown role");
}

static int read_settings(const struct folder *folder, const json_t *body, const char *region,
                         struct settings *settings, struct err *err) {
    int code = api_text(body, "name", folder->name, VALUE_MAX - 1, &settings->name, err);
    if (!code)
        code = api_text(body, "timezone", zone_name(folder->zone), VALUE_MAX - 1,
                        &settings->timezone, err);
    if (!code)
        code = api_text(body, "currency", folder->currency, 3, &settings->currency, err);
    if (!code)
        code = api_text(body, "language", folder->language, 2, &settings->language, err);
    if (!code)
        code = api_text(body, "region", region, 16, &settings->region, err);
    if (code)
        return code;
    if (!settings->name[0])
        return err_at(err, E_INVALID, "/name", "the organisation needs a name");
    if (strspn(settings->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        return err_at(err, E_INVALID, "/currency", "the currency is a code of ISO 4217, as EUR");
    if (strcmp(settings->language, "es") != 0 && strcmp(settings->language, "en") != 0)
        return err_at(err, E_INVALID, "/language", "the language is es or en");
    struct zone *zone = NULL;
    struct err none = {0};
    if (zone_open(&zone, settings->timezone, &none))
        return err_at(err, E_INVALID, "/timezone", "unknown time zone");
    zone_close(zone);
    return 0;
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct settings settings;
    json_t *body = NULL, *before = NULL;
    char region[VALUE_MAX], least[VALUE_MAX];
    int code = settings_json(request, &before, err);
    if (!code)
        code = api_if_match(request, before, err);
    json_decref(before);
    if (!code)
        code = setting(request, "region", region, err);
    if (!code)
        code = request_json(request, &body, err);
    if (!code)
        code = read_settings(folder, body, region, &settings, err);
    if (!code)
        code = setting(request, TOTP_SETTING, least, err);
    if (!code)
        code = read_totp(body, least, &settings, err);
    if (!code)
        code = read_floor(body, accounts_floor(app_accounts(request->app)), &settings, err);
    if (!code)
        code = store_write(folder->store, write_settings, &settings, err);
    if (!code)
        code = folder_reload(folder, err);
    if (!code) {
        audit_act(request, "settings.change", settings.name, "");
        code = get(request, response, err);
    }
    json_decref(body);
    return code;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/settings", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "Settings of the organisation"},
    {METHOD_PATCH, "/api/v1/settings", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = change,
     .summary = "Changes name, region, language, timezone, currency, floor, totp_required"},
};
const struct route_table api_setting_routes = ROUTE_TABLE(routes);
