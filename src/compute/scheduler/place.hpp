#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/group/server_group.hpp"
#include "compute/host/host.hpp"

// Where a server is to be: a pure function of what hosts there are and what is wanted. No I/O.

namespace stratolet::compute {

using Properties = std::map<std::string, std::string>;

/// What a request says to the scheduler alone.
struct Hints {
    ServerGroupId group = {};
    std::vector<std::string> sameHost = {}, differentHost = {}; ///< servers
    std::string nearAddress = {}, nearPrefix = {};              ///< a host's address, and "/24"
    std::string query = {};                                     ///< JSON: ["and", [">=", "$free_ram_mb", 1024], …]
};

/// What a server needs of the host that it is to be on.
struct Placing {
    std::int64_t vcpus = 0;
    MiB ram = {};
    GiB disk = {};                       ///< of the host's own: none where it boots from a volume
    std::string zone = {};               ///< empty: any
    HostName host = {};                  ///< empty: any
    std::string hypervisor = {};         ///< what the host's machine calls itself; empty: any
    bool forced = false;                 ///< an administrator's word: that host, whatever speaks against it
    Hints hints = {};                    ///< of no group: the one that `server` is in
    Properties image = {};               ///< the image's properties
    Properties specs = {};               ///< the flavor's extra specs
    std::vector<std::string> notOn = {}; ///< hosts that are left out
    ServerId server = {};                ///< one that there is already: it is not in its own way
    ProjectId project = {};              ///< whose servers the hints may name
};

/// A host as the scheduler sees it now.
struct Candidate {
    Host host;
    std::vector<Properties> aggregates = {};    ///< the metadata of each that it is in
    std::int64_t ofGroup = 0;                   ///< servers of the wanted one's group
    bool hasSame = false, hasDifferent = false; ///< servers that the hints name
};

/// What is to be placed, with what was looked up for it.
struct Wish {
    Placing placing;
    std::optional<GroupPolicy> policy = {}; ///< of its group
    std::int64_t perHost = 1;               ///< of anti-affinity
    bool groupHasHosts = false;
};

/// Where it goes, or why it goes nowhere.
struct Placed {
    HostName host = {}; ///< empty: nothing fits
    std::string zone = {};
    std::string fault = {};   ///< "No valid host was found. 3 of 4 lack memory, 1 is disabled.": for everybody
    std::string details = {}; ///< each host, and what speaks against it: for who runs them
    explicit operator bool() const { return !host.empty(); }
};

/// The best of the hosts that fit; the first where they are the same.
Placed place(const std::vector<Candidate>& hosts, const Wish& wish);

/// What speaks against a host, as one says it of one and of several: "lacks memory", "lack memory".
struct Against {
    std::string_view one, many;
    std::string detail = {}; ///< "512 of 1024 MiB"
};

/// Nothing where the host fits. The first filter that doesn't let it through speaks.
std::optional<Against> against(const Candidate& host, const Wish& wish);

/// How good each host is; the more the better. The hosts are those that fit.
std::vector<double> weights(const std::vector<const Candidate*>& hosts, const Wish& wish);

/// The traits of a host, as placement calls what hosts can do: "HW_ARCH_X86_64", "COMPUTE_STATUS_DISABLED".
std::vector<std::string> traitsOf(const Host& host);

}
