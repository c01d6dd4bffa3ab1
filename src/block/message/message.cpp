#include "block/message/message.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "platform/json/json.hpp"

namespace stratolet::block {

namespace {

template <class Number> std::string threeDigits(Number number) {
    const auto text = std::to_string(static_cast<int>(number));
    return std::string(3 - std::min<std::size_t>(3, text.size()), '0') + text;
}

// Block storage API, "Messages" (message_field): the words that clients show and tests look for.
constexpr std::array<std::string_view, 16> actions{"schedule allocate volume",
                                                   "attach volume",
                                                   "copy volume to image",
                                                   "update attachment",
                                                   "copy image to volume",
                                                   "unmanage volume",
                                                   "extend volume",
                                                   "create volume from backend storage",
                                                   "create snapshot",
                                                   "delete snapshot",
                                                   "update snapshot",
                                                   "update snapshot metadata",
                                                   "create backup",
                                                   "delete backup",
                                                   "restore backup",
                                                   "reimage volume"};

constexpr std::array<std::string_view, 30> details{
    "An unknown error occurred.",
    "Driver is not initialized at present.",
    "Could not find any available weighted backend.",
    "Failed to upload volume to image at backend.",
    "Volume's attach mode is invalid.",
    "Not enough quota resource for operation.",
    "Image used for creating volume exceeds available space.",
    "Unmanaging encrypted volumes is not supported.",
    "Compute service failed to extend volume.",
    "Volume Driver failed to extend volume.",
    "Image signature verification failed.",
    "Driver failed to create the volume.",
    "Snapshot failed to create.",
    "Volume snapshot update metadata failed.",
    "Snapshot is busy.",
    "Snapshot failed to delete.",
    "Backup status is invalid.",
    "Backup service is down.",
    "Failed to get backup device from the volume service.",
    "Backup driver failed to create backup.",
    "Failed to attach volume.",
    "Failed to detach volume.",
    "Cleanup of temporary volume/snapshot failed.",
    "Backup failed to schedule. Service not found for creating backup.",
    "Backup driver failed to delete backup.",
    "Backup driver failed to restore backup.",
    "Volume status is invalid.",
    "Compute service failed to reimage volume.",
    "The image disk format must be the same as the volume format for the volume type you are requesting.",
    "Incremental backup not possible, forcing full backup."};

}

std::string eventOf(const Message& message) {
    return "VOLUME_" + message.resourceType + "_" + threeDigits(message.action) + "_" + threeDigits(message.detail);
}

std::string wordsOf(const Message& message) {
    const auto action = static_cast<std::size_t>(message.action) - 1,
               detail = static_cast<std::size_t>(message.detail) - 1;
    return std::string(actions.at(action)) + ":" + std::string(details.at(detail));
}

void record(store::Transaction& tx, Ambient& ambient, const NewMessage& wanted) {
    constexpr std::chrono::hours kept{30 * 24}; // [DEFAULT] message_ttl of Cinder
    constexpr int ofProjectMax = 1000, goneAtOnce = 100;
    Message message;
    message.id = ambient.uuid();
    message.project = wanted.project;
    message.request = wanted.request;
    message.resource = wanted.resource;
    message.action = wanted.action;
    message.detail = wanted.detail;
    message.created = ambient.now();
    message.expires = message.created + kept;
    message_table::removeExpired(tx, message.created, goneAtOnce);
    message_table::keepNewest(tx, wanted.project, ofProjectMax - 1);
    messageColumns.insert(tx, message);
}

std::string requestIn(const std::string& payload) {
    return payload.empty() ? std::string() : Json::parse(payload).text("request", "");
}

}
