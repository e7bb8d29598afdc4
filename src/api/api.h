/*
 * The HTTP API: one file a resource, each with its table of routes.
 *
 * IN:  requests
 * OUT: JSON, described at /api/v1/openapi.json; what a page shows, a route here gives
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_API_H
#define SENDA_API_API_H

#include "http/app.h"
#include "http/http.h"

/* One a line, so that additions do not meet. */
extern const struct route_table api_audit_routes;
extern const struct route_table api_client_routes;
extern const struct route_table api_collect_routes;
extern const struct route_table api_consent_routes;
extern const struct route_table api_customer_routes;
extern const struct route_table api_data_care_routes;
extern const struct route_table api_diary_routes;
extern const struct route_table api_duplicate_routes;
extern const struct route_table api_erasure_routes;
extern const struct route_table api_export_routes;
extern const struct route_table api_group_routes;
extern const struct route_table api_health_routes;
extern const struct route_table api_identifier_kind_routes;
extern const struct route_table api_import_routes;
extern const struct route_table api_invitation_routes;
extern const struct route_table api_job_routes;
extern const struct route_table api_key_routes;
extern const struct route_table api_kiosk_moment_routes;
extern const struct route_table api_kiosk_routes;
extern const struct route_table api_maintenance_routes;
extern const struct route_table api_merge_routes;
extern const struct route_table api_note_routes;
extern const struct route_table api_openapi_routes;
extern const struct route_table api_overview_routes;
extern const struct route_table api_person_export_routes;
extern const struct route_table api_promise_routes;
extern const struct route_table api_query_routes;
extern const struct route_table api_question_routes;
extern const struct route_table api_retention_routes;
extern const struct route_table api_review_routes;
extern const struct route_table api_review_subject_routes;
extern const struct route_table api_review_widget_routes;
extern const struct route_table api_score_routes;
extern const struct route_table api_second_factor_routes;
extern const struct route_table api_segment_routes;
extern const struct route_table api_segmentation_routes;
extern const struct route_table api_session_routes;
extern const struct route_table api_setting_routes;
extern const struct route_table api_source_routes;
extern const struct route_table api_sso_routes;
extern const struct route_table api_stream_routes;
extern const struct route_table api_survey_result_routes;
extern const struct route_table api_survey_routes;
extern const struct route_table api_touchpoint_routes;
extern const struct route_table api_unit_routes;
extern const struct route_table api_unit_rule_routes;
extern const struct route_table api_user_routes;
extern const struct route_table api_value_routes;
extern const struct route_table api_webhook_routes;

/* A job as GET /api/v1/jobs tells it (jobs.c); null where there is none of that name. New reference. */
json_t *api_job(struct request *request, const char *name);
/* Answers where a person is signed in (sessions.c). */
must_use int api_sessions(struct request *request, struct response *response, uint64_t user,
                          struct err *err);
/* Puts a member that tells what went wrong, of an object or of each object of a list, into the asker's language
 * (request_said). */
void api_say(struct request *request, json_t *json, const char *member);
/* The instant as RFC 3339 text with milliseconds; null for 0. New reference. */
json_t *api_instant(int64_t time_ms);
/* Member of a JSON body: a text, checked. standard NULL: it is needed. E_INVALID with the pointer. */
must_use int api_text(const json_t *body, const char *name, const char *standard, size_t max,
                      const char **text, struct err *err);
/* A list of texts; *texts NULL where absent or null. */
must_use int api_texts(const json_t *body, const char *name, struct arena *arena,
                       const char ***texts, size_t *n, struct err *err);
json_t *api_text_list(const char *const *texts, size_t n); /* null where texts is NULL */
/* Data of a question asked with the rights of who asks; `query` is taken over. New reference; NULL on failure. */
must_use int api_ask(struct request *request, json_t *query, json_t **data, struct err *err);
/* Refuses a stored rule that asks by what is hidden from the asker: E_FORBIDDEN below the pointer. Other faults are of whoever keeps it. */
must_use int api_check_rule(struct request *request, const json_t *rule, const char *pointer,
                            struct err *err);
/* Number in the last part of an address. E_NOT_FOUND. */
must_use int api_number(const char *text, uint64_t *number, struct err *err);
/* The ETag of what GET answers, in quotation marks; in the request's arena. Where an answer also holds what changes by
 * itself (counters), the ETag is that of the rest. */
const char *api_etag(struct request *request, const json_t *current);
/* Refuses a member of a body that is not among names (ended by NULL): E_INVALID with the pointer. For bodies that limit
 * what somebody may see, where a misspelt member must not pass for none. */
must_use int api_known(json_t *body, const char *const *names, struct err *err);
/* If-Match against the state that would be changed: E_PRECONDITION. current: what GET answers (not taken). */
must_use int api_if_match(struct request *request, const json_t *current, struct err *err);
/* Before a change of what has a number, the first parameter of the path: *id, when find gives what If-Match names.
 * find: new reference; E_NOT_FOUND. */
must_use int api_unchanged(struct request *request,
                           int (*find)(struct folder *folder, uint64_t id, json_t **current,
                                       struct err *err),
                           uint64_t *id, struct err *err);

#endif
