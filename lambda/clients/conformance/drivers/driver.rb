# frozen_string_literal: true

# Makes the Ruby client do what a line of JSON says, and says as one what came of it.

require "digest"
require "json"
require_relative "../../ruby/lib/meshbridge"

STORED_BODY = 64 * 1024
BLOCK = ([*0..250].pack("C*") * 261).freeze
CLIENTS = {} # rubocop:disable Style/MutableConstant
CLIENTS_LOCK = Mutex.new

# A body that is made while it is read.
class Pattern
  def initialize(length)
    @left = length
  end

  def read(_length = nil, buffer = +"")
    return nil if @left.zero?

    piece = BLOCK.byteslice(0, @left)
    @left -= piece.bytesize
    buffer.replace(piece)
  end
end

# What came of one answer.
class Told
  def initialize
    @digest = Digest::SHA256.new
    @length = 0
    @start = "".b
  end

  def <<(piece)
    @digest << piece
    @length += piece.bytesize
    @start << piece.byteslice(0, STORED_BODY - @start.bytesize)
    self
  end

  def of(response)
    headers = response.to_hash.flat_map { |name, values| values.map { |value| [name, value] } }
    { status: response.code.to_i, headers: headers, length: @length, sha256: @digest.hexdigest, body: [@start].pack("m0") }
  end
end

def body_of(call, copy)
  body = call["body"] or return
  return Pattern.new(body["stream"]) if body["stream"]
  return body["base64"].unpack1("m0") if body["base64"]

  body["text"] + (call["copies"] ? format("-%02d", copy) : "")
end

def outcome(call, copy)
  settings = call["settings"].transform_keys(&:to_sym)
  mesh = CLIENTS_LOCK.synchronize { CLIENTS[settings] ||= Meshbridge::Client.new(**settings) }
  options = { query: call["query"], headers: call["headers"], body: body_of(call, copy) }
  options[:timeout] = call["timeout_ms"] / 1000.0 if call["timeout_ms"]
  arguments = [call.fetch("method", "GET"), call.fetch("app", "ledger"), call["path"]]
  told = Told.new
  case call["read"]
  when "stream"
    told.of(mesh.request(*arguments, **options) { |response| response.read_body { |piece| told << piece } })
  when "start"
    mesh.request(*arguments, **options) do |response|
      response.read_body do |piece|
        # Net::HTTP may begin with a piece of nothing.
        return (told << piece.byteslice(0, 10)).of(response) unless piece.empty?
      end
    end
  else
    response = mesh.request(*arguments, **options)
    told << response.body if response.body
    told.of(response)
  end
rescue Meshbridge::Error => e
  { error: { type: e.class.name, reason: e.reason, status: e.status, app: e.app, message: e.message, remedy: e.remedy } }
end

$stdout.sync = true
$stdin.each_line do |line|
  call = JSON.parse(line)
  threads = Array.new(call.fetch("copies", 1)) { |copy| Thread.new { outcome(call, copy) } }
  puts JSON.generate(threads.map(&:value))
end
