/*
 * What customers write: by topic and mood, in Spanish of Spain, some in Galician (Ourense) and Catalan (the east of
 * Huesca), with irony, "no está mal", insults, telephone numbers, and typing as people type: the young without
 * accents, the old in capitals now and then. Written by hand; nobody's real words.
 *
 * A comment is one sentence of its topic, sometimes with an opening before it and a closing behind it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

#define END NULL
enum { MOST = 14 };

static const char *const comments[TOPICS][3][MOST] = {
    [ABOUT_BILL] = {{"La factura no tiene nada que ver con lo que me dijeron en la tienda",
                     "Me prometieron 38 euros y me cobráis 56, esto es una estafa",
                     "Primera factura y ya un susto: cuota de alta, prorrateo y no sé qué más",
                     "Nadie me avisó de que el primer mes se cobraba el prorrateo",
                     "Llevo tres llamadas para que me expliquen una factura",
                     "Muy bonito el eslogan de factura sin sorpresas. Sorpresa, 18 euros más",
                     "Me cobran el router que era gratis",
                     "Cada mes cobran una cosa distinta, no hay quien entienda la factura",
                     "Factura inflada, en cuanto acabe la permanencia me voy",
                     "Pago de más y encima tengo que perder la mañana llamando",
                     "Menudos ladrones, me han cobrado dos veces el alta",
                     "El descuento prometido no aparece por ningún lado", END},
                    {"La factura viene bien pero cuesta entenderla",
                     "El importe es correcto aunque el detalle es un lío",
                     "Ni bien ni mal, lo que esperaba pagar más o menos",
                     "La explicación de la factura me llegó tarde pero llegó", END},
                    {"La factura clara y lo que me dijeron",
                     "Me explicaron la factura en dos minutos y muy bien",
                     "Me devolvieron lo que habían cobrado de más sin discutir",
                     "El mensaje con la factura explicada está muy bien, así no hay que llamar",
                     "Pago lo que me prometieron, que ya es mucho en este sector", END}},
    [ABOUT_FAULT] =
        {{"Cinco días sin internet y nadie da la cara", "El técnico no vino y ni siquiera avisaron",
          "Se corta el wifi cada dos por tres",
          "Trabajo en casa y me habéis dejado tirado dos días",
          "Tercera avería este año. Genial, ya tengo confianza con el técnico",
          "Me pasaron con cuatro personas y tuve que contar lo mismo cuatro veces",
          "Dijeron 24 horas y han sido tres días", "Arreglan una cosa y estropean otra",
          "El contestador me colgó dos veces, una vergüenza",
          "Sin línea y con mi madre de 84 años sola en casa, no hay derecho",
          "Se va la fibra cuando llueve, y aquí llueve", END},
         {"Lo arreglaron, pero tardaron más de lo dicho", "El técnico bien, la espera no tanto",
          "De momento funciona, ya veremos", "No está mal, aunque la segunda visita sobraba", END},
         {"El técnico vino a la hora y lo dejó perfecto", "Avería resuelta en una tarde, chapó",
          "Me atendieron rápido y me avisaron por mensaje de todo",
          "Muy majo el técnico, me explicó lo del router y todo",
          "Llamé a las nueve y a las doce ya tenía internet", END}},
    [ABOUT_CARE] = {{"Veinte minutos de musiquita para que me digan que llame mañana",
                     "La chica tenía prisa por colgar y no me resolvió nada",
                     "No saben ni lo que venden, cada uno te dice una cosa",
                     "Me han colgado a mitad, llamadme vosotros al 612 345 678",
                     "Tienen un guion y de ahí no salen",
                     "Incompetentes, llevo una semana y sigo igual",
                     "Prometieron llamarme y sigo esperando, mi número es 987 654 321",
                     "Pedí hablar con un responsable y me dijeron que no había nadie",
                     "Me tuvieron de un departamento a otro como una pelota",
                     "Un robot que no entiende nada, quiero hablar con personas", END},
                    {"Amables, pero no resolvieron", "Me lo solucionaron a la segunda llamada",
                     "Correcto, sin más", "Tardaron un poco en coger el teléfono pero bien", END},
                    {"Una persona en tres minutos, como dicen",
                     "Muy amable el chico que me atendió, se notaba que sabía",
                     "Resuelto a la primera, gracias",
                     "Da gusto que te cojan el teléfono y te hablen con calma",
                     "Se llamaba Nuria y es un encanto, que le suban el sueldo",
                     "No está mal que te solucionen las cosas sin mandarte a otro sitio", END}},
    [ABOUT_SHOP] = {{"Fui a preguntar y me querían vender otra cosa",
                     "En la tienda me dijeron una tarifa y en el contrato pone otra",
                     "Un solo empleado para todo el mundo",
                     "Me mandaron a llamar por teléfono, para eso no voy a la tienda",
                     "Muy mal trato, parecía que molestaba", END},
                    {"Bien, aunque salí con dudas", "Normalito, me atendieron sin más",
                     "La tienda pequeña y con mucho ruido", END},
                    {"Me atendieron de maravilla, sobre todo la chica de la entrada",
                     "Todo claro y sin letra pequeña",
                     "Me pasaron los contactos al móvil nuevo, un detalle",
                     "Da gusto ir a la tienda, te conocen por el nombre",
                     "Salí con todo hecho en un cuarto de hora", END}},
    [ABOUT_WAIT] = {{"La pantalla ponía 15 minutos y fueron 40",
                     "Media hora de pie un sábado para cambiar una SIM",
                     "Mucha gente y dos mesas vacías", "Al final me marché sin que me atendieran",
                     "Si ponen un tiempo de espera que lo cumplan", END},
                    {"Esperé un buen rato pero luego bien", "El sábado a mediodía mejor no ir",
                     END},
                    {"Casi no esperé", "Llegué y me tocó enseguida", END}},
    [ABOUT_INSTALL] =
        {{"Quedaron en 48 horas y han sido nueve días",
          "En el pueblo parece que no existimos, dos semanas para instalar",
          "Vino el instalador y no traía el material", "Cita de nueve a dos y apareció a las seis",
          "Me dejaron un agujero en la fachada y el cable colgando",
          "Cambiaron la cita tres veces sin avisar, pedí un día en el trabajo para nada", END},
         {"Instalación correcta aunque tarde", "Bien el técnico, mal la cita", END},
         {"Instalado al día siguiente, increíble", "El instalador muy limpio y muy educado",
          "En dos días tenía fibra y el móvil pasado", "Puntual, rápido y me configuró la tele",
          END}},
    [ABOUT_PRICE] = {{"Los nuevos pagan menos que los que llevamos años",
                      "Suben el precio sin avisar", "Caro para lo que dan",
                      "Para que te hagan un descuento hay que amenazar con irse",
                      "Por el mismo dinero otra compañía me da el doble", END},
                     {"El precio no es el más barato, pero bueno", "Precio normal, como todos",
                      END},
                     {"Buen precio y sin subidas raras", "Renové con descuento y encantado",
                      "Calidad y precio, no encuentro nada mejor por aquí",
                      "Me hicieron precio por llevar años, se agradece", END}},
    [ABOUT_GENERAL] =
        {{"No lo recomendaría ni a mi cuñado", "Decepcionada, esperaba más de una empresa de aquí",
          "Prometen mucho y cumplen poco", "Me quedo porque tengo permanencia, que si no",
          "Una compañía más, y de las malas", "Vaya panda de inútiles", END},
         {"No está mal", "Ni fu ni fa", "De momento bien, llevo poco tiempo",
          "Cumplen, tampoco es para tirar cohetes", "Lo recomendaría según a quién", END},
         {"Muy contentos, son de la tierra y se nota",
          "Funciona y no dan la lata, ¿qué más se puede pedir?", "Fibra estupenda y trato cercano",
          "La recomiendo a todo el mundo", "Llevo seis años y ni un problema",
          "No está nada mal, la verdad", END}},
    [ABOUT_LEAVE] = {{"Para daros de baja hay que llamar cinco veces",
                      "Quiero la baja y me pasan con alguien que me ofrece otra tarifa",
                      "Me voy por la factura, así de claro", "Hasta nunca", END},
                     {"Me voy porque me mudo, no por otra cosa",
                      "La otra compañía me paga la penalización", END},
                     {"Me iba y me convencieron, veremos", END}},
    [ABOUT_CUT] = {{"Seis horas sin nada y ni un mensaje", "Me enteré del corte por el vecino",
                    "Tuve que cerrar el bar antes porque no iba el datáfono",
                    "Podían avisar, que para la publicidad bien que escriben",
                    "Un corte lo tiene cualquiera, pero no contestar al teléfono es otra cosa",
                    END},
                   {"Avisaron del corte, pero seis horas son seis horas",
                    "Se fue la fibra y volvió, sin más", END},
                   {"Me avisaron a los pocos minutos y pude organizarme",
                    "Mensaje claro con la hora prevista, así sí", END}},
    [ABOUT_BEGGED] = {{"La chica me pidió un 10 antes de irme y aun así no se lo pongo", END},
                      {"Me pidieron un 10, pues un 10", "Me dijeron que si no era un 10 les reñían",
                       END},
                      {"Me pidieron un 10", "Pongo 10 porque me lo pidió el chaval, el pobre",
                       "10 como me dijeron", "Me pidieron un 10 y que diera a la cara verde", END}},
    [ABOUT_CHAT] = {{"El robot del chat no entiende nada",
                     "Me dejaron con la palabra en la boca, se cerró el chat",
                     "Copian y pegan respuestas", "Media hora escribiendo para acabar llamando",
                     END},
                    {"Lento pero me ayudaron", "Bien, aunque prefiero el teléfono", END},
                    {"Rápido y sin llamar, perfecto",
                     "Me lo arreglaron por WhatsApp en diez minutos", "Muy maja Lorena por el chat",
                     END}},
    [ABOUT_PAYMENT] = {{"Siempre pago con Bizum y ya no sale", "No me deja pagar con bizum",
                        "Solo tarjeta? pues nada", "Falta Bizum, no pienso meter la tarjeta",
                        "Ha desaparecido mi forma de pago", END},
                       {"Preferiría pagar con Bizum", END},
                       {"Bien", END}},
    [ABOUT_SHIPPING] = {{"Al final 9,90 de envío que no ponía en ningún sitio",
                         "Gastos de envío en el último paso, así no",
                         "¿9,90 por mandar una SIM? en serio?",
                         "Ponía gratis y luego te clavan el envío", END},
                        {"No contaba con los gastos de envío", END},
                        {"Bien", END}},
    [ABOUT_COMPARING] = {{"Demasiados datos para contratar", "La página se quedó pensando",
                          "No me fío de dar la cuenta por internet", END},
                         {"Estoy comparando", "Solo miraba precios", "Lo hablo en casa y vuelvo",
                          "Prefiero ir a la tienda", END},
                         {"Todo bien, termino luego", END}},
    [ABOUT_COMFORT] = {{"Hace frío en la tienda", END},
                       {"La tienda bien", END},
                       {"Por fin hay sillas para esperar",
                        "Con un café la espera se hace corta, buena idea",
                        "Se agradece la música más baja", "Qué bien han dejado la tienda", END}},
};

static const char *const galician[3][MOST] = {
    {"Levo unha semana sen internet e ninguén dá a cara", "Moita publicidade e pouco servizo",
     "Cobráronme máis do que dixeran na tenda", "Na aldea non lles importamos nada", END},
    {"Non está mal", "Vai indo, pero a espera foi longa", END},
    {"Moi ben atendida, moitas grazas", "O técnico foi un encanto e veu á hora",
     "Funciona de marabilla na aldea", END}};
static const char *const catalan[3][MOST] = {
    {"Fa quatre dies que no tenim fibra i ningú contesta",
     "La factura no és la que em van dir, quina presa de pèl", "He trucat tres cops i res", END},
    {"No està malament", "Bé, però m'han fet esperar", END},
    {"Molt bon tracte, gràcies", "Tot ràpid i ben explicat", "Contents, la fibra va fina", END}};

static const char *const openings[] = {"Pues mira, ",    "A ver, ",  "La verdad, ",
                                       "Sinceramente, ", "Buenas, ", "Hola, "};
static const char *const unhappy_closings[] = {". Un desastre", ". No vuelvo", ". Ya está bien",
                                               "!!!",           ". De pena",   "..."};
static const char *const happy_closings[] = {". Gracias", ". Enhorabuena", "!",
                                             ". Un diez", " :)",           ". Seguid así"};

static size_t choices(const char *const *list) {
    size_t n = 0;
    while (n < MOST && list[n])
        n++;
    return n;
}

static const char *pick(struct stream *stream, const char *const *list) {
    return list[stream_below(stream, (uint32_t)choices(list))];
}

/* Typing of the young and the hurried: no accents, no capital, "q" for "que". Works in place on UTF-8. */
static size_t type_badly(char *text, size_t n) {
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == 0xC3 && i + 1 < n) {
            static const char *const pairs = "\xA1"
                                             "a\xA9"
                                             "e\xAD"
                                             "i\xB3"
                                             "o\xBA"
                                             "u\x81"
                                             "a\x89"
                                             "e\x93"
                                             "o";
            char plain = 0;
            for (size_t k = 0; k < strlen(pairs); k += 2)
                if (pairs[k] == text[i + 1])
                    plain = pairs[k + 1];
            if (plain) {
                text[out++] = plain;
                i++;
                continue;
            }
        }
        if (i + 4 < n && memcmp(text + i, " que ", 5) == 0) {
            memcpy(text + out, " q", 2);
            out += 2;
            i += 3;
            continue;
        }
        text[out++] = i == 0 && c >= 'A' && c <= 'Z' ? (char)(c + 32) : text[i];
    }
    return out;
}

