-- step 1

-- Opinion screens, terminals and posters; what one asks stands in its versions, of which the last counts.
CREATE TABLE kiosk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE, -- of its page /k/{address}: random
    secret BLOB NOT NULL,         -- SHA-256 of its key, sealed: what its signatures are checked with
    hint TEXT NOT NULL,           -- last characters of the key
    exit_code BLOB NOT NULL,      -- sealed: with it staff leave the screen
    created_ms INTEGER NOT NULL,  -- UTC milliseconds since 1970
    removed INTEGER NOT NULL      -- 1: takes no taps any more; its versions stay
);
CREATE TABLE kiosk_version (
    kiosk INTEGER NOT NULL,      -- kiosk.id
    revision INTEGER NOT NULL,   -- from 1
    document TEXT NOT NULL,      -- JSON (kiosk.h)
    author TEXT NOT NULL,        -- who said so
    changed_ms INTEGER NOT NULL, -- UTC milliseconds since 1970
    PRIMARY KEY (kiosk, revision)
) WITHOUT ROWID;

-- What a screen last said of itself.
CREATE TABLE kiosk_state (
    kiosk INTEGER PRIMARY KEY,   -- kiosk.id
    contact_ms INTEGER NOT NULL, -- last signed batch, with taps or without
    tap_ms INTEGER NOT NULL,     -- last tap, 0: none yet
    waiting INTEGER NOT NULL,    -- taps that were still on the device then
    skew_ms INTEGER NOT NULL,    -- server's clock less the device's
    lost INTEGER NOT NULL,       -- taps that are missing in its chains
    recent TEXT NOT NULL         -- JSON list: instants of its last taps, for the marks of misuse
);
-- Each device that bears a screen's key has a chain of its own.
CREATE TABLE kiosk_chain (
    kiosk INTEGER NOT NULL, -- kiosk.id
    chain TEXT NOT NULL,    -- name that the device gave it
    seq INTEGER NOT NULL,   -- of the last tap taken
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (kiosk, chain)
) WITHOUT ROWID;
-- Counters for the eye, by local day of the tap; scores come from the answers themselves.
CREATE TABLE kiosk_day (
    kiosk INTEGER NOT NULL,  -- kiosk.id
    day INTEGER NOT NULL,    -- start of the local day, UTC milliseconds
    taps INTEGER NOT NULL,   -- without misuse
    happy INTEGER NOT NULL,  -- of them above the middle of the scale
    misuse INTEGER NOT NULL,
    PRIMARY KEY (kiosk, day)
) WITHOUT ROWID;
