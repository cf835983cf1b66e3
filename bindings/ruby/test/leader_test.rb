# frozen_string_literal: true

require_relative "helper"

# Elections.
class LeaderTest < DoozerTest
  def test_a_leader_leads_until_it_resigns
    leader = client.elect("/leader", "one")
    assert_equal ["/leader", client.stat("/leader").rev, true, false],
                 [leader.path, leader.token, leader.leading?, leader.lost?]
    assert_equal "one", client.get("/leader").value
    assert_nil leader.check!
    assert_includes leader.inspect, "leading"
    assert_raises(Doozer::Timeout) { another.elect("/leader", "two", timeout: 0.1) }
    rev = leader.proclaim("one, ready")
    assert_equal ["one, ready", rev], client.get("/leader").to_a
    assert_operator rev, :>, leader.token
    client.set("/done", "x", 0, fence: leader)
    assert_equal false, leader.wait_lost(timeout: 0.01)
    assert_nil leader.resign
    assert_equal [false, true, true], [leader.leading?, leader.lost?, leader.wait_lost]
    assert_raises(Doozer::Closed) { leader.resign }
    assert_raises(Doozer::Closed) { leader.proclaim("still here") }
    assert_raises(Doozer::LockLost) { leader.check! }
    assert_raises(Doozer::LockLost) { client.set("/done", "late", -1, fence: leader) }
  end

  def test_a_block_leads_and_resigns
    kept = nil
    assert_equal 42, client.elect("/leader", "me") { |leader| (kept = leader).leading? && 42 }
    refute_predicate kept, :leading?
    error = assert_raises(Doozer::Closed) { kept.proclaim("x") }
    assert_equal ["proclaim", "/leader"], [error.operation, error.path]
    assert_raises(Stop) { client.elect("/leader", "me") { raise Stop } }
    assert_raises(Doozer::LockLost) { client.elect("/leader", "me") { another.del("/leader", -1) } }
    assert_raises(Stop) { client.elect("/leader", "me") { another.del("/leader", -1) && raise(Stop) } }
    assert_equal 0, client.get("/leader").rev
  end

  def test_candidates_lead_in_the_order_in_which_they_came
    leader = client.elect("/leader", "first")
    candidates = Array.new(3) do |i|
      mine = proxied
      thread { mine.elect("/leader", i.to_s, &:token) }.tap { proxy.tell("expect SET") }
    end
    leader.resign
    tokens = [leader.token, *candidates.map(&:value)]
    assert_equal tokens.sort.uniq, tokens
  end

  def test_who_leads_is_observed
    seen = another.observe("/leader")
    assert_nil seen.next.value
    client.elect("/leader", "one") do |leader|
      assert_equal ["one", leader.token], seen.next(timeout: SOON_S).to_a
      rev = leader.proclaim("one, ready")
      assert_equal ["one, ready", rev], seen.next(timeout: SOON_S).to_a
    end
    assert_nil seen.next(timeout: SOON_S).value
    client.elect("/leader", "two")
    assert_equal("two", client.observe("/leader") { |file| break file.value if file.value })
    seen.close
  end

  def test_a_deposed_leader_is_told
    leader = client.elect("/leader", "one")
    watcher = thread { leader.wait_lost }
    until_so { watcher.stop? }
    another.set("/leader", "somebody else", -1)
    assert_equal true, watcher.value
    assert_raises(Doozer::LockLost) { leader.proclaim("still here") }
    assert_raises(Doozer::LockLost) { leader.resign }
    assert_equal "somebody else", client.get("/leader").value
  end
end
