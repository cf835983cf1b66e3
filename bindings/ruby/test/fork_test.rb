# frozen_string_literal: true

require_relative "helper"

# What a forked child may use. The scenarios say the same of each handle; this is how servers do it.
class ForkTest < DoozerTest
  # Puma and Unicorn with `preload_app`: opened in the master, used in all workers and in the master at once.
  def test_a_client_opened_before_the_workers
    mine = client
    mine.set("/preloaded", "x", 0)
    workers = Array.new(4) do |number|
      child do
        threads = Array.new(3) do |i|
          Thread.new { 20.times { |round| mine.set("/w/#{number}/#{i}/#{round}", mine.get("/preloaded").value, 0) } }
        end
        threads.each(&:value)
        mine.wait("/go", 1)
      end
    end
    100.times { |i| mine.set("/master/#{i}", mine.get("/preloaded").value, 0) }
    until_so { mine.list("/w/**", limit: 240, keys_only: true).count == 240 }
    mine.set("/go", "", 0)
    workers.each(&:call)
    assert_equal 100, mine.list("/master/*").count
  end

  def test_a_worker_that_is_made_anew
    mine = client
    3.times { |i| child { mine.set("/restarted/#{i}", "", 0) }.call }
    child { child { mine.set("/restarted/grandchild", "", 0) }.call }.call
    assert_equal 4, mine.list("/restarted/*").count
  end

  def test_a_fork_while_threads_wait
    mine = client
    waiting = Array.new(4) { |i| thread { mine.wait("/late/#{i}", 1) } }
    until_so { waiting.all?(&:stop?) }
    child { 4.times { |i| mine.set("/late/#{i}", "x", 0) } }.call
    assert_equal %w[x x x x], waiting.map { |one| one.value.value }
  end

  def test_what_stays_with_the_parent
    mine = client
    lock = mine.lock("/l")
    watch = mine.watch("/l", 1)
    watch.next
    leader = mine.elect("/leader", "me")
    registration = mine.register("/svc", "here")
    live = mine.discover("/svc")
    entered = mine.barrier("/b", 1)
    txn = mine.txn.set("/txn", "x", 0)
    node = member
    child do
      refute_predicate lock, :held?
      refute_predicate leader, :leading?
      assert_equal [true, true, 0.0, nil], [lock.lost?, leader.lost?, lock.valid_for, registration.rev]
      [-> { lock.unlock }, -> { lock.check! }, -> { lock.wait_lost }, -> { mine.set("/a", "", -1, fence: lock) },
       -> { mine.del("/a", -1, fence: leader) }, -> { mine.txn.fence(lock) }, -> { leader.resign }, -> { leader.check! },
       -> { leader.proclaim("x") }, -> { leader.wait_lost }, -> { registration.deregister }, -> { live.files },
       -> { live.changed }, -> { entered.leave }, -> { entered.wait_lost }].each_with_index do |call, i|
        assert_raises(Doozer::Forked, "call #{i}") { call.call }
      end
      live.close
      # A transaction is of nobody's session until it is made.
      txn.commit
      assert_raises(Doozer::Forked) { watch.next }
      assert_raises(Doozer::Forked) { node.get_local("/l") }
      assert_raises(Doozer::Forked) { node.stop }
      assert_raises(Doozer::Forked) { node.client }
      # Collecting, and ending as a program does, must not hang or reach into the parent.
      lock = watch = leader = registration = live = entered = node = nil
      GC.start
      mine.nop
    end.call
    assert_predicate lock, :held?
    assert_predicate leader, :leading?
    assert_equal [lock.rev, leader.token, registration.rev], %w[/l /leader /svc].map { |path| mine.stat(path).rev }
    assert_equal %w[/svc], live.files.keys
    assert_equal "x", mine.get("/txn").value
    [-> { lock.unlock }, -> { leader.resign }, -> { registration.deregister }, -> { entered.leave }].each(&:call)
    assert_equal :del, watch.next(timeout: SOON_S).kind
    assert_empty live.changed(timeout: SOON_S)
  end

  # A block in which somebody forks: the child leaves it too, and gives nothing back.
  def test_a_child_that_leaves_its_parents_block
    said = ruby("-rdoozer", "-e", <<~RUBY)
      client = Doozer.connect(#{member.address.inspect})
      client.lock("/l") do |lock|
        pid = fork
        next unless pid
        Process.wait(pid)
        print $?.success?, client.stat("/l").rev == lock.rev, lock.held?
      end
      client.nop # the child too
    RUBY
    assert_equal "truetruetrue", said
    assert_equal 0, client.stat("/l").rev
  end

  def test_a_child_that_closes_or_ends_in_the_ordinary_way
    mine = client
    pid = fork do
      mine.nop
      mine.close
      exit(0) # with all finalizers
    end
    Process.wait(pid)
    assert_predicate $?, :exited?
    assert_nil mine.nop, "the parent's is open"
    said = ruby("-rdoozer", "-e", <<~RUBY)
      node = Doozer::Node.start(listen: "127.0.0.1:0")
      client = node.client
      remote = Doozer.connect(node.address)
      watch = remote.watch("/a", 1)
      lock = remote.lock("/l")
      2.times { fork { remote.set("/child", "", -1) } }
      Process.waitall.each { |_, status| status.success? or abort status.to_s }
      remote.set("/a", "x", 0)
      print watch.next.value, remote.get("/child").rev.positive?, lock.held?
    RUBY
    assert_equal "xtruetrue", said
  end
end
