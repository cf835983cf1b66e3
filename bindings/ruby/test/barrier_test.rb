# frozen_string_literal: true

require_relative "helper"

# Barriers.
class BarrierTest < DoozerTest
  def test_those_who_come_wait_for_each_other_and_so_do_those_who_leave
    log = Thread::Queue.new
    threads = Array.new(3) do |i|
      mine = another
      thread do
        log << :came
        mine.barrier("/b", 3) do |entered|
          assert_equal "/b", entered.path
          log << :inside
          i
        end.tap { log << :left }
      end
    end
    assert_equal [0, 1, 2], threads.map(&:value)
    assert_equal [:came] * 3 + [:inside] * 3 + [:left] * 3, Array.new(9) { log.pop }
    assert_empty client.walk("/b/**")
  end

  def test_one_who_is_alone
    assert_raises(Doozer::Timeout) { client.barrier("/b", 2, timeout: 0.1) }
    until_so { client.walk("/b/**").empty? }
    entered = client.barrier("/b", 1)
    assert_equal false, entered.wait_lost(timeout: 0.01)
    assert_equal [false, true, nil], [entered.lost?, entered.inside?, entered.check!]
    assert_nil entered.leave
    assert_equal true, entered.wait_lost
    assert_nil entered.leave, "again, it does nothing"
    assert_equal 5, client.barrier("/b", 1) { 5 }
    assert_empty client.walk("/b/**")
  end

  def test_what_a_block_raises_does_not_wait_for_the_others
    mine = another
    second = thread { mine.barrier("/b", 2) }
    at_once { assert_raises(Stop) { client.barrier("/b", 2) { raise Stop } } }
    at_once { assert_nil second.value.leave }
    assert_empty client.walk("/b/**")
  end

  def test_who_gives_up_waiting_for_the_others_may_wait_again
    mine = another
    second = thread { mine.barrier("/b", 2) }
    first = client.barrier("/b", 2)
    second = second.value
    error = assert_raises(Doozer::Timeout) { first.leave(timeout: 0.1) }
    assert_equal ["leave", "/b"], [error.operation, error.path]
    waiting = thread { first.leave }
    until_so { waiting.stop? }
    waiting.raise(Stop)
    at_once { assert_raises(Stop) { waiting.value } }
    assert_nil second.leave, "the first has left, though it does not wait any more"
    assert_nil first.leave
    assert_empty client.walk("/b/**")
  end

  def test_who_is_taken_out_is_told
    entered = client.barrier("/b", 1)
    watcher = thread { entered.wait_lost }
    until_so { watcher.stop? }
    another.walk("/b/members/*").each { |entry| another.del(entry.path, entry.rev) }
    assert_equal true, watcher.value
    assert_equal [true, false], [entered.lost?, entered.inside?]
    error = assert_raises(Doozer::LockLost) { entered.check! }
    assert_equal ["check", "/b"], [error.operation, error.path]
    assert_raises(Doozer::LockLost) { entered.leave }
  end
end
