#include "appliance/appliance.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "appliance/catalog.hpp"
#include "appliance/health.hpp"
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
#include "platform/os/folder.hpp"
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

/// Readable by its owner alone from the first moment, and whole or not there.
void writePrivately(const std::filesystem::path& file, const std::string& content) {
    const auto fresh = file.string() + ".new";
    ::unlink(fresh.c_str());
    const Fd out(static_cast<int>(
        check(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "write " + file.string())));
    writeAll(out.get(), content, "write " + file.string());
    check(::rename(fresh.c_str(), file.c_str()), "write " + file.string());
}

/// A simulated cloud must not take the volumes and records of a real one for its own, nor the other way round: the
/// first that runs here says for which this is.
void requireKind(const std::filesystem::path& stateDir, bool sandbox) {
    const auto file = stateDir / "made-for";
    const std::string kind = sandbox ? "sandbox" : "serve";
    std::string found;
    if (std::ifstream in(file); std::getline(in, found)) {
        if (found != kind)
            throw Error(Failure::Invalid, stateDir.string(), " was made by \"stratolet ", found,
                        "\" and is used by that alone");
        return;
    }
    writePrivately(file, kind + "\n");
}

/// Held as long as the process lives: two of us on one store would undo each other's work on the host.
Fd lockOf(const std::filesystem::path& stateDir, bool sandbox) {
    Fd lock(static_cast<int>(check(::open((stateDir / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600),
                                   "open the lock of " + stateDir.string())));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        throw Error(Failure::Broken, stateDir.string(), " is in use by another stratolet");
    requireKind(stateDir, sandbox);
    return lock;
}

/// As a word for a shell: letters, digits and :/._- as they are, anything else between single quotes.
std::string shellWord(const std::string& text) {
    if (!text.empty() &&
        text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:/._-") ==
            std::string::npos)
        return text;
    std::string word = "'";
    for (const char each : text) each == '\'' ? word += "'\\''" : word += each;
    return word + "'";
}

/// What shellWord() was given.
std::string fromShellWord(std::string_view word) {
    if (!word.starts_with('\'')) return std::string(word);
    std::string text;
    for (std::size_t at = 1; at + 1 < word.size(); ++at) {
        text += word[at];
        if (word.substr(at, 4) == "'\\''") at += 3;
    }
    return text;
}

std::string hostOf(const std::string& address) {
    // A wildcard is no address that a client can use; on one host the loopback always is.
    if (address == "0.0.0.0" || address == "::") return "127.0.0.1";
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

http::ServerOptions serverOptions(const Config& config) {
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
    options.certificateFile = config.text("DEFAULT", "certificate");
    options.keyFile = config.text("DEFAULT", "key");
    return options;
}

}

// Members are built from the top down and end from the bottom up: nobody outlives what it uses.
std::vector<store::Migration> allMigrations() {
    std::vector<store::Migration> all;
    for (const auto* each : {"platform", "identity", "image", "block", "network", "compute"}) {
        const auto some = migrationsOf(each);
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

namespace {

store::Store::Options optionsOf(const Settings& settings, const std::filesystem::path& stateDir) {
    auto options = storeOptions(stateDir / "stratolet.db", settings.config);
    options.durable = settings.durable;
    return options;
}

ThisCloud migrated(store::Store& store, Ambient& ambient) {
    store.migrate(allMigrations());
    return cloudOf(store, ambient);
}

}

struct Appliance::Impl {
    Settings settings;
    Ambient& ambient;
    Log& log;
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
    Workers workers; // with the sessions below: they use the services
    http::Server server;
    std::string endpoint, adminPassword;
    std::atomic<bool> ready = false;

    Impl(Settings given, Ambient& givenAmbient, Log& givenLog, Drivers givenDrivers)
        : settings(std::move(given)),
          ambient(givenAmbient),
          log(givenLog),
          stateDir(madeFolder(settings.stateDir.empty()
                                  ? std::filesystem::path(settings.config.text("DEFAULT", "state_dir"))
                                  : settings.stateDir)),
          lock(lockOf(stateDir, settings.sandbox)),
          store(optionsOf(settings, stateDir)),
          cloud(migrated(store, ambient)),
          policies(settings.config.text("DEFAULT", "policy_dir"), log,
                   settings.config.boolean("policy", "enforce_scope")),
          jobs(store, ambient, log, metrics,
               {.threads = static_cast<int>(settings.config.integer("DEFAULT", "job_threads")),
                .crash = settings.crash}),
          bus(store, ambient, log, metrics),
          reconciler(log, metrics),
          drivers(givenDrivers.hypervisor ? std::move(givenDrivers) : driversFor(settings, stateDir, cloud, log)),
          workers("worker", static_cast<std::size_t>(settings.config.integer("DEFAULT", "worker_threads")),
                  waitingRequestsMax),
          server(serverOptions(settings.config), workers, ambient, log, metrics) {
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
        server.readWithin(
            [this](const std::function<void()>& handler) { store.read([&](store::Reader&) { handler(); }); });
        server.add(statusSite(metrics, [this] { return partsNow(); }));
        for (auto site : {identity->site(), images->site(), block->site(), network->site(), compute->site(),
                          compute->placementSite(), compute->consoleSite()})
            server.add(std::move(site));
        server.add(compute->metadataSite());
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
        bool first = true;
        for (const auto& each : addressesIn(settings)) {
            const auto port = server.listen(each.address, each.port);
            if (!std::exchange(first, false)) continue;
            const std::string scheme = settings.config.text("DEFAULT", "certificate").empty() ? "http://" : "https://";
            if (endpoint.empty()) endpoint = scheme + hostOf(each.address) + ":" + std::to_string(port);
            if (settings.config.boolean("DEFAULT", "classic_ports"))
                for (const auto& site : server.sites())
                    if (site.classicPort) server.listen(each.address, site.classicPort, site.name);
        }
        server.announce(endpoint);
    }

    std::string openrc() const {
        return "export OS_AUTH_URL=" + shellWord(endpoint + "/identity/v3") +
               "\nexport OS_USERNAME=admin\nexport OS_PASSWORD=" + shellWord(adminPassword) +
               "\nexport OS_PROJECT_NAME=admin\nexport OS_USER_DOMAIN_NAME=Default\nexport "
               "OS_PROJECT_DOMAIN_NAME=Default\nexport "
               "OS_REGION_NAME=" +
               shellWord(settings.config.text("DEFAULT", "region")) +
               "\nexport OS_IDENTITY_API_VERSION=3\nexport OS_VOLUME_API_VERSION=3\n";
    }

    std::string cloudsYaml() const {
        return "clouds:\n  stratolet:\n    auth:\n      auth_url: " + jsonText(endpoint + "/identity/v3") +
               "\n      username: admin\n      password: " + jsonText(adminPassword) +
               "\n      project_name: admin\n      user_domain_name: Default\n      project_domain_name: Default\n    "
               "region_name: " +
               jsonText(settings.config.text("DEFAULT", "region")) +
               "\n    identity_api_version: 3\n    volume_api_version: 3\n";
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
        writePrivately(stateDir / "admin-openrc", openrc());
        writePrivately(stateDir / "clouds.yaml", cloudsYaml());
        writePrivately(stateDir / "endpoint", endpoint + "\n");
    }

    void start() {
        // Few arenas, and none that gives its pages back after every request: the first bounds what 64 workers hold,
        // the second spares page faults.
        ::mallopt(M_ARENA_MAX, 4);
        ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
        ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
        listen(); // the catalog names the port
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
        ready = true;
        server.start();
        ::malloc_trim(0); // what only the start needed
    }

    void stop() {
        ready = false;
        server.drain(std::chrono::seconds(5));
        workers.finish();
        jobs.park();
        reconciler.stop();
        bus.stop();
    }

    ~Impl() { stop(); }
};

Appliance::Appliance(Settings settings, Ambient& ambient, Log& log, Drivers drivers)
    : impl_(std::make_unique<Impl>(std::move(settings), ambient, log, std::move(drivers))) {}
Appliance::~Appliance() = default;

void Appliance::start() { impl_->start(); }
void Appliance::stop() { impl_->stop(); }

bool Appliance::alive() const {
    constexpr std::chrono::seconds turnsWithin(10);
    return impl_->health.isWell("store") && impl_->server.turns(turnsWithin);
}

void Appliance::reload() {
    impl_->policies.reread();
    impl_->server.reloadCertificate();
}

const std::string& Appliance::endpoint() const { return impl_->endpoint; }
const std::filesystem::path& Appliance::stateDir() const { return impl_->stateDir; }
std::string Appliance::openrc() const { return impl_->openrc(); }
http::Server& Appliance::server() { return impl_->server; }
store::Store& Appliance::store() { return impl_->store; }
Reconciler& Appliance::reconciler() { return impl_->reconciler; }
jobs::Jobs& Appliance::jobs() { return impl_->jobs; }
bus::Bus& Appliance::bus() { return impl_->bus; }
std::string Appliance::secret(const SecretId& secret) { return impl_->block->secret(secret); }

}
