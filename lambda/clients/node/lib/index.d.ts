/** Where a client finds the proxy and its token. */
export interface Settings {
  /** `http://127.0.0.1:PORT` or `unix:/path/of/socket`; by default `MESHBRIDGE_PROXY`, then port 8181. */
  proxy?: string;
  /** By default `MESHBRIDGE_TOKEN_FILE`, then `/tmp/meshbridge/token`. */
  tokenFile?: string;
  /** Milliseconds for calls that name none; `null` leaves it to the proxy. By default 30,000. */
  timeout?: number | null;
}

export type Query = string | URLSearchParams | Record<string, string> | Iterable<[string, string]>;
export type RequestHeaders = Headers | Record<string, string | readonly string[]> | Iterable<readonly [string, string]>;
/** Text is sent as UTF-8; a stream (of Node or of the web) or an async iterable of bytes is sent as it comes. */
export type Body =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | NodeJS.ReadableStream
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** What a call is made of, besides the app and the path. */
export interface CallOptions {
  /** `GET` by default. */
  method?: string;
  query?: Query;
  headers?: RequestHeaders;
  body?: Body | null;
  /** Milliseconds until the head of the answer, then for each wait for a piece of its body; `null` for no limit. */
  timeout?: number | null;
  /** Gives the call up; the promise is then rejected with the signal's reason. */
  signal?: AbortSignal;
}

/** Calls apps of the mesh. One is enough for a process. */
export class Client {
  /** @throws {ConfigurationInvalidError} */
  constructor(settings?: Settings);
  /**
   * Calls `app`, which is `app` or `app.environment`. The answer's body streams. Redirects are not followed.
   * An answer of the app is returned whatever its status is.
   * @throws {MeshbridgeError} rejected with, when the call got no answer from the app
   */
  fetch(app: string, path: string, options?: CallOptions): Promise<Response>;
  /** Closes idle connections; the client stays usable. */
  close(): void;
}

/** A call that got no answer from the app; a reason that this version does not know is an instance of this class itself. */
export class MeshbridgeError extends Error {
  static readonly reason: string;
  static readonly remedy: string;
  /** Fixed text (the proxy's `x-meshbridge-error`), fit for metrics. */
  readonly reason: string;
  /** The fixed advice for the reason; `message` says what happened and what to do. */
  readonly remedy: string;
  /** Whom the call was for. */
  readonly app?: string;
  /** Status of the proxy's answer; undefined when the client itself refused or failed. */
  readonly status?: number;
  constructor(message?: string, details?: { app?: string; status?: number; reason?: string; cause?: unknown });
}

export class IdentityMissingError extends MeshbridgeError {}
export class IdentityExpiredError extends MeshbridgeError {}
export class IdentityInvalidError extends MeshbridgeError {}
export class AccessDeniedError extends MeshbridgeError {}
export class ThrottledError extends MeshbridgeError {}
export class IdentityUnavailableError extends MeshbridgeError {}
export class UpstreamIdentityError extends MeshbridgeError {}
export class UpstreamUnreachableError extends MeshbridgeError {}
export class UpstreamTlsError extends MeshbridgeError {}
export class UpstreamTimeoutError extends MeshbridgeError {}
export class UpstreamProtocolError extends MeshbridgeError {}
export class DeadlineExceededError extends MeshbridgeError {}
export class UpstreamNotAllowedError extends MeshbridgeError {}
export class TokenMissingError extends MeshbridgeError {}
export class TokenWrongError extends MeshbridgeError {}
export class BadRequestError extends MeshbridgeError {}
export class MethodNotAllowedError extends MeshbridgeError {}
export class RestorePendingError extends MeshbridgeError {}
export class ProxyUnreachableError extends MeshbridgeError {}
export class ConnectionLostError extends MeshbridgeError {}
export class AppInvalidError extends MeshbridgeError {}
export class RequestInvalidError extends MeshbridgeError {}
export class ConfigurationInvalidError extends MeshbridgeError {}
