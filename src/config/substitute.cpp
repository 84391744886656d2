#include "config/substitute.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace understudy::config {
namespace {

// Quotes and backslashes stay: inside a quoted scalar they belong to YAML.
constexpr std::string_view special = "{}:,[]#&*!|>%@`?";
constexpr char first_mask = '\x0e';  // control bytes up to 0x1f, which no text file holds
static_assert(first_mask + special.size() <= 0x20);

char masked(char c) {
  const auto i = special.find(c);
  return i == std::string_view::npos ? c : static_cast<char>(first_mask + static_cast<int>(i));
}

char unmasked(char c) {
  const int i = c - first_mask;
  return i >= 0 && i < static_cast<int>(special.size()) ? special[static_cast<std::size_t>(i)] : c;
}

/// End of the span that opens at `${` in `text[begin]`, past its `}`; nothing when it is not
/// closed on its line.
std::optional<std::size_t> span_end(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (auto i = begin; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      ++depth;
      ++i;
    } else if (text[i] == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::nullopt;
}

std::size_t name_length(std::string_view text) {
  const auto is_name_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_name_char) - text.begin());
}

bool is_name(std::string_view name) {
  return !name.empty() && name_length(name) == name.size() && !(name[0] >= '0' && name[0] <= '9');
}

class replacer {
 public:
  replacer(const environment_lookup& environment, substitution& out)
      : environment_(environment), out_(out) {}

  /// `text` is unmasked.
  std::string run(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size();) {
      if (text.substr(i, 3) == "$${") {
        result += "${";
        i += 3;
        continue;
      }
      if (text.substr(i, 2) != "${") {
        result += text[i++];
        continue;
      }
      const auto end = span_end(text, i);
      if (!end) {
        fail("`${` is not closed on its line; write `}`, or `$${` for a literal `${`", "${");
        return result + std::string{text.substr(i)};
      }
      result += value(text.substr(i, *end - i));
      i = *end;
    }
    return result;
  }

 private:
  std::string value(std::string_view span) {
    const auto inside = span.substr(2, span.size() - 3);
    const auto name = inside.substr(0, inside.find(':'));
    const auto rest = inside.substr(name.size());
    const bool has_default = rest.starts_with(":-") || rest.starts_with(":=");
    if (!is_name(name) || (!rest.empty() && !has_default)) {
      // Only the name is shown: what follows may be a secret.
      const auto shown = inside.substr(0, name_length(inside));
      fail("`${" + std::string{shown} + (shown.size() < inside.size() ? "…" : "") +
               "}` is no reference; write `${NAME}`, `${NAME:-default}`, or `$${` for a literal "
               "`${`",
           span);
      return {};
    }
    out_.is_changed = true;
    const auto found = environment_ ? environment_(std::string{name}) : std::nullopt;
    if (found && (!found->empty() || !has_default)) return *found;
    if (has_default) return run(rest.substr(2));
    fail("environment variable `" + std::string{name} +
             "` is not set; set it, or write a default as in `${" + std::string{name} +
             ":-default}`",
         span);
    return {};
  }

  void fail(std::string message, std::string_view span) {
    if (!out_.problem.empty()) return;
    out_.problem = std::move(message);
    out_.culprit = span;
  }

  const environment_lookup& environment_;
  substitution& out_;
};

}  // namespace

std::string mask_references(std::string_view text) {
  std::string out{text};
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    if (out[i] != '$' || out[i + 1] != '{') continue;
    const auto after_name = i + 2 + name_length(std::string_view{out}.substr(i + 2));
    if (after_name >= out.size() || (out[after_name] != '}' && out[after_name] != ':')) continue;
    const auto end = span_end(out, i);
    if (!end) continue;
    std::transform(out.begin() + static_cast<std::ptrdiff_t>(i),
                   out.begin() + static_cast<std::ptrdiff_t>(*end),
                   out.begin() + static_cast<std::ptrdiff_t>(i), masked);
    i = *end - 1;
  }
  return out;
}

std::string unmask(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), unmasked);
  return out;
}

substitution substitute(std::string_view masked_text, const environment_lookup& environment) {
  substitution out;
  out.text = replacer{environment, out}.run(unmask(masked_text));
  return out;
}

}  // namespace understudy::config
