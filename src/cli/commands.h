/*
 * The commands, one file each (cmd_NAME.c); cli/tables.c lists them in the order of the help.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_COMMANDS_H
#define SENDA_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command command_backup, command_restore, command_verify, command_reindex,
    command_migrate, command_doctor;
extern const struct command command_customer, command_export, command_key, command_unit,
    command_user;
extern const struct command command_import, command_init, command_serve, command_query,
    command_version, command_demo;
extern const struct command command_rotate_key, command_bounce, command_retention;

#endif
