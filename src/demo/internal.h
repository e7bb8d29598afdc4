/*
 * What the demo's files share: random streams, the calendar, people, moments, and the world that holds them.
 *
 * HOW A LIFE BECOMES EVENTS  people.c makes the population; life_*.c let the processes happen to it and note each
 * contact as a struct moment (24 bytes: when, who, what, a few numbers) in the day's list; tell.c turns the moments, day by
 * day in order, into events with all their words. facts.c holds every planted number.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_DEMO_INTERNAL_H
#define SENDA_DEMO_INTERNAL_H

#include "demo/demo.h"

/* ---- random.c ----
 *
 * At most one draw in the arguments of a call, in an initialiser or around an operator: C leaves their order to the compiler,
 * and the demonstration is the same from each (tests/unit/demo/test_generate.c has its hash). */

struct stream {
    uint64_t state;
};
struct even {
    uint64_t state, step;
};
struct stream stream_of(uint64_t seed, uint64_t purpose);
uint64_t stream_bits(struct stream *stream);
double stream_unit(struct stream *stream); /* [0, 1) */
bool stream_chance(struct stream *stream, double share);
uint32_t stream_below(struct stream *stream, uint32_t n);
int stream_between(struct stream *stream, int low, int high); /* both included */
double stream_normal(struct stream *stream);
double stream_lognormal(struct stream *stream, double median, double sigma);
size_t stream_pick(struct stream *stream, const double *weights, size_t n);
/* A whole number whose mean is `expected`. */
uint32_t whole(struct stream *stream, double expected);
/* Takes the whole part out of what is due. */
static inline int due_whole(double *due) {
    int n = (int)*due;
    *due -= n;
    return n;
}
struct even even_of(uint64_t seed, unsigned purpose);
double even_unit(struct even *even);
bool even_chance(struct even *even, double share);

/* ---- calendar.c ---- */

enum { N_DAYS = 731, LAST_DAY = N_DAYS - 1, YEAR_2 = N_DAYS - 365 };
#define DAY_SECONDS INT64_C(86400)
#define HOUR INT64_C(3600)
#define MINUTE INT64_C(60)

struct calendar {
    const struct zone *zone;
    int64_t first_day;               /* days since 1970 of day 0 */
    int64_t midnight_ms[N_DAYS + 1]; /* UTC instant of local midnight */
    int64_t now_ms;
};
void calendar_init(struct calendar *calendar, const struct zone *zone, int64_t now_ms);
int calendar_weekday(const struct calendar *calendar, int day); /* 0 Monday … 6 Sunday */
int calendar_month(const struct calendar *calendar, int day);   /* 1 … 12 */
int calendar_year(const struct calendar *calendar, int day);
/* Day number of the latest day.month that lies at least `tail` days before the last day. */
int calendar_latest(const struct calendar *calendar, int day, int month, int tail);
/* "2026-11-21" of a day number, which may be negative. */
void calendar_date(const struct calendar *calendar, int day, char text[11]);

/* Which contacts happen when: relative weights of months, weekdays and hours. */
enum rhythm {
    RHYTHM_WEB,
    RHYTHM_APP,
    RHYTHM_PHONE,
    RHYTHM_STORE,
    RHYTHM_FIELD,
    RHYTHM_CHAT,
    RHYTHM_OFFICE,
    RHYTHMS
};
double rhythm_day(const struct calendar *calendar, enum rhythm rhythm, int day);  /* mean about 1 */
uint32_t rhythm_second(enum rhythm rhythm, bool saturday, struct stream *stream); /* of the day */

/* ---- facts.c ---- */

