/*
 * The scheduled work of invitations, for the table of jobs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_INVITE_JOB_H
#define SENDA_INVITE_JOB_H

#include "jobs/jobs.h"

extern const struct job job_invite_candidates, job_invite_rounds, job_invite_send;

#endif
