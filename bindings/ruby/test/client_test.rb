# frozen_string_literal: true

require_relative "helper"

# Every call of a client, and what it gives.
class ClientTest < DoozerTest
  def test_a_file_is_written_read_and_deleted
    rev = client.set("/a", "one", 0)
    assert_kind_of Integer, rev
    value, read_rev = client.get("/a")
    assert_equal ["one".b, rev], [value, read_rev]
    second = client.set("/a", "two", rev)
    assert_operator second, :>, rev
    assert_equal "one", client.get("/a", rev).value
    assert_operator client.del("/a", second), :>, second
    assert_equal Doozer::File[nil, 0], client.get("/a")
    assert_equal 0, client.del("/a", 0)
  end

  def test_values_are_bytes
    bytes = (0..255).map(&:chr).join.b
    client.set("/bytes", bytes, 0)
    value = client.get("/bytes").value
    assert_equal bytes, value
    assert_equal Encoding::BINARY, value.encoding
    assert_predicate value, :frozen?
    client.set("/text", "größer", 0)
    assert_equal "größer".b, client.get("/text").value
    client.set("/latin", "größer".encode("ISO-8859-1"), 0)
    assert_equal "größer".encode("ISO-8859-1").b, client.get("/latin").value, "the bytes as they are"
    client.set("/empty", "", 0)
    assert_equal "", client.get("/empty").value
  end

  def test_paths_are_text
    client.set("/a-path", "x", 0)
    entry = client.walk("/a-*").first
    assert_equal [Encoding::UTF_8, true], [entry.path.encoding, entry.path.frozen?]
    assert_equal "x", client.get("/a-path".encode("UTF-16LE")).value, "another encoding is the same text"
  end

  def test_results_can_be_taken_apart_and_not_changed
    rev = client.set("/a", "x", 0)
    file = client.get("/a")
    assert_predicate file, :frozen?
    case file
    in { value:, rev: found } then assert_equal ["x", rev], [value, found]
    end
    case client.wait("/a", rev)
    in [path, "x", ^rev, :set] then assert_equal "/a", path
    end
    assert_raises(NoMethodError) { file.value = "y" }
    assert_raises(NoMethodError) { file[:value] = "y" }
    assert_raises(FrozenError) { file.value << "y" }
    assert_equal [["/a", "x", rev, 1]], client.list("/a").map { |path, value, at, len| [path, value, at, len] }
  end

  def test_add_makes_what_is_not_there
    rev = client.add("/a", "x")
    assert_equal rev, client.rev
    assert_raises(Doozer::RevMismatch) { client.add("/a", "y") }
  end

  def test_looking_around
    client.set("/d/a", "12345", 0)
    client.set("/d/b", "", 0)
    stat = client.stat("/d/a")
    assert_equal [5, true, false], [stat.len, stat.file?, stat.dir?]
    stat = client.stat("/d")
    assert_equal [2, -2, false, true], [stat.len, stat.rev, stat.file?, stat.dir?]
    stat = client.stat("/nothing")
    assert_equal [0, false, false], [stat.rev, stat.file?, stat.dir?]
    assert_equal %w[a b], client.getdir("/d")
    assert_equal %w[a], client.getdir("/d", client.stat("/d/a").rev)
    assert_equal %w[/d/a /d/b], client.walk("/d/**").map(&:path)
    assert_equal member.id, client.self_id
    assert_nil client.nop
  end

  def test_a_wait_gives_the_event
    rev = client.rev
    waiting = thread { client.wait("/svc/*", rev + 1) }
    set = another.set("/svc/web", "here", 0)
    event = waiting.value
    assert_equal ["/svc/web", "here", set, :set, true, false], [*event, event.set?, event.del?]
    del = client.del("/svc/web", set)
    event = client.wait("/svc/*", set + 1)
    assert_equal ["/svc/web", "", del, :del, false, true], [*event, event.set?, event.del?]
  end

  def test_threads_use_one_client_at_once
    threads = Array.new(8) do |number|
      thread { Array.new(50) { |i| client.set("/threads/#{number}/#{i}", "#{number}", 0) } }
    end
    revs = threads.flat_map(&:value)
    assert_equal 400, revs.uniq.size
    assert_equal 400, client.list("/threads/**").count
  end

  def test_a_block_gets_a_client_that_is_closed_behind_it
    kept = nil
    assert_equal 42, Doozer.connect(member.address) { |client| (kept = client).nop.then { 42 } }
    assert_predicate kept, :closed?
    assert_raises(Stop) { Doozer.connect(member.address) { |client| (kept = client).then { raise Stop } } }
    assert_predicate kept, :closed?
  end

  def test_the_cluster_that_is_meant_without_a_uri
    said = ruby("-rdoozer", "-e", "Doozer.connect { |c| print c.self_id }", DOOZER_URI: "doozer:?ca=#{member.address}")
    assert_equal member.id, said
  end

  def test_options_of_a_client
    opened(Doozer.connect(member.address, timeout: 0.05, connect_timeout: 5, name: "me")).then do |client|
      assert_raises(Doozer::Timeout) { client.get("/a", 1_000_000) }
    end
    opened(Doozer.connect(member.address, timeout: Float::INFINITY, connect_timeout: Float::INFINITY)).nop
  end

  def test_secrets
    guarded = opened(Doozer::Node.start(listen: "127.0.0.1:0", secret: "rw", read_secret: "ro"))
    reader = opened(Doozer.connect(guarded.address, secret: "ro"))
    assert_nil reader.get("/a").value
    error = assert_raises(Doozer::PermissionDenied) { reader.set("/a", "x", 0) }
    assert_equal ["set", "/a"], [error.operation, error.path]
    assert_raises(Doozer::PermissionDenied) { reader.access("wrong") }
    assert_nil reader.access("rw")
    assert_kind_of Integer, reader.set("/a", "x", 0)
    at_once { assert_raises(Doozer::PermissionDenied) { Doozer.connect(guarded.address, secret: "wrong") } }
  end

  def test_consistency
    client.set("/a", "x", 0)
    [:linearizable, :local, "local"].each do |consistency|
      assert_equal "x", client.get("/a", consistency:).value
      assert_equal 1, client.stat("/a", consistency:).len
      assert_equal ["/a"], client.walk("/?", consistency:).map(&:path)
      assert_includes client.getdir("/", consistency:), "a"
      assert_equal ["/a"], client.list("/?", consistency:).map(&:path)
    end
    assert_raises(ArgumentError) { client.get("/a", consistency: :mostly) }
  end

  def test_it_does_not_show_its_secret
    refute_includes opened(Doozer.connect(member.address, secret: "")).inspect, "secret"
  end
end