struct facts {
    /* 1 */ double checkouts_a_day, completed_mobile, completed_desktop, release_mobile,
        release_desktop;
    double mobile_share;
    double shipping; /* € shown by the release */
    /* 2, 3 */ double excess_store, excess_web, excess_phone, excess_other, excess_pct;
    double excess_calls, other_calls, notice_calls, excess_loss, other_loss;
    double notice_provinces[5];
    /* 4 */ double rural_in_48h, others_in_48h;
    /* 5 */ double sur_share, own_solved, sur_solved, own_handling_s, sur_handling_s, sur_effect;
    /* 6 */ double saturday_median, saturday_sigma, saturday_estimate, usual_median, usual_sigma;
    double contento_at_0, contento_a_minute;
    /* 7 */ double comfort_gain;
    /* 8 */ double begged_contento, begged_at_close;
    /* 9 */ uint32_t few_answers;
    /* 10 */ double gamers, gamer_ideas, senior_voice;
    /* 11 */ uint32_t esim_people, roaming_people, holder_people;
    double holder_calls_a_day, article_effect;
    /* 12 */ double cut_homes, cut_warned, warned_calls, unwarned_calls, warned_nps, unwarned_nps;
    /* 13 */ uint32_t prescribers;
    double referred, prescribed;
    /* 14 */ double hazard, month_13, renewed, dear_renewals;
    /* 15 */ double chat_csat_5, chat_csat_7;
    /* 16 */ uint32_t tablet_people;
};
extern const struct facts facts;

struct dates {                    /* day numbers */
    int release_from, release_to; /* half-open */
    int bill_notice, comfort, article, cut, chat_scale;
};
void facts_dates(const struct calendar *calendar, struct dates *dates);

/* ---- people.c ---- */

enum segment { HOGAR, JOVEN, MAYORES, RURAL, PYMES, COMUNIDADES, SEGMENTS };
enum province { LEON, BURGOS, OURENSE, SORIA, HUESCA, PROVINCES };
enum shop {
    SHOP_ORDONO,
    SHOP_ERAS,
    SHOP_PONFERRADA,
    SHOP_ASTORGA,
    SHOP_BANEZA,
    SHOP_BURGOS,
    SHOP_GAMONAL,
    SHOP_ARANDA,
    SHOP_MIRANDA,
    SHOP_OURENSE,
    SHOP_BARCO,
    SHOP_VERIN,
    SHOP_SORIA,
    SHOP_ALMAZAN,
    SHOP_HUESCA,
    SHOP_JACA,
    SHOP_BARBASTRO,
    SHOP_FRAGA,
    SHOPS
};
enum signup { BY_WEB, BY_STORE, BY_PHONE };
enum flag {
    PORTED = 1,
    FIBRE = 2,
    APP = 4,
    GAMER = 8,
    PRESCRIBER = 16,
    IN_CUT = 32,
    WARNED = 64,
    EXCESS = 128,
    NOTIFIED = 256,
    REFERRED = 512,
    CARMEN = 1024,
    TABLET = 2048,
    LUCIA = 4096 /* fact 16 */
};

#define NO_VISITOR UINT32_MAX
#define NEVER INT16_MAX

struct person {
    int16_t start, end; /* days; start may lie before day 0; end NEVER or the day of loss */
    int16_t invoice;    /* day of the first invoice, NEVER if none inside the two years */
    int16_t commitment; /* day on which the contract's commitment ends */
    uint32_t visitor;   /* the web visitor they were before, or NO_VISITOR */
    uint32_t referrer;  /* person, or UINT32_MAX */
    uint16_t flags;
    uint8_t segment, province, town, signup, shop, age, lines, plan, first_name, last_name,
        second_name, language;
};

struct shop_row {
    const char *name;
    double weight; /* share of turns */
    uint8_t province;
    bool own;
    bool crowded; /* fact 6 */
};
extern const struct shop_row shop_table[SHOPS];
extern const char *const province_names[PROVINCES];
extern const char *const segment_names[SEGMENTS];

struct plan_row {
    const char *name;
    uint32_t cents;
    uint8_t segment;
};
extern const struct plan_row plan_table[];
enum { PLANS = 12 };

struct world;
void people_settle(struct world *world); /* those who are customers on day 0 */
uint32_t people_add(struct world *world, int start, enum signup signup, uint32_t visitor, int shop);
void people_carmen(struct world *world);
/* Somebody who is a customer on that day, or UINT32_MAX after many tries. province < 0: any. */
uint32_t people_active(struct world *world, struct stream *stream, int day, int province,
                       unsigned flags);
static inline bool person_active(const struct person *person, int day) {
    return person->start <= day && day < person->end;
}

