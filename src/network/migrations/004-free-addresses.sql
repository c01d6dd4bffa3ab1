-- Below this address (as fixed_ips.number has it) none of the subnet's pools is free: where the search for the next one begins. An address
-- that is given back may lie below.

ALTER TABLE subnets ADD COLUMN free_from TEXT NOT NULL DEFAULT '';
CREATE TRIGGER address_given_back AFTER DELETE ON fixed_ips BEGIN
    UPDATE subnets SET free_from = OLD.number WHERE id = OLD.subnet AND free_from > OLD.number;
END;
