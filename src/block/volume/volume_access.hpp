#pragma once

#include <string_view>

#include <stratolet/error.hpp>

#include "block/volume/volume.hpp"
#include "identity/caller.hpp"
#include "platform/store/store.hpp"

// Who may see and change a volume: the same questions for all verbs of this service, asked in the transaction of the
// verb.

namespace stratolet::block {

bool isAdmin(const identity::Caller& caller);
Target targetOf(const Volume& volume);

/// Error(NotFound) where there is none, or one of a project that isn't the caller's, or one in the recycle bin (an
/// administrator sees all).
Volume visible(store::Reader& db, const identity::Caller& caller, const VolumeId& volume);

/// The same, and Error(Forbidden) where the rule doesn't let the caller do that.
Volume permitted(store::Reader& db, const identity::Caller& caller, std::string_view rule, const VolumeId& volume);

/// Of a list over the table with this alias: only the caller's own project's, unless an administrator asks for all.
void restrict(store::Conditions& conditions, const identity::Caller& caller, bool allProjects, char alias);

/// The same of the volumes `v`, and never what is in the recycle bin.
void restrictVolumes(store::Conditions& conditions, const identity::Caller& caller, bool allProjects);

Error missing(const VolumeId& volume);

/// Error(Invalid) as the API words it where a volume's status doesn't allow what is asked for.
template <class... Parts> Error invalidVolume(const Parts&... parts) {
    return Error(Failure::Invalid, "Invalid volume: ", parts...);
}

}
