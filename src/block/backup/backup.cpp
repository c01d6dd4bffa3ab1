#include "block/backup/backup.hpp"

#include <array>
#include <cstdlib>

#include "platform/json/json.hpp"
#include "platform/words.hpp"

namespace stratolet::block {
namespace {

constexpr std::array<std::pair<BackupStatus, std::string_view>, 5> statuses{{{BackupStatus::Creating, "creating"},
                                                                             {BackupStatus::Available, "available"},
                                                                             {BackupStatus::Restoring, "restoring"},
                                                                             {BackupStatus::Deleting, "deleting"},
                                                                             {BackupStatus::Failed, "error"}}};

}

std::string_view nameOf(BackupStatus status) { return nameIn(statuses, status); }
std::optional<BackupStatus> backupStatusNamed(std::string_view name) { return findIn(statuses, name); }

bool mayFollow(BackupStatus from, BackupStatus to) {
    using enum BackupStatus;
    switch (from) {
    case Creating: return to == Available || to == Failed || to == Deleting;
    case Available: return to == Restoring || to == Deleting;
    case Restoring: return to == Available || to == Deleting;
    case Failed: return to == Deleting;
    case Deleting: return false;
    }
    std::abort();
}

bool needsJob(BackupStatus status) {
    using enum BackupStatus;
    return status == Creating || status == Restoring || status == Deleting;
}

std::string factsOf(const VolumeTraits& traits) {
    std::string text;
    {
        JsonWriter out(text);
        const auto body = out.object();
        out.field("bootable", traits.bootable);
        out.field("type", traits.type);
        for (const auto& [what, items] :
             {std::pair{"metadata", &traits.metadata}, std::pair{"image", &traits.imageMetadata}}) {
            const auto object = out.object(what);
            for (const auto& [name, value] : *items) out.field(name, value);
        }
    }
    return text;
}

VolumeTraits traitsIn(const std::string& facts) {
    VolumeTraits traits;
    if (facts.empty()) return traits;
    const auto body = Json::parse(facts);
    traits.bootable = body.at("bootable").boolean();
    traits.type = body.at("type").text();
    for (const auto& [what, items] :
         {std::pair{"metadata", &traits.metadata}, std::pair{"image", &traits.imageMetadata}}) {
        const auto object = body.object(what);
        for (const auto& name : object.names()) items->emplace(name, object.at(name).text());
    }
    return traits;
}

}
