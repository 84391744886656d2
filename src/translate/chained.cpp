#include "translate/chained.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <understudy/base/ascii.hpp>

namespace understudy::translate {
namespace {

/// The head that the inner translator would send on, as the outer one's upstream.
struct inner_head {
  codec::response_head view;
  explicit inner_head(const codec::response_head& original, int status,
                      const std::vector<codec::owned_field>& set) {
    view.version = original.version;
    view.status = status;
    view.reason = original.reason;
    for (const auto& f : original.fields) {
      const auto is_same = [&](const auto& s) { return base::iequals(s.name, f.name); };
      if (std::ranges::none_of(set, is_same)) view.fields.add(f.name, f.value);
    }
    for (const auto& f : set) view.fields.add(f.name, f.value);
  }
};

/// Fields of `from` that `to` has none of that name.
void add_missing(const std::vector<codec::owned_field>& from, std::vector<codec::owned_field>& to) {
  for (const auto& f : from) {
    const auto is_same = [&](const auto& other) { return base::iequals(other.name, f.name); };
    if (std::ranges::none_of(to, is_same)) to.push_back(f);
  }
}

class chained final : public translator {
 public:
  chained(std::unique_ptr<translator> outer, std::unique_ptr<translator> inner)
      : outer_{std::move(outer)}, inner_{std::move(inner)} {}

  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) override {
    backend_view middle;
    middle.may_drop = backend.may_drop;
    middle.model_override = backend.model_override;
    auto asked = outer_->request(original, middle);
    if (!asked) return asked.error();
    body_ = asked->body ? std::move(*asked->body) : std::string{original.body};
    request_view chat = original;
    chat.op = operation::chat_completions;
    chat.target = "/v1/chat/completions";
    chat.content_type = "application/json";
    chat.body = body_;
    auto made = inner_->request(chat, backend);
    if (!made) return made;
    if (!made->body) made->body = body_;
    std::ranges::move(made->dropped, std::back_inserter(asked->dropped));
    made->dropped = std::move(asked->dropped);
    // Where the chat passes on as it is, what the outer one needs of the upstream still holds.
    add_missing(asked->set, made->set);
    return made;
  }

  response_plan head(const codec::response_head& head, base::wall_time now) override {
    inner_plan_ = inner_->head(head, now);
    const inner_head between{head, head.status, inner_plan_.set};
    auto plan = outer_->head(between.view, now);
    is_outer_fed_ = plan.mode != body_mode::untouched;
    // What the inner one collects can't be handed on in pieces.
    if (!is_outer_fed_ || inner_plan_.mode == body_mode::whole) plan.mode = inner_plan_.mode;
    add_missing(inner_plan_.set, plan.set);
    return plan;
  }

  bool feed(std::string_view bytes, std::string& out) override {
    if (inner_plan_.mode == body_mode::untouched) return outer_->feed(bytes, out);
    if (!is_outer_fed_) return inner_->feed(bytes, out);
    between_.clear();
    const bool is_fine = inner_->feed(bytes, between_);
    return (between_.empty() || outer_->feed(between_, out)) && is_fine;
  }

  bool finish(std::string& out) override {
    if (!is_outer_fed_) return inner_->finish(out);
    if (inner_plan_.mode != body_mode::untouched) {
      between_.clear();
      const bool is_fine = inner_->finish(between_);
      if (!between_.empty() && !outer_->feed(between_, out)) return false;
      if (!is_fine) return false;
    }
    return outer_->finish(out);
  }

  void abort(std::string_view message, std::string& out) override {
    (is_outer_fed_ ? outer_ : inner_)->abort(message, out);
  }

  base::result<reply, refusal> whole(const codec::response_head& head,
                                     std::string_view body) override {
    if (inner_plan_.mode == body_mode::untouched) return outer_->whole(head, body);
    if (inner_plan_.mode == body_mode::stream) return whole_of_stream(head, body);
    auto between = inner_->whole(head, body);
    if (!between || !is_outer_fed_) return between;
    const inner_head made{head, between->status, between->fields};
    return outer_->whole(made.view, between->body);
  }

  token_usage usage() const override {
    auto found = inner_->usage();
    return found.input || found.output ? found : outer_->usage();
  }

 private:
  /// The outer one wants all of what the inner one would hand on in pieces.
  base::result<reply, refusal> whole_of_stream(const codec::response_head& head,
                                               std::string_view body) {
    std::string text;
    if (!inner_->feed(body, text) || !inner_->finish(text))
      return refusal{502, "the upstream's answer broke off"};
    const inner_head made{head, head.status, inner_plan_.set};
    return outer_->whole(made.view, text);
  }

  std::unique_ptr<translator> outer_, inner_;
  std::string body_;     ///< in the dialect between the two
  std::string between_;  ///< of one feed()
  response_plan inner_plan_;
  bool is_outer_fed_ = true;
};

}  // namespace

std::unique_ptr<translator> make_chained(std::unique_ptr<translator> outer,
                                         std::unique_ptr<translator> inner) {
  return std::make_unique<chained>(std::move(outer), std::move(inner));
}

}  // namespace understudy::translate
