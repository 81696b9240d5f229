# frozen_string_literal: true

require "stringio"
require_relative "helper"

class CallsTest < ProxyTest
  def test_name_the_app_and_carry_the_token
    response = mesh.get("ledger", "/v1/balances", query: { a: %w[1 2] }, headers: { accept: "text/plain" }, timeout: 1.5)
    assert_equal ["200", "hello"], [response.code, response.body]
    request = proxy.seen.first
    assert_equal "/v1/balances?a=1&a=2", request.target
    expected = { "host" => "ledger", "x-meshbridge-token" => "secret-1", "x-meshbridge-timeout-ms" => "1500", "accept" => "text/plain" }
    assert_equal expected, request.headers.slice(*expected.keys)
    refute request.headers.key?("accept-encoding")
  end

  def test_find_the_proxy_by_the_environment_and_do_not_heed_http_proxy
    nowhere = "http://127.0.0.1:9"
    found = { "MESHBRIDGE_PROXY" => proxy.address, "MESHBRIDGE_TOKEN_FILE" => token_file }
    with_environment(**found, "HTTP_PROXY" => nowhere, "http_proxy" => nowhere, "no_proxy" => "") do
      assert_equal "hello", Meshbridge::Client.new.get("ledger", "/").body
    end
  end

  def test_are_told_no_time_when_there_is_no_limit
    mesh.get("ledger", "/", timeout: nil)
    refute proxy.seen.first.headers.key?("x-meshbridge-timeout-ms")
  end

  def test_share_a_connection_one_after_the_other
    %i[get head delete post put patch].each { |method| mesh.public_send(method, "ledger", "/") }
    assert_equal %w[GET HEAD DELETE POST PUT PATCH], proxy.seen.map(&:verb)
    assert_equal 1, proxy.connections
  end

  def test_refuse_what_cannot_be_sent
    { { body: 5 } => /neither a String nor an IO/, { timeout: -1 } => /above 0/, { timeout: Float::NAN } => /above 0/,
      { headers: { "Host" => "users" } } => /client's own/ }.each do |options, message|
      error = assert_raises(Meshbridge::RequestInvalid) { mesh.post("ledger", "/", **options) }
      assert_match message, error.message
      assert_equal "ledger", error.app
    end
    assert_raises(Meshbridge::RequestInvalid) { mesh.get("ledger", "/\xff") }
    assert_empty proxy.seen
  end
end

class StreamsTest < ProxyTest
  # The second piece exists only once the first has arrived.
  class Slow
    def initialize(arrived)
      @arrived = arrived
      @pieces = ["first", -> { @arrived.pop }, "second"]
    end

    def read(_length = nil, buffer = +"")
      piece = @pieces.shift
      piece = piece.call && @pieces.shift if piece.respond_to?(:call)
      piece && buffer.replace(piece)
    end
  end

  def test_a_body_is_sent_while_it_is_made
    arrived = Queue.new
    proxy.respond = lambda do |request|
      first = request.read_chunk
      arrived << true
      request.answer(200, first + request.read_chunk + request.read_chunk)
    end
    assert_equal "firstsecond", mesh.post("ledger", "/", body: Slow.new(arrived)).body
  end

  def test_an_answer_is_given_out_while_it_comes
    read = Queue.new
    proxy.respond = lambda do |request|
      request.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nfirst")
      read.pop
      request.socket.write("second")
    end
    pieces = []
    mesh.get("ledger", "/") do |response|
      response.read_body do |piece|
        next if piece.empty?

        read << true if pieces.empty?
        pieces << piece
      end
    end
    assert_equal %w[first second], pieces
  end

  def test_what_the_callers_body_raises_is_raised
    proxy.respond = :read_chunk.to_proc
    body = Object.new
    def body.read(*) = raise(Errno::ECONNRESET, "the caller's own")

    error = assert_raises(Errno::ECONNRESET) { mesh.post("ledger", "/", body: body) }
    assert_match(/the caller's own/, error.message)
  end

  def test_what_the_callers_block_raises_is_raised_and_ends_the_connection
    proxy.respond = ->(request) { request.answer(200, "x" * 1000) }
    assert_raises(EOFError) { mesh.get("ledger", "/") { raise EOFError } }
    mesh.get("ledger", "/") { break }
    assert_equal 1000, mesh.get("ledger", "/").body.size
    assert_equal 3, proxy.connections
  end
end

class ConnectionsTest < ProxyTest
  def test_from_before_a_freeze_are_not_used
    mesh.get("ledger", "/")
    later = Time.now + 31
    Time.stub(:now, later) { mesh.get("ledger", "/") }
    assert_equal 2, proxy.connections
  end

  def test_are_not_used_when_the_wall_clock_went_back
    mesh.get("ledger", "/")
    Time.stub(:now, Time.at(1)) { mesh.get("ledger", "/") }
    assert_equal 2, proxy.connections
  end

  def test_of_the_parent_are_not_used_after_a_fork
    mesh.get("ledger", "/")
    Process.stub(:pid, 1) { mesh.get("ledger", "/") }
    assert_equal 2, proxy.connections
  end

  def test_are_not_used_when_the_proxy_said_what_nobody_asked_for
    proxy.respond = lambda do |request|
      answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst"
      request.socket.write(answer + "HTTP/1.1 408 Too Slow\r\ncontent-length: 0\r\n\r\n")
    end
    2.times { assert_equal "first", mesh.post("ledger", "/").body }
    assert_equal 2, proxy.connections
  end

  def test_are_kept_by_the_number_that_was_in_use_but_not_without_end
    together = Queue.new
    proxy.respond = lambda do |request|
      together << true
      Thread.pass until together.size == 20
      request.answer
    end
    Array.new(20) { Thread.new { mesh.get("ledger", "/") } }.each(&:join)
    assert_equal 20, proxy.connections
    assert_equal 16, mesh.instance_variable_get(:@idle).size
    mesh.close
    assert_empty mesh.instance_variable_get(:@idle)
  end
end

class TokensTest < ProxyTest
  def setup
    super
    @good = "secret-1"
    proxy.respond = lambda do |request|
      request.read_body
      request.headers["x-meshbridge-token"] == @good ? request.answer : request.refuse("token-wrong", 401)
    end
  end

  def test_are_read_again_when_the_file_is_another
    %w[secret-1 secret-2 secret-3].each do |token|
      write_token(@good = token)
      mesh.post("ledger", "/", body: "x")
    end
    assert_equal 3, proxy.seen.size
  end

  def test_that_stay_wrong_are_not_tried_again
    @good = "another"
    error = assert_raises(Meshbridge::TokenWrong) { mesh.get("ledger", "/") }
    assert_equal [401, 1], [error.status, proxy.seen.size]
  end

  def test_that_were_written_while_the_call_was_under_way_are_tried
    @good = "secret-2"
    plain = proxy.respond
    proxy.respond = lambda do |request|
      write_token("secret-2")
      plain.call(request)
    end
    assert_equal "200", mesh.post("ledger", "/", body: "x").code
    assert_equal 2, proxy.seen.size
  end

  def test_that_are_none_are_not_sent
    ["", "two words", "x" * 5000, "with\x01control", "\xff"].each do |content|
      write_token(content)
      assert_raises(Meshbridge::TokenWrong) { mesh.get("ledger", "/") }
      refute proxy.seen.last.headers.key?("x-meshbridge-token"), content.inspect
    end
  end

  def test_are_not_shown
    mesh.get("ledger", "/")
    refute_includes mesh.inspect, "secret-1"
    refute_includes mesh.instance_variable_get(:@token).inspect, "secret-1"
  end
end
