#pragma once

#include "resource/listing.hpp"

namespace stratolet::block {

/// What a list was asked for, beside what the caller may see.
struct ListQuery {
    resource::Listing listing;
    bool allProjects = false;
    std::int64_t offset = 0;
    bool counted = false; ///< how many there are on all pages is wanted too: that looks at all of them
};

/// A page of it.
template <class Row> struct ListPage {
    std::vector<Row> rows;
    std::int64_t count = 0; ///< on all pages, where that was wanted
};

}
