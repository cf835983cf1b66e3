# frozen_string_literal: true

module Doozer
  # Who went through a barrier, made by Client#barrier. Forgotten, or dead, it counts as having left. In the child of a
  # fork it raises Forked.
  class Entered
    include Losable

    # Whether it surely counts as inside: the opposite of `lost?`.
    def inside? = _held

    # Leaves, and waits until all who entered together have left; without end unless `timeout` (in seconds) is given.
    #
    # Raises LockLost if it counted as having left before; Closed once its block was left. Interrupted, or after another
    # error, it may be called again; the leaving goes on in the background all the same. Once all have left it does
    # nothing.
    def leave(timeout: nil) = _give_back(timeout)

    def inspect = "#<#{self.class} #{path}#{" inside" if inside?}>"

    private

    # What the block raised is not held up until the others leave; letting go of it is leaving, too.
    def end_of_block(has_failed) = has_failed ? nil : super
  end
end
