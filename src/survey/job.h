/*
 * Scheduled work of surveys.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SURVEY_JOB_H
#define SENDA_SURVEY_JOB_H

#include "jobs/jobs.h"

extern const struct job job_survey_partial;

#endif
