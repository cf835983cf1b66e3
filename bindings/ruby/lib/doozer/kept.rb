# frozen_string_literal: true

module Doozer
  # What is held until it is given back: by the call that does so, at the end of its block, or, forgotten, in the
  # background when it is collected.
  module Kept
    # The path of its file; of a barrier, its directory.
    def path = _path

    private

    # At the end of a block, which may have failed.
    def end_of_block(_has_failed)
      _give_back(nil) unless _over
    end
  end

  # What may be lost before it is given back.
  module Losable
    include Kept

    # Waits until it is not held any more: until its session may have ended, because the cluster has confirmed nothing
    # for too long; or somebody deleted or overwrote its file; or it was given back. That of the session is known before
    # the cluster can let anybody else have it, unless this process stands still. Whether somebody deleted or overwrote
    # the file is looked at only while a thread (or a fiber) waits here.
    #
    # Returns true; false if it is still held after `timeout` seconds. Without one it waits without end.
    #
    # Raises Forked in the child of a fork.
    def wait_lost(timeout: nil)
      _lost(timeout)
      true
    rescue Timeout
      false
    end

    # Whether it is not surely held any more: it was given back or found lost, or its session may have ended; or this is
    # the child of a fork. Asks nobody: see `wait_lost`.
    def lost? = !_held

    # Raises LockLost if it is `lost?`, Forked in the child of a fork. Asks nobody.
    def check! = _check
  end

  private_constant :Kept, :Losable
end
