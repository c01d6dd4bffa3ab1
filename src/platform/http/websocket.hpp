#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/http/http.hpp"
#include "platform/http/incoming.hpp"

// Websockets (RFC 6455), the server's side. What a connection does once it is one is in session_relay.cpp.

namespace stratolet::http {

/// Whether a request asks for a websocket at all.
bool asksForWebsocket(const Request& request);

/// The answer that makes the request's connection a websocket, which relays. Error(Invalid) where the request is no
/// whole opening handshake of version 13 (4.2.1).
Response websocketTo(const Request& request, Relay relay);

/// True where no page asks, or a page of the same site: what "Origin" names is what "Host" does, or the cloud's own
/// address (10.2). A page elsewhere must not use what its reader's browser may reach.
bool comesFromHere(const Request& request);

/// What Sec-WebSocket-Accept answers to a key (4.2.2).
std::string websocketAccept(std::string_view key);

/// The parts of a conversation (5.2); the values are those on the wire.
enum class FrameKind : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

struct Frame {
    FrameKind kind = FrameKind::Binary;
    bool last = true; ///< of its message
    std::string content;
};

/// Of a frame's content. A larger one is refused before it has come.
inline constexpr std::size_t frameBytesMax = 1 << 20;

/// The first frame of what a client has sent, taken from there; nothing where it isn't whole yet. Error(Invalid) for
/// what no client may send, Error(TooLarge) past frameBytesMax.
std::optional<Frame> takeFrame(Incoming& pending);

/// What stands before so many bytes of content that a server sends.
std::string frameHead(FrameKind kind, std::size_t bytes);

}
