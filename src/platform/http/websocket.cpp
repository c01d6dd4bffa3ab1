#include "platform/http/websocket.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "platform/text/text.hpp"

namespace stratolet::http {
namespace {

constexpr std::size_t controlBytesMax = 125; // RFC 6455, 5.5
constexpr std::size_t maskBytes = 4;

std::string base64Of(std::span<const unsigned char> bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    text.resize(static_cast<std::size_t>(
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()))));
    return text;
}

/// One of the words of a list as header fields have them: "keep-alive, Upgrade".
bool hasWord(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        auto each = list.substr(0, end);
        while (each.starts_with(' ') || each.starts_with('\t')) each.remove_prefix(1);
        while (each.ends_with(' ') || each.ends_with('\t')) each.remove_suffix(1);
        if (lowered(each) == word) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

/// 16 bytes in base64: 22 characters of it and "==".
bool isKey(std::string_view text) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return text.size() == 24 && text.ends_with("==") &&
           text.substr(0, 22).find_first_not_of(letters) == std::string_view::npos;
}

/// "cloud.example.org:8443" of "https://cloud.example.org:8443/x", without the port that the scheme has anyway.
std::string authorityOf(std::string_view address) {
    const auto scheme = address.find("://");
    const bool plain = scheme != std::string_view::npos && lowered(address.substr(0, scheme)) == "http";
    if (scheme != std::string_view::npos) address.remove_prefix(scheme + 3);
    address = address.substr(0, address.find('/'));
    const std::string_view usual = plain ? ":80" : ":443";
    if (scheme != std::string_view::npos && address.ends_with(usual)) address.remove_suffix(usual.size());
    return lowered(address);
}

std::uint64_t bigEndian(std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char each : bytes) number = number << 8 | static_cast<unsigned char>(each);
    return number;
}

bool isControl(FrameKind kind) { return static_cast<unsigned>(kind) >= 8; }

FrameKind kindOf(unsigned code) {
    for (const auto kind : {FrameKind::Continuation, FrameKind::Text, FrameKind::Binary, FrameKind::Close,
                            FrameKind::Ping, FrameKind::Pong})
        if (static_cast<unsigned>(kind) == code) return kind;
    throw Error(Failure::Invalid, "a frame of an unknown kind");
}

}

bool asksForWebsocket(const Request& request) { return hasWord(request.headers["Upgrade"], "websocket"); }

Response websocketTo(const Request& request, Relay relay) {
    const auto& headers = request.headers;
    if (request.method != Method::Get || !asksForWebsocket(request) || !hasWord(headers["Connection"], "upgrade") ||
        headers["Sec-WebSocket-Version"] != "13" || !isKey(headers["Sec-WebSocket-Key"]))
        throw Error(Failure::Invalid, "This is no opening handshake of a websocket of version 13.");
    if (!hasWord(headers["Sec-WebSocket-Protocol"], lowered(relay.protocol))) relay.protocol.clear();
    Response response;
    response.status = 101;
    response.headers.add("Upgrade", "websocket");
    response.headers.add("Sec-WebSocket-Accept", websocketAccept(headers["Sec-WebSocket-Key"]));
    if (!relay.protocol.empty()) response.headers.add("Sec-WebSocket-Protocol", relay.protocol);
    response.relay = std::move(relay);
    return response;
}

bool comesFromHere(const Request& request) {
    if (!request.headers.has("Origin")) return true;
    const auto origin = request.headers["Origin"];
    if (request.headers.count("Origin") != 1 || origin.find("://") == std::string_view::npos) return false;
    const auto asked = authorityOf(origin);
    if (asked.empty()) return false;
    // What a browser puts into "Host" it has from where it goes to, as the origin from where the page came: both have a
    // port where it isn't the scheme's own.
    const auto scheme = std::string(origin.substr(0, origin.find("://") + 3));
    return asked == authorityOf(scheme + std::string(request.headers["Host"])) ||
           asked == authorityOf(request.endpoint);
}

std::string websocketAccept(std::string_view key) {
    const std::string salted = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(salted.data(), salted.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        throw Error(Failure::Broken, "could not make a digest");
    return base64Of({digest.data(), size});
}

std::optional<Frame> takeFrame(Incoming& pending) {
    const auto bytes = pending.bytes();
    if (bytes.size() < 2) return std::nullopt;
    const auto first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
    if ((first & 0x70) != 0) throw Error(Failure::Invalid, "a frame of an extension that nobody agreed on");
    if ((second & 0x80) == 0) throw Error(Failure::Invalid, "a frame of a client without a mask");
    Frame frame{.kind = kindOf(first & 0x0f), .last = (first & 0x80) != 0, .content = {}};
    const std::size_t shortLength = second & 0x7f, more = shortLength == 126 ? 2 : shortLength == 127 ? 8 : 0;
    if (isControl(frame.kind) && (!frame.last || shortLength > controlBytesMax))
        throw Error(Failure::Invalid, "a control frame in parts");
    if (bytes.size() < 2 + more) return std::nullopt;
    const std::uint64_t length = more == 0 ? shortLength : bigEndian(bytes.substr(2, more));
    if (length > frameBytesMax) throw Error(Failure::TooLarge, "a frame of ", length, " bytes");
    const auto head = 2 + more + maskBytes;
    if (bytes.size() < head + length) return std::nullopt;
    const auto mask = bytes.substr(2 + more, maskBytes);
    frame.content = bytes.substr(head, static_cast<std::size_t>(length));
    for (std::size_t at = 0; at < frame.content.size(); ++at)
        frame.content[at] = static_cast<char>(frame.content[at] ^ mask[at % maskBytes]);
    pending.drop(head + static_cast<std::size_t>(length));
    return frame;
}

std::string frameHead(FrameKind kind, std::size_t bytes) {
    std::string head(1, static_cast<char>(0x80 | static_cast<unsigned>(kind)));
    const int more = bytes < 126 ? 0 : bytes <= 0xffff ? 2 : 8;
    head += static_cast<char>(more == 0 ? bytes : more == 2 ? 126 : 127);
    for (int byte = more - 1; byte >= 0; --byte)
        head += static_cast<char>(static_cast<std::uint64_t>(bytes) >> (8 * byte) & 0xff);
    return head;
}

}
