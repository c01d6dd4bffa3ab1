#include "compute/server/server_jobs.hpp"

#include <limits>

#include "compute/attachment/interface_attachment.hpp"
#include "compute/attachment/volume_attachment.hpp"
#include "compute/device/injected.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_power.hpp"
#include "compute/server/server_table.hpp"
#include "compute/verb/migrate.hpp"
#include "compute/verb/rebuild.hpp"
#include "compute/verb/removal.hpp"
#include "compute/verb/rescue.hpp"
#include "compute/verb/resize.hpp"
#include "compute/verb/shelve.hpp"
#include "compute/verb/snapshot.hpp"
#include "platform/bus/bus.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::compute {

void declareServerJobs(Core& core) {
    // libvirtd serves five requests of a connection at once. Where there is one host only, there is no other to keep
    // threads free for.
    const int threads = core.hypervisors.count() > 1 ? 2 : std::numeric_limits<int>::max();
    const auto host = [](store::Reader& db, const std::string& server) {
        return ServerTable::hostOf(db, ServerId{server}).value_or("");
    };
    for (const auto make :
         {createServerJob,   deleteServerJob,      softDeleteServerJob, restoreServerJob,   startServerJob,
          stopServerJob,     rebootServerJob,      pauseServerJob,      unpauseServerJob,   suspendServerJob,
          resumeServerJob,   injectNetworkInfoJob, rescueServerJob,     unrescueServerJob,  rebuildServerJob,
          resizeServerJob,   confirmResizeJob,     revertResizeJob,     shelveServerJob,    offloadServerJob,
          unshelveServerJob, createImageJob,       describeImageJob,    attachVolumeJob,    detachVolumeJob,
          extendVolumeJob,   swapVolumeJob,        attachInterfaceJob,  detachInterfaceJob, migrateServerJob,
          evacuateServerJob})
        core.parts.jobs.declare(make(core).keyedBy(host, threads));
    core.parts.bus.on<network::PortUnplugged>("compute.plug-again",
                                              [&core](store::Transaction& tx, const network::PortUnplugged& event) {
                                                  plugAgain(core, tx, event.server, event.port);
                                              });
    core.parts.bus.on<network::PortDeleted>(
        "compute.forget-nic",
        [](store::Transaction& tx, const network::PortDeleted& event) { NicTable::remove(tx, event.port); });
    core.parts.bus.on<block::VolumeExtended>("compute.extend-volume",
                                             [&core](store::Transaction& tx, const block::VolumeExtended& event) {
                                                 volumeExtended(core, tx, event.server, event.volume);
                                             });
}

}
