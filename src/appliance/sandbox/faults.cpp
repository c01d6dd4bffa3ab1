#include "appliance/sandbox/faults.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

namespace stratolet {
namespace {

constexpr std::string_view ownSite = "sandbox"; // where faults are taken back

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
    std::erase_if(held_, [&](const Held& each) { return each.fault == id; });
    return std::erase_if(faults_, [&](const Fault& each) { return each.id == id; }) > 0;
}

void Faults::clear() {
    const std::lock_guard guard(mutex_);
    held_.clear();
    faults_.clear();
}

void Faults::become(std::vector<Fault> faults) {
    const std::lock_guard guard(mutex_);
    held_.clear();
    faults_ = std::move(faults);
    for (const auto& each : faults_) last_ = std::max(last_, each.id);
}

Faults::Held* Faults::held(const Fault& fault, const jobs::Run& run, const std::string& step) {
    const auto found = std::find_if(held_.begin(), held_.end(), [&](const Held& each) {
        return each.fault == fault.id && each.job == run.id && each.step == step;
    });
    return found == held_.end() ? nullptr : &*found;
}

void Faults::meddle(jobs::Run& run, const std::string& step) {
    const std::lock_guard guard(mutex_);
    for (auto& fault : faults_) {
        if (fault.ofRequests || !matches(fault.job, run.kind) || !matches(fault.step, step)) continue;
        auto* known = held(fault, run, step);
        if (!known) {
            if (fault.met >= fault.times) continue;
            ++fault.met;
            if (fault.does != Fault::Does::Fail)
                known = &held_.emplace_back(Held{fault.id, run.id, step, run.now + fault.delay});
        }
        switch (fault.does) {
        case Fault::Does::Fail: throw Error(Failure::Invalid, fault.reason);
        case Fault::Does::Delay:
            if (run.now >= known->until) continue; // it has waited
            run.notYet(std::chrono::ceil<std::chrono::milliseconds>(known->until - run.now));
            return;
        case Fault::Does::Stick:
            if (run.cancelled()) {
                held_.erase(held_.begin() + (known - held_.data()));
                throw Error(Failure::Busy, "given up");
            }
            run.notYet(std::chrono::milliseconds(50));
            return;
        }
    }
}

/// One that is about this request and not yet met as often as it was told.
Fault* Faults::meets(Fault::Does does, const http::Site& site, const http::Request& request) {
    if (!request.route || site.name == ownSite) return nullptr;
    for (auto& fault : faults_) {
        if (!fault.ofRequests || fault.does != does || fault.met >= fault.times) continue;
        if (!matches(fault.service, site.name) || !matches(fault.method, nameOf(request.method)) ||
            !matches(fault.route, request.route->pattern))
            continue;
        ++fault.met;
        return &fault;
    }
    return nullptr;
}

std::optional<int> Faults::statusFor(const http::Site& site, const http::Request& request) {
    const std::lock_guard guard(mutex_);
    const auto* fault = meets(Fault::Does::Fail, site, request);
    return fault ? std::optional(fault->status) : std::nullopt;
}

std::chrono::milliseconds Faults::delayOf(const http::Site& site, const http::Request& request) {
    const std::lock_guard guard(mutex_);
    const auto* fault = meets(Fault::Does::Delay, site, request);
    return fault ? fault->delay : std::chrono::milliseconds(0);
}

}
