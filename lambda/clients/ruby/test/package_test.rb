# frozen_string_literal: true

require "rubygems"
require_relative "helper"

ROOT = File.expand_path("..", __dir__)

class ReadmeTest < ProxyTest
  def test_examples_run
    proxy.respond = lambda do |request|
      request.read_body
      next request.refuse("upstream-not-allowed", 403) if request.headers["host"] == "payroll"

      request.answer(200, '{"EUR": 5}', "content-type" => "application/json")
    end
    examples = File.read(File.join(ROOT, "README.md")).scan(/```ruby\n(.*?)```/m).flatten
    found = { "MESHBRIDGE_PROXY" => proxy.address, "MESHBRIDGE_TOKEN_FILE" => token_file }
    shared = Object.new.instance_eval { binding }
    printed, = capture_io { with_environment(found) { examples.each { |example| shared.eval(example, "README.md") } } }
    assert_equal 4, examples.size
    assert_equal %w[ledger ledger ledger payroll], proxy.seen.map { |request| request.headers["host"] }
    assert_equal ["10", "what and remedy", "upstream-not-allowed 403 payroll"], printed.lines(chomp: true).first(3)
    shared.local_variable_get(:mesh).close
  end
end

class PackageTest < Minitest::Test
  def test_has_what_it_needs_and_nothing_else
    spec = Gem::Specification.load(File.join(ROOT, "meshbridge.gemspec"))
    assert_equal [Meshbridge::VERSION, "Apache-2.0", []], [spec.version.to_s, spec.license, spec.dependencies]
    assert_equal %w[LICENSE README.md lib/meshbridge.rb lib/meshbridge/call.rb lib/meshbridge/client.rb lib/meshbridge/errors.rb
                    lib/meshbridge/proxy.rb lib/meshbridge/version.rb], spec.files.sort
  end

  def test_has_the_licence_of_the_project
    assert_equal File.read(File.join(ROOT, "../../../LICENSE")), File.read(File.join(ROOT, "LICENSE"))
  end
end
