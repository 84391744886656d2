#include <array>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>

#include "translate/gemini_builder.hpp"

/// What a user's message holds beside text: bytes go out as `inlineData`, addresses as `fileData`.
namespace understudy::translate {
namespace {

struct mime_entry {
  std::string_view extension, mime;
};

constexpr std::array mimes{
    mime_entry{"png", "image/png"},       mime_entry{"jpg", "image/jpeg"},
    mime_entry{"jpeg", "image/jpeg"},     mime_entry{"webp", "image/webp"},
    mime_entry{"gif", "image/gif"},       mime_entry{"heic", "image/heic"},
    mime_entry{"heif", "image/heif"},     mime_entry{"bmp", "image/bmp"},
    mime_entry{"pdf", "application/pdf"}, mime_entry{"txt", "text/plain"},
    mime_entry{"md", "text/markdown"},    mime_entry{"html", "text/html"},
    mime_entry{"csv", "text/csv"},        mime_entry{"json", "application/json"},
    mime_entry{"wav", "audio/wav"},       mime_entry{"mp3", "audio/mp3"},
    mime_entry{"flac", "audio/flac"},     mime_entry{"ogg", "audio/ogg"},
    mime_entry{"m4a", "audio/m4a"},       mime_entry{"aac", "audio/aac"},
    mime_entry{"mp4", "video/mp4"},       mime_entry{"mov", "video/quicktime"},
    mime_entry{"webm", "video/webm"},     mime_entry{"mpeg", "video/mpeg"},
    mime_entry{"mpg", "video/mpeg"},      mime_entry{"avi", "video/x-msvideo"},
};

/// By the extension of an address' path or of a file's name; empty where it says nothing.
std::string_view mime_of_name(std::string_view name) {
  name = name.substr(0, name.find_first_of("?#"));
  const auto dot = name.find_last_of("./");
  if (dot == std::string_view::npos || name[dot] != '.') return {};
  const auto extension = name.substr(dot + 1);
  for (const auto& e : mimes)
    if (base::iequals(e.extension, extension)) return e.mime;
  return {};
}

bool is_address(std::string_view url) {
  return base::istarts_with(url, "https://") || base::istarts_with(url, "http://") ||
         base::istarts_with(url, "gs://");
}

json inline_part(std::string_view mime, std::string_view data) {
  return {{"inlineData", {{"mimeType", mime}, {"data", data}}}};
}

}  // namespace

bool gemini_builder::add_user_part(const json& part) {
  const auto type = text_member(part, "type");
  if (type == "text") {
    append_text(part, text_member(part, "text"), pending_parts_);
    return true;
  }
  if (member(part, "cache_control") != nullptr) tell_dropped("cache_control");
  if (type == "input_audio") return add_audio(part);
  if (type == "file") return add_file(part);
  std::string_view default_mime;
  if (type == "image_url") default_mime = "image/jpeg";
  if (type == "video_url") default_mime = "video/mp4";
  if (type == "audio_url") default_mime = "audio/mp3";
  if (default_mime.empty())
    return lose(type.empty() ? "content" : type,
                "content part of type " + std::string{type} + " is not supported by this backend");
  const json* source = member(part, std::string{type}.c_str());
  auto url = source == nullptr ? std::string_view{} : text_member(*source, "url");
  if (url.empty()) url = text_member(part, std::string{type}.c_str());
  if (!add_media(type, url, default_mime)) return false;
  if (type == "image_url" && source != nullptr) add_detail(*source);
  return true;
}

bool gemini_builder::add_media(std::string_view type, std::string_view url,
                               std::string_view default_mime) {
  if (base::istarts_with(url, "data:")) return add_inline(type, url);
  if (!is_address(url))
    return refuse("the URL of a part of type " + std::string{type} +
                  " is none of data:, https:, http: and gs:");
  const auto mime = mime_of_name(url);
  pending_parts_.push_back(
      {{"fileData", {{"mimeType", mime.empty() ? default_mime : mime}, {"fileUri", url}}}});
  return true;
}

bool gemini_builder::add_inline(std::string_view type, std::string_view uri) {
  const auto comma = uri.find(',');
  const auto header = comma == std::string_view::npos ? uri : uri.substr(5, comma - 5);
  auto mime = base::lower(header.substr(0, header.find(';')));
  const auto data = comma == std::string_view::npos ? comma : comma + 1;
  const bool is_base64 = data != std::string_view::npos && data < uri.size() &&
                         base::lower(header).ends_with(";base64") &&
                         codec::is_base64(uri.substr(data));
  if (!is_base64 || mime.find('/') == std::string::npos)
    return refuse("invalid data URI in a part of type " + std::string{type} +
                  ": a media type and base64 are wanted");
  if (mime == "image/jpg") mime = "image/jpeg";
  pending_parts_.push_back(inline_part(mime, uri.substr(data)));
  return true;
}

/// Per image, as models have it since Gemini 3.
void gemini_builder::add_detail(const json& image) {
  const auto detail = text_member(image, "detail");
  if (detail.empty() || detail == "auto") return;
  if (!model_.is_at_least(3, 0)) return tell_dropped("detail");
  const auto level = detail == "low"      ? "MEDIA_RESOLUTION_LOW"
                     : detail == "medium" ? "MEDIA_RESOLUTION_MEDIUM"
                                          : "MEDIA_RESOLUTION_HIGH";
  pending_parts_.back()["mediaResolution"] = {{"level", level}};
}

bool gemini_builder::add_audio(const json& part) {
  const json* audio = member(part, "input_audio");
  const auto data = audio == nullptr ? std::string_view{} : text_member(*audio, "data");
  const auto format = audio == nullptr ? std::string_view{} : text_member(*audio, "format");
  if (data.empty() || !codec::is_base64(data)) return refuse("`input_audio.data` is not base64");
  const auto mime = mime_of_name("." + base::lower(format));
  if (!mime.starts_with("audio/")) return refuse("unsupported audio format " + std::string{format});
  pending_parts_.push_back(inline_part(mime, data));
  return true;
}

bool gemini_builder::add_file(const json& part) {
  const json* file = member(part, "file");
  if (file == nullptr) return refuse("a part of type file has no `file`", 400);
  const auto name = text_member(*file, "filename");
  const auto data = text_member(*file, "file_data");
  const auto id = text_member(*file, "file_id");
  if (base::istarts_with(data, "data:")) return add_inline("file", data);
  auto mime = mime_of_name(name.empty() ? id : name);
  if (mime.empty()) mime = "application/pdf";
  if (!data.empty()) {
    if (!codec::is_base64(data)) return refuse("`file.file_data` is not base64");
    pending_parts_.push_back(inline_part(mime, data));
    return true;
  }
  if (is_address(id)) return add_media("file", id, mime);
  return lose("file", "files by id are not supported by this backend");
}

}  // namespace understudy::translate
