# frozen_string_literal: true

module Meshbridge
  # A call that got no answer from the app. An answer of the app itself, whatever its status, is never an error.
  #
  # A reason that this version does not know raises this class itself.
  class Error < StandardError
    REASON = "unknown"
    REMEDY = "a newer version of the client may know this reason"

    # Fixed text (the proxy's `x-meshbridge-error`), fit for metrics.
    attr_reader :reason
    # Whom the call was for.
    attr_reader :app
    # Status of the proxy's answer; nil when the client itself refused or failed.
    attr_reader :status

    # What happened, and what to do, is the +message+.
    def initialize(message = self.class::REMEDY, app: nil, status: nil, reason: self.class::REASON)
      super(message)
      @reason = reason
      @app = app
      @status = status
    end

    # The fixed advice for the reason.
    def remedy
      self.class::REMEDY
    end
  end

  class IdentityMissing < Error
    REASON = "identity-missing"
    REMEDY = "see that the app has opted in to the mesh, that the issuer has run, and that the names of its two secrets are right"
  end

  class IdentityExpired < Error
    REASON = "identity-expired"
    REMEDY = "the certificate has run out and no newer one could be had; look at the issuer's alarms"
  end

  class IdentityInvalid < Error
    REASON = "identity-invalid"
    REMEDY = "the message says which check of the certificate, its key or its chain failed; let the issuer publish a new pair"
  end

  class AccessDenied < Error
    REASON = "access-denied"
    REMEDY = "let the function's role read the app's secrets and use their KMS key: add it to the app's lambda_roles"
  end

  class Throttled < Error
    REASON = "throttled"
    REMEDY = "Secrets Manager limits calls just now; call again after a pause"
  end

  class IdentityUnavailable < Error
    REASON = "identity-unavailable"
    REMEDY = "Secrets Manager could not be reached in any region; see that the function's network leads there, and call again"
  end

  class UpstreamIdentity < Error
    REASON = "upstream-identity"
    REMEDY = "another server than the app answered, and it was sent nothing; check the upstream's spiffe_id and the route at the mesh gateway"
  end

  class UpstreamUnreachable < Error
    REASON = "upstream-unreachable"
    REMEDY = "no connection to the app; check the gateway's address, the function's network and that the app runs, and call again"
  end

  class UpstreamTls < Error
    REASON = "upstream-tls"
    REMEDY = "TLS with the app failed; check that the app knows the function's trust domain and the gateway its name"
  end

  class UpstreamTimeout < Error
    REASON = "upstream-timeout"
    REMEDY = "the app did not answer in time and may have done what was asked; call again only what may be done twice"
  end

  class UpstreamProtocol < Error
    REASON = "upstream-protocol"
    REMEDY = "the app's answer was not sound HTTP, and it may have done what was asked; look at the app's log"
  end

  class DeadlineExceeded < Error
    REASON = "deadline-exceeded"
    REMEDY = "the call's own time is over, and the app may have done what was asked; give it more time"
  end

  class UpstreamNotAllowed < Error
    REASON = "upstream-not-allowed"
    REMEDY = "add the app to `upstreams` in the proxy's configuration"
  end

  class TokenMissing < Error
    REASON = "token-missing"
    REMEDY = "let MESHBRIDGE_TOKEN_FILE name the file that the proxy writes, readable by the function"
  end

  class TokenWrong < Error
    REASON = "token-wrong"
    REMEDY = "the token is not this proxy's; let MESHBRIDGE_TOKEN_FILE and MESHBRIDGE_PROXY be those of one proxy"
  end

  class BadRequest < Error
    REASON = "bad-request"
    REMEDY = "the message says what of the request the proxy does not accept; mend that"
  end

  class MethodNotAllowed < Error
    REASON = "method-not-allowed"
    REMEDY = "neither CONNECT nor TRACE goes to an app; call it with an ordinary method"
  end

  class RestorePending < Error
    REASON = "restore-pending"
    REMEDY = "a snapshot is taken of this environment, so that it has no identity yet; call from the handler"
  end

  class ProxyUnreachable < Error
    REASON = "proxy-unreachable"
    REMEDY = "see that the mtls-proxy layer is part of the function, that it has started, and that MESHBRIDGE_PROXY names its port or socket"
  end

  class ConnectionLost < Error
    REASON = "connection-lost"
    REMEDY = "the connection broke before the answer was complete, and the app may have done what was asked; call again only what may be done twice"
  end

  class AppInvalid < Error
    REASON = "app-invalid"
    REMEDY = "name an app as `app` or `app.environment`: each of lower-case letters, digits and hyphens, as in the SNI"
  end

  class RequestInvalid < Error
    REASON = "request-invalid"
    REMEDY = "the message says what of the request cannot be sent; mend that"
  end

  class ConfigurationInvalid < Error
    REASON = "configuration-invalid"
    REMEDY = "let MESHBRIDGE_PROXY be `http://127.0.0.1:PORT` or `unix:/path/of/socket`; the proxy listens on loopback only"
  end

  # The class of each reason.
  BY_REASON = [
    IdentityMissing, IdentityExpired, IdentityInvalid, AccessDenied, Throttled, IdentityUnavailable, UpstreamIdentity,
    UpstreamUnreachable, UpstreamTls, UpstreamTimeout, UpstreamProtocol, DeadlineExceeded, UpstreamNotAllowed,
    TokenMissing, TokenWrong, BadRequest, MethodNotAllowed, RestorePending, ProxyUnreachable,
    ConnectionLost, AppInvalid, RequestInvalid, ConfigurationInvalid
  ].to_h { |error| [error::REASON, error] }.freeze
end
