# frozen_string_literal: true

require "ipaddr"
require "net/http"
require "socket"
require "uri"

module Meshbridge
  # The proxy's address: a port of loopback, or a UNIX socket.
  class Endpoint # :nodoc:
    DEFAULT = "http://127.0.0.1:8181"

    attr_reader :host, :port, :path

    def initialize(text)
      @text = text
      return parse_socket if text.start_with?("unix:")

      uri = URI.parse(text)
      ordinary = uri.instance_of?(URI::HTTP) && ["", "/"].include?(uri.path) && !uri.query && !uri.fragment && !uri.userinfo
      invalid("it is not of that form") unless ordinary && uri.host
      invalid("the host is not on loopback, and the token would leave the machine") unless loopback?(uri.hostname)
      @host = uri.hostname
      @port = uri.port
    rescue URI::InvalidURIError
      invalid("it is no address")
    end

    def open_socket(timeout)
      return Socket.unix(path) if path

      Socket.tcp(host, port, connect_timeout: timeout).tap do |socket|
        socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      end
    end

    private

    def parse_socket
      @path = @text.delete_prefix("unix:")
      invalid("the socket's path does not begin with a slash") unless path.start_with?("/")
    end

    def loopback?(host)
      host == "localhost" || IPAddr.new(host).loopback?
    rescue IPAddr::Error
      false
    end

    def invalid(what)
      raise ConfigurationInvalid, "the proxy's address #{@text.inspect}: #{what}; #{ConfigurationInvalid::REMEDY}"
    end
  end

  # The token, read again whenever its file is another one than before.
  class TokenFile # :nodoc:
    DEFAULT = "/tmp/meshbridge/token"
    LONGEST = 4096

    attr_reader :path

    def initialize(path)
      @path = path
      @mutex = Mutex.new
    end

    # Nobody's log shall hold the token.
    def inspect
      "#<#{self.class} #{path}>"
    end

    # The token, or nil where there is none; a +doubted+ one is read anew even from an unchanged file.
    def read(doubted: nil)
      @mutex.synchronize do
        stat = File.stat(path)
        seen = [stat.mtime, stat.size, stat.ino]
        if seen != @seen || @token == doubted
          token = File.binread(path, LONGEST + 1).to_s.strip
          @seen = seen
          @token = token.match?(/\A[\x21-\x7e]+\z/n) && token.size <= LONGEST ? token : nil
        end
        @token
      rescue SystemCallError
        @seen = @token = nil
      end
    end
  end

  # What the connection raises, so that it is not taken for what a caller's own body or block raises. Net::HTTP expects
  # the classes above these.
  class Broken < EOFError; end # :nodoc:
  class Expired < Net::ReadTimeout; end # :nodoc:

  # Net::HTTP's socket, which never takes an early end for the end of the body.
  class ProxyIO < Net::BufferedIO # :nodoc:
    def read(length, dest = "".b, _ignore_eof = false) # rubocop:disable Style/OptionalBooleanParameter
      super(length, dest, false)
    end

    def write(*)
      super
    rescue Net::WriteTimeout
      raise Expired
    rescue SystemCallError, IOError
      # The proxy may have answered without reading all of the body: after this one, Net::HTTP reads on.
      raise Errno::EPIPE
    end

    # Whether the proxy has closed it, or sent what nobody asked for.
    def stale?
      closed? || unread? || !io.to_io.wait_readable(0).nil?
    end

    private

    # Net::Protocol has counted what it holds since 0.2.0.
    def unread?
      respond_to?(:rbuf_size, true) ? rbuf_size.positive? : !@rbuf.empty?
    end

    def rbuf_fill
      super
    rescue Net::ReadTimeout
      raise Expired
    rescue SystemCallError, IOError => e
      raise Broken, "#{e.class}: #{e.message}"
    end
  end

  # One connection to the proxy.
  class Connection < Net::HTTP # :nodoc:
    # When it was last used, by the wall clock, which goes on while a function is frozen.
    attr_reader :used_at

    def self.to(endpoint)
      new(endpoint.host || "localhost", endpoint.port || 80, nil).tap do |connection|
        connection.endpoint = endpoint
        connection.max_retries = 0
        # The pool decides by the wall clock.
        connection.keep_alive_timeout = Float::INFINITY
      end
    end

    attr_writer :endpoint

    # Carries one request; each wait takes at most +seconds+ (nil: as long as it likes).
    def carry(request, seconds, &block)
      expire_in(seconds)
      begin
        start unless started?
      rescue SystemCallError, SocketError, Net::OpenTimeout => e
        raise ProxyUnreachable, "no connection to the proxy: #{e.message}; #{ProxyUnreachable::REMEDY}"
      end
      request(request, &block)
      @used_at = Time.now
    end

    # Limits each later wait for the proxy.
    def expire_in(seconds)
      self.open_timeout = self.read_timeout = self.write_timeout = seconds
    end

    def reusable?(idle_seconds)
      idle = Time.now - used_at
      idle >= 0 && idle <= idle_seconds && !@socket.stale?
    end

    def give_up
      finish if started?
    rescue IOError
      nil
    end

    private

    def connect
      socket = @endpoint.open_socket(open_timeout)
      @socket = ProxyIO.new(socket, read_timeout: read_timeout, write_timeout: write_timeout,
                                    continue_timeout: continue_timeout, debug_output: @debug_output)
      @last_communicated = nil
      on_connect
    end
  end
end
