/*
 * What the build knows about itself; the values come from CMake.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_VERSION_H
#define SENDA_CLI_VERSION_H

#ifndef SENDA_VERSION
#define SENDA_VERSION "0.0.0"
#endif
#ifndef SENDA_COMMIT
#define SENDA_COMMIT "unknown"
#endif
#ifdef NDEBUG
#define SENDA_OPTIONS "release"
#else
#define SENDA_OPTIONS "debug, assertions"
#endif

#endif
