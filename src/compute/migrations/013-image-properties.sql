-- What the image that a server was made of says of machines: the image may be gone when the server is defined again.
ALTER TABLE compute_servers ADD COLUMN image_properties TEXT NOT NULL DEFAULT '{}';
