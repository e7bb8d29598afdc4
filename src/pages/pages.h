/*
 * The interface that people see: one file a page, each with its table of routes.
 *
 * IN:  a request of a browser
 * OUT: HTML, printed from the JSON that the API answers
 *
 * To add a page: a template in web/templates, texts in po/, a handler with page_render here, a table below.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_PAGES_H
#define SENDA_PAGES_PAGES_H

#include "http/http.h"

extern const struct route_table page_account_routes, page_home_routes, page_source_routes,
    page_import_routes, page_customer_routes, page_merge_routes, page_settings_routes,
    page_people_routes, page_explore_routes, page_explore_people_routes, page_question_routes,
    page_job_routes, page_score_routes, page_verbatim_routes, page_diary_routes,
    page_promise_routes, page_unit_routes, page_second_factor_routes, page_person_routes,
    page_sso_routes;
extern const struct route_table page_kiosk_routes, page_kiosk_device_routes;
extern const struct route_table page_value_routes, page_churn_routes;
extern const struct route_table page_kiosk_routes, page_kiosk_device_routes,
    page_micro_survey_routes, page_poster_routes;

extern const struct route_table page_identifier_routes, page_one_customer_routes,
    page_duplicate_routes;
extern const struct route_table page_identifier_routes, page_one_customer_routes;
/* One a line, so that additions do not meet. */
extern const struct route_table page_account_routes;
extern const struct route_table page_churn_routes;
extern const struct route_table page_consent_routes;
extern const struct route_table page_customer_routes;
extern const struct route_table page_diary_routes;
extern const struct route_table page_duplicate_routes;
extern const struct route_table page_erase_routes;
extern const struct route_table page_explore_people_routes;
extern const struct route_table page_explore_routes;
extern const struct route_table page_group_routes;
extern const struct route_table page_home_routes;
extern const struct route_table page_identifier_routes;
extern const struct route_table page_import_routes;
extern const struct route_table page_invitation_routes;
extern const struct route_table page_job_routes;
extern const struct route_table page_kiosk_device_routes;
extern const struct route_table page_kiosk_moment_routes;
extern const struct route_table page_kiosk_routes;
extern const struct route_table page_merge_routes;
extern const struct route_table page_micro_survey_routes;
extern const struct route_table page_one_customer_routes;
extern const struct route_table page_outlet_routes;
extern const struct route_table page_people_routes;
extern const struct route_table page_person_export_routes;
extern const struct route_table page_person_routes;
extern const struct route_table page_poster_routes;
extern const struct route_table page_privacy_routes;
extern const struct route_table page_promise_routes;
extern const struct route_table page_question_routes;
extern const struct route_table page_review_routes;
extern const struct route_table page_review_subject_routes;
extern const struct route_table page_review_widget_routes;
extern const struct route_table page_score_routes;
extern const struct route_table page_score_setting_routes;
extern const struct route_table page_second_factor_routes;
extern const struct route_table page_segment_routes;
extern const struct route_table page_segmentation_routes;
extern const struct route_table page_settings_routes;
extern const struct route_table page_source_routes;
extern const struct route_table page_sso_routes;
extern const struct route_table page_survey_answer_routes;
extern const struct route_table page_survey_result_routes;
extern const struct route_table page_survey_routes;
extern const struct route_table page_unit_routes;
extern const struct route_table page_value_routes;
extern const struct route_table page_webhook_routes;
extern const struct route_table page_verbatim_routes;

/* For app_options.error_page: an error as a page. */
int page_error(struct request *request, struct response *response, const struct err *err);

#endif
