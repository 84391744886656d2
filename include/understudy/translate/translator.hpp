#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/base/result.hpp>
#include <understudy/codec/http.hpp>

/// Client operation × provider schema. Semantics: spec/gateway-config.md §2.1 and §4.
namespace understudy::translate {

enum class operation : std::uint8_t {
  chat_completions,
  completions,
  embeddings,
  responses,
  responses_input_tokens,
  image_generations,
  image_edits,
  image_variations,
  audio_speech,
  audio_transcriptions,
  audio_translations,
  moderations,
  rerank,          ///< Cohere's v2
  generic_rerank,  ///< `/v1/rerank`, as vLLM, Jina and others have it
  tokenize,
  messages,
  count_tokens,
  openai_other,     ///< any other request below `/v1/`: passed on as it is
  anthropic_other,  ///< the same below `/anthropic/`
  cohere_other,     ///< the same below `/cohere/`
  unknown,          ///< a path under the route that is no known operation
};

enum class schema : std::uint8_t {
  openai,
  azure_openai,
  aws_bedrock,
  aws_anthropic,
  anthropic,
  gcp_vertex_ai,
  gcp_anthropic,
  cohere,
  aws_openai,  ///< OpenAI's API as Bedrock serves it
};

std::string_view name(operation op);  ///< `chat_completions`
std::string_view name(schema s);      ///< `AWSBedrock`, the spelling of the YAML
std::optional<schema> schema_named(std::string_view name);
/// By exact path, any query cut off, else by the dialect that the path belongs to. `unknown` when
/// it belongs to none.
operation operation_of(std::string_view target);
/// The same for a request: one that is no POST is none of those that have a body of their own.
operation operation_of(std::string_view method, std::string_view target);
/// Requests of which only the dialect is known.
bool is_passthrough(operation op);
/// True where the client speaks Anthropic's dialect: local errors take its shape.
bool is_anthropic(operation op);

std::optional<operation> operation_named(std::string_view name);

/// Operations that a backend serves itself: all that its schema has, unless its configuration
/// lists them.
class operation_set {
 public:
  constexpr operation_set() = default;
  static constexpr operation_set none() { return operation_set{0}; }
  constexpr void insert(operation op) { bits_ |= bit(op); }
  constexpr bool contains(operation op) const { return (bits_ & bit(op)) != 0; }
  constexpr bool operator==(const operation_set&) const = default;

 private:
  explicit constexpr operation_set(std::uint32_t bits) : bits_{bits} {}
  static constexpr std::uint32_t bit(operation op) {
    return std::uint32_t{1} << static_cast<unsigned>(op);
  }
  std::uint32_t bits_ = ~std::uint32_t{0};
};

/// What a translator may look at. Views live as long as the exchange.
struct request_view {
  operation op = operation::unknown;
  std::string_view method;
  std::string_view target;  ///< path with query, as the client sent it
  std::string_view content_type;
  std::string_view body;
  std::string_view model;  ///< as asked by the client, unescaped
  bool stream = false;
  /// The route counts tokens: a streamed chat is asked for its usage where it would not tell it.
  bool wants_usage = false;
  const codec::field_list* fields = nullptr;
};

/// The part of a backendRef that decides the shape of the upstream request.
struct backend_view {
  schema target_schema = schema::openai;
  std::string_view prefix;   ///< `v1` when the configuration is silent, `/` for none
  std::string_view version;  ///< api-version, anthropic_version …
  std::string_view model_override;
  /// FailoverPolicy `guard: false`: what the pair can't carry is left out and told in
  /// upstream_request::dropped, rather than refused.
  bool may_drop = false;
};

struct upstream_request {
  std::string target;  ///< path with query; Vertex: without the project's part and its slash
  std::optional<std::string> body;      ///< absent: the client's own bytes
  std::vector<codec::owned_field> set;  ///< fields to add or replace
  /// Members of the client's request that this pair has no words for, by name: told in
  /// `x-understudy-dropped`.
  std::vector<std::string> dropped;
};

/// A request that this pair can't express, or a response that can't be understood.
struct refusal {
  int status = 422;
  std::string message;  ///< for the client, without secrets
};

struct token_usage {
  std::optional<std::uint64_t> input, output, total, cached_input, cache_creation_input, reasoning;
};

enum class body_mode : std::uint8_t {
  untouched,  ///< bytes go through; the translator is not fed
  stream,     ///< every piece goes through feed(); the length is not known
  whole,      ///< collected (bounded by the caller), then given to whole()
};

/// What becomes of the response: head first, body as `mode` says.
struct response_plan {
  body_mode mode = body_mode::untouched;
  std::vector<codec::owned_field> set;  ///< response fields to add or replace
};

struct reply {
  int status = 500;
  std::vector<codec::owned_field> fields;  ///< content-type and the like; no length
  std::string body;
};

/// One object per attempt; not thread-safe; never used again after finish(), abort() or whole().
class translator {
 public:
  virtual ~translator() = default;

  /// Always from the client's original, so that every attempt starts clean.
  virtual base::result<upstream_request, refusal> request(const request_view& original,
                                                          const backend_view& backend) = 0;

  /// The accepted head, 2xx or the final error. Views in `head` die with the call.
  virtual response_plan head(const codec::response_head& head, base::wall_time now) = 0;

  /// Body bytes in `stream` mode, cut anywhere; appends to `out`. False: the upstream's stream is
  /// broken or carried an error; the caller then calls abort() and ends the connection as an error.
  virtual bool feed(std::string_view bytes, std::string& out) = 0;

  /// Clean end of the upstream body. False as for feed(): the stream lacks its proper end.
  virtual bool finish(std::string& out) = 0;

  /// The stream broke after the commit: appends an in-band error event in the client's schema,
  /// never a terminal event that would look like success. `message` goes to the client.
  virtual void abort(std::string_view message, std::string& out) = 0;

  /// The collected body of mode `whole`; `head` is the same head as before.
  virtual base::result<reply, refusal> whole(const codec::response_head& head,
                                             std::string_view body) = 0;

  virtual token_usage usage() const { return {}; }
};

/// Does the pair exist? For `unknown` always.
bool can_serve(operation op, schema target, operation_set served = {});
/// The translator of a pair, or null where the pair does not exist (local 422).
std::unique_ptr<translator> find(operation op, schema target);

/// The operation that the upstream sees: a chat where that is the way to this schema, or to this
/// backend.
operation upstream_operation(operation op, schema target, operation_set served = {});

/// The same where a backend serves less than its schema has: by way of a chat, or null.
std::unique_ptr<translator> find(operation op, schema target, operation_set served);

/// A local error in the client's schema (`{"error":{…}}`; Anthropic's shape on its paths).
/// Both texts are escaped. `status` decides the type where `type` is empty.
std::string error_body(operation op, int status, std::string_view type, std::string_view code,
                       std::string_view message);

}  // namespace understudy::translate
