/*
 * The table that tools/embed_assets.c writes at build time (web/CMakeLists.txt): sorted by path.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_ASSETS_TABLE_H
#define SENDA_HTTP_ASSETS_TABLE_H

#include "http/assets.h"

extern const struct asset ASSETS[];
extern const size_t ASSETS_COUNT;
extern const char ASSETS_VERSION[];

#endif
