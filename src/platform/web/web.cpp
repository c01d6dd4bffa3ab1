#include "platform/web/web.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <mutex>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"

namespace stratolet::web {
namespace {

constexpr std::size_t urlBytesMax = 4096;

void beginOnce() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            throw Error(Failure::Broken, "could not begin with the web");
    });
}

std::string partOf(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    const Handle<char, curl_free> owned(static_cast<char*>(text));
    return text;
}

/// One fetch, as curl's callbacks see it. What they throw waits here until curl has let go.
struct Fetch {
    const Ask& ask;
    const std::function<void(std::span<const std::byte>)>& take;
    std::int64_t bytes = 0;
    std::string refusal = {};
    std::exception_ptr thrown = nullptr;
    long status = 0;
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
        if (fetch.ask.refusal) fetch.refusal = fetch.ask.refusal(to->addr, portOf(to->addr));
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
        if (fetch.bytes > fetch.ask.bytesMax)
            throw Error(Failure::TooLarge, "What is at that address is larger than ", fetch.ask.bytesMax, " bytes.");
        fetch.take(std::as_bytes(std::span(data, count)));
        return count;
    } catch (...) {
        fetch.thrown = std::current_exception();
        return 0;
    }
}

std::size_t giveBytes(char* into, std::size_t, std::size_t count, void* context) {
    auto& fetch = *static_cast<Fetch*>(context);
    try {
        return fetch.ask.upload->read(std::as_writable_bytes(std::span(into, count)));
    } catch (...) {
        fetch.thrown = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

int progress(void* context, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
    const auto& ask = static_cast<Fetch*>(context)->ask;
    if (ask.progress && done > 0) ask.progress(done, total);
    return ask.cancelled && ask.cancelled() ? 1 : 0;
}

template <class Content> void set(CURL* curl, CURLoption option, Content content) {
    if (curl_easy_setopt(curl, option, content) != CURLE_OK)
        throw Error(Failure::Broken, "the web library lacks option ", option);
}

void setBounds(CURL* curl, const Ask& ask) {
    set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_FOLLOWLOCATION, ask.redirectsMax > 0 ? 1L : 0L);
    set(curl, CURLOPT_MAXREDIRS, static_cast<long>(ask.redirectsMax));
    set(curl, CURLOPT_PROXY, ""); // whatever our environment says: a proxy would connect in our place, unchecked
    set(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(curl, CURLOPT_NOSIGNAL, 1L);
    set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(ask.connectTimeout.count()));
    set(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(ask.timeout.count()));
    if (ask.pace) {
        set(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(ask.pace->bytesPerSecondMin));
        set(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(ask.pace->window.count()));
    }
}

[[noreturn]] void refuse(CURLcode result, const Fetch& fetch) {
    if (fetch.thrown) std::rethrow_exception(fetch.thrown);
    if (!fetch.refusal.empty() && result == CURLE_COULDNT_CONNECT)
        throw Error(Failure::Invalid, "The address is refused: ", fetch.refusal, ".");
    switch (result) {
    case CURLE_ABORTED_BY_CALLBACK: throw Error(Failure::Busy, "The download was stopped.");
    case CURLE_OPERATION_TIMEDOUT:
        if (!fetch.ask.pace) throw Error(Failure::TimedOut, "Nothing whole came from there in time.");
        throw Error(Failure::Invalid, "What is at that address comes too slowly: less than ",
                    fetch.ask.pace->bytesPerSecondMin, " bytes a second.");
    case CURLE_HTTP_RETURNED_ERROR:
        throw Error(Failure::Invalid, "What is at that address cannot be had: ", fetch.status, ".");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS: throw Error(Failure::Invalid, "The address leads to one that is refused.");
    default: throw Error(Failure::Broken, "The download failed: ", curl_easy_strerror(result), ".");
    }
}

void setBody(CURL* curl, Fetch& fetch) {
    const auto& ask = fetch.ask;
    if (ask.upload) {
        set(curl, CURLOPT_UPLOAD, 1L);
        set(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(ask.upload->bytes));
        set(curl, CURLOPT_READFUNCTION, giveBytes);
        set(curl, CURLOPT_READDATA, &fetch);
    } else if (ask.post) {
        set(curl, CURLOPT_POST, 1L);
        set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(ask.post->size()));
        set(curl, CURLOPT_POSTFIELDS, ask.post->c_str());
    }
    if (!ask.method.empty()) set(curl, CURLOPT_CUSTOMREQUEST, ask.method.c_str());
}

}

std::optional<Address> parsed(const std::string& text) {
    beginOnce();
    if (text.empty() || text.size() > urlBytesMax) return std::nullopt;
    for (const unsigned char each : text)
        if (each <= ' ' || each == 0x7f) return std::nullopt;
    const Handle<CURLU, curl_url_cleanup> url(curl_url());
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return std::nullopt;
    const auto scheme = partOf(url.get(), CURLUPART_SCHEME);
    Address address{partOf(url.get(), CURLUPART_HOST), 0};
    if ((scheme != "http" && scheme != "https") || address.host.empty()) return std::nullopt;
    if (!partOf(url.get(), CURLUPART_USER).empty() || !partOf(url.get(), CURLUPART_PASSWORD).empty())
        return std::nullopt;
    address.port = static_cast<std::uint16_t>(std::stoul("0" + partOf(url.get(), CURLUPART_PORT)));
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    return address;
}

namespace {

/// `failsOnStatus`: an answer that is no success is a failure.
long exchange(Fetch& fetch, bool failsOnStatus) {
    const auto& ask = fetch.ask;
    beginOnce();
    const Handle<CURL, curl_easy_cleanup> handle(curl_easy_init());
    if (!handle) throw Error(Failure::Broken, "could not begin a download");
    auto* curl = handle.get();
    curl_slist* headers = nullptr;
    for (const auto& each : ask.headers) headers = curl_slist_append(headers, each.c_str());
    const Handle<curl_slist, curl_slist_free_all> owned(headers);
    set(curl, CURLOPT_URL, ask.url.c_str());
    setBounds(curl, ask);
    set(curl, CURLOPT_FAILONERROR, failsOnStatus ? 1L : 0L);
    if (!ask.localSocket.empty()) set(curl, CURLOPT_UNIX_SOCKET_PATH, ask.localSocket.c_str());
    if (headers) set(curl, CURLOPT_HTTPHEADER, headers);
    if (!ask.certificates.empty()) set(curl, CURLOPT_CAINFO, ask.certificates.c_str());
    setBody(curl, fetch);
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
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &fetch.status);
    if (fetch.thrown || result != CURLE_OK) refuse(result, fetch);
    return fetch.status;
}

}

void fetch(const Ask& ask, const std::function<void(std::span<const std::byte>)>& take) {
    Fetch fetch{ask, take};
    exchange(fetch, true);
}

Answer ask(const Ask& ask) {
    Answer answer;
    const std::function<void(std::span<const std::byte>)> take = [&](std::span<const std::byte> bytes) {
        answer.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    Fetch fetch{ask, take};
    answer.status = static_cast<int>(exchange(fetch, false));
    return answer;
}

}
