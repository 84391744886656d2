#pragma once
#include <optional>
#include <string>

#include "translate/json.hpp"

/// JSON schema → the `Schema` of Vertex AI, a subset of OpenAPI 3.0 (reference of the v1 API), for
/// models that don't take a JSON schema as it is.
///
/// References are replaced by what they name, `oneOf` becomes `anyOf`, `allOf` is merged, null as
/// one of several types becomes `nullable`, values of `enum` and `const` become strings. Keywords
/// without a counterpart (`multipleOf`, `uniqueItems`, `not`, `additionalProperties` …) only narrow
/// what is allowed and are left out. `propertyOrdering` keeps the order of the properties, which
/// Vertex would lose.
namespace understudy::translate {

/// The schema. Nothing, and `why` says it, where it refers to itself, or to nothing, or is too
/// large.
std::optional<json> gemini_schema(const json& schema, std::string& why);

}  // namespace understudy::translate
