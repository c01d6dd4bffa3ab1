#pragma once

#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "block/type/type.hpp"

// Where a volume is to be: a pure function of what pools there are and what is wanted. No I/O.

namespace stratolet::block {

/// A part of a back end that volumes can be in, as the scheduler sees it now. Gigabytes are GiB.
struct Pool {
    std::string name; ///< "host@backend#pool"
    std::string zone;
    bool disabled = false;        ///< its service is: it keeps what it has and gets nothing more
    bool answers = true;          ///< its driver did when it was last asked
    double total = 0, free = 0;   ///< as the driver says
    double allocated = 0;         ///< what has been promised to volumes, those that are growing included
    std::int64_t volumes = 0;     ///< that it has
    double overSubscription = 20; ///< how often a thin pool's gigabytes may be promised; below 1: not even once
    std::int64_t reserved = 0;    ///< percent that volumes don't get
    bool thin = true;             ///< gigabytes are taken as they are written
    std::map<std::string, std::string> capabilities; ///< "volume_backend_name" → "fast", "multiattach" → "True"
};

/// What a volume needs of the pool that it is to be in.
struct Placement {
    GiB size;                                ///< more than the pool has promised to it already
    ExtraSpecs specs = {};                   ///< its type's
    std::string zone = {};                   ///< empty: any
    std::vector<std::string> only = {};      ///< pools or back ends ("host@backend") it must be in; none: any
    std::vector<std::string> notIn = {};     ///< pools that it can't be in
    std::vector<std::string> preferred = {}; ///< of those that fit, one of these is taken where there is one
};

/// Where it goes, or why it goes nowhere.
struct Placed {
    std::string host;                                     ///< "host@backend#pool"; empty: nothing fits
    std::vector<std::pair<std::string, std::string>> why; ///< (pool, what speaks against it), for the log alone
    explicit operator bool() const { return !host.empty(); }
};

/// The pool with the most room of those that fit. The first where they are the same.
Placed place(const std::vector<Pool>& pools, const Placement& wanted);

}
