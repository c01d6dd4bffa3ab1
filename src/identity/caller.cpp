#include "identity/caller.hpp"

#include <cassert>

#include <stratolet/error.hpp>

namespace stratolet::identity {

bool Caller::may(std::string_view otherRule, const Target& target) const {
    asked = true;
    return policy->allows(otherRule, *credentials, target, own);
}

namespace {

Error refused(std::string_view rule) {
    return Error(Failure::Forbidden, "You are not authorized to perform the requested action: ", rule, ".")
        .as("PolicyNotAuthorized");
}

}

void Caller::enforce(std::string_view otherRule, const Target& target) const {
    if (!may(otherRule, target)) throw refused(otherRule);
}

void Caller::enforceScope() const {
    if (policy->isFor(rule, *credentials)) return;
    asked = true;
    throw refused(rule);
}

void Caller::enforce(const Target& target) const { enforce(rule, target); }

const Caller* knownCaller(const http::Request& request) {
    const auto* caller = std::any_cast<std::shared_ptr<const Caller>>(&request.context);
    return caller ? caller->get() : nullptr;
}

const Caller& callerOf(const http::Request& request) {
    const auto* caller = knownCaller(request);
    assert(caller); // the route has no rule, so nobody was asked who they are
    return *caller;
}

}
