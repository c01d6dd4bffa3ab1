#pragma once

#include <stratolet/sizes.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/list/list_query.hpp"
#include "block/type/type.hpp"
#include "identity/caller.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// Who holds volumes to their limits.
inline constexpr std::array<std::string_view, 3> qosConsumers{"front-end", "back-end", "both"};

/// How fast volumes of the types that have it may be: "total_iops_sec" → "500".
struct Qos {
    std::string id, name;
    std::string consumer = "back-end";
    std::map<std::string, std::string> specs;
    Time created;
    std::optional<Time> updated;
};

extern const resource::Table<Qos> qosColumns;

/// SQL, and no rule.
namespace qos_table {
std::optional<Qos> find(store::Reader& db, const std::string& id);
bool isNamed(store::Reader& db, const std::string& name); ///< one is
std::vector<VolumeType> typesOf(store::Reader& db, const std::string& qos);
void insert(store::Transaction& tx, const Qos& qos);
void save(store::Transaction& tx, const Qos& qos); ///< its specs too
void remove(store::Transaction& tx, const std::string& qos);
void associate(store::Transaction& tx, const std::string& type, const std::optional<std::string>& qos);
void disassociateAll(store::Transaction& tx, const std::string& qos);
}

/// What a guest's host holds a volume of this size to, by libvirt's words for iotune ("total_iops_sec"): none where
/// only the back end does. "…_per_gb" are multiplied, and not below "…_per_gb_min".
std::map<std::string, std::int64_t> guestLimits(const Qos& qos, GiB size);

/// What lists of QoS specs are filtered by.
ListNoun qosLists();

/// The verbs of QoS specs, an administrator's all. Owned by the module; any thread.
class QosSpecs {
public:
    explicit QosSpecs(Parts parts) : parts_(parts) {}

    ListPage<Qos> list(const identity::Caller& caller, ListQuery query) const;
    Qos show(const identity::Caller& caller, const std::string& id) const;
    Qos create(const identity::Caller& caller, Qos qos);
    void set(const identity::Caller& caller, const std::string& id, const std::optional<std::string>& consumer,
             const std::map<std::string, std::string>& specs);
    void unset(const identity::Caller& caller, const std::string& id, const std::vector<std::string>& keys);
    void remove(const identity::Caller& caller, const std::string& id, bool force);

    std::vector<VolumeType> associations(const identity::Caller& caller, const std::string& id) const;
    void associate(const identity::Caller& caller, const std::string& id, const std::string& type);
    void disassociate(const identity::Caller& caller, const std::string& id, const std::string& type);
    void disassociateAll(const identity::Caller& caller, const std::string& id);

private:
    Parts parts_;
};

}
