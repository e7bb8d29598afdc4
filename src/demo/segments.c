/*
 * Whom Vereda tells apart: six kinds of customer in a segmentation with personas, and free segments that its people work with.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/fill.h"
#include "segment/segmentation.h"

static const char *const documents[] = {
    "{\"name\":\"factura-y-llamada\",\"title\":\"Llaman por su primera factura\",\"colour\":"
    "\"amber\",\"owner\":\"Facturación\",\"mission\":\"Entender qué les cobran y por qué.\","
    "\"proposition\":\"La primera factura, explicada antes de que llegue.\",\"rule\":{\"sequence\":"
    "[{\"event\":\"First Invoice Issued\"},{\"event\":\"Call Ended\"}],\"within\":\"10d\"}}",
    "{\"name\":\"averia-reciente\",\"title\":\"Avería en los últimos 30 días\",\"colour\":\"red\","
    "\"owner\":\"Operaciones de campo\",\"mission\":\"Volver a tener conexión cuanto antes.\","
    "\"proposition\":\"Avería resuelta en 24 horas y una sola persona que responde.\",\"rule\":{"
    "\"did\":{\"event\":\"Fault Opened\"},\"within\":\"30d\"}}",
    "{\"name\":\"llaman-mucho\",\"title\":\"Llaman tres veces o más en un mes\",\"colour\":"
    "\"violet\",\"owner\":\"Atención telefónica\",\"mission\":\"Que alguien se haga cargo de su "
    "problema.\",\"proposition\":\"Un solo interlocutor hasta que se resuelve.\",\"rule\":{\"did\":"
    "{\"event\":\"Call Ended\"},\"times\":\">=3\",\"within\":\"30d\"}}",
    "{\"name\":\"detractores\",\"title\":\"Detractores del último año\",\"colour\":\"pink\","
    "\"owner\":\"Experiencia de cliente\",\"rule\":{\"answered\":{\"metric\":\"nps\",\"op\":\"<=\","
    "\"value\":6,\"within\":\"365d\"}}}",
    "{\"name\":\"detractores-rurales\",\"title\":\"Detractores del mundo rural\",\"colour\":"
    "\"green\",\"owner\":\"Experiencia de cliente\",\"mission\":\"Tener la misma fibra que en la "
    "ciudad.\",\"rule\":{\"all\":[{\"in\":\"detractores\"},{\"trait\":\"segmento\",\"op\":\"=\","
    "\"value\":\"Rural\"}]}}",
};

#define CLASS(name, title, colour, mission, persona)                                               \
    "{\"name\":\"" name "\",\"title\":\"" title "\",\"colour\":\"" colour                          \
    "\",\"mission\":\"" mission                                                                    \
    "\",\"rule\":{\"trait\":\"segmento\",\"op\":\"=\",\"value\":\"" title                          \
    "\"},\"persona\":{" persona "}}"

static const char
    segmentation
        [] =
            "{\"name\":\"tipo-de-cliente\",\"title\":\"Tipo de cliente\",\"description\":\"Para "
            "leer cada "
            "cifra por la clase de hogar o empresa que hay detrás.\",\"classes\":[" CLASS(
                "hogar", "Hogar convergente", "teal",
                "Tener todo en casa funcionando y una sola factura.",
                "\"name\":\"Carmen\",\"age\":\"42 años, dos hijos\",\"quote\":\"Que funcione y no "
                "me "
                "hagan llamar\",\"goals\":\"Trabajar y que los niños estudien a la vez.\","
                "\"frustrations\":\"Explicar lo mismo a tres personas.\",\"channels\":\"Área de "
                "cliente, "
                "teléfono\"") "," CLASS("joven", "Joven solo móvil", "blue",
                                        "Datos de sobra sin atarse a nada.",
                                        "\"name\":\"Izan\",\"age\":\"23 años, piso "
                                        "compartido\",\"quote\":\"Si tengo que llamar, "
                                        "me cambio\",\"goals\":\"Cambiar de tarifa desde el "
                                        "móvil.\",\"channels\":\"App, "
                                        "WhatsApp\"") "," CLASS("mayores", "Mayores 65+", "violet",
                                                                "Hablar con los suyos sin "
                                                                "sorpresas en la "
                                                                "factura.",
                                                                "\"name\":\"Amparo\",\"age\":\"71 "
                                                                "años\",\"quote\":\"Prefiero que "
                                                                "me lo "
                                                                "diga una "
                                                                "persona\",\"goals\":\"Que alguien "
                                                                "se lo "
                                                                "deje "
                                                                "hecho.\",\"frustrations\":\"Las "
                                                                "máquinas "
                                                                "que "
                                                                "contestan.\",\"channels\":"
                                                                "\"Tienda, "
                                                                "teléfono\"") "," CLASS("rural",
                                                                                        "Rural",
                                                                                        "green",
                                                                                        "Tener en "
                                                                                        "el "
                                                                                        "pueblo la "
                                                                                        "conexión "
                                                                                        "que hay "
                                                                                        "en la "
                                                                                        "ciudad.",
                                                                                        "\"name\":"
                                                                                        "\"Julián\""
                                                                                        ","
                                                                                        "\"age\":"
                                                                                        "\"55 "
                                                                                        "años, "
                                                                                        "casa "
                                                                                        "rural\","
                                                                                        "\"quote\":"
                                                                                        "\"Aquí el "
                                                                                        "técnico "
                                                                                        "viene "
                                                                                        "cuando "
                                                                                        "puede\","
                                                                                        "\"goals\":"
                                                                                        "\"Que sus "
                                                                                        "huéspedes "
                                                                                        "tengan "
                                                                                        "wifi.\","
                                                                                        "\"channels"
                                                                                        "\":"
                                                                                        "\"Teléfono"
                                                                                        "\"") "," CLASS("pymes",
                                                                                                        "Autónomos y pymes",
                                                                                                        "amber",
                                                                                                        "No parar el negocio ni un día.",
                                                                                                        "\"name\":\"Nuria\",\"age\":\"Taller con seis empleados\",\"quote\":\"Cada hora sin línea "
                                                                                                        "es dinero\",\"channels\":\"Teléfono, gestor\"") "," CLASS("comunidades",
                                                                                                                                                                   "Comunidades",
                                                                                                                                                                   "pink",
                                                                                                                                                                   "Que los vecinos no le llamen a él.",
                                                                                                                                                                   "\"name\":\"Ramón\",\"age\":\"Administrador de 40 fincas\",\"quote\":\"Dadme un nombre y "
                                                                                                                                                                   "un teléfono\"") "],\"rest\":{\"title\":\"Sin clasificar\",\"colour\":\"grey\"}}";

/* A small demonstration lacks some names: what cannot be asked of it is left out. */
static int passed_over(int code, struct err *err) {
    if (code != E_INVALID && code != E_CONFLICT)
        return code;
    *err = (struct err){0};
    return 0;
}

int demo_segments(struct folder *folder, const struct principal *principal, struct err *err) {
    char name[SEGMENT_NAME_BYTES];
    int code = 0;
    for (size_t i = 0; i < sizeof documents / sizeof *documents && !code; i++) {
        json_t *document = json_loads(documents[i], 0, NULL);
        code = passed_over(segment_put(folder, NULL, document, principal->name, name, err), err);
        json_decref(document);
    }
    if (code)
        return code;
    json_t *document = json_loads(segmentation, 0, NULL);
    code = passed_over(segmentation_put(folder, NULL, document, principal->name, name, err), err);
    json_decref(document);
    return code;
}
