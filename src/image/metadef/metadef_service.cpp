#include "image/metadef/metadef.hpp"

#include <array>
#include <set>

#include <stratolet/error.hpp>

namespace stratolet::image {
namespace {

constexpr std::array<std::string_view, 4> nouns{"object", "property", "tag", "resource type association"};

std::string nounOf(MetadefKind kind) {
    return "metadata definition " + std::string(nouns[static_cast<std::size_t>(kind)]);
}

Error notFound(const std::string& name) {
    return Error(Failure::NotFound, "Metadata definition namespace ", name, " was not found.");
}

Target targetOf(const MetadefNamespace& about) {
    Target target;
    target["project_id"] = target["owner"] = about.owner.text;
    target["visibility"] = about.isPublic ? "public" : "private";
    return target;
}

void refuseTaken(store::Reader& db, const std::string& name) {
    if (metadef_table::find(db, name))
        throw Error(Failure::Conflict, "There is a metadata definition namespace ", name, " already.");
}

void refuseTaken(store::Reader& db, const MetadefNamespace& ofNamespace, MetadefKind kind, const std::string& name) {
    if (metadef_table::find(db, ofNamespace.id, kind, name))
        throw Error(Failure::Conflict, "There is a ", nounOf(kind), " ", name, " in namespace ", ofNamespace.name,
                    " already.");
}

void insert(store::Transaction& tx, const MetadefNamespace& ofNamespace, MetadefKind kind, MetadefItem& item,
            Time now) {
    refuseTaken(tx, ofNamespace, kind, item.name);
    item.created = item.updated = now;
    if (kind == MetadefKind::ResourceType) metadef_table::addResourceType(tx, item.name, now);
    metadef_table::insert(tx, ofNamespace.id, kind, item);
}

void insert(store::Transaction& tx, MetadefDocument& document, Time now) {
    auto& about = document.about;
    about.created = about.updated = now;
    about.id = metadef_table::insert(tx, about);
    for (auto& [kind, item] : document.items) insert(tx, about, kind, item, now);
}

/// Protection is of the namespace and all that is in it.
void requireUnprotected(const MetadefNamespace& found) {
    if (found.isProtected)
        throw Error(Failure::Forbidden, "Metadata definition namespace ", found.name,
                    " is protected and cannot be deleted.");
}

}

MetadefNamespace Metadefs::visible(store::Reader& db, const identity::Caller& caller, const std::string& name) {
    auto found = metadef_table::find(db, name);
    if (!found || !caller.may("get_metadef_namespace", targetOf(*found))) throw notFound(name);
    return *std::move(found);
}

MetadefNamespace Metadefs::permitted(store::Reader& db, const identity::Caller& caller, const std::string& name) {
    auto found = visible(db, caller, name);
    caller.enforce(targetOf(found));
    return found;
}

MetadefItem Metadefs::demand(store::Reader& db, const MetadefNamespace& ofNamespace, MetadefKind kind,
                             const std::string& name) {
    auto found = metadef_table::find(db, ofNamespace.id, kind, name);
    if (!found)
        throw Error(Failure::NotFound, "The ", nounOf(kind), " ", name, " was not found in namespace ",
                    ofNamespace.name, ".");
    return *std::move(found);
}

MetadefNamespace Metadefs::create(const identity::Caller& caller, MetadefDocument wanted) {
    if (wanted.about.owner.empty()) wanted.about.owner = caller.project;
    caller.enforce(targetOf(wanted.about));
    parts_.store.write([&](store::Transaction& tx) {
        refuseTaken(tx, wanted.about.name);
        insert(tx, wanted, parts_.ambient.now());
    });
    return wanted.about;
}

MetadefNamespace Metadefs::show(const identity::Caller& caller, const std::string& name) {
    return permitted(db(), caller, name);
}

std::vector<MetadefNamespace> Metadefs::list(const identity::Caller& caller, resource::Listing listing) {
    caller.enforce();
    if (!caller.isAdmin()) listing.conditions.add("public = 1 OR owner = ?", caller.project);
    if (!listing.marker.empty()) listing.marker = std::to_string(visible(db(), caller, listing.marker).id);
    return resource::pageOf(db(), namespaceColumns, listing);
}

MetadefNamespace Metadefs::update(const identity::Caller& caller, const std::string& name,
                                  const MetadefNamespace& wanted) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto before = permitted(tx, caller, name);
        if (wanted.name != name) refuseTaken(tx, wanted.name);
        MetadefNamespace after = wanted;
        after.id = before.id;
        if (after.owner.empty()) after.owner = before.owner;
        after.created = before.created;
        after.updated = parts_.ambient.now();
        metadef_table::update(tx, after);
        return after;
    });
}

