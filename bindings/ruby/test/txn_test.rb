# frozen_string_literal: true

require_relative "helper"

# Transactions.
class TxnTest < DoozerTest
  def test_all_of_it_is_made
    a = client.set("/a", "1", 0)
    revs = client.txn.if_rev("/a", a).if_value("/a", "1").if_absent("/b")
                 .set("/a", "2", a).set("/b", "\xff".b, 0).del("/none", -1).set_ephemeral("/c", "", 0).commit
    assert_equal [a + 1, a + 2, nil, a + 3], revs
    assert_predicate revs, :frozen?
    assert_equal ["2", "\xff".b, ""], %w[/a /b /c].map { |path| client.get(path).value }
    assert_equal [], client.txn.commit
  end

  def test_or_nothing
    a = client.set("/a", "1", 0)
    error = assert_raises(Doozer::CompareFailed) { client.txn.if_absent("/b").if_rev("/a", 0).set("/b", "", 0).commit }
    assert_equal ["txn", nil, [:compare, 2], true], [error.operation, error.path, error.part, error.part.frozen?]
    error = assert_raises(Doozer::RevMismatch) { client.txn.set("/b", "", 0).set("/a", "", 0).commit }
    assert_equal [:operation, 2], error.part
    assert_nil assert_raises(Doozer::RevMismatch) { client.add("/a", "") }.part
    assert_equal a, client.rev
  end

  def test_a_block_is_committed_at_its_end
    assert_equal [client.rev + 1], client.txn { |txn| txn.set("/a", "1", 0) }
    rev = client.rev
    assert_raises(Stop) { client.txn { |txn| txn.set("/a", "2", -1) && raise(Stop) } }
    assert_nil(client.txn { |txn| txn.set("/a", "2", -1) && break })
    error = assert_raises(Doozer::Closed) { client.txn { |txn| txn.set("/b", "", -1).commit } }
    assert_includes error.message, "Client#txn"
    assert_equal ["1", rev + 1], [client.get("/a").value, client.rev]
    assert_equal [rev + 2], client.txn(timeout: 5) { |txn| txn.set("/a", "2", -1) }
  end

  def test_one_that_was_made_is_over_and_one_that_failed_is_not
    txn = client.txn.if_absent("/a").set("/b", "", -1)
    blocking = client.set("/a", "", 0)
    assert_raises(Doozer::CompareFailed) { txn.commit }
    client.del("/a", blocking)
    assert_equal [client.rev + 1], txn.commit(timeout: 5)
    assert_raises(Doozer::Closed) { txn.commit }
    assert_raises(Doozer::Closed) { txn.set("/c", "", 0) }
  end

  def test_a_transaction_under_a_lock
    lock = client.lock("/l")
    leader = client.elect("/leader", "me")
    client.txn.fence(lock).fence(leader).if_fence("/l", lock.rev).set("/a", "1", 0).commit
    another.del("/leader", -1)
    error = assert_raises(Doozer::CompareFailed) { client.txn.fence(lock).fence(leader).set("/a", "2", -1).commit }
    assert_equal [:compare, 2], error.part
    assert_equal "1", client.get("/a").value
  end

  def test_parts_that_cannot_be
    assert_raises(Doozer::BadPath) { client.txn.set("a", "", 0).commit }
    assert_raises(Doozer::TooLarge) { client.txn { |many| 129.times { |i| many.set("/#{i}", "", 0) } } }
  end

  def test_a_file_is_rolled_back
    first = client.set("/conf", "one", 0)
    client.set("/conf", "two", -1)
    rev = client.rollback("/conf", first)
    assert_equal ["one", rev], client.get("/conf").to_a
    assert_raises(Doozer::NoEntry) { client.rollback("/conf", first - 1) }
    assert_raises(Doozer::Range) { client.rollback("/conf", -1) }
  end
end
