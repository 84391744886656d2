#pragma once
#include <memory>

#include <understudy/translate/translator.hpp>

/// Two translators as one: a client's operation → OpenAI chat completions → a provider's schema.
/// For pairs that a chat loses nothing of; others have a translator of their own.
namespace understudy::translate {

/// `outer` makes chat requests of the client's and the client's answers of a chat's (its upstream
/// is an OpenAI one); `inner` serves chat completions at the provider.
std::unique_ptr<translator> make_chained(std::unique_ptr<translator> outer,
                                         std::unique_ptr<translator> inner);

}  // namespace understudy::translate
