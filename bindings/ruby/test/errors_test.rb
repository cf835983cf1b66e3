# frozen_string_literal: true

require "socket"
require_relative "helper"

# What an error says, and errors that come of nobody being there.
class ErrorsTest < DoozerTest
  def test_each_kind_is_a_class_of_its_own
    Doozer::ERRORS.each do |number, kind|
      assert_equal [number, Doozer::Error], [kind::NUMBER, kind.superclass]
      error = kind.new("x")
      assert_equal [kind::KIND, number, "x", nil, nil], [error.kind, error.number, error.message, error.path, error.operation]
    end
    assert_operator Doozer::ERRORS.size, :>, 30
    assert_operator Doozer::Error, :<, StandardError
  end

  def test_an_error_says_all_it_knows
    client.set("/a", "x", 0)
    error = assert_raises(Doozer::RevMismatch) { client.set("/a", "y", 0) }
    assert_equal ["REV_MISMATCH", 5, "set", "/a", false],
                 [error.kind, error.number, error.operation, error.path, error.retryable?]
    assert_equal "REV_MISMATCH: set /a: #{error.detail}", error.message
    assert_equal "UTF-8", error.message.encoding.name
    error = assert_raises(Doozer::Timeout) { client.wait("/a", 1_000, timeout: 0.01) }
    assert_predicate error, :retryable?
    error = assert_raises(Doozer::Closed) { opened(another.tap(&:close)).rev }
    assert_nil error.path
  end

  def test_an_error_names_the_line_that_called
    error = assert_raises(Doozer::BadPath) { client.get("nowhere") }
    assert(error.backtrace.any? { |line| line.include?(File.basename(__FILE__)) })
  end

  def test_nobody_there
    address = TCPServer.open("127.0.0.1", 0) { |server| "127.0.0.1:#{server.addr[1]}" }
    error = at_once { assert_raises(Doozer::Error) { Doozer.connect(address, connect_timeout: 0.5) } }
    assert_includes [Doozer::Disconnected, Doozer::Timeout], error.class
    assert_includes error.message, address
    assert_equal "connect", error.operation
  end

  def test_somebody_who_says_nothing
    TCPServer.open("127.0.0.1", 0) do |server|
      address = "127.0.0.1:#{server.addr[1]}"
      error = at_once { assert_raises(Doozer::Error) { Doozer.connect(address, connect_timeout: 0.5) } }
      assert_includes error.message, address
    end
  end

  def test_the_member_goes_away
    kept = opened(Doozer.connect(proxy.address, timeout: 0.5))
    proxy.tell("refuse")
    error = at_once { assert_raises(Doozer::Disconnected) { kept.get("/a") } }
    assert_predicate error, :retryable?
    proxy.tell("accept")
    assert_equal 0, kept.get("/a", timeout: 10).rev
  end
end
