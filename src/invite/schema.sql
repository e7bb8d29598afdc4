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
