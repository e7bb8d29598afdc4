/*
 * The properties of each kind of moment. One function a family of kinds; the table at the end binds them.
 *
 * Numbers that questions group by come twice: as a number (wait_min) and as a labelled class (wait).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/tell.h"

static const struct person *person_of(const struct teller *teller, const struct moment *moment) {
    return moment->who & WHO_SPACE ? NULL : &teller->world->people[moment->who];
}

static void tell_date(struct teller *teller, const char *name, int day) {
    char *text = arena_get(teller->arena, 11);
    calendar_date(&teller->world->calendar, day, text);
    tell_slice(teller, name, (struct slice){text, 10});
}

static void tell_comment(struct teller *teller, const struct moment *moment, enum topic topic,
                         enum mood mood) {
    char *text = arena_get(teller->arena, 400);
    size_t n = words_comment(&teller->stream, topic, mood, person_of(teller, moment), text, 400);
    tell_slice(teller, "comment", (struct slice){text, n});
}

/* ---- web and app ---- */

static void tell_device(struct teller *teller, int device) {
    static const char *const names[] = {"móvil", "ordenador", "tableta"};
    static const char *const types[] = {"mobile", "desktop", "tablet"};
    tell_text(teller, "device", names[device % 3]);
    tell_text(teller, "context.device.type", types[device % 3]);
}

static void tell_page(struct teller *teller, const struct moment *moment, struct event *event) {
    const struct web_page *pages = moment->b == 1   ? customer_pages
                                   : moment->b == 2 ? help_pages
                                                    : prospect_pages;
    event->name = slice_of(pages[moment->a].title);
    tell_text(teller, "context.page.path", pages[moment->a].path);
    tell_text(teller, "context.page.title", pages[moment->a].title);
    tell_device(teller, moment->d);
    if (moment->b || !stream_chance(&teller->stream, 0.35))
        return;
    static const char *const campaigns[] = {"google", "facebook", "comparador", "boletín", "radio"};
    static const double weights[] = {0.5, 0.2, 0.18, 0.07, 0.05};
    tell_text(teller, "context.campaign.source",
              campaigns[stream_pick(&teller->stream, weights, 5)]);
}

static void tell_product(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    const struct plan_row *plan = &plan_table[moment->c];
    tell_text(teller, "product", plan->name);
    tell_cents(teller, "price", plan->cents);
    tell_text(teller, "currency", "EUR");
    tell_text(teller, "context.page.path",
              moment->kind == M_PRODUCT_ADDED ? "/contratar" : "/tarifas/detalle");
    tell_device(teller, moment->d);
}

static void tell_coverage(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    tell_flag(teller, "available", moment->a != 0);
    tell_text(teller, "context.page.path", "/cobertura");
    tell_device(teller, moment->d);
}

static void tell_release(struct teller *teller, const struct moment *moment) {
    tell_text(teller, "release",
              moment->e                                         ? "8.0"
              : teller->day < teller->world->dates.release_from ? "7.3"
                                                                : "8.1");
}

static void tell_checkout(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const steps[] = {"", "datos personales", "dirección e instalación", "pago"};
    static const char *const paths[] = {"/contratar", "/contratar/datos", "/contratar/direccion",
                                        "/contratar/pago"};
    int step = moment->kind == M_PAYMENT_ENTERED ? 3 : moment->a;
    tell_text(teller, "product", plan_table[moment->c].name);
    if (step)
        tell_int(teller, "step", step), tell_text(teller, "step_name", steps[step]);
    if (moment->kind == M_STEP_VIEWED) {
        tell_cents(teller, "shipping", moment->e ? (int64_t)(facts.shipping * 100 + 0.5) : 0);
        tell_text(teller, "payment_methods",
                  moment->e ? "tarjeta, domiciliación" : "tarjeta, Bizum, domiciliación");
    }
    tell_cents(teller, "value", plan_table[moment->c].cents);
    tell_release(teller, moment);
    tell_text(teller, "context.page.path", paths[step]);
    tell_device(teller, moment->d);
}

