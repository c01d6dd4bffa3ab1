#pragma once

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/ids.hpp>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "block/block.hpp"
#include "compute/flavor/flavor.hpp"
#include "compute/host/host.hpp"
#include "compute/keypair/keypair.hpp"
#include "image/image.hpp"
#include "network/network.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/parts.hpp"
#include "platform/quota/quota.hpp"

namespace stratolet::compute {

///  Building ──► Active ◄──► Stopped
///      │          │            │
///      ▼          ▼            ▼
///    Error ◄──────┴────────────┘          any of them ──► Deleted
enum class VmState { Building, Active, Stopped, Error, Deleted };

/// What is being done to a server. Whoever sets one enqueues, in the same transaction, the job that ends it.
enum class TaskState { None, Scheduling, PoweringOn, PoweringOff, Rebooting, RebootingHard, Deleting };

std::string_view nameOf(VmState state);
std::string_view nameOf(TaskState state); ///< empty for None
VmState vmStateOf(std::string_view name);
TaskState taskStateOf(std::string_view name);

constexpr bool mayFollow(VmState from, VmState to) {
    using enum VmState;
    if (from == to) return from != Deleted;
    switch (from) {
    case Building: return to == Active || to == Error || to == Deleted;
    case Active: return to == Stopped || to == Error || to == Deleted;
    case Stopped: return to == Active || to == Error || to == Deleted;
    case Error: return to == Active || to == Stopped || to == Deleted;
    case Deleted: return false;
    }
    std::abort();
}

struct Server {
    std::int64_t number = 0;
    ServerId id;
    ProjectId project;
    UserId user;
    std::string name;
    std::string hostname;
    std::optional<std::string> description;
    std::string host;
    VmState vm = VmState::Building;
    TaskState task = TaskState::None;
    PowerState power = PowerState::NoState;
    ImageId image; ///< empty where it boots from a volume
    std::string base;
    Flavor flavor; ///< as it was when the server was made
    std::optional<std::string> keyName;
    std::string keyType;
    std::string publicKey;
    std::optional<std::string> userData; ///< base64
    std::string accessIpv4, accessIpv6;
    std::string zone;
    std::string diskConfig = "MANUAL";
    std::string reservation;
    std::int64_t launchIndex = 0;
    std::string lockedBy; ///< "owner", "admin", or empty
    std::optional<std::string> lockedReason;
    std::optional<std::string> fault, faultDetails;
    std::optional<Time> faultTime;
    Time created, updated;
    std::optional<Time> launched, terminated, deleted;
};

/// "ACTIVE", "BUILD", …
std::string_view statusOf(const Server& server);
bool isStatus(std::string_view word);                                ///< one of the API's status words, upper case
std::string instanceName(const Server& server);                      ///< "instance-0000002a"
std::string hostIdOf(const Server& server);                          ///< says whether two servers share a host, not which
std::string hostnameFrom(std::string_view name, const ServerId& id); ///< what of a name can be a host name

/// A volume's tie to a server with what only compute knows of it.
struct VolumeTie {
    block::Attachment attachment;
    bool root = false;
    std::optional<std::string> tag;
};

/// All that a detailed view of a server shows beside its row.
struct ServerDetails {
    std::map<std::string, std::string> metadata;
    std::vector<std::string> tags;
    std::vector<network::PortFacts> ports;
    std::vector<VolumeTie> volumes;
};

struct ServerAction {
    std::int64_t number = 0;
    ServerId server;
    std::string action, event, request;
    UserId user;
    ProjectId project;
    std::string host;
    Time started, updated;
    std::optional<Time> finished;
    std::optional<std::string> result, message, details;
};

struct ServerQuery; // server_query.hpp

/// What a job of a verb is told: the action to end, and `more` members of a JSON object.
std::string payloadOf(std::int64_t action, const std::string& more);

/// SQL of servers, and nothing else.
struct ServerTable {
    static std::optional<Server> find(store::Reader& db, const ServerId& id); ///< deleted ones too
    static void insert(store::Transaction& tx, const Server& server);
    static std::vector<Server> living(store::Reader& db);
    static std::vector<Server> list(store::Reader& db, const ServerQuery& query);
    static std::vector<std::string> idsIn(store::Reader& db, const ServerQuery& query); ///< what SQL alone says, on all pages

    /// Moves a server on. Asserts that the states may follow each other.
    static void move(store::Transaction& tx, const Server& server, VmState vm, TaskState task, PowerState power, Time now);
    static void launched(store::Transaction& tx, const ServerId& id, Time now);
    static void fail(store::Transaction& tx, const ServerId& id, const std::string& message, const std::string& details, Time now);
    static void deleted(store::Transaction& tx, const ServerId& id, Time now);
    static void setLock(store::Transaction& tx, const ServerId& id, const std::string& by, const std::optional<std::string>& reason,
                        Time now);
    static void describe(store::Transaction& tx, const Server& server,
                         Time now); ///< name, hostname, description, access addresses, disk config

