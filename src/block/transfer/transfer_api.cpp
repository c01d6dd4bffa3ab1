#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/transfer/transfer.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

constexpr Microversion snapshotsSince{55}, historySince{57}, pagesSince{59}, encryptedSince{70};

const std::string& transferIn(const Request& request) { return request.param("transfer"); }

void writeCommon(JsonWriter& out, const Request& request, const Transfer& transfer) {
    out.field("id", transfer.id);
    out.field("volume_id", transfer.volume);
    out.field("name", transfer.name);
    writeLinks(out, request.base, "/" + callerOf(request).project.text + "/os-volume-transfer/" + transfer.id);
}

/// `key`: told to who made it, once.
void writeDetail(JsonWriter& out, const Request& request, const Transfer& transfer, const std::string& key = {}) {
    const auto one = out.object();
    writeCommon(out, request, transfer);
    out.field("created_at", isoMicros(transfer.created));
    if (!key.empty()) out.field("auth_key", key);
    const auto version = microversionOf(request);
    if (version >= snapshotsSince) out.field("no_snapshots", transfer.noSnapshots);
    if (version < historySince) return;
    out.field("source_project_id", transfer.project);
    out.field("destination_project_id", nullptr); // one that is accepted is gone
    out.field("accepted", false);
}

void writeSummary(JsonWriter& out, const Request& request, const Transfer& transfer) {
    const auto one = out.object();
    writeCommon(out, request, transfer);
}

template <class Write> Response transferResponse(int status, Write write) {
    return http::jsonResponse(status, "transfer", [&](JsonWriter& out) { write(out); });
}

Response list(Request& request, Transfers& transfers, bool detailed) {
    auto query = listQueryIn(request, transferLists());
    if (microversionOf(request) < pagesSince) { // oldest first, and all of them
        query.listing.keys = {{"t.created", false}, {"t.id", false}};
        query.listing.marker.clear();
        query.offset = 0;
    }
    const auto page = transfers.list(callerOf(request), query);
    return listResponse(
        request, "transfers", query, page, [](const Transfer& each) { return each.id; },
        [&](JsonWriter& out, const Transfer& each) {
            detailed ? writeDetail(out, request, each) : writeSummary(out, request, each);
        });
}

Response show(Request& request, Transfers& transfers) {
    const auto transfer = transfers.show(callerOf(request), transferIn(request));
    return transferResponse(200, [&](JsonWriter& out) { writeDetail(out, request, transfer); });
}

Response create(Request& request, Transfers& transfers) {
    const auto wanted = nounIn(request, "transfer");
    const auto version = microversionOf(request);
    if (version >= snapshotsSince)
        wanted.onlyKnows({"volume_id", "name", "no_snapshots"});
    else
        wanted.onlyKnows({"volume_id", "name"});
    Transfers::New transfer;
    transfer.volume = {wanted.text("volume_id")};
    if (!isUuid(transfer.volume.text)) wanted.at("volume_id").refuse("It must be a UUID.");
    if (const auto name = wanted.find("name"))
        if (const auto text = shortTextOrNull(*name)) {
            transfer.name = std::string(trimmed(*text));
            if (transfer.name->empty()) name->refuse("It must have 1 to 255 characters.");
        }
    if (const auto without = wanted.find("no_snapshots")) transfer.noSnapshots = truthIn(*without);
    transfer.mayBeEncrypted = version >= encryptedSince;
    const auto made = transfers.create(callerOf(request), transfer);
    return transferResponse(202, [&](JsonWriter& out) { writeDetail(out, request, made.first, made.second); });
}

Response accept(Request& request, Transfers& transfers) {
    const auto wanted = nounIn(request, "accept");
    wanted.onlyKnows({"auth_key"});
    const auto key = wanted.at("auth_key");
    const auto text = key.isInteger() ? std::to_string(key.integer()) : key.text();
    constexpr std::size_t most = 255;
    if (text.size() > most) throw Error(Failure::Invalid, "auth_key must be 255 characters or less.");
    const auto transfer = transfers.accept(callerOf(request), transferIn(request), text);
    return transferResponse(202, [&](JsonWriter& out) { writeSummary(out, request, transfer); });
}

Response remove(Request& request, Transfers& transfers) {
    return transfers.remove(callerOf(request), transferIn(request)), http::emptyResponse(202);
}

}

http::Routes transferRoutes(Transfers& transfers) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(transfers));
    for (const std::string all : {"/volume-transfers", "/os-volume-transfer"}) { // as it is called since 3.55, and ever
        const auto one = all + "/{transfer}";
        add(routes, Method::Get, all, "volume:get_all_transfers", with(list, false));
        add(routes, Method::Get, all + "/detail", "volume:get_all_transfers", with(list, true));
        add(routes, Method::Post, all, "volume:create_transfer", with(create));
        add(routes, Method::Get, one, "volume:get_transfer", with(show));
        add(routes, Method::Delete, one, "volume:delete_transfer", with(remove));
        add(routes, Method::Post, one + "/accept", "volume:accept_transfer", with(accept));
    }
    return routes;
}
}