/* ---- moments ---- */

/* X(name in code, type, event or page name, channel, source, touchpoint or NULL when rules or tell.c give it) */
#define MOMENT_TABLE(X)                                                                            \
    X(PAGE, PAGE, "", "web", WEB, NULL)                                                            \
    X(COVERAGE, TRACK, "Coverage Checked", "web", WEB, NULL)                                       \
    X(PRODUCT_VIEWED, TRACK, "Product Viewed", "web", WEB, NULL)                                   \
    X(PRODUCT_ADDED, TRACK, "Product Added", "web", WEB, NULL)                                     \
    X(CHECKOUT_STARTED, TRACK, "Checkout Started", "web", WEB, NULL)                               \
    X(STEP_COMPLETED, TRACK, "Checkout Step Completed", "web", WEB, NULL)                          \
    X(STEP_VIEWED, TRACK, "Checkout Step Viewed", "web", WEB, NULL)                                \
    X(PAYMENT_ENTERED, TRACK, "Payment Info Entered", "web", WEB, NULL)                            \
    X(ORDER_WEB, TRACK, "Order Completed", "web", WEB, NULL)                                       \
    X(EXIT_ANSWER, TRACK, "Survey Responded", "web", WEB, NULL)                                    \
    X(SEARCHED, TRACK, "Products Searched", "web", WEB, NULL)                                      \
    X(ARTICLE, TRACK, "Article Viewed", "web", WEB, NULL)                                          \
    X(INVOICE_VIEWED, TRACK, "Invoice Viewed", "web", WEB, NULL)                                   \
    X(IDEA, TRACK, "Idea Submitted", "web", WEB, NULL)                                             \
    X(SCREEN, SCREEN, "", "app", APP, NULL)                                                        \
    X(FAULT_REPORTED, TRACK, "Fault Reported", "app", APP, "Aviso de avería en la app")            \
    X(ORDER_STORE, TRACK, "Order Completed", "store", STORE, "Mostrador de tienda")                \
    X(QUEUE_SERVED, TRACK, "Queue Served", "store", STORE, "Turno en tienda")                      \
    X(QUEUE_LEFT, TRACK, "Queue Left", "store", STORE, "Turno en tienda")                          \
    X(TAP, TRACK, "Kiosk Tapped", "kiosk", KIOSK, "Pantalla de opinión")                           \
    X(ORDER_PHONE, TRACK, "Order Completed", "phone", PHONE, "Contratación telefónica")            \
    X(CALL, TRACK, "Call Ended", "phone", PHONE, "Atención telefónica")                            \
    X(CHAT, TRACK, "Chat Ended", "chat", CHAT, "Chat de la web")                                   \
    X(WHATSAPP, TRACK, "Chat Ended", "whatsapp", CHAT, "WhatsApp")                                 \
    X(INSTALLED, TRACK, "Installation Completed", "field", FIELD, "Instalación en casa")           \
    X(VISITED, TRACK, "Technician Visited", "field", FIELD, "Visita del técnico")                  \
    X(TRAITS, IDENTIFY, "", "backoffice", OFFICE, NULL)                                            \
    X(TRAITS_WEB, IDENTIFY, "", "web", WEB, NULL)                                                  \
    X(TRAITS_END, IDENTIFY, "", "backoffice", OFFICE, NULL)                                        \
    X(TRAITS_RENEWED, IDENTIFY, "", "backoffice", OFFICE, NULL)                                    \
    X(SIGNED, TRACK, "Contract Signed", "backoffice", OFFICE, "Contrato")                          \
    X(PORTED_IN, TRACK, "Portability Completed", "backoffice", OFFICE, "Portabilidad")             \
    X(INSTALL_REQUESTED, TRACK, "Installation Requested", "backoffice", OFFICE,                    \
      "Cita de instalación")                                                                       \
    X(INVOICE, TRACK, "First Invoice Issued", "backoffice", OFFICE, "Primera factura")             \
    X(FAULT_OPENED, TRACK, "Fault Opened", "backoffice", OFFICE, "Parte de avería")                \
    X(PLAN_CHANGED, TRACK, "Plan Changed", "backoffice", OFFICE, "Cambio de tarifa")               \
    X(MOVED, TRACK, "Move Requested", "backoffice", OFFICE, "Mudanza")                             \
    X(RENEWED, TRACK, "Contract Renewed", "backoffice", OFFICE, "Renovación")                      \
    X(CANCELLED, TRACK, "Contract Cancelled", "backoffice", OFFICE, "Baja")                        \
    X(INTERRUPTED, TRACK, "Service Interrupted", "backoffice", OFFICE, "Red")                      \
    X(NOTICE, TRACK, "Notice Sent", "sms", OFFICE, "Aviso proactivo")                              \
    X(BILL_NOTICE, TRACK, "Notice Sent", "sms", OFFICE, "Aviso de primera factura")                \
    X(REFERRAL_SENT, TRACK, "Referral Sent", "web", OFFICE, "Plan amigo")                          \
    X(REFERRAL_ACCEPTED, TRACK, "Referral Accepted", "web", OFFICE, "Plan amigo")                  \
    X(ENVIRONMENT, TRACK, "Environment Changed", "backoffice", OFFICE, "Diario del centro")        \
    X(COMPLAINT, TRACK, "Complaint Filed", "backoffice", OFFICE, "Reclamación")                    \
    X(CLAIM, TRACK, "Claim Filed", "backoffice", OFFICE, "Garantía")                               \
    X(CASE_OPENED, TRACK, "Case Opened", "backoffice", OFFICE, "Caso")                             \
    X(CASE_CLOSED, TRACK, "Case Closed", "backoffice", OFFICE, "Caso")                             \
    X(ANSWER, TRACK, "Survey Responded", "email", SURVEY, NULL)                                    \
    X(RIVAL_ANSWER, TRACK, "Survey Responded", "email", SURVEY, NULL)                              \
    X(INVITED, TRACK, "Survey Invited", "email", SURVEY, NULL)                                     \
    X(CHAT_ANSWER, TRACK, "Survey Responded", "chat", CHAT, NULL)                                  \
    X(REVIEW, TRACK, "Product Reviewed", "review", PUBLIC, "Reseñas")                              \
    X(MENTION, TRACK, "Mention Published", "social", PUBLIC, "Redes sociales")

