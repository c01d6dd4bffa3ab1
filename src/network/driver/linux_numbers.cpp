#include "network/driver/linux_numbers.hpp"

#include <stratolet/error.hpp>

#include <fstream>

namespace stratolet::network {

namespace {

constexpr int numberMax = 65535;

}

Numbers::Numbers(std::filesystem::path file) : file_(std::move(file)) {
    std::ifstream in(file_);
    std::string kind, id;
    for (int number = 0; in >> kind >> number >> id;)
        if (number > 0 && number <= numberMax) given_[kind][id] = number;
    written_ = given_;
}

int Numbers::of(const std::string& kind, const std::string& id) {
    asked_[kind].insert(id);
    auto& numbers = given_[kind];
    if (const auto found = numbers.find(id); found != numbers.end()) return found->second;
    std::set<int> taken;
    for (const auto& [other, number] : numbers) taken.insert(number);
    int free = 1;
    for (const int number : taken) {
        if (number != free) break;
        ++free;
    }
    if (free > numberMax) throw Error(Failure::Broken, "more than ", numberMax, " of kind ", kind, " on one host");
    return numbers[id] = free;
}

void Numbers::settle() {
    for (auto& given : given_) {
        const auto& asked = asked_[given.first];
        std::erase_if(given.second, [&](const auto& each) { return !asked.contains(each.first); });
    }
    asked_.clear();
    if (given_ == written_) return;
    const auto fresh = file_.string() + ".new";
    std::ofstream out(fresh, std::ios::trunc);
    for (const auto& [kind, numbers] : given_)
        for (const auto& [id, number] : numbers) out << kind << ' ' << number << ' ' << id << '\n';
    out.close();
    if (!out) throw Error(Failure::Broken, "could not write ", fresh);
    std::filesystem::rename(fresh, file_);
    written_ = given_;
}

}
