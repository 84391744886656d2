#include "plan/regex.hpp"

#include <re2/re2.h>

namespace understudy::plan {

struct regex::impl {
  impl(std::string_view pattern, const re2::RE2::Options& options)
      : compiled(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  re2::RE2 compiled;
};

bool regex::matches(std::string_view value) const {
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), impl_->compiled);
}

std::optional<regex> compile_regex(std::string_view pattern, std::string& problem) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto made = std::make_shared<const regex::impl>(pattern, options);
  if (!made->compiled.ok()) {
    problem = made->compiled.error();
    return std::nullopt;
  }
  return regex{std::move(made)};
}

}  // namespace understudy::plan
