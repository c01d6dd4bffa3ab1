#pragma once

#include <any>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/json/json.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::http {

/// What a request does (RFC 9110 9.1).
enum class Method { Get, Head, Post, Put, Patch, Delete, Options, Other };
std::string_view nameOf(Method method);
Method methodOf(std::string_view name);

/// Header fields in the order they came; names compare without case.
class Headers {
public:
    std::string_view operator[](std::string_view name) const; ///< the first of that name; empty where there is none
    bool has(std::string_view name) const;
    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
    void set(std::string_view name, std::string value);
    std::size_t count(std::string_view name) const;
    /// What Content-Type says without its parameters, in small letters (RFC 9110, 8.3.1: "text/plain" of "Text/Plain;
    /// charset=utf-8").
    std::string mediaType() const;
    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// The decoded parameters of a query, in order; a name may come more than once.
class Query {
public:
    static constexpr std::size_t parametersMax = 512, sameNameMax = 256;

    /// What stands after the "?". Error(Invalid) beyond those bounds, which every list's repeated filters have from
    /// here, and for what is no UTF-8 or has a NUL.
    static Query parse(std::string_view text);
    std::optional<std::string> find(std::string_view name) const; ///< the first
    std::string text(std::string_view name, std::string_view otherwise = "") const;
    std::vector<std::string> all(std::string_view name) const;
    bool has(std::string_view name) const { return find(name).has_value(); }
    /// True where the parameter is there without a value, or with one other than 0, false, no, off (any case).
    bool flag(std::string_view name) const;
    /// Error(Invalid) naming the parameter where it is no whole number from `least` to `most`.
    std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most) const;
    auto begin() const { return pairs_.begin(); }
    auto end() const { return pairs_.end(); }
    bool empty() const { return pairs_.empty(); }

private:
    void requireFewOfEach() const;
    std::vector<std::pair<std::string, std::string>> pairs_;
};

std::string percentDecoded(std::string_view text, bool plusIsSpace);

/// A path in which letters, digits and -._~ stand for themselves (RFC 3986, 6.2.2.2: such a path names the same thing).
std::string percentNormalized(std::string_view path);

std::string percentEncoded(std::string_view text);

struct Route;

/// A request as a handler gets it: parsed, decoded, and let in by its service's gate. Valid while the handler runs.
struct Request {
    Method method = Method::Get;
    std::string path;      ///< decoded, below the service's own prefix: "/v3/projects/42"
    std::string queryText; ///< as it came, without "?"
    Query query;
    Headers headers;
    std::string body; ///< whole; empty where the route streams it
    std::optional<std::uint64_t> contentLength;
    std::string requestId; ///< "req-<uuid>"
    std::string
        endpoint;     ///< the cloud's public address, without a slash at its end: never what the client calls us (Host)
    std::string base; ///< the endpoint and the service's prefix: what links are made from
    std::string peer; ///< address of the other end
    std::string origin; ///< which adopted socket it came through (Server::adopt), empty for the public listeners
    std::vector<std::pair<std::string_view, std::string>> params; ///< of the route's pattern
    const Route* route = nullptr;
    std::any context;                              ///< what the gate found out (who asks)
    std::chrono::steady_clock::time_point begun{}; ///< when its head was whole

    /// A part of the path by its name in the pattern. Asking for a name that isn't in the pattern is a bug.
    const std::string& param(std::string_view name) const;
    /// The body as JSON; Error(Invalid) where it isn't, or where a text in it has a NUL (which ends a text elsewhere:
    /// in XML, in a name of the host, in SQL's functions).
    Json json() const;
};

/// Bytes made while they are sent; next() runs on a worker. An empty answer is the end.
class BodySource {
public:
    virtual ~BodySource() = default;
    virtual std::string next() = 0;
};

