# frozen_string_literal: true

module Meshbridge
  VERSION = "0.1.0"
end
