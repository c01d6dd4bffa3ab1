#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/caller.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

// How identity's answers look (errors, lists, links), what several of its bodies have, and the attributes that it only
// keeps. How its plain nouns speak is in dialect.hpp.

namespace stratolet::identity {

http::Response refusal(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed);

/// The 401 that the gate of any service gives (the other services' dialects leave it to the gate).
http::Response unauthenticated(const http::Request& request, std::string_view message);

/// {"<collection>": […], "links": {self, previous, next}}; `next` is the address of the page behind this one.
http::Response listResponse(const http::Request& request, std::string_view collection,
                            const std::optional<std::string>& next, const std::function<void(JsonWriter&)>& writeItems);

/// "links": {"self": base/v3/<path>}
void writeSelf(JsonWriter& out, const http::Request& request, std::string_view path);

/// A token of a domain lists what is in that domain (the column domain_id), whoever asks and whatever they filter by.
void onlyOfScope(store::Conditions& conditions, const Caller& caller);

/// A page of what has been read whole already: the part of `ids` that the marker and the limit of the query ask for.
/// Error(Invalid) for a marker that is not among them, and a limit that is no number from 1 up.
http::Response slicedResponse(const http::Request& request, std::string_view collection,
                              const std::vector<std::string>& ids,
                              const std::function<void(JsonWriter&, std::size_t)>& writeAt);

/// The same of things that have ids: what one user owns, say, which is never much.
template <class T> http::Response slicedResponse(const http::Request& request, std::string_view collection,
                                                 const std::vector<T>& found,
                                                 const std::function<void(JsonWriter&, const T&)>& writeOne) {
    std::vector<std::string> ids;
    for (const auto& each : found) ids.push_back(each.id.text);
    return slicedResponse(request, collection, ids, [&](JsonWriter& out, std::size_t at) { writeOne(out, found[at]); });
}

/// Members of `body` that are not known, on top of what `kept` (a JSON object) has already; a null removes nothing, it
/// is kept as null.
std::string mergedExtra(const std::string& kept, const Json& body,
                        const std::function<bool(std::string_view name)>& isKnown);

/// The members of the JSON object `extra` as fields.
void writeExtra(JsonWriter& out, const std::string& extra);

/// `options` with the members of `given` put over it; Error(Invalid) for one that is not in `known`.
std::string mergedOptions(const std::string& options, const Json& given, std::initializer_list<std::string_view> known);

bool isImmutable(const std::string& options);

/// True where a PATCH is about the option immutable and nothing else: all that may be done to what is immutable.
bool changesOnlyImmutable(const Json& body);

/// The domain that something new belongs to unless the request names another: that of the caller's scope.
DomainId homeDomainOf(const Caller& caller);

/// A name of 1 to `lengthMax` characters, none of them NUL, that is not blank; Error(Invalid) otherwise.
std::string checkedName(const Json& value, std::size_t lengthMax);

/// The 401 of a login or a token that is wrong, which never says in what way: who guesses learns nothing
/// (OSSA-2021-003).
Error refused();

/// true or false, and nothing else.
bool checkedTruth(const Json& body, std::string_view name, bool otherwise);

}
