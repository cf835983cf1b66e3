# frozen_string_literal: true

require_relative "helper"

# Watches, lists and live values.
class StreamsTest < DoozerTest
  def test_a_watch_gives_every_change_in_order
    from = client.rev + 1
    watch = client.watch("/n/*", from)
    revs = Array.new(50) { |i| client.set("/n/#{i % 3}", i.to_s, -1) }
    assert_equal revs, watch.first(50).map(&:rev)
    refute_predicate watch, :closed?, "only a block that is given to `watch` closes it"
    client.set("/n/0", "more", -1)
    assert_equal "more", watch.next.value
    watch.close
  end

  def test_a_watch_is_enumerable_and_lazy
    from = client.rev + 1
    10.times { |i| client.set("/n", i.to_s, -1) }
    watch = client.watch("/n", from)
    assert_equal %w[1 3], watch.lazy.map(&:value).select { |value| value.to_i.odd? }.first(2)
    watch.close
  end

  # Left out where signatures are checked (Rakefile): that reads the enumerator, which never ends.
  def test_an_enumerator_of_a_watch
    from = client.rev + 1
    10.times { |i| client.set("/n", i.to_s, -1) }
    watch = client.watch("/n", from)
    values = watch.each
    assert_equal %w[0 1 2], Array.new(3) { values.next.value }
    watch.close
  end

  def test_leaving_a_block_closes_the_watch
    proxied
    client.set("/n", "x", -1)
    ways = [-> { proxied.watch("/n", 1) { break } },
            -> { assert_raises(Stop) { proxied.watch("/n", 1) { raise Stop } } },
            -> { catch(:done) { proxied.watch("/n", 1) { throw :done } } },
            -> { assert_equal 7, proxied.watch("/n", 1) { |_| break 7 } }]
    ways.each do |way|
      way.call
      proxy.tell("expect WATCH")
      proxy.tell("expect CANCEL")
    end
    assert_equal "x", proxied.get("/n").value, "and the client goes on being usable"
  end

  def test_closing_ends_who_waits_for_the_next
    watch = proxied.watch("/n", 1)
    waiting = thread { watch.next }
    proxy.tell("expect WATCH")
    watch.close
    assert_raises(StopIteration) { waiting.value }
    proxy.tell("expect CANCEL")
    assert_predicate watch, :closed?
    watch.close
    assert_raises(StopIteration) { watch.next }
    assert_empty watch.to_a
  end

  def test_the_next_within_a_time
    rev = client.set("/n", "0", -1)
    watch = client.watch("/n", rev + 1)
    error = assert_raises(Doozer::Timeout) { watch.next(timeout: 0.05) }
    assert_equal ["watch", "/n"], [error.operation, error.path]
    assert_raises(Doozer::Timeout) { watch.next(timeout: 0) }
    client.set("/n", "1", -1)
    assert_equal "1", watch.next(timeout: 10).value, "what was given up has lost nothing"
    watch.close
  end

  def test_several_threads_share_a_watch
    from = client.rev + 1
    watch = client.watch("/n", from)
    readers = Array.new(4) { thread { Array.new(25) { watch.next(timeout: SOON_S).rev } } }
    revs = Array.new(100) { client.set("/n", "", -1) }
    assert_equal revs, readers.flat_map(&:value).sort
    watch.close
  end

  def test_a_list_comes_as_it_is_asked_for
    1_000.times { |i| client.set(format("/l/%04d", i), "v#{i}", 0) }
    list = client.list("/l/*")
    assert_equal %w[/l/0000 /l/0001], [list.next.path, list.next.path]
    client.set("/l/9999", "late", 0)
    assert_equal 998, list.count, "all at one revision"
    assert_raises(StopIteration) { list.next }
    assert_equal [["/l/0012", nil, 3]], client.list("/l/0012", keys_only: true).map { |path, value, _, len| [path, value, len] }
    assert_equal 3, client.list("/l/*", limit: 3).count
    seen = []
    assert_nil(client.list("/l/*", limit: 2) { |entry| seen << entry.value })
    assert_equal %w[v0 v1], seen
    rev = client.rev
    client.set("/l/0000", "changed", -1)
    assert_equal "v0", client.list("/l/*", rev).next.value
  end

  def test_a_loop_over_next_ends
    client.set("/a", "x", 0)
    list = client.list("/a")
    seen = []
    loop { seen << list.next.path }
    assert_equal ["/a"], seen
  end

  def test_a_live_value
    live = client.config("/conf")
    assert_equal Doozer::File[nil, 0], live.next
    rev = client.set("/conf", "1", 0)
    assert_equal Doozer::File["1", rev], live.next
    client.del("/conf", rev)
    assert_equal Doozer::File[nil, 0], live.next
    live.close
    client.set("/conf", "2", 0)
    assert_equal "2", client.config("/conf") { |file| break file.value }
  end

  def test_what_a_stream_ends_with_comes_once
    watch = client.watch("not a glob", 1)
    error = assert_raises(Doozer::BadGlob) { watch.next }
    assert_equal ["watch", "not a glob"], [error.operation, error.path]
    assert_raises(StopIteration) { watch.next }
  end

  def test_closing_the_client_ends_its_streams
    kept = another
    watch = kept.watch("/n", 1)
    waiting = thread { watch.next }
    until_so { waiting.stop? }
    kept.close
    assert_raises(Doozer::Closed) { waiting.value }
    assert_raises(Doozer::Closed) { kept.watch("/n", 1) }
  end
end
