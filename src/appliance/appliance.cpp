#include "appliance/appliance.hpp"

#include <grp.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stop_token>
#include <thread>

#include "appliance/catalog.hpp"
#include "appliance/events/audit.hpp"
#include "appliance/events/cloud_site.hpp"
#include "appliance/events/webhooks.hpp"
#include "appliance/fresh_store/all_migrations.hpp"
#include "appliance/fresh_store/fresh_store.hpp"
#include "appliance/health.hpp"
#include "appliance/listener_keys.hpp"
#include "appliance/operator/operator_site.hpp"
#include "appliance/sandbox/sandbox_site.hpp"
#include "appliance/sandbox/snapshots.hpp"
#include "appliance/shell_word.hpp"
#include "appliance/state_folder.hpp"
#include "appliance/status_site.hpp"
#include "block/block.hpp"
#include "compute/compute.hpp"
#include "identity/identity.hpp"
#include "image/image.hpp"
#include "network/network.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/os/file.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/memory.hpp"
#include "platform/policy/policy.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/resources.hpp"
#include "platform/workers/workers.hpp"

namespace stratolet {
namespace {

/// How many processors this process may use (sched_getaffinity(2)); the standard library counts those of the machine.
int processors() {
    cpu_set_t usable;
    return ::sched_getaffinity(0, sizeof usable, &usable) == 0 ? CPU_COUNT(&usable) : 1;
}

constexpr std::size_t waitingRequestsMax = 4096; // for a worker; beyond it 503

std::filesystem::path madeFolder(const std::filesystem::path& folder) {
    ensureFolder(folder, Lets::OthersThrough); // to the disks of guests; all else below lets nobody in
    return std::filesystem::absolute(folder);
}

std::string hostOf(const std::string& address) {
    // A wildcard is no address that a client can use; on one host the loopback always is.
    if (address == "0.0.0.0" || address == "::") return "127.0.0.1";
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

/// To be read by the group of this host whose members are the cloud's administrators, where there is one.
FileWish forAdministrators(const Config& config) {
    const auto& name = config.text("DEFAULT", "admin_group");
    const auto* group = name.empty() ? nullptr : ::getgrnam(name.c_str());
    return group ? FileWish{.mode = 0640, .group = group->gr_gid} : FileWish();
}

http::ServerOptions serverOptions(const Config& config, const ListenerKeys& keys) {
    http::ServerOptions options;
    options.threads = static_cast<int>(config.integer("DEFAULT", "io_threads"));
    // More than there are processors would only take them from each other, for whole slices of the scheduler's time.
    if (options.threads == 0) options.threads = std::clamp(processors(), 1, 8);
    // Half of the processors at most: what strangers want hashed must leave room for what members want done.
    options.costlyThreads = static_cast<std::size_t>(std::clamp(processors() / 2, 1, 4));
    options.costlyQueue = 16 * options.costlyThreads;
    // No more than there are descriptors for beside the files of the store, of images and of disks (getrlimit(2)).
    rlimit files{};
    const auto descriptors = ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? static_cast<std::size_t>(files.rlim_cur) : 1024;
    options.connectionsMax =
        std::min(static_cast<std::size_t>(config.integer("DEFAULT", "connections_max")), descriptors / 2);
    options.connectionsPerPeerMax = static_cast<std::size_t>(config.integer("DEFAULT", "connections_per_peer"));
    options.certificateFile = keys.certificate;
    options.keyFile = keys.key;
    return options;
}

store::Store::Options optionsOf(const Settings& settings, const std::filesystem::path& stateDir) {
    auto options = storeOptions(stateDir / "stratolet.db", settings.config);
    options.durable = settings.durable;
    options.fresh = freshStore;
    return options;
}

ThisCloud migrated(store::Store& store, Ambient& ambient) {
    store.migrate(allMigrations());
    return cloudOf(store, ambient);
}

/// What a cloud that takes another's place has of it.
struct Heritage {
    std::vector<http::Listening> listening;
    std::chrono::microseconds ahead{0}; ///< of the sandbox's clock
    std::vector<Fault> faults;
};

std::filesystem::path stateDirOf(const Settings& settings) {
    return settings.stateDir.empty() ? std::filesystem::path(settings.config.text("DEFAULT", "state_dir"))
                                     : settings.stateDir;
}

}

// Members are built from the top down and end from the bottom up: nobody outlives what it uses.
struct Appliance::Impl {
    Settings settings;
    ShiftedAmbient shifted; // the sandbox's clock
    Ambient& ambient;
    Log& log;
    Faults faults; // told to the sandbox
    std::filesystem::path stateDir;
    Fd lock;
    Metrics metrics;
    store::Store store;
    ThisCloud cloud;
    Policies policies;
    jobs::Jobs jobs;
    bus::Bus bus;
    Reconciler reconciler;
    Health health;
    Drivers drivers;
    std::optional<identity::Identity> identity;
    std::optional<image::Images> images;
    std::optional<block::Block> block;
    std::optional<network::Network> network;
    std::optional<compute::Compute> compute;
    std::optional<Audit> audit;
    std::optional<Webhooks> webhooks;
    Workers workers; // with the sessions below: they use the services
    const ListenerKeys keys;
    http::Server server;
    std::vector<http::Listening> inherited;
    std::jthread givingBack;
    std::string endpoint, adminPassword;
    std::atomic<bool> ready = false;

