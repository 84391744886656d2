#pragma once
#include <string>
#include <vector>

#include <understudy/simulate/report.hpp>

/// The words that every form of the report uses.
namespace understudy::simulate {

/// `5s`, `1.25s`, `20ms`, `2m30s`.
std::string duration_text(microseconds t);
/// `0:30.050`.
std::string clock_text(microseconds t);
std::string count_text(std::uint64_t n, std::string_view noun);
/// At most three decimals, at least two.
std::string percent_text(double value);
/// `answers 503`, `refuses connections`, `is slow (4s, p99 12s)`.
std::string describe(const config::scenario_fault& fault);

std::string sentence_of(const timeline_row& row);
/// `FILE:LINE:COLUMN`.
std::string place_text(const origin& at);
/// `clientErrors <= 0`.
std::string wanted_text(const expectation_result& e);
std::string got_text(const expectation_result& e);

/// Columns of UTF-8 text.
std::size_t shown_width(std::string_view text);
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace understudy::simulate
