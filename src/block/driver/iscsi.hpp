#pragma once

#include <stratolet/driver/volume.hpp>

#include <memory>
#include <string>

#include "block/driver/iscsi_target.hpp"

namespace stratolet::block {

struct IscsiOptions {
    std::string host;     ///< on which this runs: who is there reaches volumes without iSCSI
    bool always = false;  ///< even there by iSCSI
    iscsi::Daemon target; ///< its folder also keeps who is connected, with passwords: nobody else may look into it
};

/// The volumes of another driver, whose bytes lie in one file or device each, for hosts that aren't this one: tgtd
/// serves each as a target of its own to whom it is connected, with a password for each connection (CHAP). Who is
/// connected outlives this program, and tgtd is told again where it has started anew. Error(Invalid) where there is no
/// tgtd.
std::unique_ptr<VolumeDriver> iscsiVolumeDriver(std::unique_ptr<VolumeDriver> volumes, IscsiOptions options);

}
