#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/http/http.hpp"
#include "platform/http/router.hpp"
#include "platform/metrics/metrics.hpp"

namespace stratolet {
class Ambient;
class Log;
}

namespace stratolet::http {

/// From a request's head to its handler, and from whatever that throws to an answer. Knows nothing of sockets.
class Dispatch {
public:
    Dispatch(Ambient& ambient, Log& log, Metrics& metrics);

    /// Around each handler that runs where its request was read: whoever owns what is read lets all of it be read as of
    /// one moment. Before the first request.
    using Around = std::function<void(const std::function<void()>& handler)>;
    void readWithin(Around around) { around_ = std::move(around); }

    /// Hears of each answer of a route before it is sent, on the thread that serves the connection: short, not
    /// throwing. Before the first request.
    using Hears = std::function<void(const Site& site, const Request& request, const Response& response)>;
    void tell(Hears hears) { hears_ = std::move(hears); }

    /// Asked before a route's gate: the status that a request is answered with instead, where it is to go wrong. Where
    /// the request was read, so it must not block. Before the first request.
    using RefuseFirst = std::function<std::optional<int>(const Site& site, const Request& request)>;
    void refuseFirst(RefuseFirst refuse) { refuseFirst_ = std::move(refuse); }

    /// Asked once of a request, before anything else is done for it: how long it is to wait. Must not block either.
    using HoldFirst = std::function<std::chrono::milliseconds(const Site& site, const Request& request)>;
    void holdFirst(HoldFirst hold) { holdFirst_ = std::move(hold); }

    void add(Site site, std::string onlyFrom = {});
    const std::vector<Site>& sites() const { return sites_; }

    /// What links begin with from now on (see Request::endpoint); before the first request.
    void announce(std::string endpoint) { endpoint_ = std::move(endpoint); }

    /// Where a request goes. `site` is null where nothing serves the path.
    struct Target {
        const Site* site = nullptr;
        const Route* route = nullptr;
        std::vector<Method> allowed;
        std::optional<Error> wrong = {}; ///< the path or the query are none
    };

    std::chrono::milliseconds holds(const Target& place, const Request& request) const {
        return holdFirst_ && place.site ? holdFirst_(*place.site, request) : std::chrono::milliseconds(0);
    }

    /// Completes `request` (id, path, query, base) and finds its place. `siteName` empty: by prefix.
    Target prepare(Request& request, std::string_view target, const std::string& siteName);

    /// Runs the gate; an answer where it refused, or where there is no such route.
    std::optional<Response> refused(const Target& place, Request& request);

    /// Whether the handler runs where the request was read (see Runs).
    static bool runsHere(const Target& place, const Request& request);

    Response handle(const Target& place, Request& request);
    std::unique_ptr<BodySink> receive(const Target& place, Request& request,
                                      Response& refusal); ///< null: `refusal` says why
    Response finishUpload(const Target& place, Request& request, BodySink& sink);
    Response refuse(const Target& place, const Request& request, const Error& error);

    /// What every answer carries; after it nothing changes any more.
    void complete(const Target& place, const Request& request, Response& response);

private:
    /// Whatever `work` throws becomes the service's own refusal.
    template <class Work> Response guarded(const Target& place, Request& request, Work&& work);

    /// What is counted of a route's answers; made when it answers first, as most routes of most clouds never do.
    struct Counts {
        Metrics::Histogram* seconds;
        std::array<Metrics::Counter*, 6> answers; ///< by status / 100
    };
    struct Served {
        std::unique_ptr<Router> router;
        std::vector<std::atomic<const Counts*>> counts; ///< of each route, and at the end of what is none
    };
    const Counts& countsOf(const Target& place);

    Around around_;
    Hears hears_;
    RefuseFirst refuseFirst_;
    HoldFirst holdFirst_;
    Ambient& ambient_;
    Log& log_;
    Metrics& metrics_;
    std::string endpoint_;
    std::vector<Site> sites_;
    std::vector<std::string> onlyFrom_; // of each
    std::vector<Served> served_;
    std::mutex counting_;
    std::deque<Counts> counts_; ///< they don't move
};

}
