#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/caller.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"
#include "resource/listing.hpp"
#include "resource/table.hpp"

// The catalog of metadata definitions (Image API v2, "Metadata definitions"): namespaces, and in them objects,
// properties, tags and the resource types that they are for.

namespace stratolet::image {

/// A namespace of metadata definitions, as it is kept.
struct MetadefNamespace {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::string> displayName, description;
    bool isPublic = false;
    bool isProtected = false;
    ProjectId owner; ///< empty for those that come with the program
    Time created{}, updated{};
};

/// What a namespace holds.
enum class MetadefKind { Object, Property, Tag, ResourceType };

/// One object, property, tag or association with a resource type.
struct MetadefItem {
    std::int64_t id = 0;
    std::string name;
    std::string body = "{}"; ///< a JSON object: all but the name, checked
    Time created{}, updated{};
};

/// A namespace with all that is in it, as a request or a file describes it.
struct MetadefDocument {
    MetadefNamespace about;
    std::vector<std::pair<MetadefKind, MetadefItem>> items;
};

// What a body may say; Error(Invalid) names the member that is wrong. Nothing but the name is kept outside of `body`.
MetadefItem metadefItemIn(MetadefKind kind, const Json& body);
MetadefDocument metadefDocumentIn(const Json& body);
std::vector<MetadefDocument> shippedMetadefDocuments(); ///< those of config/metadefs

/// Where namespaces, and what is in them, are kept, and what lists of them are sorted by.
extern const resource::Table<MetadefNamespace> namespaceColumns;
extern const resource::Table<MetadefItem> itemColumns; ///< but for its namespace and kind

/// SQL, and no rule.
namespace metadef_table {
std::optional<MetadefNamespace> find(store::Reader& db, const std::string& name);
void onlyFor(store::Conditions& conditions, const std::vector<std::string>& resourceTypes); ///< of a list of namespaces
std::int64_t insert(store::Transaction& tx, const MetadefNamespace& wanted);                ///< its id
void update(store::Transaction& tx, const MetadefNamespace& changed);
void remove(store::Transaction& tx, std::int64_t id);

std::optional<MetadefItem> find(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind, const std::string& name);
std::vector<MetadefItem> all(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind); ///< oldest first
std::vector<MetadefItem> list(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind, resource::Listing listing);
void insert(store::Transaction& tx, std::int64_t ofNamespace, MetadefKind kind, const MetadefItem& item);
void update(store::Transaction& tx, const MetadefItem& item);
void removeItem(store::Transaction& tx, std::int64_t item);
void removeAll(store::Transaction& tx, std::int64_t ofNamespace, MetadefKind kind);

void addResourceType(store::Transaction& tx, const std::string& name, Time now); ///< keeps one that is there
std::vector<MetadefItem> resourceTypes(store::Reader& db);
}

/// The verbs: who may, what must hold, one transaction each. A namespace that the caller may not see is not found.
/// Owned by the module; any thread.
class Metadefs {
public:
    explicit Metadefs(Parts parts) : parts_(parts) {}

    MetadefNamespace create(const identity::Caller& caller, MetadefDocument wanted);
    MetadefNamespace show(const identity::Caller& caller, const std::string& name);
    /// The listing's marker is a name.
    std::vector<MetadefNamespace> list(const identity::Caller& caller, resource::Listing listing);
    MetadefNamespace update(const identity::Caller& caller, const std::string& name, const MetadefNamespace& wanted);
    void remove(const identity::Caller& caller, const std::string& name);

    MetadefItem add(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                    MetadefItem wanted);
    /// Puts `wanted` in the place of all that there is, or beside it.
    std::vector<MetadefItem> addAll(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                                    std::vector<MetadefItem> wanted, bool beside);
    MetadefItem item(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                     const std::string& name);
    /// Of one kind, those that were asked for; the listing's marker is a name.
    std::vector<MetadefItem> items(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                                   resource::Listing listing);
    std::vector<MetadefItem> items(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind);
    MetadefItem change(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                       const std::string& name, MetadefItem wanted);
    void remove(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind,
                const std::string& name);
    void removeAll(const identity::Caller& caller, const std::string& ofNamespace, MetadefKind kind);

    std::vector<MetadefItem> resourceTypes(const identity::Caller& caller);

    store::Reader& db() { return parts_.store.reader(); }

private:
    MetadefNamespace visible(store::Reader& db, const identity::Caller& caller, const std::string& name);
    MetadefNamespace permitted(store::Reader& db, const identity::Caller& caller, const std::string& name);
    MetadefItem demand(store::Reader& db, const MetadefNamespace& ofNamespace, MetadefKind kind,
                       const std::string& name);

    Parts parts_;
};

/// Adds the namespace that a file describes, unless there is one of its name; false then.
bool loadMetadef(store::Transaction& tx, MetadefDocument document, Time now);

/// The namespaces that come with the program (config/metadefs), into a catalog that is empty.
void loadShippedMetadefs(store::Store& store, Time now);

}
