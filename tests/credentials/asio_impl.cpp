// The room's library leaves Asio's and Beast's compiled parts to room_net, which these tests do
// not link.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
