#include "compute/driver/libvirt.hpp"

#include <stratolet/error.hpp>
#include <stratolet/luks.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <mutex>
#include <thread>
#include <unistd.h>

#include "compute/driver/console_log.hpp"
#include "compute/driver/domain_xml.hpp"
#include "compute/driver/kvm_probe.hpp"
#include "compute/driver/libvirt_calls.hpp"
#include "compute/driver/libvirt_console.hpp"
#include "compute/driver/libvirt_counters.hpp"
#include "compute/driver/libvirt_disk.hpp"
#include "compute/driver/libvirt_host.hpp"
#include "compute/driver/libvirt_watch.hpp"
#include "platform/log/log.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"

namespace stratolet::compute {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// A connection over which nothing comes back, not even that libvirt is there, is given up after 20 s
// (virConnectSetKeepAlive).
constexpr int keepAliveSeconds = 5;
constexpr unsigned keepAliveMissed = 3;
constexpr int agentSeconds = 5; // an agent answers at once or not at all

using Connection = std::shared_ptr<virConnect>;
using namespace libvirt;

PowerState powerOf(int state) {
    switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN: return PowerState::Running; // SHUTDOWN: asked to, but still there
    case VIR_DOMAIN_PAUSED: return PowerState::Paused;
    case VIR_DOMAIN_SHUTOFF: return PowerState::Shutdown;
    case VIR_DOMAIN_CRASHED: return PowerState::Crashed;
    case VIR_DOMAIN_PMSUSPENDED: return PowerState::Suspended;
    default: return PowerState::NoState;
    }
}

