# frozen_string_literal: true

require_relative "helper"

# Another ractor gets a clear error and not a crash: the gem is for the main one.
class RactorTest < DoozerTest
  def setup
    @warned = Warning[:experimental]
    Warning[:experimental] = false
  end

  def teardown
    super
    Warning[:experimental] = @warned
  end

  def test_a_client_cannot_be_shared
    mine = client
    assert_raises(Ractor::Error) { Ractor.make_shareable(mine) }
    assert_raises(TypeError) { Ractor.new(mine) { |_| nil } }
    assert_nil mine.nop
  end

  def test_a_call_in_another_ractor
    connecting = Ractor.new(member.address) do |address|
      Thread.current.report_on_exception = false
      Doozer.connect(address)
    end
    starting = Ractor.new do
      Thread.current.report_on_exception = false
      Doozer::Node.start
    end
    [connecting, starting].each do |ractor|
      error = assert_raises(Ractor::RemoteError) { ractor.take }
      assert_kind_of Ractor::UnsafeError, error.cause
    end
    assert_nil client.nop
  end

  def test_what_calls_give_can_be_shared
    client.set("/a", "x", 0)
    value, path = Ractor.new(client.wait("/a", 1)) { |event| [event.value, event.path] }.take
    assert_equal ["x", "/a"], [value, path]
    assert Ractor.shareable?(client.get("/a"))
  end
end
