/*
 * The program's own log: one JSON object a line on stderr. Never a password, key or personal data.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_LOGGER_H
#define SENDA_BASE_LOGGER_H

enum logger_level { LOGGER_DEBUG, LOGGER_INFO, LOGGER_WARN, LOGGER_ERROR };

void logger_set_level(enum logger_level level);
/* {"time":…,"level":…,"area":"timeline","message":…}. area: the module. Thread safe. A warning or an error that comes again
 * within ten seconds is only counted; the next one bears "repeated". */
__attribute__((format(printf, 3, 4))) void logger_write(enum logger_level level, const char *area,
                                                        const char *format, ...);

#define log_info(area, ...) logger_write(LOGGER_INFO, (area), __VA_ARGS__)
#define log_warn(area, ...) logger_write(LOGGER_WARN, (area), __VA_ARGS__)
#define log_error(area, ...) logger_write(LOGGER_ERROR, (area), __VA_ARGS__)

#endif
