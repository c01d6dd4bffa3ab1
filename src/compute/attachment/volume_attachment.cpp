#include "compute/attachment/volume_attachment.hpp"

#include <algorithm>
#include <map>

#include <stratolet/error.hpp>

#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"

namespace stratolet::compute {
namespace {

struct Own {
    bool root = false;
    std::optional<std::string> tag;
};

/// What compute knows of the attachments of these servers, by attachment.
std::map<std::string, Own> ownOf(store::Reader& db, const std::vector<std::string>& servers) {
    std::map<std::string, Own> own;
    auto rows =
        db.query("SELECT a.id, a.root, a.tag FROM json_each(?) w JOIN compute_attachments a ON a.server = w.value",
                 store::asList(servers));
    while (rows.next()) own[rows.row().text(0)] = {rows.row().boolean(1), rows.row().maybeText(2)};
    return own;
}

std::vector<VolumeTie>::const_iterator tieTo(const std::vector<VolumeTie>& ties, const VolumeId& volume) {
    return std::find_if(ties.begin(), ties.end(),
                        [&](const VolumeTie& each) { return each.attachment.volume == volume; });
}

}

void TieTable::insert(store::Transaction& tx, const ServerId& id, const VolumeTie& tie) {
    tx.execute("INSERT INTO compute_attachments (id, server, volume, root, tag) VALUES (?, ?, ?, ?, ?)",
               tie.attachment.id, id, tie.attachment.volume, tie.root, tie.tag);
}

void TieTable::remove(store::Transaction& tx, const AttachmentId& attachment) {
    tx.execute("DELETE FROM compute_attachments WHERE id = ?", attachment);
}

store::ByOwner<VolumeTie> tiesOf(Core& core, store::Reader& db, const std::vector<std::string>& servers) {
    store::ByOwner<VolumeTie> ties;
    auto known = ownOf(db, servers);
    for (auto& [server, attachments] : core.block.madeByCompute(db, servers))
        for (auto& attachment : attachments) {
            auto& own = known[attachment.id.text];
            ties[server].push_back({attachment, own.root, std::move(own.tag)});
        }
    return ties;
}

std::vector<VolumeTie> tiesOf(Core& core, store::Reader& db, const ServerId& id) {
    auto found = tiesOf(core, db, std::vector{id.text});
    return store::takeOf(found, id.text);
}

std::string freeDevice(const std::vector<VolumeTie>& ties) {
    for (char letter = 'b'; letter <= 'z'; ++letter) {
        const std::string device = std::string("/dev/vd") + letter;
        if (std::none_of(ties.begin(), ties.end(),
                         [&](const VolumeTie& tie) { return tie.attachment.device == device; }))
            return device;
    }
    throw Error(Failure::Forbidden, "The server has as many volumes as it can have.");
}

VolumeTie attachVolume(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& volume,
                       const std::optional<std::string>& tag) {
    return core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        requireState(server, caller, "attach_volume", withGuest, While::Idle);
        const auto ties = tiesOf(core, tx, id);
        if (tieTo(ties, volume) != ties.end())
            throw Error(Failure::Invalid, "Invalid volume: volume ", volume, " already attached");
        const VolumeTie tie{core.block.reserve(tx, server.project, volume, id, freeDevice(ties)), false, tag};
        TieTable::insert(tx, id, tie);
        enqueueVerb(core, tx, server, askerOf(caller), "attach-volume", "attach_volume", "compute_attach_volume",
                    "\"attachment\":" + jsonText(tie.attachment.id.text));
        return tie;
    });
}

void detachVolume(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& volume) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        const auto ties = tiesOf(core, tx, id);
        const auto tie = tieTo(ties, volume);
        if (tie == ties.end())
            throw Error(Failure::NotFound, "Instance ", id, " is not attached to volume ", volume, ".");
        requireState(server, caller, "detach_volume", withGuest, While::Idle);
        if (tie->root) throw Error(Failure::Invalid, "Cannot detach a root device volume");
        core.block.detaching(tx, tie->attachment.id);
        enqueueVerb(core, tx, server, askerOf(caller), "detach-volume", "detach_volume", "compute_detach_volume",
                    "\"attachment\":" + jsonText(tie->attachment.id.text) + ",\"volume\":" + jsonText(volume.text));
    });
}

void volumeExtended(Core& core, store::Transaction& tx, const ServerId& id, const VolumeId& volume) {
    const auto server = ServerTable::find(tx, id);
    if (!server || server->deleted) return;
    const Asker owner{.request = "req-" + core.parts.ambient.uuid(), .user = server->user, .project = server->project};
    enqueueVerb(core, tx, *server, owner, "extend-volume", "extend_volume", "compute_extend_volume",
                "\"volume\":" + jsonText(volume.text));
}

}
