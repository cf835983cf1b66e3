# frozen_string_literal: true

require_relative "helper"

# What does not fit is refused by an exception that says so.
class ArgumentsTest < DoozerTest
  NOT_TEXT = [nil, 1, 1.5, :a, [], {}, Object.new].freeze

  def test_paths_and_globs_are_strings
    NOT_TEXT.each do |path|
      calls = { get: [], stat: [], getdir: [], walk: [], list: [], config: [], lock: [], watch: [1], wait: [1], del: [0],
                add: ["x"], set: ["x", 0] }
      calls.each { |call, rest| assert_raises(TypeError, "#{call} #{path.inspect}") { client.public_send(call, path, *rest) } }
      assert_raises(TypeError) { member.get_local(path) }
    end
  end

  def test_values_and_secrets_are_strings
    NOT_TEXT.each do |value|
      assert_raises(TypeError) { client.set("/a", value, 0) }
      assert_raises(TypeError) { client.add("/a", value) }
      assert_raises(TypeError) { client.access(value) }
    end
  end

  def test_a_nul_and_what_is_no_text
    ["/a\0b", "\0", "/a\0"].each do |path|
      assert_raises(Doozer::BadPath) { client.get(path) }
      assert_raises(Doozer::BadPath) { client.set(path, "", 0) }
      assert_raises(Doozer::BadPath) { client.lock(path) }
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
    [Doozer::Client, Doozer::Watch, Doozer::Config, Doozer::List, Doozer::Lock, Doozer::Node].each do |made|
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
end