    static std::map<std::string, std::string> metadata(store::Reader& db, const ServerId& id);
    using Item = std::pair<const std::string, std::string>;
    static store::ByOwner<Item> metadata(store::Reader& db, const std::vector<std::string>& servers);
    static void setMetadata(store::Transaction& tx, const ServerId& id, const std::map<std::string, std::string>& items);
    static bool removeMetadata(store::Transaction& tx, const ServerId& id, const std::string& name);
    static std::vector<std::string> tags(store::Reader& db, const ServerId& id);
    static store::ByOwner<std::string> tags(store::Reader& db, const std::vector<std::string>& servers);
    static bool addTag(store::Transaction& tx, const ServerId& id, const std::string& tag); ///< false where it is there
    static bool removeTag(store::Transaction& tx, const ServerId& id, const std::string& tag);

    static void tie(store::Transaction& tx, const ServerId& id, const VolumeTie& tie);
    static void untie(store::Transaction& tx, const AttachmentId& attachment);
    struct Tie {
        bool root = false;
        std::optional<std::string> tag;
    };
    static std::map<std::string, Tie> ties(store::Reader& db, const std::vector<std::string>& servers); ///< by attachment

    static std::int64_t begin(store::Transaction& tx, const ServerAction& action);
    static void end(store::Transaction& tx, std::int64_t number, bool success, const std::string& message, const std::string& details,
                    Time now);
    static std::vector<ServerAction> actions(store::Reader& db, const ServerId& id); ///< newest first

    struct Usage {
        std::int64_t servers = 0, cores = 0, ram = 0;
    };
    static Usage usage(store::Reader& db, const ProjectId& project);
    static Usage usageOfHost(store::Reader& db, const std::string& host);
    static void purge(store::Transaction& tx, Time deletedBefore); ///< rows of servers that have been gone since before then
};

/// Which network interface a new server gets.
struct WantedNic {
    NetworkId network; ///< or
    PortId port;
    std::string fixedIp;
};

struct WantedVolume {
    VolumeId volume;
    bool root = false;
    std::optional<std::string> tag;
};

struct NewServers {
    std::string name;
    std::optional<std::string> hostname, description;
    FlavorId flavor;
    ImageId image;
    std::map<std::string, std::string> metadata;
    std::set<std::string> tags;
    std::optional<std::string> keyName;
    std::optional<std::string> userData;
    std::string accessIpv4, accessIpv6, diskConfig = "MANUAL";
    std::vector<std::string> securityGroups;
    enum class Nics { Automatic, None, Listed } nics = Nics::Automatic;
    std::vector<WantedNic> listed;
    std::vector<WantedVolume> volumes;
    std::int64_t least = 1, most = 1;
};

/// The verbs: who may, what must hold, one transaction each. The job of a verb does what it asks of the host.
class Servers {
public:
    Servers(Parts parts, Hypervisors& hypervisors, image::Images& images, block::Block& block, network::Network& network, Flavors& flavors,
            const Quotas& quotas);

    void declareJobs();
    void mend(); ///< the reconciler's part

    /// A server that exists for this caller: its own project's, any for an admin. Error(NotFound).
    Server get(store::Reader& db, const identity::Caller& caller, const ServerId& id, bool deletedToo = false);
    std::optional<Server> find(store::Reader& db, const ServerId& id) { return ServerTable::find(db, id); }
    ServerDetails details(store::Reader& db, const Server& server);
    std::vector<ServerDetails> details(store::Reader& db, const std::vector<Server>& servers); ///< with a fixed number of statements
    std::vector<Server> list(const identity::Caller& caller, const ServerQuery& query);

    std::vector<Server> create(const identity::Caller& caller, const NewServers& wanted);
    Server update(const identity::Caller& caller, const ServerId& id, const std::function<void(Server&)>& change);
    void remove(const identity::Caller& caller, const ServerId& id);
    void start(const identity::Caller& caller, const ServerId& id);
    void stop(const identity::Caller& caller, const ServerId& id);
    void reboot(const identity::Caller& caller, const ServerId& id, bool hard);
    void lock(const identity::Caller& caller, const ServerId& id, const std::optional<std::string>& reason);
    void unlock(const identity::Caller& caller, const ServerId& id);
    std::string console(const identity::Caller& caller, const ServerId& id, int lines);