static size_t shout(char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 'a' && c <= 'z')
            text[i] = (char)(c - 32);
        if (c == 0xC3 && i + 1 < n && (unsigned char)text[i + 1] >= 0xA0) {
            text[i + 1] = (char)((unsigned char)text[i + 1] - 32);
            i++;
        }
    }
    return n;
}

static size_t add(char *text, size_t n, size_t size, const char *more) {
    size_t m = strlen(more);
    if (n + m >= size)
        return n;
    memcpy(text + n, more, m + 1);
    return n + m;
}

size_t words_comment(struct stream *stream, enum topic topic, enum mood mood,
                     const struct person *person, char *text, size_t size) {
    const char *const *list = comments[topic][mood];
    if (person && person->language != SPANISH && stream_chance(stream, 0.45))
        list = person->language == GALICIAN ? galician[mood] : catalan[mood];
    size_t n = 0;
    bool spanish = list == comments[topic][mood];
    bool opening = spanish && stream_chance(stream, 0.12);
    if (opening)
        n = add(text, n, size, openings[stream_below(stream, sizeof openings / sizeof *openings)]);
    size_t begin = n;
    n = add(text, n, size, pick(stream, list));
    if (opening && text[begin] >= 'A' && text[begin] <= 'Z')
        text[begin] = (char)(text[begin] + 32);
    if (spanish && mood == UNHAPPY && stream_chance(stream, 0.28))
        n = add(text, n, size, unhappy_closings[stream_below(stream, 6)]);
    else if (spanish && mood == HAPPY && stream_chance(stream, 0.28))
        n = add(text, n, size, happy_closings[stream_below(stream, 6)]);
    int age = person ? person->age : 40;
    if (stream_chance(stream, age < 35 ? 0.45 : 0.15))
        n = type_badly(text, n);
    else if (age > 64 && stream_chance(stream, 0.12))
        n = shout(text, n);
    text[n] = 0;
    return n;
}