class Libvirt : public Hypervisor {
public:
    Libvirt(LibvirtOptions options, Log& log) : options_(std::move(options)), log_(log), watch_(options_.uri) {
        options_.consoleDir = fs::absolute(options_.consoleDir);
        // libvirt writes to a socket whose other end may just have gone; that is an error to handle, not a reason to
        // die.
        std::signal(SIGPIPE, SIG_IGN);
        virInitialize();
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {}); // errors are told once, by the Error they become
        if (const auto why = refusalOf(options_.virtType); !why.empty())
            throw Error(Failure::Invalid, "[compute] virt_type = ", options_.virtType, ": ", why, ".");
        ensureFolder(options_.consoleDir, Lets::OthersThrough);
        if (options_.virtType == "auto") {
            const auto verdict = options_.kvmFile.empty() ? probeKvm() : probeKvm(options_.kvmFile);
            options_.virtType = verdict.runs ? "kvm" : "qemu";
            log_.info("Looked whether KVM runs guests",
                      {{"virt_type", options_.virtType}, {"because", verdict.reason}});
        }
        adopt();
    }

    void useSecrets(SecretLookup secrets) override { secrets_ = std::move(secrets); }

    HostReport report() override {
        return retried([&](virConnectPtr connection) { return reportOf(connection, options_.uri, options_.virtType); });
    }

    void ensureDefined(const GuestSpec& spec) override {
        retried([&](virConnectPtr connection) {
            const Domain known = find(connection, spec.server);
            if (known && checked(virDomainIsActive(known.get()), "look whether a guest runs") == 1) return;
            if (!spec.shape.tpm.empty() && ::access("/usr/bin/swtpm", X_OK) != 0)
                throw Error(Failure::Invalid, "the host has no swtpm, which makes guests' TPMs");
            const std::string xml = domainXml(spec, {.virtType = options_.virtType,
                                                     .consoleLog = consoleLog(spec.server),
                                                     .cloud = options_.cloud,
                                                     .version = {}});
            if (!Domain(virDomainDefineXMLFlags(connection, xml.c_str(), VIR_DOMAIN_DEFINE_VALIDATE)))
                fail("define a guest");
        });
    }

    void ensureRunning(const ServerId& server) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = known(connection, server);
            const PowerState power = powerOfDomain(domain.get());
            if (power == PowerState::Running) return;
            ensureSecrets(connection, descriptionOf(domain.get(), VIR_DOMAIN_XML_INACTIVE), secrets_);
            if (power == PowerState::Paused) {
                checked(virDomainResume(domain.get()), "let a guest go on");
            } else {
                start(domain.get());
            }
        });
    }

    void ensurePaused(const ServerId& server) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = known(connection, server);
            if (powerOfDomain(domain.get()) == PowerState::Paused) return;
            checked(virDomainSuspend(domain.get()), "pause a guest");
        });
    }

    void ensureSuspended(const ServerId& server) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = known(connection, server);
            if (isOff(domain.get())) return;
            if (virDomainManagedSave(domain.get(), 0) == 0) return;
            const Trouble reason = trouble();
            if (!isOff(domain.get())) fail("keep the memory of a guest", reason);
        });
    }

    void pressPowerButton(const ServerId& server) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = find(connection, server);
            if (!domain || isOff(domain.get())) return;
            if (virDomainShutdownFlags(domain.get(), VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN) == 0) return;
            const Trouble reason = trouble();
            if (!isOff(domain.get())) fail("ask a guest to power off", reason);
        });
    }

    void ensureOff(const ServerId& server) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = find(connection, server);
            if (!domain) return;
            destroy(domain.get());
            if (virDomainHasManagedSaveImage(domain.get(), 0) == 1)
                checked(virDomainManagedSaveRemove(domain.get(), 0), "forget the memory of a suspended guest");
        });
    }

    void ensureGone(const ServerId& server) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = find(connection, server);
            if (!domain) return;
            destroy(domain.get());
            forgetSecrets(connection, descriptionOf(domain.get(), VIR_DOMAIN_XML_INACTIVE));
            if (virDomainUndefineFlags(domain.get(), VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
                                                         VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                                                         VIR_DOMAIN_UNDEFINE_NVRAM) < 0 &&
                lastCode() != VIR_ERR_NO_DOMAIN)
                fail("undefine a guest");
        });
        for (const char* rotated : {"", ".0", ".1", ".2", ".3"}) {
            std::error_code ignored;
            auto file = consoleLog(server);
            fs::remove(file += rotated, ignored);
        }
    }

    void ensureAttached(const ServerId& server, const GuestDisk& disk) override {
        attach(server, "disk", disk.serial, serialOf, diskXml(disk));
    }
    bool detached(const ServerId& server, const std::string& serial, bool ask) override {
        return detached(server, "disk", serial, serialOf, ask);
    }
    void ensureAttached(const ServerId& server, const GuestNic& nic) override {
        const std::string xml = nicXml(nic);
        attach(server, "interface", macOf(xml), macOf, xml);
    }
    bool nicDetached(const ServerId& server, const std::string& mac, bool ask) override {
        return detached(server, "interface", macOf("<mac address='" + mac + "'/>"), macOf, ask);
    }
    bool nicUnplugged(const ServerId& server, const std::string& mac, bool ask) override {
        return retried([&](virConnectPtr connection) {
            const Domain domain = find(connection, server);
            return !domain || unplugged(domain.get(), "interface", macOf("<mac address='" + mac + "'/>"), macOf, ask);
        });
    }

    void ensureDiskSize(const ServerId& server, const std::string& serial, Bytes size) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = find(connection, server);
            if (!domain || virDomainIsActive(domain.get()) != 1) return;
            const auto block = device(domain.get(), 0, "disk", serial, serialOf);
            if (!block) return;
            // What the guest sees, and QEMU is told, is what is inside.
            const bool sealed = block->find("<encryption ") != std::string::npos;
            const auto inside = size.count - (sealed ? luksHeaderBytes.count : 0);
            checked(virDomainBlockResize(domain.get(), targetOf(*block).c_str(),
                                         static_cast<unsigned long long>(inside), VIR_DOMAIN_BLOCK_RESIZE_BYTES),
                    "tell a guest that its disk has grown");
        });
    }

    std::unique_ptr<LiveDisk> liveDisk(const ServerId& server, const std::string& serial) override {
        const auto disks = disksOf(server);
        if (std::find(disks.begin(), disks.end(), serial) == disks.end()) return nullptr;
        return diskOf(
            [this, server](const auto& work) {
                retried([&](virConnectPtr connection) { work(find(connection, server).get()); });
            },
            serial);
    }

    std::vector<std::string> disksOf(const ServerId& server) override {
        return retried([&](virConnectPtr connection) {
            std::vector<std::string> serials;
            const Domain domain = find(connection, server);
            if (!domain) return serials;
            for (const auto& block : deviceBlocks(descriptionOf(domain.get(), 0), "disk"))
                serials.push_back(serialOf(block));
            return serials;
        });
    }

    void setPassword(const ServerId& server, const std::string& user, const std::string& password) override {
        retried([&](virConnectPtr connection) {
            const Domain domain = known(connection, server);
            virDomainAgentSetResponseTimeout(domain.get(), agentSeconds, 0);
            if (virDomainSetUserPassword(domain.get(), user.c_str(), password.c_str(), 0) == 0) return;
            const Trouble reason = trouble();
            throw Error(Failure::Conflict, "the agent in the guest did not change the password: ",
                        reason && reason->message ? reason->message : "libvirt gives no reason");
        });
    }

    void injectNmi(const ServerId& server) override {
        retried([&](virConnectPtr connection) {
            checked(virDomainInjectNMI(known(connection, server).get(), 0), "interrupt a guest");
        });
    }

    std::optional<PowerState> powerState(const ServerId& server) override {
        return retried([&](virConnectPtr connection) -> std::optional<PowerState> {
            const Domain domain = find(connection, server);
            if (!domain) return std::nullopt;
            return powerOfDomain(domain.get());
        });
    }

    std::optional<GuestCounters> counters(const ServerId& server) override {
        return retried([&](virConnectPtr connection) -> std::optional<GuestCounters> {
            const Domain domain = find(connection, server);
            if (!domain || powerOfDomain(domain.get()) != PowerState::Running) return std::nullopt;
            return libvirt::countersOf(domain.get());
        });
    }

    std::vector<ServerId> guests() override {
        return retried([&](virConnectPtr connection) {
            std::vector<ServerId> ours;
            for (const auto& domain : domains(connection)) {
                char uuid[VIR_UUID_STRING_BUFLEN] = {};
                if (isOurs(domain.get()) && virDomainGetUUIDString(domain.get(), uuid) == 0)
                    ours.push_back(ServerId{uuid});
            }
            return ours;
        });
    }

    std::string console(const ServerId& server, int lines) override {
        return readConsoleLog(consoleLog(server), lines);
    }

    std::optional<Endpoint> graphics(const ServerId& server) override {
        return retried([&](virConnectPtr connection) -> std::optional<Endpoint> {
            const Domain domain = find(connection, server);
            if (!domain || isOff(domain.get())) return std::nullopt;
            return screenIn(descriptionOf(domain.get(), 0));
        });
    }

    std::unique_ptr<ByteStream> serial(const ServerId& server) override {
        return retried([&](virConnectPtr connection) {
            const Domain domain = find(connection, server);
            if (!domain || isOff(domain.get())) throw Error(Failure::Conflict, "the guest ", server, " does not run");
            return libvirt::serialOf(connection, domain.get());
        });
    }

    /// The connection that stands now, and each later one, tells of guests.
    void onChange(std::function<void(const ServerId&)> changed) override {
        const std::lock_guard guard(lock_);
        changed_ = std::move(changed);
        if (connection_) listen();
    }

