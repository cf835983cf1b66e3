# frozen_string_literal: true

module Doozer
  # A client of one cluster, made by Doozer.connect or Node#client; doozer/recipes.rb has its locks, elections and
  # services. It may be used from any thread; threads' calls run at the same time. In the child of a fork it opens a
  # connection of its own when it is first used there (but the client of an embedded member stays with the parent, and
  # raises Forked in a child).
  #
  # Every call takes `timeout:` in seconds: nil is the client's usual time limit, Float::INFINITY none; `wait`, and what
  # waits for others (`lock`, `elect`, `barrier`), have none by themselves. Reads take `consistency:`, :linearizable
  # (default) or :local. Every call blocks its thread (under a fiber scheduler its fiber) and nothing else; whatever
  # Ruby ends a wait with (Ctrl-C, Timeout.timeout, Thread#raise, Thread#kill) ends it at once, and takes the request
  # back from the member.
  #
  # Paths are strings of UTF-8, revisions integers, values strings of any bytes; those that are given back are frozen and
  # binary. Every call raises Timeout, Disconnected, PermissionDenied, Closed, Forked and Panic beside what it names.
  class Client
    include Scoped

    # Writes a file, provided that it has not changed since the revision `rev`: 0 is for a file that does not exist yet,
    # -1 for whatever there is. Returns the revision this made.
    #
    # Raises RevMismatch if it has changed; BadPath, IsDir or NotDir if no file can stand there; TooLarge, DiskFull; and
    # OutcomeUnknown if the call's time was over, or the client's session, before the answer came: then read whether it
    # was done.
    #
    # `fence` is a Lock or a Leader: the file is written only while that is still held, which the cluster looks at in the
    # same step; LockLost is raised if it is not, and Forked in a child of the process that holds it.
    def set(path, value, rev, fence: nil, timeout: nil) = _set(path, value, rev, fence, timeout)

    # Makes a file that does not exist yet: `set` with revision 0. Returns its revision.
    #
    # Raises as `set`; RevMismatch if it exists.
    def add(path, value, timeout: nil) = _add(path, value, timeout)

    # Deletes a file, provided that it has not changed since the revision `rev`, see `set`. Returns the revision this
    # made; 0 if there was nothing to delete. `fence` as in `set`.
    #
    # Raises as `set`.
    def del(path, rev, fence: nil, timeout: nil) = _del(path, rev, fence, timeout)

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

    # Every change of the files that match a glob, for the long run: a Follow of Event. From a revision on as `watch`;
    # without one, or where the member does not keep that revision any more, it begins with what there is, or with the
    # difference between what was told and what there is. With a block, each is given to the block, and the stream is
    # closed when the block is left.
    #
    # Raises BadGlob or Range, when the first is asked for.
    def follow(glob, rev = nil, &block)
      flow(_follow(glob, rev), &block)
    end

    # A file as a live value: a Config of File, first as it is, then as it is after each change. A reader that is too slow
    # misses changes, but never the latest. With a block, each is given to the block, and the stream is closed when the
    # block is left.
    #
    # Raises BadPath or IsDir, when the first is asked for.
    def config(path, &block)
      flow(_config(path), &block)
    end

    # Writes again what a file held at an older revision, unless it changes meanwhile. Returns the revision this made; if
    # the file is still the one of that time, its own.
    #
    # Raises NoEntry if there was no such file then; TooLate if the member does not keep that revision any more;
    # RevMismatch if it changes meanwhile; Range if the revision is negative; and as `set`.
    def rollback(path, rev, timeout: nil) = _rollback(path, rev, timeout)

    # A transaction: several changes, made all of them or none, under conditions. Returns a Txn to put together and
    # commit. With a block, gives it to the block, commits it when the block has come to its end (not if it is left in
    # another way), within `timeout`, and returns the revisions, see Txn#commit.
    #
    #   client.txn.if_absent("/a").set("/a", "1", 0).commit
    #   client.txn { |txn| txn.if_rev("/a", 40).set("/a", "1", -1).set("/b", "2", -1) }
    #
    # Raises Closed; with a block as Txn#commit.
    def txn(timeout: nil)
      raise ArgumentError, "timeout: is of commit, unless there is a block" if timeout && !block_given?

      txn = _txn
      return txn unless block_given?

      yield txn
      txn.commit(timeout:)
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

    def end_of_block(_has_failed) = close

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
