#pragma once

#include <stratolet/driver/volume.hpp>

#include <initializer_list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "block/backends.hpp"
#include "block/message/message.hpp"
#include "block/volume/volume.hpp"
#include "image/image.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

/// What all jobs on the bytes of volumes have in common: whose job one is, whose turn it is, and which guest has to be
/// asked. Owned by the module; any thread.
class VolumeWork {
public:
    VolumeWork(Parts given, const Backends& itsBackends, image::Images& itsImages)
        : parts(given),
          backends(itsBackends),
          images(itsImages) {}

    Parts parts;
    const Backends& backends;
    image::Images& images;
    LiveDisks* live = nullptr; ///< set once, before jobs start; null where there is nobody to ask

    /// Enqueues a job about a volume, which says so in its payload ("volume"), beside the texts in `more`. A volume
    /// that a server of ours has is worked on in the server's own order, any other in its own.
    void enqueue(store::Transaction& tx, std::string_view kind, const Volume& volume,
                 std::initializer_list<std::pair<std::string_view, std::string>> more = {});

    /// Whether a job works on the volume or will: its own, or one of the server that has it.
    bool busy(store::Reader& db, const VolumeId& volume);

    /// The volume that the job was enqueued for. Error(Broken) where it is gone.
    Volume volumeOf(const jobs::Run& run);
    static VolumeId idOf(const jobs::Run& run);

    /// Says to the volume's project, by a message, that what `request` wanted came to nothing.
    void tell(store::Transaction& tx, const Volume& volume, const std::string& request, Doing action, Wrong detail);

    /// While one of these is there, nobody else works on the volume's bytes and its snapshots': drivers want that.
    class Turn {
    public:
        Turn(VolumeWork& work, std::string volume) : work_(&work), volume_(std::move(volume)) {}
        Turn(Turn&& other) noexcept : work_(std::exchange(other.work_, nullptr)), volume_(std::move(other.volume_)) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn();

    private:
        VolumeWork* work_;
        std::string volume_;
    };
    Turn turn(const VolumeId& volume); ///< Error(Busy) while another has it

    /// The disk of the guest that has the volume; null where none has.
    std::unique_ptr<LiveDisk> liveDisk(const VolumeId& volume);

    /// The bytes of `from`, which nobody writes to, into `to`, which is there and no smaller; the rest reads as zeros.
    static void copyBytes(const DiskSource& from, const DiskSource& to, const Cancelled& cancelled);

    /// The bytes of `from`, which nobody writes to, into a volume of another back end, where it has its place and size;
    /// the rest reads as zeros.
    static void copy(const DiskSource& from, VolumeDriver& to, const Volume& volume, const Cancelled& cancelled);

    /// What is sealed lies in one raw file, and so does what several guests write to.
    static Layout layoutOf(const Volume& volume) {
        return volume.encryptionKey.empty() && !volume.multiattach ? Layout::Any : Layout::Flat;
    }

private:
    std::string subjectOf(store::Reader& db, const VolumeId& volume);

    std::mutex lock_;
    std::set<std::string> taken_;
};

}
