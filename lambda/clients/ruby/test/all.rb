# frozen_string_literal: true

# Every test; `ruby test/all.rb`, or `rake`.

Dir.glob("*_test.rb", base: __dir__).sort.each { |file| require_relative file }
