#include <understudy/demo/schedule.hpp>

namespace understudy::demo {

std::string_view description(behaviour what) {
  switch (what) {
    case behaviour::healthy:
      return "is healthy";
    case behaviour::server_error:
      return "answers every request with 500";
    case behaviour::refusing:
      return "refuses connections";
    case behaviour::hanging:
      return "hangs: takes requests and never answers";
    case behaviour::rate_limited:
      return "answers every request with 429";
  }
  return "";
}

std::vector<phase> default_schedule() {
  using enum behaviour;
  return {{healthy}, {server_error}, {healthy}, {refusing},
          {healthy}, {hanging},      {healthy}, {rate_limited}};
}

}  // namespace understudy::demo
