# frozen_string_literal: true

require_relative "helper"

# Services: what is registered, and what is discovered.
class ServicesTest < DoozerTest
  def test_a_service_is_registered_and_taken_back
    registration = client.register("/svc/1", "here")
    assert_equal ["/svc/1", client.stat("/svc/1").rev], [registration.path, registration.rev]
    assert_includes registration.inspect, "rev=#{registration.rev}"
    assert_nil registration.deregister
    assert_nil registration.rev
    assert_equal 0, client.stat("/svc/1").rev
    error = assert_raises(Doozer::Closed) { registration.deregister }
    assert_equal ["deregister", "/svc/1"], [error.operation, error.path]
  end

  def test_a_block_is_registered_while_it_runs
    assert_equal "here", client.register("/svc/1", "here") { |one| client.get(one.path).value }
    assert_raises(Stop) { client.register("/svc/1", "here") { raise Stop } }
    client.register("/svc/1", "here", &:deregister)
    client.register("/svc/1", "here") { another.del("/svc/1", -1) }
    assert_equal 0, client.stat("/svc/1").rev
  end

  def test_a_record_comes_back_after_a_lost_session
    proxy
    mine = opened(Doozer.connect(proxy.address, session_ttl: 3))
    registration = mine.register("/svc/1", "here")
    first = registration.rev
    proxy.tell("refuse")
    gone = client.wait("/svc/1", first + 1, timeout: SOON_S)
    assert_predicate gone, :del?
    assert_nil registration.rev
    proxy.tell("accept")
    back = client.wait("/svc/1", gone.rev + 1, timeout: SOON_S)
    until_so { registration.rev == back.rev }
    registration.deregister
    assert_equal 0, client.stat("/svc/1").rev
  end

  def test_a_map_is_kept_current
    live = client.discover("/svc/*")
    assert_equal ["/svc/*", {}], [live.glob, live.files]
    rev = another.set("/svc/1", "here", 0)
    files = live.changed(timeout: SOON_S)
    assert_equal({ "/svc/1" => Doozer::File["here", rev] }, files)
    assert_predicate files, :frozen?
    assert_equal [Encoding::UTF_8, Encoding::BINARY], [files.keys[0].encoding, files["/svc/1"].value.encoding]
    assert_same files, live.files, "what has not changed is not made again"
    assert_raises(Doozer::Timeout) { live.changed(timeout: 0.05) }
    another.set("/elsewhere", "x", 0)
    another.set("/svc/2", "there", 0)
    assert_equal %w[/svc/1 /svc/2], live.changed(timeout: SOON_S).keys
    assert_equal ["here"], files.values.map(&:value), "a hash that was given does not change"
    another.del("/svc/1", -1)
    assert_equal %w[there], live.changed(timeout: SOON_S).values.map(&:value)
    live.close
  end

  def test_each_change_is_given_to_a_block
    seen = []
    # A slow reader gets several at once: so the next is made when one was seen.
    client.discover("/svc/*") do |live|
      client.set("/svc/0", "", 0)
      live.each do |files|
        seen << files.size
        break if seen.size == 3

        client.set("/svc/#{seen.size}", "", 0)
      end
      refute_predicate live, :closed?
      client.del("/svc/0", -1)
      assert_equal [%w[/svc/1 /svc/2]], live.lazy.map(&:keys).first(1)
    end
    assert_equal [1, 2, 3], seen
  end

  def test_closing_ends_who_waits_for_a_change
    live = client.discover("/svc/*")
    waiting = Array.new(2) { thread { live.changed } } << thread { live.each { flunk "nothing has changed" } }
    until_so { waiting.all?(&:stop?) }
    assert_nil live.close
    waiting.first(2).each { |one| assert_raises(StopIteration) { one.value } }
    assert_same live, waiting.last.value
    assert_predicate live, :closed?
    assert_includes live.inspect, "closed"
    assert_empty live.files
    loop { live.changed }
  end

  def test_a_block_closes_its_map
    kept = nil
    assert_equal 0, client.discover("/svc/*") { |live| (kept = live).files.size }
    assert_predicate kept, :closed?
    assert_raises(Stop) { client.discover("/svc/*") { |live| (kept = live) && raise(Stop) } }
    assert_predicate kept, :closed?
  end

  def test_a_map_ends_with_its_client
    mine = another
    live = mine.discover("/svc/*")
    waiting = thread { live.changed }
    until_so { waiting.stop? }
    mine.close
    assert_raises(Doozer::Closed) { waiting.value }
    assert_empty live.files
  end
end
