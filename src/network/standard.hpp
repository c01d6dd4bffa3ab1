#pragma once

#include <string>
#include <utility>
#include <vector>

#include "network/address.hpp"
#include "network/wire.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

// What every resource of network has, and the types that its attributes are made of.

namespace stratolet::network {

using Texts = std::vector<std::string>;
using TextPairs = std::vector<std::pair<std::string, std::string>>; ///< destination and nexthop, MAC and address

// Lists that are kept whole in one column.
std::string encoded(const TextPairs& pairs);
TextPairs pairsOf(const std::string& json);

/// [{"destination": …, "nexthop": …}]
void writeRoutes(JsonWriter& out, const TextPairs& routes);

/// The standard attributes as they are kept.
struct Standard {
    std::string project;
    std::string name;
    std::string description;
    std::int64_t revision = 0;
    Time created, updated;
    Texts tags = {}; ///< only where `completeTags` has filled them in
};

/// Of the standard attributes, those that not everything has; and whether it can be no project's, which is null then.
enum Standards : unsigned { HasName = 1, HasTags = 2, MayBeNobodys = 4 };

/// The attributes that everything has, then the kind's own.
template <class Record> std::vector<resource::Attribute<Record>>
withStandard(std::vector<resource::Attribute<Record>> own, unsigned has = HasName | HasTags) {
    using namespace resource;
    std::vector<Attribute<Record>> all{
        attribute<&Record::id>("id", Show | Find),
        computed<Record>(
            "tenant_id", Kind::Text, Post | Show | Find,
            [](JsonWriter& out, const Record& it) { out.value(it.standard.project); }, "$.project"),
        attribute<&Record::standard, &Standard::project>("project_id", Post | Show | Find).in("project").readByHook()};
    if ((has & MayBeNobodys) != 0) {
        all[1].show = [](JsonWriter& out, const Record& it) {
            it.standard.project.empty() ? out.value(nullptr) : out.value(it.standard.project);
        };
        all[2] =
            maybe<&Record::standard, &Standard::project>("project_id", Post | Show | Find).in("project").readByHook();
    }
    if ((has & HasName) != 0)
        all.push_back(attribute<&Record::standard, &Standard::name>("name", Post | Put | Show | Find));
    all.push_back(attribute<&Record::standard, &Standard::description>("description", Post | Put | Show | Find));
    all.push_back(attribute<&Record::standard, &Standard::created>("created_at", Show).in("created"));
    all.push_back(attribute<&Record::standard, &Standard::updated>("updated_at", Show | Moves).in("updated"));
    all.push_back(
        attribute<&Record::standard, &Standard::revision>("revision_number", Show | Find | Moves).in("revision"));
    if ((has & HasTags) != 0)
        all.push_back(computed<Record>("tags", Kind::Other, Show, [](JsonWriter& out, const Record& it) {
            Codec<Texts>::show(out, it.standard.tags);
        }));
    return joined(std::move(all), std::move(own));
}

// What several kinds show.
template <auto Member> void showRoutes(JsonWriter& out, const auto& record) { writeRoutes(out, record.*Member); }
inline constexpr auto showNoTexts = [](JsonWriter& out, const auto&) { const auto list = out.array(); };

template <class Record> Texts idsOf(const std::vector<Record>& records) {
    Texts ids;
    ids.reserve(records.size());
    for (const auto& each : records) ids.push_back(each.id.text);
    return ids;
}

Texts tagsOf(store::Reader& db, const std::string& resource);
store::ByOwner<std::string> tagsOf(store::Reader& db, const Texts& ids); ///< of many, by id
void addTag(store::Transaction& tx, const std::string& resource, const std::string& tag);
bool removeTag(store::Transaction& tx, const std::string& resource,
               const std::string& tag); ///< false where it wasn't there
void forgetTags(store::Transaction& tx, const std::string& resource);

template <class Record> void completeTags(store::Reader& db, std::vector<Record>& records) {
    auto tags = tagsOf(db, idsOf(records));
    for (auto& each : records) each.standard.tags = store::takeOf(tags, each.id.text);
}

}

namespace stratolet::resource {

template <> struct Codec<network::TextPairs> {
    static constexpr Kind kind = Kind::Other;
    static network::TextPairs load(const store::Row& row, int column) { return network::pairsOf(row.text(column)); }
    static store::Value bind(const network::TextPairs& pairs) { return network::encoded(pairs); }
};

/// Of what is kept and shown as its text, which T::parse reads back.
template <class T> struct TextCodec {
    static constexpr Kind kind = Kind::Text;
    static T load(const store::Row& row, int column) { return T::parse(row.text(column)).value(); }
    static store::Value bind(const T& value) { return value.text(); }
    static void show(JsonWriter& out, const T& value) { out.value(value.text()); }
};
template <> struct Codec<network::Prefix> : TextCodec<network::Prefix> {};
template <> struct Codec<network::Address> : TextCodec<network::Address> {};

template <> struct Codec<std::vector<network::Prefix>> {
    static constexpr Kind kind = Kind::Other;
    static std::vector<network::Prefix> load(const store::Row& row, int column);
    static store::Value bind(const std::vector<network::Prefix>& prefixes);
    static void show(JsonWriter& out, const std::vector<network::Prefix>& prefixes);
};

}
