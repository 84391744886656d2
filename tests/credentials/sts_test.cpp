#include <understudy/credentials/sts.hpp>
#include <understudy/credentials/xml.hpp>

#include "catch.hpp"
#include "credentials/clock.hpp"

using namespace understudy;
using namespace understudy::credentials;
using tests::start;

namespace {

std::string keys_xml(const std::string& action, const std::string& inside) {
  return "<?xml version=\"1.0\"?>\n<" + action + "Response xmlns=\"https://sts/\"><" + action +
         "Result><Credentials>" + inside + "</Credentials></" + action + "Result></" + action +
         "Response>\n";
}

std::string leaves_of(std::string_view text) {
  const auto leaves = read_xml(text);
  if (!leaves) return "none";
  std::string out;
  for (const auto& [path, value] : *leaves) out += path + "=" + value + ";";
  return out;
}

}  // namespace

TEST_CASE("XML is read strictly or not at all") {
  const std::pair<const char*, const char*> rows[] = {
      {"<a/>", "a=;"},
      {"<a>x</a>", "a=x;"},
      {"\xEF\xBB\xBF<?xml version='1.0'?> <!-- c --><a p='1' q=\"2\" ><b>1</b> <b>2</b></a > ",
       "a/b=1;"},
      {"<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</a>", "a=<>&\"'AB;"},
      {"<a>x<!-- y -->z</a>", "a=xz;"},
      {"", "none"},
      {"x", "none"},
      {"<a>", "none"},
      {"<a></b>", "none"},
      {"<a></a>x", "none"},
      {"<a></a><b/>", "none"},
      {"<a>x<b/></a>", "none"},
      {"<a>&nbsp;</a>", "none"},
      {"<a>&#0;</a>", "none"},
      {"<a>&amp</a>", "none"},
      {"<a p></a>", "none"},
      {"<a p=1></a>", "none"},
      {"<a p='<'></a>", "none"},
      {"<a p='1'q='2'/>", "none"},
      {"<1/>", "none"},
      {"<!DOCTYPE a><a/>", "none"},
      {"<a><![CDATA[x]]></a>", "none"},
      {"<a><?x?></a>", "none"},
      {"<!-- <a/>", "none"},
  };
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    CHECK(leaves_of(text) == expected);
  }
  std::string deep;
  for (int i = 0; i < 17; ++i) deep = "<a>" + deep + "</a>";
  CHECK(leaves_of(deep) == "none");
}

TEST_CASE("the keys of STS, or why there are none") {
  const std::string whole =
      "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s&amp;s</SecretAccessKey>"
      "<SessionToken>t</SessionToken><Expiration>2026-01-02T03:04:05Z</Expiration>";
  for (const auto* action : {"AssumeRole", "AssumeRoleWithWebIdentity"}) {
    const auto keys = parse_sts_reply({200, keys_xml(action, whole)});
    REQUIRE(keys.has_value());
    CHECK(*keys == aws_keys{"A", "s&s", "t", start});
  }
  struct row {
    int status;
    std::string body, expected;
  };
  const row rows[] = {
      {403,
       "<ErrorResponse><Error><Code>AccessDenied</Code><Message>arn</Message></Error>"
       "</ErrorResponse>",
       "STS answered with 403, AccessDenied"},
      {400, "<ErrorResponse><Error><Code>a b</Code></Error></ErrorResponse>",
       "STS answered with 400"},
      {500, "secret", "STS answered with 500"},
      {200, "secret", "STS's answer is not the XML that it should be"},
      {200, "<x/>", "STS's answer has no keys"},
      {200, keys_xml("GetSessionToken", whole), "STS's answer has no keys"},
      {200, keys_xml("AssumeRole", whole.substr(whole.find("<Secret"))),
       "STS's answer has unusable keys"},
      {200, keys_xml("AssumeRole", whole.substr(0, whole.find("<Expiration"))),
       "STS's answer has no Expiration that is a time"},
      {200,
       keys_xml("AssumeRole",
                "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                "<SessionToken>t\r\nhost: x</SessionToken>"),
       "STS's answer has unusable keys"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.body);
    const auto keys = parse_sts_reply({r.status, r.body});
    REQUIRE(keys.has_error());
    CHECK(keys.error().reason == r.expected);
  }
}

TEST_CASE("requests to STS") {
  const auto endpoint = sts_endpoint("eu-west-1", "");
  REQUIRE(endpoint.has_value());
  CHECK(endpoint->host == "sts.eu-west-1.amazonaws.com");
  CHECK(endpoint->is_tls);
  CHECK(sts_endpoint("", "").has_error());
  CHECK(sts_endpoint("evil.example/", "").has_error());
  const sts_role role{"arn:r", "me", "a b", "eu-west-1", *endpoint};
  const auto unsigned_one = web_identity_call(role, "tok+en");
  CHECK(unsigned_one.method == "POST");
  CHECK(unsigned_one.body ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=me"
        "&WebIdentityToken=tok%2Ben");
  CHECK(unsigned_one.fields.size() == 1);
  const auto signed_one = assume_role_call(role, {"A", "s", "t", {}}, start);
  CHECK(signed_one.target ==
        "/?Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=me"
        "&ExternalId=a%20b");
  REQUIRE(signed_one.fields.size() == 3);
  CHECK(signed_one.fields[0].value.find("Credential=A/20260102/eu-west-1/sts/aws4_request, "
                                        "SignedHeaders=host;x-amz-date;x-amz-security-token") !=
        std::string::npos);
}
