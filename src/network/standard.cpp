#include "network/standard.hpp"

namespace stratolet::network {

std::string encoded(const TextPairs& pairs) {
    std::string out;
    JsonWriter writer(out);
    {
        const auto list = writer.array();
        for (const auto& [first, second] : pairs) {
            const auto pair = writer.array();
            writer.value(first);
            writer.value(second);
        }
    }
    return out;
}

TextPairs pairsOf(const std::string& json) {
    TextPairs out;
    if (json == "[]") return out;
    for (const auto& each : Json::parse(json).items()) {
        const auto both = each.items();
        out.emplace_back(both.at(0).text(), both.at(1).text());
    }
    return out;
}

void writeRoutes(JsonWriter& out, const TextPairs& routes) {
    const auto list = out.array();
    for (const auto& [destination, nexthop] : routes) {
        const auto route = out.object();
        out.field("destination", destination);
        out.field("nexthop", nexthop);
    }
}

store::ByOwner<std::string> tagsOf(store::Reader& db, const Texts& ids) {
    return store::many<std::string>(db,
                                    "SELECT t.resource, t.tag FROM json_each(?) w JOIN network_tags t ON t.resource = "
                                    "w.value ORDER BY w.key, t.tag",
                                    ids, [](const store::Row& row) { return row.text(1); });
}

Texts tagsOf(store::Reader& db, const std::string& resource) {
    return db.query("SELECT tag FROM network_tags WHERE resource = ? ORDER BY tag", resource).texts();
}

void forgetTags(store::Transaction& tx, const std::string& resource) {
    tx.execute("DELETE FROM network_tags WHERE resource = ?", resource);
}

void addTag(store::Transaction& tx, const std::string& resource, const std::string& tag) {
    tx.execute("INSERT OR IGNORE INTO network_tags VALUES (?, ?)", resource, tag);
}

bool removeTag(store::Transaction& tx, const std::string& resource, const std::string& tag) {
    return tx.execute("DELETE FROM network_tags WHERE resource = ? AND tag = ?", resource, tag) != 0;
}

}

namespace stratolet::resource {

using network::Prefix;

std::vector<Prefix> Codec<std::vector<Prefix>>::load(const store::Row& row, int column) {
    std::vector<Prefix> prefixes;
    for (const auto& each : decodedTexts(row.text(column))) prefixes.push_back(Prefix::parse(each).value());
    return prefixes;
}

store::Value Codec<std::vector<Prefix>>::bind(const std::vector<Prefix>& prefixes) {
    std::vector<std::string> texts;
    for (const auto& each : prefixes) texts.push_back(each.text());
    return store::asList(texts);
}

void Codec<std::vector<Prefix>>::show(JsonWriter& out, const std::vector<Prefix>& prefixes) {
    const auto list = out.array();
    for (const auto& each : prefixes) out.value(each.text());
}

}
