#include <understudy/trace/propagation.hpp>

#include <algorithm>
#include <cstring>

#include <understudy/base/ascii.hpp>

namespace understudy::trace {
namespace {

/// Nothing also where a field that may stand once stands twice.
std::optional<std::string_view> only(const codec::field_list& fields, std::string_view name) {
  if (fields.count(name) > 1) return std::nullopt;
  return fields.find(name);
}

std::string_view tracestate_of(const codec::field_list& fields, std::string& joined) {
  constexpr std::size_t max_bytes = 4096;
  const auto times = fields.count("tracestate");
  std::string_view state;
  if (times == 1) {
    state = *fields.find("tracestate");
  } else if (times > 1) {
    joined.clear();
    for (const auto& f : fields) {
      if (!base::iequals(f.name, "tracestate")) continue;
      if (joined.size() + f.value.size() > max_bytes) return {};
      if (!joined.empty()) joined += ',';
      joined += f.value;
    }
    state = joined;
  }
  return state.size() <= max_bytes && is_tracestate(state) ? state : std::string_view{};
}

std::optional<incoming> read(const codec::field_list& fields, propagator format,
                             std::string& joined) {
  std::optional<span_context> context;
  const auto value = [&](std::string_view name) {
    return only(fields, name).value_or(std::string_view{});
  };
  switch (format) {
    case propagator::tracecontext: {
      context = parse_traceparent(value("traceparent"));
      if (context) return incoming{*context, tracestate_of(fields, joined)};
      break;
    }
    case propagator::b3:
      context = parse_b3(value("b3"));
      break;
    case propagator::b3multi:
      context = parse_b3(value("x-b3-traceid"), value("x-b3-spanid"), value("x-b3-sampled"),
                         value("x-b3-flags"));
      break;
    case propagator::jaeger:
      context = parse_jaeger(value("uber-trace-id"));
      break;
  }
  if (!context) return std::nullopt;
  return incoming{*context, {}};
}

}  // namespace

std::optional<propagator> propagator_named(std::string_view name) {
  if (name == "tracecontext") return propagator::tracecontext;
  if (name == "b3") return propagator::b3;
  if (name == "b3multi") return propagator::b3multi;
  if (name == "jaeger") return propagator::jaeger;
  return std::nullopt;
}

std::optional<incoming> extract(const codec::field_list& fields, const propagators& wanted,
                                std::string& joined) {
  std::optional<incoming> found;
  for (const auto format : wanted)
    if (auto read_now = read(fields, format, joined)) found = read_now;
  return found;
}

void carrier::inject(const span_context& context, std::string_view state,
                     const propagators& wanted) {
  count_ = 0;
  if (std::ranges::find(wanted, propagator::tracecontext) != wanted.end()) {
    write_traceparent(traceparent_, context);
    add("traceparent", {traceparent_, sizeof traceparent_});
    add("tracestate", state);
  }
  const bool is_b3 = std::ranges::find(wanted, propagator::b3) != wanted.end();
  const bool is_b3_multi = std::ranges::find(wanted, propagator::b3multi) != wanted.end();
  if (is_b3 || is_b3_multi) inject_b3(context);
  const std::string_view b3{b3_, sizeof b3_};
  if (is_b3) add("b3", b3);
  if (is_b3_multi) {
    add("x-b3-traceid", b3.substr(0, 32));
    add("x-b3-spanid", b3.substr(33, 16));
    add("x-b3-sampled", b3.substr(50, 1));
    add("x-b3-parentspanid", {});
    add("x-b3-flags", {});
  }
  if (std::ranges::find(wanted, propagator::jaeger) == wanted.end()) return;
  write_text(jaeger_, context.trace);
  jaeger_[32] = ':';
  write_text(jaeger_ + 33, context.span);
  std::memcpy(jaeger_ + 49, context.is_sampled ? ":0:1" : ":0:0", 4);
  add("uber-trace-id", {jaeger_, sizeof jaeger_});
}

void carrier::inject_b3(const span_context& context) {
  write_text(b3_, context.trace);
  b3_[32] = b3_[49] = '-';
  write_text(b3_ + 33, context.span);
  b3_[50] = context.is_sampled ? '1' : '0';
}

}  // namespace understudy::trace
