#include <understudy/credentials/aws_responses.hpp>

#include <nlohmann/json.hpp>

#include <cctype>
#include <charconv>

namespace understudy::credentials {
namespace {

/// Takes exactly `width` digits.
std::optional<int> take_digits(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return std::chrono::minutes{0};
  const bool is_negative = text.starts_with('-');
  if (!is_negative && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset{*hours * 60 + *minutes};
  return is_negative ? -offset : offset;
}

std::string text_member(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// Such a word goes into a message; anything stranger does not.
bool is_plain_word(const std::string& text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) return false;
  return true;
}

}  // namespace

std::optional<base::wall_time> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto mo = take_digits(text, 2);
  if (!mo || !take(text, '-')) return std::nullopt;
  const auto d = take_digits(text, 2);
  if (!d || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return std::nullopt;
  const auto h = take_digits(text, 2);
  if (!h || !take(text, ':')) return std::nullopt;
  const auto mi = take_digits(text, 2);
  if (!mi || !take(text, ':')) return std::nullopt;
  const auto s = take_digits(text, 2);
  if (!s || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
  if (take(text, '.'))
    while (take_digits(text, 1)) {
    }
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  return base::wall_time{sys_days{date} + hours{*h} + minutes{*mi} + seconds{*s} - *offset};
}

base::result<aws_keys, failure> parse_keys(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return failure{"the answer is not a JSON object"};
  const auto code = text_member(json, "Code");
  if (!code.empty() && code != "Success")
    return failure{"the answer's code is " + (is_plain_word(code) ? code : "not Success")};
  aws_keys keys;
  keys.access_key_id = text_member(json, "AccessKeyId");
  keys.secret_access_key = text_member(json, "SecretAccessKey");
  keys.session_token = text_member(json, "Token");
  if (keys.access_key_id.empty() || keys.secret_access_key.empty())
    return failure{"the answer has no AccessKeyId or SecretAccessKey"};
  const auto expiration = text_member(json, "Expiration");
  if (!expiration.empty()) {
    keys.expires = parse_rfc3339(expiration);
    if (!keys.expires) return failure{"the answer's Expiration is not a time"};
  }
  return keys;
}

}  // namespace understudy::credentials
