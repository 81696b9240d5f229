# frozen_string_literal: true

require_relative "lib/meshbridge/version"

Gem::Specification.new do |spec|
  spec.name = "meshbridge"
  spec.version = Meshbridge::VERSION
  spec.summary = "Calls apps of the mesh from AWS Lambda, through meshbridge's local proxy"
  spec.authors = ["The meshbridge authors"]
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  spec.files = Dir.glob("lib/**/*.rb", base: __dir__).sort + %w[LICENSE README.md]
  spec.metadata = { "rubygems_mfa_required" => "true" }
end
