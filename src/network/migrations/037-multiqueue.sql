-- Whether a port's device is made for several queues, as the guest that uses it wants.
ALTER TABLE ports ADD COLUMN multiqueue INTEGER NOT NULL DEFAULT 0;
