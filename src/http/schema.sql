-- step 1

-- People who sign in.
CREATE TABLE user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,           -- owner administrator analyst unit_manager agent viewer
    units TEXT NOT NULL,          -- JSON list of unit names; "" sees everything
    language TEXT NOT NULL,       -- es, en or "" (as the browser says)
    password TEXT NOT NULL,       -- Argon2id, libsodium's text form
    disabled INTEGER NOT NULL,    -- 1: cannot sign in
    created_ms INTEGER NOT NULL,
    signed_in_ms INTEGER NOT NULL -- 0: never
);

-- Who is signed in where.
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE, -- BLAKE2b of the cookie, 32 bytes
    user INTEGER NOT NULL,           -- user.id
    address TEXT NOT NULL,           -- from where it began
    agent TEXT NOT NULL,             -- the browser's own words, at most 200 bytes
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL         -- last use, written at most once an hour
);

-- Keys of programs.
CREATE TABLE api_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE, -- BLAKE2b of the key, 32 bytes
    hint TEXT NOT NULL,               -- its last four characters
    scopes INTEGER NOT NULL,          -- bits of enum scope
    units TEXT NOT NULL,              -- JSON list of unit names; "" sees everything
    created_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,         -- last use, written at most once an hour; 0: never
    expires_ms INTEGER NOT NULL       -- 0: never
);

-- The hierarchy of centres.
CREATE TABLE unit (
    name TEXT PRIMARY KEY,  -- what events say in context.unit
    title TEXT NOT NULL,    -- shown
    parent TEXT NOT NULL    -- name of the unit above, or ""
) WITHOUT ROWID;

-- Sign-ins and changes; only ever added to.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    who TEXT NOT NULL,     -- e-mail of the person, name of the key, "shell"
    address TEXT NOT NULL, -- from where, or ""
    what TEXT NOT NULL,    -- "session.begin", "source.add", …
    about TEXT NOT NULL,   -- what was changed
    detail TEXT NOT NULL   -- more, or ""
);
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- Answers to requests that bore an Idempotency-Key, kept a day.
CREATE TABLE idempotency (
    key_hash BLOB PRIMARY KEY,      -- who, path and key
    request_hash BLOB NOT NULL,     -- of the body: the same key with another body is refused
    status INTEGER NOT NULL,        -- HTTP status of the answer
    type TEXT NOT NULL,             -- its media type
    body BLOB NOT NULL,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Files imported through the interface, the API or the shell.
CREATE TABLE import (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file TEXT NOT NULL,           -- name as people know it
    path TEXT NOT NULL,           -- where it lies; "" once it is gone
    uploaded INTEGER NOT NULL,    -- 1: the path is a copy of ours
    options TEXT NOT NULL,        -- JSON: format, map, sheet, lifecycle
    guess TEXT NOT NULL,          -- JSON: what the file looks like
    state TEXT NOT NULL,          -- proposed waiting running done failed cancelled
    result TEXT NOT NULL,         -- JSON: read, accepted, duplicates, rejected, seconds, rejections, failure, hint
    created_ms INTEGER NOT NULL,
    who TEXT NOT NULL             -- e-mail of the person, name of the key, "shell"
);

-- step 2

-- Questions of Explore that somebody gave a name.
CREATE TABLE question (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,       -- as people read it
    address TEXT NOT NULL,    -- of its page: /explore/KIND?…
    user INTEGER NOT NULL,    -- user.id of who made it; 0: a key
    author TEXT NOT NULL,     -- e-mail of the person, name of the key, "shell"
    created_ms INTEGER NOT NULL
);

-- step 3

-- Ways to order the centres: by territory, by format, by who operates them.
CREATE TABLE hierarchy (
    name TEXT PRIMARY KEY,     -- "territory": what the API says
    title TEXT NOT NULL,       -- shown; "": the program's own words for the name
    position INTEGER NOT NULL  -- order of showing
) WITHOUT ROWID;
INSERT INTO hierarchy VALUES ('territory', '', 1), ('format', '', 2), ('operator', '', 3);

-- What is below what: at most one unit above in each hierarchy.
CREATE TABLE unit_parent (
    hierarchy TEXT NOT NULL,   -- hierarchy.name
    unit TEXT NOT NULL,        -- unit.name
    parent TEXT NOT NULL,      -- unit.name
    PRIMARY KEY (hierarchy, unit)
) WITHOUT ROWID;
INSERT INTO unit_parent SELECT 'territory', name, parent FROM unit WHERE parent <> '';
ALTER TABLE unit DROP COLUMN parent;

-- step 4

-- Units (a JSON list of names) that who made a question was limited to; "": none.
ALTER TABLE question ADD COLUMN units TEXT NOT NULL DEFAULT '';

-- step 5

ALTER TABLE user ADD COLUMN totp BLOB;                           -- secret of the second factor in base32, sealed; NULL: none
ALTER TABLE user ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0; -- of the last code used: none is good twice

-- Codes for who lost the second factor, each good once.
CREATE TABLE recovery_code (
    user INTEGER NOT NULL,  -- user.id
    hash BLOB NOT NULL,     -- BLAKE2b of the code, 32 bytes
    PRIMARY KEY (user, hash)
) WITHOUT ROWID;

-- Invitations and links for a new password, one a person.
CREATE TABLE link (
    token_hash BLOB PRIMARY KEY, -- BLAKE2b of the token, 32 bytes
    user INTEGER NOT NULL,       -- user.id
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- step 6

ALTER TABLE audit ADD COLUMN chain BLOB; -- keyed hash of the entry before and this one, 32 bytes; NULL: from before step 6
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- step 7

-- Who signs in through a provider of single sign-on.
CREATE TABLE user_identity (
    issuer TEXT NOT NULL,   -- of the provider
    subject TEXT NOT NULL,  -- the person's number there
    user INTEGER NOT NULL,  -- user.id
    PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;

-- step 8

-- Who saw and changed one customer: asked for on each customer's page.
CREATE INDEX audit_by_about ON audit(about, id) WHERE about <> '';

-- step 9

-- E-mail addresses and names of people, who and what an audit entry is about are sealed and found by keyed hashes.
ALTER TABLE user ADD COLUMN email_key BLOB;  -- of the address in lower case
CREATE UNIQUE INDEX user_by_email_key ON user(email_key);
ALTER TABLE audit ADD COLUMN who_key BLOB;   -- of who; "" of ""
ALTER TABLE audit ADD COLUMN about_key BLOB; -- of about; "" of ""
DROP INDEX audit_by_about;
CREATE INDEX audit_by_about_key ON audit(about_key, id) WHERE about_key <> '';
