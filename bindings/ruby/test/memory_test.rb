# frozen_string_literal: true

require "objspace"
require_relative "helper"

# Handles and the garbage collector.
class MemoryTest < DoozerTest
  # In a Ruby of its own: the one that Debian ships does not bear this beside threads that had a fiber scheduler.
  def test_everything_works_while_the_collector_runs_at_every_step
    said = ruby("-rdoozer", "-e", <<~RUBY)
      node = Doozer::Node.start(listen: "127.0.0.1:0")
      client = Doozer.connect(node.address)
      client.set("/a", "x" * 100, 0)
      GC.stress = true
      2.times do
        rev = client.set("/a", "y" * 100, -1)
        said = [client.get("/a").value, client.walk("/?").map(&:path), client.list("/?").map(&:path), client.getdir("/").grep("a"),
                client.watch("/?", rev).next.value, client.config("/a").next.rev - rev, node.get_local("/a").rev - rev]
        said << (client.lock("/l", &:rev) > rev)
        said << client.elect("/leader", "me", &:leading?)
        said << client.register("/svc", "here") do
          client.discover("/svc") { |live| live.files.map { |path, file| [path, file.value] } }
        end
        said << client.barrier("/b", 1, &:path) << client.txn { |txn| txn.if_rev("/a", rev).del("/none", -1) }
        said << begin
          client.txn.if_absent("/a").commit
        rescue Doozer::CompareFailed => e
          e.part
        end
        said << begin
          client.add("/a", "")
        rescue Doozer::RevMismatch => e
          e.path
        end
        p said
      end
    RUBY
    expected = ["y" * 100, ["/a"], ["/a"], ["a"], "y" * 100, 0, 0, true, true, [["/svc", "here"]], "/b", [nil],
                [:compare, 1], "/a"]
    assert_equal "#{expected.inspect}\n" * 2, said
  end

  def test_compaction_moves_what_it_likes
    mine = client
    watch = mine.watch("/a", 1)
    held = mine.lock("/l")
    rev = mine.set("/a", "x", 0)
    live = mine.discover("/a")
    files = live.files.object_id
    # Moves everything that may move, and looks for what still points to where it was.
    GC.verify_compaction_references(toward: :empty, (RUBY_VERSION < "3.2" ? :double_heap : :expand_heap) => true)
    assert_equal ["x", rev], mine.get("/a").to_a
    assert_equal ["/a", "x", rev, :set], watch.next.to_a
    assert_raises(Doozer::RevMismatch) { mine.add("/a", "") }
    assert_predicate held, :held?
    assert_equal [files, { "/a" => Doozer::File["x", rev] }], [live.files.object_id, live.files]
    held.unlock
  end

  def test_a_handle_that_is_dropped_under_a_wait
    address = member.address
    node = Doozer::Node.start
    waits = [
      thread { Doozer.connect(address).wait("/dropped", 1).path },
      thread { Doozer.connect(address).watch("/dropped", 1).next.path },
      thread { Doozer.connect(address).config("/dropped").find(&:value).value },
      thread { Doozer.connect(address).discover("/dropped").changed.keys.first },
      thread { node.client.tap { node = nil }.wait("/within", 1).path }
    ]
    until_so { waits.all?(&:stop?) }
    5.times { GC.start }
    client.set("/dropped", "x", 0)
    assert_equal ["/dropped", "/dropped", "x", "/dropped"], waits.first(4).map(&:value)
    assert_predicate waits.last, :alive?
  rescue Doozer::Disconnected
    flunk "what is used was collected"
  end

  def test_what_is_forgotten_is_let_go_of_without_waiting
    made = lambda do
      20.times do |i|
        node = Doozer::Node.start(listen: "127.0.0.1:0")
        remote = Doozer.connect(node.address)
        remote.watch("/**", 1).next
        remote.list("/**").next
        remote.lock("/l")
        remote.elect("/leader", "me")
        remote.register("/svc", "here")
        remote.discover("/svc").files
        remote.barrier("/b", 1)
        remote.txn.set("/a", "x", 0)
        node.client.wait("/ctl/**", 1) if i.odd?
      end
    end
    thread(&made).value
    until_so do
      at_once { GC.start }
      kinds = [Doozer::Node, Doozer::Client, Doozer::Stream, Doozer::Lock, Doozer::Leader, Doozer::Registration, Doozer::Live,
               Doozer::Entered, Doozer::Txn]
      kinds.sum { |kind| ObjectSpace.each_object(kind).count } < 80
    end
    assert_nil client.nop
  end

  def test_what_is_held_and_forgotten_is_given_back
    mine = another
    made = lambda do
      20.times do |i|
        mine.elect("/forgotten/leader/#{i}", "me")
        mine.register("/forgotten/svc/#{i}", "here")
        mine.barrier("/forgotten/b/#{i}", 1)
        mine.semaphore("/forgotten/s/#{i}", 1)
      end
    end
    thread(&made).value
    # Collected or not is not for sure for any one of them, but for most.
    until_so do
      GC.start
      %w[leader/* svc/* b/*/members/* s/*/holders/*].all? { |glob| client.walk("/forgotten/#{glob}").size < 10 }
    end
    assert_nil mine.nop
  end

  def test_closing_twice_and_using_what_is_closed
    mine = another
    watch = mine.watch("/a", 1)
    lock = mine.lock("/l")
    leader = mine.elect("/leader", "me")
    live = mine.discover("/**")
    txn = mine.txn
    2.times { assert_nil mine.close }
    assert_predicate mine, :closed?
    calls = { get: ["/a"], set: ["/a", "", 0], add: ["/a", ""], del: ["/a", 0], rev: [], stat: ["/a"], getdir: ["/"],
              walk: ["/**"], list: ["/**"], wait: ["/a", 1], watch: ["/a", 1], config: ["/a"], lock: ["/l"], try_lock: ["/l"],
              read_lock: ["/l"], write_lock: ["/l"], semaphore: ["/l", 1], elect: ["/l", ""], register: ["/l", ""],
              discover: ["/l"], barrier: ["/l", 1], follow: ["/l"], observe: ["/l"], rollback: ["/l", 1], nop: [],
              self_id: [], access: [""] }
    calls.each { |call, arguments| assert_raises(Doozer::Closed, call.to_s) { mine.public_send(call, *arguments) } }
    assert_raises(Doozer::Closed) { watch.next }
    assert_raises(Doozer::Closed) { lock.unlock }
    assert_raises(Doozer::Closed) { leader.resign }
    assert_equal [true, true, false], [lock.wait_lost, leader.lost?, leader.leading?]
    assert_raises(Doozer::Closed) { live.changed }
    assert_raises(Doozer::Closed) { txn.commit }
    assert_equal 0, client.stat("/l").rev, "what it held is given back"
  end

  def test_memory_stays_where_it_was
    mine = client
    work = lambda do |count|
      count.times do |i|
        path = "/memory/#{i % 100}"
        mine.set(path, "x" * 128, -1)
        mine.get(path)
        member.get_local(path)
        mine.add(path, "") rescue Doozer::RevMismatch
      end
      GC.start
    end
    rss = -> { File.read("/proc/self/status")[/VmRSS:\s+(\d+)/, 1].to_i }
    # The member keeps a history of its own, which is not what is looked at: a short one.
    work.call(2_000)
    before = rss.call
    work.call(4_000)
    assert_operator rss.call - before, :<, 16 << 10, "kB more"
  end

  def test_a_struct_knows_its_size
    assert_operator ObjectSpace.memsize_of(client), :>, 0
  end
end
