#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <understudy/codec/chunked.hpp>
#include <understudy/codec/framing.hpp>
#include <understudy/net/connection.hpp>

namespace understudy::net {

enum class body_progress : std::uint8_t { needs_more, complete, malformed };

/// Where one body stands in its bytes, whatever delimits it.
class body_walker {
 public:
  explicit body_walker(const codec::body_framing& framing)
      : framing_{framing}, left_{framing.length} {}

  /// Uses up some of `bytes` (the returned number); at most one span of decoded body in `data`.
  std::size_t step(std::string_view bytes, std::string_view& data) {
    data = bytes;
    if (framing_.kind == codec::framing_kind::chunked) return tracker_.next(bytes, data);
    if (framing_.kind == codec::framing_kind::length) {
      data =
          bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
      left_ -= data.size();
    }
    return data.size();
  }

  bool is_complete() const {
    switch (framing_.kind) {
      case codec::framing_kind::none:
        return true;
      case codec::framing_kind::length:
        return left_ == 0;
      case codec::framing_kind::chunked:
        return tracker_.is_done();
      case codec::framing_kind::until_close:
        return false;
    }
    return true;
  }
  bool has_failed() const { return tracker_.has_failed(); }
  bool ends_at_close() const { return framing_.kind == codec::framing_kind::until_close; }
  bool is_at_chunk_boundary() const { return tracker_.is_at_chunk_boundary(); }
  bool is_at_chunk_end() const { return tracker_.is_at_chunk_end(); }

 private:
  codec::body_framing framing_;
  std::uint64_t left_;
  codec::chunk_tracker tracker_;
};

/// Takes the decoded bytes of one upstream body out of the connection's buffer. For bodies that
/// are translated or collected; those that pass through use chunk_tracker::pass instead.
template <class Stream>
class body_reader {
 public:
  body_reader(connection<Stream>& link, const codec::body_framing& framing)
      : link_{link}, walker_{framing} {}

  /// Hands every span that is in the buffer to `sink` (a callable taking string_view that returns
  /// false to stop) and consumes it.
  template <class Sink>
  body_progress drain(Sink&& sink) {
    while (!walker_.is_complete()) {
      const std::string_view bytes = link_.input().data();
      if (bytes.empty()) return body_progress::needs_more;
      std::string_view data;
      const std::size_t used = walker_.step(bytes, data);
      if (walker_.has_failed()) return body_progress::malformed;
      const bool goes_on = data.empty() || sink(data);
      link_.consume(used);
      if (!goes_on) return body_progress::malformed;
    }
    return body_progress::complete;
  }

  body_progress take(std::string& into) {
    return drain([&](std::string_view data) {
      into.append(data);
      return true;
    });
  }

  bool ends_at_close() const { return walker_.ends_at_close(); }
  /// Nothing was left over after the end.
  bool is_reusable() const { return walker_.is_complete() && link_.input().empty(); }

 private:
  connection<Stream>& link_;
  body_walker walker_;
};

/// Looks at the decoded bytes of a body that stays in the buffer. Told each time of all of the body
/// that is there; hands each byte to the sink once.
class body_peek {
 public:
  explicit body_peek(const codec::body_framing& framing) : walker_{framing} {}

  template <class Sink>
  body_progress look(std::string_view body, Sink&& sink) {
    while (!walker_.is_complete()) {
      const std::string_view bytes = body.substr(seen_);
      if (bytes.empty()) return body_progress::needs_more;
      std::string_view data;
      seen_ += walker_.step(bytes, data);
      if (walker_.has_failed()) return body_progress::malformed;
      if (!data.empty()) sink(data);
    }
    return body_progress::complete;
  }

  bool ends_at_close() const { return walker_.ends_at_close(); }

 private:
  body_walker walker_;
  std::size_t seen_ = 0;
};

}  // namespace understudy::net
