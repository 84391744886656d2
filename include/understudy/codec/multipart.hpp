#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>

/// `multipart/form-data` (RFC 7578, RFC 2046 §5.1): forms whose parts are read in place. Strict:
/// where two readers might see different fields, there is an error. No part's body is copied.
namespace understudy::codec {

struct form_error {
  const char* reason = "";  ///< static
};

/// By the media type alone; its parameters are not looked at.
bool is_multipart_form(std::string_view content_type);

/// The `boundary` parameter, quoted or not.
base::result<std::string_view, form_error> form_boundary(std::string_view content_type);

/// One part as it stands in the body.
struct form_part {
  std::string_view head;  ///< its fields, each with its CRLF
  std::string_view name;
  std::optional<std::string_view> filename;  ///< between the quotes, escapes as they are
  /// Not a file, and its bytes are its text (no base64 or quoted-printable).
  bool is_text = true;
  std::string_view body;
};

/// The parts of a form, one by one; a preamble and an epilogue are passed over. Views live as long
/// as the texts given. When next() has returned false, failure() tells whether the form was whole.
class form_reader {
 public:
  static constexpr std::size_t max_parts = 1024;
  static constexpr std::size_t max_head_bytes = 8192;  ///< of one part

  /// `boundary` is one that form_boundary() has accepted.
  form_reader(std::string_view body, std::string_view boundary);

  bool next();
  const form_part& part() const { return part_; }
  const std::optional<form_error>& failure() const { return failure_; }

 private:
  bool fail(const char* why);
  bool begin();
  bool end_delimiter_line();
  bool read_head();
  bool read_field(std::string_view line, bool& has_disposition);
  bool read_disposition(std::string_view value);

  std::string_view rest_;  ///< behind the last delimiter line
  std::string delimiter_;  ///< CRLF, two hyphens, boundary
  form_part part_;
  std::size_t count_ = 0;
  bool has_begun_ = false;
  bool is_over_ = false;
  std::optional<form_error> failure_;
};

struct written_form {
  std::string content_type;
  std::string body;
};

/// The form with the text of its part `name` replaced, or with such a part at its end where it has
/// none; all other parts byte for byte. The boundary is a new one that occurs nowhere in the form:
/// the old one made longer, or kept where it is as long as boundaries may be.
base::result<written_form, form_error> replace_form_text(std::string_view body,
                                                         std::string_view content_type,
                                                         std::string_view name,
                                                         std::string_view text);

}  // namespace understudy::codec
