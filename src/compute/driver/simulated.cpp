#include "compute/driver/simulated.hpp"

#include <stratolet/driver/local_path.hpp>

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <utility>

#include "compute/driver/console_log.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"

namespace stratolet::compute {
namespace {

namespace fs = std::filesystem;

void sparseFile(const fs::path& path, std::int64_t bytes) {
    const Fd file(static_cast<int>(check(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "make a disk")));
    check(ftruncate(file.get(), bytes), "give a disk its size");
}

void addOnce(std::vector<std::string>& list, const std::string& item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

}

SimulatedHypervisor::SimulatedHypervisor(SimulatedOptions options) : options_(std::move(options)) {
    if (!options_.stateDir.empty()) load();
}

SimulatedHypervisor::~SimulatedHypervisor() = default;

void SimulatedHypervisor::failOn(const std::string& verb, int times, Failure failure) {
    const std::lock_guard guard(lock_);
    faults_[verb] = {times, failure};
}

void SimulatedHypervisor::powerOffFromInside(const ServerId& server) {
    std::function<void(const ServerId&)> changed;
    {
        const std::lock_guard guard(lock_);
        known(server).power = PowerState::Shutdown;
        keep(server);
        changed = changed_;
    }
    if (changed) changed(server);
}

void SimulatedHypervisor::loseHost() {
    const std::lock_guard guard(lock_);
    for (auto& [server, guest] : guests_) {
        guest.power = PowerState::Shutdown;
        keep(server);
    }
    ++starts_;
    if (!options_.stateDir.empty()) std::ofstream(options_.stateDir / "starts") << starts_;
}

int SimulatedHypervisor::calls(const std::string& verb) const {
    const std::lock_guard guard(lock_);
    const auto found = calls_.find(verb);
    return found == calls_.end() ? 0 : found->second;
}

std::unique_lock<std::mutex> SimulatedHypervisor::enter(const std::string& verb, const Cancelled& cancelled) {
    std::unique_lock guard(lock_);
    const auto slow = slow_.find(verb);
    const auto takes = slow == slow_.end() ? std::chrono::milliseconds(0) : slow->second;
    guard.unlock();
    constexpr std::chrono::milliseconds look{5};
    for (auto left = takes; left.count() > 0; left -= look) {
        if (cancelled && cancelled()) throw Error(Failure::Busy, verb, " was stopped");
        std::this_thread::sleep_for(look);
    }
    guard.lock();
    appear(verb);
    return guard;
}

void SimulatedHypervisor::slowOn(const std::string& verb, std::chrono::milliseconds takes) {
    const std::lock_guard guard(lock_);
    slow_[verb] = takes;
}

void SimulatedHypervisor::beDeaf(bool deaf) {
    const std::lock_guard guard(lock_);
    deaf_ = deaf;
}

void SimulatedHypervisor::appear(const std::string& verb) {
    ++calls_[verb];
    const auto fault = faults_.find(verb);
    if (fault == faults_.end() || fault->second.times == 0) return;
    --fault->second.times;
    throw Error(fault->second.failure, "the simulated hypervisor was told to fail at ", verb);
}

SimulatedHypervisor::Guest& SimulatedHypervisor::known(const ServerId& server) {
    const auto found = guests_.find(server);
    if (found == guests_.end()) throw Error(Failure::Broken, "there is no guest ", server);
    return found->second;
}

void SimulatedHypervisor::useSecrets(SecretLookup secrets) { secrets_ = std::move(secrets); }

void SimulatedHypervisor::openSecrets(const GuestDisk& disk) const {
    const auto* network = std::get_if<NetworkDisk>(&disk.source.at);
    for (const auto& id : {disk.source.luks, network ? network->secret : SecretId()})
        if (!id.empty() && (!secrets_ || secrets_(id).empty()))
            throw Error(Failure::Broken, "nobody knows the secret ", id, " of a disk");
}

HostReport SimulatedHypervisor::report() {
    const auto guard = enter("report");
    return {.type = "simulated",
            .hostname = options_.hostname,
            .version = 1000000,
            .vcpus = options_.vcpus,
            .memory = options_.memory,
            .boot = "simulated-" + std::to_string(starts_),
            .up = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_),
            .address = "127.0.0.1",
            .cpu = {.model = "simulated", .cells = 2, .sockets = 1, .cores = options_.vcpus / 2, .threads = 1}};
}

DiskMaker SimulatedHypervisor::diskMaker() {
    const auto sizeOf = [](const fs::path& file) {
        std::error_code failure;
        const auto bytes = fs::file_size(file, failure);
        if (failure) throw Error(Failure::Broken, "could not read ", file.string(), ": ", failure.message());
        return static_cast<std::int64_t>(bytes);
    };
    return {.copy =
                [this, sizeOf](const DiskSource& image, const fs::path& base, const Cancelled& cancelled) {
                    enter("ensureBase", cancelled);
                    sparseFile(base, sizeOf(localPath(image)));
                },
            .layer =
                [this, sizeOf](const DiskSource& below, const fs::path& disk, Bytes size) {
                    enter("ensureRootDisk");
                    sparseFile(disk, std::max<std::int64_t>(size.count, sizeOf(localPath(below))));
                },
            .blank = [](const fs::path& disk, Bytes size, DiskFilling,
                        const std::string&) { sparseFile(disk, size.count); },
            .grow =
                [sizeOf](const fs::path& disk, Bytes size) {
                    if (sizeOf(disk) < size.count) sparseFile(disk, size.count);
                },
            .fold = [](const fs::path&, const Cancelled&) {},
            .duplicate =
                [this, sizeOf](const fs::path& disk, const fs::path& copy, const Cancelled& cancelled) {
                    enter("copyDisk", cancelled);
                    sparseFile(copy, sizeOf(disk));
                },
            .flatten =
                [this, sizeOf](const fs::path& disk, const fs::path& raw, const Cancelled& cancelled) {
                    enter("copyDisk", cancelled);
                    sparseFile(raw, sizeOf(disk));
                },
            .capacity = [size = options_.disk](const fs::path&) { return size.bytes(); }};
}

void SimulatedHypervisor::ensureDefined(const GuestSpec& spec) {
    const auto guard = enter("ensureDefined");
    Guest& guest = guests_[spec.server];
    if (guest.power == PowerState::Running) return;
    guest.disks.clear();
    guest.nics.clear();
    for (const auto& disk : spec.disks) {
        openSecrets(disk);
        guest.disks.push_back(disk.serial);
        if (disk.source.readOnly) readOnly_.insert(disk.serial);
    }
    for (const auto& nic : spec.nics) guest.nics.push_back(nic.mac);
    keep(spec.server);
}

void SimulatedHypervisor::boot(Guest& guest) {
    guest.power = PowerState::Running;
    if (!std::exchange(guest.saved, false)) ++guest.boots;
}

void SimulatedHypervisor::ensureRunning(const ServerId& server) {
    const auto guard = enter("ensureRunning");
    Guest& guest = known(server);
    if (guest.power == PowerState::Running) return;
    if (std::exchange(guest.power, PowerState::Running) != PowerState::Paused) boot(guest);
    keep(server);
}

void SimulatedHypervisor::ensurePaused(const ServerId& server) {
    const auto guard = enter("ensurePaused");
    Guest& guest = known(server);
    if (guest.power != PowerState::Running && guest.power != PowerState::Paused)
        throw Error(Failure::Broken, "the guest ", server, " does not run");
    guest.power = PowerState::Paused;
    keep(server);
}

void SimulatedHypervisor::ensureSuspended(const ServerId& server) {
    const auto guard = enter("ensureSuspended");
    Guest& guest = known(server);
    if (guest.power == PowerState::Shutdown) return;
    guest.power = PowerState::Shutdown;
    guest.saved = true;
    keep(server);
}

void SimulatedHypervisor::setPassword(const ServerId& server, const std::string&, const std::string& password) {
    const auto guard = enter("setPassword");
    if (deaf_) throw Error(Failure::Conflict, "the agent in the guest did not change the password: it does not answer");
    static_cast<void>(known(server));
    passwords_[server] = password;
}

void SimulatedHypervisor::injectNmi(const ServerId& server) {
    const auto guard = enter("injectNmi");
    static_cast<void>(known(server));
}

std::string SimulatedHypervisor::passwordOf(const ServerId& server) const {
    const std::lock_guard guard(lock_);
    const auto found = passwords_.find(server);
    return found == passwords_.end() ? std::string() : found->second;
}

bool SimulatedHypervisor::remembers(const ServerId& server) const {
    const std::lock_guard guard(lock_);
    const auto found = guests_.find(server);
    return found != guests_.end() && found->second.saved;
}

void SimulatedHypervisor::pressPowerButton(const ServerId& server) {
    const auto guard = enter("pressPowerButton");
    const auto found = guests_.find(server);
    if (found == guests_.end() || deaf_) return;
    found->second.power = PowerState::Shutdown;
    keep(server);
}

void SimulatedHypervisor::ensureOff(const ServerId& server) {
    const auto guard = enter("ensureOff");
    const auto found = guests_.find(server);
    if (found == guests_.end()) return;
    found->second.power = PowerState::Shutdown;
    found->second.saved = false;
    keep(server);
}

void SimulatedHypervisor::ensureGone(const ServerId& server) {
    const auto guard = enter("ensureGone");
    guests_.erase(server);
    keep(server);
}

void SimulatedHypervisor::ensureAttached(const ServerId& server, const GuestDisk& disk) {
    const auto guard = enter("ensureAttached");
    openSecrets(disk);
    addOnce(known(server).disks, disk.serial);
    if (disk.source.readOnly) readOnly_.insert(disk.serial);
    keep(server);
}

bool SimulatedHypervisor::detached(const ServerId& server, const std::string& serial, bool) {
    const auto guard = enter("detached");
    const auto found = guests_.find(server);
    if (found == guests_.end()) return true;
    if (deaf_ && found->second.power == PowerState::Running) return false;
    std::erase(found->second.disks, serial);
    readOnly_.erase(serial);
    keep(server);
    return true;
}

void SimulatedHypervisor::ensureAttached(const ServerId& server, const GuestNic& nic) {
    const auto guard = enter("ensureNicAttached");
    addOnce(known(server).nics, nic.mac);
    keep(server);
}

bool SimulatedHypervisor::nicDetached(const ServerId& server, const std::string& mac, bool) {
    const auto guard = enter("nicDetached");
    return without(server, mac);
}

bool SimulatedHypervisor::nicUnplugged(const ServerId& server, const std::string& mac, bool) {
    const auto guard = enter("nicUnplugged");
    const auto found = guests_.find(server);
    return found == guests_.end() || found->second.power != PowerState::Running || without(server, mac);
}

bool SimulatedHypervisor::without(const ServerId& server, const std::string& mac) {
    const auto found = guests_.find(server);
    if (found == guests_.end()) return true;
    if (deaf_ && found->second.power == PowerState::Running) return false;
    std::erase(found->second.nics, mac);
    keep(server);
    return true;
}

void SimulatedHypervisor::ensureDiskSize(const ServerId& server, const std::string& serial, Bytes size) {
    const auto guard = enter("ensureDiskSize");
    const auto& guest = known(server);
    if (guest.power == PowerState::Running &&
        std::find(guest.disks.begin(), guest.disks.end(), serial) != guest.disks.end())
        sizes_[serial] = size;
}

Bytes SimulatedHypervisor::sizeOf(const std::string& serial) const {
    const std::lock_guard guard(lock_);
    const auto found = sizes_.find(serial);
    return found == sizes_.end() ? Bytes{} : found->second;
}

std::vector<std::string> SimulatedHypervisor::readOnlyDisksOf(const ServerId& server) const {
    const std::lock_guard guard(lock_);
    std::vector<std::string> found;
    if (const auto guest = guests_.find(server); guest != guests_.end())
        for (const auto& disk : guest->second.disks)
            if (readOnly_.contains(disk)) found.push_back(disk);
    return found;
}

class SimulatedHypervisor::Disk : public LiveDisk {
public:
    explicit Disk(SimulatedHypervisor& all) : all_(all) {}
    bool switchTo(const DiskSource&) override { return leave("switchDisk", {}); }
    bool mergeInto(const DiskSource&, const Cancelled& cancelled) override { return leave("mergeDisk", cancelled); }
    bool moveTo(const DiskSource&, const Cancelled& cancelled) override { return leave("moveDisk", cancelled); }
    bool resize(Bytes) override { return leave("resizeDisk", {}); }

private:
    bool leave(const std::string& verb, const Cancelled& cancelled) {
        all_.enter(verb, cancelled);
        return false;
    }
    SimulatedHypervisor& all_;
};

std::unique_ptr<LiveDisk> SimulatedHypervisor::liveDisk(const ServerId& server, const std::string& serial) {
    const auto disks = disksOf(server);
    if (std::find(disks.begin(), disks.end(), serial) == disks.end()) return nullptr;
    return std::make_unique<Disk>(*this);
}

std::vector<std::string> SimulatedHypervisor::disksOf(const ServerId& server) {
    const std::lock_guard guard(lock_);
    const auto found = guests_.find(server);
    return found == guests_.end() ? std::vector<std::string>{} : found->second.disks;
}

std::vector<std::string> SimulatedHypervisor::nicsOf(const ServerId& server) const {
    const std::lock_guard guard(lock_);
    const auto found = guests_.find(server);
    return found == guests_.end() ? std::vector<std::string>{} : found->second.nics;
}

std::optional<PowerState> SimulatedHypervisor::powerState(const ServerId& server) {
    const std::lock_guard guard(lock_);
    const auto found = guests_.find(server);
    if (found == guests_.end()) return std::nullopt;
    return found->second.power;
}

std::optional<GuestCounters> SimulatedHypervisor::counters(const ServerId& server) {
    const std::lock_guard guard(lock_);
    const auto found = guests_.find(server);
    if (found == guests_.end() || found->second.power != PowerState::Running) return std::nullopt;
    const auto& guest = found->second;
    constexpr std::int64_t sector = 512;
    GuestCounters counters;
    counters.cpus.push_back({.id = 0, .time = std::chrono::seconds(guest.boots)});
    for (std::size_t at = 0; at < guest.disks.size(); ++at)
        counters.disks.push_back({.device = std::string("vd") + static_cast<char>('a' + at % 26),
                                  .readBytes = sector * guest.boots,
                                  .readRequests = guest.boots});
    for (std::size_t at = 0; at < guest.nics.size(); ++at)
        counters.nics.push_back(
            {.device = "net" + std::to_string(at), .mac = guest.nics[at], .received = {}, .sent = {}});
    return counters;
}

std::vector<ServerId> SimulatedHypervisor::guests() {
    const std::lock_guard guard(lock_);
    std::vector<ServerId> all;
    for (const auto& [server, guest] : guests_) all.push_back(server);
    return all;
}

std::string SimulatedHypervisor::console(const ServerId& server, int lines) {
    const std::lock_guard guard(lock_);
    const auto found = guests_.find(server);
    if (found == guests_.end()) return {};
    std::string text;
    for (int count = 1; count <= std::min(found->second.boots, 100); ++count)
        text += "simulated guest " + server.text + "\nboot " + std::to_string(count) + "\nlogin: \n";
    return lastLines(text, lines);
}

bool SimulatedHypervisor::isRunning(const ServerId& server) const {
    const auto found = guests_.find(server);
    return found != guests_.end() &&
           (found->second.power == PowerState::Running || found->second.power == PowerState::Paused);
}

SimulatedConsoles& SimulatedHypervisor::consoles() {
    if (!consoles_) consoles_ = std::make_unique<SimulatedConsoles>();
    return *consoles_;
}

std::optional<Endpoint> SimulatedHypervisor::graphics(const ServerId& server) {
    const auto guard = enter("graphics");
    if (!isRunning(server)) return std::nullopt;
    return consoles().screen();
}

std::unique_ptr<ByteStream> SimulatedHypervisor::serial(const ServerId& server) {
    const auto guard = enter("serial");
    if (!isRunning(server)) throw Error(Failure::Conflict, "the guest ", server, " does not run");
    return consoles().serial();
}

void SimulatedHypervisor::onChange(std::function<void(const ServerId&)> changed) {
    const std::lock_guard guard(lock_);
    changed_ = std::move(changed);
}

// One small text file a guest: power state, number of boots, then a line "disk SERIAL" or "nic MAC" for each device,
// and "saved memory" where it is suspended.

void SimulatedHypervisor::load() {
    ensureFolder(options_.stateDir, Lets::Nobody);
    std::ifstream(options_.stateDir / "starts") >> starts_;
    for (const auto& entry : fs::directory_iterator(options_.stateDir)) {
        if (entry.path().extension() != ".guest") continue;
        std::ifstream file(entry.path());
        Guest guest;
        int power = 0;
        if (!(file >> power >> guest.boots))
            throw Error(Failure::Broken, entry.path().string(), " is no simulated guest");
        guest.power = static_cast<PowerState>(power);
        for (std::string kind, name; file >> kind >> name;)
            if (kind == "saved")
                guest.saved = true;
            else
                (kind == "disk" ? guest.disks : guest.nics).push_back(name);
        guests_[ServerId{entry.path().stem().string()}] = std::move(guest);
    }
}

void SimulatedHypervisor::keep(const ServerId& server) {
    if (options_.stateDir.empty()) return;
    const fs::path file = options_.stateDir / (server.text + ".guest");
    const auto found = guests_.find(server);
    if (found == guests_.end()) {
        fs::remove(file);
        return;
    }
    std::ostringstream text;
    text << static_cast<int>(found->second.power) << ' ' << found->second.boots << '\n';
    for (const auto& disk : found->second.disks) text << "disk " << disk << '\n';
    for (const auto& nic : found->second.nics) text << "nic " << nic << '\n';
    if (found->second.saved) text << "saved memory\n";
    fs::path fresh = file;
    fresh += ".new";
    std::ofstream(fresh) << std::move(text).str();
    fs::rename(fresh, file);
}

}
