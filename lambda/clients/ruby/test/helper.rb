# frozen_string_literal: true

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))

require "fileutils"
require "minitest/autorun"
require "minitest/mock"
require "socket"
require "tmpdir"
require "meshbridge"

# A request as the proxy saw it.
Seen = Struct.new(:verb, :target, :headers, :connection, :socket, keyword_init: true) do
  def read_body
    socket.read(headers.fetch("content-length", "0").to_i)
  end

  def read_chunk
    size = socket.gets or raise EOFError
    chunk = socket.read(size.to_i(16))
    socket.gets
    chunk
  end

  def answer(status = 200, body = "", headers = {})
    lines = headers.map { |name, value| "#{name}: #{value}\r\n" }.join
    socket.write("HTTP/1.1 #{status} X\r\n#{lines}content-length: #{body.bytesize}\r\n\r\n#{body unless verb == 'HEAD'}")
  end

  def refuse(reason, status = 503, message = "what and remedy")
    answer(status, %({"error": "#{reason}", "message": "#{message}"}), "x-meshbridge-error" => reason)
  end
end

# A proxy in threads, which a test tells what to answer.
class FakeProxy
  attr_accessor :respond
  attr_reader :seen

  def initialize
    @server = TCPServer.new("127.0.0.1", 0)
    @seen = []
    @respond = lambda do |request|
      request.read_body
      request.answer(200, "hello")
    end
    @threads = [Thread.new { accept }]
  end

  def address
    "http://127.0.0.1:#{@server.addr[1]}"
  end

  def connections
    seen.map(&:connection).uniq.size
  end

  def stop
    @threads.each(&:kill).each(&:join)
    @server.close
  end

  private

  def accept
    loop do
      socket = @server.accept
      socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      @threads << Thread.new { serve(socket) }
    end
  end

  def serve(socket)
    port = socket.peeraddr[1]
    while (line = socket.gets)
      verb, target, = line.split
      headers = {}
      while (field = socket.gets) && field != "\r\n"
        name, value = field.chomp.split(/:\s*/, 2)
        headers[name.downcase] = value
      end
      request = Seen.new(verb: verb, target: target, headers: headers, connection: port, socket: socket)
      seen << request
      respond.call(request)
    end
  rescue SystemCallError, IOError
    nil
  ensure
    socket.close
  end
end

# Each test has a proxy and a client of it.
class ProxyTest < Minitest::Test
  attr_reader :proxy, :mesh, :token_file

  def setup
    @directory = Dir.mktmpdir
    @token_file = File.join(@directory, "token")
    write_token("secret-1")
    @proxy = FakeProxy.new
    @mesh = Meshbridge::Client.new(proxy: proxy.address, token_file: token_file)
  end

  def teardown
    mesh.close
    proxy.stop
    FileUtils.remove_entry(@directory)
  end

  def write_token(token)
    File.write("#{token_file}.new", "#{token}\n")
    File.rename("#{token_file}.new", token_file)
  end

  def with_environment(changes)
    before = ENV.to_h
    ENV.update(changes)
    yield
  ensure
    ENV.replace(before)
  end
end
