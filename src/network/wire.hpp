#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/caller.hpp"
#include "network/dialect.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/json/json.hpp"
#include "resource/table.hpp"

// How the network API speaks: its error envelope, its bodies, and what rights it asks for. (Lists are in dialect.cpp.)

namespace stratolet::network {

http::Response refusal(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed);

/// Error(Invalid) "Invalid input for NAME. Reason: …", as the dialect has it.
[[noreturn]] void refuseInput(std::string_view name, const std::string& reason);

/// What a body says of a name, or a domain, that DNS is to know; a null is none. Error(Invalid) where it can't be one.
std::string dnsNameIn(const Json& value);
std::string dnsDomainIn(const Json& value);

/// Error(Invalid) unless "protocol" is one that has ports.
void checkHasPorts(std::string_view protocol);

/// A body lacks what it must have.
Error notSpecified(std::string_view name);

/// Error(Invalid) where a body has attributes that `words` don't know, that may not be given (`creating`) or changed,
/// or of the wrong kind.
void checkBody(const Json& body, const resource::Words& words, bool creating);

/// One resource of a request, once checkBody has looked at it.
class Body {
public:
    Body(Json value) : value_(std::move(value)) {} // NOLINT(google-explicit-constructor): it is one, by another name

    bool has(std::string_view name) const { return value_.has(name); }
    bool isNull(std::string_view name) const;
    std::optional<Json> find(std::string_view name) const { return value_.find(name); }
    std::string text(std::string_view name, std::string_view otherwise = "") const; ///< a null is empty
    bool truth(std::string_view name, bool otherwise) const;
    std::int64_t whole(std::string_view name, std::int64_t otherwise) const;
    const Json& json() const { return value_; }

    /// Puts what is given into the record, as far as its attributes are read by their values alone.
    template <class Record> void readInto(Record& record, const resource::Table<Record>& table) const {
        resource::readInto(record, table.attributes(), value_, dialect().reading);
    }

private:
    Json value_;
};

/// A truth as clients write it: true, "True", 1, "0", …
std::optional<bool> truthOf(const Json& value);
std::optional<std::int64_t> wholeOf(const Json& value);       ///< also from a text of digits
bool truthIn(std::string_view name, const std::string& text); ///< of a query; Error(Invalid) by name where it is none

/// The resources of a POST: {"network": {…}} or {"networks": [{…}, …]}.
resource::Posted posted(const http::Request& request, std::string_view singular, std::string_view plural);
Json put(const http::Request& request, std::string_view singular);

/// Whether `rule` lets the caller do it: to whom a thing is shared by name (sharing.hpp), for them it is shared.
bool mayOn(const identity::Caller& caller, std::string_view rule, const Target& target);

/// Error(Forbidden) where not.
void demandOn(const identity::Caller& caller, std::string_view rule, const Target& target);

/// Whether `rule` lets the caller see what belongs to anybody.
bool seesAll(const identity::Caller& caller, std::string_view rule);

/// Error(NotFound) `missing` where the caller may not even see the thing; Error(Forbidden) where they may see it but
/// not do `rule` to it.
void enforceOn(const identity::Caller& caller, std::string_view rule, std::string_view seeing, const Target& target,
               const Error& missing);

/// Every given attribute that has a rule of its own ("create_network:shared") must be allowed.
void enforceAttributes(const identity::Caller& caller, std::string_view rule, const Body& body, const Target& target,
                       bool creating);

/// The project that a new thing belongs to: the caller's, or the one an administrator names.
std::string projectOf(const identity::Caller& caller, const Body& body);

Target ownedBy(const std::string& project);

}
