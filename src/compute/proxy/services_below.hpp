#pragma once

#include <string>
#include <string_view>

#include "platform/http/dispatch.hpp"
#include "platform/http/http.hpp"
#include "platform/json/json.hpp"
#include "platform/parts.hpp"

namespace stratolet::compute {

/// The APIs of the services below, asked in a caller's name and with the caller's own token: so what somebody gets of
/// them through compute is what they would get there. No socket is between. One per process, owned by compute; any
/// thread may ask, one that writes may wait for the store.
class ServicesBelow {
public:
    explicit ServicesBelow(Parts parts) : dispatch_(parts.ambient, parts.log, parts.metrics) {}

    void add(http::Site site) { dispatch_.add(std::move(site)); } ///< before the first question

    struct Question {
        http::Method method = http::Method::Get;
        std::string target; ///< as at the one listener: "/network/v2.0/ports?device_id=…"
        std::string body = {};
        std::string type = "application/json";
    };

    /// What the answer's body says; an empty object where it has none. A refusal is thrown with the reason that its
    /// service gave: Error(NotFound), Error(Conflict), Error(OverLimit) for a quota, …
    Json ask(const http::Request& from, const Question& question);

    Json get(const http::Request& from, std::string target) { return ask(from, {.target = std::move(target)}); }

private:
    http::Dispatch dispatch_;
};

}
