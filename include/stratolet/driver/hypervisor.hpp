#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/driver/live_disk.hpp>
#include <stratolet/host.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/secret.hpp>
#include <stratolet/sizes.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace stratolet {

/// A disk of a guest. `serial` (at most 20 bytes reach the guest) is how both sides know it again.
struct GuestDisk {
    std::string serial;
    DiskSource source;
    std::string device; ///< "vda", "vdb", …: the name the API shows; the guest may choose another
    bool root = false;
    std::string bus = "virtio";                      ///< "virtio", "scsi", "sata", "ide", "usb"
    bool cdrom = false;                              ///< the guest sees a drive with a disc in it
    int bootOrder = 0;                               ///< 1: booted from first; 0: not booted from
    std::map<std::string, std::int64_t> limits = {}; ///< most of it in a second: "total_iops_sec", "read_bytes_sec", …
};

/// A tap device of the host: the network driver made it and put it on its bridge.
struct Tap {
    std::string device;
    auto operator<=>(const Tap&) const = default;
};

/// What a guest's interface is plugged into: a closed sum that network drivers and hypervisors know.
using Vif = std::variant<Tap>;

/// A network interface of a guest. What it is plugged into is there already.
struct GuestNic {
    PortId port;
    Vif vif;
    std::string mac;
    int mtu = 1500;               ///< bytes
    std::string model = "virtio"; ///< "virtio", "e1000", "e1000e", "rtl8139", …
    int queues = 1;               ///< of frames, each way; more than one: the device is made for that
    /// Most of the traffic, as the guest sees its direction; KiB a second and KiB at once. 0: no bound.
    struct Rate {
        std::int64_t average = 0, peak = 0, burst = 0;
        auto operator<=>(const Rate&) const = default;
    };
    Rate in = {}, out = {};
};

/// What a guest's machine is like beyond its size: what flavors and images ask for, in the hypervisor's own words.
/// What is empty or 0 is as the hypervisor has it.
struct GuestShape {
    std::string machine = "pc"; ///< "pc", "q35", or a version of them
    bool uefi = false;
    bool secureBoot = false; ///< with UEFI only

    struct Topology {
        int sockets = 1, cores = 1, threads = 1;
        auto operator<=>(const Topology&) const = default;
    };
    std::optional<Topology> topology = {};

    /// A cell of the guest's NUMA.
    struct Cell {
        std::vector<int> cpus;
        MiB memory;
        auto operator<=>(const Cell&) const = default;
    };
    std::vector<Cell> cells = {};
    std::int64_t pageKiB = 0; ///< of its memory's pages; 0: whatever there is

    std::int64_t cpuShares = 0, cpuPeriod = 0, cpuQuota = 0; ///< libvirt's <cputune>; microseconds, quota -1: no bound

    std::string scsiController = {}; ///< "virtio-scsi", "lsilogic", …: of its SCSI disks
    std::string video = "vga";       ///< "vga", "virtio", "cirrus", "qxl", "bochs", "none"
    int videoMiB = 0;                ///< of the card's memory
    std::string pointerBus = {};     ///< of a tablet: "usb", "virtio"; empty: there is none
    std::string watchdog = {};       ///< what its bite does: "reset", "poweroff", "pause", "none"; empty: there is none
    bool random = true;              ///< a source of random numbers
    std::int64_t randomBytes = 0;    ///< most of them in a period
    std::int64_t randomPeriod = 0;   ///< milliseconds
    int serialPorts = 1;             ///< the first one is logged
    bool agent = false;              ///< a channel for QEMU's guest agent
    std::string tpm = {}, tpmVersion = {}; ///< "tpm-tis", "tpm-crb" and "1.2", "2.0"; empty: none
    bool graphics = true;                  ///< a screen that Hypervisor::graphics() leads to
    bool hidesHypervisor = false;
    auto operator<=>(const GuestShape&) const = default;
};

/// Where something is served on a network.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
    std::uint16_t tlsPort = 0; ///< 0: none
    auto operator<=>(const Endpoint&) const = default;
};

/// A connection to something of a guest's, which ends with this.
class ByteStream {
public:
    virtual ~ByteStream() = default;

    /// A connected stream socket: the caller's to close from now on, which then ends it. Once.
    virtual int release() noexcept = 0;
};

/// All that a hypervisor has to know to run a guest: a pure function of the store.
struct GuestSpec {
    ServerId server;
    HostName host;    ///< that is to run it
    std::string name; ///< as the user typed it; for people, not for identity
    ProjectId project;
    int vcpus = 1;
    MiB memory;
    std::vector<GuestDisk> disks; ///< the root disk first
    std::vector<GuestNic> nics;
    GuestShape shape = {};
};

/// The values are those of the API (OS-EXT-STS:power_state).
enum class PowerState { NoState = 0, Running = 1, Paused = 3, Shutdown = 4, Crashed = 6, Suspended = 7 };

/// The processors of a host.
struct HostCpu {
    std::string architecture = {}; ///< "x86_64"; empty: guests of any
    std::string model = {}, vendor = {};
    std::vector<std::string> features = {};
    int cells = 1;                           ///< of NUMA
    int sockets = 1, cores = 1, threads = 1; ///< of a cell, of a socket, of a core
};

/// What has been counted of a guest since it was started.
struct GuestCounters {
    struct Cpu {
        int id = 0;
        std::chrono::nanoseconds time{0}; ///< that it has run
    };
    struct Disk {
        std::string device; ///< "vda"
        std::int64_t readBytes = 0, readRequests = 0, writtenBytes = 0, writeRequests = 0;
        std::optional<std::int64_t> errors = {}; ///< nothing where nobody counts them
    };
    struct Traffic {
        std::int64_t bytes = 0, packets = 0, errors = 0, dropped = 0;
    };
    struct Nic {
        std::string device; ///< of the host
        std::string mac;    ///< empty where the driver doesn't say
        Traffic received, sent;
    };
    std::vector<Cpu> cpus;
    std::vector<Disk> disks;
    std::vector<Nic> nics;
    MiB memoryMax, memoryUsed;
};

