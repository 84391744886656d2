#include <understudy/telemetry/genai_metrics.hpp>

#include <algorithm>
#include <vector>

namespace understudy::telemetry {
namespace {

constexpr std::string_view scope = "envoyproxy/ai-gateway";
constexpr std::string_view unknown_model = "unknown";
constexpr std::string_view other_model = "other";

constexpr std::array<std::uint64_t, 14> token_bounds = {
    1,      4,      16,      64,        256,       1'024,      4'096,
    16'384, 65'536, 262'144, 1'048'576, 4'194'304, 16'777'216, 67'108'864};
// In microseconds.
constexpr std::array<std::uint64_t, 14> duration_bounds = {
    10'000,    20'000,    40'000,    80'000,     160'000,    320'000,    640'000,
    1'280'000, 2'560'000, 5'120'000, 10'240'000, 20'480'000, 40'960'000, 81'920'000};
constexpr std::array<std::uint64_t, 21> first_token_bounds = {
    1'000,     5'000,      10'000,     20'000,     40'000,     60'000,     80'000,
    100'000,   250'000,    500'000,    750'000,    1'000'000,  2'500'000,  5'000'000,
    7'500'000, 10'000'000, 15'000'000, 20'000'000, 30'000'000, 45'000'000, 60'000'000};
constexpr std::array<std::uint64_t, 13> per_token_bounds = {
    10'000,  25'000,  50'000,  75'000,  100'000,   150'000,  200'000,
    300'000, 400'000, 500'000, 750'000, 1'000'000, 2'500'000};

constexpr std::array<std::string_view, genai_metrics::token_types> token_names = {
    "input", "output", "cached_input", "cache_creation_input", "reasoning"};

template <std::size_t N>
void observe(bucket_counts<N>& to, const std::array<std::uint64_t, N>& bounds, std::uint64_t value,
             std::uint64_t sum) {
  const auto at = std::ranges::lower_bound(bounds, value);
  ++to.counts[static_cast<std::size_t>(at - bounds.begin())];
  to.sum += sum;
}

template <std::size_t N>
void observe(bucket_counts<N>& to, const std::array<std::uint64_t, N>& bounds,
             base::duration value) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  // Up: a nanosecond above a bound is above it.
  observe(to, bounds, (ns + 999) / 1'000, ns);
}

/// Has a rule's author written this name? Matches on the model, and overrides.
bool is_configured(const plan::rule* rule, std::string_view model) {
  if (rule == nullptr) return false;
  for (const auto& backend : rule->backends)
    if (backend.model_override == model) return true;
  for (const auto& match : rule->matches)
    for (const auto& header : match.headers)
      if (!header.pattern && header.name == "x-ai-eg-model" && header.value == model) return true;
  return false;
}

}  // namespace

std::string_view model_names::label_of(std::string_view model, const plan::rule* rule,
                                       bool is_answered) {
  if (model.empty()) return unknown_model;
  if (const auto known = names_.find(model); known != names_.end()) return *known;
  if (model.size() > max_bytes || names_.size() >= max_names) return other_model;
  if (!is_answered && !is_configured(rule, model)) return other_model;
  return *names_.emplace(model).first;
}

std::size_t genai_metrics::key_hash::operator()(const key& k) const {
  // Equal views are the same views, but for those of another worker: hash what they say.
  const std::hash<std::string_view> hash;
  std::size_t seed = hash(k.request) + (k.is_error ? 1U : 0U);
  for (const auto part : {k.original, k.response, k.provider, k.operation, k.values})
    seed = seed * 1'099'511'628'211ULL + hash(part);
  return seed;
}

genai_metrics::series& genai_metrics::of(const exchange_record& record,
                                         const attempt_record& attempt, bool is_error) {
  const auto operation = operation_name(record.op);
  const auto provider =
      attempt.to == nullptr ? std::string_view{"unknown"} : provider_name(attempt.to->schema);
  const auto answered = record.model_answered.view();
  const auto said = headers_.empty() ? std::string_view{} : headers_.read(record.request_fields);
  for (const auto& r : recent_)
    if (r.to != nullptr && r.is_error == is_error && r.operation == operation &&
        r.provider == provider && r.original == record.model && r.request == attempt.model &&
        r.answered == answered && r.values == said)
      return *r.to;
  key labels;
  labels.operation = operation;
  labels.provider = provider;
  labels.original = names_.label_of(record.model, record.matched, !is_error);
  labels.request = names_.label_of(attempt.model, record.matched, !is_error);
  labels.response = is_error           ? unknown_model
                    : answered.empty() ? labels.request
                                       : names_.label_of(answered, record.matched, true);
  labels.values = headers_.labels_of(said, !is_error);
  labels.is_error = is_error;
  auto& found = at(labels, max_series);
  // A name that is no label yet may become one.
  if (labels.original == other_model || labels.request == other_model || labels.values != said)
    return found;
  auto& r = recent_[oldest_++ % recent_.size()];
  r.operation = operation;
  r.provider = provider;
  r.original.assign(record.model);
  r.request.assign(attempt.model);
  r.answered.assign(answered);
  r.values.assign(said);
  r.is_error = is_error;
  r.to = &found;
  return found;
}

genai_metrics::series& genai_metrics::at(key labels, std::size_t max_valued) {
  auto found = series_.find(labels);
  if (found != series_.end()) return *found->second;
  // Values give way to models, which dashboards tell apart.
  if (headers_.has_values(labels.values) && valued_ >= max_valued)
    labels.values = headers_.others();
  const bool is_valued = headers_.has_values(labels.values);
  if (!is_valued && series_.size() - valued_ >= max_series && !series_.contains(labels))
    labels.original = labels.request = labels.response = other_model;
  auto& made = series_[labels];
  if (made == nullptr) {
    made = std::make_unique<series>();
    valued_ += is_valued ? 1U : 0U;
  }
  return *made;
}

void genai_metrics::count(const exchange_record& record) {
  if (!record.is_ai || operation_name(record.op).empty()) return;
  const auto* attempt = record.decisive();
  // Nobody was asked, or it is the client who ended it.
  if (attempt == nullptr || attempt->outcome == attempt_outcome::cancelled ||
      attempt->outcome == attempt_outcome::overflow ||
      attempt->outcome == attempt_outcome::local_shortage ||
      attempt->outcome == attempt_outcome::untranslatable)
    return;
  const bool is_error = attempt->outcome != attempt_outcome::ok || record.status >= 400 ||
                        record.origin != error_origin::none;
  auto& to = of(record, *attempt, is_error);
  observe(to.duration, duration_bounds, attempt->elapsed);
  if (is_error) return;
  const std::optional<std::uint64_t> counts[token_types] = {
      record.usage.input, record.usage.output, record.usage.cached_input,
      record.usage.cache_creation_input, record.usage.reasoning};
  for (std::size_t i = 0; i < token_types; ++i)
    if (counts[i]) observe(to.tokens[i], token_bounds, *counts[i], *counts[i]);
  if (!record.is_stream || attempt->time_to_content.count() == 0) return;
  observe(to.first_token, first_token_bounds, attempt->time_to_content);
  const auto output = record.usage.output.value_or(0);
  if (output > 1)
    observe(to.per_token, per_token_bounds,
            (attempt->elapsed - attempt->time_to_content) / static_cast<std::int64_t>(output - 1));
}

void genai_metrics::merge(const genai_metrics& other) {
  for (const auto& [theirs, from] : other.series_) {
    key labels = theirs;
    labels.original = names_.label_of(theirs.original, nullptr, true);
    labels.request = names_.label_of(theirs.request, nullptr, true);
    labels.response = names_.label_of(theirs.response, nullptr, true);
    labels.values = headers_.keep(theirs.values);
    // Bounded in each worker: what fits here would depend on the order.
    auto& to = at(labels, SIZE_MAX);
    for (std::size_t i = 0; i < token_types; ++i) to.tokens[i].merge(from->tokens[i]);
    to.duration.merge(from->duration);
    to.first_token.merge(from->first_token);
    to.per_token.merge(from->per_token);
  }
}

/// Everything but `le`.
std::vector<label> genai_metrics::labels_for(const key& k, std::string_view token_type) const {
  std::vector<label> out{{"gen_ai_operation_name", k.operation}};
  if (k.is_error) out.emplace_back("error_type", "_OTHER");
  out.insert(out.end(), {{"gen_ai_original_model", k.original},
                         {"gen_ai_provider_name", k.provider},
                         {"gen_ai_request_model", k.request},
                         {"gen_ai_response_model", k.response}});
  if (!token_type.empty()) out.emplace_back("gen_ai_token_type", token_type);
  out.insert(
      out.end(),
      {{"otel_scope_name", scope}, {"otel_scope_schema_url", ""}, {"otel_scope_version", ""}});
  headers_.append(out, k.values);
  return out;
}

namespace {

template <std::size_t N>
void write(exposition& out, const std::vector<label>& labels, const bucket_counts<N>& of,
           const std::array<std::uint64_t, N>& bounds, exposition::unit unit) {
  if (of.count() != 0) out.sample(labels, of.counts, bounds, of.sum, unit);
}

}  // namespace

void genai_metrics::expose_tokens(exposition& out) const {
  out.family("gen_ai_client_token_usage", metric_type::histogram,
             "Number of tokens processed, as the provider reports them.");
  for (const auto& [k, s] : series_)
    for (std::size_t i = 0; i < token_types; ++i)
      write(out, labels_for(k, token_names[i]), s->tokens[i], token_bounds,
            exposition::unit::tokens);
}

void genai_metrics::expose(exposition& out) const {
  constexpr auto seconds = exposition::unit::seconds;
  expose_tokens(out);
  out.family("gen_ai_server_request_duration_seconds", metric_type::histogram,
             "Duration of the attempt that answered, or failed last.");
  for (const auto& [k, s] : series_)
    write(out, labels_for(k), s->duration, duration_bounds, seconds);
  out.family("gen_ai_server_time_to_first_token_seconds", metric_type::histogram,
             "From the begin of the attempt to its first content, of streams.");
  for (const auto& [k, s] : series_)
    write(out, labels_for(k), s->first_token, first_token_bounds, seconds);
  out.family("gen_ai_server_time_per_output_token_seconds", metric_type::histogram,
             "Time per output token after the first, of streams.");
  for (const auto& [k, s] : series_)
    write(out, labels_for(k), s->per_token, per_token_bounds, seconds);
}

}  // namespace understudy::telemetry
