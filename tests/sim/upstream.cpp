#include "sim/upstream.hpp"

#include <charconv>

namespace sim {

/// One connection: request, answer, and again, until somebody ends it.
class providers::connection final : wire::listener {
 public:
  connection(providers& all, const host_plan& host, wire& on, std::uint64_t seed)
      : all_{all}, host_{host}, wire_{on}, chance_{seed} {
    wire_.listen(wire::peer, this);
  }

 private:
  void on_room() override { send(); }
  void on_end(end_kind) override {
    is_over_ = true;
    wire_.close(wire::peer);
  }

  void on_bytes() override {
    const auto bytes = wire_.unread(wire::peer);
    inbox_.append(bytes);
    wire_.consume(wire::peer, bytes.size());
    if (!is_busy_) take_request();
  }

  void take_request() {
    const auto head_end = inbox_.find("\r\n\r\n");
    if (head_end == inbox_.npos) return;
    upstream_request request;
    request.head = inbox_.substr(0, head_end + 2);
    std::size_t length = 0;
    const auto written = field_of(request.head, "content-length");
    std::from_chars(written.data(), written.data() + written.size(), length);
    const bool is_whole = inbox_.size() >= head_end + 4 + length;
    if (!has_drawn_) {
      const auto since = base::clock::now() - run_start;
      drawn_ = chance_.pick(since >= host_.turns_at ? host_.later : host_.scripts);
      has_drawn_ = true;
    }
    if (!is_whole && drawn_ != script::error_before_body) return;
    if (written.empty()) all_.book_.fail("an upstream request has no content-length");
    request.body = is_whole ? inbox_.substr(head_end + 4, length) : inbox_.substr(head_end + 4);
    inbox_.erase(0, head_end + 4 + length);
    has_drawn_ = false;
    is_busy_ = true;
    answer(request);
  }

  void answer(upstream_request& request) {
    request.id = field_of(request.head, "x-request-id");
    request.is_stream = host_.is_bedrock
                            ? request.head.find("converse-stream") != std::string::npos
                            : request.body.find("\"stream\":true") != std::string::npos;
    served truth;
    truth.number = static_cast<int>(all_.book_.serves.size());
    truth.request_id = request.id;
    truth.host = host_.address;
    truth.script = name(drawn_);
    truth.at = base::clock::now();
    steps_ = write_answer(drawn_, host_.is_bedrock, request, all_.plan_.joins, truth, chance_);
    if (all_.book_.is_tracing)
      all_.book_.note("upstream " + std::to_string(wire_.id()),
                      host_.address + " serves " + request.id + " as ~" +
                          std::to_string(truth.number) + ": " + truth.script);
    all_.book_.begin_answer(wire_, truth, drawn_ == script::good_then_stray);
    all_.book_.serves.push_back(std::move(truth));
    next_step_ = 0;
    go_on();
  }

  void go_on() {
    if (is_over_) return;
    if (next_step_ == steps_.size()) {
      is_busy_ = false;
      return take_request();
    }
    all_.events_.after(steps_[next_step_].pause, [this, kept = wire_.shared_from_this()] {
      if (is_over_) return;
      outbox_ += steps_[next_step_].bytes;
      is_sending_ = true;
      send();
    });
  }

  void send() {
    if (is_over_ || !is_sending_) return;
    const auto taken = wire_.write(wire::peer, outbox_);
    outbox_.erase(0, taken);
    if (!wire_.can_write(wire::peer)) return;
    if (!outbox_.empty()) return;
    is_sending_ = false;
    const auto how = steps_[next_step_].end;
    ++next_step_;
    if (how != end_kind::none) {
      is_over_ = true;
      wire_.end(wire::peer, how);
      if (how == end_kind::reset) wire_.close(wire::peer);
      return;
    }
    go_on();
  }

  providers& all_;
  const host_plan& host_;
  wire& wire_;
  dice chance_;
  std::string inbox_, outbox_;
  std::vector<step> steps_;
  std::size_t next_step_ = 0;
  script drawn_ = script::good;
  bool has_drawn_ = false;
  bool is_busy_ = false;
  bool is_sending_ = false;  ///< the step at hand is due, and not all of it is written
  bool is_over_ = false;
};

void providers::connect(const std::string& address,
                        std::function<void(std::shared_ptr<wire>)> done) {
  const host_plan* host = nullptr;
  for (const auto& h : plan_.hosts)
    if (h.address == address) host = &h;
  if (host == nullptr) return book_.fail("a connection to nobody: " + address);
  const int id = next_id_;
  next_id_ += 2;
  dice chance{plan_.seed * 999'983 + static_cast<std::uint64_t>(id)};
  if (chance.chance(host->hang_percent)) return;
  const auto trip = chance.between(host->up.min_delay, host->up.max_delay);
  const bool is_refused = chance.chance(host->refuse_percent);
  events_.after(
      trip,
      [this, host, id, is_refused, seed = chance.next(), done = std::move(done)] {
        if (is_refused) return done(nullptr);
        auto made = std::make_shared<wire>(events_, plan_.seed, host->up, host->down, id);
        made->keep(std::make_shared<connection>(*this, *host, *made, seed));
        done(made);
      },
      true);
}

}  // namespace sim