static void tell_order(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    uint32_t who = moment->kind == M_ORDER_WEB ? (uint32_t)moment->a : moment->who;
    const struct person *person = &teller->world->people[who];
    const struct plan_row *plan = &plan_table[person->plan];
    int64_t shipping = moment->e ? (int64_t)(facts.shipping * 100 + 0.5) : 0;
    tell_slice(teller, "order_id", tell_number(teller, "PED-", who));
    tell_text(teller, "product", plan->name);
    tell_cents(teller, "total", plan->cents + shipping);
    tell_cents(teller, "revenue", (int64_t)plan->cents * 12);
    tell_cents(teller, "shipping", shipping);
    tell_text(teller, "currency", "EUR");
    tell_text(teller, "portability", person->flags & PORTED ? "sí" : "no");
    if (moment->kind != M_ORDER_WEB)
        return;
    static const char *const methods[] = {"tarjeta", "domiciliación", "Bizum"};
    static const double weights[] = {0.46, 0.27, 0.27};
    tell_text(teller, "payment_method",
              methods[stream_pick(&teller->stream, weights, moment->e ? 2 : 3)]);
    tell_release(teller, moment);
    tell_text(teller, "context.page.path", "/contratar/gracias");
    tell_device(teller, moment->d);
}

static void tell_survey(struct teller *teller, enum demo_survey survey, int version) {
    tell_text(teller, "survey", demo_survey_forms[survey].id);
    tell_int(teller, "version", version);
    tell_text(teller, "language", "es");
    tell_text(teller, "question", demo_survey_forms[survey].question);
}

static struct slice survey_touchpoint(struct teller *teller, enum demo_survey survey) {
    return slice_of(arena_format(teller->arena, "Encuesta %s", demo_survey_forms[survey].title));
}

static void tell_exit_answer(struct teller *teller, const struct moment *moment,
                             struct event *event) {
    int reason = moment->a == ABOUT_PAYMENT    ? EXIT_PAYMENT
                 : moment->a == ABOUT_SHIPPING ? EXIT_SHIPPING
                                               : EXIT_COMPARING;
    (void)event;
    if (reason == EXIT_COMPARING && stream_chance(&teller->stream, 0.3))
        reason = stream_chance(&teller->stream, 0.5) ? EXIT_SLOW : EXIT_TOO_MUCH;
    tell_survey(teller, SURVEY_EXIT, 1);
    tell_text(teller, "metric", "choice");
    tell_text(teller, "value", demo_exit_reasons[reason].id);
    tell_text(teller, "reason", demo_exit_reasons[reason].text_es);
    if (moment->b)
        tell_comment(teller, moment, (enum topic)moment->a,
                     moment->a == ABOUT_COMPARING ? NEUTRAL : UNHAPPY);
    tell_release(teller, moment);
    tell_text(teller, "context.page.path", "/contratar/pago");
    tell_device(teller, moment->d);
}

static void tell_search(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    tell_text(teller, "query", help_queries[moment->a].text);
    int results = help_queries[moment->a].results;
    if (moment->a == QUERY_HOLDER && teller->day < teller->world->dates.article)
        results--;
    tell_int(teller, "results", results);
    tell_text(teller, "context.page.path", "/ayuda/buscar");
    tell_device(teller, moment->d);
}

static void tell_article(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    tell_text(teller, "article", help_articles[moment->a]);
    tell_text(teller, "context.page.path", "/ayuda/articulo");
    tell_device(teller, moment->d);
}

static void tell_invoice_viewed(struct teller *teller, const struct moment *moment,
                                struct event *event) {
    (void)event;
    tell_text(teller, "context.page.path", "/area-cliente/facturas/detalle");
    tell_device(teller, moment->d);
}

static void tell_idea(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    tell_text(teller, "idea", words_idea(&teller->stream, moment->a != 0));
    tell_int(teller, "votes", (int64_t)stream_below(&teller->stream, moment->a ? 90 : 25));
    tell_text(teller, "context.page.path", "/comunidad/ideas");
}

