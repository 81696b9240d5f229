# frozen_string_literal: true

require_relative "meshbridge/version"
require_relative "meshbridge/errors"
require_relative "meshbridge/client"

# Calls apps of the mesh from AWS Lambda, through meshbridge's local proxy.
#
#   mesh = Meshbridge::Client.new
#   mesh.get("ledger", "/v1/balances").body
module Meshbridge
end
