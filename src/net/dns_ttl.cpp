#include <understudy/net/dns_ttl.hpp>

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>

namespace understudy::net {
namespace {

std::optional<std::chrono::seconds> ask_servers(const std::string& name) {
  struct __res_state state = {};
  if (res_ninit(&state) != 0) return std::nullopt;
  state.retrans = 1;
  state.retry = 1;
  state.nscount = std::min(state.nscount, 1);  // an end of the process may wait for this
  std::optional<std::chrono::seconds> smallest;
  std::array<unsigned char, 4096> answer;
  for (const int type : {ns_t_a, ns_t_aaaa}) {
    const int size =
        res_nquery(&state, name.c_str(), ns_c_in, type, answer.data(), int{answer.size()});
    if (size <= 0) continue;
    const auto length = std::min(static_cast<std::size_t>(size), answer.size());
    const auto found = smallest_ttl(std::span{answer}.first(length));
    if (found && (!smallest || *found < *smallest)) smallest = found;
  }
  res_nclose(&state);
  return smallest;
}

}  // namespace

std::optional<std::chrono::seconds> smallest_ttl(std::span<const unsigned char> message) {
  ns_msg parsed;
  if (ns_initparse(message.data(), static_cast<int>(message.size()), &parsed) != 0)
    return std::nullopt;
  std::optional<std::chrono::seconds> smallest;
  for (int i = 0; i < ns_msg_count(parsed, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&parsed, ns_s_an, i, &record) != 0) return std::nullopt;
    const std::chrono::seconds ttl{ns_rr_ttl(record)};
    if (!smallest || ttl < *smallest) smallest = ttl;
  }
  return smallest;
}

void dns_ttl::ask(const std::string& name, std::function<void(std::chrono::seconds)> heard) {
  if (!thread_) thread_.emplace(1);
  asio::post(*thread_, [this, name, heard = std::move(heard)] {
    const auto ttl = ask_servers(name);
    if (ttl) asio::post(context_, [heard, ttl = *ttl] { heard(ttl); });
  });
}

void dns_ttl::stop() {
  if (!thread_) return;
  thread_->stop();
  thread_->join();
  thread_.reset();
}

}  // namespace understudy::net
