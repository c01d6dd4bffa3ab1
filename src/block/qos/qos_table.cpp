#include "block/qos/qos.hpp"
#include "block/rows.hpp"

namespace stratolet::block {

using namespace resource;

namespace {

constexpr ItemTable specs{"volume_qos_specs", "qos_id"};

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
               [](store::Reader& db, std::vector<Qos>& all) { complete(db, all, specs, &Qos::specs); });

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
    setItems(tx, specs, qos.id, qos.specs);
}

void save(store::Transaction& tx, const Qos& qos) {
    qosColumns.update(tx, qos);
    setItems(tx, specs, qos.id, qos.specs);
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
