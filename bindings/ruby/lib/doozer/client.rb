# frozen_string_literal: true

module Doozer
  # A client of one cluster, made by Doozer.connect or Node#client. It may be used from any thread; threads' calls run at
  # the same time. In the child of a fork it opens a connection of its own when it is first used there (but the client of
  # an embedded member stays with the parent, and raises Forked in a child).
  #
  # Every call takes `timeout:` in seconds: nil is the client's usual time limit, Float::INFINITY none; `wait` and `lock`
  # have none by themselves. Reads take `consistency:`, :linearizable (default) or :local. Every call blocks its thread
  # (under a fiber scheduler its fiber) and nothing else; whatever Ruby ends a wait with (Ctrl-C, Timeout.timeout,
  # Thread#raise, Thread#kill) ends it at once, and takes the request back from the member.
  #
  # Paths are strings of UTF-8, revisions integers, values strings of any bytes; those that are given back are frozen and
  # binary. Every call raises Timeout, Disconnected, PermissionDenied, Closed, Forked and Panic beside what it names.
  class Client
    # Writes a file, provided that it has not changed since the revision `rev`: 0 is for a file that does not exist yet,
    # -1 for whatever there is. Returns the revision this made.
    #
    # Raises RevMismatch if it has changed; BadPath, IsDir or NotDir if no file can stand there; TooLarge, DiskFull; and
    # OutcomeUnknown if the connection was lost before the answer came: then read whether it was done.
    def set(path, value, rev, timeout: nil) = _set(path, value, rev, timeout)

    # Makes a file that does not exist yet: `set` with revision 0. Returns its revision.
    #
    # Raises as `set`; RevMismatch if it exists.
    def add(path, value, timeout: nil) = _add(path, value, timeout)

    # Deletes a file, provided that it has not changed since the revision `rev`, see `set`. Returns the revision this made;
    # 0 if there was nothing to delete.
    #
    # Raises as `set`.
    def del(path, rev, timeout: nil) = _del(path, rev, timeout)

    # Reads a file, as it is or as it was at a revision; one that has not come yet is waited for. Returns a File, whose
    # value is nil and whose revision is 0 if there is no such file.
    #
    # Raises IsDir if there is a directory, BadPath, TooLate if the member does not keep that revision any more, Range if
    # it is negative.
    def get(path, rev = nil, timeout: nil, consistency: nil) = _get(path, rev, timeout, consistency)

    # The current revision.
    def rev(timeout: nil) = _rev(timeout)

    # Looks at a file or a directory. Returns a Stat; that there is nothing is no error.
    #
    # Raises BadPath, TooLate, Range.
    def stat(path, rev = nil, timeout: nil, consistency: nil) = _stat(path, rev, timeout, consistency)

    # The names in a directory, sorted.
    #
    # Raises NotDir if there is a file, NoEntry if there is nothing; BadPath, TooLate, Range.
    def getdir(path, rev = nil, timeout: nil, consistency: nil) = _getdir(path, rev, timeout, consistency)

    # The files that match a glob (`?`, `*`, `**`), all at one revision, sorted by path: an array of Entry.
    #
    # Raises BadGlob, TooLate, Range.
    def walk(glob, rev = nil, timeout: nil, consistency: nil) = _walk(glob, rev, timeout, consistency)

    # The files that match a glob, fetched as they are asked for: a List of Entry, all at one revision; at most `limit`
    # of them, without their values if `keys_only`. With a block, each is given to the block, and the list is closed
    # when the block is left.
    #
    # Raises as `walk`, when the first is asked for.
    def list(glob, rev = nil, limit: nil, keys_only: false, timeout: nil, consistency: nil, &block)
      flow(_list(glob, rev, limit, keys_only ? true : false, timeout, consistency), &block)
    end

    # Waits for the first change of a file that matches a glob on or after a revision. Returns an Event. Without end
    # unless `timeout` is given.
    #
    # Raises BadGlob; TooLate if the member does not keep that revision any more; Range if it is negative.
    def wait(glob, rev, timeout: nil) = _wait(glob, rev, timeout)

    # Every change of the files that match a glob, on or after a revision, in order: a Watch of Event. None is missed,
    # whatever happens to connections. With a block, each is given to the block, and the watch is closed when the block is
    # left.
    #
    # Raises as `wait`, when the first is asked for.
    def watch(glob, rev, &block)
      flow(_watch(glob, rev), &block)
    end

    # A file as a live value: a Config of File, first as it is, then as it is after each change. A reader that is too slow
    # misses changes, but never the latest. With a block, each is given to the block, and the stream is closed when the
    # block is left.
    #
    # Raises BadPath or IsDir, when the first is asked for.
    def config(path, &block)
      flow(_config(path), &block)
    end

    # Takes a lock: makes the file `path`, waiting for whoever holds it to delete it; without end unless `timeout` is
    # given. Returns the Lock. With a block, gives the Lock to the block, gives it back when the block is left, and
    # returns what the block does.
    #
    # This is the simple lock. What a process held that died stays locked until somebody deletes the file; waiters are
    # not served in order; and whoever deletes or overwrites the file takes the lock away from its holder, who learns of
    # it when giving it back only. So hand the fencing token, Lock#rev, to what the lock protects.
    #
    # Raises as `set`, but neither RevMismatch nor OutcomeUnknown. With a block also as Lock#unlock, unless the block
    # itself raises.
    def lock(path, timeout: nil)
      return _lock(path, timeout) unless block_given?

      begin
        # Nothing can come between the two: Ruby looks for interrupts when a method of its own returns.
        held = _lock(path, timeout)
        yield held
      rescue Exception
        has_failed = true
        raise
      ensure
        held&.send(:give_back, quietly: has_failed)
      end
    end

    # Passes through the cluster's consensus without changing anything: proof that writing works.
    def nop(timeout: nil) = _nop(timeout)

    # The id of the member this client is connected to.
    def self_id(timeout: nil) = _self_id(timeout)

    # Presents a secret, now and on every connection to come.
    #
    # Raises PermissionDenied if it is wrong; then nothing has changed.
    def access(secret, timeout: nil) = _access(secret, timeout)

    # Closes the client: calls under way end with Closed, or, writes that were sent, with OutcomeUnknown. Again, it does
    # nothing. In the child of a fork nothing of the parent's is touched.
    def close = _close

    # Whether it was closed.
    def closed? = _closed

    private

    # A stream, or what a block does with each of its items.
    def flow(stream, &block)
      return stream unless block

      begin
        stream.each(&block)
        nil
      ensure
        stream.close
      end
    end
  end
end
