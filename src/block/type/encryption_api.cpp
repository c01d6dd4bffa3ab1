#include <stratolet/error.hpp>

#include <limits>

#include "block/api.hpp"
#include "block/type/encryption_service.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

const std::string& typeIn(const Request& request) { return request.param("type"); }

/// How volumes are encrypted: what both a type and a volume show.
void writeCommon(JsonWriter& out, const Encryption& encryption) {
    out.field("control_location", encryption.control);
    out.field("cipher", encryption.cipher);
    out.field("key_size", encryption.keySize);
    out.field("provider", encryption.provider);
}

void write(JsonWriter& out, const Encryption& encryption) {
    out.field("volume_type_id", encryption.type);
    out.field("encryption_id", encryption.id);
    writeCommon(out, encryption);
}

void readInto(Encryption& encryption, const Json& body) {
    if (const auto value = body.find("provider")) {
        encryption.provider = value->text();
        if (lengthInCharacters(encryption.provider) > 255) value->refuse("It must be 255 characters or less.");
    }
    if (const auto value = body.find("control_location")) {
        encryption.control = value->text();
        if (encryption.control != "front-end" && encryption.control != "back-end")
            value->refuse("It must be front-end or back-end.");
    }
    if (const auto value = body.find("cipher")) encryption.cipher = shortTextOrNull(*value);
    if (const auto value = body.find("key_size")) {
        encryption.keySize.reset();
        if (value->isInteger()) encryption.keySize = value->integer();
        if (value->isText()) encryption.keySize = wholeNumberIn(value->text());
        const bool fits = encryption.keySize && *encryption.keySize >= 0 &&
                          *encryption.keySize <= std::numeric_limits<std::int32_t>::max();
        if (!value->isNull() && !fits) value->refuse("It must be a whole number from 0 to 2147483647.");
    }
}

Response show(Request& request, TypeEncryptions& all) {
    const auto encryption = all.show(callerOf(request), typeIn(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        if (!encryption) return;
        write(out, *encryption);
        out.field("created_at", isoMicros(encryption->created));
        out.field("updated_at", encryption->updated ? std::optional(isoMicros(*encryption->updated)) : std::nullopt);
        out.field("deleted", false);
        out.field("deleted_at", nullptr);
    });
}

/// One member of what `write` writes, alone: {"cipher": …}. Error(NotFound) where there is no such one.
Response memberOf(const std::string& name, const Error& missing, const std::function<void(JsonWriter&)>& write) {
    std::string text;
    {
        JsonWriter out(text);
        const auto body = out.object();
        write(out);
    }
    const auto found = Json::parse(text).find(name);
    if (!found) throw missing;
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.rawField(name, found->dump());
    });
}

Response showKey(Request& request, TypeEncryptions& all) {
    const auto encryption = all.show(callerOf(request), typeIn(request));
    return memberOf(request.param("key"),
                    Error(Failure::NotFound, "Volume type encryption for type ", typeIn(request), " does not exist."),
                    [&](JsonWriter& out) {
                        if (encryption) write(out, *encryption);
                    });
}

Response create(Request& request, TypeEncryptions& all) {
    const auto wanted = nounIn(request, "encryption");
    Encryption encryption;
    encryption.type = typeIn(request);
    wanted.at("provider");
    wanted.at("control_location");
    readInto(encryption, wanted);
    const auto made = all.create(callerOf(request), std::move(encryption));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto content = out.object("encryption");
        write(out, made);
    });
}

Response update(Request& request, TypeEncryptions& all) {
    const auto wanted = nounIn(request, "encryption");
    all.update(callerOf(request), typeIn(request), [&](Encryption& encryption) { readInto(encryption, wanted); });
    return http::jsonResponse(200, [&](JsonWriter& out) { // as it was asked for
        const auto body = out.object();
        out.rawField("encryption", wanted.dump());
    });
}

Response remove(Request& request, TypeEncryptions& all) {
    return all.remove(callerOf(request), typeIn(request)), http::emptyResponse(202);
}

void writeOfVolume(JsonWriter& out, const std::pair<Volume, std::optional<Encryption>>& found) {
    const auto& [volume, encryption] = found;
    out.field("encryption_key_id",
              volume.encryptionKey.empty() ? std::nullopt : std::optional(volume.encryptionKey.text));
    if (encryption) writeCommon(out, *encryption);
}

Response showOfVolume(Request& request, TypeEncryptions& all) {
    const auto found = all.ofVolume(callerOf(request), {request.param("volume_id")});
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeOfVolume(out, found);
    });
}

Response showKeyOfVolume(Request& request, TypeEncryptions& all) {
    const auto found = all.ofVolume(callerOf(request), {request.param("volume_id")});
    return memberOf(request.param("key"), Error(Failure::NotFound, "The resource could not be found."),
                    [&](JsonWriter& out) { writeOfVolume(out, found); });
}

}

http::Routes encryptionRoutes(TypeEncryptions& encryptions) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(encryptions));
    const std::string all = "/types/{type}/encryption", rule = "volume_extension:volume_type_encryption:";
    add(routes, Method::Get, all, rule + "get", with(show));
    add(routes, Method::Post, all, rule + "create", with(create));
    add(routes, Method::Get, all + "/{key}", rule + "get", with(showKey));
    // A type has one: what is behind the slash says nothing.
    add(routes, Method::Put, all + "/{key}", rule + "update", with(update));
    add(routes, Method::Delete, all + "/{key}", rule + "delete", with(remove));
    const std::string ofVolume = "/volumes/{volume_id}/encryption";
    add(routes, Method::Get, ofVolume, "volume_extension:volume_encryption_metadata", with(showOfVolume));
    add(routes, Method::Get, ofVolume + "/{key}", "volume_extension:volume_encryption_metadata", with(showKeyOfVolume));
    return routes;
}
}
