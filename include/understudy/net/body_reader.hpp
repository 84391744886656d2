#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <understudy/codec/chunked.hpp>
#include <understudy/codec/framing.hpp>
#include <understudy/net/connection.hpp>

namespace understudy::net {

enum class body_progress : std::uint8_t { needs_more, complete, malformed };

/// Takes the decoded bytes of one upstream body out of the connection's buffer. For bodies that
/// are translated or collected; those that pass through use chunk_tracker::pass instead.
template <class Stream>
class body_reader {
 public:
  body_reader(connection<Stream>& link, const codec::body_framing& framing)
      : link_{link}, framing_{framing}, left_{framing.length} {}

  /// Hands every span that is in the buffer to `sink` (a callable taking string_view that returns
  /// false to stop) and consumes it.
  template <class Sink>
  body_progress drain(Sink&& sink) {
    for (;;) {
      if (is_complete()) return body_progress::complete;
      const std::string_view bytes = link_.input().data();
      if (bytes.empty()) return body_progress::needs_more;
      std::string_view data = bytes;
      std::size_t used = bytes.size();
      if (framing_.kind == codec::framing_kind::chunked) {
        used = tracker_.next(bytes, data);
        if (tracker_.has_failed()) return body_progress::malformed;
      } else if (framing_.kind == codec::framing_kind::length) {
        used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
        data = bytes.substr(0, used);
        left_ -= used;
      }
      const bool goes_on = data.empty() || sink(data);
      link_.consume(used);
      if (!goes_on) return body_progress::malformed;
    }
  }

  body_progress take(std::string& into) {
    return drain([&](std::string_view data) {
      into.append(data);
      return true;
    });
  }

  bool ends_at_close() const { return framing_.kind == codec::framing_kind::until_close; }
  /// Nothing was left over after the end.
  bool is_reusable() const { return is_complete() && link_.input().empty(); }

 private:
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

  connection<Stream>& link_;
  codec::body_framing framing_;
  std::uint64_t left_;
  codec::chunk_tracker tracker_;
};

}  // namespace understudy::net