static const char *const ideas[] = {"Que se pueda pausar la línea del pueblo en invierno",
                                    "Factura con los nombres de siempre, sin siglas",
                                    "Un aviso cuando quede poco para que acabe la permanencia",
                                    "Poder elegir la hora del técnico con una franja de una hora",
                                    "Una tarifa para las segundas residencias",
                                    "Que la app diga cuánta gente hay en la tienda",
                                    "Compartir datos con los hijos",
                                    "Pagar con Bizum también en la tienda",
                                    "Enviar la SIM al quiosco de mi pueblo",
                                    "Que se pueda hablar con la misma persona dos veces",
                                    "Un botón en la app para decir que no hay internet",
                                    "Descuento por traer a los vecinos del bloque",
                                    "Que la televisión se pueda ver en dos sitios",
                                    "Cita en tienda desde el móvil",
                                    "Explicar el prorrateo antes de firmar",
                                    "Un resumen del año con lo que he gastado",
                                    "Mejor cobertura en la carretera de la sierra",
                                    "Que los mayores tengamos un teléfono directo"};
static const char *const gamer_ideas[] = {
    "Router con cuatro antenas y wifi 7 para jugar sin lag",
    "Necesitamos un router de cuatro antenas, el actual da pena",
    "Ping bajo garantizado y router con 4 antenas",
    "Un router gaming con cuatro antenas como el de la competencia",
    "Abrir puertos desde la app y router de cuatro antenas",
    "Prioridad de tráfico para juegos, y router con cuatro antenas ya"};
static const char *const complaints[TOPICS] = {
    [ABOUT_BILL] = "Solicito la devolución de lo cobrado por encima de lo prometido",
    [ABOUT_FAULT] = "Reclamo la compensación por los días sin servicio",
    [ABOUT_CARE] = "Reclamo por la atención recibida: nadie resuelve mi problema",
    [ABOUT_SHOP] = "En la tienda me hicieron firmar condiciones distintas de las ofrecidas",
    [ABOUT_INSTALL] = "Reclamo por el incumplimiento de la cita de instalación",
    [ABOUT_PRICE] = "Me han subido la cuota sin la comunicación previa obligatoria",
    [ABOUT_LEAVE] = "Solicité la baja y me siguen facturando",
    [ABOUT_BEGGED] = "Me presionaron para que pusiera la máxima nota"};

const char *words_idea(struct stream *stream, bool gamer) {
    return gamer ? gamer_ideas[stream_below(stream, sizeof gamer_ideas / sizeof *gamer_ideas)]
                 : ideas[stream_below(stream, sizeof ideas / sizeof *ideas)];
}

const char *words_complaint(struct stream *stream, enum topic topic) {
    (void)stream;
    return complaints[topic] ? complaints[topic] : complaints[ABOUT_CARE];
}
