#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/network.hpp"

namespace sim {

/// Sees every write that the proxy makes, whole, at the time it is made.
class write_observer {
 public:
  virtual void on_proxy_write(const wire& on, std::string_view bytes) = 0;
  virtual void on_arrival(const wire& on, std::string_view unread) = 0;
  virtual void on_end_at_proxy(const wire& on, end_kind how) = 0;
  virtual void on_proxy_close(const wire& on) = 0;
  virtual void on_proxy_read(const wire& on, std::string_view bytes) = 0;
  virtual void on_misuse(const char* what) = 0;

 protected:
  ~write_observer() = default;
};

/// What an upstream did about one request that reached it.
struct served {
  int number = 0;  ///< in its words: the client sees whose they are
  std::string request_id;
  std::string host;
  std::string script;          ///< what befell it, for people
  std::string text;            ///< all that it meant to say
  bool is_whole = false;       ///< and it says all of it, up to a proper end
  std::size_t size = 0;        ///< bytes of the answer as it was meant, heads included
  bool is_error_body = false;  ///< a 2xx whose body is an error or no answer
  int status = 0;
  time_point at{};
};

enum class response_end : std::uint8_t {
  pending,
  proper,  ///< last chunk, or all of content-length
  cut,     ///< the connection ended before
};

/// What one request of a client came to.
struct asked {
  std::string id;
  bool is_stream = false;
  bool is_sent_whole = false;  ///< all of it was taken by the network
  bool is_alone = true;        ///< not behind another one that was under way
  bool is_read_slowly = false;
  bool is_followed = false;  ///< another one was sent before its answer came
  bool has_left = false;     ///< the client ended the connection before the answer's end
  time_point sent_at{}, ended_at{};
  int status = 0;
  bool is_interim_seen = false;
  response_end end = response_end::pending;
  std::string head, body;  ///< body without transfer coding
};

/// One connection of a client, as the proxy's writes show it.
struct commit_note {
  time_point head_at = time_point::max();     ///< first byte of the head
  time_point content_at = time_point::max();  ///< first byte of a provider's words
  time_point arrived_at = time_point::max();  ///< the same, at the proxy
  /// Read by the proxy: a whole event with a provider's words, of an answer that is whole.
  time_point event_at = time_point::max();
};

/// The truth of one run, written down by all who take part, read by the checks.
class ledger final : public write_observer {
 public:
  std::map<std::string, asked> requests;                 ///< by id
  std::vector<served> serves;                            ///< serves[i].number == i
  std::map<std::string, commit_note> commits;            ///< by id
  std::map<std::string, std::vector<time_point>> sends;  ///< heads written upstream, by id
  std::vector<std::string> log_lines;                    ///< of the access log
  std::vector<std::string> problems;
  std::vector<std::string> trace;
  std::vector<std::pair<std::shared_ptr<wire>, std::string>> leavers;  ///< with what they left
  /// When the proxy could know that they had left; filled at the end.
  std::vector<std::pair<std::string, time_point>> left_at;
  bool is_tracing = false;
  std::map<std::string, std::size_t> outcomes;  ///< of attempts, as logged

  void fail(std::string what);
  void note(std::string_view who, std::string_view what);
  void on_proxy_write(const wire& on, std::string_view bytes) override;
  void on_arrival(const wire& on, std::string_view unread) override;
  void on_end_at_proxy(const wire& on, end_kind how) override;
  void on_proxy_close(const wire& on) override;
  void on_proxy_read(const wire& on, std::string_view bytes) override;
  void begin_answer(const wire& on, const served& answer, bool may_stray);
  void on_misuse(const char* what) override { fail(what); }

 private:
  /// What an upstream connection carries at the moment.
  struct upstream_wire {
    bool is_asked = false;
    bool may_stray = false;  ///< says what nobody asked for: an answer may be to anything
    int number = -1;         ///< of the answer; none yet: -1
    std::size_t size = 0, read = 0;
    std::string text;  ///< read of the answer, until its first whole event with words
  };

  std::map<int, std::string> current_;  ///< id of the answer under way, by wire
  std::map<int, upstream_wire> upstream_wires_;
};

/// Wires of clients have even ids, those of upstreams odd ones.
constexpr bool is_client_wire(int id) { return id % 2 == 0; }

std::string field_of(std::string_view head, std::string_view name);  ///< lower-case name
std::string clock_text();                                            ///< `12.345678`
inline constexpr time_point run_start{std::chrono::hours{1}};

}  // namespace sim
