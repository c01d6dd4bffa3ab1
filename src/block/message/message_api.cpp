#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/message/message.hpp"
#include "block/message/message_query.hpp"
#include "block/volume/volume_access.hpp"
#include "block/wire.hpp"
#include "platform/ambient/ambient.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::Caller;
using identity::callerOf;

constexpr Microversion messagesSince{3}, pagesSince{5};

Error missingMessage(const std::string& id) { return Error(Failure::NotFound, "Message ", id, " could not be found."); }

/// Error(NotFound) for one that isn't the caller's to see, or whose time is over.
Message visibleMessage(store::Reader& db, const Caller& caller, const std::string& id, Time now) {
    auto message = messageColumns.find(db, id);
    const bool seen = message && message->expires > now && (message->project == caller.project || isAdmin(caller));
    if (!seen) throw missingMessage(id);
    caller.enforce({{"project_id", message->project.text}});
    return *std::move(message);
}

void write(JsonWriter& out, const Request& request, const Message& message) {
    const auto one = out.object();
    showInto(out, messageColumns, message);
    const auto path = "/" + message.project.text + "/messages/" + message.id;
    writeLinks(out, request.base, path);
}

ListQuery queryIn(const Request& request) {
    if (microversionOf(request) >= pagesSince) return listQueryIn(request, messageLists());
    Request bare; // before, a list is what there is, whatever is asked for
    bare.headers = request.headers;
    return listQueryIn(bare, messageLists());
}

Response list(Request& request, Parts parts) {
    require(request, messagesSince);
    const auto& caller = callerOf(request);
    caller.enforce();
    auto query = queryIn(request);
    const auto now = parts.ambient.now();
    const auto page = parts.store.read([&](store::Reader& db) {
        query.listing.conditions.add("+m.expires > ?", now); // few are: not by their index
        restrict(query.listing.conditions, caller, true, 'm');
        if (!query.listing.marker.empty()) visibleMessage(db, caller, query.listing.marker, now);
        return ListPage<Message>{resource::pageOf(db, messageColumns, query.listing, query.offset)};
    });
    return listResponse(
        request, "messages", query, page, [](const Message& each) { return each.id; },
        [&](JsonWriter& out, const Message& each) { write(out, request, each); });
}

Response show(Request& request, Parts parts) {
    require(request, messagesSince);
    const auto message =
        visibleMessage(parts.store.reader(), callerOf(request), request.param("message"), parts.ambient.now());
    return http::jsonResponse(200, "message", [&](JsonWriter& out) { write(out, request, message); });
}

Response remove(Request& request, Parts parts) {
    require(request, messagesSince);
    parts.store.write([&](store::Transaction& tx) {
        messageColumns.remove(tx,
                              visibleMessage(tx, callerOf(request), request.param("message"), parts.ambient.now()).id);
    });
    return http::emptyResponse(204);
}

}

http::Routes messageRoutes(Parts parts) {
    http::Routes routes;
    const auto with = http::boundTo(parts);
    add(routes, Method::Get, "/messages", "message:get_all", with(list));
    add(routes, Method::Get, "/messages/{message}", "message:get", with(show));
    add(routes, Method::Delete, "/messages/{message}", "message:delete", with(remove));
    return routes;
}

}
