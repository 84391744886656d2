#pragma once
#include <string>

#include <understudy/translate/translator.hpp>

/// Base of the translators that change no dialect: bodies pass through byte for byte, but for the
/// model's name where it is overridden and for an error that is not JSON.
namespace understudy::translate {

class same_schema : public translator {
 public:
  explicit same_schema(operation op) : op_{op} {}

  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) override;
  response_plan head(const codec::response_head& head, base::wall_time now) override;
  bool feed(std::string_view bytes, std::string& out) override;
  bool finish(std::string& out) override;
  void abort(std::string_view message, std::string& out) override;
  base::result<reply, refusal> whole(const codec::response_head& head,
                                     std::string_view body) override;

 protected:
  operation op() const { return op_; }
  /// Path with query; `model` is the override, or what the client asked for.
  virtual std::string target(std::string_view model, const request_view& original,
                             const backend_view& backend) const = 0;
  /// Does an override go into the body (rather than the path alone)?
  virtual bool has_model_in_body(const request_view& /*original*/) const { return true; }
  virtual std::string wrap_error(int status, std::string_view body) const;

 private:
  operation op_;
  bool is_event_stream_ = false;
};

/// `/` + prefix + suffix, with runs of slashes and a trailing one collapsed. No prefix: `v1`.
std::string join_path(std::string_view prefix, std::string_view suffix);

}  // namespace understudy::translate
