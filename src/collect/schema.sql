-- step 1

-- Where events come from.
CREATE TABLE source (
    number INTEGER PRIMARY KEY,   -- as rows of the log say it, from 1; 0 is the system and has no row
    name TEXT NOT NULL UNIQUE,    -- shown: "Web shop"
    kind TEXT NOT NULL,           -- web app server file store phone …
    channel TEXT NOT NULL,        -- default channel of its events, or ""
    key_hash BLOB NOT NULL,       -- keyed hash of the write key, 16 bytes
    key_sealed BLOB NOT NULL,     -- the write key, sealed: shown again in the snippet
    disabled INTEGER NOT NULL,    -- 1: its events are refused
    removed INTEGER NOT NULL,     -- 1: gone from lists, the number stays taken
    created_ms INTEGER NOT NULL   -- UTC milliseconds since 1970
);

-- What became of a source's events since it exists; written now and then, and at the end.
CREATE TABLE source_counter (
    source INTEGER NOT NULL, -- number of the source
    name TEXT NOT NULL,      -- "accepted", "duplicates", "rejected", "masked" (places), "last_ms" or the code of a refusal
    value INTEGER NOT NULL,  -- count, or the instant for last_ms
    PRIMARY KEY (source, name)
) WITHOUT ROWID;

-- step 2

ALTER TABLE source ADD COLUMN unit TEXT NOT NULL DEFAULT ''; -- of events that say none; "": by the rules

-- The unit of events that say none and whose source has none: the first rule that fits.
CREATE TABLE unit_rule (
    position INTEGER PRIMARY KEY, -- order of trial
    property TEXT NOT NULL,       -- of an interaction
    value TEXT NOT NULL,          -- as text: "Sur", "12", "true"
    unit TEXT NOT NULL            -- name of the unit
);

-- step 3

ALTER TABLE source ADD COLUMN purpose TEXT NOT NULL DEFAULT '';  -- purpose.name that its events serve; "": none
ALTER TABLE source ADD COLUMN ip TEXT NOT NULL DEFAULT 'short';  -- context.ip of its events: none short full

-- What data are used for; people agree to each by itself.
CREATE TABLE purpose (
    name TEXT PRIMARY KEY,     -- as in context.consent.categoryPreferences: "marketing"
    basis TEXT NOT NULL,       -- consent: only who agreed; interest: who did not object; contract: everybody
    title_es TEXT NOT NULL,
    title_en TEXT NOT NULL,
    text_es TEXT NOT NULL,     -- what people agree to
    text_en TEXT NOT NULL,
    wording INTEGER NOT NULL,  -- version of titles and texts, from 1
    position INTEGER NOT NULL  -- order of showing
) WITHOUT ROWID;
INSERT INTO purpose VALUES
 ('analytics', 'interest', 'Medir y mejorar', 'Measuring and improving', 'Usamos lo que haces en nuestras tiendas y páginas para entender dónde fallamos y mejorar.', 'We use what you do in our shops and pages to see where we fail, and to improve.', 1, 1),
 ('personalisation', 'consent', 'Adaptarnos a ti', 'Adapting to you', 'Usamos tu historia con nosotros para mostrarte lo que de verdad te interesa.', 'We use your history with us to show you what really interests you.', 1, 2),
 ('marketing', 'consent', 'Enviarte ofertas', 'Sending you offers', 'Te escribimos con novedades y ofertas nuestras. Nunca damos tus datos a otros.', 'We write to you with our news and offers. We never give your data to others.', 1, 3);

-- Every wording that people may have agreed to.
CREATE TABLE purpose_wording (
    purpose TEXT NOT NULL,     -- purpose.name
    version INTEGER NOT NULL,
    title_es TEXT NOT NULL,
    title_en TEXT NOT NULL,
    text_es TEXT NOT NULL,
    text_en TEXT NOT NULL,
    since_ms INTEGER NOT NULL, -- UTC milliseconds since 1970; 0: from the beginning
    PRIMARY KEY (purpose, version)
) WITHOUT ROWID;
INSERT INTO purpose_wording SELECT name, 1, title_es, title_en, text_es, text_en, 0 FROM purpose;

-- What somebody said about a purpose; only ever added to.
CREATE TABLE consent (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    profile INTEGER NOT NULL,  -- who
    purpose TEXT NOT NULL,     -- purpose.name
    granted INTEGER NOT NULL,  -- 1 yes, 0 no
    at_ms INTEGER NOT NULL,    -- when it was said
    via TEXT NOT NULL,         -- event, link (the person), staff
    who TEXT NOT NULL,         -- number of the source, e-mail of the person or name of the key, or ""
    wording INTEGER NOT NULL   -- version that it was said to
);
CREATE INDEX consent_of ON consent(profile, purpose, at_ms);

-- step 4

-- How long interactions are kept (collect/keeping.h); the first that fits. No condition: all others.
CREATE TABLE keep_rule (
    position INTEGER PRIMARY KEY, -- order of trial
    event TEXT NOT NULL,          -- name of the event, or ""
    channel TEXT NOT NULL,        -- name of the channel, or ""
    source INTEGER NOT NULL,      -- source.number, or -1
    days INTEGER NOT NULL         -- 0: for ever
);