void Metadefs::remove(const identity::Caller& caller, const std::string& name) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto found = permitted(tx, caller, name);
        requireUnprotected(found);
        metadef_table::remove(tx, found.id);
    });
}

MetadefItem Metadefs::add(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                          MetadefItem wanted) {
    parts_.store.write([&](store::Transaction& tx) {
        insert(tx, permitted(tx, caller, ofNamespace), kind, wanted, parts_.ambient.now());
    });
    return wanted;
}

std::vector<MetadefItem> Metadefs::addAll(const identity::Caller& caller, const std::string& ofNamespace,
                                          MetadefKind kind, std::vector<MetadefItem> wanted, bool beside) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto found = permitted(tx, caller, ofNamespace);
        if (!beside) metadef_table::removeAll(tx, found.id, kind);
        for (auto& each : wanted) insert(tx, found, kind, each, parts_.ambient.now());
    });
    return wanted;
}

MetadefItem Metadefs::item(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                           const std::string& name) {
    return demand(db(), permitted(db(), caller, ofNamespace), kind, name);
}

std::vector<MetadefItem> Metadefs::items(const identity::Caller& caller, const std::string& ofNamespace,
                                         MetadefKind kind, resource::Listing listing) {
    const auto found = permitted(db(), caller, ofNamespace);
    if (!listing.marker.empty()) listing.marker = std::to_string(demand(db(), found, kind, listing.marker).id);
    return metadef_table::list(db(), found.id, kind, std::move(listing));
}

std::vector<MetadefItem> Metadefs::items(const identity::Caller& caller, const std::string& ofNamespace,
                                         MetadefKind kind) {
    return metadef_table::all(db(), permitted(db(), caller, ofNamespace).id, kind);
}

MetadefItem Metadefs::change(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                             const std::string& name, MetadefItem wanted) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto found = permitted(tx, caller, ofNamespace);
        const auto before = demand(tx, found, kind, name);
        if (wanted.name != name) refuseTaken(tx, found, kind, wanted.name);
        wanted.id = before.id;
        wanted.created = before.created;
        wanted.updated = parts_.ambient.now();
        metadef_table::update(tx, wanted);
    });
    return wanted;
}

void Metadefs::remove(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                      const std::string& name) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto found = permitted(tx, caller, ofNamespace);
        const auto item = demand(tx, found, kind, name);
        requireUnprotected(found);
        metadef_table::removeItem(tx, item.id);
    });
}

void Metadefs::removeAll(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto found = permitted(tx, caller, ofNamespace);
        requireUnprotected(found);
        metadef_table::removeAll(tx, found.id, kind);
    });
}

std::vector<MetadefItem> Metadefs::resourceTypes(const identity::Caller& caller) {
    caller.enforce();
    return metadef_table::resourceTypes(db());
}

bool loadMetadef(store::Transaction& tx, MetadefDocument document, Time now) {
    if (metadef_table::find(tx, document.about.name)) return false;
    insert(tx, document, now);
    return true;
}

void loadShippedMetadefs(store::Store& store, Time now) {
    if (!metadef_table::resourceTypes(store.reader()).empty())
        return; // later on they are the administrator's to keep or delete
    const auto documents = shippedMetadefDocuments();
    store.write([&](store::Transaction& tx) {
        for (const auto& each : documents) loadMetadef(tx, each, now);
    });
}

}
