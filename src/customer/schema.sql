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
