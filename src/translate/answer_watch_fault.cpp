#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <understudy/base/ascii.hpp>

#include "translate/converse_helper.hpp"
#include "translate/watch_parts.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

constexpr std::size_t max_text_bytes = 512;

struct named_status {
  std::string_view name;  ///< lower case, letters and digits only
  int status;
};

/// Names that providers give their errors, from their error pages and SDKs.
constexpr std::array statuses{
    named_status{"accessdeniedexception", 403},
    named_status{"apierror", 500},
    named_status{"authenticationerror", 401},
    named_status{"badgateway", 502},
    named_status{"badrequest", 400},
    named_status{"billingerror", 402},
    named_status{"contentfilter", 400},
    named_status{"contentpolicyviolation", 400},
    named_status{"contextlengthexceeded", 400},
    named_status{"deadlineexceeded", 504},
    named_status{"engineoverloaded", 503},
    named_status{"failedprecondition", 400},
    named_status{"gatewaytimeout", 504},
    named_status{"insufficientquota", 429},
    named_status{"internal", 500},
    named_status{"internalerror", 500},
    named_status{"internalservererror", 500},
    named_status{"internalserverexception", 500},
    named_status{"invalidapikey", 401},
    named_status{"invalidargument", 400},
    named_status{"invalidprompt", 400},
    named_status{"invalidrequest", 400},
    named_status{"invalidrequesterror", 400},
    named_status{"modelerrorexception", 424},
    named_status{"modelnotfound", 404},
    named_status{"modelnotreadyexception", 429},
    named_status{"modelstreamerrorexception", 502},
    named_status{"modeltimeoutexception", 408},
    named_status{"notfound", 404},
    named_status{"notfounderror", 404},
    named_status{"outofrange", 400},
    named_status{"overloaded", 529},
    named_status{"overloadederror", 529},
    named_status{"permissiondenied", 403},
    named_status{"permissionerror", 403},
    named_status{"quotaexceeded", 429},
    named_status{"ratelimit", 429},
    named_status{"ratelimiterror", 429},
    named_status{"ratelimitexceeded", 429},
    named_status{"requests", 429},
    named_status{"requesttimeout", 408},
    named_status{"requesttoolarge", 413},
    named_status{"resourceexhausted", 429},
    named_status{"resourcenotfoundexception", 404},
    named_status{"servererror", 500},
    named_status{"serveroverloaded", 503},
    named_status{"servicequotaexceededexception", 429},
    named_status{"serviceunavailable", 503},
    named_status{"serviceunavailableerror", 503},
    named_status{"serviceunavailableexception", 503},
    named_status{"throttlingexception", 429},
    named_status{"timeout", 504},
    named_status{"timeouterror", 504},
    named_status{"tokens", 429},
    named_status{"toomanyrequests", 429},
    named_status{"toomanyrequestsexception", 429},
    named_status{"unauthenticated", 401},
    named_status{"unauthorized", 401},
    named_status{"unavailable", 503},
    named_status{"validationexception", 400},
};
static_assert(std::ranges::is_sorted(statuses, {}, &named_status::name));

int status_of_name(std::string_view name) {
  std::array<char, 40> buffer{};
  std::size_t size = 0;
  for (const char c : name) {
    const char lower = base::to_lower(c);
    if ((lower < 'a' || lower > 'z') && (lower < '0' || lower > '9')) continue;
    if (size == buffer.size()) return 0;
    buffer[size++] = lower;
  }
  const std::string_view key{buffer.data(), size};
  const auto found = std::ranges::lower_bound(statuses, key, {}, &named_status::name);
  return found != statuses.end() && found->name == key ? found->status : 0;
}

/// 400 to 599, of a number or of a string that is one.
int status_of_number(std::string_view text) {
  int number = 0;
  const char* end = text.data() + text.size();
  if (text.size() != 3 || std::from_chars(text.data(), end, number).ptr != end) return 0;
  return number >= 400 && number <= 599 ? number : 0;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.';
}

/// Providers quote keys in their messages, most of them masked.
std::string without_secrets(std::string text) {
  for (const std::string_view prefix :
       {"sk-", "gsk_", "xai-", "AIza", "ya29.", "eyJ", "AKIA", "ASIA", "Bearer "}) {
    std::size_t at = 0;
    while ((at = text.find(prefix, at)) != std::string::npos) {
      const bool is_start = at == 0 || !is_word(text[at - 1]);
      at += prefix.size();
      std::size_t stop = at;
      while (stop < text.size() && (is_word(text[stop]) || text[stop] == '*')) ++stop;
      if (is_start && stop - at >= 8) text.replace(at, stop - at, "...");
    }
  }
  return text;
}

