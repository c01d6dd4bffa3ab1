#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

// How identity speaks: its error envelope, its lists, its filters, and the attributes that it only keeps.

namespace stratolet::identity {

http::Response refusal(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed);

/// The 401 that the gate of any service gives (the other services' dialects leave it to the gate).
http::Response unauthenticated(const http::Request& request, std::string_view message);

/// {"<collection>": […], "links": {self, previous, next}}
http::Response listResponse(const http::Request& request, std::string_view collection, const std::function<void(JsonWriter&)>& writeItems);

/// "links": {"self": base/v3/<path>}
void writeSelf(JsonWriter& out, const http::Request& request, std::string_view path);

/// A query parameter that filters a column. Text columns also know __contains, __startswith, __endswith and their forms without case.
struct Filter {
    enum class Kind { Text, Truth };
    std::string_view parameter;
    std::string_view column;
    Kind kind = Kind::Text;
};
void applyFilters(store::Conditions& conditions, const http::Query& query, std::initializer_list<Filter> filters);

/// Members of `body` that are not in `known`, on top of what `kept` (a JSON object) has already; a null removes nothing, it is kept as
/// null.
std::string mergedExtra(const std::string& kept, const Json& body, std::initializer_list<std::string_view> known);

/// The members of the JSON object `extra` as fields.
void writeExtra(JsonWriter& out, const std::string& extra);

/// `options` with the members of `body.options` put over it; Error(Invalid) for one that is not in `known`.
std::string mergedOptions(const std::string& options, const Json& body, std::initializer_list<std::string_view> known);

bool isImmutable(const std::string& options);

/// A name of 1 to `lengthMax` characters that is not blank; Error(Invalid) otherwise.
std::string checkedName(const Json& value, std::size_t lengthMax);

/// true or false, and nothing else.
bool checkedTruth(const Json& body, std::string_view name, bool otherwise);

}
