# frozen_string_literal: true

module Doozer
  # The files that match a glob as a live map, made by Client#discover: kept current in the background, so that looking
  # at it costs nothing. Without a connection it is what was known last. Forgotten, it is closed. In the child of a fork
  # it raises Forked.
  #
  # It can be used from several threads; a change that one of them was told of the others are not.
  class Live
    include Enumerable

    # What it is a map of.
    def glob = _glob

    # The files as they are now: a frozen Hash of File by path, sorted by path. Makes no request. The hash itself does not
    # change: each change makes another one.
    def files = _files

    # Waits until something has changed since this was last called, or since the map was made; then gives the files. A
    # reader that is slow gets several changes at once. Without end unless `timeout` (in seconds) is given. Given up, it
    # loses nothing.
    #
    # Raises StopIteration when it was closed (so `loop { live.changed }` ends); Timeout; Closed once the client is
    # closed; PermissionDenied.
    def changed(timeout: nil)
      _changed(timeout) or raise StopIteration, "#{self.class.name} was closed"
    end

    # Gives the files to the block after each change, until it is closed. Leaving the block does not close it. Without a
    # block: an Enumerator.
    #
    # Raises as `changed`, but Timeout.
    def each
      return to_enum(:each) unless block_given?

      while (files = _changed(nil))
        yield files
      end
      self
    end

    # Ends it: whoever waits for a change hears that it has ended, and the files stay as they are. Again, it does nothing.
    def close = _close

    # Whether it was closed here.
    def closed? = _closed

    def inspect = "#<#{self.class} #{glob}#{" closed" if closed?}>"

    private

    # At the end of a block.
    def end_of_block(_has_failed) = _close
  end
end
