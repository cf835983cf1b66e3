# frozen_string_literal: true

require_relative "helper"

# Whatever Ruby ends a wait with ends it at once, takes the request back, and leaves the client usable.
class InterruptsTest < DoozerTest
  # A wait that has reached the member, in a thread.
  def waiting
    mine = proxied
    thread { mine.wait("/never", 1) }.tap { proxy.tell("expect WAIT") }
  end

  def assert_taken_back
    proxy.tell("expect CANCEL")
    assert_operator proxied.set("/usable", "", -1), :>, 0
  end

  def test_thread_raise
    one = waiting
    one.raise(Stop, "enough")
    error = at_once { assert_raises(Stop) { one.value } }
    assert_equal "enough", error.message
    assert_taken_back
  end

  def test_thread_kill
    one = waiting
    at_once { one.kill.join }
    assert_taken_back
  end

  def test_timeout
    mine = proxied
    at_once { assert_raises(Timeout::Error) { Timeout.timeout(1) { mine.wait("/never", 1) } } }
    proxy.tell("expect WAIT")
    assert_taken_back
  end

  def test_a_time_limit_of_the_call
    mine = proxied
    at_once { assert_raises(Doozer::Timeout) { mine.wait("/never", 1, timeout: 1) } }
    proxy.tell("expect WAIT")
    assert_taken_back
  end

  # What a candidate stands in line for, a reader's and a writer's gate, a barrier: who gives up was never there.
  def test_waits_for_others_that_are_interrupted_leave_nothing_behind
    client.elect("/held/leader", "first")
    client.lock("/held/lock")
    client.read_lock("/held/rw")
    client.semaphore("/held/places", 1)
    before = client.walk("/held/**")
    mine = another
    waits = {
      "/held/leader" => -> { mine.elect("/held/leader", "next") { flunk } },
      "/held/lock" => -> { mine.lock("/held/lock") { flunk } },
      "/held/rw/queue" => -> { mine.write_lock("/held/rw") { flunk } },
      "/held/places/queue" => -> { mine.semaphore("/held/places", 1) { flunk } },
      "/held/b/members/*" => -> { mine.barrier("/held/b", 2) { flunk } }
    }
    waits.each do |shows, wait|
      [:raise, :kill].each do |way|
        one = thread(&wait)
        # What it waits with is there.
        until_so { one.stop? && client.walk(shows).any? }
        way == :raise ? one.raise(Stop) : one.kill
        at_once { way == :raise ? assert_raises(Stop) { one.value } : one.join }
        until_so { client.walk("/held/**") == before }
      end
    end
    assert_raises(Timeout::Error) { Timeout.timeout(0.2) { mine.barrier("/held/b", 2) } }
    until_so { client.walk("/held/**") == before }
  end

  def test_a_candidate_that_is_interrupted_is_never_elected
    leader = client.elect("/leader", "first")
    mine = proxied
    one = thread { mine.elect("/leader", "next") }
    proxy.tell("expect SET")
    one.raise(Stop)
    at_once { assert_raises(Stop) { one.value } }
    proxy.tell("expect CANCEL")
    rev = client.rev
    leader.resign
    assert_equal [rev + 1, 0], [mine.rev, mine.get("/leader").rev]
  end

  def test_a_wait_for_a_loss_that_is_interrupted_loses_nothing
    mine = proxied
    lock = mine.lock("/l")
    proxy.tell("forget")
    one = thread { lock.wait_lost }
    proxy.tell("expect WATCH")
    one.raise(Stop)
    at_once { assert_raises(Stop) { one.value } }
    proxy.tell("expect CANCEL")
    at_once { assert_raises(Timeout::Error) { Timeout.timeout(0.1) { lock.wait_lost } } }
    assert_predicate lock, :held?
    assert_nil lock.unlock
  end

  def test_a_wait_for_a_change_that_is_interrupted_loses_nothing
    live = another.discover("/svc/*")
    one = thread { live.changed }
    until_so { one.stop? }
    one.raise(Stop)
    at_once { assert_raises(Stop) { one.value } }
    at_once { assert_raises(Timeout::Error) { Timeout.timeout(0.1) { live.changed } } }
    client.set("/svc/1", "here", 0)
    assert_equal %w[/svc/1], live.changed(timeout: SOON_S).keys
    live.close
  end

  def test_an_interrupt_in_a_blocking_call_only
    mine = proxied
    one = thread { Thread.handle_interrupt(Stop => :on_blocking) { mine.wait("/never", 1) } }
    proxy.tell("expect WAIT")
    one.raise(Stop)
    at_once { assert_raises(Stop) { one.value } }
    assert_taken_back
  end

  def test_an_interrupt_that_is_put_off_ends_nothing
    mine = client
    one = thread do
      got = nil
      begin
        Thread.handle_interrupt(Stop => :never) { got = mine.wait("/awaited", 1) }
      rescue Stop
        [got, :stopped]
      end
    end
    until_so { one.stop? }
    one.raise(Stop)
    rev = client.set("/awaited", "x", 0)
    event, stopped = one.value
    assert_equal [rev, :stopped], [event.rev, stopped]
  end

  # A Ruby whose main thread waits.
  def interrupted(before = "")
    proxied
    code = <<~RUBY
      require "doozer"
      client = Doozer.connect(#{proxy.address.inspect})
      #{before}
      begin
        client.wait("/never", 1)
      rescue Interrupt
        client.set("/after", "", -1)
        print "interrupted"
      end
    RUBY
    said, process = Open3.popen2e(Gem.ruby, "-e", code).then { |_, output, waiter| [output, waiter] }
    proxy.tell("expect WAIT")
    Process.kill(:INT, process.pid)
    assert_equal "interrupted", at_once { said.read }
    assert_predicate process.value, :success?
    proxy.tell("expect CANCEL")
    assert_operator client.get("/after").rev, :>, 0
  end

  def test_ctrl_c = interrupted

  def test_ctrl_c_beside_another_thread = interrupted("Thread.new { Thread.stop }")

  def test_ctrl_c_beside_a_thread_that_waits = interrupted("Thread.new { client.watch('/never', 1).next }")

  def test_a_process_ends_though_threads_wait
    said = at_once do
      ruby("-rdoozer", "-e", <<~RUBY)
        node = Doozer::Node.start(listen: "127.0.0.1:0")
        client = Doozer.connect(node.address)
        watch = client.watch("/never", 1)
        lock = client.lock("/l")
        threads = [Thread.new { client.wait("/never", 1) }, Thread.new { watch.next }, Thread.new { client.lock("/l") },
                   Thread.new { node.client.wait("/never", 1) }, Thread.new { lock.wait_lost },
                   Thread.new { client.elect("/l", "x") }, Thread.new { client.write_lock("/l2", &:wait_lost) },
                   Thread.new { client.barrier("/b", 2) }, Thread.new { client.discover("/never", &:changed) },
                   Thread.new { client.register("/svc", "x") { Thread.stop } }]
        Thread.pass until threads.all?(&:stop?)
        print "ends"
      RUBY
    end
    assert_equal "ends", said
  end

  def test_a_signal_handler_makes_calls_and_the_wait_goes_on
    mine = client
    before = trap("USR2") { mine.set("/trapped", "x", 0) }
    assert_equal "x", Timeout.timeout(SOON_S) {
      # From elsewhere: only the main thread runs handlers.
      sender = Process.spawn("sh", "-c", "kill -USR2 #{Process.pid}")
      event = mine.wait("/trapped", 1)
      Process.wait(sender)
      event.value
    }
  ensure
    trap("USR2", before || "DEFAULT")
  end

  def test_other_threads_run_while_one_waits
    mine = client
    one = thread { mine.wait("/late", 1) }
    until_so { one.stop? }
    counted = 0
    counter = thread { 100_000.times { counted += 1 } }
    counter.join
    100.times { client.set("/other", "", -1) }
    assert_predicate one, :alive?
    client.set("/late", "", 0)
    assert_equal ["/late", 100_000], [one.value.path, counted]
  end

  def test_other_threads_run_while_each_of_these_waits
    lock = client.lock("/l")
    live = client.discover("/never")
    mine = client
    waits = [thread { lock.wait_lost }, thread { live.changed }, thread { mine.elect("/l", "x") },
             thread { mine.write_lock("/rw") { Thread.stop } }, thread { mine.barrier("/b", 2) },
             thread { mine.follow("/never").next }, thread { mine.observe("/l").tap(&:next).next }]
    until_so { waits.all?(&:stop?) }
    counted = 0
    thread { 100_000.times { counted += 1 } }.join
    assert_equal [100_000, true], [counted, waits.all?(&:alive?)]
  end

  # Whatever is left open is found: nothing is collected meanwhile.
  def test_blocks_interrupted_at_any_moment_leave_nothing_open
    client
    address = member.address
    node = Doozer::Node.start
    before = ObjectSpace.each_object(Doozer::Client).to_a
    GC.disable
    300.times do |round|
      opened = false
      one = thread do
        round.even? ? Doozer.connect(address) { opened = true } : node.client { opened = true }
      end
      (round / 2 % 50 * 20).times { Thread.pass } unless opened
      one.raise(Stop) if one.alive?
      ended(one)
    end
    assert_empty (ObjectSpace.each_object(Doozer::Client).to_a - before).reject(&:closed?)
  ensure
    GC.enable
    node.stop
  end

  def test_many_waits_interrupted_at_any_moment
    mine = client
    20.times do |round|
      threads = Array.new(8) { thread { mine.wait("/never", 1) } }
      threads.each { |one| round.even? ? one.raise(Stop) : one.kill }
      threads.each { |one| ended(one) }
    end
    assert_operator mine.set("/usable", "", -1), :>, 0
  end
end
