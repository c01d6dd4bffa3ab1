#pragma once

#include <string>

namespace stratolet {

/// The file of a store in which every migration has run and nothing has happened yet. It is made when the program is
/// built: a first start unpacks it in milliseconds, where the migrations, which change tables again and again, would
/// take a fifth of a second.
std::string freshStore();

}
