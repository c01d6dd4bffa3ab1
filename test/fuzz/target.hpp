#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stratolet::fuzz {

/// Gives the bytes to the code under test. Whatever they are, it must neither crash nor hang; std::abort() where an
/// answer can't be.
void run(std::string_view input);

/// Inputs that the code knows and that only it can make; those that can be written down are files of corpus/NAME.
std::vector<std::string> seeds();

/// Cuts an input into parts: the code under test gets several texts and numbers.
class Parts {
public:
    explicit Parts(std::string_view input) : rest_(input) {}

    /// Up to the next line end.
    std::string text() {
        const auto end = rest_.find('\n');
        std::string part(rest_.substr(0, end));
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        return part;
    }
    /// From 0 to `most`.
    unsigned number(unsigned most) {
        if (rest_.empty()) return 0;
        const auto byte = static_cast<unsigned char>(rest_[0]);
        rest_.remove_prefix(1);
        return byte % (most + 1);
    }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

}
