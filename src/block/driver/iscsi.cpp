#include "block/driver/iscsi.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <optional>
#include <unordered_map>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "block/driver/copying.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/os/folder.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view targetPrefix = "iqn.2026-01.org.stratolet:volume-", unfinished = ".part";

/// Somebody who has a volume: a line of the volume's file.
struct Connection {
    std::string host;
    SecretId secret;
    iscsi::Account account;
};

/// What goes to tgtadm and into a line has the letters of names and addresses alone.
void requireName(const std::string& text, std::string_view what) {
    const bool plain = text.size() <= 255 && std::all_of(text.begin(), text.end(), [](unsigned char each) {
                           return std::isalnum(each) ||
                                  std::string_view(".-_:").find(static_cast<char>(each)) != std::string_view::npos;
                       });
    if (!plain || text.starts_with('-')) throw Error(Failure::Invalid, "\"", text, "\" is no ", what, ".");
}

class IscsiDriver : public VolumeDriver {
public:
    IscsiDriver(std::unique_ptr<VolumeDriver> volumes, IscsiOptions options)
        : volumes_(std::move(volumes)),
          options_(std::move(options)) {
        ensureFolder(options_.target.folder, Lets::Nobody);
        iscsi::ensureDaemon(options_.target);
        for (const auto& entry : fs::directory_iterator(options_.target.folder)) {
            const auto name = entry.path().filename().string();
            if (name.ends_with(unfinished)) fs::remove(entry.path());
            if (!isUuid(name)) continue;
            for (const auto& each : connectionsOf({name})) whose_.emplace(each.secret.text, VolumeId{name});
            serve({name});
        }
    }

    std::string_view name() const override { return volumes_->name(); }
    std::string_view protocol() const override { return "iSCSI"; }
    VolumeCapabilities capabilities() const override { return volumes_->capabilities(); }

    void ensure(const VolumeId& volume, GiB size, Layout layout, LiveDisk* live) override {
        volumes_->ensure(volume, size, layout, live);
        const std::lock_guard guard(lock_);
        // Sessions go on, and see the size when they look for it.
        if (!connectionsOf(volume).empty()) iscsi::renewUnit(options_.target, targetOf(volume), fileOf(volume));
    }
    void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) override {
        volumes_->fill(volume, size, image, cancelled);
    }
    void restore(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        volumes_->restore(volume, size, snapshot, cancelled);
    }
    void clone(const VolumeId& volume, GiB size, const VolumeId& source, const Cancelled& cancelled,
               LiveDisk* live) override {
        volumes_->clone(volume, size, source, cancelled, live);
    }
    void snapshot(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                  LiveDisk* live) override {
        volumes_->snapshot(snapshot, volume, cancelled, live);
    }
    void discard(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                 LiveDisk* live) override {
        volumes_->discard(snapshot, volume, cancelled, live);
    }
    void revert(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        volumes_->revert(volume, size, snapshot, cancelled);
    }

    /// Nobody has it any more before its bytes go: what comes next in their place is another's (CVE-2023-2088).
    void discard(const VolumeId& volume) override {
        forget(volume);
        volumes_->discard(volume);
    }
    void release(const VolumeId& volume) override {
        forget(volume);
        volumes_->release(volume);
    }

    DiskSource connect(const VolumeId& volume, const Connector& connector) override {
        if (isHere(connector)) return volumes_->connect(volume, connector);
        requireName(connector.host, "host");
        requireName(connector.address, "address");
        requireName(connector.initiator, "iSCSI name");
        const std::lock_guard guard(lock_);
        auto all = connectionsOf(volume);
        auto found =
            std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.host == connector.host; });
        if (found == all.end()) {
            RealAmbient chance;
            all.push_back({.host = connector.host,
                           .secret = {chance.uuid()},
                           .account = {.user = "stratolet-" + chance.hexId(),
                                       .password = chance.secret(24),
                                       .address = connector.address,
                                       .initiator = connector.initiator}});
            keep(volume, all);
            found = std::prev(all.end());
        }
        iscsi::ensureTarget(options_.target, targetOf(volume), fileOf(volume), accountsOf(all));
        return {NetworkDisk{.protocol = DiskProtocol::Iscsi,
                            .name = targetOf(volume) + "/1",
                            .hosts = {{options_.target.address, options_.target.port}},
                            .user = found->account.user,
                            .secret = found->secret},
                DiskFormat::Raw};
    }

    void disconnect(const VolumeId& volume, const Connector& connector) override {
        if (isHere(connector)) return volumes_->disconnect(volume, connector);
        const std::lock_guard guard(lock_);
        auto all = connectionsOf(volume);
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.host == connector.host; });
        if (found == all.end()) return;
        const auto gone = found->account;
        all.erase(found);
        if (all.empty()) {
            iscsi::removeTarget(options_.target, targetOf(volume));
        } else {
            iscsi::removeAccount(options_.target, targetOf(volume), gone);
            iscsi::ensureTarget(options_.target, targetOf(volume), fileOf(volume), accountsOf(all));
        }
        keep(volume, all);
    }

    std::string secret(const SecretId& secret) override {
        const std::lock_guard guard(lock_);
        const auto found = whose_.find(secret.text);
        if (found == whose_.end()) return volumes_->secret(secret);
        for (const auto& each : connectionsOf(found->second))
            if (each.secret == secret) return each.account.password;
        return {};
    }

    DiskSource source(const VolumeId& volume) override { return volumes_->source(volume); }
    DiskSource source(const SnapshotId& snapshot) override { return volumes_->source(snapshot); }
    std::vector<Manageable> manageable() override { return volumes_->manageable(); }
    GiB adopt(const VolumeId& volume, const std::string& reference) override {
        return volumes_->adopt(volume, reference);
    }
    void adopt(const SnapshotId& snapshot, const VolumeId& volume, const std::string& reference) override {
        volumes_->adopt(snapshot, volume, reference);
    }
    void release(const SnapshotId& snapshot, const VolumeId& volume) override { volumes_->release(snapshot, volume); }
    std::vector<VolumeId> present() override { return volumes_->present(); }
    std::vector<SnapshotId> presentSnapshots() override { return volumes_->presentSnapshots(); }
    Bytes capacity() override { return volumes_->capacity(); }
    Bytes free() override { return volumes_->free(); }

