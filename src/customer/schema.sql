-- step 1

-- Data keys, wrapped by the outside key.
CREATE TABLE data_key (
    number INTEGER PRIMARY KEY, -- from 1; the highest one seals
    wrapped BLOB NOT NULL,      -- nonce and XSalsa20-Poly1305 of the keys (vault.c)
    created_ms INTEGER NOT NULL -- UTC milliseconds since 1970
);

-- Profiles and the identifier that each was born with. Append only; found by keys files, not by an index.
CREATE TABLE profile (
    number INTEGER PRIMARY KEY, -- profile number, dense from 1
    kind INTEGER NOT NULL,      -- enum identity_kind
    sealed BLOB NOT NULL        -- the identifier (customer_record.c), sealed by the vault
);

-- Identifiers that lead to a profile which was born with another one. Append only.
CREATE TABLE attached (
    number INTEGER PRIMARY KEY, -- dense from 1
    after INTEGER NOT NULL,     -- profiles that existed when it was attached: the order among both tables
    profile INTEGER NOT NULL,   -- whose it is
    kind INTEGER NOT NULL,      -- enum identity_kind
    sealed BLOB NOT NULL        -- as in profile
);
CREATE INDEX attached_by_profile ON attached(profile);

-- Profiles that belong to another one. Rows of the log keep their profile.
CREATE TABLE redirect (
    profile INTEGER PRIMARY KEY, -- the one whose rows belong elsewhere
    target INTEGER NOT NULL,     -- the one that they belong to, perhaps redirected itself
    reason INTEGER NOT NULL,     -- 1 identified, 2 alias, 3 by hand
    at_ms INTEGER NOT NULL       -- when, UTC milliseconds since 1970
);

-- step 2

-- Each merge has a number, and by hand who did it and why. An edge may be turned round (merging.c); it stays the same merge.
ALTER TABLE redirect ADD COLUMN number INTEGER NOT NULL DEFAULT 0; -- rising, unique with those of separated
ALTER TABLE redirect ADD COLUMN who TEXT;                          -- by hand: whose hand
ALTER TABLE redirect ADD COLUMN why TEXT;                          -- by hand: in their words
UPDATE redirect SET number = profile;

-- Merges that somebody took back.
CREATE TABLE separated (
    number INTEGER PRIMARY KEY,    -- that of the redirect
    profile INTEGER NOT NULL,      -- as in redirect, and the following too
    target INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    who TEXT,
    why TEXT,
    separated_ms INTEGER NOT NULL, -- when it was taken back, UTC milliseconds since 1970
    separated_by TEXT NOT NULL     -- by whom
);
CREATE INDEX separated_by_profile ON separated(profile);
CREATE INDEX separated_by_target ON separated(target);

-- step 3

ALTER TABLE redirect ADD COLUMN turned INTEGER NOT NULL DEFAULT 0; -- 1: it was made from target to profile (merging.c)
ALTER TABLE attached ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0;  -- when, UTC milliseconds since 1970; 0: before step 3

-- step 4

-- Kinds of identifiers where they differ from the standard (customer/kinds.h).
CREATE TABLE identifier_kind (
    name TEXT PRIMARY KEY,          -- user_id, anonymous_id, other, or the type of an external id
    max_customers INTEGER NOT NULL, -- that may share one value; 0: no limit
    priority INTEGER NOT NULL,      -- 1 decides before 2
    joins INTEGER NOT NULL,         -- 1: who comes with it belongs to whom it belongs to
    form TEXT NOT NULL,             -- text email phone national_id
    traits TEXT NOT NULL,           -- names of traits that carry it, one a line
    blocked TEXT NOT NULL           -- values that stand for nobody, one a line
);

-- Whom an identifier was seen with that did not make them one.
CREATE TABLE shared_identifier (
    hash BLOB NOT NULL,       -- of the identifier, 16 bytes, as in the identity set
    profile INTEGER NOT NULL,
    PRIMARY KEY (hash, profile)
) WITHOUT ROWID;

-- Identifiers that more customers shared than their kind's limit.
CREATE TABLE dropped_identifier (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,  -- as in shared_identifier
    kind INTEGER NOT NULL,      -- enum identity_kind
    sealed BLOB NOT NULL,       -- as in profile
    customers INTEGER NOT NULL, -- how many when it dropped out
    dropped_ms INTEGER NOT NULL -- UTC milliseconds since 1970
);

-- step 5

-- Keyed hashes of identifiers that were erased. An erased profile has kind 0 and nothing sealed.
CREATE TABLE forgotten (
    hash BLOB PRIMARY KEY,     -- as in the set of identities, 16 bytes
    erasure INTEGER NOT NULL,  -- number of the erasure (privacy/)
    refuses INTEGER NOT NULL   -- 1: events that bear it are refused; 0: only not to be found
) WITHOUT ROWID;
CREATE INDEX forgotten_by_erasure ON forgotten(erasure);

-- step 6

-- What colleagues wrote down about a customer.
CREATE TABLE note (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    profile INTEGER NOT NULL,   -- the customer when it was written; it goes with that profile
    author TEXT NOT NULL,       -- e-mail of the person, name of the key, "shell"
    sealed BLOB NOT NULL,       -- the text, sealed by the vault
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL -- 0: never
);
CREATE INDEX note_by_profile ON note(profile);

-- Households, companies, contracts: customers that belong together without being one.
CREATE TABLE customer_group (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,  -- of its id, keyed, 16 bytes
    kind TEXT NOT NULL,         -- household company contract group
    sealed BLOB NOT NULL,       -- JSON object {"id", "name", …}, sealed by the vault
    changed_ms INTEGER NOT NULL
);
CREATE TABLE group_member (
    customer_group INTEGER NOT NULL, -- customer_group.number
    profile INTEGER NOT NULL,        -- as events brought it, or the customer that a person named
    role TEXT NOT NULL,              -- holder user payer member …
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (customer_group, profile, role)
) WITHOUT ROWID;
CREATE INDEX group_by_member ON group_member(profile);

-- step 7

ALTER TABLE identifier_kind ADD COLUMN max_values INTEGER; -- that one customer may have; 0: no limit; NULL: the standard's

-- Kinds of which a customer had so many values that another was turned away (full.h).
CREATE TABLE full_kind (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    profile INTEGER NOT NULL, -- the customer when it happened; it goes with that profile
    kind TEXT NOT NULL,       -- name of the kind
    since_ms INTEGER NOT NULL, -- when it happened first, UTC milliseconds since 1970
    UNIQUE (profile, kind)
);
