#include "identity/login/ec2_signature.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <string_view>
#include <vector>

#include <stratolet/error.hpp>

#include "identity/token/crypto.hpp"
#include "platform/http/http.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

constexpr std::string_view newest = "AWS4-HMAC-SHA256";

const std::string* find(const std::map<std::string, std::string>& all, const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? nullptr : &found->second;
}

const std::string& demand(const std::map<std::string, std::string>& all, const std::string& name) {
    if (const auto* found = find(all, name)) return *found;
    throw Error(Failure::Invalid, "Invalid input for field 'credentials': ", name, " is missing.");
}

std::string canonicalQuery(const std::map<std::string, std::string>& parameters) {
    std::string query;
    for (const auto& [name, value] : parameters) { // a map is sorted
        if (name == "Signature" || name == "X-Amz-Signature") continue;
        if (!query.empty()) query += '&';
        query.append(http::percentEncoded(name)).append(1, '=').append(http::percentEncoded(value));
    }
    return query;
}

std::string version1(const SignedRequest& request, const std::string& secret) {
    std::vector<std::pair<std::string, std::string>> sorted(request.parameters.begin(), request.parameters.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& left, const auto& right) { return lowered(left.first) < lowered(right.first); });
    std::string text;
    for (const auto& [name, value] : sorted)
        if (name != "Signature") text.append(name).append(value);
    return base64(hmacSha1(secret, text));
}

std::string version2(const SignedRequest& request, const std::string& secret, const std::string& host) {
    const auto* method = find(request.parameters, "SignatureMethod");
    const auto text = request.verb + "\n" + host + "\n" + request.path + "\n" + canonicalQuery(request.parameters);
    return base64(method && *method == "HmacSHA1" ? hmacSha1(secret, text) : hmacSha256(secret, text));
}

/// A part of the Authorization header, or else the parameter that stands for it.
std::string authorizationPart(const SignedRequest& request, const std::string& name) {
    const auto* header = find(request.headers, "authorization");
    if (!header) return demand(request.parameters, "X-Amz-" + name);
    const auto at = header->find(name + "=");
    if (at == std::string::npos)
        throw Error(Failure::Invalid, "Invalid input for field 'credentials': Authorization has no ", name, ".");
    const auto value = std::string_view(*header).substr(at + name.size() + 1);
    return std::string(value.substr(0, value.find_first_of(", ")));
}

const std::string& amzDate(const SignedRequest& request) {
    if (const auto* header = find(request.headers, "x-amz-date")) return *header;
    return demand(request.parameters, "X-Amz-Date");
}

std::string derivedKey(const std::string& secret, std::string_view date, std::string_view region,
                       std::string_view service) {
    const auto sign = [](std::string_view key, std::string_view text) { return hmacSha256(key, text); };
    return sign(sign(sign(sign("AWS4" + secret, date), region), service), "aws4_request");
}

std::string version4(const SignedRequest& request, const std::string& secret, const std::string& host) {
    const auto signedHeaders = authorizationPart(request, "SignedHeaders");
    const auto credential = authorizationPart(request, "Credential");
    const auto scope = split(credential, '/'); // access, date, region, service, "aws4_request"
    if (scope.size() != 5 || scope[0] != request.access)
        throw Error(Failure::Invalid,
                    "Invalid input for field 'credentials': the credential scope is not that of the access key.");
    const auto& date = amzDate(request);
    if (!date.starts_with(scope[1]))
        throw Error(Failure::Invalid, "Invalid input for field 'credentials': the dates do not match.");
    std::string verb = request.verb;
    std::transform(verb.begin(), verb.end(), verb.begin(),
                   [](unsigned char each) { return static_cast<char>(std::toupper(each)); });
    std::string text = verb + "\n" + request.path + "\n" +
                       (verb == "POST" ? std::string() : canonicalQuery(request.parameters)) + "\n";
    for (const auto name : split(signedHeaders, ';')) {
        const auto* value = find(request.headers, std::string(name));
        if (name == "host")
            text.append("host:").append(host) += '\n';
        else if (value)
            text.append(name).append(1, ':').append(*value) += '\n';
    }
    text += "\n" + signedHeaders + "\n" + request.bodyHash;
    const auto scopeText = std::string(std::string_view(credential).substr(scope[0].size() + 1));
    const auto toSign = std::string(newest) + "\n" + date + "\n" + scopeText + "\n" + hexOf(sha256(text));
    return hexOf(hmacSha256(derivedKey(secret, scope[1], scope[2], scope[3]), toSign));
}

