# frozen_string_literal: true

module Doozer
  # A lock that is held, made by Client#lock. Forgotten, it is given back in the background when it is collected. In the
  # child of a fork it is not held, and raises Forked.
  class Lock
    # The lock's file.
    def path = _path

    # The fencing token: the revision of the lock's file, which grows from holder to holder.
    def rev = _rev

    # Whether it is still to be given back: false once it was, or was found lost.
    def held? = _held

    # Gives it back; when this returns, it is free. Takes no longer than `lock` was allowed to, or than is usual for the
    # client.
    #
    # Raises LockLost if it was not this holder's any more; Closed if it was given back, or found lost, before. After
    # another error it may be called again.
    def unlock = _unlock

    def inspect = "#<#{self.class} #{path} rev=#{rev}#{" held" if held?}>"

    private

    # At the end of a block. Whatever prevents it now, the background tries on; what the block itself raised matters
    # more than that.
    def give_back(quietly:)
      unlock if held?
    rescue Error
      raise unless quietly
    ensure
      _abandon
    end
  end
end
