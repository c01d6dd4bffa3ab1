#include <algorithm>
#include <array>
#include <set>

#include <stratolet/error.hpp>

#include "image/image_api.hpp"
#include "image/metadef/metadef.hpp"
#include "platform/resources.hpp"

// What metadata definitions may say, as documents for clients and as checks of what they send: both from the same
// tables.

namespace stratolet::image {
namespace {

enum class Kind {
    Name,
    Text,
    Truth,
    Number,
    Count,
    Texts,
    Values,
    Pattern,
    Items,
    Any,
    Visibility,
    Properties,
    Objects,
    Tags,
    Types,
    Time
};

struct Member {
    std::string_view name;
    Kind kind;
    std::string_view description;
    std::size_t lengthMax = 0; ///< of a text; 0 is the largest body
};

// A property is described as JSON schema describes a value, plus what people see and which comparisons make sense.
constexpr std::array<Member, 20> propertyMembers{{
    {"title", Kind::Name, "What people see", 80},
    {"type", Kind::Text, "Type of the value"},
    {"description", Kind::Text, "What it is for"},
    {"operators", Kind::Texts, "Comparisons that make sense"},
    {"default", Kind::Any, "Value where none is given"},
    {"enum", Kind::Values, "The values that it can have"},
    {"minimum", Kind::Number, "Least value"},
    {"maximum", Kind::Number, "Largest value"},
    {"minLength", Kind::Count, "Least number of characters"},
    {"maxLength", Kind::Count, "Largest number of characters"},
    {"pattern", Kind::Pattern, "Regular expression that the value matches"},
    {"items", Kind::Items, "Type of the members of an array"},
    {"minItems", Kind::Count, "Least number of members"},
    {"maxItems", Kind::Count, "Largest number of members"},
    {"uniqueItems", Kind::Truth, "No member twice"},
    {"additionalItems", Kind::Truth, "More members than described"},
    {"readonly", Kind::Truth, "Not to be changed by people"},
    {"confidential", Kind::Truth, "Not to be shown"},
    {"required", Kind::Texts, "Properties that must be there with it"},
    {"uniqueIn", Kind::Text, "Where no value may be there twice"},
}};

constexpr std::array<Member, 3> objectMembers{{
    {"description", Kind::Text, "What it is for"},
    {"required", Kind::Texts, "Properties that must be given"},
    {"properties", Kind::Properties, "The properties that belong together, by name"},
}};

constexpr std::array<Member, 2> associationMembers{{
    {"prefix", Kind::Text, "What stands before the names of properties on resources of this type", 80},
    {"properties_target", Kind::Text, "Which part of the resource has the properties", 80},
}};

constexpr std::array<Member, 9> namespaceMembers{{
    {"display_name", Kind::Text, "What people see", 80},
    {"description", Kind::Text, "What it is for", 500},
    {"visibility", Kind::Visibility, "Who sees it"},
    {"protected", Kind::Truth, "If true, it cannot be deleted"},
    {"owner", Kind::Text, "Project that owns it", 255},
    {"resource_type_associations", Kind::Types, "The types of resources that it is for"},
    {"properties", Kind::Properties, "Properties by name"},
    {"objects", Kind::Objects, "Properties that belong together"},
    {"tags", Kind::Tags, "Words that mark resources"},
}};

constexpr std::array<std::string_view, 5> valueTypes{"array", "boolean", "integer", "number", "string"};
constexpr std::array<std::string_view, 4> readOnly{"self", "schema", "created_at", "updated_at"};
constexpr std::size_t nameLengthMax = 80;

std::string nameIn(const Json& body, std::string_view member) {
    auto name = body.text(member);
    if (name.empty() || name.size() > nameLengthMax) body.at(member).refuse("It must have 1 to 80 characters.");
    return name;
}

void checkType(const Json& value) {
    if (std::find(valueTypes.begin(), valueTypes.end(), value.text()) == valueTypes.end())
        value.refuse("It must be array, boolean, integer, number or string.");
}

void checkTexts(const Json& value) {
    for (const auto& each : value.items()) each.text();
}

void checkProperties(const Json& value);

void check(const Member& member, const Json& value) {
    switch (member.kind) {
    case Kind::Name:
    case Kind::Text: {
        const auto text = value.text();
        if (member.lengthMax > 0 && text.size() > member.lengthMax)
            value.refuse("It must have at most " + std::to_string(member.lengthMax) + " characters.");
        if (member.kind == Kind::Name && text.empty()) value.refuse("It must not be empty.");
        break;
    }
    case Kind::Pattern: value.text(); break;
    case Kind::Truth: value.boolean(); break;
    case Kind::Number: value.number(); break;
    case Kind::Count:
        if (value.integer() < 0) value.refuse("It must not be negative.");
        break;
    case Kind::Texts: checkTexts(value); break;
    case Kind::Values: value.items(); break;
    case Kind::Items:
        value.onlyKnows({"type", "enum"});
        if (const auto type = value.find("type")) checkType(*type);
        if (const auto values = value.find("enum")) values->items();
        break;
    case Kind::Visibility:
        if (const auto word = value.text(); word != "public" && word != "private")
            value.refuse("It must be public or private.");
        break;
    case Kind::Properties: checkProperties(value); break;
    case Kind::Any:
    case Kind::Objects:
    case Kind::Tags:
    case Kind::Types:
    case Kind::Time: break; // looked at where they are taken apart
    }
}

/// The members that `members` names, checked, as a JSON object; what else there is (but `name`) is refused.
template <class Members> std::string checkedBody(const Json& body, const Members& members, bool hasName = true) {
    std::string out;
    {
        JsonWriter writer(out);
        const auto object = writer.object();
        for (const auto& name : body.names()) {
            if (hasName && name == "name") continue;
            // Clients send a namespace back as they got it, with what we added to its items.
            if (std::find(readOnly.begin(), readOnly.end(), name) != readOnly.end()) continue;
            const auto value = body.at(name);
            const auto known =
                std::find_if(members.begin(), members.end(), [&](const Member& each) { return each.name == name; });
            if (known == members.end()) value.refuse("There is no such attribute.");
            if (value.isNull()) continue;
            check(*known, value);
            writer.rawField(name, value.dump());
        }
    }
    return out;
}

std::string checkedProperty(const Json& body, bool hasName) {
    checkType(body.at("type"));
    body.text("title");
    return checkedBody(body, propertyMembers, hasName);
}

void checkProperties(const Json& value) {
    for (const auto& name : value.names()) {
        const auto each = value.at(name);
        if (name.empty() || name.size() > nameLengthMax) each.refuse("Its name must have 1 to 80 characters.");
        checkedProperty(each, false);
    }
}

std::string checkedBody(MetadefKind kind, const Json& body) {
    switch (kind) {
    case MetadefKind::Object: return checkedBody(body, objectMembers);
    case MetadefKind::Property: return checkedProperty(body, true);
    case MetadefKind::Tag: return checkedBody(body, std::array<Member, 0>());
    case MetadefKind::ResourceType: return checkedBody(body, associationMembers);
    }
    std::abort();
}

// The same as documents.

std::string schemaOf(const Member& member);

template <class Members> std::string propertiesOf(const Members& members) {
    std::string out;
    JsonWriter writer(out);
    {
        const auto object = writer.object();
        for (const auto& each : members) writer.rawField(each.name, schemaOf(each));
    }
    return out;
}

constexpr std::string_view nameSchema = R"({"type":"string","maxLength":80})";
constexpr std::string_view timeSchema = R"({"type":"string","format":"date-time","readOnly":true})";
constexpr std::string_view linkSchema = R"({"type":"string","readOnly":true})";

/// A schema of an object: `first` and what `members` name, then the times.
template <class Members> std::string documentOf(std::string_view name, const Members& members,
                                                std::string_view required, std::string_view first = "name",
                                                bool linked = false) {
    std::string out;
    JsonWriter writer(out);
    {
        const auto object = writer.object();
        if (!name.empty()) writer.field("name", name);
        writer.field("type", "object");
        writer.rawField("required", required);
        writer.field("additionalProperties", false);
        const auto properties = writer.object("properties");
        if (!first.empty()) writer.rawField(first, nameSchema);
        for (const auto& each : members) writer.rawField(each.name, schemaOf(each));
        if (linked) {
            writer.rawField("self", linkSchema);
            writer.rawField("schema", linkSchema);
        }
        if (!name.empty())
            for (const std::string_view each : {"created_at", "updated_at"}) writer.rawField(each, timeSchema);
    }
    return out;
}

std::string propertySchema(std::string_view name) {
    return documentOf(name, propertyMembers, name.empty() ? R"(["title","type"])" : R"(["name","title","type"])",
                      name.empty() ? "" : "name");
}
std::string objectSchema() { return documentOf("object", objectMembers, R"(["name"])", "name", true); }
std::string tagSchema() { return documentOf("tag", std::array<Member, 0>(), R"(["name"])"); }
std::string associationSchema() { return documentOf("resource_type_association", associationMembers, R"(["name"])"); }
std::string namespaceSchema() {
    return documentOf("namespace", namespaceMembers, R"(["namespace"])", "namespace", true);
}

std::string listOf(const std::string& items) { return R"({"type":"array","items":)" + items + "}"; }

std::string typeOf(Kind kind) {
    switch (kind) {
    case Kind::Name:
    case Kind::Text:
    case Kind::Time: return R"("type":"string")";
    case Kind::Pattern: return R"("type":"string","format":"regex")";
    case Kind::Truth: return R"("type":"boolean")";
    case Kind::Number: return R"("type":"number")";
    case Kind::Count: return R"("type":"integer","minimum":0)";
    case Kind::Texts: return R"("type":"array","items":{"type":"string"})";
    case Kind::Values: return R"("type":"array")";
    case Kind::Items:
        return R"("type":"object","properties":{"type":{"type":"string","enum":["array","boolean","integer","number","string"]},"enum":{"type":"array"}})";
    case Kind::Any: return {};
    case Kind::Visibility: return R"("type":"string","enum":["public","private"])";
    case Kind::Properties: return R"("type":"object","additionalProperties":)" + propertySchema("");
    case Kind::Objects: return R"("type":"array","items":)" + objectSchema();
    case Kind::Tags: return R"("type":"array","items":)" + tagSchema();
    case Kind::Types: return R"("type":"array","items":)" + associationSchema();
    }
    std::abort();
}

std::string schemaOf(const Member& member) {
    std::string out = "{\"description\":" + jsonText(member.description);
    if (const auto type = typeOf(member.kind); !type.empty()) out.append(",").append(type);
    if (member.lengthMax > 0) out.append(",\"maxLength\":").append(std::to_string(member.lengthMax));
    return out + "}";
}

/// A page of things: {"<name>": …, "first", "next", "schema"}.
std::string pageOf(std::string_view name, const std::string& content) {
    std::string out;
    JsonWriter writer(out);
    {
        const auto object = writer.object();
        writer.field("name", name);
        {
            const auto properties = writer.object("properties");
            writer.rawField(name, content);
            for (const std::string_view each : {"first", "next", "schema"}) writer.rawField(each, linkSchema);
        }
        writer.rawField(
            "links",
            R"([{"rel":"first","href":"{first}"},{"rel":"next","href":"{next}"},{"rel":"describedby","href":"{schema}"}])");
    }
    return out;
}

}

MetadefItem metadefItemIn(MetadefKind kind, const Json& body) {
    MetadefItem item;
    item.name = nameIn(body, "name");
    item.body = checkedBody(kind, body);
    return item;
}

MetadefDocument metadefDocumentIn(const Json& body) {
    MetadefDocument document;
    auto& about = document.about;
    about.name = nameIn(body, "namespace");
    for (const auto& name : body.names()) {
        if (name == "namespace") continue;
        const auto value = body.at(name);
        if (std::find(readOnly.begin(), readOnly.end(), name) != readOnly.end())
            throw Error(Failure::Forbidden, "Attribute '", name, "' is read-only.");
        const auto known = std::find_if(namespaceMembers.begin(), namespaceMembers.end(),
                                        [&](const Member& each) { return each.name == name; });
        if (known == namespaceMembers.end()) value.refuse("There is no such attribute.");
        if (!value.isNull()) check(*known, value);
    }
    about.displayName = body.maybeText("display_name");
    about.description = body.maybeText("description");
    about.isPublic = body.maybeText("visibility").value_or("private") == "public";
    about.isProtected = body.boolean("protected", false);
    about.owner.text = body.maybeText("owner").value_or("");
    const auto addAll = [&](MetadefKind kind, std::string_view member) {
        if (!body.has(member) || body.at(member).isNull()) return;
        std::set<std::string> names;
        for (const auto& each : body.array(member).items()) {
            document.items.emplace_back(kind, metadefItemIn(kind, each));
            if (!names.insert(document.items.back().second.name).second) each.refuse("Its name is there twice.");
        }
    };
    addAll(MetadefKind::ResourceType, "resource_type_associations");
    addAll(MetadefKind::Object, "objects");
    addAll(MetadefKind::Tag, "tags");
    if (const auto properties = body.find("properties"); properties && !properties->isNull())
        for (const auto& name : properties->names()) {
            MetadefItem item;
            item.name = name;
            item.body = checkedProperty(properties->at(name), false);
            document.items.emplace_back(MetadefKind::Property, std::move(item));
        }
    return document;
}

std::vector<MetadefDocument> shippedMetadefDocuments() {
    std::vector<MetadefDocument> documents;
    for (const auto text : shippedMetadefs()) documents.push_back(metadefDocumentIn(Json::parse(text)));
    return documents;
}

http::Routes metadefSchemaRoutes() {
    http::Routes routes;
    const auto serve = [&](const std::string& name, std::string document) {
        routes.push_back({http::Method::Get, "/v2/schemas/metadefs/" + name,
                          http::open("what a definition looks like is no secret"),
                          [document = std::move(document)](http::Request&) {
                              return http::jsonResponse(200, [&](JsonWriter& out) { out.raw(document); });
                          }});
    };
    serve("namespace", namespaceSchema());
    serve("namespaces", pageOf("namespaces", listOf(namespaceSchema())));
    serve("object", objectSchema());
    serve("objects", pageOf("objects", listOf(objectSchema())));
    serve("property", propertySchema("property"));
    serve("properties", pageOf("properties", R"({"type":"object","additionalProperties":)" + propertySchema("") + "}"));
    serve("resource_type", associationSchema());
    serve("resource_types", pageOf("resource_type_associations", listOf(associationSchema())));
    serve("tag", tagSchema());
    serve("tags", pageOf("tags", listOf(tagSchema())));
    return routes;
}

}
