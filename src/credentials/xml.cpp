#include <understudy/credentials/xml.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

namespace understudy::credentials {
namespace {

constexpr std::size_t max_depth = 16;
constexpr std::string_view blank = " \t\r\n";

bool is_name(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         text[0] != '-' && text[0] != '.' && std::ranges::all_of(text, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' ||
                  c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
         });
}

/// One character of a reference between `&` and `;`; only those that a key or a code may have.
std::optional<char> referenced(std::string_view name) {
  if (name == "lt") return '<';
  if (name == "gt") return '>';
  if (name == "amp") return '&';
  if (name == "quot") return '"';
  if (name == "apos") return '\'';
  if (!name.starts_with('#')) return std::nullopt;
  const bool is_hex = name.starts_with("#x");
  name.remove_prefix(is_hex ? 2 : 1);
  unsigned code = 0;
  const auto end = name.data() + name.size();
  const auto read = std::from_chars(name.data(), end, code, is_hex ? 16 : 10);
  if (read.ec != std::errc{} || read.ptr != end || code < 0x20 || code > 0x7E) return std::nullopt;
  return static_cast<char>(code);
}

class reader {
 public:
  explicit reader(std::string_view text) : rest_{text} {}

  std::optional<xml_leaves> run() {
    take("\xEF\xBB\xBF");
    if (take("<?xml") && !skip_past("?>")) return std::nullopt;
    if (!skip_between() || !element(std::string{}) || !skip_between() || !rest_.empty())
      return std::nullopt;
    return std::move(leaves_);
  }

 private:
  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  bool skip_past(std::string_view end) {
    const auto at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + end.size());
    return true;
  }
  void skip_blank() { rest_.remove_prefix(std::min(rest_.find_first_not_of(blank), rest_.size())); }
  /// Blanks and comments outside the root.
  bool skip_between() {
    for (skip_blank(); take("<!--"); skip_blank())
      if (!skip_past("-->")) return false;
    return true;
  }

  std::string_view take_name() {
    const auto name = rest_.substr(0, rest_.find_first_of(" \t\r\n/>=<&\"'"));
    rest_.remove_prefix(name.size());
    return is_name(name) ? name : std::string_view{};
  }

  bool attributes() {
    for (;;) {
      const auto before = rest_.size();
      skip_blank();
      if (rest_.starts_with('>') || rest_.starts_with("/>")) return true;
      if (rest_.size() == before || take_name().empty()) return false;
      skip_blank();
      if (!take("=")) return false;
      skip_blank();
      const bool is_single = take("'");
      if (!is_single && !take("\"")) return false;
      const auto end = rest_.find(is_single ? '\'' : '"');
      if (end == std::string_view::npos) return false;
      if (rest_.substr(0, end).find('<') != std::string_view::npos) return false;
      rest_.remove_prefix(end + 1);
    }
  }

  bool text(std::string& out) {
    while (!rest_.empty() && rest_[0] != '<') {
      if (rest_[0] != '&') {
        const auto plain = rest_.substr(0, rest_.find_first_of("<&"));
        out.append(plain);
        rest_.remove_prefix(plain.size());
        continue;
      }
      const auto end = rest_.find(';');
      if (end == std::string_view::npos) return false;
      const auto c = referenced(rest_.substr(1, end - 1));
      if (!c) return false;
      out.push_back(*c);
      rest_.remove_prefix(end + 1);
    }
    return true;
  }

  bool element(const std::string& parent) {
    if (++depth_ > max_depth || !take("<")) return false;
    const std::string name{take_name()};
    if (name.empty() || !attributes()) return false;
    const std::string path = parent.empty() ? name : parent + "/" + name;
    bool is_leaf = true;
    std::string content;
    if (!take("/>")) {
      if (!take(">") || !children(path, content, is_leaf)) return false;
      if (take_name() != name) return false;
      skip_blank();
      if (!take(">")) return false;
    }
    if (is_leaf) leaves_.emplace(path, std::move(content));
    --depth_;
    return true;
  }

  /// Up to and with the `</` of the end tag.
  bool children(const std::string& path, std::string& content, bool& is_leaf) {
    for (;;) {
      if (!text(content)) return false;
      if (take("</")) break;
      if (take("<!--")) {
        if (!skip_past("-->")) return false;
        continue;
      }
      is_leaf = false;
      if (!element(path)) return false;
    }
    // Text between elements is white space only.
    return is_leaf || content.find_first_not_of(blank) == std::string::npos;
  }

  std::string_view rest_;
  xml_leaves leaves_;
  std::size_t depth_ = 0;
};

}  // namespace

std::optional<xml_leaves> read_xml(std::string_view text) { return reader{text}.run(); }

}  // namespace understudy::credentials
