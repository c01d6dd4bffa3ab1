#include "compute/driver/libvirt_disk.hpp"

#include <stratolet/driver/local_path.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "compute/driver/domain_xml.hpp"
#include "compute/driver/libvirt_calls.hpp"

namespace stratolet::compute::libvirt {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto look = 100ms;      // between two looks at a block job
constexpr auto stuckAfter = 5min; // a block job that gets no further in this time is given up

/// The disk as the guest has it now, or as its definition has it.
std::optional<std::string> diskIn(virDomainPtr domain, unsigned flags, const std::string& serial) {
    for (auto& block : deviceBlocks(descriptionOf(domain, flags), "disk"))
        if (serialOf(block) == serial) return std::move(block);
    return std::nullopt;
}

bool same(const std::string& one, const fs::path& other) {
    std::error_code ignored;
    return one == other || fs::equivalent(one, other, ignored); // a hard link is as good
}

bool standsOn(const std::optional<std::string>& disk, const DiskSource& source) {
    if (!disk) return false;
    const auto files = filesOf(*disk);
    return !files.empty() && same(files.front(), localPath(source));
}

/// As the guest's chain names it.
std::string nameIn(const std::string& disk, const DiskSource& source) {
    for (const auto& each : filesOf(disk))
        if (same(each, localPath(source))) return each;
    return {};
}

class LibvirtDisk : public LiveDisk {
public:
    LibvirtDisk(WithGuest guest, std::string serial) : guest_(std::move(guest)), serial_(std::move(serial)) {}

    bool switchTo(const DiskSource& overlay) override {
        return ask([&](virDomainPtr domain, const std::string& disk) {
            if (standsOn(disk, overlay)) return;
            // Every disk that isn't named would be switched too.
            std::string others;
            for (const auto& each : deviceBlocks(descriptionOf(domain, 0), "disk"))
                if (serialOf(each) != serial_) others += "<disk name='" + targetOf(each) + "' snapshot='no'/>";
            const auto xml = "<domainsnapshot><disks><disk name='" + targetOf(disk) +
                             "' snapshot='external' type='file'><driver type='" + std::string(nameOf(overlay.format)) +
                             "'/><source file='" + xmlEscaped(localPath(overlay).string()) + "'/></disk>" + others +
                             "</disks></domainsnapshot>";
            const Handle<virDomainSnapshot, freeSnapshot> made(virDomainSnapshotCreateXML(
                domain, xml.c_str(),
                VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT |
                    VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC));
            if (!made) fail("switch a guest to a new layer of its disk");
        });
    }

    bool mergeInto(const DiskSource& base, const Cancelled& cancelled) override {
        const auto begin = [&](virDomainPtr domain, const std::string& disk) {
            // Without a base it would go into the lowest file, which others stand on.
            const auto name = nameIn(disk, base);
            if (name.empty()) throw Error(Failure::Broken, "a guest's disk does not stand on ", localPath(base));
            checked(virDomainBlockCommit(domain, targetOf(disk).c_str(), name.c_str(), nullptr, 0,
                                         VIR_DOMAIN_BLOCK_COMMIT_ACTIVE),
                    "begin to merge the layers of a guest's disk");
        };
        return pivot(base, VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT, begin, cancelled);
    }

    bool moveTo(const DiskSource& to, const Cancelled& cancelled) override {
        const auto begin = [&](virDomainPtr domain, const std::string& disk) {
            const auto xml = diskXml({.serial = {}, .source = to, .device = targetOf(disk)});
            checked(virDomainBlockCopy(domain, targetOf(disk).c_str(), xml.c_str(), nullptr, 0,
                                       VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB),
                    "begin to move a guest's disk");
        };
        return pivot(to, VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, begin, cancelled);
    }

    bool resize(Bytes size) override {
        return ask([&](virDomainPtr domain, const std::string& disk) {
            checked(virDomainBlockResize(domain, targetOf(disk).c_str(), static_cast<unsigned long long>(size.count),
                                         VIR_DOMAIN_BLOCK_RESIZE_BYTES),
                    "make a guest's disk larger");
        });
    }

private:
    static void freeSnapshot(virDomainSnapshotPtr snapshot) { virDomainSnapshotFree(snapshot); }

    struct Progress {
        bool begun = false;
        unsigned long long done = 0;
        Clock::time_point moved = Clock::now();
    };

