#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/image_record.hpp"
#include "platform/http/http.hpp"

// How image speaks: plain errors in the form the client accepts, and images as flat objects.

namespace stratolet::image {

/// Some minors are there only with a cache, or with locations.
struct Minors {
    bool cache = false, locations = false;
};

http::Response refusal(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed, Minors has);

/// {"versions": [...]}, with 300 where the client asked for none that we have.
http::Response versions(const http::Request& request, int status, Minors has);

void write(JsonWriter& out, const ImageRecord& image, bool withLocations = false);
void writeLocation(JsonWriter& out, const ImageRecord& image, const ImageLocation& location);

/// "first", and "next" where the page ends with `last` and more may come.
void writeLinks(JsonWriter& out, const http::Request& request, const std::string& path,
                const std::optional<std::string>& last);

/// The id in the path; an id is never refused, there is just no image of that name.
inline ImageId imageIn(const http::Request& request) { return {request.param("image_id")}; }

}