    Impl(Settings given, Ambient& givenAmbient, Log& givenLog, Drivers givenDrivers, Heritage heritage = {})
        : settings(std::move(given)),
          shifted(givenAmbient, heritage.ahead),
          ambient(settings.sandbox ? shifted : givenAmbient),
          log(givenLog),
          stateDir(madeFolder(stateDirOf(settings))),
          lock(lockOf(stateDir, settings.sandbox)),
          store(optionsOf(settings, stateDir)),
          cloud(migrated(store, ambient)),
          policies(settings.config.text("DEFAULT", "policy_dir"), log,
                   settings.config.boolean("policy", "enforce_scope")),
          jobs(store, ambient, log, metrics,
               {.threads = static_cast<int>(settings.config.integer("DEFAULT", "job_threads")),
                .crash = settings.crash,
                .meddle = settings.sandbox
                              ? std::function<void(jobs::Run&, const std::string&)>(
                                    [this](jobs::Run& run, const std::string& step) { faults.meddle(run, step); })
                              : nullptr}),
          bus(store, ambient, log, metrics),
          reconciler(log, metrics, [this] { store.rest(); }),
          drivers(givenDrivers.hypervisor ? std::move(givenDrivers)
                                          : driversFor(settings, stateDir, cloud, log, &metrics)),
          workers("worker", static_cast<std::size_t>(settings.config.integer("DEFAULT", "worker_threads")),
                  waitingRequestsMax, [this] { store.rest(); }),
          keys(listenerKeys(settings, stateDir, ambient)),
          server(serverOptions(settings.config, keys), workers, ambient, log, metrics),
          inherited(std::move(heritage.listening)) {
        faults.become(std::move(heritage.faults));
        settings.config.set("DEFAULT", "state_dir", stateDir.string(), "state directory");
        const Parts parts{store, jobs, bus, reconciler, policies, settings.config, ambient, log, metrics, cloud};
        declareStrayMetrics(parts);
        identity.emplace(parts);
        images.emplace(parts, drivers.images, *identity);
        block.emplace(parts, drivers.volumes, *drivers.backups, *images, *identity);
        network.emplace(parts, *drivers.network, *identity);
        compute.emplace(parts, hosts(), *images, *block, *network, *identity);
        block->useLiveDisks(compute->liveDisks());
        images->useNearCopies(compute->nearCopies());
        for (const auto& each : hosts())
            each.hypervisor.useSecrets([this](const SecretId& secret) { return block->secret(secret); });
        reconciler.declare(
            "metadata", [this] { adoptMetadataListeners(); }, std::chrono::seconds(1));
        reconciler.declare(
            "store", [this] { health.ask("store", [this] { askStore(); }); }, std::chrono::seconds(2));
        reconciler.declare(
            "hypervisor", [this] { health.ask("hypervisor", [this] { drivers.hypervisor->report(); }); },
            std::chrono::seconds(5));
        if (!keys.authority.empty())
            reconciler.declare(
                "certificate", [this] { renewCertificate(); }, std::chrono::minutes(10));
        server.readWithin(
            [this](const std::function<void()>& handler) { store.read([&](store::Reader&) { handler(); }); });
        audit.emplace(parts, stateDir);
        webhooks.emplace(parts);
        declareEventPruning(parts);
        server.tellAnswers([this](const http::Site& site, const http::Request& request,
                                  const http::Response& response) { audit->hear(site, request, response); });
        server.add(statusSite(metrics, [this] { return partsNow(); }));
        auto ofCloud = cloudSite(parts);
        identity->protect(ofCloud);
        server.add(std::move(ofCloud));
        if (settings.sandbox) {
            server.refuseFirst([this](const http::Site& site, const http::Request& request) {
                return faults.statusFor(site, request);
            });
            server.holdFirst(
                [this](const http::Site& site, const http::Request& request) { return faults.delayOf(site, request); });
        }
        for (auto site : {identity->site(), images->site(), block->site(), network->site(), compute->site(),
                          compute->placementSite(), compute->consoleSite()})
            server.add(std::move(site));
        server.add(compute->metadataSite());
        metrics.gauge("stratolet_store_wal_bytes", "Committed, and not in the store's own file yet", [this] {
            std::error_code none;
            const auto bytes = std::filesystem::file_size(stateDir / "stratolet.db-wal", none);
            return none ? 0.0 : static_cast<double>(bytes);
        });
        server.add(operatorSite({settings, stateDir, cloud, ambient, store, jobs, reconciler, drivers, server, endpoint,
                                 [this] { return partsNow(); },
                                 [this](const std::string& password) {
                                     adminPassword = password;
                                     writeCredentials();
                                 }}),
                   std::string(operatorOrigin));
        metrics.gauge("stratolet_store_flushes", "Commits since the start",
                      [this] { return static_cast<double>(store.flushes()); });
        metrics.gauge("stratolet_store_changes", "Changes committed since the start",
                      [this] { return static_cast<double>(store.changes()); });
    }

