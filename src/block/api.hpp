#pragma once

#include <string>

#include "platform/http/http.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"

// The routes of block storage, noun by noun. What is handed in must outlive them; the module owns it.

namespace stratolet::block {

class Attachments;
class Backends;
class Backups;
class GroupTypes;
class Groups;
class QosSpecs;
class Snapshots;
class Transfers;
class TypeEncryptions;
struct Hosting;
class VolumeQuotas;
class VolumeTypes;
class VolumeChanges;
class Volumes;

http::Routes volumeRoutes(Volumes& volumes);
http::Routes volumeActionRoutes(Volumes& volumes, VolumeChanges& changes, Attachments& attachments);
http::Routes manageRoutes(VolumeChanges& changes, Snapshots& snapshots); ///< what lies in back ends
http::Routes snapshotRoutes(Snapshots& snapshots);
http::Routes backupRoutes(Backups& backups);
http::Routes attachmentRoutes(Attachments& attachments);
http::Routes typeRoutes(VolumeTypes& types);
http::Routes encryptionRoutes(TypeEncryptions& encryptions);
http::Routes qosRoutes(QosSpecs& specs);
http::Routes messageRoutes(Parts parts);
http::Routes quotaRoutes(VolumeQuotas& quotas);
http::Routes groupTypeRoutes(GroupTypes& types);
http::Routes groupRoutes(Groups& groups);            ///< and their snapshots
http::Routes consistencyGroupRoutes(Groups& groups); ///< the older face of those
http::Routes transferRoutes(Transfers& transfers);
http::Routes backendRoutes(const Hosting& hosting); ///< hosts, pools, capabilities
http::Routes clusterRoutes();                       ///< clusters, and what they leave to clean up
http::Routes infoRoutes();                          ///< versions and extensions

/// The same route below /v3/{project_id} and, since 3.67, below /v3 alone. `path` begins with "/".
void add(http::Routes& routes, http::Method method, const std::string& path, const std::string& rule,
         const http::Handler& handler, http::Runs runs = http::Runs::ByMethod);

}
