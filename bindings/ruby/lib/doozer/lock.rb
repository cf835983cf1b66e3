# frozen_string_literal: true

module Doozer
  # A lock that is held, made by Client#lock, #try_lock, #read_lock, #write_lock and #semaphore. Forgotten, it is given
  # back in the background when it is collected. In the child of a fork it is not held, and raises Forked.
  class Lock
    include Losable

    # The fencing token: the revision of the holder's file, which grows from holder to holder.
    def rev = _rev

    # Whether it surely is held: the opposite of `lost?`.
    def held? = _held

    # For how many seconds it surely is held, if it is not given back and nobody deletes or overwrites its file; 0.0
    # once it is not. Asks nobody.
    def valid_for = _valid_for

    # Gives it back; when this returns, it is free, or the next one has it. Takes no longer than is usual for the
    # client.
    #
    # Raises LockLost if it was not this holder's any more; Closed if it was given back before. After another error it
    # may be called again; the giving back goes on in the background all the same.
    def unlock = _give_back(nil)

    def inspect = "#<#{self.class} #{path} rev=#{rev}#{" held" if held?}>"
  end
end
