#pragma once

#include <stratolet/ids.hpp>

#include <string>
#include <vector>

#include "compute/core.hpp"
#include "image/image.hpp"
#include "platform/store/store.hpp"

// Base copies of images, which servers' disks stand on: kept by hosts while servers use them, and as long as an
// administrator wants who has asked for them (the image service's /v2/cache).

namespace stratolet::compute {

/// SQL of base copies, and nothing else. A copy is on every host that has made a server of the image.
struct BaseCopyTable {
    static std::vector<image::NearCopy> all(store::Reader& db); ///< but for those that are to go
    /// False where it is queued or there already.
    static bool queue(store::Transaction& tx, const ImageId& image, const std::string& base, Time now);
    static void fetched(store::Transaction& tx, const ImageId& image, Time now); ///< what was queued is there
    static bool drop(store::Transaction& tx, const ImageId& image, Time now);    ///< false where there is none
    /// What is to go may be on a host again.
    static void dropAgain(store::Transaction& tx, const ImageId& image, Time now);
    static std::string baseOf(store::Reader& db, const ImageId& image); ///< empty where none is wanted
    static bool isPinned(store::Reader& db, const std::string& base);
    static bool knows(store::Reader& db, const std::string& base);       ///< also one that is to go
    static void forget(store::Transaction& tx, const std::string& base); ///< its file is gone
    /// Those that were given up before and that no server stands on.
    static std::vector<ImageId> droppedBefore(store::Reader& db, Time time);
    static void forgetDropped(store::Transaction& tx, const ImageId& image);
};

/// What hosts call the copy of an image: other bytes have another name.
std::string baseNameOf(const ImageId& image, const std::string& checksum);

/// Forgets those that are on no host any more, after a look at all hosts that began `then`: a copy whose row is gone is
/// never removed, so only what was given up before that look counts.
void forgetGoneBases(Core& core, store::Transaction& tx, Time then);

/// What the image service asks about them. Owned by compute; any thread may ask.
class BaseCopies : public image::NearCopies {
public:
    explicit BaseCopies(Core& core) : core_(core) {}

    std::vector<image::NearCopy> all(store::Reader& db) override;
    void queue(store::Transaction& tx, const ImageId& image, const std::string& checksum) override;
    bool remove(store::Transaction& tx, const ImageId& image) override;

    void declareJobs(); ///< "compute.base.fetch", and what follows where an image is deleted

private:
    void lookAgain(store::Transaction& tx);

    Core& core_;
};

}
