/*
 * What the program consists of: its commands, the routes of its API and pages, and its scheduled work.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "cli/commands.h"
#include "cli/desk.h"
#include "duplicate/duplicate.h"
#include "http/static.h"
#include "invite/job.h"
#include "jobs/table.h"
#include "pages/message.h"
#include "pages/pages.h"
#include "privacy/privacy.h"
#include "privacy/retention.h"
#include "promise/watch.h"
#include "segment/class_sizes.h"
#include "segment/segment.h"
#include "survey/job.h"
#include "value/value.h"
#include "voice/review.h"
#include "webhook/webhook.h"

const struct command *const COMMANDS[] = {
    &command_init,       &command_serve,   &command_demo,
    &command_import,     &command_query,   &command_export,
    &command_customer,   &command_user,    &command_key,
    &command_unit,       &command_bounce,  &command_retention,
    &command_backup,     &command_restore, &command_verify,
    &command_reindex,    &command_migrate, &command_doctor,
    &command_rotate_key, &command_version, NULL,
};

/* One a line, so that additions do not meet. */
// clang-format off
static const struct route_table *const TABLES[] = {
    &static_routes,
    &api_collect_routes,
    &api_client_routes,
    &api_query_routes,
    &api_source_routes,
    &api_customer_routes,
    &api_touchpoint_routes,
    &api_unit_routes,
    &api_unit_rule_routes,
    &api_user_routes,
    &api_key_routes,
    &api_session_routes,
    &api_setting_routes,
    &api_import_routes,
    &api_export_routes,
    &api_audit_routes,
    &api_stream_routes,
    &api_openapi_routes,
    &api_health_routes,
    &api_maintenance_routes,
    &page_account_routes,
    &page_home_routes,
    &page_source_routes,
    &page_import_routes,
    &page_customer_routes,
    &page_group_routes,
    &page_merge_routes,
    &page_settings_routes,
    &page_people_routes,
    &page_explore_routes,
    &page_explore_people_routes,
    &page_question_routes,
    &page_unit_routes,
    &api_question_routes,
    &api_job_routes,
    &page_job_routes,
    &api_value_routes,
    &api_merge_routes,
    &api_survey_routes,
    &api_survey_result_routes,
    &api_identifier_kind_routes,
    &api_note_routes,
    &api_group_routes,
    &api_overview_routes,
    &page_identifier_routes,
    &page_survey_answer_routes,
    &api_duplicate_routes,
    &page_duplicate_routes,
    &page_one_customer_routes,
    &page_survey_routes,
    &page_survey_result_routes,
    &api_second_factor_routes,
    &page_second_factor_routes,
    &page_person_routes,
    &page_score_routes,
    &page_score_setting_routes,
    &page_value_routes,
    &page_churn_routes,
    &page_verbatim_routes,
    &page_diary_routes,
    &api_score_routes,
    &api_diary_routes,
    &api_review_routes,
    &api_retention_routes,
    &api_review_subject_routes,
    &api_review_widget_routes,
    &page_review_widget_routes,
    &page_review_routes,
    &page_review_subject_routes,
    &api_promise_routes,
    &page_promise_routes,
    &api_sso_routes,
    &api_invitation_routes,
    &page_invitation_routes,
    &page_outlet_routes,
    &api_webhook_routes,
    &page_webhook_routes,
    &page_sso_routes,
    &api_kiosk_routes,
    &api_kiosk_moment_routes,
    &page_kiosk_routes,
    &page_kiosk_device_routes,
    &page_kiosk_moment_routes,
    &page_micro_survey_routes,
    &page_poster_routes,
    &api_segment_routes,
    &api_segmentation_routes,
    &api_erasure_routes,
    &api_consent_routes,
    &api_person_export_routes,
    &api_data_care_routes,
    &page_erase_routes,
    &page_privacy_routes,
    &page_segment_routes,
    &page_consent_routes,
    &page_segmentation_routes,
    &page_person_export_routes,
};

static const struct job *const JOBS[] = {
    &job_check,
    &job_value,
    &job_invite_candidates,
    &job_invite_rounds,
    &job_invite_send,
    &job_webhook_watch,
    &job_webhook_kiosks,
    &job_webhook_send,
    &job_survey_partial,
    &review_read_job,
    &review_night_job,
    &job_segments,
    &job_class_sizes,
    &job_promises,
    &job_erase,
    &job_retention,
    &job_duplicates,
    NULL,
};
// clang-format on

const struct app_options APP_OPTIONS = {.tables = TABLES,
                                        .n_tables = sizeof TABLES / sizeof TABLES[0],
                                        .jobs = JOBS,
                                        .error_page = page_error,
                                        .translate = message_translate};