bool isVersion4(const SignedRequest& request) {
    if (const auto* header = find(request.headers, "authorization"); header && header->starts_with(newest)) return true;
    const auto* algorithm = find(request.parameters, "X-Amz-Algorithm");
    return algorithm && *algorithm == newest;
}

std::string signatureOf(const SignedRequest& request, const std::string& secret, const std::string& host) {
    if (const auto* version = find(request.parameters, "SignatureVersion")) {
        if (*version == "0")
            return base64(
                hmacSha1(secret, demand(request.parameters, "Action") + demand(request.parameters, "Timestamp")));
        if (*version == "1") return version1(request, secret);
        if (*version == "2") return version2(request, secret, host);
        throw Error(Failure::Invalid, "Invalid input for field 'credentials': there is no signature version ", *version,
                    ".");
    }
    if (isVersion4(request)) return version4(request, secret, host);
    throw Error(Failure::Invalid, "Invalid input for field 'credentials': SignatureVersion is missing.");
}

/// "20300131T120000Z"
std::optional<Time> compactTime(std::string_view text) {
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
    std::string iso;
    for (const auto& [at, count, before] :
         {std::tuple(0, 4, ""), {4, 2, "-"}, {6, 2, "-"}, {9, 2, "T"}, {11, 2, ":"}, {13, 2, ":"}})
        iso.append(before).append(text.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(count)));
    return parseIsoTime(iso);
}

/// "Thu, 31 Jan 2030 12:00:00 GMT" (RFC 9110, 5.6.7), or with +0000.
std::optional<Time> httpTime(const std::string& text) {
    std::tm parts{};
    const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S ", &parts);
    if (!rest || (std::string_view(rest) != "GMT" && std::string_view(rest) != "+0000")) return std::nullopt;
    return Time(std::chrono::seconds(::timegm(&parts)));
}

}

bool isSignedBy(const SignedRequest& request, const std::string& secret) {
    if (sameSecret(signatureOf(request, secret, request.host), request.signature)) return true;
    // Some clients sign the host without its port.
    const auto colon = request.host.rfind(':');
    return colon != std::string::npos &&
           sameSecret(signatureOf(request, secret, request.host.substr(0, colon)), request.signature);
}

std::optional<Time> signedAt(const SignedRequest& request) {
    if (const auto* time = find(request.parameters, "Timestamp")) return parseIsoTime(*time);
    if (const auto* time = find(request.headers, "x-amz-date")) return compactTime(*time);
    if (const auto* time = find(request.parameters, "X-Amz-Date")) return compactTime(*time);
    return std::nullopt;
}

bool isTextSignedBy(const std::string& text, const std::string& signature, const std::string& secret) {
    if (!text.starts_with(newest)) return sameSecret(base64(hmacSha1(secret, text)), signature);
    const auto lines = split(text, '\n'); // algorithm, time, scope, digest of the request
    const auto scope = lines.size() == 4 ? split(lines[2], '/') : std::vector<std::string_view>();
    if (scope.size() != 4 || !lines[1].starts_with(scope[0])) return false;
    return sameSecret(hexOf(hmacSha256(derivedKey(secret, scope[0], scope[1], scope[2]), text)), signature);
}

std::optional<Time> textSignedAt(const std::string& text, Time now) {
    const auto lines = split(text, '\n');
    if (text.starts_with(newest)) return lines.size() > 1 ? compactTime(lines[1]) : std::nullopt;
    for (const auto line : lines)
        if (line.starts_with("x-amz-date:")) return httpTime(std::string(line.substr(11)));
    if (lines.size() < 4) return std::nullopt;
    const auto date = std::string(lines[3]); // verb, MD5, type, then a date or the second it expires
    if (const auto expires = wholeNumberIn(date))
        return *expires > std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count() ? std::optional(now)
                                                                                                   : std::nullopt;
    return httpTime(date);
}

}
