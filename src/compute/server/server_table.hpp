#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/server/server.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

struct ServerQuery; // server_query.hpp

/// SQL of servers' rows, and nothing else. A deleted server's row is kept for a while, and found like any other.
struct ServerTable {
    static std::optional<Server> find(store::Reader& db, const ServerId& id);
    static std::optional<std::string> hostOf(store::Reader& db, const ServerId& id);
    /// Where those servers of the project are that are somewhere.
    static std::vector<std::string> hostsOf(store::Reader& db, const std::vector<std::string>& ids,
                                            const ProjectId& project);
    static std::vector<Server> living(store::Reader& db);
    static std::vector<Server> list(store::Reader& db,
                                    const ServerQuery& query); ///< Error(Invalid) where the marker isn't there
    static std::vector<std::string> idsIn(store::Reader& db,
                                          const ServerQuery& query); ///< what SQL alone says, on all pages

    static bool baseUsed(store::Reader& db, const std::string& base);  ///< by a living one
    static bool baseKnown(store::Reader& db, const std::string& base); ///< by any

    static void insert(store::Transaction& tx, const Server& server);
    /// Moves a server on. Asserts that the states may follow each other.
    static void move(store::Transaction& tx, const Server& server, VmState vm, TaskState task, PowerState power,
                     Time now);
    static void launched(store::Transaction& tx, const ServerId& id, Time now);
    static void fail(store::Transaction& tx, const ServerId& id, const std::string& message, const std::string& details,
                     Time now);
    static void deleted(store::Transaction& tx, const ServerId& id, Time now);
    static void setBase(store::Transaction& tx, const ServerId& id, const ImageId& image, const std::string& base);
    static void setImageProperties(store::Transaction& tx, const ServerId& id,
                                   const std::map<std::string, std::string>& properties);
    static void setRescue(store::Transaction& tx, const ServerId& id, const ImageId& image, const std::string& base);
    static void setShelved(store::Transaction& tx, const ServerId& id, const ImageId& image);
    static void setSoftDeleted(store::Transaction& tx, const ServerId& id, std::optional<Time> since);
    static std::vector<ServerId> softDeletedBefore(store::Reader& db, Time time); ///< the oldest, at most 100
    static std::vector<ServerId> shelvedBefore(store::Reader& db, Time time);     ///< and not offloaded; at most 100
    static void setHost(store::Transaction& tx, const ServerId& id, const HostName& host, const std::string& zone);
    /// The zone that it is to stay in; nothing: any.
    static void pin(store::Transaction& tx, const ServerId& id, const std::optional<std::string>& zone);
    static void setFlavor(store::Transaction& tx, const ServerId& id, const Flavor& flavor);
    /// Keeps the key, the user data and the host name.
    static void setGuestFacts(store::Transaction& tx, const Server& server);
    /// The roles of who asked for it, "member,reader": services of vendor data are told.
    static void setBootRoles(store::Transaction& tx, const ServerId& id, const std::string& roles);
    static std::string bootRoles(store::Reader& db, const ServerId& id);
    static void setLock(store::Transaction& tx, const ServerId& id, const std::string& by,
                        const std::optional<std::string>& reason, Time now);
    /// Keeps name, hostname, description, access addresses, disk config and when it was updated.
    static void describe(store::Transaction& tx, const Server& server);
    static void purge(store::Transaction& tx,
                      Time deletedBefore); ///< rows of servers that have been gone since before then

    /// What living servers take, as their flavors say.
    struct Usage {
        std::int64_t servers = 0, cores = 0, ram = 0; ///< ram in MiB
    };
    static Usage usage(store::Reader& db, const ProjectId& project);
    static Usage usage(store::Reader& db, const ProjectId& project,
                       const UserId& user); ///< of that user's servers there
};

}