static void tell_screen(struct teller *teller, const struct moment *moment, struct event *event) {
    event->name = slice_of(app_screens[moment->a]);
    static const char *const systems[] = {"Android", "iOS"};
    tell_text(teller, "context.os.name", systems[moment->who % 4 == 3]);
    tell_text(teller, "device", "móvil");
}

static void tell_fault(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const kinds[] = {"sin internet", "wifi lento", "cortes", "sin línea",
                                        "televisión"};
    tell_slice(teller, "fault", tell_number(teller, "AV-", (uint32_t)moment->b));
    tell_text(teller, "kind", kinds[(uint32_t)moment->b * 7 % 5]);
    tell_text(teller, "promise", "24 h");
}

/* ---- customers ---- */

static void tell_traits(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const signups[] = {"web", "tienda", "teléfono"}, *const languages[] = {
                                                                            "es", "gl", "ca"};
    const struct person *person = &teller->world->people[moment->who];
    tell_slice(teller, "name", tell_name(teller, moment->who));
    tell_slice(teller, "email", tell_email(teller, moment->who));
    tell_slice(teller, "phone", tell_line(teller, moment->who));
    tell_text(teller, "segmento", segment_names[person->segment]);
    tell_text(teller, "plan", plan_table[person->plan].name);
    tell_cents(teller, "cuota", plan_table[person->plan].cents);
    tell_text(teller, "provincia", province_names[person->province]);
    tell_text(teller, "municipio", town_names[person->province][person->town]);
    tell_int(teller, "edad", person->age);
    tell_int(teller, "lineas", person->lines);
    tell_date(teller, "alta", person->start);
    tell_text(teller, "canal_alta", signups[person->signup]);
    if (person->shop != NO_UNIT)
        tell_text(teller, "tienda", shop_table[person->shop].name);
    tell_text(teller, "estado", "activo");
    int commitment = person->flags & CARMEN ? person->commitment : person->start + 365;
    if (commitment >= teller->day)
        tell_date(teller, "permanencia_hasta", commitment);
    tell_text(teller, "idioma", languages[person->language]);
    tell_text(teller, "fibra", person->flags & FIBRE ? "sí" : "no");
    if (person->flags & GAMER)
        tell_text(teller, "comunidad", "gamers");
    if (person->flags & PRESCRIBER)
        tell_text(teller, "comunidad", "administradores de fincas");
}

static void tell_traits_change(struct teller *teller, const struct moment *moment,
                               struct event *event) {
    (void)event;
    if (moment->kind == M_TRAITS_END) {
        tell_text(teller, "estado", "baja");
        tell_date(teller, "baja", moment->a);
    } else {
        tell_date(teller, "permanencia_hasta", moment->a);
    }
}

static void tell_contract(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const signups[] = {"web", "tienda", "teléfono"};
    static const char *const heard[] = {"un amigo o familiar", "buscador",   "radio local",
                                        "pasé por la tienda",  "comparador", "buzoneo"};
    static const double weights[] = {0.31, 0.24, 0.12, 0.15, 0.12, 0.06};
    const struct person *person = &teller->world->people[moment->who];
    tell_text(teller, "plan", plan_table[person->plan].name);
    tell_cents(teller, "fee", plan_table[person->plan].cents);
    tell_text(teller, "signup_channel", signups[person->signup]);
    tell_text(teller, "portability", person->flags & PORTED ? "sí" : "no");
    tell_int(teller, "commitment_months", person->flags & CARMEN ? 15 : 12);
    tell_text(teller, "heard_of_us",
              person->flags & REFERRED ? heard[0]
                                       : heard[stream_pick(&teller->stream, weights, 6)]);
    if (person->shop != NO_UNIT)
        tell_text(teller, "shop", shop_table[person->shop].name);
}