    /// The one that is alone keeps the name that it was met under; several are told apart by theirs.
    std::vector<compute::HostDrivers> hosts() const {
        std::vector<compute::HostDrivers> all{{{}, *drivers.hypervisor, *drivers.disks}};
        if (!drivers.others.empty()) all.front().name.text = drivers.hypervisor->report().hostname;
        for (const auto& each : drivers.others) all.push_back({{each.name}, *each.hypervisor, *each.disks});
        return all;
    }

    void renewCertificate() {
        if (!listenerKeys(settings, stateDir, ambient).fresh) return;
        server.reloadCertificate();
        log.info("the listeners show a new certificate of the cloud's own", {{"file", keys.certificate}});
    }

    void adoptMetadataListeners() {
        for (const auto& place : drivers.network->takeClosedMetadataListeners()) server.forget(place);
        for (const auto& each : drivers.network->takeMetadataListeners())
            server.adopt(Fd(each.socket), each.network.text, "metadata", each.place);
    }

    /// Its file can be read, and its writer takes changes.
    void askStore() {
        store.reader().query("SELECT 1 FROM schema_versions").any();
        store.write([](store::Transaction&) {});
    }

    /// Waits for none of them.
    std::vector<std::pair<std::string, std::string>> partsNow() const {
        auto all = health.parts();
        all.emplace_back("services", ready ? "" : "starting or stopping");
        return all;
    }

    identity::Bootstrap bootstrap() const {
        identity::Bootstrap wanted;
        wanted.endpoint = endpoint;
        wanted.region = settings.config.text("DEFAULT", "region");
        wanted.services = catalogServices();
        return wanted;
    }

    void listen() {
        endpoint = publicEndpoint(settings.config);
        const auto port = inherited.empty() ? listenAnew() : listenAsBefore();
        const std::string scheme = keys.certificate.empty() ? "http://" : "https://";
        if (endpoint.empty())
            endpoint = scheme + hostOf(addressesIn(settings).front().address) + ":" + std::to_string(port);
        server.announce(endpoint);
    }

    /// Returns the first port, which is the cloud's.
    std::uint16_t listenAnew() {
        std::optional<std::uint16_t> first;
        for (const auto& each : addressesIn(settings)) {
            const auto port = server.listen(each.address, each.port);
            if (first) continue;
            first = port;
            if (settings.config.boolean("DEFAULT", "classic_ports"))
                for (const auto& site : server.sites())
                    if (site.classicPort) server.listen(each.address, site.classicPort, site.name);
        }
        return *first;
    }

    std::uint16_t listenAsBefore() {
        std::optional<std::uint16_t> first;
        for (auto& each : inherited) {
            const auto port = server.listen(std::move(each));
            if (!first) first = port;
        }
        inherited.clear();
        return *first;
    }

