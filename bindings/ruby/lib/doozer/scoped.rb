# frozen_string_literal: true

module Doozer
  # What is given to a block, and ends with it: clients, members, and whatever clients hold.
  module Scoped
    private

    # What a block does with what it is given for as long as it runs; nil is given to no block.
    #
    # An interrupt may come when the native call has taken it and returns: then it is in `given` all the same. None
    # comes on the way into `give_back`, however many there are: Ruby looks for them where it branches and where a
    # method returns, and neither happens outside of what `ensure` covers.
    def scoped(block, given = [])
      kept = yield given
      block.call(kept) if kept
    rescue Exception
      has_failed = true
      raise
    ensure
      give_back(given, has_failed)
    end

    # Whatever prevents it now, the background tries on; what the block itself raised matters more than that.
    def give_back(given, has_failed)
      given.each { |one| one.send(:end_of_block, has_failed) }
    rescue Error
      raise unless has_failed
    ensure
      Native.abandon(given)
    end
  end
  private_constant :Scoped
end
