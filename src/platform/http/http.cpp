#include "platform/http/http.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <map>

#include "platform/text/text.hpp"

namespace stratolet::http {
namespace {

int hexValue(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/// RFC 3986, 2.3.
bool isUnreserved(char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || (each >= '0' && each <= '9') ||
           each == '-' || each == '_' || each == '.' || each == '~';
}

constexpr std::array<std::pair<Method, std::string_view>, 7> methods{{{Method::Get, "GET"},
                                                                      {Method::Head, "HEAD"},
                                                                      {Method::Post, "POST"},
                                                                      {Method::Put, "PUT"},
                                                                      {Method::Patch, "PATCH"},
                                                                      {Method::Delete, "DELETE"},
                                                                      {Method::Options, "OPTIONS"}}};

}

std::string_view nameOf(Method method) {
    for (const auto& [each, name] : methods)
        if (each == method) return name;
    return "OTHER";
}

Method methodOf(std::string_view name) {
    for (const auto& [each, known] : methods)
        if (known == name) return each;
    return Method::Other;
}

std::string_view Headers::operator[](std::string_view name) const {
    for (const auto& [each, value] : fields_)
        if (sameWithoutCase(each, name)) return value;
    return {};
}

bool Headers::has(std::string_view name) const {
    return std::any_of(fields_.begin(), fields_.end(),
                       [&](const auto& each) { return sameWithoutCase(each.first, name); });
}

std::size_t Headers::count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(fields_.begin(), fields_.end(),
                                                  [&](const auto& each) { return sameWithoutCase(each.first, name); }));
}

std::string Headers::mediaType() const {
    const auto type = (*this)["Content-Type"];
    return lowered(trimmed(type.substr(0, type.find(';'))));
}

void Headers::set(std::string_view name, std::string value) {
    std::erase_if(fields_, [&](const auto& each) { return sameWithoutCase(each.first, name); });
    fields_.emplace_back(name, std::move(value));
}

std::string percentDecoded(std::string_view text, bool plusIsSpace) {
    const auto plain = std::min(text.find_first_of(plusIsSpace ? "%+" : "%"), text.size());
    std::string decoded(text.substr(0, plain));
    for (std::size_t at = plain; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size() && hexValue(text[at + 1]) >= 0 && hexValue(text[at + 2]) >= 0) {
            decoded += static_cast<char>(hexValue(text[at + 1]) * 16 + hexValue(text[at + 2]));
            at += 2;
        } else {
            decoded += text[at] == '+' && plusIsSpace ? ' ' : text[at];
        }
    }
    return decoded;
}

std::string percentNormalized(std::string_view path) {
    std::string normal;
    normal.reserve(path.size());
    for (std::size_t at = 0; at < path.size(); ++at) {
        const auto decoded = path[at] == '%' ? percentDecoded(path.substr(at, 3), false) : std::string();
        if (decoded.size() == 1 && isUnreserved(decoded[0])) {
            normal += decoded;
            at += 2;
        } else {
            normal += path[at];
        }
    }
    return normal;
}

std::string percentEncoded(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string encoded;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        if (isUnreserved(each))
            encoded += each;
        else
            encoded.append(1, '%').append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
    }
    return encoded;
}

Query Query::parse(std::string_view text) {
    Query query;
    if (text.empty()) return query;
    for (const auto pair : split(text, '&')) {
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        query.pairs_.emplace_back(percentDecoded(pair.substr(0, equals), true),
                                  equals == std::string_view::npos ? std::string()
                                                                   : percentDecoded(pair.substr(equals + 1), true));
        if (query.pairs_.size() > parametersMax)
            throw Error(Failure::Invalid, "The query has more than ", parametersMax, " parameters.");
        for (const auto* each : {&query.pairs_.back().first, &query.pairs_.back().second})
            if (!isUtf8(*each) || each->find('\0') != std::string::npos)
                throw Error(Failure::Invalid, "The query has a character that is no text.");
    }
    if (query.pairs_.size() > sameNameMax) query.requireFewOfEach();
    return query;
}

void Query::requireFewOfEach() const {
    std::map<std::string_view, std::size_t> counts;
    for (const auto& [name, value] : pairs_)
        if (++counts[name] > sameNameMax)
            throw Error(Failure::Invalid, "The query parameter ", beginningOf(name, 100), " comes more than ",
                        sameNameMax, " times.");
}

std::optional<std::string> Query::find(std::string_view name) const {
    for (const auto& [each, value] : pairs_)
        if (each == name) return value;
    return std::nullopt;
}

std::string Query::text(std::string_view name, std::string_view otherwise) const {
    return find(name).value_or(std::string(otherwise));
}

std::vector<std::string> Query::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [each, value] : pairs_)
        if (each == name) values.push_back(value);
    return values;
}

bool Query::flag(std::string_view name) const {
    const auto found = find(name);
    if (!found) return false;
    for (const std::string_view no : {"0", "false", "no", "off"})
        if (sameWithoutCase(*found, no)) return false;
    return true;
}

std::optional<std::int64_t> Query::integer(std::string_view name, std::int64_t least, std::int64_t most) const {
    const auto found = find(name);
    if (!found) return std::nullopt;
    const auto number = wholeNumberIn(*found);
    if (!number || *number < least || *number > most)
        throw Error(Failure::Invalid, "Invalid input for query parameter ", name, ". Value: ", *found,
                    ". It must be a whole number from ", least, " to ", most, ".");
    return number;
}

const std::string& Request::param(std::string_view name) const {
    for (const auto& [each, value] : params)
        if (each == name) return value;
    assert(false && "the pattern has no such name");
    std::abort();
}

Json Request::json() const {
    if (body.find('\0') != std::string::npos) throw Error(Failure::Invalid, "The body has a NUL.");
    constexpr std::string_view nul = "\\u0000";
    for (auto at = body.find(nul); at != std::string::npos; at = body.find(nul, at + 1)) {
        std::size_t slashes = 0; // in front of it: an odd one makes it a text of six letters
        while (slashes < at && body[at - slashes - 1] == '\\') ++slashes;
        if (slashes % 2 == 0) throw Error(Failure::Invalid, "A text in the body has a NUL.");
    }
    return Json::parse(body);
}

constexpr std::size_t usualBytes = 1000; // what most answers fit in, and the allocator keeps at hand

Response jsonResponse(int status, const std::function<void(JsonWriter&)>& write) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body.reserve(usualBytes);
    JsonWriter out(response.body);
    write(out);
    return response;
}

Response jsonResponse(int status, std::string_view name, const std::function<void(JsonWriter&)>& write) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key(name);
        write(out);
    });
}

Response emptyResponse(int status) {
    Response response;
    response.status = status;
    return response;
}

Response textResponse(int status, std::string text, std::string type) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", std::move(type));
    response.body = std::move(text);
    return response;
}

std::string_view reasonOf(int status) {
    switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 300: return "Multiple Choices";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Request Entity Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Unknown";
    }
}

}
