# frozen_string_literal: true

module Doozer
  # What comes one after another, made by Client#watch, #follow, #config, #observe and
  # #list. Nobody but a reader of it keeps a member busy: it
  # is opened when it is first read. In the child of a fork it raises Forked. Forgotten, it is closed.
  #
  # It can be read from several threads; what one gets the others do not.
  class Stream
    include Enumerable

    # The next one. Blocks until there is one; without end unless `timeout` (in seconds) is given. Given up, it loses
    # nothing.
    #
    # Raises what the stream ends with, once; StopIteration at the end and when it was closed (so `loop { s.next }` ends);
    # Timeout.
    def next(timeout: nil)
      item = _next(timeout)
      raise StopIteration, "#{self.class.name} has ended" if item.nil?

      item
    end

    # Gives each to the block as it comes, until the end. Leaving the block does not close it. Without a block: an
    # Enumerator.
    def each
      return to_enum(:each) unless block_given?

      while (item = _next(nil))
        yield item
      end
      self
    end

    # Ends it: whoever waits for the next one hears that it has ended. Again, it does nothing.
    def close = _close

    # Whether it was closed here.
    def closed? = _closed
  end

  # Every change of the files that match a glob: a Stream of Event. See Client#watch.
  class Watch < Stream; end

  # Every change of the files that match a glob, or the difference where changes are forgotten: a Stream of Event. See
  # Client#follow.
  class Follow < Stream; end

  # A file as a live value: a Stream of File. See Client#config and Client#observe.
  class Config < Stream; end

  # The files that match a glob: a Stream of Entry. See Client#list.
  class List < Stream; end
end
