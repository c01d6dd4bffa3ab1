#include "image/import/web_source.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <mutex>
#include <optional>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"

namespace stratolet::image {
namespace {

constexpr long redirectsMax = 5, connectSecondsMax = 10;
constexpr std::size_t urlBytesMax = 4096;

void beginOnce() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            throw Error(Failure::Broken, "could not begin with the web");
    });
}

struct Address {
    std::string scheme, host;
    std::uint16_t port = 0;
};

std::string partOf(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    const Handle<char, curl_free> owned(static_cast<char*>(text));
    return text;
}

/// As curl itself will read it: "http://0x7f.1/" has the host 127.0.0.1.
std::optional<Address> parsed(const std::string& text) {
    beginOnce();
    if (text.empty() || text.size() > urlBytesMax) return std::nullopt;
    for (const unsigned char each : text)
        if (each <= ' ' || each == 0x7f) return std::nullopt;
    const Handle<CURLU, curl_url_cleanup> url(curl_url());
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return std::nullopt;
    Address address{partOf(url.get(), CURLUPART_SCHEME), partOf(url.get(), CURLUPART_HOST), 0};
    if ((address.scheme != "http" && address.scheme != "https") || address.host.empty()) return std::nullopt;
    if (!partOf(url.get(), CURLUPART_USER).empty() || !partOf(url.get(), CURLUPART_PASSWORD).empty())
        return std::nullopt;
    address.port = static_cast<std::uint16_t>(std::stoul("0" + partOf(url.get(), CURLUPART_PORT)));
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    return address;
}

/// One fetch, as curl's callbacks see it. What they throw waits here until curl has let go.
struct Fetch {
    const AddressRules& rules;
    const WebSource::Wanted& wanted;
    const std::function<void(std::span<const std::byte>)>& take;
    std::int64_t bytes = 0;
    std::string refusal = {};
    std::exception_ptr thrown = nullptr;
};

std::uint16_t portOf(const sockaddr& address) {
    if (address.sa_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    if (address.sa_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return 0;
}

/// The name has been resolved, nothing is connected yet: what is checked here is what is connected to.
curl_socket_t openSocket(void* context, curlsocktype, curl_sockaddr* to) {
    auto& fetch = *static_cast<Fetch*>(context);
    try {
        fetch.refusal = fetch.rules.complaint(to->addr);
        if (fetch.refusal.empty() && !fetch.rules.allowsPort(portOf(to->addr)))
            fetch.refusal = "its port is not allowed";
        if (!fetch.refusal.empty()) return CURL_SOCKET_BAD;
        return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    } catch (...) {
        fetch.thrown = std::current_exception();
        return CURL_SOCKET_BAD;
    }
}

std::size_t takeBytes(char* data, std::size_t, std::size_t count, void* context) {
    auto& fetch = *static_cast<Fetch*>(context);
    try {
        fetch.bytes += static_cast<std::int64_t>(count);
        if (fetch.bytes > fetch.wanted.bytesMax)
            throw Error(Failure::TooLarge, "What is at that address is larger than ", fetch.wanted.bytesMax, " bytes.");
        fetch.take(std::as_bytes(std::span(data, count)));
        return count;
    } catch (...) {
        fetch.thrown = std::current_exception();
        return 0;
    }
}

int progress(void* context, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
    const auto& fetch = *static_cast<Fetch*>(context);
    if (fetch.wanted.progress && done > 0) fetch.wanted.progress(done, total);
    return fetch.wanted.cancelled && fetch.wanted.cancelled() ? 1 : 0;
}

template <class Content> void set(CURL* curl, CURLoption option, Content content) {
    if (curl_easy_setopt(curl, option, content) != CURLE_OK)
        throw Error(Failure::Broken, "the web library lacks option ", option);
}

}

bool isWebAddress(const std::string& url) { return parsed(url).has_value(); }

void WebSource::check(const std::string& url) const {
    const auto address = parsed(url);
    if (!address)
        throw Error(Failure::Invalid,
                    "Invalid value for uri: it must be an http or https address without user and password.");
    if (!rules_.allowsPort(address->port))
        throw Error(Failure::Invalid, "Invalid value for uri: port ", address->port, " is not allowed.");
    if (const auto why = rules_.complaint(address->host); !why.empty())
        throw Error(Failure::Invalid, "Invalid value for uri: ", why, ".");
}

void WebSource::fetch(const Wanted& wanted, const std::function<void(std::span<const std::byte>)>& take) const {
    check(wanted.url);
    const Handle<CURL, curl_easy_cleanup> handle(curl_easy_init());
    if (!handle) throw Error(Failure::Broken, "could not begin a download");
    auto* curl = handle.get();
    Fetch fetch{rules_, wanted, take};
    set(curl, CURLOPT_URL, wanted.url.c_str());
    set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_FOLLOWLOCATION, 1L);
    set(curl, CURLOPT_MAXREDIRS, redirectsMax);
    set(curl, CURLOPT_PROXY, ""); // whatever our environment says: a proxy would connect in our place, unchecked
    set(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(curl, CURLOPT_FAILONERROR, 1L);
    set(curl, CURLOPT_NOSIGNAL, 1L);
    set(curl, CURLOPT_CONNECTTIMEOUT, connectSecondsMax);
    set(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(pace_.bytesPerSecondMin));
    set(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(pace_.window.count()));
    set(curl, CURLOPT_BUFFERSIZE, 512L << 10);
    set(curl, CURLOPT_USERAGENT, "stratolet");
    set(curl, CURLOPT_OPENSOCKETFUNCTION, openSocket);
    set(curl, CURLOPT_OPENSOCKETDATA, &fetch);
    set(curl, CURLOPT_WRITEFUNCTION, takeBytes);
    set(curl, CURLOPT_WRITEDATA, &fetch);
    set(curl, CURLOPT_NOPROGRESS, 0L);
    set(curl, CURLOPT_XFERINFOFUNCTION, progress);
    set(curl, CURLOPT_XFERINFODATA, &fetch);
    const auto result = curl_easy_perform(curl);
    if (fetch.thrown) std::rethrow_exception(fetch.thrown);
    if (result == CURLE_OK) return;
    if (!fetch.refusal.empty() && result == CURLE_COULDNT_CONNECT)
        throw Error(Failure::Invalid, "The address is refused: ", fetch.refusal, ".");
    switch (result) {
    case CURLE_ABORTED_BY_CALLBACK: throw Error(Failure::Busy, "The download was stopped.");
    case CURLE_OPERATION_TIMEDOUT:
        throw Error(Failure::Invalid, "What is at that address comes too slowly: less than ", pace_.bytesPerSecondMin,
                    " bytes a second.");
    case CURLE_HTTP_RETURNED_ERROR: {
        long status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        throw Error(Failure::Invalid, "What is at that address cannot be had: ", status, ".");
    }
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS: throw Error(Failure::Invalid, "The address leads to one that is refused.");
    default: throw Error(Failure::Broken, "The download failed: ", curl_easy_strerror(result), ".");
    }
}

}
