# frozen_string_literal: true

require_relative "helper"

# The simple lock.
class LockTest < DoozerTest
  def test_a_lock_is_taken_and_given_back
    lock = client.lock("/l")
    assert_equal [true, "/l", client.stat("/l").rev], [lock.held?, lock.path, lock.rev]
    assert_includes lock.inspect, "held"
    assert_raises(Doozer::Timeout) { another.lock("/l", timeout: 0.1) }
    assert_nil lock.unlock
    refute_predicate lock, :held?
    assert_raises(Doozer::Closed) { lock.unlock }
    assert_equal 0, client.get("/l").rev
  end

  def test_a_block_holds_it_and_returns_its_value
    kept = nil
    assert_equal 42, client.lock("/l") { |lock| (kept = lock).held? && 42 }
    refute_predicate kept, :held?
    assert_equal 0, client.get("/l").rev
  end

  def test_a_block_gives_it_back_however_it_is_left
    assert_raises(Stop) { client.lock("/l") { raise Stop } }
    client.lock("/l", timeout: 5) { break }
    catch(:out) { client.lock("/l", timeout: 5) { throw :out } }
    killed = thread { client.lock("/l", timeout: 5) { Thread.current.kill } }
    killed.join
    assert_raises(Timeout::Error) { Timeout.timeout(0.2) { client.lock("/l", timeout: 5) { client.wait("/x", 1) } } }
    assert_equal 0, client.get("/l").rev
    client.lock("/l", timeout: 5, &:unlock)
    assert_equal 0, client.get("/l").rev, "a block may give it back itself"
  end

  def test_a_lost_lock_is_told
    assert_raises(Doozer::LockLost) { client.lock("/l") { another.del("/l", -1) } }
    assert_raises(Stop, "what the block raises matters more") { client.lock("/l") { another.del("/l", -1) && raise(Stop) } }
    lock = client.lock("/l")
    another.set("/l", "mine now", -1)
    assert_raises(Doozer::LockLost) { lock.unlock }
    refute_predicate lock, :held?
  end

  def test_threads_take_turns
    inside = 0
    tokens = []
    threads = Array.new(4) do
      mine = another
      thread do
        5.times do
          mine.lock("/l") do |lock|
            inside += 1
            assert_equal 1, inside
            tokens << lock.rev
            mine.nop
            inside -= 1
          end
        end
      end
    end
    threads.each(&:value)
    assert_equal 20, tokens.size
    assert_equal tokens.sort, tokens
  end

  def test_a_wait_for_a_lock_that_is_interrupted_leaves_nothing_behind
    held = client.lock("/l")
    mine = proxied
    waiting = thread { mine.lock("/l") }
    proxy.tell("expect WATCH")
    waiting.raise(Stop)
    at_once { assert_raises(Stop) { waiting.value } }
    proxy.tell("expect CANCEL")
    rev = client.rev
    held.unlock
    assert_equal rev + 1, proxied.rev, "nobody made the file since"
    assert_equal 0, client.get("/l").rev
  end

  def test_a_lock_that_is_forgotten_is_given_back
    forget = -> { Array.new(10) { |i| client.lock("/forgotten/#{i}").rev } }
    # In a thread, so that nothing of it stays on this stack.
    thread(&forget).value
    # Collected or not is not for sure for any one of them, but for most.
    until_so do
      GC.start
      client.list("/forgotten/*").count < 5
    end
  end
end
