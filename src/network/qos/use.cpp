#include "network/qos/qos.hpp"

namespace stratolet::network {

PlannedQos plannedQos(store::Reader& db, const std::string& policy, const std::string& ofNetwork) {
    PlannedQos planned;
    const auto& its = policy.empty() ? ofNetwork : policy;
    if (its.empty()) return planned;
    auto rows = db.query("SELECT type, direction, amount, burst FROM qos_rules WHERE policy = ?", its);
    while (rows.next()) {
        const auto row = rows.row();
        const auto type = row.text(0);
        auto& rate = row.text(1) == "ingress" ? planned.ingress : planned.egress;
        if (type == "bandwidth_limit") {
            rate.kbps = row.integer(2);
            rate.burstKbits = row.integer(3);
        } else if (type == "packet_rate_limit") {
            rate.packets = row.integer(2) * 1000;
            rate.burstPackets = row.integer(3) * 1000;
        } else if (type == "dscp_marking") {
            planned.dscp = static_cast<int>(row.integer(2));
        } // else it is a promise, which a scheduler keeps
    }
    return planned;
}

QosUsers qosUsersOf(store::Reader& db, const std::string& policy) {
    return {db.query("SELECT id FROM ports WHERE qos_policy = ?1 UNION SELECT p.id FROM networks n JOIN ports p ON "
                     "p.network = n.id WHERE n.qos_policy = ?1 AND p.server <> ''",
                     policy)
                .texts(),
            db.query("SELECT id FROM routers WHERE gateway_qos_policy = ?1 UNION SELECT router FROM floating_ips WHERE "
                     "qos_policy = ?1 AND router IS NOT NULL UNION SELECT g.device FROM networks n JOIN ports g ON "
                     "g.network = n.id WHERE n.qos_policy = ?1 AND g.owner = 'network:router_gateway'",
                     policy)
                .texts()};
}

QosUsers qosUsersOn(store::Reader& db, const NetworkId& network) {
    return {
        db.query("SELECT id FROM ports WHERE network = ? AND server <> ''", network).texts(),
        db.query("SELECT device FROM ports WHERE network = ? AND owner = 'network:router_gateway'", network).texts()};
}

std::map<NetworkId, std::string> networkQos(store::Reader& db) {
    std::map<NetworkId, std::string> all;
    auto rows = db.query("SELECT id, qos_policy FROM networks WHERE qos_policy IS NOT NULL");
    while (rows.next()) all.emplace(rows.row().id<NetworkId>(0), rows.row().text(1));
    return all;
}

std::string networkQosOf(store::Reader& db, const NetworkId& network) {
    return db.query("SELECT qos_policy FROM networks WHERE id = ? AND qos_policy IS NOT NULL", network)
        .maybeText()
        .value_or("");
}

}
