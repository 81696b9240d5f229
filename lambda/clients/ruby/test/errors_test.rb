# frozen_string_literal: true

require "json"
require_relative "helper"

REASONS = JSON.parse(File.read(File.join(__dir__, "../../conformance/errors.json"))).fetch("errors")

class ErrorListTest < Minitest::Test
  def test_is_that_of_every_language
    assert_equal REASONS.map { |error| error["reason"] }, Meshbridge::BY_REASON.keys
    REASONS.each do |error|
      kind = Meshbridge.const_get(error["reason"].split("-").map(&:capitalize).join)
      assert_same kind, Meshbridge::BY_REASON[error["reason"]]
      assert_equal error["remedy"], kind::REMEDY
      assert_operator kind, :<, Meshbridge::Error
    end
  end
end

class ErrorsTest < ProxyTest
  def test_of_the_proxy_are_raised_as_what_they_are
    Meshbridge::BY_REASON.each do |reason, kind|
      proxy.respond = ->(request) { request.refuse(reason, 502) }
      error = assert_raises(kind) { mesh.get("ledger", "/") }
      assert_equal [reason, 502, "ledger", "what and remedy"], [error.reason, error.status, error.app, error.message]
    end
    assert_equal 1, proxy.connections
  end

  def test_that_nobody_knows_yet_are_raised_too
    proxy.respond = ->(request) { request.refuse("moon-in-the-way") }
    error = assert_raises(Meshbridge::Error) { mesh.get("ledger", "/") }
    assert_equal [Meshbridge::Error, "moon-in-the-way"], [error.class, error.reason]
  end

  def test_come_before_the_callers_block
    proxy.respond = ->(request) { request.refuse("throttled") }
    assert_raises(Meshbridge::Throttled) { mesh.get("ledger", "/") { flunk } }
  end

  def test_without_a_sound_body_have_the_remedy_for_a_message
    ["", "[]", '"x"', '{"error": 1}', '{"message": 5}', "\xff"].each do |body|
      proxy.respond = ->(request) { request.answer(503, body, "x-meshbridge-error" => "throttled") }
      assert_equal Meshbridge::Throttled::REMEDY, assert_raises(Meshbridge::Throttled) { mesh.get("ledger", "/") }.message
    end
  end

  def test_a_silent_proxy_is_given_up
    proxy.respond = ->(_request) { sleep }
    error = assert_raises(Meshbridge::DeadlineExceeded) { mesh.get("ledger", "/", timeout: 0.05) }
    assert_nil error.status
  end

  def test_of_configuration_come_before_any_call
    %w[https://127.0.0.1:8181 http://10.0.0.1:8181 http://example.com http://127.0.0.1:8181/path 127.0.0.1:8181
       unix:proxy.sock http://user@127.0.0.1:8181 http://127.0.0.1.example.com:8181 http:// http://].each do |address|
      assert_raises(Meshbridge::ConfigurationInvalid, address) { Meshbridge::Client.new(proxy: address) }
    end
    %w[http://localhost:8181 http://[::1]:8181/ http://127.8.0.1 unix:/tmp/proxy.sock].each do |address|
      Meshbridge::Client.new(proxy: address)
    end
  end
end
