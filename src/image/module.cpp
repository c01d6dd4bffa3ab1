#include "image/image.hpp"

#include <stratolet/error.hpp>

#include "image/image_api.hpp"
#include "image/image_service.hpp"
#include "image/import/imports.hpp"
#include "image/wire.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/policy/policy.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/resources.hpp"

namespace stratolet::image {

namespace {

WebSource webSource(const Config& config) {
    std::vector<std::uint16_t> ports;
    for (const auto& each : config.list("image", "web_download_ports"))
        ports.push_back(static_cast<std::uint16_t>(std::stoi(each)));
    return WebSource(AddressRules(config.list("image", "web_download_networks"), std::move(ports)),
                     {.bytesPerSecondMin = config.integer("image", "web_download_speed_min")});
}

std::filesystem::path below(const Config& config, std::string_view name) {
    return std::filesystem::path(config.text("DEFAULT", "state_dir")) / name;
}

}

std::vector<ConfigOption> configOptions() {
    constexpr std::int64_t tebi = std::int64_t{1} << 40;
    return {
        {"image", "stores", "file", {"NAME or NAME:FOLDER, several with commas", storesComplaint}},
        {"image", "image_count_total", "-1", wholeNumber(-1, 1'000'000'000)},
        {"image", "image_size_total", "-1", wholeNumber(-1, tebi)},
        {"image", "image_stage_total", "-1", wholeNumber(-1, tebi)},
        {"image", "image_count_uploading", "-1", wholeNumber(-1, 1'000'000'000)},
        {"image", "image_size_cap", std::to_string(tebi), wholeNumber(1, 1024 * tebi)},
        {"image",
         "web_download_networks",
         "",
         {"addresses and blocks of them, several with commas", networksComplaint}},
        {"image", "web_download_ports", "80, 443", orNothing(listOf(wholeNumber(1, 65535)))},
        {"image", "web_download_speed_min", std::to_string(32 << 10), wholeNumber(1, 1 << 30)},
        {"image", "import_unpack", "false", trueOrFalse()},
        {"image", "import_convert_to", "", oneOf({"", "raw", "qcow2"})},
        {"image", "import_properties", "", {"NAME:VALUE, several with commas", propertiesComplaint}},
        {"image", "import_properties_not_for", "admin", anyText()},
        {"image", "show_multiple_locations", "false", trueOrFalse()},
        {"image", "cache", "false", trueOrFalse()},
        {"image", "cache_max_size", std::to_string(10 * (std::int64_t{1} << 30)), wholeNumber(1, 1024 * tebi)},
    };
}

struct Images::Impl {
    Impl(Parts given, const std::vector<std::unique_ptr<ImageStore>>& all, identity::Identity& itsIdentity)
        : parts(given),
          identity(itsIdentity),
          stores(all),
          staging(below(given.config, "staging")),
          web(webSource(given.config)),
          service(given),
          cache(given, service, stores, below(given.config, "image-cache")),
          data(given, service, stores, staging, web, cache),
          imports(given, service, data, stores, staging, web),
          has{.cache = given.config.boolean("image", "cache"), .locations = service.locationsShown()} {}

    Parts parts;
    identity::Identity& identity;
    Stores stores;
    Staging staging;
    WebSource web;
    ImageService service;
    Cache cache;
    ImageData data;
    Imports imports;
    Minors has;
    NearCopies* nearCopies = nullptr;
    http::Routes cacheRoutes() {
        if (nearCopies) return nearCopyRoutes(parts, service, *nearCopies);
        return has.cache ? image::cacheRoutes(cache) : http::Routes();
    }

    ImageMembers members{parts, service};
    Metadefs metadefs{parts};
};

Images::Images(Parts parts, const std::vector<std::unique_ptr<ImageStore>>& stores, identity::Identity& identity)
    : impl_(std::make_unique<Impl>(parts, stores, identity)) {
    auto& impl = *impl_;
    parts.policies.add("image", policyDefaults("image"));
    declareMetrics(parts);
    parts.jobs.declare(jobs::Job("image.delete")
                           .step("discard", [&impl](jobs::Run& run) { impl.data.discard(run.id_of<ImageId>()); })
                           .untilDone());
    impl.imports.declareJobs();
    impl.cache.declareJobs();
    if (impl.has.cache)
        parts.reconciler.declare(
            "image-cache", [&impl] { impl.cache.fetchQueued(); }, std::chrono::seconds(1));
    parts.reconciler.declare("image", [&impl] {
        impl.data.reconcile();
        impl.imports.forgetExpiredTasks();
        impl.cache.reconcile();
    });
}

Images::~Images() = default;

void Images::bootstrap() { loadShippedMetadefs(impl_->parts.store, impl_->parts.ambient.now()); }

void Images::useNearCopies(NearCopies& copies) {
    if (impl_->has.cache) return;
    impl_->nearCopies = &copies;
    impl_->has.cache = true;
}

http::Site Images::site() {
    http::Site site;
    site.name = "image";
    site.prefix = "/image";
    site.classicPort = 9292;
    const auto has = impl_->has;
    for (auto&& each : {imageRoutes(impl_->service, impl_->data, impl_->stores, has), memberRoutes(impl_->members),
                        importRoutes(impl_->imports, impl_->stores), taskRoutes(impl_->imports), schemaRoutes(),
                        metadefRoutes(impl_->metadefs), metadefSchemaRoutes(), impl_->cacheRoutes()})
        site.routes.insert(site.routes.end(), each.begin(), each.end());
    site.refuse = refusal;
    site.noRoute = [has](const http::Request& request, const std::vector<http::Method>& allowed) {
        return noRoute(request, allowed, has);
    };
    site.finish = [](const http::Request& request, http::Response& response) {
        response.headers.set("x-openstack-request-id", request.requestId);
    };
    impl_->identity.protect(site);
    return site;
}

std::vector<ImageId> Images::named(store::Reader& db, const identity::Caller& caller, const std::string& name) {
    return impl_->service.named(db, caller, name);
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

ImageId Images::create(store::Transaction& tx, const identity::Caller& caller, const NewImage& wanted) {
    auto here = caller;
    here.policy = impl_->parts.policies.of("image");
    ImageRecord image;
    image.owner = caller.project;
    image.name = wanted.name;
    image.diskFormat = wanted.diskFormat;
    image.containerFormat = wanted.containerFormat;
    if (!wanted.visibility.empty()) image.visibility = visibilityNamed(wanted.visibility).value();
    image.isProtected = wanted.isProtected;
    image.minRam = wanted.minRam;
    image.minDisk = wanted.minDisk;
    for (const auto& [name, value] : wanted.properties)
        if (kindOf(name) == AttributeKind::Property) image.properties.emplace(name, value);
    here.enforce("add_image", {{"project_id", image.owner.text}, {"owner", image.owner.text}});
    return impl_->service.create(tx, here, std::move(image)).id;
}

void Images::fill(const ImageId& image, const std::filesystem::path& disk, const Cancelled& cancelled,
                  Content content) {
    impl_->data.fill(image, disk, cancelled, content);
}

void Images::abandon(store::Transaction& tx, const ImageId& image) { impl_->service.abandon(tx, image); }

void Images::discard(store::Transaction& tx, const ImageId& image) { impl_->service.discard(tx, image); }

std::vector<ImageId> Images::withProperties(store::Reader& db, const ProjectId& project,
                                            const std::map<std::string, std::string>& properties) {
    return impl_->service.table().withProperties(db, project, properties);
}

DiskSource Images::source(const ImageId& image, std::optional<Bytes> diskMax, Content content) {
    return impl_->data.source(image, diskMax, content);
}

}
