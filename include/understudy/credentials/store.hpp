#pragma once
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/credentials/host_access.hpp>
#include <understudy/credentials/lookups.hpp>
#include <understudy/credentials/secret.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::credentials {

/// The keys or token of one credential, replaced as they are refreshed. Thread-safe.
class secret_slot {
 public:
  /// Null while there is none that still lives; failure() then says why.
  std::shared_ptr<const secret> current(base::wall_time now) const;
  std::string failure() const;

 private:
  friend class store;
  /// True where something changed.
  bool publish(const secret& found);
  bool fail(const std::string& reason);

  mutable std::mutex mutex_;
  std::shared_ptr<const secret> held_;
  std::string failure_;
};

/// Finds and refreshes the keys and tokens that a plan needs: one look-up at a time for each.
/// Everything runs on the control thread's io_context except slot(), current() and the slots
/// themselves, which any thread may use.
class store {
 public:
  /// The wall clock may be set and machines sleep: no wait is longer than `max_sleep`.
  store(boost::asio::io_context& context, host_access host,
        std::chrono::milliseconds max_sleep = std::chrono::minutes{1});
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  /// Told of each change of state in a sentence without secrets (found, refreshed after a
  /// failure, failed); on the control thread.
  using listener = std::function<void(bool is_failure, const std::string& message)>;
  void on_change(listener heard) { heard_ = std::move(heard); }

  /// Begins to look for what `wanted` needs; what it shares with the plan before is kept. Secrets
  /// of the plan before stay readable (exchanges pin it) until the next call or forget_previous().
  void configure(const plan::plan& wanted);

  /// No exchange pins the plan before any more.
  void forget_previous();

  /// Null for a credential that is in none of the last two plans. Keep the handle: a look-up
  /// takes a lock and compares texts.
  std::shared_ptr<const secret_slot> slot(const plan::credential& wanted) const;
  std::shared_ptr<const secret> current(const plan::credential& wanted, base::wall_time now) const;

  /// Calls back once each slot of the plan has its secret or a first failure; at once when so
  /// already.
  void wait_ready(std::function<void()> ready);
  bool is_ready() const;

  /// Ends all look-ups and timers.
  void stop();

 private:
  struct entry;
  struct keeper;
  using entries = std::vector<std::shared_ptr<entry>>;

  static std::shared_ptr<entry> find(const entries& among, const plan::credential& wanted);
  void begin(const std::shared_ptr<entry>& e);
  void found(entry& e, const found_secret& what);
  void failed(entry& e, const std::string& reason);
  void settle(entry& e);
  void tell_ready();

  boost::asio::io_context& context_;
  host_access host_;
  const std::chrono::milliseconds max_sleep_;
  listener heard_;
  std::vector<std::function<void()>> waiting_;
  mutable std::mutex mutex_;  ///< around the two lists
  entries current_, previous_;
};

}  // namespace understudy::credentials
