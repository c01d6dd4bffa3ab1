#include "block/qos/qos.hpp"
#include "platform/store/many.hpp"

namespace stratolet::block {

using namespace resource;

namespace {

/// Specs: one statement, however many there are.
void complete(store::Reader& db, std::vector<Qos>& all) {
    std::vector<std::string> ids;
    for (const auto& each : all) ids.push_back(each.id);
    auto specs = store::many<std::pair<std::string, std::string>>(
        db, "SELECT s.qos_id, s.name, s.value FROM json_each(?) w JOIN volume_qos_specs s ON s.qos_id = w.value", ids,
        [](const store::Row& row) { return std::pair(row.text(1), row.text(2)); });
    for (auto& qos : all)
        for (auto& each : store::takeOf(specs, qos.id)) qos.specs.insert(std::move(each));
}

void setSpecs(store::Transaction& tx, const Qos& qos) {
    tx.execute("DELETE FROM volume_qos_specs WHERE qos_id = ?", qos.id);
    for (const auto& [name, value] : qos.specs)
        tx.execute("INSERT INTO volume_qos_specs VALUES (?, ?, ?)", qos.id, name, value);
}

}

const Table<Qos>
    qosColumns("volume_qos", 'q',
               {
                   attribute<&Qos::id>("id", Show | Find),
                   attribute<&Qos::name>("name", Show | Find),
                   attribute<&Qos::consumer>("consumer", Put | Show | Find),
                   attribute<&Qos::created>("created_at", Sort).in("created"),
                   attribute<&Qos::updated>("updated_at", Sort | Moves).in("updated").foundBy("coalesce($.updated, 0)"),
               },
               complete);

namespace qos_table {

std::optional<Qos> find(store::Reader& db, const std::string& id) { return qosColumns.find(db, id); }

bool isNamed(store::Reader& db, const std::string& name) {
    return db.query("SELECT 1 FROM volume_qos WHERE name = ?", name).any();
}

std::vector<VolumeType> typesOf(store::Reader& db, const std::string& qos) {
    return typeColumns.where(db, "WHERE qos_id = ? ORDER BY name", qos);
}

void insert(store::Transaction& tx, const Qos& qos) {
    qosColumns.insert(tx, qos);
    setSpecs(tx, qos);
}

void save(store::Transaction& tx, const Qos& qos) {
    qosColumns.update(tx, qos);
    setSpecs(tx, qos);
}

void remove(store::Transaction& tx, const std::string& qos) { qosColumns.remove(tx, qos); }

void associate(store::Transaction& tx, const std::string& type, const std::optional<std::string>& qos) {
    tx.execute("UPDATE volume_types SET qos_id = ? WHERE id = ?", qos, type);
}

void disassociateAll(store::Transaction& tx, const std::string& qos) {
    tx.execute("UPDATE volume_types SET qos_id = NULL WHERE qos_id = ?", qos);
}

}
}
