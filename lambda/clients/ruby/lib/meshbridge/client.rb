# frozen_string_literal: true

require "json"
require_relative "call"
require_relative "proxy"

module Meshbridge
  # Calls apps of the mesh through the proxy beside this process. One is enough for a process; threads may share it.
  class Client
    IDLE_CONNECTIONS = 16
    IDLE_SECONDS = 30
    private_constant :IDLE_CONNECTIONS, :IDLE_SECONDS

    # +proxy+ is the proxy's address, `http://127.0.0.1:PORT` or `unix:/path/of/socket`; by default that of MESHBRIDGE_PROXY, then
    # port 8181. +token_file+ is by default that of MESHBRIDGE_TOKEN_FILE, then /tmp/meshbridge/token. +timeout+ is in seconds,
    # for calls that name none; nil leaves it to the proxy.
    def initialize(proxy: nil, token_file: nil, timeout: 30)
      @endpoint = Endpoint.new(proxy || ENV.fetch("MESHBRIDGE_PROXY", Endpoint::DEFAULT))
      @token = TokenFile.new(token_file || ENV.fetch("MESHBRIDGE_TOKEN_FILE", TokenFile::DEFAULT))
      @timeout = timeout
      @mutex = Mutex.new
      @idle = []
      @pid = Process.pid
    end

    # Calls +app+, which is `app` or `app.environment`, and returns its Net::HTTPResponse, whatever its status is. Redirects are
    # not followed.
    #
    # +query+ and +headers+ are hashes or arrays of pairs. +body+ is a String, or an IO that is sent as it comes. With a block,
    # the response is yielded before its body was read, for `response.read_body { |chunk| … }`; +timeout+ then limits each wait
    # for a chunk. Raises an Error of the kind that tells what went wrong.
    def request(method, app, path, query: nil, headers: nil, body: nil, timeout: @timeout, &block)
      exchange(Call.new(method, app, path, query: query, headers: headers, body: body, timeout: timeout), &block)
    end

    %w[get head post put patch delete].each do |method|
      define_method(method) do |app, path, **options, &block|
        request(method, app, path, **options, &block)
      end
    end

    # Closes the idle connections; the client stays usable.
    def close
      @mutex.synchronize { @idle.pop.give_up until @idle.empty? }
    end

    private

    # Sends the call until the app answers: at most once more for a newer token, once for a connection that was dead.
    def exchange(call, &block)
      token = @token.read
      may_renew = call.replayable?
      may_reconnect = call.safe?
      connection = idle_connection
      loop do
        reused = !connection.nil?
        connection ||= Connection.to(@endpoint)
        response, refusal = attempt(connection, call, token, &block)
        return response unless refusal

        if refusal.status.nil?
          raise refusal unless reused && may_reconnect

          may_reconnect = false
          connection = nil
        else
          newer = @token.read(doubted: token) if %w[token-wrong token-missing].include?(refusal.reason)
          raise refusal unless newer && newer != token && may_renew

          may_renew = false
          token = newer
          connection = idle_connection
        end
      end
    end

    # The app's response, or why there is none: a refusal of the proxy, or a connection that broke before an answer began.
    def attempt(connection, call, token)
      response = refusal = nil
      done = false
      connection.carry(call.to_http(token), call.patience) do |answer|
        if (reason = answer["x-meshbridge-error"])
          refusal = error(call, reason, answer, token)
        else
          response = answer
          connection.expire_in(call.timeout)
          block_given? ? yield(answer) : answer.read_body
        end
      end
      done = true
      [response, refusal]
    rescue ProxyUnreachable => e
      raise ProxyUnreachable.new(e.message, app: call.app)
    rescue Expired
      raise DeadlineExceeded.new("no answer in time; #{DeadlineExceeded::REMEDY}", app: call.app)
    rescue Broken, Net::HTTPBadResponse, Net::HTTPHeaderSyntaxError => e
      lost = ConnectionLost.new("#{e.message}; #{ConnectionLost::REMEDY}", app: call.app)
      raise lost if response

      [nil, lost]
    ensure
      # What a block gave up before its end leaves its rest on the connection.
      done ? put_back(connection) : connection.give_up
    end

    def error(call, reason, answer, token)
      kind = BY_REASON.fetch(reason, Error)
      begin
        told = JSON.parse(answer.read_body.to_s)["message"]
      rescue JSON::ParserError, NoMethodError, TypeError
        told = nil
      end
      message = told.is_a?(String) ? told : kind::REMEDY
      message += " (the client found no token in #{@token.path})" if token.nil? && reason == "token-missing"
      kind.new(message, app: call.app, status: answer.code.to_i, reason: reason)
    end

    def idle_connection
      @mutex.synchronize do
        if @pid != Process.pid
          # A fork: the parent goes on using its sockets.
          @idle = []
          @pid = Process.pid
        end
        while (connection = @idle.pop)
          return connection if connection.reusable?(IDLE_SECONDS)

          connection.give_up
        end
      end
    end

    def put_back(connection)
      kept = @mutex.synchronize { @idle.push(connection) if @idle.size < IDLE_CONNECTIONS }
      connection.give_up unless kept
    end
  end
end
