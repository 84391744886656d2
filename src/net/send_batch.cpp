#include <understudy/net/send_batch.hpp>

#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

namespace understudy::net {

send_batch::slot send_batch::add(sender& who, std::span<const asio::const_buffer> pieces) {
  if (count_ == most) send_all();
  auto& e = entries_[count_++];
  e = {&who, filled_, 0};
  e.size = asio::buffer_copy(asio::buffer(bytes_) + filled_, pieces);
  filled_ += e.size;
  if (!is_posted_) {
    is_posted_ = true;
    asio::post(executor_, [this] {
      is_posted_ = false;
      send_all();
    });
  }
  return static_cast<slot>(count_);
}

void send_batch::send_now(slot which) { send(entries_[which - 1]); }

void send_batch::send_all() {
  for (std::size_t i = 0; i < count_; ++i) send(entries_[i]);
  std::memset(bytes_.data(), 0, filled_);  // heads with keys in them
  count_ = filled_ = 0;
}

void send_batch::send(entry& e) {
  if (e.who != nullptr) std::exchange(e.who, nullptr)->send_batched({bytes_.data() + e.at, e.size});
}

}  // namespace understudy::net