private:
    bool isHere(const Connector& connector) const {
        return !options_.always && (connector.host.empty() || connector.host == options_.host);
    }

    static std::string targetOf(const VolumeId& volume) { return std::string(targetPrefix) + volume.text; }
    fs::path fileOf(const VolumeId& volume) { return localPath(volumes_->source(volume)); }

    fs::path recordOf(const VolumeId& volume) const {
        if (!isUuid(volume.text)) throw Error(Failure::Broken, "an id cannot be a file name: ", volume);
        return options_.target.folder / volume.text;
    }

    static std::vector<iscsi::Account> accountsOf(const std::vector<Connection>& all) {
        std::vector<iscsi::Account> accounts;
        for (const auto& each : all) accounts.push_back(each.account);
        return accounts;
    }

    // A line each, "-" where a word is empty: the lock is held.

    std::vector<Connection> connectionsOf(const VolumeId& volume) const {
        std::vector<Connection> all;
        std::ifstream file(recordOf(volume));
        const auto word = [](std::string text) { return text == "-" ? std::string() : text; };
        for (std::string host, secret, user, password, address, initiator;
             file >> host >> secret >> user >> password >> address >> initiator;)
            all.push_back({word(host), {secret}, {user, password, word(address), word(initiator)}});
        return all;
    }

    void keep(const VolumeId& volume, const std::vector<Connection>& all) {
        const auto record = recordOf(volume);
        for (const auto& each : connectionsOf(volume)) whose_.erase(each.secret.text);
        for (const auto& each : all) whose_.emplace(each.secret.text, volume);
        if (all.empty()) {
            fs::remove(record);
        } else {
            std::string lines;
            for (const auto& each : all) {
                for (const auto& word : {each.host, each.secret.text, each.account.user, each.account.password,
                                         each.account.address, each.account.initiator})
                    lines += (word.empty() ? "-" : word) + " ";
                lines.back() = '\n';
            }
            const auto part = fs::path(record) += unfinished;
            const auto file = createAnew(part);
            writeAll(file.get(), lines, "keep who has a volume");
            check(::fsync(file.get()), "keep who has a volume");
            fs::rename(part, record);
        }
        syncFolder(options_.target.folder);
    }

    void serve(const VolumeId& volume) {
        const auto all = connectionsOf(volume);
        if (!all.empty()) iscsi::ensureTarget(options_.target, targetOf(volume), fileOf(volume), accountsOf(all));
    }

    void forget(const VolumeId& volume) {
        const std::lock_guard guard(lock_);
        if (connectionsOf(volume).empty()) return;
        iscsi::removeTarget(options_.target, targetOf(volume));
        keep(volume, {});
    }

    std::unique_ptr<VolumeDriver> volumes_;
    IscsiOptions options_;
    std::mutex lock_;                                 // of the records, of what follows, and of what tgtd is told
    std::unordered_map<std::string, VolumeId> whose_; // of each secret in the records: the volume that it is for
};

}

std::unique_ptr<VolumeDriver> iscsiVolumeDriver(std::unique_ptr<VolumeDriver> volumes, IscsiOptions options) {
    return std::make_unique<IscsiDriver>(std::move(volumes), std::move(options));
}

}
