# frozen_string_literal: true

require_relative "helper"
require_relative "scheduler"

# Under a fiber scheduler a wait lets other fibers run.
class FiberTest < DoozerTest
  # Runs a block in a thread with a scheduler; what it schedules has ended then.
  def scheduled(&block)
    proxied
    thread do
      Fiber.set_scheduler(Scheduler.new)
      block.call
    end.value
  end

  def test_fibers_run_while_one_waits
    order = []
    scheduled do
      Fiber.schedule do
        order << :waits
        order << client.wait("/a", 1).value
      end
      Fiber.schedule do
        order << :sets
        client.set("/a", "x", 0)
      end
      Fiber.schedule { order << :third }
    end
    assert_equal [:waits, :sets, :third, "x"], order
  end

  def test_many_fibers_wait_at_once
    events = []
    scheduled do
      100.times { |i| Fiber.schedule { events << client.wait("/many/#{i}", 1).path } }
      100.times { |i| Fiber.schedule { client.set("/many/#{i}", "", 0) } }
    end
    assert_equal Array.new(100) { |i| "/many/#{i}" }.sort, events.sort
  end

  def test_every_kind_of_call
    scheduled do
      Fiber.schedule do
        Doozer::Node.start do |node|
          node.client do |client|
            rev = client.set("/a", "x", 0)
            assert_equal ["x", rev], client.get("/a").to_a
            assert_equal ["x", rev], client.config("/a") { |file| break file.to_a }
            assert_equal ["/a"], client.list("/a").map(&:path)
            assert_equal rev, client.watch("/a", 1).next.rev
            assert_equal ["x", rev], client.observe("/a") { |file| break file.to_a }
            assert_equal rev, client.follow("/a").next.rev
            assert_equal 5, client.lock("/l") { 5 }
            assert_equal 5, client.try_lock("/l") { 5 }
            assert_equal 5, client.read_lock("/rw") { 5 }
            assert_equal 5, client.write_lock("/rw") { 5 }
            assert_equal 5, client.semaphore("/s", 1) { 5 }
            assert_equal 5, client.elect("/l", "me") { |leader| leader.proclaim("it is me").then { 5 } }
            assert_equal 1, client.register("/svc", "") { client.discover("/svc") { |live| live.files.size } }
            assert_equal 5, client.barrier("/b", 1) { 5 }
            assert_equal 1, client.txn { |txn| txn.del("/none", -1) }.size
            assert_equal rev, client.rollback("/a", rev)
            assert_nil client.lock("/l") { |lock| client.set("/a", "x", -1, fence: lock).then { nil } }
            assert_equal false, client.lock("/l") { |lock| lock.wait_lost(timeout: 0.01) }
            assert_raises(Doozer::RevMismatch) { client.set("/a", "y", 0) }
            assert_raises(Doozer::Timeout) { client.wait("/never", 1, timeout: 0.01) }
            assert_raises(Doozer::Timeout) { client.watch("/never", 1).next(timeout: 0.01) }
            assert_raises(Doozer::Timeout) { client.discover("/never").changed(timeout: 0.01) }
            error = assert_raises(Doozer::CompareFailed) { client.txn { |txn| txn.if_absent("/a") } }
            assert_equal [:compare, 1], error.part
          end
        end
      end
    end
  end

  def test_locks_of_fibers_take_turns
    turns = []
    scheduled do
      3.times do |i|
        Fiber.schedule do
          client.lock("/l") do
            turns << i
            client.nop
            turns << i
          end
        end
      end
    end
    pairs = turns.each_slice(2).to_a
    assert_equal [[0, 0], [1, 1], [2, 2]], pairs.sort, "nobody came in between"
  end

  def test_fibers_that_wait_for_each_other
    log = []
    scheduled do
      2.times do |i|
        Fiber.schedule do
          log << :came
          client.barrier("/b", 2) { log << :inside }
          log << :left
        end
        Fiber.schedule { client.elect("/leader", i.to_s) { |leader| log << leader.token } }
      end
    end
    words, tokens = log.partition { |one| one.is_a?(Symbol) }
    assert_equal [:came] * 2 + [:inside] * 2 + [:left] * 2, words
    assert_equal tokens.sort.uniq, tokens
  end

  def test_a_fiber_is_told_of_a_loss_and_of_a_change
    log = Thread::Queue.new
    scheduled do
      lock = client.lock("/l")
      Fiber.schedule { log << [:lost, lock.wait_lost] }
      Fiber.schedule { client.discover("/svc/*") { |live| log << live.changed(timeout: SOON_S).keys } }
      Fiber.schedule do
        client.set("/svc/1", "", 0)
        another.del("/l", lock.rev)
      end
    end
    assert_equal [%w[/svc/1], [:lost, true]].sort_by(&:inspect), Array.new(2) { log.pop }.sort_by(&:inspect)
  end

  def test_a_fiber_that_stands_in_line_and_is_interrupted_was_never_there
    leader = client.elect("/leader", "first")
    stopped = 0
    scheduled do
      fibers = [-> { proxied.elect("/leader", "next") }, -> { proxied.barrier("/b", 2) }].map do |wait|
        Fiber.schedule do
          wait.call
        rescue Stop
          stopped += 1
        end
      end
      Fiber.schedule do
        client.nop until client.walk("/b/members/*").any?
        fibers.each { |fiber| fiber.raise(Stop) }
      end
    end
    assert_equal 2, stopped
    until_so { client.walk("/b/**").empty? }
    rev = client.rev
    leader.resign
    assert_equal [rev + 1, 0], [proxied.rev, client.get("/leader").rev]
  end

  def test_a_fiber_that_is_interrupted_takes_its_request_back
    ended = nil
    scheduled do
      fiber = Fiber.schedule do
        proxied.wait("/never", 1)
      rescue Stop
        ended = proxied.set("/usable", "", -1)
      end
      Fiber.schedule do
        proxy.tell("expect WAIT")
        fiber.raise(Stop)
      end
    end
    assert_operator ended, :>, 0
    proxy.tell("expect CANCEL")
  end

  def test_timeout
    scheduled do
      Fiber.schedule { assert_raises(Timeout::Error) { Timeout.timeout(1) { proxied.wait("/never", 1) } } }
    end
    proxy.tell("expect WAIT")
    proxy.tell("expect CANCEL")
  end

  def test_fibers_that_are_forgotten_do_no_harm
    mine = client
    forget = lambda do
      scheduler = Scheduler.new
      # It never gives its fibers another turn.
      def scheduler.close = nil
      Fiber.set_scheduler(scheduler)
      20.times { Fiber.schedule { mine.wait("/forgotten", 1) } }
    end
    thread(&forget).join
    5.times { GC.start }
    mine.set("/forgotten", "", 0)
    waiting = Doozer::Native::Dispatcher.instance_variable_get(:@worker).instance_variable_get(:@waiting)
    until_so { waiting.empty? }
    5.times { GC.start }
    scheduled { Fiber.schedule { assert_nil mine.nop } }
  end

  def test_the_collector_runs_while_fibers_wait
    mine = client
    events = []
    scheduled do
      20.times do |i|
        Fiber.schedule do
          events << mine.wait("/collected/#{i}", 1).path
          GC.start
        end
      end
      20.times do |i|
        Fiber.schedule do
          GC.start
          mine.set("/collected/#{i}", "", 0)
          assert_raises(Doozer::RevMismatch) { mine.add("/collected/#{i}", "") }
        end
      end
    end
    assert_equal 20, events.uniq.size
  end

  def test_several_schedulers_share_a_client
    mine = client
    threads = Array.new(4) do |number|
      thread do
        Fiber.set_scheduler(Scheduler.new)
        50.times { |i| Fiber.schedule { mine.set("/shared/#{number}/#{i}", "", 0) } }
      end
    end
    threads.each(&:value)
    assert_equal 200, mine.list("/shared/**").count
  end

  def test_in_a_child_too
    scheduled { Fiber.schedule { client.nop } }
    mine = client
    child do
      Thread.new do
        Fiber.set_scheduler(Scheduler.new)
        Fiber.schedule { mine.set("/child", "x", 0) }
      end.join
    end.call
    assert_equal "x", client.get("/child").value
    scheduled { Fiber.schedule { client.nop } }
  end

  def test_a_blocking_fiber_blocks
    value = scheduled { Fiber.new(blocking: true) { client.set("/a", "x", 0) }.resume }
    assert_equal value, client.get("/a").rev
  end
end
