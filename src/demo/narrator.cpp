#include <understudy/demo/narrator.hpp>

#include <utility>

namespace understudy::demo {
namespace {

constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view cyan = "\x1b[36m";
constexpr std::string_view reset = "\x1b[0m";
constexpr std::size_t label_width = 8;

std::string milliseconds_text(base::duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
}

std::string seconds_text(base::duration d) {
  return std::to_string(std::chrono::round<std::chrono::seconds>(d).count()) + " s";
}

std::string outcome_text(const attempt_story& attempt) {
  if (attempt.status != 0) return std::to_string(attempt.status);
  std::string text{attempt.outcome};
  for (auto& c : text)
    if (c == '_') c = ' ';
  return text;
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

void narrator::ejected(std::string_view backend, base::duration length) {
  say(red, "ejected", std::string{backend} + " gets no requests for " + seconds_text(length));
}

void narrator::returned(std::string_view backend) {
  say(green, "returned", std::string{backend} + " gets requests again");
}

void narrator::request_ended(const request_story& story) {
  const bool is_failover = story.attempts.size() > 1;
  std::string text = story.status == 0 ? "client left" : std::to_string(story.status);
  if (story.is_stream) text += " stream";
  text += " in " + milliseconds_text(story.elapsed);
  for (std::size_t i = 0; i < story.attempts.size(); ++i) {
    text += i == 0 ? ": " : " -> ";
    text += story.attempts[i].backend;
    text += " " + outcome_text(story.attempts[i]);
    if (is_failover) text += " (" + milliseconds_text(story.attempts[i].elapsed) + ")";
  }
  const bool is_success = story.status >= 200 && story.status < 300;
  say(is_success ? (is_failover ? yellow : cyan) : red, is_failover ? "failover" : "request", text);
}

}  // namespace understudy::demo
