#include "network/subnet.hpp"

namespace stratolet::network::subnet_table {

namespace {

const std::string select = "SELECT s.id, s.project, s.name, s.description, s.revision, s.created, s.updated, s.network, s.cidr, s.gateway, "
                           "s.dhcp, s.ra_mode, s.address_mode, "
                           "s.pools, s.dns, s.routes, s.service_types, s.subnet_pool FROM subnets s";

Subnet fromRow(const store::Row& row) {
    Subnet subnet;
    subnet.id = row.id<SubnetId>(0);
    subnet.standard = standardOf(row, 1);
    subnet.network = row.id<NetworkId>(7);
    subnet.cidr = Prefix::parse(row.text(8)).value();
    subnet.gateway = Address::parse(row.text(9));
    subnet.dhcp = row.boolean(10);
    subnet.raMode = row.text(11);
    subnet.addressMode = row.text(12);
    for (const auto& [first, last] : pairsOf(row.text(13)))
        subnet.pools.push_back({Address::parse(first).value(), Address::parse(last).value()});
    subnet.dns = textsOf(row.text(14));
    subnet.routes = pairsOf(row.text(15));
    subnet.serviceTypes = textsOf(row.text(16));
    subnet.subnetPool = row.text(17);
    return subnet;
}

std::optional<std::string> orNull(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }
std::optional<std::string> orNull(const std::optional<Address>& address) { return address ? std::optional(address->text()) : std::nullopt; }

std::string encodedPools(const std::vector<AllocationPool>& pools) {
    TextPairs pairs;
    for (const auto& each : pools) pairs.emplace_back(each.first.text(), each.last.text());
    return encoded(pairs);
}

}

std::optional<Subnet> find(store::Reader& db, const SubnetId& id) {
    return db.query(select + " WHERE s.id = ?", id).maybe<Subnet>(fromRow);
}

std::vector<Subnet> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(select + conditions.where() + order, conditions.values()).all<Subnet>(fromRow);
}

std::vector<Subnet> of(store::Reader& db, const NetworkId& network) {
    return db.query(select + " WHERE s.network = ? ORDER BY s.created, s.id", network).all<Subnet>(fromRow);
}

void insert(store::Transaction& tx, const Subnet& subnet) {
    const auto& own = subnet.standard;
    tx.execute("INSERT INTO subnets (id, project, name, description, revision, created, updated, network, ip_version, cidr, gateway, dhcp, "
               "ra_mode, address_mode, pools, dns, "
               "routes, service_types, subnet_pool) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               subnet.id, own.project, own.name, own.description, own.revision, own.created, own.updated, subnet.network,
               subnet.cidr.version(), subnet.cidr.text(), orNull(subnet.gateway), subnet.dhcp, orNull(subnet.raMode),
               orNull(subnet.addressMode), encodedPools(subnet.pools), encoded(subnet.dns), encoded(subnet.routes),
               encoded(subnet.serviceTypes), orNull(subnet.subnetPool));
}

void update(store::Transaction& tx, const Subnet& subnet) {
    const auto& own = subnet.standard;
    tx.execute("UPDATE subnets SET name = ?, description = ?, revision = ?, updated = ?, gateway = ?, dhcp = ?, pools = ?, dns = ?, routes "
               "= ?, service_types = ?, free_from = '' WHERE id = ?",
               own.name, own.description, own.revision, own.updated, orNull(subnet.gateway), subnet.dhcp, encodedPools(subnet.pools),
               encoded(subnet.dns), encoded(subnet.routes), encoded(subnet.serviceTypes), subnet.id);
}

void remove(store::Transaction& tx, const SubnetId& id) { tx.execute("DELETE FROM subnets WHERE id = ?", id); }

}
