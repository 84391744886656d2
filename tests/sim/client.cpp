#include "sim/client.hpp"

#include <charconv>

namespace sim {

// ---- reading ------------------------------------------------------------------------------------

answer_reader::event answer_reader::feed(std::string& bytes, asked& into) {
  for (;;) {
    switch (state_) {
      case state::head: {
        const auto end = bytes.find("\r\n\r\n");
        if (end == bytes.npos) return event::more;
        const std::string head = bytes.substr(0, end + 2);
        bytes.erase(0, end + 4);
        const auto told = begin(head, into);
        if (told != event::more) return told;
        break;
      }
      case state::length:
      case state::chunk: {
        const auto n = std::min(left_, bytes.size());
        into.body.append(bytes, 0, n);
        bytes.erase(0, n);
        left_ -= n;
        if (left_ != 0) return event::more;
        if (state_ == state::length) return finish();
        state_ = state::chunk_end;
        break;
      }
      case state::chunk_end:
        if (bytes.size() < 2) return event::more;
        if (!bytes.starts_with("\r\n")) return event::malformed;
        bytes.erase(0, 2);
        state_ = state::chunk_size;
        break;
      case state::chunk_size: {
        const auto end = bytes.find("\r\n");
        if (end == bytes.npos) return bytes.size() > 64 ? event::malformed : event::more;
        const auto read = std::from_chars(bytes.data(), bytes.data() + end, left_, 16);
        if (read.ec != std::errc{}) return event::malformed;
        bytes.erase(0, end + 2);
        state_ = left_ == 0 ? state::trailer : state::chunk;
        break;
      }
      case state::trailer:
        if (bytes.size() < 2) return event::more;
        if (!bytes.starts_with("\r\n")) return event::malformed;
        bytes.erase(0, 2);
        return finish();
    }
  }
}

answer_reader::event answer_reader::begin(const std::string& head, asked& into) {
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 12) return event::malformed;
  std::from_chars(head.data() + 9, head.data() + 12, into.status);
  if (into.status < 200) return event::more;
  into.head = head;
  left_ = 0;
  if (field_of(head, "transfer-encoding") == "chunked") {
    state_ = state::chunk_size;
    return event::more;
  }
  const auto length = field_of(head, "content-length");
  if (std::from_chars(length.data(), length.data() + length.size(), left_).ec != std::errc{})
    return event::malformed;
  state_ = state::length;
  return event::more;
}

answer_reader::event answer_reader::finish() {
  state_ = state::head;
  return event::response_end;
}

// ---- the client ---------------------------------------------------------------------------------

client::client(event_queue& events, std::uint64_t seed, const client_plan& plan, ledger& book,
               int& next_id, door enter)
    : events_{events},
      seed_{seed},
      plan_{plan},
      book_{book},
      next_id_{next_id},
      enter_{std::move(enter)} {
  for (const auto& r : plan_.requests) {
    asked a;
    a.id = r.id;
    a.is_stream = r.is_stream;
    a.is_read_slowly = plan_.reads_at_a_time != 0;
    book_.requests.emplace(r.id, std::move(a));
  }
}

client::~client() {
  if (wire_) wire_->close(wire::peer);
}

void client::start() {
  events_.after(plan_.starts_at, [this] { next_request(); });
}

void client::next_request() {
  if (is_done_) return;
  if (current_ == plan_.requests.size()) return finish();
  if (!wire_) connect();
  const auto until = plan_.is_pipelining ? plan_.requests.size() : current_ + 1;
  for (std::size_t i = std::max(current_, unsent_); i < until; ++i) write_request(i);
  send();
}

void client::connect() {
  wire_ = std::make_shared<wire>(events_, seed_, plan_.down, plan_.up, next_id_);
  next_id_ += 2;
  reader_ = {};
  inbox_.clear();
  outbox_.clear();
  unsent_ = current_;
  wire_->listen(wire::peer, this);
  events_.after(
      plan_.up.min_delay, [this, w = wire_] { enter_(w); }, true);
}

void client::write_request(std::size_t i) {
  const auto& r = plan_of(i);
  auto& a = truth(i);
  unsent_ = i + 1;
  std::string body =
      R"({"model":")" + r.model + R"(","stream":)" + (r.is_stream ? "true" : "false") +
      R"(,"messages":[{"role":"user","content":"hi)" + std::string(r.padding, '.') + "\"}]}";
  outbox_ +=
      "POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\ncontent-type: application/json\r\n"
      "x-request-id: " +
      r.id + "\r\n";
  if (r.is_chunked) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    outbox_ += "transfer-encoding: chunked\r\n\r\n" + (size + body) + "\r\n0\r\n\r\n";
  } else {
    outbox_ += "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  a.is_alone = i == current_;
  for (std::size_t before = current_; before < i; ++before) truth(before).is_followed = true;
  a.sent_at = base::clock::now();
  if (book_.is_tracing)
    book_.note("client " + std::to_string(wire_->id()),
               "asks " + r.id + (r.is_stream ? " (stream)" : ""));
  if (r.how != leaving::never)
    events_.after(r.leaves_after, [this, i, w = wire_, how = r.how] {
      if (wire_ == w && current_ == i) leave(i, how);
    });
}

