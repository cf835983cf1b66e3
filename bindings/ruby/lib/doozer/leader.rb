# frozen_string_literal: true

module Doozer
  # Who was elected, made by Client#elect. Forgotten, it resigns in the background when it is collected. In the child of a
  # fork it does not lead, and raises Forked.
  class Leader
    include Losable

    # The fencing token: greater for each leader than for the one before, and the same however often it proclaims.
    def token = _token

    # Whether it surely leads: the opposite of `lost?`.
    def leading? = _held

    # Says something else from now on: writes the election's file. Returns the revision of that; the token stays. Takes
    # no longer than is usual for the client. Interrupted, it may have been said, or not.
    #
    # Raises LockLost if it does not lead any more; Closed if it has resigned; and as Client#set.
    def proclaim(value) = _proclaim(value)

    # Leads no longer; the next candidate does. Takes no longer than is usual for the client.
    #
    # Raises LockLost if it did not lead any more; Closed if it has resigned before. After another error it may be
    # called again.
    def resign = _give_back(nil)

    def inspect = "#<#{self.class} #{path} token=#{token}#{" leading" if leading?}>"
  end
end
