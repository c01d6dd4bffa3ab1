#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "block/list/list.hpp"
#include "block/quota/volume_quotas.hpp"
#include "block/type/type.hpp"
#include "identity/caller.hpp"
#include "identity/identity.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

/// The verbs of volume types: who may, what must hold, one transaction each. Who isn't an administrator sees and uses
/// the public ones and those that the project has access to; any other one isn't there (Error(NotFound)). Owned by the
/// module; any thread.
class VolumeTypes {
public:
    VolumeTypes(Parts parts, const VolumeQuotas& quotas, identity::Identity& identity);

    /// The type that a new volume of the caller's gets: by its id or name; empty: the project's default, or the
    /// cloud's.
    VolumeType wanted(store::Reader& db, const identity::Caller& caller, std::string_view idOrName) const;

    /// By its id alone, as paths name it.
    VolumeType visible(store::Reader& db, const identity::Caller& caller, const std::string& id) const;

    /// The project's default, or the cloud's: [block] default_volume_type. Error(Broken) where there is no such type.
    VolumeType defaultOf(store::Reader& db, const ProjectId& project) const;

    /// `isPublic`: nothing is whether or not; an administrator's alone.
    ListPage<VolumeType> list(const identity::Caller& caller, ListQuery query, std::optional<bool> isPublic) const;
    VolumeType show(const identity::Caller& caller, const std::string& id) const;
    VolumeType showDefault(const identity::Caller& caller) const;
    VolumeType create(const identity::Caller& caller, VolumeType type);
    VolumeType update(const identity::Caller& caller, const std::string& id,
                      const std::function<void(VolumeType&)>& amend);
    void remove(const identity::Caller& caller, const std::string& id);

    // Extra specs, as far as the caller sees them.
    ExtraSpecs specs(const identity::Caller& caller, const std::string& type) const;
    void setSpecs(const identity::Caller& caller, const std::string& type, const ExtraSpecs& specs);
    void removeSpec(const identity::Caller& caller, const std::string& type, const std::string& name);

    // Which projects have access to one that isn't public.
    std::vector<std::string> access(const identity::Caller& caller, const std::string& type) const;
    void allow(const identity::Caller& caller, std::string_view rule, const std::string& type,
               const ProjectId& project);
    void disallow(const identity::Caller& caller, std::string_view rule, const std::string& type,
                  const ProjectId& project);

    // Defaults of projects: (project, type).
    std::vector<std::pair<ProjectId, std::string>> defaults(const identity::Caller& caller) const;
    std::string projectDefault(const identity::Caller& caller, const ProjectId& project) const;
    std::string setDefault(const identity::Caller& caller, const ProjectId& project, const std::string& idOrName);
    void removeDefault(const identity::Caller& caller, const ProjectId& project);

private:
    VolumeType unused(store::Transaction& tx, const identity::Caller& caller, const std::string& id) const;

    void requireProject(const ProjectId& project) const;

    Parts parts_;
    const VolumeQuotas& quotas_;
    identity::Identity& identity_;
    std::string default_; ///< name
};

/// What of a type's extra specs the caller sees.
ExtraSpecs visibleSpecs(const identity::Caller& caller, const VolumeType& type);

}
