#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/telemetry/exposition.hpp>
#include <understudy/telemetry/header_labels.hpp>

namespace understudy::telemetry {

/// Names of models that may be labels: those that the configuration names, and those with which
/// some provider has answered. Anything else a client writes is `other`. Bounded; no locks.
class model_names {
 public:
  static constexpr std::size_t max_names = 256;
  static constexpr std::size_t max_bytes = 96;

  /// The name as a label, for as long as this lives. `rule` may be null.
  std::string_view label_of(std::string_view model, const plan::rule* rule, bool is_answered);

 private:
  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };
  std::unordered_set<std::string, name_hash, std::equal_to<>> names_;
};

/// Observations in fixed buckets, by `Bounds`; the last bucket is everything above.
template <std::size_t Bounds>
struct bucket_counts {
  std::array<std::uint64_t, Bounds + 1> counts{};
  std::uint64_t sum = 0;  ///< tokens, or nanoseconds

  std::uint64_t count() const {
    std::uint64_t n = 0;
    for (const auto c : counts) n += c;
    return n;
  }
  void merge(const bucket_counts& other) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum += other.sum;
  }
};

/// The GenAI metrics of OpenTelemetry as Agent Router (formerly Envoy AI Gateway) has them
/// (spec/gateway-config.md §5.1): names, labels and buckets. One sample an exchange, of the attempt
/// that decided it. Requests that no attempt was made for, and clients that left, give none. No
/// locks: its owner's. Nothing is allocated once a combination of labels is known.
class genai_metrics {
 public:
  /// Beyond, models are `other`; as many again may have values of header fields.
  static constexpr std::size_t max_series = 1'000;
  static constexpr std::size_t token_types = 5;

  genai_metrics() = default;
  /// `labels`: header fields that are labels too.
  explicit genai_metrics(const header_attributes& labels) : headers_{labels} {}

  void count(const exchange_record& record);
  void merge(const genai_metrics& other);
  void expose(exposition& out) const;

 private:
  /// Views into names_, or of what lives for ever.
  struct key {
    std::string_view operation, provider, original, request, response;
    std::string_view values;  ///< a set of headers_
    bool is_error = false;
    bool operator==(const key&) const = default;
  };
  struct key_hash {
    std::size_t operator()(const key& k) const;
  };
  struct series {
    std::array<bucket_counts<14>, token_types> tokens;
    bucket_counts<14> duration;
    bucket_counts<21> first_token;
    bucket_counts<13> per_token;
  };

  /// What the newest exchanges said, and where it led: most repeat one of them.
  struct recent {
    std::string_view operation, provider;
    std::string original, request, answered, values;
    bool is_error = false;
    series* to = nullptr;
  };

  series& of(const exchange_record& record, const attempt_record& attempt, bool is_error);
  /// `max_valued`: series with values of header fields.
  series& at(key labels, std::size_t max_valued);
  std::vector<label> labels_for(const key& k, std::string_view token_type = {}) const;
  void expose_tokens(exposition& out) const;

  model_names names_;
  header_labels headers_;
  std::unordered_map<key, std::unique_ptr<series>, key_hash> series_;
  std::size_t valued_ = 0;  ///< of them have values of header fields
  std::array<recent, 4> recent_;
  std::size_t oldest_ = 0;
};

}  // namespace understudy::telemetry
