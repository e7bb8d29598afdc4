-- step 1

-- Who is to be invited to which survey, after what (invite.h).
CREATE TABLE invitation_plan (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document TEXT NOT NULL,       -- JSON
    running INTEGER NOT NULL,     -- 1: makes and sends invitations
    since_seq INTEGER NOT NULL,   -- of the log when it was started last: what came before invites nobody
    removed INTEGER NOT NULL,     -- 1: no longer there; its invitations stay
    author TEXT NOT NULL,
    created_ms INTEGER NOT NULL,  -- UTC milliseconds since 1970
    changed_ms INTEGER NOT NULL
);

-- One for each interaction that a plan names: invited, or why not. No identifier of a person stands here.
CREATE TABLE invitation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    plan INTEGER NOT NULL,        -- invitation_plan.id
    customer INTEGER NOT NULL,    -- profile number
    seq INTEGER NOT NULL,         -- of the interaction in the log; 0: chosen by hand
    event_ms INTEGER NOT NULL,    -- when the interaction was
    touchpoint TEXT NOT NULL,     -- of the interaction, or ""
    unit TEXT NOT NULL,           -- likewise
    channel TEXT NOT NULL,        -- by which it was sent: email sms whatsapp, "" until then
    state INTEGER NOT NULL,       -- enum invite_state
    reason INTEGER NOT NULL,      -- enum invite_reason
    due_ms INTEGER NOT NULL,      -- when to send, try again or remind
    attempts INTEGER NOT NULL,    -- that failed
    reminders INTEGER NOT NULL,   -- that were sent
    sent_ms INTEGER NOT NULL,     -- first message, 0: none
    shown_ms INTEGER NOT NULL,    -- the survey was opened, 0: not known
    answered_ms INTEGER NOT NULL, -- 0: not yet
    created_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX invitation_once ON invitation(plan, seq, customer) WHERE seq > 0;
CREATE INDEX invitation_due ON invitation(due_ms) WHERE state < 2;
CREATE INDEX invitation_of_customer ON invitation(customer, id);
CREATE INDEX invitation_of_plan ON invitation(plan, id);

-- When a person was asked last, in whatever way.
CREATE TABLE invitation_asked (
    customer INTEGER PRIMARY KEY, -- profile number
    asked_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Addresses that get nothing more, by keyed hash.
CREATE TABLE invitation_address (
    hash BLOB PRIMARY KEY,        -- 16 bytes
    bounced INTEGER NOT NULL,     -- 1: does not work; 0: unsubscribed
    since_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- step 2

-- Plans by calendar: the round that was made last.
ALTER TABLE invitation_plan ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0; -- rounds after this instant are still to come

-- invitation.seq of such a round is its instant (UTC milliseconds); of an opinion that is asked for again 100 times the number of the first review,
-- and the months of use.
ALTER TABLE invitation ADD COLUMN subject TEXT NOT NULL DEFAULT ''; -- review_subject.name of a review that is asked for
ALTER TABLE invitation ADD COLUMN months INTEGER NOT NULL DEFAULT 0; -- of use, of such a review: 0, 6, 12
ALTER TABLE invitation ADD COLUMN bounced_ms INTEGER NOT NULL DEFAULT 0; -- the message came back, 0: not known
CREATE INDEX invitation_of_subject ON invitation(customer, subject) WHERE subject <> '';

-- Messages that came back, once each: how often an address did not take one.
CREATE TABLE invitation_bounce (
    report BLOB PRIMARY KEY,      -- keyed hash of the report: the same one counts once
    address BLOB NOT NULL,        -- keyed hash, as in invitation_address
    invitation INTEGER NOT NULL,  -- invitation.id, 0: none
    kind INTEGER NOT NULL,        -- enum mail_return
    status TEXT NOT NULL,         -- "5.1.1", or ""
    at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX invitation_bounce_of ON invitation_bounce(address, kind);
