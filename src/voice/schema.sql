-- step 1

-- What is rated: products, services, units, the organisation itself.
CREATE TABLE review_subject (
    name TEXT PRIMARY KEY,      -- as interactions call it: a product id, a unit's name
    kind TEXT NOT NULL,         -- product service unit organisation
    title TEXT NOT NULL,        -- as people read it
    url TEXT NOT NULL,          -- its page at the organisation, or ""
    experience TEXT NOT NULL,   -- name of the interaction that counts as having it, or "" (voice/review_verify.c)
    created_ms INTEGER NOT NULL -- UTC milliseconds since 1970
) WITHOUT ROWID;

-- Reviews: one for each interaction Product Reviewed.
CREATE TABLE review (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,      -- source and review_id of the interaction, or its place in the log
    subject TEXT NOT NULL,         -- review_subject.name
    customer INTEGER NOT NULL,     -- number of the profile that it came to; 0: nobody, or erased
    stars REAL NOT NULL,           -- 1 to 5; other scales are brought to that
    title TEXT NOT NULL,           -- masked like every text (collect/mask.h), sealed (store/sealing.c); "" none
    text TEXT NOT NULL,            -- masked, sealed; "" none
    author TEXT NOT NULL,          -- the name that is shown, sealed, or ""
    language TEXT NOT NULL,        -- "es", "en" … or ""
    origin TEXT NOT NULL,          -- form link api import event
    site TEXT NOT NULL,            -- where it was published, if not with us; or ""
    unit INTEGER NOT NULL,         -- code of the interaction's unit, 0: none
    verified INTEGER NOT NULL,     -- 1: the timeline of its customer holds the experience
    experience_ms INTEGER NOT NULL, -- when the product was bought, the unit visited …; 0: not known
    invited_ms INTEGER NOT NULL,   -- when it was asked for; 0: it was not
    months INTEGER NOT NULL,       -- of use when it was asked for: 0, 6, 12
    created_ms INTEGER NOT NULL,   -- when it was written
    arrived_ms INTEGER NOT NULL,   -- when it came here
    state INTEGER NOT NULL,        -- 0 waits, 1 published, 2 refused
    reason TEXT NOT NULL,          -- why it was refused, one of REVIEW_REASON_TABLE, or ""
    note TEXT NOT NULL,            -- of who refused it, sealed, or ""
    moderated_ms INTEGER NOT NULL, -- last decision; 0: none
    moderated_by TEXT NOT NULL,
    before INTEGER NOT NULL,       -- the state before the last decision, -1: nothing to take back
    before_reason TEXT NOT NULL,
    suspicion REAL NOT NULL,       -- 0 to 1 (voice/review_signals.c)
    signals INTEGER NOT NULL,      -- bits of REVIEW_SIGNAL_TABLE
    held INTEGER NOT NULL,         -- 1: so suspicious that it counts once somebody has looked at it
    device BLOB,                   -- keyed hash of address and browser, 8 bytes, forgotten after 90 days
    link BLOB UNIQUE,              -- of the signed link that it came by, 16 bytes: each is good once
    reply TEXT NOT NULL,           -- the organisation's answer, sealed, or ""
    replied_ms INTEGER NOT NULL,
    replied_by TEXT NOT NULL,
    helpful INTEGER NOT NULL,      -- votes
    unhelpful INTEGER NOT NULL,
    helpful_low REAL NOT NULL,     -- lower end of Wilson's interval of the votes; -1: nobody voted
    forgotten INTEGER NOT NULL     -- 1: text and author were erased, the stars stay
);
CREATE INDEX review_by_subject ON review(subject, created_ms);
CREATE INDEX review_by_customer ON review(customer);
CREATE INDEX review_waiting ON review(state, created_ms) WHERE state = 0;

-- Where texts are alike: minimum hashes of their character 5-grams, in bands.
CREATE TABLE review_band (
    band INTEGER NOT NULL, -- hash of the band and its values
    review INTEGER NOT NULL,
    PRIMARY KEY (band, review)
) WITHOUT ROWID;
CREATE INDEX review_band_of ON review_band(review);

-- Who found a review helpful or not: one vote a visitor.
CREATE TABLE review_vote (
    review INTEGER NOT NULL,
    visitor BLOB NOT NULL,    -- keyed hash of review, address and browser, 8 bytes
    helpful INTEGER NOT NULL, -- 1 yes, 0 no
    PRIMARY KEY (review, visitor)
) WITHOUT ROWID;

-- Opinions to ask for again, after 6 and 12 months of use.
CREATE TABLE review_due (
    review INTEGER NOT NULL,      -- the first opinion
    months INTEGER NOT NULL,      -- 6 or 12
    due_ms INTEGER NOT NULL,      -- experience and so many months
    state INTEGER NOT NULL,       -- 0 due, 1 asked, 2 answered, 3 not asked any more
    PRIMARY KEY (review, months)
) WITHOUT ROWID;

-- How far the log was read for interactions Product Reviewed: one row.
CREATE TABLE review_position (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL -- the last one read
);