    void setMetadata(const identity::Caller& caller, const ServerId& id, const std::map<std::string, std::string>& items, bool replace);
    void removeMetadata(const identity::Caller& caller, const ServerId& id, const std::string& name);
    void setTags(const identity::Caller& caller, const ServerId& id, const std::set<std::string>& tags);
    bool addTag(const identity::Caller& caller, const ServerId& id, const std::string& tag);
    void removeTag(const identity::Caller& caller, const ServerId& id, const std::string& tag);

    VolumeTie attachVolume(const identity::Caller& caller, const ServerId& id, const VolumeId& volume,
                           const std::optional<std::string>& tag);
    void detachVolume(const identity::Caller& caller, const ServerId& id, const VolumeId& volume);
    network::PortFacts attachNic(const identity::Caller& caller, const ServerId& id, const WantedNic& wanted);
    void detachNic(const identity::Caller& caller, const ServerId& id, const PortId& port);

    std::vector<ServerAction> actions(const identity::Caller& caller, const ServerId& id, bool deletedToo);

    store::Reader& reader() { return parts_.store.reader(); }
    std::string freshPassword() { return parts_.ambient.secret(12); }
    Hypervisors& hypervisors() { return hypervisors_; }
    store::Store& store() { return parts_.store; }

private:
    struct Verb;
    void begin(const identity::Caller& caller, const ServerId& id, const Verb& verb, const std::string& more = "");
    void refuseUnless(const Server& server, const identity::Caller& caller, std::string_view doing, std::initializer_list<VmState> states,
                      bool idle) const;
    struct Asker {
        std::string request;
        UserId user;
        ProjectId project;
    };
    std::int64_t record(store::Transaction& tx, const Server& server, const Asker& asker, std::string_view action, std::string_view event);
    std::int64_t record(store::Transaction& tx, const identity::Caller& caller, const Server& server, std::string_view action,
                        std::string_view event);
    void checkImage(const image::ImageFacts& image, const Flavor& flavor) const;
    void addNics(store::Transaction& tx, const identity::Caller& caller, const Server& server, const NewServers& wanted);
    void addVolumes(store::Transaction& tx, const Server& server, const NewServers& wanted);
    std::int64_t affordable(store::Reader& db, const ProjectId& project, const Flavor& flavor, const NewServers& wanted) const;
    std::vector<VolumeTie> tiesOf(store::Reader& db, const ServerId& id);
    store::ByOwner<VolumeTie> tiesOf(store::Reader& db, const std::vector<std::string>& servers);

    // What the jobs do.
    GuestSpec specOf(store::Reader& db, const Server& server);
    HostName hostOf(const ServerId& server);
    Hypervisor& hypervisorOf(const ServerId& server) { return hypervisors_.on(hostOf(server)); }
    InstanceDisks& disksOf(const ServerId& server) { return hypervisors_.disksOn(hostOf(server)); }
    void ensureDisk(const ServerId& id, const Cancelled& cancelled);
    void powerOff(jobs::Run& run, std::chrono::seconds patience);
    void letGoOfVolume(jobs::Run& run, const std::string& volume);
    bool letGoOfLostDevice(jobs::Run& run, const network::PortFacts& port);
    void letGoOfNic(jobs::Run& run, const std::string& mac);
    void boot(const ServerId& id);
    void close(store::Transaction& tx, const jobs::Run& run, VmState vm, PowerState power);
    void failed(store::Transaction& tx, jobs::Run& run, std::string_view doing, const std::string& reason);
    void endAction(store::Transaction& tx, const jobs::Run& run, bool success, std::string_view doing = {},
                   const std::string& details = {});
    void release(store::Transaction& tx, const ServerId& id);
    jobs::Job createJob();
    jobs::Job deleteJob();
    jobs::Job startJob();
    jobs::Job stopJob();
    jobs::Job rebootJob();
    jobs::Job attachVolumeJob();
    jobs::Job detachVolumeJob();
    jobs::Job extendVolumeJob();
    void volumeExtended(store::Transaction& tx, const ServerId& id, const VolumeId& volume);
    void plugAgain(store::Transaction& tx, const ServerId& id, const PortId& port);
    jobs::Job attachNicJob();
    jobs::Job detachNicJob();
    void mend(const HostName& host);
    void removeUnusedBases(const HostName& host);
    void compare(const Server& server, const std::set<std::string>& guests, bool hostRestarted);

    Parts parts_;
    Hypervisors& hypervisors_;
    image::Images& images_;
    block::Block& block_;
    network::Network& network_;
    Flavors& flavors_;
    const Quotas& quotas_;
};

void addServerRoutes(http::Routes& routes, Servers& servers);
void addServerActionRoutes(http::Routes& routes, Servers& servers);
void addAttachmentRoutes(http::Routes& routes, Servers& servers);

}
