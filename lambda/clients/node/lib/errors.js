"use strict";

/**
 * A call that got no answer from the app. An answer of the app itself, whatever its status, is never an error.
 * A reason that this version does not know is an instance of this class itself.
 */
class MeshbridgeError extends Error {
  static reason = "unknown";
  static remedy = "a newer version of the client may know this reason";

  constructor(message, { app, status, reason, cause } = {}) {
    super(message ?? new.target.remedy, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.reason = reason ?? new.target.reason;
    this.remedy = new.target.remedy;
    this.app = app;
    this.status = status;
  }
}

class IdentityMissingError extends MeshbridgeError {
  static reason = "identity-missing";
  static remedy =
    "see that the app has opted in to the mesh, that the issuer has run, and that the names of its two secrets are right";
}

class IdentityExpiredError extends MeshbridgeError {
  static reason = "identity-expired";
  static remedy = "the certificate has run out and no newer one could be had; look at the issuer's alarms";
}

class IdentityInvalidError extends MeshbridgeError {
  static reason = "identity-invalid";
  static remedy =
    "the message says which check of the certificate, its key or its chain failed; let the issuer publish a new pair";
}

class AccessDeniedError extends MeshbridgeError {
  static reason = "access-denied";
  static remedy =
    "let the function's role read the app's secrets and use their KMS key: add it to the app's lambda_roles";
}

class ThrottledError extends MeshbridgeError {
  static reason = "throttled";
  static remedy = "Secrets Manager limits calls just now; call again after a pause";
}

class IdentityUnavailableError extends MeshbridgeError {
  static reason = "identity-unavailable";
  static remedy =
    "Secrets Manager could not be reached in any region; see that the function's network leads there, and call again";
}

class UpstreamIdentityError extends MeshbridgeError {
  static reason = "upstream-identity";
  static remedy =
    "another server than the app answered, and it was sent nothing; check the upstream's spiffe_id and the route at the mesh gateway";
}

class UpstreamUnreachableError extends MeshbridgeError {
  static reason = "upstream-unreachable";
  static remedy =
    "no connection to the app; check the gateway's address, the function's network and that the app runs, and call again";
}

class UpstreamTlsError extends MeshbridgeError {
  static reason = "upstream-tls";
  static remedy =
    "TLS with the app failed; check that the app knows the function's trust domain and the gateway its name";
}

class UpstreamTimeoutError extends MeshbridgeError {
  static reason = "upstream-timeout";
  static remedy =
    "the app did not answer in time and may have done what was asked; call again only what may be done twice";
}

class UpstreamProtocolError extends MeshbridgeError {
  static reason = "upstream-protocol";
  static remedy = "the app's answer was not sound HTTP, and it may have done what was asked; look at the app's log";
}

class DeadlineExceededError extends MeshbridgeError {
  static reason = "deadline-exceeded";
  static remedy = "the call's own time is over, and the app may have done what was asked; give it more time";
}

class UpstreamNotAllowedError extends MeshbridgeError {
  static reason = "upstream-not-allowed";
  static remedy = "add the app to `upstreams` in the proxy's configuration";
}

class TokenMissingError extends MeshbridgeError {
  static reason = "token-missing";
  static remedy = "let MESHBRIDGE_TOKEN_FILE name the file that the proxy writes, readable by the function";
}

class TokenWrongError extends MeshbridgeError {
  static reason = "token-wrong";
  static remedy = "the token is not this proxy's; let MESHBRIDGE_TOKEN_FILE and MESHBRIDGE_PROXY be those of one proxy";
}

class BadRequestError extends MeshbridgeError {
  static reason = "bad-request";
  static remedy = "the message says what of the request the proxy does not accept; mend that";
}

class MethodNotAllowedError extends MeshbridgeError {
  static reason = "method-not-allowed";
  static remedy = "neither CONNECT nor TRACE goes to an app; call it with an ordinary method";
}

class RestorePendingError extends MeshbridgeError {
  static reason = "restore-pending";
  static remedy = "a snapshot is taken of this environment, so that it has no identity yet; call from the handler";
}

class ProxyUnreachableError extends MeshbridgeError {
  static reason = "proxy-unreachable";
  static remedy =
    "see that the mtls-proxy layer is part of the function, that it has started, and that MESHBRIDGE_PROXY names its port or socket";
}

class ConnectionLostError extends MeshbridgeError {
  static reason = "connection-lost";
  static remedy =
    "the connection broke before the answer was complete, and the app may have done what was asked; call again only what may be done twice";
}

class AppInvalidError extends MeshbridgeError {
  static reason = "app-invalid";
  static remedy =
    "name an app as `app` or `app.environment`: each of lower-case letters, digits and hyphens, as in the SNI";
}

class RequestInvalidError extends MeshbridgeError {
  static reason = "request-invalid";
  static remedy = "the message says what of the request cannot be sent; mend that";
}

class ConfigurationInvalidError extends MeshbridgeError {
  static reason = "configuration-invalid";
  static remedy =
    "let MESHBRIDGE_PROXY be `http://127.0.0.1:PORT` or `unix:/path/of/socket`; the proxy listens on loopback only";
}

const classes = {
  IdentityMissingError,
  IdentityExpiredError,
  IdentityInvalidError,
  AccessDeniedError,
  ThrottledError,
  IdentityUnavailableError,
  UpstreamIdentityError,
  UpstreamUnreachableError,
  UpstreamTlsError,
  UpstreamTimeoutError,
  UpstreamProtocolError,
  DeadlineExceededError,
  UpstreamNotAllowedError,
  TokenMissingError,
  TokenWrongError,
  BadRequestError,
  MethodNotAllowedError,
  RestorePendingError,
  ProxyUnreachableError,
  ConnectionLostError,
  AppInvalidError,
  RequestInvalidError,
  ConfigurationInvalidError,
};

/** The class of each reason. */
const byReason = new Map(Object.values(classes).map((kind) => [kind.reason, kind]));

module.exports = { MeshbridgeError, byReason, ...classes };
