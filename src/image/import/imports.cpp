#include "image/import/imports.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/text/text.hpp"

namespace stratolet::image {
namespace {

using identity::Caller;

std::map<std::string, std::string> propertiesIn(const std::vector<std::string>& list) {
    std::map<std::string, std::string> properties;
    for (const auto& each : list) {
        const auto equals = each.find('=');
        if (equals == std::string::npos || equals == 0)
            throw Error(Failure::Invalid, "\"", each, "\" is not NAME=VALUE");
        auto name = each.substr(0, equals);
        if (kindOf(name) != AttributeKind::Property)
            throw Error(Failure::Invalid, "\"", name, "\" is no name of a property");
        properties[std::move(name)] = each.substr(equals + 1);
    }
    return properties;
}

}

std::string propertiesComplaint(const std::string& list) {
    try {
        propertiesIn(itemsOf(list));
        return {};
    } catch (const Error& problem) {
        return problem.what();
    }
}

Imports::Imports(Parts parts, ImageService& images, ImageData& data, const Stores& stores, const Staging& staging,
                 const WebSource& web)
    : parts_(parts),
      images_(images),
      data_(data),
      stores_(stores),
      staging_(staging),
      web_(web),
      plugins_{parts.config.boolean("image", "import_unpack"), parts.config.text("image", "import_convert_to"),
               propertiesIn(parts.config.list("image", "import_properties")),
               parts.config.list("image", "import_properties_not_for")} {}

const std::vector<std::string>& Imports::methods() {
    static const std::vector<std::string> all{"glance-direct", "web-download", "copy-image"};
    return all;
}

/// The stores to fill; of a copy only those that don't have it yet.
std::vector<std::string> Imports::targetsOf(const ImageRecord& image, const ImportRequest& wanted) const {
    if (wanted.allStores && wanted.stores)
        throw Error(Failure::Invalid,
                    "Invalid input for field/attribute all_stores. It can't be combined with stores.");
    const bool copy = wanted.method == "copy-image";
    if (copy && !wanted.allStores && !wanted.stores)
        throw Error(Failure::Invalid,
                    "Invalid input for field/attribute stores. It must say where the image is to be copied to.");
    auto targets =
        wanted.allStores ? stores_.names() : wanted.stores.value_or(std::vector{std::string(stores_.first().name())});
    if (targets.empty())
        throw Error(Failure::Invalid, "Invalid input for field/attribute stores. It must name one at least.");
    for (const auto& each : targets) {
        stores_.named(each);
        if (std::count(targets.begin(), targets.end(), each) > 1)
            throw Error(Failure::Invalid, "Invalid input for field/attribute stores. '", each, "' is there twice.");
        if (copy && !wanted.allStores && isIn(image, each))
            throw Error(Failure::Conflict, "Image is already available at store '", each, "'");
    }
    if (copy) std::erase_if(targets, [&](const std::string& each) { return isIn(image, each); });
    return targets;
}

bool Imports::injectsFor(const Caller& caller) const {
    return std::none_of(plugins_.ignoredRoles.begin(), plugins_.ignoredRoles.end(), [&](const std::string& role) {
        return std::find(caller.roles.begin(), caller.roles.end(), role) != caller.roles.end();
    });
}

void Imports::begin(const Caller& caller, const ImageId& id, const ImportRequest& wanted) {
    const auto& all = methods();
    if (std::find(all.begin(), all.end(), wanted.method) == all.end())
        throw Error(Failure::Invalid, "Unknown import method name '", wanted.method, "'.");
    if (wanted.method == "web-download") web_.check(wanted.uri);
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = images_.visible(tx, caller, id);
        if (wanted.method == "copy-image")
            caller.enforce("copy_image", images_.targetOf(tx, caller, image));
        else
            caller.enforce(images_.targetOf(tx, caller, image));
        beginIn(tx, caller, image, wanted, "api_image_import");
    });
}

Task Imports::create(const Caller& caller, ImageRecord wanted, const std::string& uri, const std::string& input) {
    caller.enforce("tasks_api_access", {});
    caller.enforce();
    caller.enforce("add_image", {{"project_id", caller.project.text}, {"owner", wanted.owner.text}});
    web_.check(uri);
    return parts_.store.write([&](store::Transaction& tx) {
        const auto image = images_.create(tx, caller, std::move(wanted));
        ImportRequest download;
        download.method = "web-download";
        download.uri = uri;
        download.body = input;
        return beginIn(tx, caller, image, download, "import");
    });
}

