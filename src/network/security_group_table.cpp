#include "network/security_group.hpp"

namespace stratolet::network::security_group_table {

namespace {

const std::string select =
    "SELECT g.id, g.project, g.name, g.description, g.revision, g.created, g.updated, g.stateful FROM security_groups g";
const std::string selectRule = "SELECT r.id, r.project, '', r.description, r.revision, r.created, r.updated, r.security_group, "
                               "r.direction, r.ethertype, r.protocol, r.port_min, "
                               "r.port_max, r.prefix, r.remote_group FROM security_group_rules r";

SecurityGroup fromRow(const store::Row& row) { return {row.id<SecurityGroupId>(0), standardOf(row, 1), row.boolean(7)}; }

SecurityGroupRule ruleFromRow(const store::Row& row) {
    return {
        row.id<SecurityGroupRuleId>(0), row.id<SecurityGroupId>(7), standardOf(row, 1), row.text(8),      row.text(9), row.maybeText(10),
        row.maybeInteger(11),           row.maybeInteger(12),       row.maybeText(13),  row.maybeText(14)};
}

}

std::optional<SecurityGroup> find(store::Reader& db, const SecurityGroupId& id) {
    return db.query(select + " WHERE g.id = ?", id).maybe<SecurityGroup>(fromRow);
}

std::vector<SecurityGroup> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(select + conditions.where() + order, conditions.values()).all<SecurityGroup>(fromRow);
}

void insert(store::Transaction& tx, const SecurityGroup& group) {
    const auto& own = group.standard;
    tx.execute("INSERT INTO security_groups (id, project, name, description, revision, created, updated, stateful) VALUES (?, ?, ?, ?, ?, "
               "?, ?, ?)",
               group.id, own.project, own.name, own.description, own.revision, own.created, own.updated, group.stateful);
}

void update(store::Transaction& tx, const SecurityGroup& group) {
    const auto& own = group.standard;
    tx.execute("UPDATE security_groups SET name = ?, description = ?, revision = ?, updated = ?, stateful = ? WHERE id = ?", own.name,
               own.description, own.revision, own.updated, group.stateful, group.id);
}

void remove(store::Transaction& tx, const SecurityGroupId& id) { tx.execute("DELETE FROM security_groups WHERE id = ?", id); }

std::optional<SecurityGroupRule> findRule(store::Reader& db, const SecurityGroupRuleId& id) {
    return db.query(selectRule + " WHERE r.id = ?", id).maybe<SecurityGroupRule>(ruleFromRow);
}

std::vector<SecurityGroupRule> listRules(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(selectRule + conditions.where() + order, conditions.values()).all<SecurityGroupRule>(ruleFromRow);
}

std::vector<SecurityGroupRule> rulesOf(store::Reader& db, const SecurityGroupId& group) {
    return db.query(selectRule + " WHERE r.security_group = ? ORDER BY r.created, r.id", group).all<SecurityGroupRule>(ruleFromRow);
}

store::ByOwner<SecurityGroupRule> rulesOf(store::Reader& db, const Texts& groups) {
    store::ByOwner<SecurityGroupRule> found;
    auto rows =
        db.query(selectRule + " WHERE r.security_group IN (SELECT value FROM json_each(?)) ORDER BY r.created, r.id", encoded(groups));
    while (rows.next()) {
        auto rule = ruleFromRow(rows.row());
        auto& its = found[rule.group.text];
        its.push_back(std::move(rule));
    }
    return found;
}

namespace {

std::unordered_map<std::string, std::string> columnOf(store::Reader& db, std::string_view column, const Texts& groups) {
    std::unordered_map<std::string, std::string> found;
    auto rows = db.query("SELECT id, " + std::string(column) + " FROM security_groups WHERE id IN (SELECT value FROM json_each(?))",
                         encoded(groups));
    while (rows.next()) found.emplace(rows.row().text(0), rows.row().text(1));
    return found;
}

}

std::unordered_map<std::string, std::string> projectsOf(store::Reader& db, const Texts& groups) { return columnOf(db, "project", groups); }
std::unordered_map<std::string, std::string> namesOf(store::Reader& db, const Texts& groups) { return columnOf(db, "name", groups); }

void insertRule(store::Transaction& tx, const SecurityGroupRule& rule) {
    const auto& own = rule.standard;
    tx.execute("INSERT INTO security_group_rules (id, project, description, revision, created, updated, security_group, direction, "
               "ethertype, protocol, port_min, port_max, "
               "prefix, remote_group) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               rule.id, own.project, own.description, own.revision, own.created, own.updated, rule.group, rule.direction, rule.ethertype,
               rule.protocol, rule.portMin, rule.portMax, rule.prefix, rule.remoteGroup);
}

void removeRule(store::Transaction& tx, const SecurityGroupRuleId& id) { tx.execute("DELETE FROM security_group_rules WHERE id = ?", id); }

}
