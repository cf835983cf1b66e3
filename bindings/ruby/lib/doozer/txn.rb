# frozen_string_literal: true

module Doozer
  # A transaction that is being put together, made by Client#txn: what must hold, and what is then done, all of it or
  # nothing. Up to 128 conditions and changes together. Every method but `commit` adds a part and returns the
  # transaction itself.
  #
  # Conditions look at the files as they are before; a change sees what the changes before it did. Conditions and
  # changes are counted from 1, each in the order they are added: Error#part names the one that refused it.
  class Txn
    # The file's revision is this one; 0: nothing is there.
    def if_rev(path, rev) = tap { _if_rev(path, rev) }

    # The file holds this value.
    def if_value(path, value) = tap { _if_value(path, value) }

    # Nothing is there, no directory either.
    def if_absent(path) = tap { _if_absent(path) }

    # The file is bound to a session by this fencing token, such as Lock#rev. The token of a file that is bound to none is
    # its revision.
    def if_fence(path, token) = tap { _if_fence(path, token) }

    # A Lock is still held, or a Leader still leads: `if_fence` with its file and its token.
    #
    # Raises Forked in a child of the process that holds it.
    def fence(held) = tap { _fence(held) }

    # Writes a file, by the rule of Client#set.
    def set(path, value, rev) = tap { _set(path, value, rev) }

    # Writes a file that goes when the client's session ends.
    def set_ephemeral(path, value, rev) = tap { _set_ephemeral(path, value, rev) }

    # Deletes a file, by the rule of Client#del.
    def del(path, rev) = tap { _del(path, rev) }

    # Has it made. Returns the revision that each change took, in their order: a frozen array; nil stands for the
    # deletion of a file that was not there. They are consecutive, and nobody who reads the current state sees only some
    # of them.
    #
    # Raises CompareFailed if a condition does not hold; what a change would end with by itself, see Client#set;
    # TooLarge for too many parts; Closed if it was made before. After any other error it may be changed and tried
    # again.
    def commit(timeout: nil) = _commit(timeout)
  end
end
