#pragma once

#include <stratolet/ids.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/http.hpp"
#include "platform/policy/policy.hpp"
#include "platform/policy/rights.hpp"

namespace stratolet::identity {

/// Whom is told that what a path names isn't there.
enum class Absence {
    ToWhoMay, ///< those whom the rule lets do it to nothing in particular; everybody else is refused as if it were
              ///< there
    ToAnybody ///< everybody: it is loaded before the rule is asked, as Keystone does with some nouns
};

/// Who asks, as a validated token says, and what the rules let them do. Made by the gate, valid for one request.
struct Caller {
    UserId user;
    std::string userName;
    DomainId userDomain;
    ProjectId project; ///< empty unless the token is scoped to a project
    std::string projectName;
    DomainId projectDomain;
    DomainId domain; ///< empty unless the token is scoped to a domain
    bool system = false;
    std::vector<std::string> roles; ///< names, implied ones included
    std::string requestId;
    std::string token; ///< as it came; for rescoping and self-service only, never for a log

    std::shared_ptr<const Credentials> credentials;
    Target own; ///< what stands for "project_id" and "user_id" where a target has none: the caller's
    std::shared_ptr<const Policy> policy; ///< of the service that was asked
    std::string_view rule;                ///< of the route that was asked
    mutable bool asked = false;           ///< the handler has asked a rule: one that forgets to answers 500

    /// Error(Forbidden) naming the rule, unless the route's own rule lets this caller do it to `target`.
    /// A target without "project_id" gets the caller's own.
    void enforce(const Target& target = {}) const;

    /// The same for another rule (an attribute's, an option's).
    void enforce(std::string_view otherRule, const Target& target) const;

    bool may(std::string_view otherRule, const Target& target) const;

    /// Error(Forbidden) where the route's rule isn't for tokens of this scope, whatever the target.
    void enforceScope() const;

    /// What a path names, once `askedRule` lets this caller do it. The one way in which things are loaded and asked
    /// about: `about` is what the rule gets to know of the thing, `absent` what is thrown where there is none.
    template <class T> T demand(std::string_view askedRule, std::optional<T> found, Target about, const Error& absent,
                                Absence told = Absence::ToWhoMay) const {
        asked = true;
        if (!found && told == Absence::ToAnybody) throw absent;
        enforce(askedRule, about);
        if (!found) throw absent;
        return *std::move(found);
    }

    /// The same with the route's own rule.
    template <class T>
    T demand(std::optional<T> found, Target about, const Error& absent, Absence told = Absence::ToWhoMay) const {
        return demand(rule, std::move(found), std::move(about), absent, told);
    }

    bool isAdmin() const {
        return may("context_is_admin", {}) || may("admin_required", {});
    } ///< whichever rule the service has
};

/// To ask each question of one answer once; lives no longer than the caller.
inline Rights rightsOf(const Caller& caller) {
    return Rights([&caller](std::string_view rule, const Target& target) { return caller.may(rule, target); });
}

/// The caller of a request that came through the gate of a route with a rule.
const Caller& callerOf(const http::Request& request);

/// The same of any request: null where nobody was asked who they are, or they were not let in.
const Caller* knownCaller(const http::Request& request);

}
