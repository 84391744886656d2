#include "translate/embeddings.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include <understudy/codec/text.hpp>

namespace understudy::translate {
namespace {

std::optional<float> float_of(const codec::json_value& value) {
  if (value.kind != codec::json_kind::number) return std::nullopt;
  double number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [behind, error] = std::from_chars(value.text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    // Too small is nothing; too large is no embedding.
    const bool is_tiny = value.text.find("e-") != std::string_view::npos ||
                         value.text.find("E-") != std::string_view::npos;
    return is_tiny ? std::optional{0.0F} : std::nullopt;
  }
  if (error != std::errc{} || behind != end) return std::nullopt;
  if (std::abs(number) > static_cast<double>(std::numeric_limits<float>::max()))
    return std::nullopt;
  return static_cast<float>(number);
}

bool is_list_of_numbers(std::string_view array) {
  codec::json_reader reader{array};
  if (reader.kind() != codec::json_kind::array) return false;
  while (reader.next())
    if (reader.value().kind != codec::json_kind::number) return false;
  return !reader.failure();
}

}  // namespace

std::optional<std::string> float_bytes(std::string_view array) {
  codec::json_reader reader{array};
  if (reader.kind() != codec::json_kind::array) return std::nullopt;
  std::string out;
  while (reader.next()) {
    const auto number = float_of(reader.value());
    if (!number) return std::nullopt;
    const auto bits = std::bit_cast<std::uint32_t>(*number);
    for (int shift = 0; shift < 32; shift += 8)
      out.push_back(static_cast<char>((bits >> shift) & 0xFFU));
  }
  if (reader.failure()) return std::nullopt;
  return out;
}

bool embeddings_operation::read_item(const json& item) {
  if (item.is_string()) {
    inputs_.push_back({view_of(item), {}, {}});
    return true;
  }
  if (item.is_number() || item.is_array())
    return refuse("`input` holds tokens; this backend takes texts");
  const json* content = member(item, "content");
  const auto add = [&](const json& text) {
    if (!text.is_string()) return false;
    inputs_.push_back({view_of(text), text_member(item, "task_type"), text_member(item, "title")});
    return true;
  };
  bool is_fine = content != nullptr;
  if (is_fine && content->is_array())
    for (const auto& text : *content) is_fine = is_fine && add(text);
  else if (is_fine)
    is_fine = add(*content);
  return is_fine || refuse("an element of `input` is neither a text nor has text `content`");
}

bool embeddings_operation::read_input(const json& input) {
  if (!input.is_array()) return read_item(input);
  for (const auto& item : input)
    if (!read_item(item)) return false;
  return true;
}

bool embeddings_operation::read_format(const json& asked) {
  if (const json* format = member(asked, "encoding_format")) {
    is_base64_ = *format == "base64";
    if (!is_base64_ && *format != "float")
      return refuse("`encoding_format` is neither float nor base64", 400);
  }
  const json* dimensions = member(asked, "dimensions");
  if (dimensions == nullptr) return true;
  if (!dimensions->is_number_integer() || *dimensions < 1 || *dimensions > 1'000'000)
    return refuse("`dimensions` is not a positive integer", 400);
  dimensions_ = dimensions->get<std::int64_t>();
  return true;
}

bool embeddings_operation::build(const json& asked, const request_view& /*original*/,
                                 const backend_view& backend, upstream_request& out) {
  const json* input = member(asked, "input");
  if (input == nullptr && member(asked, "messages") != nullptr)
    return refuse("embeddings of `messages` are not supported by this backend");
  if (input == nullptr) return refuse("`input` is missing", 400);
  if (!read_input(*input) || !read_format(asked)) return false;
  if (inputs_.empty()) return refuse("`input` is empty", 400);
  return build_embeddings(asked, backend, out);
}

json embeddings_operation::texts() const {
  json out = json::array();
  for (const auto& input : inputs_) out.push_back(input.text);
  return out;
}

bool embeddings_operation::check_single(std::string_view family) {
  return inputs_.size() == 1 ||
         refuse(std::string{family} + " models embed one input a request, and `input` holds " +
                std::to_string(inputs_.size()));
}

bool embeddings_operation::add_vector(std::string_view array, bool is_truncated) {
  std::optional<std::string> bytes;
  if (is_base64_) bytes = float_bytes(array);
  if (is_base64_ ? !bytes : !is_list_of_numbers(array)) return false;
  if (count_ > 0) data_ += ',';
  data_ += R"({"object":"embedding","index":)" + std::to_string(count_++) + R"(,"embedding":)";
  if (is_base64_)
    data_.append("\"").append(codec::base64_encode(*bytes)).append("\"");
  else
    data_ += array;
  if (is_truncated) data_ += R"(,"truncated":true)";
  data_ += '}';
  return true;
}

bool embeddings_operation::add_vectors(std::string_view arrays) {
  codec::json_reader reader{arrays};
  if (reader.kind() != codec::json_kind::array) return false;
  while (reader.next())
    if (!add_vector(reader.value().text)) return false;
  return !reader.failure();
}

std::string embeddings_operation::finish_answer() {
  if (count_ != inputs_.size()) return broken("embedding of each input");
  std::string out = R"({"object":"list","data":[)" + std::move(data_) + R"(],"model":)";
  codec::append_json_string(out, model());
  if (const auto used = usage(); used.input)
    out.append(R"(,"usage":{"prompt_tokens":)")
        .append(std::to_string(*used.input))
        .append(R"(,"total_tokens":)")
        .append(std::to_string(*used.total))
        .append("}");
  return out + "}";
}

}  // namespace understudy::translate
