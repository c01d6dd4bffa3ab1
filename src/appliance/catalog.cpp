#include "appliance/catalog.hpp"

namespace stratolet {

std::vector<identity::CatalogService> catalogServices() {
    return {{"identity", "keystone", "/identity", 5000, ""},
            {"image", "glance", "/image", 9292, ""},
            {"volumev3", "cinderv3", "/volume/v3/$(project_id)s", 8776, "/v3/$(project_id)s"},
            {"block-storage", "cinder", "/volume/v3/$(project_id)s", 8776, "/v3/$(project_id)s"},
            {"network", "neutron", "/network", 9696, ""},
            {"compute", "nova", "/compute/v2.1", 8774, "/v2.1"},
            {"placement", "placement", "/placement", 8778, ""}};
}

}
