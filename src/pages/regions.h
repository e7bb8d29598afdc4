/*
 * What people choose from in settings: regions (how numbers and dates are written), time zones, channels, events.
 * Lists of objects for <select>: {"id","name","selected"}, {"channel","selected"}.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_REGIONS_H
#define SENDA_PAGES_REGIONS_H

#include "http/http.h"

json_t *regions_json(const char *selected);
json_t *timezones_json(const char *selected); /* `selected` is added if it is not of the list */
/* The channels that the product knows, and those that were seen. */
json_t *channels_json(const struct request *request, const char *selected);

#endif
