/*
 * Jobs of no other module; cli/tables.c lists them all.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOBS_TABLE_H
#define SENDA_JOBS_TABLE_H

#include "jobs/jobs.h"

extern const struct job job_check; /* job_check.c */

#endif
