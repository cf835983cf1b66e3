# frozen_string_literal: true

module Doozer
  # The version of the gem; its native part has the same.
  VERSION = "0.1.0"
end
