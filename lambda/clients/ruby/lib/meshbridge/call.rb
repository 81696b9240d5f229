# frozen_string_literal: true

require "net/http"
require "uri"

module Meshbridge
  # One request, checked: everything of it can go on the wire.
  class Call # :nodoc:
    LABEL = /[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/
    APP = /\A#{LABEL}(?:\.#{LABEL})?\z/
    # The proxy takes these for something else.
    NOT_APPS = /\A(?:localhost|mesh|[0-9]+)\z/
    # RFC 9110, 5.6.2 (token) and 5.5 (field-value, without obs-text).
    TOKEN = /\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\z/
    VALUE = /\A[\t\x20-\x7e]*\z/
    # Everything that RFC 3986 lets stand in no path or query.
    TO_ENCODE = /[^\x21-\x7e]|["<>\\^`{|}]/
    CLIENTS_OWN = %w[host connection keep-alive proxy-connection proxy-authorization te trailer transfer-encoding upgrade
                     content-length expect].freeze
    # Methods that may be sent twice (RFC 9110, 9.2.1).
    SAFE = %w[GET HEAD OPTIONS].freeze
    # How much longer than the proxy the client waits, so that the proxy can say what took so long.
    GRACE_SECONDS = 0.5
    # What the proxy can be told; no invocation takes longer.
    LONGEST_MS = 900_000

    attr_reader :app, :timeout

    def initialize(method, app, path, query:, headers:, body:, timeout:)
      @app = app
      unless app?(app)
        raise AppInvalid.new("#{app.inspect} is no name of an app; #{AppInvalid::REMEDY}", app: app)
      end

      @method = checked_method(method)
      @target = checked_target(path, query)
      @headers = checked_headers(headers || [])
      @body = checked_body(body)
      @timeout = checked_timeout(timeout)
    end

    # Whether its body can be sent again.
    def replayable?
      @body.nil? || @body.is_a?(String)
    end

    # Whether it may reach the app twice.
    def safe?
      SAFE.include?(@method) && replayable?
    end

    # How long to wait for the head of the answer.
    def patience
      timeout && (timeout + GRACE_SECONDS)
    end

    def to_http(token)
      # An encoding is named, so that Net::HTTP neither asks for compression nor undoes it.
      encoding = { "accept-encoding" => "identity" }
      request = Net::HTTPGenericRequest.new(@method, !@body.nil?, @method != "HEAD", @target, encoding)
      %w[accept-encoding accept user-agent].each { |name| request.delete(name) }
      request["host"] = app
      request["x-meshbridge-token"] = token if token
      request["x-meshbridge-timeout-ms"] = [(timeout * 1000).ceil, LONGEST_MS].min.to_s if timeout
      @headers.each { |name, value| request.add_field(name, value) }
      put_body(request)
      request
    end

    private

    def put_body(request)
      return request.content_length = 0 if @body.nil? && %w[POST PUT PATCH].include?(@method)
      return if @body.nil?

      # Net::HTTP would call it a form.
      request["content-type"] ||= "application/octet-stream"
      return request.body = @body if replayable?

      request["transfer-encoding"] = "chunked"
      request.body_stream = @body
    end

    def app?(name)
      name.is_a?(String) && matches?(name, APP) && name.split(".").none? { |label| label.match?(NOT_APPS) }
    end

    def checked_method(method)
      method = method.to_s.upcase
      invalid("#{method.inspect} is no method; write one such as GET") unless method.match?(TOKEN)
      return method unless %w[CONNECT TRACE].include?(method)

      raise MethodNotAllowed.new("#{method} cannot be sent; #{MethodNotAllowed::REMEDY}", app: app)
    end

    # The path as it was written, with what HTTP cannot carry percent-encoded as UTF-8.
    def checked_target(path, query)
      path = path.encode(Encoding::UTF_8)
      invalid("the path #{path.inspect} is not Unicode; percent-encode its bytes") unless path.valid_encoding?
      invalid("the path #{path.inspect} does not begin with a slash; write /#{path}") unless path.start_with?("/")
      invalid("the path #{path.inspect} has a control character; percent-encode it") if path.match?(/[\x00-\x1f\x7f]/)
      invalid("the path #{path.inspect} has a `#`, which would not be sent; write %23") if path.include?("#")
      invalid("the path #{path.inspect} has a `%` that encodes nothing; write %25") if path.match?(/%(?!\h\h)/)
      path += (path.include?("?") ? "&" : "?") + URI.encode_www_form(query) if query && !query.empty?
      path.gsub(TO_ENCODE) { |character| character.bytes.map { |byte| format("%%%02X", byte) }.join }
    rescue EncodingError
      invalid("the path #{path.inspect} is not Unicode; percent-encode its bytes")
    end

    def checked_headers(given)
      pairs = given.flat_map { |name, values| Array(values).map { |value| [name.to_s, value.to_s] } }
      pairs.each do |name, value|
        invalid("#{name.inspect} is no name of a header; write letters, digits and hyphens") unless matches?(name, TOKEN)
        if CLIENTS_OWN.include?(name.downcase) || name.downcase.start_with?("x-meshbridge-")
          invalid("the header #{name} is the client's own; leave it out")
        end
        invalid("the value of the header #{name} is not printable ASCII; encode it") unless matches?(value, VALUE)
      end
    end

    def matches?(text, pattern)
      text.ascii_only? && text.match?(pattern)
    end

    def checked_body(body)
      return body if body.nil? || body.is_a?(String) || body.respond_to?(:read)

      invalid("the body is neither a String nor an IO")
    end

    def checked_timeout(timeout)
      return timeout if timeout.nil? || (timeout.is_a?(Numeric) && timeout.positive? && timeout.finite?)

      invalid("the timeout #{timeout.inspect} is no number of seconds above 0; nil is for no limit")
    end

    def invalid(what)
      raise RequestInvalid.new(what, app: app)
    end
  end
end
