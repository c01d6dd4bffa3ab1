#pragma once

#include <stratolet/driver/volume.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "block/volume/volume.hpp"
#include "platform/config/config.hpp"

namespace stratolet::block {

/// A back end as the configuration has it: named in [block] backends, described in [backend NAME].
struct BackendOption {
    std::string name;
    std::string driver; ///< "file", "lvm", "nfs", "iscsi"
    bool raw = false;   ///< its format is "raw": every volume lies in one file
    /// Absolute; empty where none is said: that of "file" is "volumes", that of another one "volumes-NAME".
    std::filesystem::path folder;
    std::string group, pool;         ///< of LVM
    bool thin = true;                ///< of LVM: in the pool
    std::string share, mountOptions; ///< of NFS
    std::string address;             ///< of iSCSI: where it is served
    int port = 3260, control = 0;    ///< of iSCSI: there, and of tgtd
    bool exportAlways = false;       ///< of iSCSI: to this host too
};

/// Error(Invalid) for a list that names none, or one twice, and for two with one folder.
std::vector<BackendOption> backendsIn(const Config& config);

std::string
backendsComplaint(const std::string& option); ///< what is wrong with the option "backends", empty where nothing is

/// The back ends of this cloud, at least one. Each volume says in which it is: "host@backend#pool".
class Backends {
public:
    Backends(const std::vector<std::unique_ptr<VolumeDriver>>& all, std::string host);

    const std::vector<VolumeDriver*>& all() const { return all_; }

    /// What a volume made there says: "name@fast#fast".
    std::string placeOf(const VolumeDriver& driver) const;

    /// The one that a volume is in. Error(Broken) where the configuration names it no more.
    VolumeDriver& of(const Volume& volume) const;

    /// The one that is called "name@fast", or by its pool "name@fast#fast"; null where none is.
    VolumeDriver* at(std::string_view host) const;

private:
    std::vector<VolumeDriver*> all_;
    std::string host_;
};

/// "name@fast" of "name@fast#pool".
std::string hostIn(std::string_view place);

/// "fast" of "name@fast#pool".
std::string_view backendIn(std::string_view place);

}
