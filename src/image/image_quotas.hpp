#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "image/image_table.hpp"
#include "platform/config/config.hpp"

namespace stratolet::image {

/// How much of each resource a project may have: what identity's unified limits say for the service type "image", else
/// what the configuration says. What it has is counted from the rows, in the transaction that adds to it. All refusals
/// are Error(OverLimit). Owned by ImageService; any thread.
class ImageQuotas {
public:
    ImageQuotas(const Config& config, ImageTable& table);

    std::int64_t sizeCapBytes() const { return sizeCapBytes_; } ///< of one image, whoever owns it

    void claimImage(store::Reader& db, const ProjectId& owner) const;
    void claimUpload(store::Reader& db, const ProjectId& owner) const; ///< one more on its way in
    void claimBytes(store::Reader& db, const ProjectId& owner, std::int64_t bytes) const;
    void claimStaged(store::Reader& db, const ProjectId& owner, std::int64_t bytes) const;

    std::int64_t room(store::Reader& db, const ProjectId& owner) const;        ///< bytes that the next image may have
    std::int64_t stagingRoom(store::Reader& db, const ProjectId& owner) const; ///< bytes that may be staged

    struct Usage {
        std::string resource;
        std::int64_t limit, used;
    };
    std::vector<Usage> usage(store::Reader& db, const ProjectId& owner) const; ///< sizes in MiB, rounded up

private:
    std::int64_t limit(store::Reader& db, const ProjectId& owner, std::string_view resource) const;
    void claimOne(store::Reader& db, const ProjectId& owner, std::string_view resource, std::int64_t used) const;
    std::int64_t roomFor(store::Reader& db, const ProjectId& owner, std::string_view resource, std::int64_t used) const;
    void claim(store::Reader& db, const ProjectId& owner, std::string_view resource, std::int64_t used,
               std::int64_t bytes) const;

    ImageTable& table_;
    std::map<std::string, std::int64_t, std::less<>> configured_;
    std::int64_t sizeCapBytes_;
};

}
