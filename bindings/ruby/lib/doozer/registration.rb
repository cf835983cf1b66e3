# frozen_string_literal: true

module Doozer
  # A file that is there for as long as this process, made by Client#register. Forgotten, it is taken back in the
  # background when it is collected. In the child of a fork it raises Forked.
  class Registration
    include Kept

    # The revision of the file; nil while it may be gone with a lost session, until it is written again, and once it is
    # taken back, and in the child of a fork. Asks nobody.
    def rev = _rev

    # Takes it back; when this returns, the file is gone. What somebody else has made of it is left alone, and is no
    # error. Interrupted, it goes on in the background. Takes no longer than is usual for the client.
    #
    # Raises Closed if it was taken back before.
    def deregister = _give_back(nil)

    def inspect = "#<#{self.class} #{path}#{" rev=#{rev}" if rev}>"
  end
end
