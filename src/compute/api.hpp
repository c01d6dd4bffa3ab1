#pragma once

#include <stratolet/error.hpp>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "identity/caller.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/json/json.hpp"

namespace stratolet::compute {

inline constexpr int versionMin = 1, versionMax = 101; ///< minor versions of 2.x

/// One request to compute, as its handlers see it.
struct Call {
    http::Request& request;
    const identity::Caller& caller;
    int version = versionMin; ///< the minor of the negotiated 2.x
    bool legacy = false;      ///< came to /v2: unknown members of a body are ignored

    bool since(int minor) const { return version >= minor; }
    const std::string& param(std::string_view name) const { return request.param(name); }

    /// The member `name` of the body, an object. Error(Invalid) for anything else beside it.
    Json body(std::string_view name) const;

    /// Error(Invalid) naming a member of `object` that isn't known (unless legacy).
    void onlyKnows(const Json& object, std::initializer_list<std::string_view> known) const;

    /// The member `name` of `object`, which bodies have had since 2.`minor`: Error(Invalid) where an older request has
    /// it.
    std::optional<Json> find(const Json& object, std::string_view name, int minor) const;

    /// Error(Invalid) naming a parameter of the query that isn't known.
    void asksOnly(std::initializer_list<std::string_view> known) const;

    /// Error(NotFound) where the path ends with a slash: what a client that has lost the id asks for isn't the list.
    void requireNoBlankId() const;

    /// A time in the query. Error(Invalid) naming the parameter where it is none.
    std::optional<Time> time(std::string_view parameter) const;

    /// When what a list has was last changed: "changes-since", and since 2.66 "changes-before". Error(Invalid) where
    /// one is no time, or they are the wrong way round.
    struct Changes {
        std::optional<Time> since, before;
    };
    Changes changes() const;

    std::string self(std::string_view path) const;     ///< with the version, and the project where the request named it
    std::string bookmark(std::string_view path) const; ///< without
    void links(JsonWriter& out, std::string_view path) const;    ///< "links": self and bookmark
    void linkList(JsonWriter& out, std::string_view path) const; ///< what is in them
    /// `name` ("<plural>_links"): the way to the page behind the one that ends with `marker`.
    void nextLink(JsonWriter& out, std::string_view name, const std::string& marker) const;
};

/// The microversions at which a route exists.
struct Span {
    int from = versionMin, until = versionMax;
};

using Answer = std::function<http::Response(Call&)>;

inline constexpr const char* prefixes[] = {"/v2.1", "/v2.1/{project_id}", "/v2", "/v2/{project_id}"};

/// Adds a route under /v2.1, /v2.1/{project_id}, and the same under /v2. `pattern` starts with "/".
void addRoute(http::Routes& routes, http::Method method, std::string_view pattern, std::string rule, Answer answer,
              Span span = {}, http::Runs runs = http::Runs::ByMethod);

/// How many a listing returns, and after which.
struct Page {
    std::int64_t limit = 1000;
    std::optional<std::string> marker;
};
Page pageOf(const http::Query& query);

// Values as this API's schemas take them; each Error(Invalid) names the field.
bool booleanOf(const Json& value); ///< true, false, and their usual spellings
std::int64_t integerOf(const Json& value, std::int64_t least, std::int64_t most); ///< a number, or a text of digits
std::string textOf(const Json& value, std::size_t least, std::size_t most);       ///< length in characters
std::string nameOf(const Json& value); ///< 1–255 printable characters, no blank at either end
std::string uuidOf(const Json& value);
std::string addressOf(const Json& value);                       ///< of either version, in its canonical form
bool booleanOf(std::string_view name, const std::string& text); ///< of a query

void writeLink(JsonWriter& out, std::string_view rel, std::string_view href); ///< one of "links"
void writeTime(JsonWriter& out, std::string_view name, std::optional<Time> time);

// The dialect around every answer.
void finish(const http::Request& request, http::Response& response);
http::Response refuse(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request);

/// What was removed from compute for good: 410, as it answers itself.
void addRemovedRoutes(http::Routes& routes);

/// Version documents: GET /, /v2/, /v2.1/.
void addVersionRoutes(http::Routes& routes);

}
