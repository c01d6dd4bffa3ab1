#pragma once

#include <string>
#include <vector>

#include "image/image_service.hpp"
#include "image/member/member_table.hpp"

namespace stratolet::image {

/// With whom an image is shared: its owner adds and removes projects, each of which takes the image or doesn't. Owned
/// by the module; any thread. Error(NotFound) for an image that the caller can't see, Error(Forbidden) for one that
/// isn't shared.
class ImageMembers {
public:
    ImageMembers(Parts parts, ImageService& images) : parts_(parts), images_(images) {}

    ImageMember share(const identity::Caller& caller, const ImageId& image, const ProjectId& member);
    std::vector<ImageMember> list(const identity::Caller& caller, const ImageId& image); ///< to a member: itself alone
    ImageMember show(const identity::Caller& caller, const ImageId& image, const ProjectId& member);
    ImageMember answer(const identity::Caller& caller, const ImageId& image, const ProjectId& member,
                       const std::string& status);
    void unshare(const identity::Caller& caller, const ImageId& image, const ProjectId& member);

private:
    Parts parts_;
    ImageService& images_;
};

}
