# frozen_string_literal: true

require_relative "helper"

# What does not fit is refused by an exception that says so.
class ArgumentsTest < DoozerTest
  NOT_TEXT = [nil, 1, 1.5, :a, [], {}, Object.new].freeze

  def test_paths_and_globs_are_strings
    NOT_TEXT.each do |path|
      calls = { get: [], stat: [], getdir: [], walk: [], list: [], config: [], lock: [], watch: [1], wait: [1], del: [0],
                add: ["x"], set: ["x", 0], try_lock: [], read_lock: [], write_lock: [], semaphore: [1], elect: ["x"],
                register: ["x"], discover: [], barrier: [1], follow: [], observe: [], rollback: [1] }
      calls.each { |call, rest| assert_raises(TypeError, "#{call} #{path.inspect}") { client.public_send(call, path, *rest) } }
      assert_raises(TypeError) { member.get_local(path) }
    end
  end

  def test_values_and_secrets_are_strings
    NOT_TEXT.each do |value|
      assert_raises(TypeError) { client.set("/a", value, 0) }
      assert_raises(TypeError) { client.add("/a", value) }
      assert_raises(TypeError) { client.access(value) }
      assert_raises(TypeError) { client.elect("/a", value) }
      assert_raises(TypeError) { client.register("/a", value) }
    end
  end

  def test_a_nul_and_what_is_no_text
    ["/a\0b", "\0", "/a\0"].each do |path|
      assert_raises(Doozer::BadPath) { client.get(path) }
      assert_raises(Doozer::BadPath) { client.set(path, "", 0) }
      assert_raises(Doozer::BadPath) { client.lock(path) }
      assert_raises(Doozer::BadPath) { client.try_lock(path) }
      assert_raises(Doozer::BadPath) { client.elect(path, "x") }
      assert_raises(Doozer::BadPath) { client.register(path, "x") }
      assert_raises(Doozer::BadPath) { client.txn { |txn| txn.set(path, "", 0) } }
      assert_raises(Doozer::BadGlob) { client.discover(path) }
      assert_raises(Doozer::BadPath) { client.config(path).next }
      assert_raises(Doozer::BadGlob) { client.wait(path, 1) }
      assert_raises(Doozer::BadGlob) { client.watch(path, 1).next }
      assert_raises(Doozer::BadGlob) { client.list(path).next }
    end
    ["/\xff", "/\xff".b, "\xd8\x00".dup.force_encoding("UTF-16BE")].each do |path|
      assert_raises(EncodingError, path.inspect) { client.get(path) }
    end
    client.set("/value", "a\0b", 0)
    assert_equal "a\0b", client.get("/value").value
  end

  def test_revisions_are_integers
    client.set("/a", "x", 0)
    [1.0, 1.5, "1", :a, [], Rational(1, 2)].each do |rev|
      assert_raises(TypeError) { client.set("/a", "y", rev) }
      assert_raises(TypeError) { client.get("/a", rev) }
      assert_raises(TypeError) { client.wait("/a", rev) }
      assert_raises(TypeError) { member.get_local("/a", rev) }
    end
    assert_raises(TypeError) { client.set("/a", "y", nil) }
    assert_raises(TypeError) { client.watch("/a", nil) }
    [2**63, -(2**63) - 1, 2**64, 10**30].each do |rev|
      assert_raises(RangeError) { client.set("/a", "y", rev) }
      assert_raises(RangeError) { client.get("/a", rev) }
      assert_raises(RangeError) { member.get_local("/a", rev) }
    end
  end

  def test_revisions_that_are_none
    assert_raises(Doozer::Range) { client.get("/a", -1) }
    assert_raises(Doozer::Range) { client.wait("/a", -1) }
    assert_raises(Doozer::Range) { client.watch("/a", -1).next }
    assert_raises(Doozer::Range) { client.walk("/a", -(2**63)) }
    assert_raises(Doozer::Timeout) { client.get("/a", 2**63 - 1, timeout: 0.05) }
    assert_operator client.set("/a", "x", 2**63 - 1), :>, 0
  end

  def test_time_limits
    ["1", :a, [], Object.new, true].each { |limit| assert_raises(TypeError) { client.get("/a", timeout: limit) } }
    [Float::NAN, -1, -0.001, -Float::INFINITY].each do |limit|
      assert_raises(ArgumentError, limit.to_s) { client.get("/a", timeout: limit) }
    end
    [1e300, 10**30].each { |limit| assert_raises(RangeError) { client.get("/a", timeout: limit) } }
    [Float::INFINITY, 1e19, 10**15, 5, 5.5, Rational(11, 2), nil].each do |limit|
      assert_equal 0, client.get("/a", timeout: limit).rev
    end
    at_once { assert_raises(Doozer::Timeout) { client.wait("/a", 1, timeout: 0) } }
    assert_raises(TypeError) { Doozer.connect(member.address, timeout: "1") }
    assert_raises(TypeError) { client.watch("/a", 1).next(timeout: "soon") }
    assert_raises(ArgumentError) { Doozer.connect(member.address, connect_timeout: Float::NAN) }
  end

  def test_time_limits_of_waits_that_have_none
    lock = client.lock("/l")
    leader = client.elect("/leader", "me")
    live = client.discover("/l")
    entered = client.barrier("/b", 1)
    [-> (limit) { lock.wait_lost(timeout: limit) }, -> (limit) { leader.wait_lost(timeout: limit) },
     -> (limit) { live.changed(timeout: limit) }, -> (limit) { entered.wait_lost(timeout: limit) },
     -> (limit) { entered.leave(timeout: limit) }].each do |wait|
      assert_raises(TypeError) { wait.call("1") }
      assert_raises(ArgumentError) { wait.call(-1) }
      assert_raises(RangeError) { wait.call(1e300) }
    end
    assert_equal false, at_once { lock.wait_lost(timeout: 0) }
    assert_nil entered.leave(timeout: Float::INFINITY)
  end

  def test_how_many
    [nil, 1.0, "1", Rational(1, 2)].each do |n|
      error = assert_raises(TypeError) { client.semaphore("/s", n) }
      assert_includes error.message, "n is an Integer"
      assert_raises(TypeError) { client.barrier("/b", n) }
    end
    [-1, 2**64].each do |n|
      assert_raises(RangeError) { client.semaphore("/s", n) }
      assert_raises(RangeError) { client.barrier("/b", n) }
    end
    assert_raises(Doozer::Range) { client.semaphore("/s", 0) }
    assert_raises(Doozer::Range) { client.barrier("/b", 0) }
  end

  def test_what_a_write_depends_on
    [1, "/l", {}, client, false].each do |fence|
      error = assert_raises(TypeError) { client.set("/a", "x", 0, fence:) }
      assert_includes error.message, "fence is a Doozer::Lock or a Doozer::Leader, not "
      assert_raises(TypeError) { client.del("/a", 0, fence:) }
      assert_raises(TypeError) { client.txn.fence(fence) }
    end
    assert_raises(TypeError) { client.txn.fence(nil) }
    assert_operator client.set("/a", "x", 0, fence: nil), :>, 0
  end

  def test_parts_of_a_transaction
    txn = client.txn
    [-> { txn.if_rev(nil, 0) }, -> { txn.if_rev("/a", "0") }, -> { txn.if_value("/a", 1) }, -> { txn.if_absent(:a) },
     -> { txn.if_fence("/a", 1.5) }, -> { txn.set("/a", nil, 0) }, -> { txn.set_ephemeral("/a", "", nil) },
     -> { txn.del("/a", nil) }, -> { txn.commit(timeout: "1") }].each { |part| assert_raises(TypeError, &part) }
    assert_equal [], txn.commit, "none of it was added"
    assert_raises(ArgumentError) { client.txn(timeout: 5) }
  end

  def test_sessions
    assert_raises(TypeError) { Doozer.connect(member.address, session_ttl: "1") }
    assert_raises(TypeError) { Doozer.connect(member.address, session_label: 1) }
    assert_raises(ArgumentError) { member.client(session_ttl: -1) }
    [0, 0.999, 86_401, Float::INFINITY].each do |ttl|
      assert_raises(Doozer::BadTtl) { Doozer.connect(member.address, session_ttl: ttl) }
      assert_raises(Doozer::BadTtl) { member.client(session_ttl: ttl) }
    end
    member.client(session_ttl: 86_400, session_label: "me") do |mine|
      assert_equal "me", mine.lock("/l") { mine.get("/l").value }
    end
  end

  def test_keyword_arguments
    assert_raises(ArgumentError) { client.get("/a", patience: 1) }
    assert_raises(ArgumentError) { client.set("/a", "x") }
    assert_raises(ArgumentError) { Doozer.connect(member.address, tls_cert: "/x") }
    assert_raises(ArgumentError) { Doozer::Node.start(tls_cert: "/x") }
    assert_raises(ArgumentError) { Doozer::Node.start(directory: "/x") }
    assert_raises(TypeError) { Doozer::Node.start(history: "many") }
    assert_raises(RangeError) { Doozer::Node.start(history: -1) }
    assert_raises(TypeError) { Doozer::Node.start(data_dir: 1) }
    assert_raises(ArgumentError) { Doozer::Node.start(data_dir: "/tmp/a\0b") }
    assert_raises(TypeError) { client.list("/**", limit: 1.5) }
    assert_raises(RangeError) { client.list("/**", limit: -1) }
    assert_raises(TypeError) { Doozer.connect(8046) }
  end

  def test_nothing_is_made_of_thin_air
    [Doozer::Client, Doozer::Watch, Doozer::Follow, Doozer::Config, Doozer::List, Doozer::Lock, Doozer::Leader, Doozer::Live,
     Doozer::Registration, Doozer::Entered, Doozer::Txn, Doozer::Node].each do |made|
      assert_raises(TypeError) { made.new }
      assert_raises(TypeError) { made.allocate }
    end
    assert_raises(TypeError) { client.dup }
    assert_raises(TypeError) { client.clone }
    assert_raises(TypeError) { Marshal.dump(client) }
  end

  def test_a_bad_uri
    ["", "doozer:?xx=1", "nowhere", "doozer:?ca=127.0.0.1:8046\0"].each do |uri|
      at_once { assert_raises(Doozer::BadUri, Doozer::Disconnected) { Doozer.connect(uri, connect_timeout: 1) } }
    end
  end

  def test_less_than_nobody
    %i[barrier semaphore].each do |call|
      error = assert_raises(RangeError) { client.public_send(call, "/b", -1) {} }
      assert_equal "n is how many are let in, not -1", error.message
      assert_raises(Doozer::Range) { client.public_send(call, "/b", 0) {} }
    end
  end
end
