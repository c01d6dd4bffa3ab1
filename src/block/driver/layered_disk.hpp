#pragma once

#include <stratolet/driver/live_disk.hpp>

#include <filesystem>
#include <string>

namespace stratolet::block {

/// A volume whose bytes lie in layers (layers.hpp), with the guest that may run on it: `live`, null where none does.
/// Each verb may be cut off anywhere and be called again; settle() comes first. One thread at a time.
class LayeredDisk {
public:
    /// So many layers at most; more would make every look at a byte that nobody has written since a long one.
    static constexpr std::size_t depthMax = 48;

    /// `alias`: the name that the lowest layer may have beside the folder.
    LayeredDisk(std::filesystem::path folder, std::filesystem::path alias);

    /// Ends what an earlier verb has begun.
    void settle(LiveDisk* live);

    /// Where its guest reaches it. Error(Busy) while only settle() can tell.
    DiskSource source() const;

    void grow(Bytes size, LiveDisk* live);

    /// Keeps the bytes of this moment: a new head goes over them. Returns the layer that has them; the same one again
    /// for the same `cause`, which is a name that nothing else has, as long as nothing else has been put on top.
    std::string stepUp(const std::string& cause, LiveDisk* live, const Cancelled& cancelled);

    /// Layers that nobody else has become one. Where that can't be, they stay as they are.
    void compact(LiveDisk* live, const Cancelled& cancelled);

private:
    DiskSource sourceOf(const std::string& layer) const;
    bool isOursAlone(const std::string& layer) const;
    template <class Ask> bool takesGuestTo(const std::string& layer, LiveDisk* live, Ask ask);
    void merge(const std::string& base, LiveDisk* live, const Cancelled& cancelled);
    void flatten(LiveDisk* live, const Cancelled& cancelled);
    void arrive(const std::string& layer);

    std::filesystem::path folder_, alias_;
};

}