static void tell_installation(struct teller *teller, const struct moment *moment,
                              struct event *event) {
    (void)event;
    const struct person *person = &teller->world->people[moment->who];
    tell_text(teller, "segment", segment_names[person->segment]);
    tell_text(teller, "promise", "48 h");
    if (moment->kind != M_INSTALLED)
        return;
    tell_int(teller, "hours", (moment->a + 3599) / 3600);
    tell_text(teller, "kept", moment->c ? "cumplido" : "incumplido");
    tell_text(teller, "technician_of", moment->b ? "subcontrata" : "propio");
    tell_slice(teller, "technician",
               slice_of(arena_format(teller->arena, "T-%02u", moment->d + 1u)));
}

static void tell_visit(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    tell_slice(teller, "fault", tell_number(teller, "AV-", (uint32_t)moment->b));
    tell_int(teller, "hours", (moment->a + 3599) / 3600);
    tell_text(teller, "kept", moment->c ? "cumplido" : "incumplido");
    tell_text(teller, "technician_of", moment->e ? "subcontrata" : "propio");
    tell_slice(teller, "technician",
               slice_of(arena_format(teller->arena, "T-%02u", moment->d + 1u)));
    tell_flag(teller, "solved", moment->f != 0);
}

static void tell_invoice(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const signups[] = {"web", "tienda", "teléfono"};
    const struct person *person = &teller->world->people[moment->who];
    tell_cents(teller, "amount", moment->a);
    tell_cents(teller, "promised", moment->b);
    tell_int(
        teller, "excess_pct",
        ((moment->a - moment->b) * INT64_C(1000) / moment->b + (moment->a < moment->b ? -5 : 5)) /
            10);
    tell_text(teller, "against_promise", moment->c ? "por encima" : "como se prometió");
    tell_text(teller, "signup_channel", signups[person->signup]);
    tell_text(teller, "portability", person->flags & PORTED ? "sí" : "no");
    int day = teller->day;
    tell_int(teller, "cycle",
             calendar_year(&teller->world->calendar, day) * 100 +
                 calendar_month(&teller->world->calendar, day)); /* 202610 */
}

static void tell_renewal(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    tell_int(teller, "discount_pct", moment->a);
    tell_text(teller, "discount",
              moment->a >= 20 ? "20 % o más"
              : moment->a     ? "menos del 20 %"
                              : "sin descuento");
    tell_int(teller, "years", moment->b);
}

static void tell_cancellation(struct teller *teller, const struct moment *moment,
                              struct event *event) {
    (void)event;
    static const char *const price[] = {"precio", "oferta de otra compañía", "mudanza", "servicio",
                                        "otros"};
    static const char *const bill[] = {"factura", "precio", "oferta de otra compañía", "servicio",
                                       "otros"};
    const struct person *person = &teller->world->people[moment->who];
    tell_text(teller, "reason", (person->flags & EXCESS ? bill : price)[moment->b]);
    tell_int(teller, "month_of_contract", (int64_t)((moment->a + 0.9999) / 30.4375) + 1);
    tell_text(teller, "commitment", moment->c ? "terminada" : "vigente");
}

static void tell_office(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const claims[] = {"router", "teléfono", "repetidor"};
    static const char *const changes[] = {"sube de tarifa", "baja de tarifa", "añade una línea"};
    switch (moment->kind) {
    case M_CLAIM: tell_text(teller, "product", claims[moment->a]); break;
    case M_PLAN_CHANGED: tell_text(teller, "change", changes[moment->a]); break;
    case M_INTERRUPTED:
        tell_text(teller, "cause", "corte de fibra");
        tell_int(teller, "hours", 6);
        break;
    case M_NOTICE: tell_text(teller, "campaign", "corte de fibra"); break;
    case M_BILL_NOTICE: tell_text(teller, "campaign", "primera factura explicada"); break;
    case M_ENVIRONMENT: tell_text(teller, "change", "asientos, música más baja y café"); break;
    default: break;
    }
}