    /// What clients of the administrator read from their environment.
    std::vector<std::pair<std::string, std::string>> variables() const {
        std::vector<std::pair<std::string, std::string>> all{
            {"OS_AUTH_URL", endpoint + "/identity/v3"},
            {"OS_USERNAME", "admin"},
            {"OS_PASSWORD", adminPassword},
            {"OS_PROJECT_NAME", "admin"},
            {"OS_USER_DOMAIN_NAME", "Default"},
            {"OS_PROJECT_DOMAIN_NAME", "Default"},
            {"OS_REGION_NAME", settings.config.text("DEFAULT", "region")},
            {"OS_IDENTITY_API_VERSION", "3"},
            {"OS_VOLUME_API_VERSION", "3"}};
        if (!keys.authority.empty()) all.emplace_back("OS_CACERT", keys.authority);
        return all;
    }

    std::string openrc() const {
        std::string lines;
        for (const auto& [name, value] : variables()) lines += "export " + name + "=" + shellWord(value) + "\n";
        return lines;
    }

    std::string cloudsYaml() const {
        return "clouds:\n  stratolet:\n    auth:\n      auth_url: " + jsonText(endpoint + "/identity/v3") +
               "\n      username: admin\n      password: " + jsonText(adminPassword) +
               "\n      project_name: admin\n      user_domain_name: Default\n      project_domain_name: Default\n    "
               "region_name: " +
               jsonText(settings.config.text("DEFAULT", "region")) +
               "\n    identity_api_version: 3\n    volume_api_version: 3\n" +
               (keys.authority.empty() ? "" : "    cacert: " + jsonText(keys.authority) + "\n");
    }

    /// The password that admin-openrc has; it may be an old one where somebody has changed it through the API.
    std::string passwordOnFile() const {
        std::ifstream lines(stateDir / "admin-openrc");
        constexpr std::string_view mark = "export OS_PASSWORD=";
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with(mark)) return fromShellWord(std::string_view(line).substr(mark.size()));
        return {};
    }

    void writeCredentials() {
        FileWish wish = settings.sandbox ? FileWish() : forAdministrators(settings.config);
        wish.onDisk = settings.durable;
        writeFile(stateDir / "admin-openrc", openrc(), wish);
        writeFile(stateDir / "clouds.yaml", cloudsYaml(), wish);
        writeFile(stateDir / "endpoint", endpoint + "\n", wish);
    }

    void start() {
        // Few arenas, and none that gives its pages back after every request: the first bounds what 64 workers hold,
        // the second spares page faults.
        ::mallopt(M_ARENA_MAX, 4);
        ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
        ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
        listen(); // the catalog names the port
        server.listenLocally(stateDir / operatorSocket, std::string(operatorOrigin));
        auto wanted = bootstrap();
        adminPassword = passwordOnFile();
        if (adminPassword.empty()) adminPassword = settings.adminPassword.value_or(ambient.secret(24));
        wanted.adminPassword = adminPassword;
        // Written before the password takes effect: a crash in between must not leave a cloud that nobody can enter.
        writeCredentials();
        if (!identity->bootstrap(wanted)) identity->refreshCatalog(wanted);
        images->bootstrap();
        block->bootstrap();
        network->bootstrap();
        compute->bootstrap();
        log.info("This is the cloud", {{"id", cloud.id}, {"epoch", std::to_string(cloud.epoch)}, {"host", cloud.host}});
        bus.start();
        reconciler.start();
        jobs.start();
        webhooks->start();
        ready = true;
        server.start();
        givingBack = std::jthread(giveBackSoon);
    }

    /// What only the start needed is given back when the first who waited for it have had their answers.
    static void giveBackSoon(const std::stop_token& stopped) {
        std::mutex alone;
        std::unique_lock lock(alone);
        std::condition_variable_any never;
        never.wait_for(lock, stopped, std::chrono::milliseconds(500), [] { return false; });
        if (!stopped.stop_requested()) giveBackMemory();
    }

    void stop(std::chrono::milliseconds patience) {
        ready = false;
        server.drain(patience);
        ::unlink((stateDir / operatorSocket).c_str());
        workers.finish();
        jobs.park();
        reconciler.stop();
        bus.stop();
        webhooks->stop();
    }

    ~Impl() { stop(std::chrono::seconds(5)); }
};

/// What outlives the cloud of a sandbox when that goes back to a snapshot: it is made anew then, from its files as they
/// were, as after a crash. Who connects meanwhile waits.
struct Appliance::Sandbox {
    Sandbox(const Settings& given, Ambient& givenAmbient, Log& givenLog, std::unique_ptr<Impl>& givenCloud)
        : settings(given),
          ambient(givenAmbient),
          log(givenLog),
          snapshots(madeFolder(stateDirOf(given))),
          cloud(givenCloud) {}
    ~Sandbox() { settle(); }

