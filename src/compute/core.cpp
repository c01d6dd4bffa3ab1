#include "compute/core.hpp"

#include <stratolet/error.hpp>

namespace stratolet::compute {

void Core::claimMetadata(store::Reader& db, const ProjectId& project, std::size_t items) const {
    const auto most = quotas.limit(db, project.text, "metadata_items");
    if (most >= 0 && static_cast<std::int64_t>(items) > most)
        throw Error(Failure::OverLimit, "Maximum number of metadata items exceeds ", most);
}

}
