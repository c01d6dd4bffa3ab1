#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/volume/volume_service.hpp"
#include "platform/http/http.hpp"

// How block storage speaks: its error envelope, its microversions, its volumes.

namespace stratolet::block {

/// 3.minor
struct Microversion {
    int minor = 0;
    friend auto operator<=>(Microversion, Microversion) = default;
};
constexpr Microversion newest{71};

/// What the request asks for; 3.0 where it says nothing. Error(Invalid) for what is no version, Error(Unsupported) for
/// one we don't speak.
Microversion microversionOf(const http::Request& request);

/// Error(NotFound), as for a route that isn't there, before `least`.
void require(const http::Request& request, Microversion least);

http::Response refusal(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed);

/// Refuses a version that isn't spoken and a project in the path that isn't the token's.
void gate(http::Request& request);
void finish(const http::Request& request, http::Response& response);

/// What of a volume goes into an answer, by version and by the caller's rights.
struct VolumeStyle {
    Microversion version;
    const identity::Caller& caller;
    std::string base;     ///< http://HOST/volume
    bool detailed = true; ///< also what only "show" and "detail" tell
};
VolumeStyle styleOf(const http::Request& request, bool detailed);
void write(JsonWriter& out, const VolumeStyle& style, const VolumeView& view);
void writeLinks(JsonWriter& out, const VolumeStyle& style, const Volume& volume);
/// "self" and "bookmark" of what is at `path` ("/<project>/backups/<id>"); `base`: http://HOST/volume.
void writeLinks(JsonWriter& out, const std::string& base, const std::string& path);
void writeMetadata(JsonWriter& out, std::string_view name, const Metadata& metadata);
http::Response metadataResponse(const Metadata& metadata, std::string_view name = "metadata"); ///< 200

/// What a body is about, and all that it has: {"<name>": {…}}.
Json nounIn(const http::Request& request, std::string_view name);

/// {"<name>": arguments}: what an action's body must be. Error(Invalid) where it names none or several.
std::string actionIn(const Json& body);

/// The server that an attachment is wanted for, by its "instance_uuid"; empty where there is none. Error(Invalid) where
/// that is no UUID.
ServerId serverIn(const Json& wanted);

/// How somebody reaches volumes: a JSON object with the texts "host", and maybe "ip", "initiator" and others that are
/// kept as they are. As text, of 4 KiB at most.
std::string connectorTextIn(const Json& value);

/// A text of at most 255 characters, or null.
std::optional<std::string> shortTextOrNull(const Json& value);
/// An object of texts: names of 1 to 255 characters, values of at most 255.
Metadata metadataIn(const Json& value);
/// A whole number in GiB, also as a text ("10"); Error(Invalid) where it isn't 1 or more.
GiB sizeIn(const Json& value);
/// Error(Invalid) for an availability zone that isn't the one there is.
void requireZone(std::string_view zone);
/// true, false, or a text that says so.
bool truthIn(const Json& value);

}
