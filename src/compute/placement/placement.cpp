#include "compute/placement/placement.hpp"

#include "compute/placement/wire.hpp"

namespace stratolet::compute {

http::Site placementSite(Core& core) {
    http::Site site;
    site.name = "placement";
    site.prefix = "/placement";
    site.classicPort = 8778;
    placement::addVersionRoute(site.routes);
    placement::addProviderRoutes(site.routes, core);
    placement::addWordRoutes(site.routes, core);
    placement::addAllocationRoutes(site.routes, core);
    placement::addCandidateRoutes(site.routes, core);
    site.finish = placement::finish;
    site.refuse = placement::refuse;
    site.noRoute = placement::noRoute;
    return site;
}

}