static void tell_referral(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    uint32_t by = moment->kind == M_REFERRAL_SENT ? moment->who : (uint32_t)moment->a;
    const struct person *person = &teller->world->people[by];
    tell_slice(teller, "code", tell_number(teller, "AMIGO-", by));
    tell_text(teller, "prescriber",
              person->flags & PRESCRIBER ? "administrador de fincas" : "cliente");
    if (moment->kind == M_REFERRAL_ACCEPTED)
        tell_slice(teller, "referrer", tell_user_id(teller, by));
}

/* ---- telephone, chat ---- */

static void tell_call(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    tell_text(teller, "reason", reason_names[moment->c]);
    tell_int(teller, "duration_s", moment->a);
    if (moment->kind != M_CALL) {
        tell_text(teller, "solved", moment->d ? "sí" : "no");
        return;
    }
    tell_int(teller, "wait_s", moment->b);
    tell_text(teller, "provider", moment->unit == UNIT_SUR ? "Sur" : "propio");
    tell_text(teller, "marked_solved", moment->d ? "sí" : "no");
    uint32_t agents = moment->unit == UNIT_SUR ? 54 : 36;
    tell_slice(teller, "agent",
               slice_of(arena_format(teller->arena, "%s-%02u", moment->unit == UNIT_SUR ? "S" : "V",
                                     1 + stream_below(&teller->stream, agents))));
}

/* ---- shops ---- */

static const char *wait_class(int minutes) {
    return minutes < 5    ? "0–5 min"
           : minutes < 10 ? "05–10 min"
           : minutes < 20 ? "10–20 min"
           : minutes < 34 ? "20–34 min"
                          : "34 min o más";
}

static void tell_hour(struct teller *teller, const struct moment *moment) {
    static const char *const names[] = {"lunes",   "martes", "miércoles", "jueves",
                                        "viernes", "sábado", "domingo"};
    tell_text(teller, "weekday", names[calendar_weekday(&teller->world->calendar, teller->day)]);
    tell_int(teller, "hour", moment->second / 3600);
}

static void tell_turn(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const motives[] = {"alta",       "factura",        "cambio de tarifa",
                                          "avería",     "teléfono nuevo", "duplicado de SIM",
                                          "información"};
    tell_int(teller, "wait_min", moment->a);
    tell_int(teller, "estimate_min", moment->b);
    tell_text(teller, "wait", wait_class(moment->a));
    tell_text(teller, "against_estimate",
              moment->a > moment->b ? "más de lo anunciado" : "lo anunciado o menos");
    tell_text(teller, "motive", motives[moment->c]);
    tell_hour(teller, moment);
}

static void tell_tap(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const faces[] = {"contento", "indiferente", "descontento"};
    static const char *const why[] = {"espera", "no me lo han resuelto", "trato", "precio"};
    double waited[] = {moment->b > 15 ? 5 : 1, 1.4, 0.7, 0.9};
    tell_text(teller, "face", faces[moment->a]);
    tell_int(teller, "value", 3 - moment->a);
    tell_int(teller, "scale_max", 3);
    tell_text(teller, "kiosk", "Pantalla a la salida");
    if (moment->a && stream_chance(&teller->stream, 0.6))
        tell_text(teller, "reason", why[stream_pick(&teller->stream, waited, 4)]);
    tell_hour(teller, moment);
    int closing =
        calendar_weekday(&teller->world->calendar, teller->day) == 5 ? 14 * 3600 : 20 * 3600;
    int left = (closing - (int)moment->second) / 60;
    tell_text(teller, "before_closing", left < 20 ? "últimos 20 min" : "antes");
}

/* ---- voices ---- */