enum moment_kind {
#define X(name, type, event, channel, source, touchpoint) M_##name,
    MOMENT_TABLE(X)
#undef X
        MOMENT_KINDS
};

/* Who: a person's number, or one of these spaces. */
#define WHO_VISITOR UINT32_C(0x40000000) /* a web visitor */
#define WHO_TICKET UINT32_C(0x80000000)  /* somebody with a ticket of a shop's queue */
#define WHO_OTHER                                                                                  \
    UINT32_C(                                                                                      \
        0xC0000000) /* | shop: its opinion screen; | 0x100 shop: the centre itself; | 0x1000… panel */
#define WHO_SPACE UINT32_C(0xC0000000)
#define WHO_INDEX UINT32_C(0x3FFFFFFF)
#define WHO_SCREEN(shop) (WHO_OTHER | (uint32_t)(shop))
#define WHO_CENTRE(shop) (WHO_OTHER | 0x100u | (uint32_t)(shop))
#define WHO_PANEL 0x1000u

enum { NO_UNIT = 255 };

struct moment {
    uint32_t who;
    uint32_t second; /* of the day, local */
    int32_t a, b;
    uint16_t c;
    uint8_t kind, unit; /* unit: a shop, or UNIT_… , or NO_UNIT */
    uint8_t d, e, f, g;
};
enum { UNIT_OWN_CALLS = 32, UNIT_SUR, UNIT_PROVINCE = 40 /* + province */ };

struct day_list {
    struct moment *moments;
    uint32_t n, capacity;
};

