# frozen_string_literal: true

module Doozer
  # Locks, elections, services, barriers: what processes need again and again of each other. All of it stands on the
  # client's session: what a process holds goes when the process does, its session's TTL (`session_ttl` of
  # Doozer.connect) after it was last heard of.
  class Client
    # Takes a lock: makes the file `path`, bound to the client's session, as soon as it does not exist. Those who wait are
    # served in order; without end unless `timeout` is given. Returns the Lock. With a block, gives the Lock to the block,
    # gives it back when the block is left, and returns what the block does.
    #
    # Its holder knows that it lost it (Lock#lost?, #wait_lost) before the cluster can give it to the next one, unless
    # it stood still meanwhile. So hand the fencing token, Lock#rev, to what the lock protects; for writes to Doozer
    # itself there is `fence:`. The file holds the session's label, for people. Whoever deletes or overwrites it takes
    # the lock away.
    #
    # Raises as `set`, but neither RevMismatch nor OutcomeUnknown. With a block also as Lock#unlock, unless the block
    # itself raises.
    def lock(path, timeout: nil, &block)
      return _lock(path, timeout, nil) unless block

      scoped(block) { |given| _lock(path, timeout, given) }
    end

    # Takes a lock if nobody holds it; returns nil if somebody does, and the block is not called. Otherwise as `lock`.
    def try_lock(path, timeout: nil, &block)
      return _try_lock(path, timeout, nil) unless block

      scoped(block) { |given| _try_lock(path, timeout, given) }
    end

    # Takes a read-write lock, in the directory `path`, to read: many can, as long as nobody writes. All are served in
    # the order in which they came. Otherwise as `lock`; the Lock's path is that of a file of its own.
    #
    # Raises as `lock`; NotDir if there is a file.
    def read_lock(path, timeout: nil, &block)
      return _read_lock(path, timeout, nil) unless block

      scoped(block) { |given| _read_lock(path, timeout, given) }
    end

    # Takes a read-write lock to write: alone. Otherwise as `read_lock`.
    def write_lock(path, timeout: nil, &block)
      return _write_lock(path, timeout, nil) unless block

      scoped(block) { |given| _write_lock(path, timeout, given) }
    end

    # Takes one of `n` places of a semaphore, in the directory `path`. All have to say the same `n`. Otherwise as
    # `read_lock`.
    #
    # Raises as `read_lock`; Range if there are no places at all.
    def semaphore(path, n, timeout: nil, &block)
      return _semaphore(path, n, timeout, nil) unless block

      scoped(block) { |given| _semaphore(path, n, timeout, given) }
    end

    # Stands for election: waits until the file `path` is this candidate's, which then leads. The file holds `value`,
    # for everybody to see (`get`, `observe`). Candidates are elected in the order in which they came. Returns the
    # Leader; with a block, it resigns when the block is left. Otherwise as `lock`.
    #
    # Raises as `lock`; TooLarge.
    def elect(path, value, timeout: nil, &block)
      return _elect(path, value, timeout, nil) unless block

      scoped(block) { |given| _elect(path, value, timeout, given) }
    end

    # Who leads, and who leads next, as a live value: a Config of File that holds what the leader said last; while nobody
    # leads, no value. With a block as `config`.
    #
    # Raises as `config`.
    def observe(path, &block)
      flow(_observe(path), &block)
    end

    # Writes a file that is there as long as this process is, whatever was there before: if the session is lost, it is
    # written again under the next one. What somebody else deletes or overwrites is left alone. Returns the
    # Registration. With a block, gives the Registration to the block, takes the file back when the block is left, and
    # returns what the block does.
    #
    # Raises BadPath, IsDir, NotDir, TooLarge. With a block also as Registration#deregister, unless the block itself
    # raises.
    def register(path, value, timeout: nil, &block)
      return _register(path, value, timeout, nil) unless block

      scoped(block) { |given| _register(path, value, timeout, given) }
    end

    # The files that match a glob, such as services that were registered, as a live map: a Live, once it is known what
    # there is. With a block, gives the Live to the block, closes it when the block is left, and returns what the block
    # does.
    #
    # Raises BadGlob.
    def discover(glob, timeout: nil, &block)
      return _discover(glob, timeout, nil) unless block

      scoped(block) { |given| _discover(glob, timeout, given) }
    end

    # Goes through a barrier, in the directory `path`: waits until `n` have come, this one included; without end unless
    # `timeout` is given. Returns the Entered. With a block, gives the Entered to the block, leaves at the block's end,
    # which waits for the others to leave (but not if the block raises), and returns what the block does.
    #
    # Raises as `set`, but neither RevMismatch nor OutcomeUnknown; LockLost if the session was lost while it waited;
    # NotDir if there is a file; Range for a barrier for nobody. With a block also as Entered#leave, unless the block
    # itself raises.
    def barrier(path, n, timeout: nil, &block)
      return _enter(path, n, timeout, nil) unless block

      scoped(block) { |given| _enter(path, n, timeout, given) }
    end
  end
end
