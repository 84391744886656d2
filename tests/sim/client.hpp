#pragma once
#include <memory>
#include <string>
#include <vector>

#include "sim/ledger.hpp"
#include "sim/scenario.hpp"

namespace sim {

/// Splits the proxy's answers on one connection, byte by byte as they come.
class answer_reader {
 public:
  enum class event : std::uint8_t { more, response_end, malformed };
  /// Takes from the front of `bytes`.
  event feed(std::string& bytes, asked& into);
  bool has_begun() const { return state_ != state::head; }

 private:
  enum class state : std::uint8_t { head, length, chunk_size, chunk, chunk_end, trailer };
  event begin(const std::string& head, asked& into);
  event finish();
  state state_ = state::head;
  std::size_t left_ = 0;
};

/// A client: its requests one after the other (or pipelined), each connection as long as it lasts.
class client final : wire::listener {
 public:
  using door = std::function<void(std::shared_ptr<wire>)>;

  client(event_queue& events, std::uint64_t seed, const client_plan& plan, ledger& book,
         int& next_id, door enter);
  ~client();
  void start();
  bool is_done() const { return is_done_; }

 private:
  void on_bytes() override;
  void on_end(end_kind how) override;
  void on_room() override { send(); }

  const request_plan& plan_of(std::size_t i) const { return plan_.requests[i]; }
  asked& truth(std::size_t i) { return book_.requests.at(plan_of(i).id); }
  void next_request();
  void connect();
  void write_request(std::size_t i);
  void send();
  void read_some();
  void take(std::string bytes);
  void end_current(response_end how);
  void leave(std::size_t i, leaving how);
  void lose_connection();
  void hang_up();
  void finish();

  event_queue& events_;
  std::uint64_t seed_;
  const client_plan& plan_;
  ledger& book_;
  int& next_id_;
  door enter_;
  std::shared_ptr<wire> wire_;
  answer_reader reader_;
  std::string inbox_, outbox_;
  std::size_t unsent_ = 0;   ///< index of the first request not written
  std::size_t current_ = 0;  ///< whose answer is awaited
  bool is_reading_later_ = false;
  bool has_stopped_ = false;
  bool is_done_ = false;
};

}  // namespace sim
