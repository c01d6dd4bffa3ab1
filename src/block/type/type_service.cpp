#include "block/type/type_service.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "block/volume/volume_access.hpp"
#include "platform/config/config.hpp"

namespace stratolet::block {

using identity::Caller;

namespace {

/// A cached volume's bytes may be another's that is written to (Cinder, types_extra_specs).
void requireNoCacheOfShared(const VolumeType& type) {
    if (saysTrue(type, "multiattach") && saysTrue(type, "cacheable"))
        throw Error(Failure::Invalid, "cacheable cannot be set with multiattach.");
}

Error alreadyThere(const std::string& name) {
    return Error(Failure::Conflict, "Volume Type ", name, " already exists.");
}

Error notForPublicTypes() {
    return Error(Failure::Invalid, "Invalid volume type: Type access modification is not applicable to public volume "
                                   "type.");
}

}

VolumeTypes::VolumeTypes(Parts parts, const VolumeQuotas& quotas, identity::Identity& identity)
    : parts_(parts),
      quotas_(quotas),
      identity_(identity),
      default_(parts.config.text("block", "default_volume_type")) {}

VolumeType VolumeTypes::wanted(store::Reader& db, const Caller& caller, std::string_view idOrName) const {
    if (idOrName.empty()) return defaultOf(db, caller.project);
    auto type = type_table::findNamed(db, idOrName);
    if (!type || !(type->isPublic || isAdmin(caller) || type_table::hasAccess(db, type->id, caller.project)))
        throw missingType(idOrName);
    return *std::move(type);
}

VolumeType VolumeTypes::visible(store::Reader& db, const Caller& caller, const std::string& id) const {
    auto type = wanted(db, caller, id.empty() ? "-" : std::string_view(id));
    if (type.id != id) throw missingType(id);
    return type;
}

VolumeType VolumeTypes::defaultOf(store::Reader& db, const ProjectId& project) const {
    if (const auto own = type_table::defaultOf(db, project))
        if (auto type = type_table::find(db, *own)) return *std::move(type);
    auto type = type_table::findNamed(db, default_);
    if (!type)
        throw Error(Failure::Broken, "[block] default_volume_type names \"", default_, "\", and there is no such type");
    return *std::move(type);
}

ListPage<VolumeType> VolumeTypes::list(const Caller& caller, ListQuery query, std::optional<bool> isPublic) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        auto& conditions = query.listing.conditions;
        if (!isAdmin(caller)) isPublic = true;
        if (isPublic == true)
            conditions.add("(t.is_public = 1 OR EXISTS (SELECT 1 FROM volume_type_projects p WHERE p.type_id = t.id "
                           "AND p.project_id = ?))",
                           caller.project);
        else if (isPublic == false)
            conditions.add("t.is_public = 0");
        if (!query.listing.marker.empty()) visible(db, caller, query.listing.marker);
        return ListPage<VolumeType>{resource::pageOf(db, typeColumns, query.listing, query.offset)};
    });
}

VolumeType VolumeTypes::show(const Caller& caller, const std::string& id) const {
    auto& db = parts_.store.reader();
    caller.enforce();
    return visible(db, caller, id);
}

VolumeType VolumeTypes::showDefault(const Caller& caller) const {
    caller.enforce();
    return defaultOf(parts_.store.reader(), caller.project);
}

VolumeType VolumeTypes::create(const Caller& caller, VolumeType type) {
    caller.enforce();
    requireNoCacheOfShared(type);
    return parts_.store.write([&](store::Transaction& tx) {
        type.id = parts_.ambient.uuid();
        type.created = parts_.ambient.now();
        if (const auto there = type_table::findNamed(tx, type.name); there && there->name == type.name)
            throw alreadyThere(type.name);
        type_table::insert(tx, type);
        return type;
    });
}

VolumeType VolumeTypes::update(const Caller& caller, const std::string& id,
                               const std::function<void(VolumeType&)>& amend) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        auto type = visible(tx, caller, id);
        const auto name = type.name;
        amend(type);
        if (type.name != name) {
            if (const auto there = type_table::findNamed(tx, type.name); there && there->name == type.name)
                throw alreadyThere(type.name);
            if (name == default_)
                throw Error(Failure::Invalid, "The volume type ", id, " is named in the configuration of the cloud.");
        }
        if (type.name != name) quotas_.renameType(tx, name, type.name);
        type.updated = parts_.ambient.now();
        typeColumns.update(tx, type);
        return type;
    });
}

void VolumeTypes::remove(const Caller& caller, const std::string& id) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        const auto type = visible(tx, caller, id);
        if (type.name == default_ || type_table::isDefaultOfAny(tx, id))
            throw Error(Failure::Invalid, "The volume type ", id, " is a default volume type and cannot be deleted.");
        if (type_table::anyVolumeOf(tx, id)) throw Error(Failure::Invalid, "Target volume type is still in use.");
        quotas_.forgetType(tx, type.name);
        type_table::remove(tx, id);
    });
}