    /// False where no guest runs with the disk.
    template <class Work> bool ask(Work work) {
        bool runs = false;
        guest_([&](virDomainPtr domain) {
            runs = false;
            if (!domain || checked(virDomainIsActive(domain), "look whether a guest runs") != 1) return;
            const auto disk = diskIn(domain, 0, serial_);
            if (!disk) return;
            runs = true;
            work(domain, *disk);
        });
        return runs;
    }

    /// Whether a block job is at work on the disk. One that is not wanted any more, or is stuck, is given up.
    bool under(virDomainPtr domain, const std::string& disk, int kind, Progress& progress, const Cancelled& cancelled) {
        virDomainBlockJobInfo job{};
        if (checked(virDomainGetBlockJobInfo(domain, targetOf(disk).c_str(), &job, 0), "look at a block job") == 0)
            return false;
        if (job.type != kind) throw Error(Failure::Busy, "another block job is at work on a guest's disk");
        progress.begun = true;
        if (job.cur != progress.done) progress.moved = Clock::now();
        progress.done = job.cur;
        const bool stuck = Clock::now() - progress.moved > stuckAfter;
        if (!stuck && !(cancelled && cancelled())) return true;
        virDomainBlockJobAbort(domain, targetOf(disk).c_str(), 0);
        throw Error(Failure::Busy, stuck ? "a block job got no further" : "a block job was stopped");
    }

    /// Until the guest is on `to`. A guest that has gone is where its definition says.
    template <class Begin> bool pivot(const DiskSource& to, int kind, Begin begin, const Cancelled& cancelled) {
        for (Progress progress;;) {
            bool there = false;
            const bool runs = ask([&](virDomainPtr domain, const std::string& disk) {
                const bool busy = under(domain, disk, kind, progress, cancelled);
                if (!busy) {
                    there = standsOn(disk, to);
                    if (there) return;
                    if (progress.begun) throw Error(Failure::Broken, "a block job on a guest's disk came to nothing");
                    begin(domain, disk);
                    progress.begun = true;
                } else if (disk.find(" ready='yes'") != std::string::npos) {
                    checked(virDomainBlockJobAbort(domain, targetOf(disk).c_str(), VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT),
                            "let a guest go on with its disk where it is now");
                }
            });
            if (there) return true;
            if (!runs) return defined(to);
            std::this_thread::sleep_for(look);
        }
    }

    bool defined(const DiskSource& to) {
        bool there = false;
        guest_([&](virDomainPtr domain) {
            there = domain && standsOn(diskIn(domain, VIR_DOMAIN_XML_INACTIVE, serial_), to);
        });
        return there;
    }

    WithGuest guest_;
    std::string serial_;
};

void freeSecret(virSecretPtr secret) { virSecretFree(secret); }
using SecretHandle = Handle<virSecret, freeSecret>;

}

std::unique_ptr<LiveDisk> diskOf(WithGuest guest, std::string serial) {
    return std::make_unique<LibvirtDisk>(std::move(guest), std::move(serial));
}

void ensureSecrets(virConnectPtr connection, const std::string& xml, const SecretLookup& secrets) {
    for (const auto& [type, id] : secretsIn(xml)) {
        const auto says = secrets ? secrets(SecretId{id}) : std::string();
        if (says.empty()) throw Error(Failure::Broken, "nobody knows the secret ", id, " of a disk");
        // libvirt lets a disk have no secret but one of its own kind of use, and calls those by several words.
        const auto use = type == "passphrase" ? "type='volume'><volume>" + id + "</volume>"
                         : type == "ceph"     ? "type='ceph'><name>" + id + "</name>"
                                              : "type='iscsi'><target>" + id + "</target>";
        const auto wanted =
            "<secret ephemeral='yes' private='yes'><uuid>" + id + "</uuid><usage " + use + "</usage></secret>";
        const SecretHandle secret(virSecretDefineXML(connection, wanted.c_str(), 0));
        if (!secret) fail("tell libvirt of a secret");
        checked(virSecretSetValue(secret.get(), reinterpret_cast<const unsigned char*>(says.data()), says.size(), 0),
                "tell libvirt a secret");
    }
}

void forgetSecrets(virConnectPtr connection, const std::string& xml) {
    for (const auto& each : secretsIn(xml))
        if (const SecretHandle secret(virSecretLookupByUUIDString(connection, each.id.c_str())); secret)
            virSecretUndefine(secret.get());
}

}
