#pragma once

#include <stratolet/driver/volume.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace stratolet::test {

/// A back end to be tried: each call makes its driver anew, as a start of the program does, over the same storage.
struct BackEnd {
    std::function<std::unique_ptr<VolumeDriver>()> start;
    std::filesystem::path folder; ///< for files of the tests
    bool flat = true;             ///< it knows layouts
    bool small = false; ///< copies take their time: the volumes are of 1 GiB, and each verb comes once where it copies
    int snapshotsMax = 60; ///< of one volume, that are worth trying at once
};

/// What every driver of volumes has to do, by the words of its interface: asks Catch. The storage is empty before and
/// after.
void conforms(const BackEnd& backEnd);

/// Cuts `verb` off before each system call that changes something on disk, one after the other, and lets `mended` look
/// at what a driver that is started then makes of it. `prepare` comes before each.
void cutOffAnywhere(const BackEnd& backEnd, const std::function<void(VolumeDriver&)>& prepare,
                    const std::function<void(VolumeDriver&)>& verb, const std::function<void(VolumeDriver&)>& mended);

// Bytes of a disk that this machine reaches; where they aren't simply there, by QEMU's own eyes.
void write(const DiskSource& disk, int pattern, std::int64_t at, std::int64_t count);
bool reads(const DiskSource& disk, int pattern, std::int64_t at, std::int64_t count);
Bytes sizeOf(const DiskSource& disk);

/// A guest that has the disk, as far as a driver can see one.
class FakeGuest : public LiveDisk {
public:
    explicit FakeGuest(DiskSource disk) : disk_(std::move(disk)) {}

    bool switchTo(const DiskSource& overlay) override;
    bool mergeInto(const DiskSource& base, const Cancelled& cancelled) override;
    bool moveTo(const DiskSource& to, const Cancelled& cancelled) override;
    bool resize(Bytes size) override;

    const DiskSource& disk() const { return disk_; }
    int asked = 0;    ///< how often
    int failOn = 0;   ///< at that one it says Error(Broken), and nothing has changed
    int killedOn = 0; ///< after that one nobody hears the answer: Error(Busy)

private:
    void begin();
    bool end();
    DiskSource disk_;
};

}
