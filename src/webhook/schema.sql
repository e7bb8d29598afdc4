-- step 1

-- Who is told what happens (webhook.h).
CREATE TABLE webhook (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    target TEXT NOT NULL,         -- "https://…", or "mailto:…"
    events TEXT NOT NULL,         -- JSON list of words of WEBHOOK_EVENTS
    secret TEXT NOT NULL,         -- of the signature, sealed
    enabled INTEGER NOT NULL,     -- 1: gets messages
    reason TEXT NOT NULL,         -- why it was disabled by itself: "gone" (410), "refused" (mail, 5xx), or ""
    author TEXT NOT NULL,
    created_ms INTEGER NOT NULL,  -- UTC milliseconds since 1970
    changed_ms INTEGER NOT NULL
);

-- Messages and what became of them; kept for 30 days.
CREATE TABLE webhook_delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,     -- webhook.id
    message TEXT NOT NULL,        -- webhook-id: the same at every try
    type TEXT NOT NULL,           -- word of WEBHOOK_EVENTS
    body TEXT NOT NULL,           -- JSON, sealed
    state INTEGER NOT NULL,       -- enum webhook_state
    attempts INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,      -- next try
    status INTEGER NOT NULL,      -- of HTTP at the last try, 0: none
    error TEXT NOT NULL,          -- why the last try failed, or ""
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL     -- 0: it still waits
);
CREATE INDEX webhook_delivery_due ON webhook_delivery(due_ms) WHERE state = 0;
CREATE INDEX webhook_delivery_of ON webhook_delivery(webhook, id);

-- Screens that were told to be silent.
CREATE TABLE webhook_kiosk (
    kiosk INTEGER PRIMARY KEY,
    since_ms INTEGER NOT NULL
);

-- step 2

-- Told only of what happens in this unit and those below it; "": everywhere.
ALTER TABLE webhook ADD COLUMN unit TEXT NOT NULL DEFAULT '';
