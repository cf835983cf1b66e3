# frozen_string_literal: true

require_relative "helper"

# Locks of every kind.
class LockTest < DoozerTest
  def test_a_lock_is_taken_and_given_back
    lock = client.lock("/l")
    assert_equal [true, "/l", client.stat("/l").rev], [lock.held?, lock.path, lock.rev]
    assert_includes lock.inspect, "held"
    assert_nil lock.check!
    assert_includes 0.1..10, lock.valid_for
    refute_predicate lock, :lost?
    assert_equal false, lock.wait_lost(timeout: 0.01)
    assert_raises(Doozer::Timeout) { another.lock("/l", timeout: 0.1) }
    assert_nil lock.unlock
    assert_equal [false, true, 0.0, true], [lock.held?, lock.lost?, lock.valid_for, lock.wait_lost]
    assert_raises(Doozer::LockLost) { lock.check! }
    assert_raises(Doozer::Closed) { lock.unlock }
    assert_equal 0, client.get("/l").rev
  end

  def test_a_lock_that_somebody_holds_is_only_tried
    held = client.try_lock("/l")
    assert_predicate held, :held?
    assert_nil another.try_lock("/l")
    assert_nil(another.try_lock("/l") { flunk "it is not held" })
    held.unlock
    assert_equal held.rev + 2, another.try_lock("/l", &:rev)
    assert_equal 0, client.get("/l").rev
  end

  def test_readers_and_a_writer
    other = another
    inside = client.read_lock("/rw") do |reader|
      assert_match(%r{\A/rw/holders/}, reader.path)
      assert_raises(Doozer::Timeout) { other.write_lock("/rw", timeout: 0.1) }
      other.read_lock("/rw") { |second| [reader.rev, second.rev] }
    end
    writer = client.write_lock("/rw") do |lock|
      assert_raises(Doozer::Timeout) { other.read_lock("/rw", timeout: 0.1) }
      lock.rev
    end
    tokens = [*inside, writer, other.read_lock("/rw").tap(&:unlock).rev, other.write_lock("/rw").tap(&:unlock).rev]
    assert_equal tokens.sort.uniq, tokens
    assert_empty client.walk("/rw/**")
  end

  def test_places
    other = another
    client.semaphore("/s", 2) do
      second = other.semaphore("/s", 2)
      assert_raises(Doozer::Timeout) { client.semaphore("/s", 2, timeout: 0.1) }
      waiting = thread { client.semaphore("/s", 2, &:rev) }
      second.unlock
      assert_operator waiting.value, :>, second.rev
    end
    assert_empty client.walk("/s/**")
  end

  def test_writes_that_depend_on_a_lock
    other = another
    lock = client.lock("/l")
    rev = client.set("/a", "mine", 0, fence: lock)
    assert_raises(Doozer::RevMismatch) { client.set("/a", "x", 0, fence: lock) }
    assert_equal 0, client.del("/none", -1, fence: lock)
    assert_operator other.set("/a", "by another client, with the token", rev, fence: lock), :>, rev
    other.del("/l", lock.rev)
    error = assert_raises(Doozer::LockLost) { client.set("/a", "late", -1, fence: lock) }
    assert_equal ["set", "/a"], [error.operation, error.path]
    assert_includes error.message, "/l is not held"
    assert_raises(Doozer::LockLost) { client.del("/a", -1, fence: lock) }
    left = client.lock("/l") { |held| held }
    assert_raises(Doozer::LockLost) { client.set("/a", "after the block", -1, fence: left) }
    assert_equal "by another client, with the token", client.get("/a").value
  end

  # The thread that waits for the loss is told, though this one is busy and lets go of Ruby's lock only as it must.
  def test_a_lost_lock_is_told_while_the_program_does_something_else
    lock = client.lock("/l")
    stopped = nil
    watcher = thread { stopped = lock.wait_lost }
    until_so { watcher.stop? }
    counted = 0
    counted += 1 until counted == 100_000
    assert_nil stopped
    another.del("/l", lock.rev)
    Timeout.timeout(SOON_S) { counted += 1 until stopped }
    assert_equal [true, false, true, 0.0], [stopped, lock.held?, lock.lost?, lock.valid_for]
    assert_raises(Doozer::LockLost) { lock.check! }
    assert_raises(Doozer::LockLost) { lock.unlock }
  end

  def test_a_holder_that_is_cut_off_takes_its_lock_for_lost_before_anybody_can_have_it
    proxy
    mine = opened(Doozer.connect(proxy.address, session_ttl: 3, session_label: "worker 7"))
    lock = mine.lock("/l")
    assert_operator lock.valid_for, :<=, 3
    assert_equal "worker 7", client.get("/l").value
    waiting = thread { client.lock("/l") { |next_one| [next_one.rev > lock.rev, lock.held?] } }
    proxy.tell("refuse")
    assert_equal true, lock.wait_lost(timeout: SOON_S)
    refute_predicate lock, :held?
    assert_equal [true, false], waiting.value
    proxy.tell("accept")
    assert_raises(Doozer::LockLost) { lock.unlock }
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
    proxy.tell("expect SET")
    waiting.raise(Stop)
    at_once { assert_raises(Stop) { waiting.value } }
    proxy.tell("expect CANCEL")
    rev = client.rev
    held.unlock
    assert_equal rev + 1, proxied.rev, "nobody made the file since"
    assert_equal 0, client.get("/l").rev
  end

  # Were it lost between the native call and the block, nobody would give it back: the collector does not run here.
  def test_a_block_that_is_interrupted_at_any_moment_gives_its_lock_back
    mine = client
    GC.disable
    30.times do |round|
      threads = Array.new(4) { |i| thread { loop { mine.lock("/l/#{i}") { nil } } } }
      until_so { threads.all? { |one| one.stop? || !one.alive? } } if round.even?
      threads.each { |one| one.raise(Stop) }
      threads.each { |one| ended(one) }
    end
    4.times { |i| mine.lock("/l/#{i}", timeout: SOON_S) { nil } }
  ensure
    GC.enable
  end

  # As an interrupt may, just before giving back has begun.
  def test_a_block_whose_end_is_interrupted_gives_its_lock_back
    mine = client
    GC.disable
    interrupt = TracePoint.new(:c_call) { |at| raise Stop if at.method_id == :_over }
    assert_raises(Stop) { mine.lock("/l") { interrupt.enable } }
    interrupt.disable
    assert_operator another.lock("/l", timeout: SOON_S, &:rev), :>, 0
  ensure
    interrupt&.disable
    GC.enable
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
