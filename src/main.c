/*
 * Finds the command in the table and calls it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/command.h"

int main(int argc, char **argv) { return command_main(argc, argv); }
