# frozen_string_literal: true

# Joins a step's call and holds what it gave against what the step expects.
module Expect
  # How much later than its time limit a call may end, how much earlier a TIMEOUT may come, and how long after its time
  # limit a call is taken for hung.
  LATE_S = 5
  EARLY_S = 0.005
  HUNG_S = 15

  # A call that was made, and what its errors are to name.
  Call = Struct.new(:thread, :step, :op, :path)
  # How it failed, and how long it took.
  Fault = Struct.new(:error, :took)

  private

  def cancel(call)
    call.thread.raise(Cancelled)
    call.thread.join(LATE_S) or raise Wrong, "it did not end within #{LATE_S} s"
    raise Wrong, "it had ended before it was cancelled: #{call.thread.value}"
  rescue Cancelled
    nil # as it has to
  end

  def await(call, step)
    limit = limit_s(call.step) + HUNG_S
    call.thread.join(limit) or raise Wrong, "it did not end within #{limit} s"
    result = call.thread.value
    took = result.is_a?(Fault) ? result.took : result.last
    late = call.step.key?("timeout_ms") && took > limit_s(call.step) + LATE_S
    raise Wrong, "it took #{took} s" if late
    return check_fault(step, call, result) if result.is_a?(Fault)
    raise Wrong, "it did not fail with #{step["error"]}, it gave #{result.first}" if step["error"]

    settle(step, call, result.first)
  end

  def check_fault(step, call, fault)
    error = fault.error
    raise Wrong, "it failed: #{error.message}" unless step["error"]

    same(error, "kind", step["error"], error.kind)
    same(error, "operation", step.fetch("error_op", call.op), error.operation)
    same(error, "path", step.fetch("error_path", call.path), error.path)
    same(error, "part", step["error_part"], error.part&.join(" ")) if step["error_part"]
    lacks = step.key?("error_detail") && !error.detail.include?(step["error_detail"])
    raise Wrong, "its detail lacks `#{step["error_detail"]}`: #{error.message}" if lacks

    early = error.is_a?(Doozer::Timeout) && call.step.key?("timeout_ms") && fault.took + EARLY_S < limit_s(call.step)
    raise Wrong, "it timed out after #{fault.took} s" if early
  end

  # Holds what a call gave against the step, and keeps what came of it.
  def settle(step, call, given)
    rev = given[:rev]
    same(given, "revision", resolve(step["expect_rev"]), rev) if step.key?("expect_rev")
    above = resolve(step["expect_rev_above"])
    raise Wrong, "revision: #{rev} and nothing above #{above}" if above && (rev.nil? || rev <= above)
    raise Wrong, "it is not missing: #{given}" if step["expect_missing"] && !(given[:missing] && rev.zero?)

    expected = value(step, "expect_value", "expect_")
    same(given, "value", expected, given[:value]) if expected
    same(given, "path", step["expect_path"], given[:path]) if step.key?("expect_path")
    same(given, "change", step["expect_change"], given[:kind].to_s) if step.key?("expect_change")
    same(given, "len", step["expect_len"], given[:len]) if step.key?("expect_len")
    same(given, "names", step["expect_names"].split, given[:names]) if step.key?("expect_names")
    same(given, "values", step["expect_values"].split.map(&:b), given[:values]) if step.key?("expect_values")
    same(given, "count", step["expect_count"], given[:names]&.size) if step.key?("expect_count")
    revs = step["expect_revs"]&.split&.map { |rev| resolve(rev) }
    same(given, "revisions", revs, given[:revs]&.map(&:to_i)) if revs
    same(given, "held", step["expect_held"], given[:held]) if step.key?("expect_held")
    raise Wrong, "values came" if step["keys_only"] && given[:values].any?
    raise Wrong, "no member's id: #{given}" if step["expect_member"] &&
                                               (given[:text] != @node.id || given[:text].size < 16)

    keep(call, given[:kept]) if given[:kept]
    @saved[step["save"]] = rev || raise(Wrong, "it gives no revision to save") if step["save"]
  end

  def keep(call, thing)
    kind = Calls::KINDS.find { |one| call.step.key?(one) }
    @kept[[kind, call.step.fetch(kind)]] = [thing, call.path]
  end

  def same(whole, what, expected, found)
    raise Wrong, "#{what}: #{found.inspect} and not #{expected.inspect}: #{whole}" unless expected == found
  end
end