static void tell_answer(struct teller *teller, const struct moment *moment, struct event *event) {
    static const char *const groups[] = {"detractor", "neutro", "promotor"};
    int mood = moment->a >= 9 ? HAPPY : moment->a >= 7 ? NEUTRAL : UNHAPPY;
    event->channel = slice_of(demo_survey_forms[moment->c].channel);
    event->touchpoint = survey_touchpoint(teller, (enum demo_survey)moment->c);
    tell_survey(teller, (enum demo_survey)moment->c, 1);
    tell_text(teller, "metric", "nps");
    tell_int(teller, "score", moment->a);
    tell_text(teller, "group", groups[mood]);
    if (moment->d)
        tell_comment(teller, moment, (enum topic)moment->b, (enum mood)mood);
    if (moment->c != SURVEY_RELATIONAL)
        tell_int(teller, "minutes_since", 5 + (int64_t)stream_below(&teller->stream, 1400));
}

static void tell_invitation(struct teller *teller, const struct moment *moment,
                            struct event *event) {
    event->channel = slice_of(demo_survey_forms[moment->c].channel);
    event->touchpoint = survey_touchpoint(teller, (enum demo_survey)moment->c);
    tell_text(teller, "survey", demo_survey_forms[moment->c].id);
}

static void tell_rival(struct teller *teller, const struct moment *moment, struct event *event) {
    static const char *const rivals[] = {"Rival A", "Rival B"};
    static const char *const groups[] = {"detractor", "neutro", "promotor"};
    event->touchpoint = SLICE_LITERAL("Panel de mercado");
    tell_text(teller, "survey", "Relacional, panel de mercado");
    tell_text(teller, "brand", rivals[moment->b]);
    tell_text(teller, "metric", "nps");
    tell_int(teller, "score", moment->a);
    tell_text(teller, "group", groups[moment->a >= 9 ? HAPPY : moment->a >= 7 ? NEUTRAL : UNHAPPY]);
}

static void tell_chat_answer(struct teller *teller, const struct moment *moment,
                             struct event *event) {
    int top = moment->d ? 7 : 5, satisfied = moment->d ? 5 : 4;
    if (moment->b)
        event->channel = SLICE_LITERAL("whatsapp");
    event->touchpoint = survey_touchpoint(teller, SURVEY_CHAT);
    tell_survey(teller, SURVEY_CHAT, moment->d ? 2 : 1);
    tell_text(teller, "metric", "csat");
    tell_int(teller, "score", moment->a);
    tell_int(teller, "scale_max", top);
    if (moment->e)
        tell_comment(teller, moment, ABOUT_CHAT,
                     moment->a >= satisfied ? HAPPY
                     : moment->a <= 2       ? UNHAPPY
                                            : NEUTRAL);
}

/* What is rated is the customer's plan; what is older than two weeks was read by somebody, most authors show their name. */
static void tell_rated(struct teller *teller, const struct moment *moment,
                       const struct event *event) {
    const struct person *person = &teller->world->people[moment->who];
    tell_text(teller, "product_id", plan_table[person->plan].name);
    tell_text(teller, "name", plan_table[person->plan].name);
    tell_text(teller, "language", "es");
    if (moment->who % 10 < 7)
        tell_text(teller, "author", first_names[person->first_name]);
    if (teller->world->calendar.now_ms - event->time_ms > (int64_t)14 * DAY_MS)
        tell_text(teller, "state", "published");
}

static void tell_review(struct teller *teller, const struct moment *moment, struct event *event) {
    bool review = moment->kind == M_REVIEW;
    int stars = review ? moment->a : 0;
    int mood = review ? stars >= 4 ? HAPPY : stars == 3 ? NEUTRAL : UNHAPPY : moment->a;
    static const char *const sites[] = {"Google", NULL, "comparador"}, *const networks[] = {
                                                                           "X", "Facebook", "foro"};
    if (review)
        tell_int(teller, "rating", stars),
            tell_flag(teller, "verified", stream_chance(&teller->stream, 0.7));
    const char *site = (review ? sites : networks)[stream_below(&teller->stream, 3)];
    if (site) /* else on our own pages */
        tell_text(teller, "site", site);
    tell_comment(teller, moment, (enum topic)moment->b, (enum mood)mood);
    if (review)
        tell_rated(teller, moment, event);
}

