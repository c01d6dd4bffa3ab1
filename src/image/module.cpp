#include "image/image.hpp"

#include "image/image_api.hpp"
#include "image/image_service.hpp"
#include "image/wire.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/policy/policy.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/resources.hpp"

namespace stratolet::image {

std::vector<ConfigOption> configOptions() {
    constexpr std::int64_t tebi = std::int64_t{1} << 40;
    return {
        {"image", "image_count_total", "-1", wholeNumber(-1, 1'000'000'000)},
        {"image", "image_size_total", "-1", wholeNumber(-1, tebi)},
        {"image", "image_size_cap", std::to_string(tebi), wholeNumber(1, 1024 * tebi)},
    };
}

struct Images::Impl {
    Impl(Parts given, ImageStore& store, identity::Identity& itsIdentity) : parts(given), identity(itsIdentity), service(given, store) {}

    Parts parts;
    identity::Identity& identity;
    ImageService service;
};

Images::Images(Parts parts, ImageStore& store, identity::Identity& identity) : impl_(std::make_unique<Impl>(parts, store, identity)) {
    auto& service = impl_->service;
    parts.policies.add("image", policyDefaults("image"));
    parts.jobs.declare(
        jobs::Job("image.delete").step("discard", [&service](jobs::Run& run) { service.discardData(run.id_of<ImageId>()); }));
    parts.reconciler.declare("image", [&service] { service.reconcile(); });
}

Images::~Images() = default;

http::Site Images::site() {
    http::Site site;
    site.name = "image";
    site.prefix = "/image";
    site.classicPort = 9292;
    for (auto&& each : {imageRoutes(impl_->service), memberRoutes(impl_->service), schemaRoutes()})
        site.routes.insert(site.routes.end(), each.begin(), each.end());
    site.refuse = refusal;
    site.noRoute = noRoute;
    site.finish = [](const http::Request& request, http::Response& response) {
        response.headers.set("x-openstack-request-id", request.requestId);
    };
    impl_->identity.protect(site);
    return site;
}

std::optional<ImageFacts> Images::find(store::Reader& db, const identity::Caller& caller, const ImageId& id) {
    const auto image = impl_->service.find(db, caller, id);
    if (!image) return std::nullopt;
    return ImageFacts{image->id,
                      image->name.value_or(""),
                      std::string(nameOf(image->status)),
                      image->owner,
                      std::string(nameOf(image->visibility)),
                      image->diskFormat.value_or(""),
                      image->containerFormat.value_or(""),
                      Bytes{image->size.value_or(0)},
                      Bytes{image->virtualSize.value_or(0)},
                      image->minRam,
                      image->minDisk,
                      image->checksum.value_or(""),
                      image->updated,
                      image->properties};
}

DiskSource Images::source(const ImageId& image) { return impl_->service.source(image); }

}
