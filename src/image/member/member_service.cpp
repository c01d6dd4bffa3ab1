#include "image/member/member_service.hpp"

#include <stratolet/error.hpp>

namespace stratolet::image {

using identity::Caller;

ImageMember ImageMembers::share(const Caller& caller, const ImageId& id, const ProjectId& member) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto image = images_.visible(tx, caller, id);
        caller.enforce(images_.targetOf(tx, caller, image));
        if (image.visibility != Visibility::Shared) throw Error(Failure::Forbidden, "Only shared images have members.");
        if (member_table::find(tx, id, member))
            throw Error(Failure::Conflict, "Member ", member, " is duplicated for image ", id);
        if (member_table::of(tx, id).size() >= membersMax)
            throw Error(
                Failure::OverLimit,
                "The limit has been exceeded on the number of allowed image members for this image. Attempted: ",
                membersMax + 1, ", Maximum: ", membersMax);
        const auto now = parts_.ambient.now();
        const ImageMember made{id, member, "pending", now, now};
        member_table::insert(tx, made);
        return made;
    });
}

std::vector<ImageMember> ImageMembers::list(const Caller& caller, const ImageId& id) {
    auto& db = parts_.store.reader();
    const auto image = images_.visible(db, caller, id);
    const bool own = images_.isAdmin(caller) || image.owner == caller.project;
    if (image.visibility != Visibility::Shared) {
        if (own) throw Error(Failure::Forbidden, "Only shared images have members.");
        throw missing(id); // whoever merely sees a public image learns nothing of its members
    }
    caller.enforce(images_.targetOf(db, caller, image));
    auto all = member_table::of(db, id);
    if (!own) std::erase_if(all, [&](const ImageMember& each) { return each.member != caller.project; });
    return all;
}

ImageMember ImageMembers::show(const Caller& caller, const ImageId& id, const ProjectId& project) {
    auto& db = parts_.store.reader();
    const auto image = images_.visible(db, caller, id);
    const bool own = images_.isAdmin(caller) || image.owner == caller.project;
    const auto found = member_table::find(db, id, project);
    if (!found || (!own && project != caller.project))
        throw Error(Failure::NotFound, "Member ", project, " not found for image ", id);
    caller.enforce({{"project_id", image.owner.text}, {"member_id", project.text}});
    return *found;
}

ImageMember ImageMembers::answer(const Caller& caller, const ImageId& id, const ProjectId& project,
                                 const std::string& status) {
    if (status != "pending" && status != "accepted" && status != "rejected")
        throw Error(Failure::Invalid, "Status must be \"pending\", \"accepted\" or \"rejected\".");
    return parts_.store.write([&](store::Transaction& tx) {
        const auto image = images_.visible(tx, caller, id);
        const bool own = images_.isAdmin(caller) || image.owner == caller.project;
        auto found = member_table::find(tx, id, project);
        if (!found || (!own && project != caller.project))
            throw Error(Failure::NotFound, "Member ", project, " not found for image ", id);
        caller.enforce({{"project_id", image.owner.text}, {"member_id", project.text}});
        found->status = status;
        found->updated = parts_.ambient.now();
        member_table::update(tx, *found);
        return *found;
    });
}

void ImageMembers::unshare(const Caller& caller, const ImageId& id, const ProjectId& project) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = images_.visible(tx, caller, id);
        caller.enforce(images_.targetOf(tx, caller, image));
        if (image.visibility != Visibility::Shared) throw Error(Failure::Forbidden, "Only shared images have members.");
        if (!member_table::remove(tx, id, project))
            throw Error(Failure::NotFound, "Member ", project, " not found for image ", id);
    });
}

}