private:
    using Key = std::string (*)(std::string_view);

    /// Whoever's guests they are: who is called looks. The lock is held.
    void listen() {
        if (!changed_) return;
        const auto tell = [](virConnectPtr, virDomainPtr domain, int, int, void* self) {
            char uuid[VIR_UUID_STRING_BUFLEN] = {};
            if (virDomainGetUUIDString(domain, uuid) == 0) static_cast<Libvirt*>(self)->changed_(ServerId{uuid});
            return 0;
        };
        const virConnectDomainEventCallback callback = tell;
        *listening_ = virConnectDomainEventRegisterAny(connection_.get(), nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                                       VIR_DOMAIN_EVENT_CALLBACK(callback), this, nullptr);
        if (*listening_ < 0)
            log_.warning("Libvirt does not tell of its guests; they are looked at now and then",
                         {{"uri", options_.uri}});
    }

    fs::path consoleLog(const ServerId& server) const { return options_.consoleDir / (server.text + ".log"); }

    /// The connection, made anew where libvirt has gone away since. Error(Busy) while it is away: a job comes again,
    /// nobody waits here.
    Connection connected() {
        const std::lock_guard guard(lock_);
        if (connection_ && virConnectIsAlive(connection_.get()) == 1) return connection_;
        const bool again = connection_ != nullptr;
        connection_.reset();
        // One that takes the connection and says nothing keeps one caller at a time waiting; for some seconds then the
        // others know.
        if (Clock::now() < deafUntil_) throw Error(Failure::Busy, "libvirt at ", options_.uri, " did not answer");
        virConnectPtr fresh = nullptr;
        Trouble reason;
        {
            const LibvirtWatch::Call call(watch_, options_.openLimit);
            fresh = virConnectOpen(options_.uri.c_str());
            if (!fresh) reason = trouble();
            if (call.cut()) deafUntil_ = Clock::now() + 5s;
        }
        if (!fresh) {
            throw Error(Failure::Busy, "could not reach libvirt at ", options_.uri, ": ",
                        reason && reason->message ? reason->message : "libvirt gives no reason");
        }
        listening_ = std::make_shared<int>(-1);
        connection_ = Connection(fresh, [listening = listening_](virConnectPtr connection) {
            if (*listening >= 0) virConnectDomainEventDeregisterAny(connection, *listening); // it holds the connection
            virConnectClose(connection);
        });
        virConnectSetKeepAlive(fresh, keepAliveSeconds, keepAliveMissed); // some transports have none, and need none
        if (again || lost_) log_.info("Libvirt is back", {{"uri", options_.uri}});
        lost_ = false;
        listen();
        return connection_;
    }

    /// Every verb looks before it acts, so one that was cut off by a restart of libvirt is simply begun again.
    template <class Work> auto retried(Work work) -> std::invoke_result_t<Work&, virConnectPtr> {
        const Connection connection = connected();
        try {
            return limited(connection, work);
        } catch (const Error& problem) {
            if (problem.failure() == Failure::Busy || virConnectIsAlive(connection.get()) == 1) throw;
        }
        log_.warning("Lost libvirt while it worked for us; trying once more", {{"uri", options_.uri}});
        lost_ = true;
        return limited(connected(), work);
    }

    /// Error(Busy) where libvirt doesn't answer in time: the connection is gone then, and the next verb makes a new
    /// one.
    template <class Work> auto limited(const Connection& connection, Work& work)
        -> std::invoke_result_t<Work&, virConnectPtr> {
        const LibvirtWatch::Call call(watch_, options_.callLimit);
        try {
            return work(connection.get());
        } catch (const Error&) {
            if (!call.cut()) throw;
        }
        lost_ = true;
        throw Error(Failure::Busy, "libvirt at ", options_.uri, " did not answer within ",
                    std::chrono::duration_cast<std::chrono::seconds>(options_.callLimit).count(), " s");
    }

    static std::string markOn(virDomainPtr domain) {
        const Handle<char, free> mark(
            virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, guestNamespace.data(), 0));
        return mark ? mark.get() : "";
    }

    /// Two clouds on one libvirt (one for work, one to try things) keep their hands off each other's guests.
    bool isOurs(virDomainPtr domain) const { return isMarkOf(markOn(domain), options_.cloud); }

    static std::vector<Domain> domains(virConnectPtr connection) {
        virDomainPtr* list = nullptr;
        const int count = checked(virConnectListAllDomains(connection, &list, 0), "list the guests");
        std::vector<Domain> all;
        for (int index = 0; index < count; ++index) all.emplace_back(list[index]);
        free(list);
        return all;
    }

    /// Guests of a version that marked them with a folder: from now on they have the mark of the cloud, in their
    /// definition and where they run.
    void adopt() {
        retried([&](virConnectPtr connection) {
            for (const auto& domain : domains(connection)) {
                const auto mark = markAnew(markOn(domain.get()), options_.consoleDir.string(), options_.cloud);
                if (!mark) continue;
                unsigned where = VIR_DOMAIN_AFFECT_CONFIG;
                if (virDomainIsActive(domain.get()) == 1) where |= VIR_DOMAIN_AFFECT_LIVE;
                checked(virDomainSetMetadata(domain.get(), VIR_DOMAIN_METADATA_ELEMENT, mark->c_str(), "stratolet",
                                             guestNamespace.data(), where),
                        "mark a guest of ours anew");
                log_.info("Marked a guest of ours anew", {{"guest", virDomainGetName(domain.get())}});
            }
        });
    }

    /// Ours of that id, or nothing: a domain without our mark belongs to somebody else, whatever its id.
    Domain find(virConnectPtr connection, const ServerId& server) const {
        Domain domain(virDomainLookupByUUIDString(connection, server.text.c_str()));
        if (!domain) {
            if (lastCode() == VIR_ERR_NO_DOMAIN) return nullptr;
            fail("look up a guest");
        }
        if (!isOurs(domain.get())) return nullptr;
        return domain;
    }

    Domain known(virConnectPtr connection, const ServerId& server) const {
        Domain domain = find(connection, server);
        if (!domain) throw Error(Failure::Broken, "there is no guest ", server);
        return domain;
    }

    static PowerState powerOfDomain(virDomainPtr domain) {
        int state = 0, reason = 0;
        checked(virDomainGetState(domain, &state, &reason, 0), "ask how a guest is");
        return state == VIR_DOMAIN_SHUTOFF && reason == VIR_DOMAIN_SHUTOFF_CRASHED ? PowerState::Crashed
                                                                                   : powerOf(state);
    }

    static void start(virDomainPtr domain) {
        if (virDomainCreateWithFlags(domain, 0) == 0) return;
        const Trouble reason = trouble();
        if (virDomainIsActive(domain) != 1) fail("start a guest", reason); // somebody else was faster
    }

    static bool isOff(virDomainPtr domain) {
        const PowerState power = powerOfDomain(domain);
        return power == PowerState::Shutdown || power == PowerState::Crashed;
    }

    static void destroy(virDomainPtr domain) {
        if (isOff(domain)) return;
        if (virDomainDestroyFlags(domain, VIR_DOMAIN_DESTROY_GRACEFUL) == 0 || isOff(domain) ||
            virDomainDestroy(domain) == 0)
            return;
        const Trouble reason = trouble();
        if (!isOff(domain)) fail("power a guest off", reason);
    }

    static std::optional<std::string> device(virDomainPtr domain, unsigned flags, std::string_view kind,
                                             const std::string& wanted, Key key) {
        for (auto& block : deviceBlocks(descriptionOf(domain, flags), kind)) {
            if (key(block) == wanted) return std::move(block);
        }
        return std::nullopt;
    }

    void attach(const ServerId& server, std::string_view kind, const std::string& wanted, Key key,
                const std::string& xml) {
        retried([&](virConnectPtr connection) {
            const Domain domain = known(connection, server);
            const auto defined = device(domain.get(), VIR_DOMAIN_XML_INACTIVE, kind, wanted, key);
            ensureSecrets(connection, xml, secrets_);
            // The running guest first: where it refuses, its definition must not promise the device either.
            if (virDomainIsActive(domain.get()) == 1 && !device(domain.get(), 0, kind, wanted, key)) {
                const auto again = defined ? placedAs(xml, *defined)
                                           : xml; // where the guest knows it: it names its interfaces by that
                if (again == xml || virDomainAttachDeviceFlags(domain.get(), again.c_str(), VIR_DOMAIN_AFFECT_LIVE) < 0)
                    checked(virDomainAttachDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_LIVE),
                            "attach a device to a running guest");
            }
            if (!defined)
                checked(virDomainAttachDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_CONFIG),
                        "add a device to a guest's definition");
        });
    }

    /// The guest, if it runs, does not have the device.
    static bool unplugged(virDomainPtr domain, std::string_view kind, const std::string& wanted, Key key, bool ask) {
        if (virDomainIsActive(domain) != 1) return true;
        const auto block = device(domain, 0, kind, wanted, key);
        // A request that is refused while an earlier one is under way says nothing: only looking tells.
        if (block && ask) virDomainDetachDeviceFlags(domain, block->c_str(), VIR_DOMAIN_AFFECT_LIVE);
        return !block;
    }

    bool detached(const ServerId& server, std::string_view kind, const std::string& wanted, Key key, bool ask) {
        return retried([&](virConnectPtr connection) {
            const Domain domain = find(connection, server);
            if (!domain) return true;
            if (!unplugged(domain.get(), kind, wanted, key, ask)) return false;
            if (const auto block = device(domain.get(), VIR_DOMAIN_XML_INACTIVE, kind, wanted, key)) {
                checked(virDomainDetachDeviceFlags(domain.get(), block->c_str(), VIR_DOMAIN_AFFECT_CONFIG),
                        "take a device out of a guest's definition");
                forgetSecrets(connection, *block);
            }
            return true;
        });
    }

    LibvirtOptions options_;
    Log& log_;
    SecretLookup secrets_;
    std::function<void(const ServerId&)> changed_; // set once; called by the watch's thread
    LibvirtWatch watch_;                           // outlives the connections
    std::mutex lock_;
    Connection connection_;
    std::shared_ptr<int> listening_; // by what number the connection tells of guests
    Clock::time_point deafUntil_ = {};
    std::atomic<bool> lost_ = false; // and not found again yet
};

}

std::unique_ptr<Hypervisor> libvirtHypervisor(LibvirtOptions options, Log& log) {
    return std::make_unique<Libvirt>(std::move(options), log);
}

}
