/*
 * Lists to choose from, in the order in which people look for them: Spain and Latin America first.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/regions.h"

#include "folder/folder.h"

static const char *const regions[][2] = {
    {"es-ES", "España"},         {"es-MX", "México"},      {"es-AR", "Argentina"},
    {"es-BO", "Bolivia"},        {"es-CL", "Chile"},       {"es-CO", "Colombia"},
    {"es-CR", "Costa Rica"},     {"es-CU", "Cuba"},        {"es-DO", "República Dominicana"},
    {"es-EC", "Ecuador"},        {"es-SV", "El Salvador"}, {"es-GT", "Guatemala"},
    {"es-HN", "Honduras"},       {"es-NI", "Nicaragua"},   {"es-PA", "Panamá"},
    {"es-PY", "Paraguay"},       {"es-PE", "Perú"},        {"es-PR", "Puerto Rico"},
    {"es-UY", "Uruguay"},        {"es-VE", "Venezuela"},   {"es-US", "Estados Unidos"},
    {"en-GB", "United Kingdom"}, {"en-IE", "Ireland"},     {"en-US", "United States"},
    {"en-CA", "Canada"},         {"en-AU", "Australia"},
};

static const char *const timezones[] = {
    "Europe/Madrid",
    "Atlantic/Canary",
    "America/Mexico_City",
    "America/Tijuana",
    "America/Monterrey",
    "America/Cancun",
    "America/Guatemala",
    "America/El_Salvador",
    "America/Tegucigalpa",
    "America/Managua",
    "America/Costa_Rica",
    "America/Panama",
    "America/Havana",
    "America/Santo_Domingo",
    "America/Puerto_Rico",
    "America/Bogota",
    "America/Guayaquil",
    "America/Lima",
    "America/La_Paz",
    "America/Caracas",
    "America/Asuncion",
    "America/Santiago",
    "America/Argentina/Buenos_Aires",
    "America/Montevideo",
    "America/Sao_Paulo",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Paris",
    "Europe/Berlin",
    "Europe/Rome",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Toronto",
    "Australia/Sydney",
    "UTC",
};

static const char *const channels[] = {"web",   "app",      "store",   "phone",     "email",
                                       "chat",  "whatsapp", "sms",     "social",    "review",
                                       "kiosk", "visit",    "partner", "backoffice"};

static bool is(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

json_t *regions_json(const char *selected) {
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:b}", "id", regions[i][0], "name",
                                        regions[i][1], "selected", is(regions[i][0], selected)));
    return list;
}

json_t *timezones_json(const char *selected) {
    json_t *list = json_array();
    bool found = false;
    for (size_t i = 0; i < sizeof timezones / sizeof *timezones; i++) {
        bool chosen = is(timezones[i], selected);
        found |= chosen;
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "id", timezones[i], "name",
                                              timezones[i], "selected", chosen));
    }
    if (!found && selected && *selected)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b}", "id", selected, "name", selected, "selected", 1));
    return list;
}

static void add_channel(json_t *list, struct slice channel, const char *selected) {
    json_array_append_new(list, json_pack("{s:s%, s:b}", "channel", channel.p, channel.n,
                                          "selected", selected && slice_is(channel, selected)));
}

static bool is_known(struct slice channel) {
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        if (slice_is(channel, channels[i]))
            return true;
    return false;
}

json_t *channels_json(const struct request *request, const char *selected) {
    enum { SEEN_MAX = 40 };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        add_channel(list, slice_of(channels[i]), selected);
    const struct dictionary *dictionary = app_folder(request->app)->dictionary;
    uint16_t n = dictionary_count(dictionary, DICTIONARY_CHANNEL);
    for (uint16_t code = 1; code <= n && code <= SEEN_MAX; code++) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_CHANNEL, code);
        if (name.n && !is_known(name))
            add_channel(list, name, selected);
    }
    return list;
}
