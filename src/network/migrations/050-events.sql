-- What others outside hear of (platform, events).
CREATE TRIGGER network_network_created AFTER INSERT ON networks BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.network.created', new.id, new.project, NULL);
END;
CREATE TRIGGER network_network_deleted AFTER DELETE ON networks BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.network.deleted', old.id, old.project, NULL);
END;
CREATE TRIGGER network_subnet_created AFTER INSERT ON subnets BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.subnet.created', new.id, new.project, NULL);
END;
CREATE TRIGGER network_subnet_deleted AFTER DELETE ON subnets BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.subnet.deleted', old.id, old.project, NULL);
END;
CREATE TRIGGER network_port_created AFTER INSERT ON ports BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.port.created', new.id, new.project, new.status);
END;
CREATE TRIGGER network_port_updated AFTER UPDATE OF status, host ON ports
WHEN old.status IS NOT new.status OR old.host IS NOT new.host
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.port.updated', new.id, new.project, new.status);
END;
CREATE TRIGGER network_port_deleted AFTER DELETE ON ports BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.port.deleted', old.id, old.project, old.status);
END;
CREATE TRIGGER network_router_created AFTER INSERT ON routers BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.router.created', new.id, new.project, NULL);
END;
CREATE TRIGGER network_router_deleted AFTER DELETE ON routers BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.router.deleted', old.id, old.project, NULL);
END;
CREATE TRIGGER network_floatingip_created AFTER INSERT ON floating_ips BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.floatingip.created', new.id, new.project, new.status);
END;
CREATE TRIGGER network_floatingip_updated AFTER UPDATE OF status, port ON floating_ips
WHEN old.status IS NOT new.status OR old.port IS NOT new.port
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.floatingip.updated', new.id, new.project, new.status);
END;
CREATE TRIGGER network_floatingip_deleted AFTER DELETE ON floating_ips BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.floatingip.deleted', old.id, old.project, old.status);
END;
CREATE TRIGGER network_security_group_created AFTER INSERT ON security_groups BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.security_group.created', new.id, new.project, NULL);
END;
CREATE TRIGGER network_security_group_deleted AFTER DELETE ON security_groups BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('network.security_group.deleted', old.id, old.project, NULL);
END;