    const Settings settings;
    Ambient& ambient;
    Log& log;
    Snapshots snapshots;
    std::unique_ptr<Impl>& cloud;
    std::mutex mutex; ///< of the cloud: held by who uses it from outside, and by who puts another in its place
    bool ended = false;
    std::mutex turningMutex;
    std::thread turning;
    std::atomic<bool> underway = false;

    /// What may be done to the sandbox is a part of its API.
    void offer() {
        auto& of = *cloud;
        of.server.add(sandboxSite({of.faults, of.shifted, of.reconciler, of.jobs, of.store, snapshots,
                                   [this](const Snapshot& snapshot) { goBack(snapshot); }}));
    }

    /// Another is not on its way when this returns.
    void settle() {
        const std::lock_guard guard(turningMutex);
        if (turning.joinable()) turning.join();
    }

    /// On a thread of the cloud that is left; another takes its place on a thread of its own.
    void goBack(const Snapshot& snapshot) {
        if (underway.exchange(true)) throw Error(Failure::Conflict, "The sandbox is on its way to a snapshot already.");
        try {
            settle(); // the one before has arrived, but for the end of its thread
            snapshots.prepare(snapshot);
            const std::lock_guard guard(turningMutex);
            turning = std::thread(
                [this, heritage = Heritage{cloud->server.handOver(), snapshot.ahead, snapshot.faults}]() mutable {
                    turn(std::move(heritage));
                    underway = false;
                });
        } catch (...) {
            underway = false;
            throw;
        }
    }

    void turn(Heritage heritage) {
        const std::lock_guard guard(mutex);
        if (ended) return;
        try {
            cloud->stop(std::chrono::seconds(1));
            cloud.reset();
            snapshots.bringBack();
            cloud = std::make_unique<Impl>(settings, ambient, log, Drivers(), std::move(heritage));
            offer();
            cloud->start();
        } catch (const std::exception& problem) {
            log.error("the sandbox could not go back to its snapshot, and ends", {{"reason", problem.what()}});
            ::kill(::getpid(), SIGTERM);
        }
    }
};

Appliance::Appliance(Settings settings, Ambient& ambient, Log& log, Drivers drivers) {
    if (settings.sandbox) sandbox_ = std::make_unique<Sandbox>(settings, ambient, log, impl_);
    impl_ = std::make_unique<Impl>(std::move(settings), ambient, log, std::move(drivers));
    if (!sandbox_) return;
    sandbox_->snapshots.clear();
    sandbox_->offer();
}

Appliance::~Appliance() {
    stop();
    if (sandbox_) sandbox_->settle();
    impl_.reset(); // before what its handlers use
}

std::unique_lock<std::mutex> Appliance::held() const {
    return sandbox_ ? std::unique_lock(sandbox_->mutex) : std::unique_lock<std::mutex>();
}

void Appliance::start() { impl_->start(); }

void Appliance::stop() {
    const auto guard = held();
    if (sandbox_) sandbox_->ended = true;
    if (impl_) impl_->stop(std::chrono::seconds(5));
}

bool Appliance::alive() const {
    const auto guard = held();
    constexpr std::chrono::seconds turnsWithin(10);
    return impl_ && impl_->health.isWell("store") && impl_->server.turns(turnsWithin);
}

void Appliance::reload() {
    const auto guard = held();
    if (!impl_) return;
    impl_->policies.reread();
    impl_->server.reloadCertificate();
}

const std::string& Appliance::endpoint() const { return impl_->endpoint; }
const std::filesystem::path& Appliance::stateDir() const { return impl_->stateDir; }
std::string Appliance::openrc() const { return impl_->openrc(); }
std::vector<std::pair<std::string, std::string>> Appliance::variables() const { return impl_->variables(); }
http::Server& Appliance::server() { return impl_->server; }
store::Store& Appliance::store() { return impl_->store; }
Reconciler& Appliance::reconciler() { return impl_->reconciler; }
jobs::Jobs& Appliance::jobs() { return impl_->jobs; }
bus::Bus& Appliance::bus() { return impl_->bus; }
std::string Appliance::secret(const SecretId& secret) { return impl_->block->secret(secret); }

}