/// A part of an open file, sent by the kernel where the connection is plain.
struct FileBody {
    Fd fd;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// What a connection becomes once it is a websocket (RFC 6455): what its messages say goes to `other`, and what comes
/// from there goes back in binary messages, until either end has enough.
struct Relay {
    Fd other;             ///< a connected stream
    std::string protocol; ///< the subprotocol that was agreed on; empty: none
    /// Asked each second where the request was read, so it must not block; false ends it. Empty: it is never asked.
    std::function<bool()> goesOn;
};

/// A body that goes on for as long as there is something to tell, and its request would still be let in.
/// Asked ten times a second where the request was read, so it must not block: what there is to send now, maybe nothing;
/// no value ends it.
using Feed = std::function<std::optional<std::string>()>;

/// An answer. One of body, file, source and feed is sent; the session adds length and framing.
struct Response {
    int status = 200;
    Headers headers;
    std::string body;
    std::optional<FileBody> file;       ///< instead of body
    std::unique_ptr<BodySource> source; ///< instead of body; chunked
    Feed feed;                          ///< instead of body; chunked, and the connection's last answer
    std::optional<Relay> relay;         ///< of status 101 (see websocket.hpp): the connection's last answer
};

/// `write(JsonWriter&)` fills the body; the type is application/json.
Response jsonResponse(int status, const std::function<void(JsonWriter&)>& write);
/// {"<name>": what `write` writes}
Response jsonResponse(int status, std::string_view name, const std::function<void(JsonWriter&)>& write);
Response emptyResponse(int status);
Response textResponse(int status, std::string text, std::string type = "text/plain; charset=UTF-8");
std::string_view reasonOf(int status);

/// A request body on its way in, piece by piece, each call on a worker. A client that hangs up never gets to finish():
/// the destructor discards.
class BodySink {
public:
    virtual ~BodySink() = default;
    virtual void append(std::span<const std::byte> bytes) = 0;
    virtual Response finish() = 0;
};

/// Who may use a route: the name of a policy rule, or why nobody is asked.
struct Access {
    std::string rule;
    std::string openBecause;
};
inline Access policy(std::string rule) { return {std::move(rule), {}}; }
inline Access open(std::string because) { return {{}, std::move(because)}; }

using Handler = std::function<Response(Request&)>;

/// Makes handlers of functions that ask for more than the request: `boundTo(std::ref(images))(list, true)` calls
/// list(request, images, true). What is given without std::ref is copied.
template <class Its> auto boundTo(Its its) {
    return [its](auto function, auto... more) -> Handler {
        return [its, function, more...](Request& request) { return function(request, its, more...); };
    };
}
using Upload = std::function<std::unique_ptr<BodySink>(Request&)>;

/// Where a handler runs. A GET that only reads the store runs where the request was read; all that writes or touches
/// the host runs on a worker.
enum class Runs { ByMethod, Here, Worker };

/// An endpoint as data. `pattern` has {names}: one path segment each; a literal segment wins over a name.
struct Route {
    Method method = Method::Get;
    std::string pattern;
    Access access;
    std::variant<Handler, Upload> handler;
    Runs runs = Runs::ByMethod;
    /// True of a request that takes a processor for long by design: it runs in the lane of those (FairWorkers), which
    /// is small, takes the clients' addresses in turns, and says 503 early. Asked where the request was read, so it
    /// must not block; null: none does.
    std::function<bool(const Request&)> isCostly = {};
};
using Routes = std::vector<Route>;

/// One service as HTTP sees it.
struct Site {
    std::string name;   ///< "identity"
    std::string prefix; ///< "/identity"; empty for the site that has the rest
    std::uint16_t classicPort = 0;
    Routes routes;
    /// Finds out who asks and may refuse (throws Error). Runs before the handler, where the request was read.
    std::function<void(Request&)> gate;
    /// Adds what every answer carries (also refusals), and looks whether the handler did its duty.
    std::function<void(const Request&, Response&)> finish;
    /// A refusal in the service's own dialect. Broken has been logged, its text is not for the caller.
    std::function<Response(const Request&, const Error&)> refuse;
    /// No route: `allowed` has the methods that the path knows (empty: unknown path).
    std::function<Response(const Request&, const std::vector<Method>& allowed)> noRoute;
    std::uint64_t bodyBytesMax = 1 << 20; ///< of bodies that are not streamed; beyond it 413
};

}