/// A host as its driver finds it now.
struct HostReport {
    std::string type;     ///< "QEMU", "simulated"
    std::string hostname; ///< what the machine calls itself
    int version = 0;      ///< of the hypervisor, as libvirt counts: major * 1000000 + minor * 1000 + release
    int vcpus = 0;
    MiB memory;
    std::string boot;           ///< changes with every start of the machine; empty where nobody knows
    std::chrono::seconds up{0}; ///< since that start
    std::string virtType = {};  ///< "kvm", "qemu"; empty: it takes guests of any
    std::string uri = {};       ///< by which the driver reaches it
    std::string address = {};   ///< of the machine; empty where nobody knows
    HostCpu cpu = {};
};

/// What compute needs of a hypervisor. Every verb ensures: it looks first, does what is missing, and may be called
/// again after a crash. Called by several threads at once. Failures are Error(Broken), Error(TimedOut), or Error(Busy)
/// while the hypervisor can't be reached.
class Hypervisor {
public:
    virtual ~Hypervisor() = default;

    /// Who says what the secrets of disks say. Called once, before any other verb that has to do with guests.
    virtual void useSecrets(SecretLookup secrets) = 0;

    virtual HostReport report() = 0;

    /// Defines the guest as `spec` says; a guest that is defined and off is redefined, one that runs is left as it is.
    virtual void ensureDefined(const GuestSpec& spec) = 0;

    /// Running, from where it was paused or suspended if it was.
    virtual void ensureRunning(const ServerId& server) = 0;

    /// Its processors stand still. Error(Broken) for one that is off.
    virtual void ensurePaused(const ServerId& server) = 0;

    /// Off, with what its memory had kept on the host's disk, for ensureRunning() to go on from. One that is off
    /// without stays so.
    virtual void ensureSuspended(const ServerId& server) = 0;

    // No verb waits for a guest: it is asked, and looked at again later, by a job that holds no thread meanwhile.

    /// The power button (ACPI). A guest may ignore it, or not hear it while it boots; one that is off or not there does
    /// nothing.
    virtual void pressPowerButton(const ServerId& server) = 0;

    /// Off, whatever the guest thinks of it, and what a suspended one had in memory is forgotten.
    virtual void ensureOff(const ServerId& server) = 0;

    /// Off and undefined. The disks stay: they are their owner's to remove.
    virtual void ensureGone(const ServerId& server) = 0;

    /// Live where the guest runs, and in its definition. Attaching what is attached is done already.
    virtual void ensureAttached(const ServerId& server, const GuestDisk& disk) = 0;
    virtual void ensureAttached(const ServerId& server, const GuestNic& nic) = 0;

    /// True once the device is in neither the guest nor its definition. A running guest lets go when it likes: where
    /// `ask`, it is asked to.
    virtual bool detached(const ServerId& server, const std::string& serial, bool ask) = 0;
    virtual bool nicDetached(const ServerId& server, const std::string& mac, bool ask) = 0;

    /// True once the running guest is without the interface, which its definition keeps: ensureAttached() puts it back
    /// where it was.
    virtual bool nicUnplugged(const ServerId& server, const std::string& mac, bool ask) = 0;

    /// The guest sees a disk of this size from now on. The disk behind it has grown already; a guest that is off sees
    /// it when it starts.
    virtual void ensureDiskSize(const ServerId& server, const std::string& serial, Bytes size) = 0;

    /// The guest's disk, for who keeps what is behind it. Null where neither the guest nor its definition has it. It
    /// must not outlive this, nor do verbs of one guest's disk run at the same time.
    virtual std::unique_ptr<LiveDisk> liveDisk(const ServerId& server, const std::string& serial) = 0;

    /// Serials of the disks the guest has now.
    virtual std::vector<std::string> disksOf(const ServerId& server) = 0;

    /// By the agent in the guest. Error(Conflict) where none answers within seconds.
    virtual void setPassword(const ServerId& server, const std::string& user, const std::string& password) = 0;

    /// An interrupt that no guest can mask: systems are set up to write a crash dump then.
    virtual void injectNmi(const ServerId& server) = 0;

    /// Nothing where there is no such guest.
    virtual std::optional<PowerState> powerState(const ServerId& server) = 0;

    /// Nothing where the guest doesn't run.
    virtual std::optional<GuestCounters> counters(const ServerId& server) = 0;

    /// Our guests only, known by the metadata in their definition; never the owner's own.
    virtual std::vector<ServerId> guests() = 0;

    /// The last `lines` lines (all where negative) of what the guest wrote to its first serial port.
    virtual std::string console(const ServerId& server, int lines) = 0;

    /// Where the guest's screen is served by VNC (RFC 6143), to whoever is led there; nothing where it has none, or
    /// doesn't run.
    virtual std::optional<Endpoint> graphics(const ServerId& server) = 0;

    /// The guest's first serial port, both ways. Who had it before loses it. Error(Conflict) for one that doesn't run,
    /// Error(OverLimit) where too many are open.
    virtual std::unique_ptr<ByteStream> serial(const ServerId& server) = 0;

    /// From now on `changed` is called, on a thread of the driver's that it must not hold up, soon after a guest has
    /// started or stopped by itself or by another's hand. Calls may be missing or too many: who is called looks. Once.
    virtual void onChange(std::function<void(const ServerId&)> changed) = 0;
};

}