Task Imports::beginIn(store::Transaction& tx, const Caller& caller, const ImageRecord& image,
                      const ImportRequest& wanted, const std::string& type) {
    auto& table = images_.table();
    const auto now = parts_.ambient.now();
    const bool direct = wanted.method == "glance-direct", copy = wanted.method == "copy-image";
    const auto expected = direct ? ImageStatus::Uploading : copy ? ImageStatus::Active : ImageStatus::Queued;
    if (image.status != expected)
        throw Error(Failure::Conflict, "Only images with status '", nameOf(expected), "' can be imported by ",
                    wanted.method, "; this one is '", nameOf(image.status), "'");
    if (parts_.jobs.busy(tx, image.id.text))
        throw Error(Failure::Conflict, "Image ", image.id, " is being worked on already.");
    if (direct && !image.staged)
        throw Error(Failure::Conflict, "The data of image ", image.id, " is still being staged.");
    requireFormats(image);
    const auto targets = targetsOf(image, wanted);
    if (!direct) images_.quotas().claimUpload(tx, image.owner);
    images_.quotas().claimBytes(
        tx, image.owner, (copy ? image.size : image.staged).value_or(0) * static_cast<std::int64_t>(targets.size()));
    if (!copy) table.move(tx, image.id, expected, ImageStatus::Importing, now);
    table.setImport(tx, image.id, joined(targets, ","), "");

    std::string backends;
    for (const auto& each : targets) backends.append(backends.empty() ? "" : ",").append(jsonText(each));
    Task task;
    task.id = parts_.ambient.uuid();
    task.type = type;
    task.status = "pending";
    task.owner = caller.project;
    task.user = caller.user;
    task.request = caller.requestId;
    task.image = image.id;
    task.input = type == "import" ? wanted.body
                                  : R"({"image_id":)" + jsonText(image.id.text) + R"(,"import_req":)" + wanted.body +
                                        R"(,"backend":[)" + backends + "]}";
    task.created = task.updated = now;
    tasks_.insert(tx, task);
    parts_.jobs.enqueue(tx, "image.import", image.id.text,
                        R"({"task":)" + jsonText(task.id) + R"(,"method":)" + jsonText(wanted.method) + R"(,"uri":)" +
                            jsonText(wanted.uri) + R"(,"all_must_succeed":)" +
                            (wanted.allMustSucceed ? "true" : "false") + R"(,"inject":)" +
                            (!copy && injectsFor(caller) ? "true" : "false") + R"(,"stores":[)" + backends + "]}",
                        caller.project.text);
    return task;
}

void Imports::removeFromStore(const Caller& caller, const std::string& store, const ImageId& id) {
    if (!stores_.find(store)) throw Error(Failure::NotFound, "There is no store '", store, "'.");
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = images_.visible(tx, caller, id);
        caller.enforce(images_.targetOf(tx, caller, image));
        if (image.isProtected) throw Error(Failure::Forbidden, "Image ", id, " is protected and cannot be deleted.");
        if (image.status != ImageStatus::Active && image.status != ImageStatus::Deactivated)
            throw Error(Failure::Conflict,
                        "Only images with status 'active' can be deleted from a store; this one is '",
                        nameOf(image.status), "'");
        if (!isIn(image, store)) throw Error(Failure::NotFound, "Image ", id, " is not stored on store ", store, ".");
        if (image.locations.size() == 1)
            throw Error(Failure::Forbidden, "Cannot delete the last copy of image ", id, "; delete the image instead.");
        if (parts_.jobs.busy(tx, id.text)) throw Error(Failure::Conflict, "Image ", id, " is being worked on.");
        images_.table().removeFromStore(tx, id, store, parts_.ambient.now());
        parts_.jobs.enqueue(tx, "image.discard-copy", id.text, R"({"store":)" + jsonText(store) + "}");
    });
}

// --- tasks

std::vector<Task> Imports::tasksOf(const Caller& caller, const ImageId& id) {
    return parts_.store.read([&](store::Reader& db) {
        const auto image = images_.visible(db, caller, id);
        caller.enforce(images_.targetOf(db, caller, image));
        return tasks_.ofImage(db, id);
    });
}

std::optional<Task> Imports::task(const Caller& caller, const std::string& id) {
    caller.enforce("tasks_api_access", {});
    caller.enforce();
    return visibleTask(parts_.store.reader(), caller, id);
}

std::optional<Task> Imports::visibleTask(store::Reader& db, const Caller& caller, const std::string& id) {
    auto found = tasks_.find(db, id);
    if (found && found->owner != caller.project && !images_.isAdmin(caller)) return std::nullopt;
    return found;
}

std::vector<Task> Imports::tasks(const Caller& caller, resource::Listing listing) {
    caller.enforce("tasks_api_access", {});
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        if (!images_.isAdmin(caller)) listing.conditions.add("owner = ?", caller.project);
        if (!listing.marker.empty() && !visibleTask(db, caller, listing.marker))
            throw Error(Failure::NotFound, "No task found with ID ", listing.marker);
        return resource::pageOf(db, taskColumns, listing);
    });
}

void Imports::forgetExpiredTasks() {
    const auto now = parts_.ambient.now();
    if (tasks_.anyExpired(parts_.store.reader(), now))
        parts_.store.write([&](store::Transaction& tx) { tasks_.forgetExpired(tx, now); });
}

}
