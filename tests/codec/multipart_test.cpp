#include <understudy/codec/multipart.hpp>

#include <vector>

#include "catch.hpp"

namespace understudy::codec {
namespace {

TEST_CASE("the media type of a form", "[multipart]") {
  for (const auto* type : {"multipart/form-data", "Multipart/Form-Data; boundary=x",
                           " multipart/form-data ;boundary=x"})
    CHECK(is_multipart_form(type));
  for (const auto* type : {"", "application/json", "multipart/form-datas; boundary=x",
                           "multipart/mixed; boundary=x", "x; multipart/form-data"})
    CHECK_FALSE(is_multipart_form(type));
}

TEST_CASE("boundaries", "[multipart]") {
  struct row {
    std::string type;
    const char* boundary;  ///< null: an error
  };
  const std::string longest(70, 'b');
  for (const auto& [type, boundary] : std::vector<row>{
           {"multipart/form-data; boundary=abc", "abc"},
           {"multipart/form-data;boundary=\"abc\"", "abc"},
           {"multipart/form-data; Boundary = \"a b:c?\" ; charset=utf-8", "a b:c?"},
           {"multipart/form-data; charset=\"a;b\\\"c\"; boundary=abc;", "abc"},
           {"multipart/form-data; boundary=----=_Part_1:2/3", "----=_Part_1:2/3"},
           {"multipart/form-data; boundary=" + longest, longest.c_str()},
           {"multipart/form-data; boundary=b" + longest, nullptr},
           {"multipart/form-data", nullptr},
           {"multipart/form-data; charset=utf-8", nullptr},
           {"multipart/form-data; boundary=", nullptr},
           {"multipart/form-data; boundary=\"\"", nullptr},
           {"multipart/form-data; boundary=\"abc", nullptr},
           {"multipart/form-data; boundary=\"abc \"", nullptr},
           {"multipart/form-data; boundary=\"a\\bc\"", nullptr},
           {"multipart/form-data; boundary=a; boundary=b", nullptr},
           {"multipart/form-data; boundary=a b", nullptr},
           {"multipart/form-data; boundary=a\x01", nullptr},
           {"multipart/form-data; =x; boundary=a", nullptr},
       }) {
    CAPTURE(type);
    const auto found = form_boundary(type);
    CHECK(found.has_value() == (boundary != nullptr));
    if (boundary != nullptr && found) CHECK(*found == boundary);
    if (!found) CHECK(*found.error().reason != 0);
  }
}

/// `name=body` of each part, with what else is known of it, or the failure.
std::vector<std::string> read(std::string_view body, std::string_view boundary = "b") {
  std::vector<std::string> out;
  form_reader reader{body, boundary};
  while (reader.next()) {
    const auto& part = reader.part();
    std::string told{part.name};
    if (part.filename) told.append("<").append(*part.filename).append(">");
    if (!part.is_text) told += "!";
    out.push_back(told.append("=").append(part.body));
  }
  if (reader.failure()) out.push_back("failure: " + std::string{reader.failure()->reason});
  CHECK_FALSE(reader.next());
  return out;
}

std::string form_field(std::string_view name) {
  return "Content-Disposition: form-data; name=\"" + std::string{name} + "\"\r\n";
}

TEST_CASE("parts of a form", "[multipart]") {
  using list = std::vector<std::string>;
  struct row {
    std::string body;
    list parts;
  };
  const auto model = form_field("model");
  const std::string file =
      "content-disposition:form-data; name=file; filename=\"a\\\"b.wav\"\r\n"
      "Content-Type: audio/wav\r\n";
  const std::string binary{"\0\r\n--\r\n--a\r\n", 12};
  for (const auto& [body, parts] : std::vector<row>{
           {"--b\r\n" + model + "\r\nwhisper\r\n--b--\r\n", {"model=whisper"}},
           {"--b\r\n" + model + "\r\nwhisper\r\n--b--", {"model=whisper"}},
           {"--b \t\r\n" + model + "\r\nx\r\n--b\t\r\n" + file + "\r\n" + binary + "\r\n--b--",
            {"model=x", "file<a\\\"b.wav>!=" + binary}},
           {"for readers\r\nof mail\r\n--b\r\n" + model + "\r\nx\r\n--b-- \r\n--b\r\nafter all",
            {"model=x"}},
           {"\r\n--b\r\n" + model + "\r\nx\r\n--b--", {"model=x"}},
           {"--b\r\n" + model + "\r\n\r\n--b--", {"model="}},
           {"--b\r\n" + model + "\r\n--b--", {"model="}},
           {"--b\r\n" + model + "\r\n\r\n\r\n--b--", {"model=\r\n"}},
           {"--b\r\n" + model + "\r\n--b\r\n--b--", {"model=", "failure: a part's header fields"}},
           {"--b--", {}},
           {"--b\r\n" + form_field("m") + "Content-Transfer-Encoding: 8BIT\r\n\r\nx\r\n--b--",
            {"m=x"}},
           {"--b\r\n" + form_field("m") + "Content-Transfer-Encoding: base64\r\n\r\nx\r\n--b--",
            {"m!=x"}},
           {"--b\r\nContent-Disposition: form-data; name=m; filename*=UTF-8''x\r\n\r\nx\r\n--b--",
            {"m!=x"}},
       }) {
    CAPTURE(body);
    auto got = read(body);
    for (std::size_t i = 0; i < got.size() && i < parts.size(); ++i)
      if (parts[i].starts_with("failure")) got[i] = got[i].substr(0, parts[i].size());
    CHECK(got == parts);
  }
}

TEST_CASE("what two readers might read differently is an error", "[multipart]") {
  const auto of_head = [](std::string_view head) {
    return "--b\r\n" + std::string{head} + "\r\nx\r\n--b--\r\n";
  };
  const std::string good = form_field("a");
  for (const auto& body : std::vector<std::string>{
           "",
           "no boundary at all",
           "--c\r\n" + good + "\r\nx\r\n--c--",
           "--b",
           "--b\n" + good + "\nx\n--b--",
           "--b\r\n" + good + "\r\nx\r\n--b",
           "--b\r\n" + good + "\r\nx\r\n--b-",
           "--b\r\n" + good + "\r\nx\r\n--b--trailing",
           "--b\r\n" + good + "\r\nx\r\n--bc\r\n" + good + "\r\ny\r\n--b--",
           "--b\r\n" + good + "\r\nx\r\n",
           "--b\r\n" + good,
           of_head(""),
           of_head("no field\r\n"),
           of_head(": no name\r\n"),
           of_head(good + good),
           of_head("Content-Type: text/plain\r\n"),
           of_head("--b: x\r\n" + good),
           of_head(good + " folded: x\r\n"),
           of_head(good + "x: a\rb\r\n"),
           of_head(good + "x: a\nContent-Disposition: form-data; name=c\r\n"),
           of_head(good + std::string{"x: \0\r\n", 6}),
           of_head("Content-Disposition: attachment; name=\"a\"\r\n"),
           of_head("Content-Disposition: form-data\r\n"),
           of_head("Content-Disposition: form-data; name=a; name=b\r\n"),
           of_head("Content-Disposition: form-data; name=a; name*=UTF-8''b\r\n"),
           of_head("Content-Disposition: form-data; name=\"mod\\el\"\r\n"),
           of_head("Content-Disposition: form-data; name=\"a\r\n"),
           of_head("Content-Disposition: form-data; name=\"a\"b\r\n"),
           of_head("Content-Disposition: form-data; name=a; filename=b; filename=c\r\n"),
           of_head("Content-Disposition: form-data; name\r\n"),
           of_head(good + "x: " + std::string(form_reader::max_head_bytes, 'x') + "\r\n"),
       }) {
    CAPTURE(body);
    const auto got = read(body);
    REQUIRE_FALSE(got.empty());
    CHECK(got.back().starts_with("failure: "));
  }
}

TEST_CASE("a form has a limited number of parts", "[multipart]") {
  std::string body;
  for (std::size_t i = 0; i < form_reader::max_parts; ++i)
    body += "--b\r\n" + form_field("a") + "\r\nx\r\n";
  CHECK(read(body + "--b--").size() == form_reader::max_parts);
  const auto more = read(body + "--b\r\n" + form_field("a") + "\r\nx\r\n--b--");
  CHECK(more.back() == "failure: the form has too many parts");
}

TEST_CASE("a part's text is replaced, all else stays", "[multipart]") {
  const std::string file =
      "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
      "Content-Type: audio/wav\r\n\r\n\0\xFF\r\n--not it\r\n";
  const std::string type = "multipart/form-data; boundary=\"b:1\"";
  const std::string body = "preamble\r\n--b:1\r\nContent-Length: 3\r\n" + form_field("model") +
                           "\r\nold\r\n--b:1 \r\n" + file + "\r\n--b:1--\r\nepilogue";
  const auto written = replace_form_text(body, type, "model", "new/one");
  REQUIRE(written.has_value());
  CHECK(written->content_type == "multipart/form-data; boundary=\"b:1u\"");
  CHECK(written->body ==
        "--b:1u\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nnew/one\r\n--b:1u\r\n" +
            file + "\r\n--b:1u--\r\n");
  CHECK(read(written->body, "b:1u").front() == "model=new/one");

  const auto added = replace_form_text(body, type, "stream", "true");
  REQUIRE(added.has_value());
  CHECK(read(added->body, "b:1u").back() == "stream=true");
  CHECK(read(added->body, "b:1u").size() == 3);
}

TEST_CASE("a boundary grows as long as it may", "[multipart]") {
  for (const std::size_t size : {1U, 69U, 70U}) {
    const std::string old(size, 'b');
    const auto body = "--" + old + "\r\n" + form_field("model") + "\r\nx\r\n--" + old + "--";
    const auto written =
        replace_form_text(body, "multipart/form-data; boundary=" + old, "model", "y");
    REQUIRE(written.has_value());
    const auto boundary = form_boundary(written->content_type);
    REQUIRE(boundary.has_value());
    CHECK(boundary->size() == std::min<std::size_t>(size + 1, 70));
    CHECK(read(written->body, *boundary) == std::vector<std::string>{"model=y"});
  }
}

TEST_CASE("no text is replaced in a malformed form", "[multipart]") {
  const std::string type = "multipart/form-data; boundary=b";
  const std::string twice =
      "--b\r\n" + form_field("model") + "\r\nx\r\n--b\r\n" + form_field("model") + "\r\ny\r\n--b--";
  CHECK(replace_form_text(twice, type, "model", "z").has_error());
  CHECK(replace_form_text("--b\r\n", type, "model", "z").has_error());
  CHECK(replace_form_text("--b--", "multipart/form-data", "model", "z").has_error());
  CHECK(replace_form_text("--b--", type, "model", "z\r\n--bu--").has_error());
  CHECK(replace_form_text("--b--", type, "model", "--bu--").has_error());
  CHECK(replace_form_text("--b--", type, "model", "z").has_value());
}

}  // namespace
}  // namespace understudy::codec
