#include <array>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>

#include "translate/anthropic_builder.hpp"

/// Content parts of OpenAI's that are not plain text: images, documents.
namespace understudy::translate {
namespace {

/// `data:<mime>[;…];base64,<data>`
struct data_uri {
  std::string mime;
  std::string_view data;
};

std::optional<data_uri> parse_data_uri(std::string_view uri) {
  const auto comma = uri.find(',');
  if (!base::istarts_with(uri, "data:") || comma == std::string_view::npos) return std::nullopt;
  const auto header = base::lower(uri.substr(5, comma - 5));
  const auto data = uri.substr(comma + 1);
  if (!header.ends_with(";base64") || data.empty() || !codec::is_base64(data)) return std::nullopt;
  return data_uri{header.substr(0, header.find(';')), data};
}

/// As Anthropic spells it, or empty.
std::string_view image_type(std::string_view mime) {
  if (mime == "image/jpg") return "image/jpeg";
  constexpr std::array<std::string_view, 4> known{"image/png", "image/jpeg", "image/gif",
                                                  "image/webp"};
  for (const auto type : known)
    if (type == mime) return type;
  return {};
}

bool is_pdf_url(std::string_view url) {
  return base::lower(url.substr(0, url.find_first_of("?#"))).ends_with(".pdf");
}

}  // namespace

bool anthropic_builder::add_part(const json& part, std::string_view role, json& blocks) {
  const auto type = text_member(part, "type");
  const auto before = blocks.size();
  if (type == "text") {
    append_text_block(text_member(part, "text"), blocks);
  } else if (type == "image_url") {
    if (!add_image(part, blocks)) return false;
  } else if (type == "file" && role == "user") {
    if (!add_file(part, blocks)) return false;
  } else if (!lose(type.empty() ? "content" : type, "content part of type " + std::string{type} +
                                                        " is not supported by this backend")) {
    return false;
  }
  if (blocks.size() > before) keep_cache_control(part, blocks.back());
  return true;
}

bool anthropic_builder::add_image(const json& part, json& blocks) {
  const json* image = member(part, "image_url");
  const auto url = image == nullptr ? std::string_view{} : text_member(*image, "url");
  return base::istarts_with(url, "data:") ? add_data(url, "image_url", blocks)
                                          : add_url(url, blocks);
}

bool anthropic_builder::add_url(std::string_view url, json& blocks) {
  if (!base::istarts_with(url, "https://") && !base::istarts_with(url, "http://"))
    return refuse("`image_url.url` is neither a data: URI nor an http(s) URL", 400);
  if (target_.dialect != schema::anthropic)
    return lose("image_url", "this backend takes images only as data: URIs");
  blocks.push_back({{"type", is_pdf_url(url) ? "document" : "image"},
                    {"source", {{"type", "url"}, {"url", url}}}});
  return true;
}

bool anthropic_builder::add_data(std::string_view uri, const char* name, json& blocks) {
  const auto found = parse_data_uri(uri);
  if (!found) return refuse(std::string{"`"} + name + "`: invalid data URI: not base64", 400);
  const json source{{"type", "base64"}, {"media_type", found->mime}, {"data", found->data}};
  if (found->mime == "application/pdf") {
    blocks.push_back({{"type", "document"}, {"source", source}});
  } else if (found->mime == "text/plain" && std::string_view{name} == "file") {
    auto text = codec::base64_decode(found->data).value_or("");
    blocks.push_back(
        {{"type", "document"},
         {"source", {{"type", "text"}, {"media_type", "text/plain"}, {"data", std::move(text)}}}});
  } else if (const auto type = image_type(found->mime); !type.empty()) {
    blocks.push_back({{"type", "image"}, {"source", source}});
    blocks.back()["source"]["media_type"] = type;
  } else {
    return lose(name, "unsupported media type " + found->mime);
  }
  return true;
}

bool anthropic_builder::add_file(const json& part, json& blocks) {
  const json* file = member(part, "file");
  const auto data = file == nullptr ? std::string_view{} : text_member(*file, "file_data");
  if (data.empty()) return lose("file", "this backend takes files only as `file_data`, not by id");
  const auto before = blocks.size();
  if (!add_data(data, "file", blocks)) return false;
  if (blocks.size() == before || text_member(blocks.back(), "type") != "document") return true;
  if (const auto name = text_member(*file, "filename"); !name.empty())
    blocks.back()["title"] = name;
  return true;
}

}  // namespace understudy::translate
