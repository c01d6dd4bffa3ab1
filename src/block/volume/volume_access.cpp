#include "block/volume/volume_access.hpp"

#include "block/volume/volume_table.hpp"

namespace stratolet::block {

using identity::Caller;

bool isAdmin(const Caller& caller) { return caller.may("context_is_admin", {}); }

Target targetOf(const Volume& volume) { return {{"project_id", volume.project.text}}; }

Volume visible(store::Reader& db, const Caller& caller, const VolumeId& id) {
    auto volume = volume_table::find(db, id);
    if (!volume || ((volume->project != caller.project || volume->deleted) && !isAdmin(caller))) throw missing(id);
    return *std::move(volume);
}

Volume permitted(store::Reader& db, const Caller& caller, std::string_view rule, const VolumeId& id) {
    auto volume = visible(db, caller, id);
    caller.enforce(rule, targetOf(volume));
    return volume;
}

void restrict(store::Conditions& conditions, const Caller& caller, bool allProjects, char alias) {
    if (!allProjects || !isAdmin(caller)) conditions.add(std::string(1, alias) + ".project_id = ?", caller.project);
}

void restrictVolumes(store::Conditions& conditions, const Caller& caller, bool allProjects) {
    restrict(conditions, caller, allProjects, 'v');
    conditions.add("v.deleted IS NULL");
}

Error missing(const VolumeId& volume) { return Error(Failure::NotFound, "Volume ", volume, " could not be found."); }

}
