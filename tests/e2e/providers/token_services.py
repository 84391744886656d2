"""Local token services, strict: AWS STS, an OIDC provider with discovery, Entra ID, Google's token
endpoint, STS, IAM Credentials and metadata server. What the real ones would refuse is refused, and
fails the test."""
import base64
import datetime
import itertools
import json
import re
import threading
import time
import urllib.parse
import xml.sax.saxutils

import botocore.auth
import botocore.awsrequest
import botocore.credentials
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from . import bedrock
from .server import Provider

ROLE = "arn:aws:iam::123456789012:role/gateway"
CLIENT, CLIENT_SECRET = "gateway-client", "s3cret: with+odd/chars"
AUDIENCE = "//iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/pool/providers/oidc"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GOOGLE_HOSTS = ("sts.googleapis.com", "iamcredentials.googleapis.com")


class Refused(Exception):
    def __init__(self, status, code):
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


def need(holds, status, code):
    if not holds:
        raise Refused(status, code)


def part_of(jwt_part):
    return base64.urlsafe_b64decode(jwt_part + "=" * (-len(jwt_part) % 4))


class TokenServices:
    """All of them behind one port. `lifetime` is of the tokens to come; `failing`: 503 to all."""

    def __init__(self, tls=None):
        self.lifetime, self.failing, self.delay = 3600, False, 0.0
        self.calls = []
        self.key = rsa.generate_private_key(65537, 2048)
        self._serial, self._lock = itertools.count(1), threading.Lock()
        self.issued = {}
        self.provider = Provider(self._serve, "token services", tls=tls)
        self.port = self.provider.port
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.provider.stop()

    def count(self, service):
        return self.calls.count(service)

    def token(self, kind):
        with self._lock:
            made = f"{kind}-token-{next(self._serial)}"
            self.issued[made] = kind
        return made

    def _serve(self, exchange):
        exchange.body()
        path = urllib.parse.urlsplit(exchange.request.target).path
        for pattern, service in self.ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                break
        else:
            exchange.provider.errors.append(f"no service at {path}")
            return exchange.reply(404)
        self.calls.append(service)
        time.sleep(self.delay)
        if self.failing:
            return exchange.reply(503, b'{"error":"temporarily_unavailable"}')
        try:
            answer = getattr(self, service)(exchange.request, *found.groups())
        except Refused as error:
            exchange.provider.errors.append(error)
            return exchange.reply(error.status, json.dumps({"error": error.code}).encode())
        if isinstance(answer, str):
            return exchange.reply(200, answer.encode(), content_type="text/xml")
        return exchange.reply(200, json.dumps(answer).encode())

    @staticmethod
    def form(request, *names):
        need(request.method == "POST", 405, "method")
        need(request.header("content-type") == "application/x-www-form-urlencoded", 415, "type")
        pairs = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True,
                                       strict_parsing=True)
        found = dict(pairs)
        need(len(found) == len(pairs) and set(found) == set(names), 400, f"fields {sorted(found)}")
        return found

    def answer(self, kind, token_type="Bearer", **more):
        return {"access_token": self.token(kind), "token_type": token_type,
                "expires_in": self.lifetime, **more}

    # ---- OIDC ---------------------------------------------------------------------------------

    def discovery(self, request):
        need(request.method == "GET", 405, "method")
        return {"issuer": self.url, "token_endpoint": f"{self.url}/oidc/token",
                "scopes_supported": ["openid", "other"]}

    def oidc(self, request):
        form = self.form(request, "grant_type", "scope", "audience")
        need(form["grant_type"] == "client_credentials", 400, "unsupported_grant_type")
        need(form["scope"] == "openid gateway" and form["audience"] == "clouds", 400, "scope")
        kind, _, value = request.header("authorization", "").partition(" ")
        pair = base64.b64decode(value, validate=True).decode().split(":")
        need(kind == "Basic" and [urllib.parse.unquote(p) for p in pair] == [CLIENT, CLIENT_SECRET],
             401, "invalid_client")
        return self.answer("oidc")

    # ---- AWS ----------------------------------------------------------------------------------

    def sts(self, request):
        if request.method == "GET":
            return self.assume_role(request)
        form = self.form(request, "Action", "Version", "RoleArn", "RoleSessionName",
                         "WebIdentityToken")
        need(form["Action"] == "AssumeRoleWithWebIdentity" and form["Version"] == "2011-06-15",
             400, "InvalidAction")
        need(request.header("authorization") is None, 400, "signed")
        need(form["RoleArn"] == ROLE and form["RoleSessionName"], 403, "AccessDenied")
        token = form["WebIdentityToken"]
        need(token == "pod-token" or self.issued.get(token) == "oidc", 400, "InvalidIdentityToken")
        return self.keys("AssumeRoleWithWebIdentity")

    def assume_role(self, request):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query,
                                            strict_parsing=True))
        need(query == {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ROLE,
                       "RoleSessionName": "me", "ExternalId": "a b/c"}, 400, "ValidationError")
        again = botocore.awsrequest.AWSRequest(
            method="GET", url=f"http://{request.header('host')}{request.target}")
        again.context["timestamp"] = request.header("x-amz-date")
        again.headers["X-Amz-Date"] = request.header("x-amz-date")
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials("BASEKEY", "base/secret"),
                                         "sts", "eu-west-1")
        text = signer.string_to_sign(again, signer.canonical_request(again))
        need(request.header("authorization", "").endswith(
            f"/eu-west-1/sts/aws4_request, SignedHeaders=host;x-amz-date, "
            f"Signature={signer.signature(text, again)}"), 403, "SignatureDoesNotMatch")
        return self.keys("AssumeRole")

    def keys(self, action):
        ends = (datetime.datetime.now(datetime.timezone.utc) +
                datetime.timedelta(seconds=self.lifetime)).strftime("%Y-%m-%dT%H:%M:%SZ")
        escape = xml.sax.saxutils.escape
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result>
    <AssumedRoleUser><Arn>{ROLE}/me</Arn><AssumedRoleId>A:me</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{bedrock.ACCESS_KEY}</AccessKeyId>
      <SecretAccessKey>{escape(bedrock.SECRET_KEY)}</SecretAccessKey>
      <SessionToken>{escape(bedrock.SESSION_TOKEN)}</SessionToken>
      <Expiration>{ends}</Expiration>
    </Credentials>
  </{action}Result>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</{action}Response>"""

    # ---- Azure --------------------------------------------------------------------------------

    def entra(self, request, tenant):
        need(tenant == "tenant-1", 400, "invalid_request")
        is_federated = b"client_assertion" in request.body
        proof = ("client_assertion_type", "client_assertion") if is_federated else ("client_secret",)
        form = self.form(request, "grant_type", "client_id", "scope", *proof)
        need(form["grant_type"] == "client_credentials", 400, "unsupported_grant_type")
        need(form["scope"] == "https://cognitiveservices.azure.com/.default", 400, "invalid_scope")
        need(form["client_id"] == CLIENT, 400, "unauthorized_client")
        if is_federated:
            need(form["client_assertion_type"] ==
                 "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", 400, "invalid_request")
            need(self.issued.get(form["client_assertion"]) == "oidc", 401, "invalid_client")
        else:
            need(form["client_secret"] == CLIENT_SECRET, 401, "invalid_client")
        return self.answer("azure", ext_expires_in=self.lifetime)

    # ---- Google -------------------------------------------------------------------------------

    def key_file(self):
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()
        return json.dumps({"type": "service_account", "client_email": "gw@p.example",
                           "private_key_id": "key-1", "private_key": pem,
                           "token_uri": f"{self.url}/google/token"})

    def google(self, request):
        if b"refresh_token" in request.body:
            form = self.form(request, "grant_type", "client_id", "client_secret", "refresh_token")
            need(form["refresh_token"] == "refresh/me" and form["client_secret"] == CLIENT_SECRET,
                 400, "invalid_grant")
            return self.answer("google")
        form = self.form(request, "grant_type", "assertion")
        need(form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer", 400, "grant")
        head, claims, signature = form["assertion"].split(".")
        need("=" not in form["assertion"], 400, "padding")
        self.key.public_key().verify(part_of(signature), f"{head}.{claims}".encode(),
                                     padding.PKCS1v15(), hashes.SHA256())
        need(json.loads(part_of(head)) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}, 400, "head")
        claims = json.loads(part_of(claims))
        issued = claims.pop("iat")
        need(abs(issued - time.time()) < 60 and claims.pop("exp") == issued + 3600, 400, "time")
        need(claims == {"iss": "gw@p.example", "scope": SCOPE, "aud": f"{self.url}/google/token"},
             400, "claims")
        return self.answer("google")

    def google_sts(self, request):
        form = self.form(request, "grant_type", "audience", "scope", "requested_token_type",
                         "subject_token_type", "subject_token")
        need(form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange", 400, "grant")
        need(form["audience"] == AUDIENCE and form["scope"] == SCOPE, 400, "invalid_target")
        need(form["requested_token_type"] == "urn:ietf:params:oauth:token-type:access_token" and
             form["subject_token_type"] == "urn:ietf:params:oauth:token-type:jwt", 400, "type")
        subject = form["subject_token"]
        need(subject in ("file-token", "pod-token") or subject.startswith("oidc-token-"), 400,
             "invalid_grant")
        return self.answer("google-sts", issued_token_type=form["requested_token_type"])

    def impersonate(self, request, account):
        need(request.method == "POST" and json.loads(request.body)["scope"] == [SCOPE], 400, "body")
        token = request.header("authorization", "").removeprefix("Bearer ")
        need(self.issued.get(token) == "google-sts", 401, "UNAUTHENTICATED")
        need(urllib.parse.unquote(account) == "runner@my-project.iam.gserviceaccount.com", 403, "who")
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lifetime)
        return {"accessToken": self.token("google"),
                "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%S.5Z")}

    def metadata(self, request):
        need(request.header("metadata-flavor") == "Google", 403, "flavor")
        return self.answer("google")

    ROUTES = ((r"/\.well-known/openid-configuration", "discovery"), (r"/oidc/token", "oidc"),
              (r"/aws/", "sts"), (r"/([^/]+)/oauth2/v2\.0/token", "entra"),
              (r"/google/token", "google"), (r"/v1/token", "google_sts"),
              (r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken", "impersonate"),
              (r"/computeMetadata/v1/instance/service-accounts/default/token", "metadata"))
