-- What opens a console, once: only its SHA-256 is kept.
CREATE TABLE compute_console_tokens (
    hash TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    console TEXT NOT NULL,      -- vnc, serial
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX compute_console_tokens_of_server ON compute_console_tokens (server, expires);
CREATE INDEX compute_console_tokens_by_end ON compute_console_tokens (expires);
