#include <understudy/demo/narrator.hpp>

#include <utility>

namespace understudy::demo {
namespace {

constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view reset = "\x1b[0m";
constexpr std::size_t label_width = 8;

std::string seconds_text(std::chrono::milliseconds d) {
  return std::to_string(std::chrono::round<std::chrono::seconds>(d).count()) + " s";
}

}  // namespace

narrator::narrator(std::function<void(std::string_view)> print, bool is_coloured)
    : print_{std::move(print)}, is_coloured_{is_coloured} {}

void narrator::say(std::string_view colour, std::string_view label, std::string_view text) {
  std::string line;
  if (is_coloured_) line += colour;
  line += label;
  line.append(label.size() < label_width ? label_width - label.size() : 0, ' ');
  if (is_coloured_) line += reset;
  line += "  ";
  line += text;
  const std::lock_guard lock{mutex_};
  print_(line);
}

void narrator::phase_began(const phase& now) {
  say(now.what == behaviour::healthy ? green : yellow, "primary",
      std::string{description(now.what)} + " for " + seconds_text(now.length));
}

void narrator::happened(std::string_view kind, std::string_view text) {
  const auto colour = kind == "ejection" ? red : kind == "return" ? green : yellow;
  say(colour, kind, text);
}

}  // namespace understudy::demo
