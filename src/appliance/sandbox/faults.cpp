#include "appliance/sandbox/faults.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

namespace stratolet {
namespace {

bool matches(const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; }

}

std::string_view nameOf(Fault::Does does) {
    switch (does) {
    case Fault::Does::Fail: return "fail";
    case Fault::Does::Delay: return "delay";
    case Fault::Does::Stick: return "stick";
    }
    std::abort();
}

Fault Faults::add(Fault fault) {
    const std::lock_guard guard(mutex_);
    fault.id = ++last_;
    faults_.push_back(fault);
    return fault;
}

std::vector<Fault> Faults::all() const {
    const std::lock_guard guard(mutex_);
    return faults_;
}

bool Faults::remove(std::int64_t id) {
    const std::lock_guard guard(mutex_);
    std::erase_if(held_, [&](const Met& each) { return each.fault == id; });
    return std::erase_if(faults_, [&](const Fault& each) { return each.id == id; }) > 0;
}

void Faults::clear() {
    const std::lock_guard guard(mutex_);
    held_.clear();
    faults_.clear();
}

void Faults::meddle(jobs::Run& run, const std::string& step) {
    const std::lock_guard guard(mutex_);
    for (auto& fault : faults_) {
        if (fault.ofRequests() || !matches(fault.job, run.kind) || !matches(fault.step, step)) continue;
        const Met met{fault.id, run.id, step};
        const bool held = std::find(held_.begin(), held_.end(), met) != held_.end();
        if (!held && fault.met >= fault.times) continue;
        if (!held) ++fault.met;
        switch (fault.does) {
        case Fault::Does::Fail: throw Error(Failure::Invalid, fault.reason);
        case Fault::Does::Delay:
            if (held) continue; // it has waited
            held_.push_back(met);
            run.notYet(fault.delay);
            return;
        case Fault::Does::Stick:
            if (!held) held_.push_back(met);
            if (run.cancelled()) {
                std::erase(held_, met);
                throw Error(Failure::Busy, "given up");
            }
            run.notYet(std::chrono::milliseconds(50));
            return;
        }
    }
}

std::optional<int> Faults::statusFor(const http::Site& site, const http::Request& request) {
    const std::lock_guard guard(mutex_);
    for (auto& fault : faults_) {
        if (!fault.ofRequests() || fault.met >= fault.times || !request.route) continue;
        if (!matches(fault.service, site.name) || !matches(fault.method, nameOf(request.method)) ||
            !matches(fault.route, request.route->pattern))
            continue;
        ++fault.met;
        return fault.status;
    }
    return std::nullopt;
}

}
