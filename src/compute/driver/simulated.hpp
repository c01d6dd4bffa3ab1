#pragma once

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/error.hpp>

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "compute/driver/instance_files.hpp"
#include "compute/driver/simulated_consoles.hpp"

namespace stratolet::compute {

/// What the simulated hypervisor is told once, at the start.
struct SimulatedOptions {
    /// Where guests are remembered, so that they outlive this process as a real hypervisor's do; empty: in memory only.
    std::filesystem::path stateDir = {};
    std::string hostname = "sandbox";
    int vcpus = 4096;
    MiB memory{1 << 24};
    GiB disk{65536};
};

/// A hypervisor that runs nothing: guests are entries in a table, their root disks sparse files, their consoles a few
/// lines of text. Every verb takes effect at once and always in the same way. For the sandbox and for tests.
class SimulatedHypervisor : public Hypervisor {
public:
    explicit SimulatedHypervisor(SimulatedOptions options = {});
    ~SimulatedHypervisor() override;

    /// The next `times` calls of this verb ("ensureRunning", …) throw Error(`failure`) and change nothing.
    void failOn(const std::string& verb, int times, Failure failure);

    /// Each call of this verb takes so long from now on, or until what it does is cancelled.
    void slowOn(const std::string& verb, std::chrono::milliseconds takes);

    /// Guests ignore the power button and keep their devices from now on.
    void beDeaf(bool deaf);

    /// The guest powers itself off, as from inside.
    void powerOffFromInside(const ServerId& server);

    /// A reboot of the machine: its guests are defined still, and off.
    void loseHost();

    int calls(const std::string& verb) const; ///< how often a verb has been called

    /// Makes sparse files, in the time and with the faults of the verbs "ensureBase" and "ensureRootDisk" ("copyDisk"
    /// for what copies a guest's own). Must not outlive this.
    DiskMaker diskMaker();

    void useSecrets(SecretLookup secrets) override;
    HostReport report() override;
    void ensureDefined(const GuestSpec& spec) override;
    void ensureRunning(const ServerId& server) override;
    void ensurePaused(const ServerId& server) override;
    void ensureSuspended(const ServerId& server) override;
    void setPassword(const ServerId& server, const std::string& user, const std::string& password) override;
    void injectNmi(const ServerId& server) override;
    void pressPowerButton(const ServerId& server) override;
    void ensureOff(const ServerId& server) override;
    void ensureGone(const ServerId& server) override;
    void ensureAttached(const ServerId& server, const GuestDisk& disk) override;
    bool detached(const ServerId& server, const std::string& serial, bool ask) override;
    void ensureAttached(const ServerId& server, const GuestNic& nic) override;
    bool nicDetached(const ServerId& server, const std::string& mac, bool ask) override;
    bool nicUnplugged(const ServerId& server, const std::string& mac, bool ask) override;
    void ensureDiskSize(const ServerId& server, const std::string& serial, Bytes size) override;
    /// Nothing writes to the disk of a simulated guest, so each of its verbs leaves the files to who keeps them; they
    /// are called "switchDisk", "mergeDisk", "moveDisk", "resizeDisk".
    std::unique_ptr<LiveDisk> liveDisk(const ServerId& server, const std::string& serial) override;
    std::vector<std::string> disksOf(const ServerId& server) override;
    std::optional<PowerState> powerState(const ServerId& server) override;
    std::optional<GuestCounters> counters(const ServerId& server) override; ///< one CPU; a second and a sector a boot
    std::vector<ServerId> guests() override;
    std::string console(const ServerId& server, int lines) override;
    std::optional<Endpoint> graphics(const ServerId& server) override;
    std::unique_ptr<ByteStream> serial(const ServerId& server) override;
    void onChange(std::function<void(const ServerId&)> changed) override;

    std::vector<std::string> nicsOf(const ServerId& server) const; ///< their MAC addresses
    std::string passwordOf(const ServerId& server) const;          ///< that this process was told; empty: none
    bool remembers(const ServerId& server) const;                  ///< it is suspended, its memory kept
    Bytes sizeOf(const std::string& serial) const;                 ///< that a running guest was told; zero: never
    std::vector<std::string> readOnlyDisksOf(const ServerId& server) const; ///< serials, as this process was told them

private:
    struct Guest {
        PowerState power = PowerState::Shutdown;
        int boots = 0;
        bool saved = false;             ///< its memory is kept
        std::vector<std::string> disks; ///< serials
        std::vector<std::string> nics;  ///< MAC addresses
    };
    struct Fault {
        int times = 0;
        Failure failure;
    };

    class Disk;

    /// Takes its time where told to, counts, and fails where told to. The lock is held when it returns.
    std::unique_lock<std::mutex> enter(const std::string& verb, const Cancelled& cancelled = {});
    void appear(const std::string& verb); // the lock is held
    Guest& known(const ServerId& server);
    void openSecrets(const GuestDisk& disk) const;                ///< as a real guest's start would
    bool without(const ServerId& server, const std::string& mac); // the lock is held
    void boot(Guest& guest);
    void load();
    void keep(const ServerId& server);

    bool isRunning(const ServerId& server) const; // the lock is held
    SimulatedConsoles& consoles();                // the lock is held

    SimulatedOptions options_;
    SecretLookup secrets_;
    std::function<void(const ServerId&)> changed_;
    std::unique_ptr<SimulatedConsoles> consoles_; // where any has been asked for
    mutable std::mutex lock_;
    std::map<ServerId, Guest> guests_;
    std::set<std::string> readOnly_; // serials
    std::map<std::string, Bytes> sizes_;
    std::map<ServerId, std::string> passwords_;
    std::map<std::string, Fault> faults_;
    std::map<std::string, std::chrono::milliseconds> slow_;
    bool deaf_ = false;
    int starts_ = 1; // of the machine
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::map<std::string, int> calls_;
};

}
