#include <charconv>
#include <cmath>
#include <cstdlib>

#include <understudy/codec/json_cursor.hpp>

#include "translate/json.hpp"

/// Documents are built and written over the scanner of `codec`, which passes strings block by block
/// where the library reads and writes them character by character: a third of a translated request.
namespace understudy::translate {
namespace {

std::string unescaped(std::string_view raw) {
  return raw.find('\\') == raw.npos ? std::string{raw} : codec::unescape_json(raw);
}

template <class Number>
std::optional<json> whole_number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return json(value);
}

/// As the library reads it: whole numbers where they fit, all others as doubles. Nothing: beyond
/// those, too. `text` has passed the scan.
std::optional<json> number_of(std::string_view text) {
  if (text.find_first_of(".eE") == text.npos) {
    auto whole =
        text.front() == '-' ? whole_number<std::int64_t>(text) : whole_number<std::uint64_t>(text);
    if (whole) return whole;
  }
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc::result_out_of_range)  // too small is zero, too large is none
    value = std::strtod(std::string{text}.c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  return json(value);
}

/// Builds what the cursor stands on. The depth is the cursor's limit.
class builder {
 public:
  explicit builder(std::string_view text) : cursor_{text} {}

  std::optional<json> document() {
    json out;
    if (!value(out) || !cursor_.finish()) return std::nullopt;
    return out;
  }
  bool is_crowded() const { return is_crowded_; }

 private:
  bool value(json& out) {
    switch (cursor_.kind()) {
      case codec::json_kind::object:
        return object(out);
      case codec::json_kind::array:
        return array(out);
      case codec::json_kind::string: {
        const auto raw = cursor_.take_raw_string();
        if (cursor_.has_failed()) return false;
        out = unescaped(raw);
        return true;
      }
      default:
        return scalar(out);
    }
  }

  bool scalar(json& out) {
    const auto kind = cursor_.kind();
    const auto text = cursor_.take();
    if (cursor_.has_failed() || text.empty()) return false;
    if (kind == codec::json_kind::boolean) {
      out = text.front() == 't';
    } else if (kind == codec::json_kind::number) {
      auto number = number_of(text);
      if (!number) return false;
      out = std::move(*number);
    }
    return true;
  }

  bool array(json& out) {
    out = json::array();
    auto& elements = out.get_ref<json::array_t&>();
    if (!cursor_.enter()) return false;
    while (cursor_.next())
      if (!value(elements.emplace_back())) return false;
    return !cursor_.has_failed();
  }

  /// The last of duplicates wins, at the place of the first.
  bool object(json& out) {
    out = json::object();
    auto& members = out.get_ref<json::object_t&>();
    if (!cursor_.enter()) return false;
    for (std::size_t count = 0; cursor_.next(); ++count) {
      is_crowded_ = count == max_json_members;
      if (is_crowded_) return false;
      auto& member = members[unescaped(cursor_.raw_key())];
      member = nullptr;
      if (!value(member)) return false;
    }
    return !cursor_.has_failed();
  }

  codec::json_cursor cursor_;
  bool is_crowded_ = false;
};

void write(const json& value, std::string& out) {
  switch (value.type()) {
    case json::value_t::object: {
      out += '{';
      for (const auto& [name, member] : value.get_ref<const json::object_t&>()) {
        if (out.back() != '{') out += ',';
        codec::append_json_string(out, name);
        out += ':';
        write(member, out);
      }
      out += '}';
      return;
    }
    case json::value_t::array: {
      out += '[';
      for (const auto& element : value.get_ref<const json::array_t&>()) {
        if (out.back() != '[') out += ',';
        write(element, out);
      }
      out += ']';
      return;
    }
    case json::value_t::string:
      return codec::append_json_string(out, view_of(value));
    default:
      out += value.dump();
  }
}

}  // namespace

std::optional<json> parse_json(std::string_view text) {
  if (!codec::is_utf8(text)) return std::nullopt;
  return builder{text}.document();
}

std::string dump_json(const json& value) {
  std::string out;
  write(value, out);
  return out;
}

std::optional<json> request_object(std::string_view body, refusal& why) {
  why.status = 400;
  builder made{body};
  auto object = codec::is_utf8(body) ? made.document() : std::nullopt;
  if (object && object->is_object()) return object;
  why.message = "malformed request: expected an object";
  if (object) return std::nullopt;
  if (const auto error = codec::check_json(body)) {
    why.message = "malformed request: " + error->text();
  } else if (made.is_crowded()) {
    why.message = "malformed request: an object has too many members";
  } else {
    why.message = "malformed request: a number is too large, or a text is no UTF-8";
  }
  return std::nullopt;
}

}  // namespace understudy::translate
