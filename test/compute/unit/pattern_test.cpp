#include "compute/pattern.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <stratolet/error.hpp>
#include <string>

using stratolet::Error;
using stratolet::compute::Pattern;

TEST_CASE("A pattern matches what a regular expression means", "[compute][pattern]") {
    struct Example {
        const char *pattern, *text;
        bool matches;
    };
    const auto example = GENERATE(values<Example>({{"web", "my-web-1", true},
                                                   {"^web", "my-web", false},
                                                   {"web$", "my-web", true},
                                                   {"w.b", "wxb", true},
                                                   {"w.b", "wb", false},
                                                   {"a*b", "b", true},
                                                   {"a+b", "b", false},
                                                   {"^a?b$", "ab", true},
                                                   {"^(ab|cd)+$", "abcdab", true},
                                                   {"^(ab|cd)+$", "abc", false},
                                                   {"[0-9]{3}", "a12b", false},
                                                   {"[0-9]{3}", "a123b", true},
                                                   {"^x{1,2}$", "xxx", false},
                                                   {"^x{2,}$", "xxxx", true},
                                                   {"[^a]", "aaa", false},
                                                   {"\\.", "ab", false},
                                                   {"10\\.0\\.0\\.\\d+", "10.0.0.7", true},
                                                   {"[]x]", "]", true},
                                                   {"", "anything", true},
                                                   {"a|", "b", true},
                                                   {"^.*-1$", "server-1", true}}));
    CAPTURE(example.pattern, example.text);
    CHECK(Pattern(example.pattern).matches(example.text) == example.matches);
}

TEST_CASE("What is no pattern is refused", "[compute][pattern]") {
    for (const char* text : {"(", ")", "a)", "[a", "*", "a{3,1}", "a{999}", "\\", "(a", "[z-a]"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(Pattern(text), Error);
    }
    CHECK_THROWS_AS(Pattern(std::string(256, 'a')), Error);
    CHECK_THROWS_AS(Pattern("(((((((((((((((((((((((a{9}){9}){9}){9}"), Error);
    CHECK_THROWS_AS(Pattern("((((a{99}){99}){99}){99})"), Error);
}

TEST_CASE("No pattern takes long", "[compute][pattern]") {
    const auto begin = std::chrono::steady_clock::now();
    const std::string text(255, 'a');
    for (const char* pattern : {"(a*)*b", "(a|a)*b", "(a+)+$b", "^(a?){200}a{200}b"})
        CHECK_FALSE(Pattern(pattern).matches(text));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}
