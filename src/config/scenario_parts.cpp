#include "config/scenario_parts.hpp"

#include <charconv>

#include <understudy/base/ascii.hpp>

#include "config/scalars.hpp"

namespace understudy::config {
namespace {

using std::chrono::microseconds;
using subject = scenario_expectation::subject;

struct fault_word {
  fault_kind kind;
  std::string_view key;
};

constexpr std::array<fault_word, 11> fault_words{
    {{fault_kind::status, "status"},
     {fault_kind::refuse, "refuse"},
     {fault_kind::unreachable, "unreachable"},
     {fault_kind::hang, "hang"},
     {fault_kind::slow, "slow"},
     {fault_kind::reset, "reset"},
     {fault_kind::malformed, "malformed"},
     {fault_kind::cut, "cut"},
     {fault_kind::throttle, "throttle"},
     {fault_kind::in_band_error, "inBandError"},
     {fault_kind::slow_first_token, "slowFirstToken"}}};

struct compared {
  comparison how = comparison::at_most;
  std::string_view number;
};

/// `>= 99.9` to its halves; without a sign as `otherwise` says.
compared split_comparison(std::string_view text, comparison otherwise) {
  static constexpr std::array<std::pair<std::string_view, comparison>, 6> signs{
      {{"<=", comparison::at_most},
       {">=", comparison::at_least},
       {"==", comparison::equal},
       {"<", comparison::less},
       {">", comparison::greater},
       {"=", comparison::equal}}};
  text = base::trim(text);
  for (const auto& [sign, how] : signs)
    if (text.starts_with(sign)) return {how, base::trim(text.substr(sign.size()))};
  return {otherwise, text};
}

std::optional<double> parse_decimal(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [last, problem] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (problem != std::errc{} || last != end || text.empty()) return std::nullopt;
  return value;
}

const node* scalar_under(object_reader& in, std::string_view key, std::string_view hint) {
  const auto* entry = in.raw(key);
  if (entry == nullptr) return nullptr;
  if (entry->value->type == node::kind::scalar) return entry->value.get();
  in.error(entry->value->at, key, "is not a single value; write " + std::string{hint});
  return nullptr;
}

void add(std::vector<scenario_expectation>& out, object_reader& in, std::string_view key,
         const node& value, subject what, const compared& wanted, double number) {
  out.push_back({what, {}, wanted.how, number, value.at, in.path_of(key)});
}

void expect_number(object_reader& in, std::string_view key, subject what, comparison otherwise,
                   std::string_view hint, std::vector<scenario_expectation>& out) {
  const auto* value = scalar_under(in, key, hint);
  if (value == nullptr) return;
  const auto wanted = split_comparison(value->text, otherwise);
  if (const auto number = parse_decimal(wanted.number))
    add(out, in, key, *value, what, wanted, *number);
  else
    in.error(value->at, key,
             "`" + value->text + "` is no number, nor a comparison; write " + std::string{hint});
}

void expect_time(object_reader& in, std::string_view key, subject what,
                 std::vector<scenario_expectation>& out) {
  const auto* value = scalar_under(in, key, "a duration as in `2s`");
  if (value == nullptr) return;
  const auto wanted = split_comparison(value->text, comparison::at_most);
  if (const auto time = parse_duration(wanted.number))
    add(out, in, key, *value, what, wanted, static_cast<double>(time->count()));
  else
    in.error(value->at, key,
             "`" + value->text + "` is no duration, nor a comparison; write one as in `2s`");
}

void expect_counts(object_reader& in, std::string_view key, subject what,
                   std::vector<scenario_expectation>& out) {
  each_named(in, key, [&](std::string_view name, const position&, object_reader& fields) {
    const auto bound = [&](std::string_view field, comparison how) {
      located<std::uint32_t> count;
      if (!fields.number(field, count)) return;
      out.push_back({what, std::string{name}, how, static_cast<double>(count.value), count.at,
                     fields.path_of(field)});
    };
    bound("min", comparison::at_least);
    bound("max", comparison::at_most);
  });
}

bool read_answer(object_reader& in, scenario_fault& out, bool is_throttle) {
  located<milliseconds> wait;
  located<int> status{429};
  if (is_throttle) {
    in.number("status", status, {.min = 400, .max = 599});
    out.status = status.value;
  }
  if (in.duration("retryAfter", wait)) out.retry_after = wait.value;
  return true;
}

bool read_kind(object_reader& in, const fault_word& word, scenario_fault& out) {
  located<bool> flag;
  located<int> status;
  switch (word.kind) {
    case fault_kind::status:
      if (!in.number(word.key, status, {.min = 200, .max = 599})) return false;
      out.status = status.value;
      return true;
    case fault_kind::slow:
    case fault_kind::slow_first_token:
      return read_latency(in, word.key, out.latency);
    case fault_kind::cut:
      return in.object(word.key, [&](object_reader& cut) {
        located<std::uint32_t> after{50};
        cut.number("after", after, {.max = 100});
        out.cut_after = after.value;
      });
    case fault_kind::throttle:
      return in.object(word.key, [&](object_reader& answer) { read_answer(answer, out, true); });
    default:
      return in.boolean(word.key, flag) && flag.value;
  }
}

std::string all_words() {
  std::string out;
  for (const auto& word : fault_words)
    out += std::string{out.empty() ? "" : ", "} + "`" + std::string{word.key} + "`";
  return out;
}

}  // namespace

std::string_view name(fault_kind kind) {
  return std::ranges::find(fault_words, kind, &fault_word::kind)->key;
}

std::string_view symbol(comparison how) {
  static constexpr std::array<std::string_view, 5> signs{"<=", ">=", "<", ">", "="};
  return signs[static_cast<std::size_t>(how)];
}

void each_named(
    object_reader& in, std::string_view key,
    const std::function<void(std::string_view, const position&, object_reader&)>& read) {
  const auto* entry = in.raw(key);
  if (entry == nullptr) return;
  if (entry->value->type != node::kind::map) {
    in.error(entry->value->at, key, "is no mapping; write a mapping of backend names");
    return;
  }
  for (const auto& e : entry->value->entries) {
    const auto path = in.path_of(key) + "." + e.key;
    if (e.value->type != node::kind::map) {
      in.shared().tell(severity::error, e.value->at, path,
                       "is no mapping; write a mapping of fields");
      continue;
    }
    object_reader fields{in.shared(), *e.value, e.at, path};
    read(e.key, e.at, fields);
    fields.finish();
  }
}

bool read_decimal(object_reader& in, std::string_view key, located<double>& out, double min,
                  double max) {
  const auto* value = scalar_under(in, key, "a number");
  if (value == nullptr) return false;
  const auto number = parse_decimal(value->text);
  if (!number || *number < min || *number > max) {
    in.error(value->at, key, "`" + value->text + "` is no number from 0.001 to 100000; write one");
    return false;
  }
  out.value = *number;
  out.at = value->at;
  out.is_written = true;
  return true;
}

bool read_latency(object_reader& in, std::string_view key, latency_spec& out) {
  const auto* entry = in.raw(key);
  if (entry == nullptr) return false;
  if (entry->value->type != node::kind::map) {
    located<milliseconds> value;
    if (!in.duration(key, value)) return false;
    out = latency_spec::constant(value.value);
    return true;
  }
  bool is_whole = false;
  in.object(key, [&](object_reader& fields) {
    located<milliseconds> p50, p99, min, max;
    fields.duration("p50", p50);
    fields.duration("p99", p99);
    fields.duration("min", min);
    fields.duration("max", max);
    const bool is_quantiles =
        p50.is_written && p99.is_written && !min.is_written && !max.is_written;
    const bool is_range = min.is_written && max.is_written && !p50.is_written && !p99.is_written;
    if (!is_quantiles && !is_range) {
      fields.error(fields.at(), "", "needs `p50` and `p99`, or `min` and `max`; write such a pair");
      return;
    }
    const auto& low = is_range ? min : p50;
    const auto& high = is_range ? max : p99;
    if (high.value < low.value) {
      fields.error(high.at, is_range ? "max" : "p99",
                   "is the shorter one; write at least the other");
      return;
    }
    out = is_range ? latency_spec::of_min_max(min.value, max.value)
                   : latency_spec::of_p50_p99(p50.value, p99.value);
    is_whole = true;
  });
  return is_whole;
}

void read_fault(object_reader& in, scenario_fault& out) {
  out.at = in.at();
  located<std::string> one;
  if (in.text("backend", one)) out.backends.push_back(one);
  in.texts("backends", out.backends, {.min = 1});
  if (out.backends.empty() && !in.has("backend") && !in.has("backends"))
    in.error(in.at(), "backend", "required field is missing; write the name of a backendRef");
  in.text("endpoint", out.endpoint);
  int kinds = 0;
  bool is_mentioned = false;
  for (const auto& word : fault_words) {
    is_mentioned = is_mentioned || in.has(word.key);
    if (!read_kind(in, word, out)) continue;
    out.kind = word.kind;
    ++kinds;
  }
  if (kinds > 1 || !is_mentioned)
    in.error(in.at(), "",
             kinds > 1 ? "is more than one fault; write an item for each"
                       : "says no fault; write one of " + all_words());
  if (in.has("retryAfter") && out.kind != fault_kind::status)
    in.refused("retryAfter", "belongs to a `status`; for a throttle write it inside `throttle`");
  else
    read_answer(in, out, false);
  in.number("share", out.share, {.min = 1, .max = 100});
  in.duration("from", out.from);
  in.duration("until", out.until);
  if (out.until.is_written && out.until.value <= out.from.value)
    in.error(out.until.at, "until", "is not after `from`; write a later time");
  in.duration("every", out.every, {.is_zero_allowed = false});
  in.duration("lasts", out.lasts, {.is_zero_allowed = false});
  if (out.every.is_written != out.lasts.is_written)
    in.error(in.at(), out.every.is_written ? "every" : "lasts",
             "stands alone; write `every` and `lasts` together");
  if (out.every.is_written && out.lasts.value > out.every.value)
    in.error(out.lasts.at, "lasts", "is longer than `every`; write less");
}

void read_expectations(object_reader& in, std::vector<scenario_expectation>& out) {
  expect_number(in, "clientErrors", subject::client_errors, comparison::at_most, "`0`", out);
  expect_number(in, "availability", subject::availability, comparison::at_least,
                "it in percent as in `\">= 99.9\"`", out);
  expect_time(in, "p50", subject::p50, out);
  expect_time(in, "p90", subject::p90, out);
  expect_time(in, "p95", subject::p95, out);
  expect_time(in, "p99", subject::p99, out);
  expect_time(in, "longest", subject::longest, out);
  expect_number(in, "costFactor", subject::cost_factor, comparison::at_most, "one as in `1.2`",
                out);
  expect_counts(in, "attempts", subject::attempts, out);
  expect_counts(in, "ejections", subject::ejections, out);
}

}  // namespace understudy::config