std::string bounded(std::string text) {
  text = without_secrets(std::move(text));
  if (text.size() <= max_text_bytes) return text;
  std::size_t size = max_text_bytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  text.resize(size);
  return text;
}

/// A string's characters, a number as it stands.
std::string plain(const codec::json_value& value) {
  if (value.kind == json_kind::string)
    return codec::unescape_json(value.raw_string().substr(0, std::size_t{8} * max_text_bytes));
  return value.kind == json_kind::number ? std::string{value.text} : std::string{};
}

/// Raw texts of an error, collected before anything is decided.
struct error_words {
  std::string type, code, message, status;
};

void read_words(error_words& out, std::string_view object) {
  const auto take = [](std::string& to, const codec::json_value& value) {
    if (to.empty()) to = plain(value);
  };
  codec::json_reader reader{object};
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("type") || reader.is_key("error_type") || reader.is_key("__type"))
      take(out.type, value);
    else if (reader.is_key("code"))
      take(out.code, value);
    else if (reader.is_key("message") || reader.is_key("Message") || reader.is_key("detail"))
      take(out.message, value);
    else if (reader.is_key("status") || reader.is_key("status_code") ||
             reader.is_key("http_status_code"))
      take(out.status, value);
  }
}

answer_fault fault_of(error_words words) {
  answer_fault out;
  out.status = status_of_number(words.code);
  if (out.status == 0) out.status = status_of_number(words.status);
  if (out.status == 0) out.status = status_of_name(words.code);
  if (out.status == 0) out.status = status_of_name(words.type);
  if (out.status == 0) out.status = status_of_name(words.status);
  if (out.status == 0) out.status = 500;
  if (words.type.empty()) words.type = std::move(words.status);  // Google's canonical code
  out.is_content_policy = base::istarts_with(words.code, "content_filter") ||
                          base::istarts_with(words.code, "content_policy") ||
                          base::istarts_with(words.type, "content_filter") ||
                          base::istarts_with(words.type, "content_policy");
  out.type = bounded(std::move(words.type));
  out.code = bounded(std::move(words.code));
  out.message = bounded(std::move(words.message));
  return out;
}

}  // namespace

answer_fault fault_named(std::string_view name, std::string_view message) {
  error_words words;
  words.type = name;
  words.message = message;
  return fault_of(std::move(words));
}

void report_error(answer_progress& progress, std::string_view error, std::string_view around) {
  error_words words;
  if (error.starts_with('{')) {
    read_words(words, error);
    // A provider behind a router: the reason stands one level deeper.
    if (words.message.empty()) words.message = codec::unescape_json(raw_text(error, "error"));
  } else {
    if (error.starts_with('"'))
      words.message = codec::unescape_json(error.substr(1, error.size() - 2));
    error_words outer;
    read_words(outer, around);
    words.type = std::move(outer.type);
    words.code = std::move(outer.code);
    if (!outer.message.empty()) words.message = std::move(outer.message);
    words.status = std::move(outer.status);
  }
  progress.on_fault(fault_of(std::move(words)));
}

bool report_error_event(answer_progress& progress, std::string_view type, std::string_view object) {
  std::string_view error;
  bool is_error = type == "error";
  codec::json_reader reader{object};
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("error") && says_something(value))
      error = value.text;
    else if (reader.is_key("type") || reader.is_key("object"))
      is_error = is_error || is_string(value, "error");
  }
  if (!is_error && error.empty()) return false;
  if (error.empty()) {
    error_words words;
    read_words(words, object);
    if (words.type == "error") words.type.clear();
    progress.on_fault(fault_of(std::move(words)));
  } else {
    report_error(progress, error, object);
  }
  return true;
}

void report_named_error(answer_progress& progress, std::string_view data) {
  const auto object = object_in(data);
  if (!object.empty() && !codec::check_json(object)) {
    report_error_event(progress, "error", object);
    return;
  }
  error_words words;
  words.message = data.substr(0, max_text_bytes);
  progress.on_fault(fault_of(std::move(words)));
}

void report_malformed(answer_progress& progress) {
  if (!progress.has_content()) progress.on_unintelligible("an event of the stream is not JSON");
}

}  // namespace understudy::translate