void client::send() {
  if (!wire_) return;
  outbox_.erase(0, wire_->write(wire::peer, outbox_));
  if (!outbox_.empty()) return;
  for (std::size_t i = current_; i < unsent_; ++i) truth(i).is_sent_whole = true;
}

void client::on_bytes() {
  if (has_stopped_ || is_reading_later_) return;
  if (plan_.reads_at_a_time == 0) return read_some();
  is_reading_later_ = true;
  events_.after(plan_.reads_every, [this, w = wire_] {
    if (wire_ != w) return;
    is_reading_later_ = false;
    if (has_stopped_) return;
    read_some();
    if (wire_ && !wire_->unread(wire::peer).empty()) on_bytes();
  });
}

void client::read_some() {
  const auto unread = wire_->unread(wire::peer);
  const auto n =
      plan_.reads_at_a_time == 0 ? unread.size() : std::min(unread.size(), plan_.reads_at_a_time);
  std::string bytes{unread.substr(0, n)};
  wire_->consume(wire::peer, n);
  take(std::move(bytes));
  if (wire_ && wire_->unread(wire::peer).empty() &&
      wire_->arrived_end(wire::peer) != end_kind::none)
    lose_connection();
}

void client::take(std::string bytes) {
  inbox_ += bytes;
  while (wire_ && !inbox_.empty()) {
    if (current_ >= unsent_) return book_.fail("the proxy sent bytes that answer no request");
    auto& a = truth(current_);
    const auto told = reader_.feed(inbox_, a);
    if (told == answer_reader::event::malformed) {
      book_.fail("the answer to " + a.id + " is not HTTP");
      return lose_connection();
    }
    if (told == answer_reader::event::more) break;
    end_current(response_end::proper);
  }
  if (!plan_.stops_reading || !reader_.has_begun() || has_stopped_) return;
  has_stopped_ = true;
  events_.after(seconds{200}, [this, w = wire_] {
    if (wire_ == w && !is_done_) leave(current_, leaving::close);
  });
}

void client::end_current(response_end how) {
  auto& a = truth(current_);
  a.end = how;
  a.ended_at = base::clock::now();
  const bool is_last = field_of(a.head, "connection") == "close";
  ++current_;
  if (is_last) hang_up();
  if (plan_.is_pipelining && wire_ && current_ < unsent_) return;
  const auto think = current_ < plan_.requests.size() ? plan_of(current_).think : duration{};
  events_.after(think, [this] { next_request(); });
}

void client::on_end(end_kind how) {
  if (how == end_kind::eof && !wire_->unread(wire::peer).empty() && !has_stopped_)
    return;  // what is unread comes first
  lose_connection();
}

/// The proxy has ended the connection; what it still owed is lost.
void client::lose_connection() {
  if (!wire_) return;
  hang_up();
  if (current_ == unsent_) return;
  for (; current_ + 1 < unsent_; ++current_) truth(current_).end = response_end::cut;
  end_current(response_end::cut);
}

void client::leave(std::size_t i, leaving how) {
  auto& a = truth(i);
  if (!wire_ || a.end != response_end::pending) return;
  book_.note("client " + std::to_string(wire_->id()), "leaves " + a.id);
  for (std::size_t j = i; j < unsent_; ++j) {
    truth(j).has_left = true;
    truth(j).ended_at = base::clock::now();
  }
  book_.leavers.emplace_back(wire_, a.id);
  if (how == leaving::half_close) {
    wire_->end(wire::peer, end_kind::eof);
    return;  // and waits for what comes
  }
  if (how == leaving::reset) wire_->end(wire::peer, end_kind::reset);
  hang_up();
  current_ = unsent_;
  events_.after(milliseconds{1}, [this] { next_request(); });
}

void client::hang_up() {
  if (wire_) wire_->close(wire::peer);
  wire_ = nullptr;
  inbox_.clear();
  is_reading_later_ = has_stopped_ = false;
}

void client::finish() {
  is_done_ = true;
  hang_up();
}

}  // namespace sim