// --- extra specs

ExtraSpecs visibleSpecs(const Caller& caller, const VolumeType& type) {
    if (caller.may("volume_extension:types_extra_specs:read_sensitive", {})) return type.extraSpecs;
    ExtraSpecs seen;
    for (const auto& each : type.extraSpecs)
        if (isVisibleSpec(each.first)) seen.insert(each);
    return seen;
}

ExtraSpecs VolumeTypes::specs(const Caller& caller, const std::string& type) const {
    caller.enforce();
    return visibleSpecs(caller, visible(parts_.store.reader(), caller, type));
}

/// What a type promises doesn't change under those who have it.
VolumeType VolumeTypes::unused(store::Transaction& tx, const Caller& caller, const std::string& id) const {
    auto type = visible(tx, caller, id);
    if (type_table::anyVolumeOf(tx, id)) throw Error(Failure::Invalid, "Volume Type is currently in use.");
    return type;
}

void VolumeTypes::setSpecs(const Caller& caller, const std::string& id, const ExtraSpecs& specs) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        auto type = unused(tx, caller, id);
        for (const auto& [name, value] : specs) type.extraSpecs[name] = value;
        requireNoCacheOfShared(type);
        constexpr std::size_t specsMax = 1000; // Cinder bounds it by the size of a request alone, again and again
        if (type.extraSpecs.size() > specsMax)
            throw Error(Failure::Invalid, "A volume type has at most ", specsMax, " extra specs.");
        for (const auto& [name, value] : specs) type_table::setSpec(tx, id, name, value);
    });
}

void VolumeTypes::removeSpec(const Caller& caller, const std::string& id, const std::string& name) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        unused(tx, caller, id);
        if (!type_table::removeSpec(tx, id, name))
            throw Error(Failure::NotFound, "Volume Type ", id, " has no extra specs with key ", name, ".");
    });
}

// --- access

std::vector<std::string> VolumeTypes::access(const Caller& caller, const std::string& id) const {
    caller.enforce();
    auto& db = parts_.store.reader();
    if (visible(db, caller, id).isPublic)
        throw Error(Failure::NotFound, "Access list not available for public volume types.");
    return type_table::projectsOf(db, id);
}

void VolumeTypes::allow(const Caller& caller, std::string_view rule, const std::string& id, const ProjectId& project) {
    caller.enforce(rule, {});
    parts_.store.write([&](store::Transaction& tx) {
        if (visible(tx, caller, id).isPublic) throw notForPublicTypes();
        if (!type_table::allow(tx, id, project))
            throw Error(Failure::Conflict, "Volume type access for ", id, " / ", project,
                        " combination already exists.");
    });
}

void VolumeTypes::disallow(const Caller& caller, std::string_view rule, const std::string& id,
                           const ProjectId& project) {
    caller.enforce(rule, {});
    parts_.store.write([&](store::Transaction& tx) {
        if (visible(tx, caller, id).isPublic) throw notForPublicTypes();
        if (!type_table::disallow(tx, id, project))
            throw Error(Failure::NotFound, "Volume type access not found for ", id, " / ", project, " combination.");
    });
}

// --- defaults of projects

std::vector<std::pair<ProjectId, std::string>> VolumeTypes::defaults(const Caller& caller) const {
    caller.enforce();
    return type_table::defaults(parts_.store.reader());
}

void VolumeTypes::requireProject(const ProjectId& project) const {
    if (!identity_.projectExists(parts_.store.reader(), project))
        throw Error(Failure::NotFound, "Project with id ", project, " not found.");
}

std::string VolumeTypes::projectDefault(const Caller& caller, const ProjectId& project) const {
    caller.enforce({{"project_id", project.text}});
    requireProject(project);
    auto type = type_table::defaultOf(parts_.store.reader(), project);
    if (!type) throw Error(Failure::NotFound, "Default type for project ", project, " not found.");
    return *std::move(type);
}

std::string VolumeTypes::setDefault(const Caller& caller, const ProjectId& project, const std::string& idOrName) {
    caller.enforce({{"project_id", project.text}});
    requireProject(project);
    return parts_.store.write([&](store::Transaction& tx) {
        const auto type = type_table::findNamed(tx, idOrName);
        if (!type) throw Error(Failure::Invalid, missingType(idOrName).what());
        type_table::setDefault(tx, project, type->id);
        return type->id;
    });
}

void VolumeTypes::removeDefault(const Caller& caller, const ProjectId& project) {
    caller.enforce({{"project_id", project.text}});
    parts_.store.write([&](store::Transaction& tx) { type_table::removeDefault(tx, project); });
}

}