enum evens {
    EVEN_CHECKOUTS,
    EVEN_DEVICE,
    EVEN_MOBILE,
    EVEN_DESKTOP,
    EVEN_MOBILE_RELEASE,
    EVEN_DESKTOP_RELEASE,
    EVEN_EXCESS,
    EVEN_CALL_EXCESS = EVEN_EXCESS + 4,
    EVEN_CALL_OTHER,
    EVEN_CALL_NOTICE,
    EVEN_LOSS_EXCESS,
    EVEN_LOSS_OTHER,
    EVEN_RURAL,
    EVEN_48H,
    EVEN_SATURDAY,
    EVEN_DEAR,
    EVEN_MONTH13,
    EVEN_WARNED,
    EVEN_CALL_WARNED,
    EVEN_CALL_UNWARNED,
    EVEN_NPS_WARNED,
    EVEN_NPS_UNWARNED,
    EVEN_PRESCRIBED,
    EVEN_GAMER_IDEA,
    EVEN_CHAT5,
    EVEN_CHAT7,
    EVEN_FACES,
    EVEN_EXIT = EVEN_FACES + 4,
    EVEN_NPS = EVEN_EXIT + 2,
    EVENS = EVEN_NPS + 16
};

enum purpose {
    FOR_PEOPLE,
    FOR_SIGNUP,
    FOR_WEB,
    FOR_LOSS,
    FOR_CALLS,
    FOR_FAULTS,
    FOR_SHOP,
    FOR_VOICE,
    FOR_FILL,
    FOR_WORDS,
    FOR_INVITATIONS,
    PURPOSES
};

struct world {
    uint64_t seed;
    double scale;
    struct calendar calendar;
    struct dates dates;
    struct person *people;
    uint32_t n_people, capacity, n_settled;
    uint32_t n_visitors, n_tickets, n_faults, n_cases, n_tablet;
    struct day_list days[N_DAYS];
    uint64_t count[MOMENT_KINDS], count_source[DEMO_SOURCES];
    uint64_t calls_by_reason[16];
    struct stream streams[PURPOSES];
    struct even evens[EVENS];
};

static inline double scaled(const struct world *world, double n) { return n * world->scale; }
/* At least 1. */
uint32_t scaled_count(const struct world *world, double n);
/* t: local seconds since day 0 began. What lies outside the two years is dropped: false. */
bool world_add(struct world *world, int64_t t, const struct moment *moment);

/* ---- life_*.c: the processes, in the order in which generate.c runs them ---- */

void life_signups(
    struct world *world); /* web checkouts with their past (1), shops, phone, day by day */
/* A signed contract's first weeks: installation, first invoice, calls about it, early loss (2, 3, 4). */
void life_contract(struct world *world, uint32_t who, int64_t t);
void life_losses(struct world *world); /* renewals and losses of everybody (14) */
void life_cut(struct world *world);    /* the fibre cut (12) */
void life_faults(struct world *world);
void life_calls(
    struct world *world); /* calls and chats beyond those of the processes (5, 11, 15) */
void life_shops(struct world *world); /* turns, taps (6, 7, 8) */
void life_voice(struct world *world); /* surveys, reviews, ideas, complaints, mentions (8, 9, 10) */
void life_referral(struct world *world, uint32_t who, int64_t t); /* how a new customer came (13) */
void life_searches(struct world *world);                          /* 11 */
void life_visits(struct world *world);                            /* the rest of web and app */
void life_carmen(struct world *world);

enum reason {
    REASON_BILL,
    REASON_FAULT,
    REASON_QUESTION,
    REASON_BUY,
    REASON_PORT,
    REASON_LEAVE,
    REASON_HOLDER,
    REASONS
};
extern const char *const reason_names[REASONS];
/* A call that began at t, its repetitions, its survey. */
void life_call(struct world *world, int64_t t, uint32_t who, enum reason reason);
/* Days in which the planted call rates of the person are measured: other processes let them alone. */
bool life_quiet(const struct world *world, const struct person *person, int day);

/* Days drawn by a rhythm. */
struct day_picker {
    double until[N_DAYS];
};
void day_picker_init(struct day_picker *picker, const struct calendar *calendar,
                     enum rhythm rhythm);
int day_pick(const struct day_picker *picker, struct stream *stream);
/* A moment of that day by the rhythm's hours, in local seconds since day 0. */
int64_t day_time(const struct world *world, enum rhythm rhythm, int day, struct stream *stream);
static inline int day_of(int64_t t) {
    return (int)(t >= 0 ? t / DAY_SECONDS : (t + 1) / DAY_SECONDS - 1);
}

