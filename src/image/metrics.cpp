#include "image/image_service.hpp"
#include "platform/metrics/gauge_rows.hpp"

namespace stratolet::image {
namespace {

// Names and meanings are those of openstack-exporter.
const std::vector<RowGauges>& families() {
    static const std::vector<RowGauges> all{
        {"openstack_glance_images", "Images", {}, "SELECT count(*) FROM images"},
        {"openstack_glance_up", "Whether it answers", {}, "SELECT 1"},
        {"openstack_glance_image_bytes",
         "An image's size",
         {"id", "name", "tenant_id"},
         "SELECT id, coalesce(name, ''), owner, coalesce(size, 0) FROM images",
         Metrics::For::Operators},
        {"openstack_glance_image_created_at",
         "When an image was made, in seconds since 1970",
         {"id", "name", "status", "hidden", "visibility", "tenant_id"},
         "SELECT id, coalesce(name, ''), status, iif(hidden, 'true', 'false'), visibility, owner, created / 1000000 "
         "FROM images",
         Metrics::For::Operators},
    };
    return all;
}

}

void declareMetrics(const Parts& parts) { gaugeRows(parts.metrics, parts.store, families()); }

}