static void tell_case(struct teller *teller, const struct moment *moment, struct event *event) {
    (void)event;
    static const char *const ways[] = {"web", "teléfono", "tienda", "burofax"};
    if (moment->kind == M_COMPLAINT) {
        tell_slice(teller, "complaint", tell_number(teller, "RC-", (uint32_t)moment->a));
        tell_text(teller, "reason", topic_names[moment->b]);
        tell_text(teller, "entered_by", moment->unit < SHOPS ? "tienda" : ways[moment->c]);
        tell_text(teller, "comment", words_complaint(&teller->stream, (enum topic)moment->b));
        return;
    }
    tell_slice(teller, "case", tell_number(teller, "CS-", (uint32_t)moment->a));
    tell_text(teller, "reason", topic_names[moment->b]);
    if (moment->kind != M_CASE_CLOSED)
        return;
    tell_int(teller, "hours", moment->c);
    tell_text(teller, "result", moment->d ? "resuelto" : "sin solución");
}

/* ---- the table ---- */

static void (*const tell_table[MOMENT_KINDS])(struct teller *, const struct moment *,
                                              struct event *) = {
    [M_PAGE] = tell_page,
    [M_COVERAGE] = tell_coverage,
    [M_PRODUCT_VIEWED] = tell_product,
    [M_PRODUCT_ADDED] = tell_product,
    [M_CHECKOUT_STARTED] = tell_checkout,
    [M_STEP_COMPLETED] = tell_checkout,
    [M_STEP_VIEWED] = tell_checkout,
    [M_PAYMENT_ENTERED] = tell_checkout,
    [M_ORDER_WEB] = tell_order,
    [M_EXIT_ANSWER] = tell_exit_answer,
    [M_SEARCHED] = tell_search,
    [M_ARTICLE] = tell_article,
    [M_INVOICE_VIEWED] = tell_invoice_viewed,
    [M_IDEA] = tell_idea,
    [M_SCREEN] = tell_screen,
    [M_FAULT_REPORTED] = tell_fault,
    [M_ORDER_STORE] = tell_order,
    [M_QUEUE_SERVED] = tell_turn,
    [M_QUEUE_LEFT] = tell_turn,
    [M_TAP] = tell_tap,
    [M_ORDER_PHONE] = tell_order,
    [M_CALL] = tell_call,
    [M_CHAT] = tell_call,
    [M_WHATSAPP] = tell_call,
    [M_INSTALLED] = tell_installation,
    [M_VISITED] = tell_visit,
    [M_TRAITS] = tell_traits,
    [M_TRAITS_WEB] = tell_traits,
    [M_TRAITS_END] = tell_traits_change,
    [M_TRAITS_RENEWED] = tell_traits_change,
    [M_SIGNED] = tell_contract,
    [M_INSTALL_REQUESTED] = tell_installation,
    [M_INVOICE] = tell_invoice,
    [M_FAULT_OPENED] = tell_fault,
    [M_PLAN_CHANGED] = tell_office,
    [M_RENEWED] = tell_renewal,
    [M_CANCELLED] = tell_cancellation,
    [M_INTERRUPTED] = tell_office,
    [M_NOTICE] = tell_office,
    [M_BILL_NOTICE] = tell_office,
    [M_REFERRAL_SENT] = tell_referral,
    [M_REFERRAL_ACCEPTED] = tell_referral,
    [M_ENVIRONMENT] = tell_office,
    [M_COMPLAINT] = tell_case,
    [M_CLAIM] = tell_office,
    [M_CASE_OPENED] = tell_case,
    [M_CASE_CLOSED] = tell_case,
    [M_ANSWER] = tell_answer,
    [M_RIVAL_ANSWER] = tell_rival,
    [M_INVITED] = tell_invitation,
    [M_CHAT_ANSWER] = tell_chat_answer,
    [M_REVIEW] = tell_review,
    [M_MENTION] = tell_review};

void tell_kind(struct teller *teller, const struct moment *moment, struct event *event) {
    if (tell_table[moment->kind])
        tell_table[moment->kind](teller, moment, event);
}
