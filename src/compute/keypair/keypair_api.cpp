#include <algorithm>

#include "compute/api.hpp"
#include "compute/keypair/keypair.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// Whose keys: the caller's own, or from 2.10 on another's where the rule lets them.
UserId ownerOf(const Call& call, std::initializer_list<std::string_view> known = {"user_id"}) {
    UserId user = call.caller.user;
    if (call.since(10))
        if (const auto given = call.request.query.find("user_id")) user.text = *given;
    call.caller.enforce({{"user_id", user.text}});
    if (call.since(75)) call.asksOnly(known);
    return user;
}

std::string nameFor(const Call& call, const Json& value) {
    std::string name = textOf(value, 1, 255);
    const std::string_view others = call.since(92) ? " -_@." : " -_";
    const bool plain = std::all_of(name.begin(), name.end(), [&](unsigned char letter) {
        return std::isalnum(letter) || others.find(static_cast<char>(letter)) != std::string_view::npos;
    });
    if (!plain || name.front() == ' ' || name.back() == ' ')
        value.refuse(call.since(92) ? "It may have letters, digits, blanks, and - _ @ . only."
                                    : "It may have letters, digits, blanks, - and _ only.");
    return name;
}

/// What the body says, all but the key.
Keypair keypairOf(const Call& call, const Json& body) {
    Keypair keypair;
    keypair.user = call.caller.user;
    if (const auto user = call.find(body, "user_id", 10)) keypair.user.text = textOf(*user, 1, 255);
    call.caller.enforce({{"user_id", keypair.user.text}});
    keypair.name = nameFor(call, body.at("name"));
    if (const auto type = call.find(body, "type", 2)) {
        keypair.type = textOf(*type, 1, 255);
        if (keypair.type != "ssh" && keypair.type != "x509") type->refuse("It is not one of ['ssh', 'x509']");
    }
    return keypair;
}

/// The public key that the body has, or a fresh one, whose private half is returned: nothing but the answer ever has
/// it.
std::string readOrMakeKey(const Call& call, const Json& body, Keypair& keypair) {
    FreshKey fresh;
    if (const auto key = body.find("public_key"))
        fresh.publicKey = textOf(*key, 1, 65535);
    else if (call.since(92))
        static_cast<void>(body.at("public_key")); // required from here on: private keys are made by their owners
    else
        fresh = keypair.type == "ssh" ? generateRsaKey() : generateCertificate(keypair.user.text);
    keypair.publicKey = std::move(fresh.publicKey);
    keypair.fingerprint =
        keypair.type == "ssh" ? sshFingerprint(keypair.publicKey) : certificateFingerprint(keypair.publicKey);
    return fresh.privateKey;
}

Response create(Call& call, Keypairs& keypairs) {
    const Json body = call.body("keypair");
    call.onlyKnows(body, {"name", "public_key", "type", "user_id"});
    Keypair keypair = keypairOf(call, body);
    const std::string privateKey = readOrMakeKey(call, body, keypair);
    const Keypair made = keypairs.create(std::move(keypair), call.caller.project);
    return http::jsonResponse(call.since(2) ? 201 : 200, [&](JsonWriter& out) {
        const auto whole = out.object();
        const auto item = out.object("keypair");
        showLines(out, call, keypairLines(), made, false, false);
        out.field("user_id", made.user);
        if (!privateKey.empty()) out.field("private_key", privateKey);
    });
}

Response list(Call& call, Keypairs& keypairs) {
    const UserId user = ownerOf(call, {"user_id", "limit", "marker"});
    const Page page = call.since(35) ? pageOf(call.request.query) : Page{.limit = -1, .marker = {}};
    const auto found = keypairs.list(user, page.marker, page.limit);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto whole = out.object();
        {
            const auto items = out.array("keypairs");
            for (const auto& keypair : found) {
                const auto outer = out.object();
                const auto item = out.object("keypair");
                showLines(out, call, keypairLines(), keypair, false, false);
            }
        }
        if (call.request.query.has("limit") && page.limit > 0 && static_cast<std::int64_t>(found.size()) == page.limit)
            call.nextLink(out, "keypairs_links", found.back().name);
    });
}

Response show(Call& call, Keypairs& keypairs) {
    const Keypair keypair = keypairs.get(ownerOf(call), call.param("name"));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto whole = out.object();
        const auto item = out.object("keypair");
        showLines(out, call, keypairLines(), keypair, true, false);
    });
}

}

void addKeypairRoutes(http::Routes& routes, Keypairs& keypairs) {
    const std::string rule = "os_compute_api:os-keypairs:";
    addRoute(routes, Method::Get, "/os-keypairs", rule + "index", [&](Call& call) { return list(call, keypairs); });
    addRoute(routes, Method::Post, "/os-keypairs", rule + "create", [&](Call& call) { return create(call, keypairs); });
    addRoute(routes, Method::Get, "/os-keypairs/{name}", rule + "show",
             [&](Call& call) { return show(call, keypairs); });
    addRoute(routes, Method::Delete, "/os-keypairs/{name}", rule + "delete", [&](Call& call) {
        keypairs.remove(ownerOf(call), call.param("name"));
        return http::emptyResponse(call.since(2) ? 204 : 202);
    });
}

}
