-- What could not be wired as planned, as the host's driver said last: it shows as the status of the thing, and to doctor.

CREATE TABLE network_problems (
    kind TEXT NOT NULL,        -- host, network, port, router, security_group
    subject TEXT NOT NULL,     -- id; empty for the host
    what TEXT NOT NULL,
    unwired INTEGER NOT NULL,  -- 0: all is there, but what uses it must do something
    PRIMARY KEY (kind, subject, what)
) WITHOUT ROWID;
CREATE INDEX network_problems_of ON network_problems (subject);

CREATE INDEX ports_down ON ports (status) WHERE status = 'DOWN';