/* Minutes waited for a turn drawn at t, and the display's estimate (6). */
double life_queue_wait(struct world *world, int shop, int64_t t, int *estimate);

/* Surveys. */
enum demo_survey {
    SURVEY_RELATIONAL,
    SURVEY_CALL,
    SURVEY_INSTALL,
    SURVEY_SHOP,
    SURVEY_RENEWAL,
    SURVEY_CUT,
    SURVEY_CHAT,
    SURVEY_EXIT,
    SURVEYS
};
/* What they are called, by whom they are answered, and what they ask first; words besides are answers to `comment`. */
struct survey_form {
    const char *id, *title, *channel;
    const char *question, *text_es, *text_en; /* the first question: its id and text */
};
extern const struct survey_form demo_survey_forms[SURVEYS];
/* Why people leave the checkout: options of SURVEY_EXIT. */
struct exit_reason {
    const char *id, *text_es, *text_en;
};
enum { EXIT_PAYMENT, EXIT_SHIPPING, EXIT_COMPARING, EXIT_SLOW, EXIT_TOO_MUCH, EXIT_REASONS };
extern const struct exit_reason demo_exit_reasons[EXIT_REASONS];
/* An answer on 0–10 whose NPS is `nps`, by an even draw. about: what comments speak of (enum topic). */
int nps_answer(double u, double nps);
void life_answer(struct world *world, int64_t t, uint32_t person, enum demo_survey survey,
                 int score, int unit, int about);

/* ---- words.c ---- */

enum topic {
    ABOUT_BILL,
    ABOUT_FAULT,
    ABOUT_CARE,
    ABOUT_SHOP,
    ABOUT_WAIT,
    ABOUT_INSTALL,
    ABOUT_PRICE,
    ABOUT_GENERAL,
    ABOUT_LEAVE,
    ABOUT_CUT,
    ABOUT_BEGGED,
    ABOUT_CHAT,
    ABOUT_PAYMENT,
    ABOUT_SHIPPING,
    ABOUT_COMPARING,
    ABOUT_COMFORT,
    TOPICS
};
enum mood { UNHAPPY, NEUTRAL, HAPPY };
enum language { SPANISH, GALICIAN, CATALAN };
extern const char *const topic_names[TOPICS];

/* Writes a comment into text (>= 400 bytes): by topic, mood, language and age of the writer. Returns its length. */
size_t words_comment(struct stream *stream, enum topic topic, enum mood mood,
                     const struct person *person, char *text, size_t size);
const char *words_idea(struct stream *stream, bool gamer);
const char *words_complaint(struct stream *stream, enum topic topic);

extern const char *const first_names[];
extern const char *const last_names[];
enum { FIRST_NAMES = 96, LAST_NAMES = 96, TOWNS = 10 };
extern const char *const town_names[PROVINCES][TOWNS];

struct web_page {
    const char *path, *title;
};
extern const struct web_page prospect_pages[], customer_pages[], help_pages[];
enum { PROSPECT_PAGES = 10, CUSTOMER_PAGES = 8, HELP_PAGES = 8 };
extern const char *const app_screens[];
enum { APP_SCREENS = 8 };
struct help_query {
    const char *text;
    uint8_t results;
};
extern const struct help_query help_queries[];
enum { HELP_QUERIES = 24, QUERY_ESIM = 0, QUERY_ROAMING = 1, QUERY_HOLDER = 2, QUERY_LEAVE = 3 };
extern const char *const help_articles[];
enum { HELP_ARTICLES = 12, ARTICLE_HOLDER = 0 };

/* ---- tell.c ---- */

struct teller;
struct teller *teller_new(struct world *world);
void teller_free(struct teller *teller);
/* The event of a moment; its texts live in the arena. number: place in the whole, for message ids. */
void tell(struct teller *teller, int day, const struct moment *moment, uint64_t number,
          struct arena *arena, struct event *event);
enum demo_source moment_source(const struct moment *moment);

#endif
