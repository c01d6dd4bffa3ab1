#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "image/data/image_data.hpp"
#include "image/data/stores.hpp"
#include "image/image_service.hpp"
#include "image/task/task.hpp"
#include "platform/jobs/jobs.hpp"
#include "resource/listing.hpp"

namespace stratolet::image {

/// What an import is asked to do.
struct ImportRequest {
    std::string method;                             ///< "glance-direct", "web-download", "copy-image"
    std::string uri;                                ///< of web-download
    std::optional<std::vector<std::string>> stores; ///< the first one where nothing is said
    bool allStores = false;
    bool allMustSucceed = true; ///< else the import succeeds if one store could be filled
    std::string body;           ///< the request as it came, JSON
};

/// What is done to every image on its way in, as the configuration says.
struct ImportPlugins {
    bool unpack = false;                           ///< container_format "compressed" becomes "bare"
    std::string convertTo;                         ///< "raw" or "qcow2"; empty: as it is
    std::map<std::string, std::string> properties; ///< set on the image
    std::vector<std::string> ignoredRoles;         ///< nothing is set on images of users who have one of these
};

/// Data that comes in by a job: staged before, fetched from the web, or copied between stores; and the tasks that tell
/// of it. Owned by the module. The verbs only write rows, on any thread; what takes time is the job's, on its own lane.
/// Error(NotFound) for an image that the caller can't see.
class Imports {
public:
    Imports(Parts parts, ImageService& images, ImageData& data, const Stores& stores, const Staging& staging,
            const WebSource& web);

    static const std::vector<std::string>& methods();

    /// The image is `importing` when this returns (copied ones stay active), and a job does the rest. Error(Conflict)
    /// in another state, Error(Invalid) for a request that can't be.
    void begin(const identity::Caller& caller, const ImageId& image, const ImportRequest& wanted);

    /// A new image with these attributes whose data comes from `uri`.
    Task create(const identity::Caller& caller, ImageRecord wanted, const std::string& uri, const std::string& input);

    std::vector<Task> tasksOf(const identity::Caller& caller, const ImageId& image);
    std::optional<Task> task(const identity::Caller& caller, const std::string& id);

    std::vector<Task> tasks(const identity::Caller& caller, resource::Listing listing);
    void forgetExpiredTasks();

    /// Out of one store, as long as another one has it.
    void removeFromStore(const identity::Caller& caller, const std::string& store, const ImageId& image);

    /// "image.import" and "image.discard-copy".
    void declareJobs();

private:
    std::optional<Task> visibleTask(store::Reader& db, const identity::Caller& caller, const std::string& id);
    Task beginIn(store::Transaction& tx, const identity::Caller& caller, const ImageRecord& image,
                 const ImportRequest& wanted, const std::string& type);
    std::vector<std::string> targetsOf(const ImageRecord& image, const ImportRequest& wanted) const;
    bool injectsFor(const identity::Caller& caller) const;

    // The steps of the job, in imports_job.cpp.
    void fetch(jobs::Run& run);
    void unpackStaged(jobs::Run& run);
    void convertStaged(jobs::Run& run);
    void fill(jobs::Run& run);
    void empty(jobs::Run& run);
    void finish(store::Transaction& tx, jobs::Run& run);
    void fail(store::Transaction& tx, jobs::Run& run, const std::string& reason);
    ImageRecord imageOf(jobs::Run& run);
    void fillStore(jobs::Run& run, ImageRecord& image, const std::string& store, const std::filesystem::path& from);

    Parts parts_;
    ImageService& images_;
    ImageData& data_;
    const Stores& stores_;
    const Staging& staging_;
    const WebSource& web_;
    TaskTable tasks_;
    ImportPlugins plugins_;
};

/// What is wrong with "name=value, name=value"; empty where nothing is.
std::string propertiesComplaint(const std::string& list);

}
