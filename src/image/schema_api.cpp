#include <array>

#include "image/image_api.hpp"

namespace stratolet::image {
namespace {

using http::Request;
using http::Response;

/// One attribute as JSON schema describes it. `type` is JSON text.
struct Attribute {
    std::string_view name, type, description;
    bool readOnly = false;
    std::string_view more = {}; ///< further members, JSON text
};

constexpr std::string_view text = R"("string")", textOrNull = R"(["null","string"])", number = R"("integer")",
                           numberOrNull = R"(["null","integer"])";
constexpr std::string_view uuid =
    R"("pattern":"^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$")";

constexpr std::array<Attribute, 25> imageAttributes{{
    {"id", text, "An identifier for the image", false, uuid},
    {"name", textOrNull, "Descriptive name for the image", false, R"("maxLength":255)"},
    {"status", text, "Status of the image", true,
     R"("enum":["queued","saving","uploading","importing","active","deactivated","killed","deleted","pending_delete"])"},
    {"visibility", text, "Scope of image accessibility", false, R"("enum":["community","public","private","shared"])"},
    {"protected", R"("boolean")", "If true, the image cannot be deleted"},
    {"os_hidden", R"("boolean")", "If true, the image does not appear in the default list"},
    {"checksum", textOrNull, "md5 of the data", true, R"("maxLength":32)"},
    {"os_hash_algo", textOrNull, "Algorithm of os_hash_value", true, R"("maxLength":64)"},
    {"os_hash_value", textOrNull, "Hexadecimal digest of the data by os_hash_algo", true, R"("maxLength":128)"},
    {"owner", textOrNull, "Project that owns the image", false, R"("maxLength":255)"},
    {"size", numberOrNull, "Size of the data in bytes", true},
    {"virtual_size", numberOrNull, "Size of the disk in bytes", true},
    {"container_format", textOrNull, "Format of the container", false,
     R"("enum":[null,"ami","ari","aki","bare","ovf","ova","docker","compressed"])"},
    {"disk_format", textOrNull, "Format of the disk", false,
     R"("enum":[null,"ami","ari","aki","vhd","vhdx","vmdk","raw","qcow2","vdi","iso","ploop"])"},
    {"created_at", text, "Date and time of creation", true},
    {"updated_at", text, "Date and time of the last change", true},
    {"tags", R"("array")", "Words that mark the image", false, R"("items":{"type":"string","maxLength":255})"},
    {"min_ram", number, "Memory in MiB that a server needs"},
    {"min_disk", number, "Disk in GiB that a server needs"},
    {"self", text, "URL of the image", true},
    {"file", text, "URL of the data", true},
    {"schema", text, "URL of the schema", true},
    {"stores", text, "Stores that have the data, with commas", true},
    {"direct_url", text, "Address of the data in its first location", true},
    {"locations", R"("array")", "Addresses of the data", false,
     R"("items":{"type":"object","required":["url","metadata"],"properties":{"url":{"type":"string","maxLength":4096},"metadata":{"type":"object"},"validation_data":{"type":"object","required":["os_hash_algo","os_hash_value"],"additionalProperties":false,"properties":{"checksum":{"type":"string","minLength":32,"maxLength":32},"os_hash_algo":{"type":"string","maxLength":64},"os_hash_value":{"type":"string","maxLength":128}}}}})"},
}};

constexpr std::array<Attribute, 15> taskAttributes{{
    {"id", text, "An identifier for the task", false, uuid},
    {"type", text, "What the task does", false, R"("enum":["import","api_image_import"])"},
    {"status", text, "How far it has come", false, R"("enum":["pending","processing","success","failure"])"},
    {"input", R"(["null","object"])", "What was asked for"},
    {"result", R"(["null","object"])", "What has come of it"},
    {"owner", text, "Project that asked"},
    {"message", text, "Why it failed"},
    {"image_id", text, "The image"},
    {"request_id", text, "Request that began it"},
    {"user_id", text, "User who asked"},
    {"expires_at", textOrNull, "When it will be forgotten"},
    {"created_at", text, "Date and time of creation"},
    {"updated_at", text, "Date and time of the last change"},
    {"self", text, "URL of the task", true},
    {"schema", text, "URL of the schema", true},
}};

constexpr std::array<Attribute, 6> memberAttributes{{
    {"member_id", text, "Project that the image is shared with"},
    {"image_id", text, "The image", false, uuid},
    {"created_at", text, "Date and time of sharing"},
    {"updated_at", text, "Date and time of the last change"},
    {"status", text, "Whether the member has taken it", false, R"("enum":["pending","accepted","rejected"])"},
    {"schema", text, "URL of the schema", true},
}};

template <class Attributes> void writeProperties(JsonWriter& out, const Attributes& attributes) {
    const auto properties = out.object("properties");
    for (const auto& each : attributes) {
        std::string one = "{\"type\":";
        one.append(each.type).append(",\"description\":").append(jsonText(each.description));
        if (each.readOnly) one += ",\"readOnly\":true";
        if (!each.more.empty()) one.append(",").append(each.more);
        out.rawField(each.name, one + "}");
    }
}

void writeImage(JsonWriter& out) {
    const auto schema = out.object();
    out.field("name", "image");
    writeProperties(out, imageAttributes);
    out.rawField("additionalProperties", R"({"type":"string"})");
    out.rawField(
        "links",
        R"([{"rel":"self","href":"{self}"},{"rel":"enclosure","href":"{file}"},{"rel":"describedby","href":"{schema}"}])");
}

void writeMember(JsonWriter& out) {
    const auto schema = out.object();
    out.field("name", "member");
    writeProperties(out, memberAttributes);
}

void writeTask(JsonWriter& out) {
    const auto schema = out.object();
    out.field("name", "task");
    writeProperties(out, taskAttributes);
}

void writeList(JsonWriter& out, std::string_view name, bool paged, void (*writeItem)(JsonWriter&)) {
    const auto schema = out.object();
    out.field("name", name);
    {
        const auto properties = out.object("properties");
        {
            const auto list = out.object(name);
            out.field("type", "array");
            out.key("items");
            writeItem(out);
        }
        if (paged) {
            out.rawField("first", R"({"type":"string"})");
            out.rawField("next", R"({"type":"string"})");
        }
        out.rawField("schema", R"({"type":"string"})");
    }
    out.rawField(
        "links",
        paged
            ? R"([{"rel":"first","href":"{first}"},{"rel":"next","href":"{next}"},{"rel":"describedby","href":"{schema}"}])"
            : R"([{"rel":"describedby","href":"{schema}"}])");
}

http::Route schema(std::string name, std::function<void(JsonWriter&)> writeIt) {
    return {http::Method::Get, "/v2/schemas/" + name, http::open("what an image looks like is no secret"),
            [writeIt = std::move(writeIt)](Request&) { return http::jsonResponse(200, writeIt); }};
}

}

http::Routes schemaRoutes() {
    return {schema("image", writeImage),
            schema("images", [](JsonWriter& out) { writeList(out, "images", true, writeImage); }),
            schema("member", writeMember),
            schema("members", [](JsonWriter& out) { writeList(out, "members", false, writeMember); }),
            schema("task", writeTask),
            schema("tasks", [](JsonWriter& out) { writeList(out, "tasks", true, writeTask); })};
}

}
