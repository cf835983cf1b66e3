# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require_relative "../test/proxy"
require_relative "calls"
require_relative "expect"

# What fails a scenario beside what the gem raises.
class Wrong < StandardError; end

# What a background call that is cancelled is ended with.
class Cancelled < StandardError; end

# What a scenario has opened, and its steps carried out.
class World
  include Calls
  include Expect

  # How long a child may take.
  FORKED_S = 20

  def initialize(scenario)
    @scenario = scenario
    @clients, @streams, @kept, @calls, @saved = Array.new(5) { {} }
    @folder = Dir.mktmpdir if scenario["durable"]
    start
    put_proxy_before if via == "proxy"
    @clients["c"] = open_client(via, nil, connect_timeout: LIMIT_S) unless via == "none"
  end

  def run
    steps = @scenario["steps"].each_with_index.to_a
    until steps.empty?
      step, at = steps.shift
      begin
        step["do"] == "fork" ? fork_with(steps) : carry_out(step)
      rescue StandardError, NotImplementedError => e
        raise Wrong, "step #{at + 1} (#{step["do"]}): #{e.message}"
      end
    end
  end

  def close
    @calls.each_value { |call| call.thread.kill.join }
    @clients.each_value(&:close)
    @node&.stop
    @proxy&.close
    FileUtils.remove_entry(@folder) if @folder
  end

  private

  def via = @scenario.fetch("via", "tcp")

  def start
    @node = Doozer::Node.start(
      listen: @scenario.fetch("listen", true) ? "127.0.0.1:0" : nil, data_dir: @folder,
      history: @scenario["history"], secret: @scenario["secret"], read_secret: @scenario["read_secret"]
    )
  end

  def put_proxy_before
    @proxy = Proxy.new(@node.address)
    # What clients learn of the member's address leads to the proxy too.
    @node.client { |client| client.set("/ctl/node/#{@node.id}/addr", @proxy.address, -1) }
  end

  def open_client(via, secret, **options)
    return @node.client(**options) if via == "embedded"

    address = via == "proxy" ? @proxy.address : @node.address
    Doozer.connect("doozer:?ca=#{address}#{"&sk=#{secret}" if secret}", **options)
  end

  # The steps up to `join`, in a child; steps after it are left.
  def fork_with(steps)
    child = []
    child << steps.shift until steps.first[0]["do"] == "join"
    steps.shift
    pid = fork do
      child.each { |step, _| carry_out(step) }
      exit!(0)
    rescue Exception => e
      warn "in the child: #{e.full_message}"
      exit!(1)
    end
    Timeout.timeout(FORKED_S) { Process.wait(pid) }
    raise Wrong, "the child failed: #{$?}" unless $?.success?
  rescue Timeout::Error
    Process.kill(:KILL, pid)
    Process.wait(pid)
    raise Wrong, "the child did not end within #{FORKED_S} s"
  end

  def carry_out(step)
    raise Wrong, "no step has #{step["unknown"].join(", ")}" if step["unknown"]
    return once(step) unless step["repeat"]

    1.upto(step["repeat"]) do |round|
      once(step.transform_values { |value| value.is_a?(String) ? value.gsub("{i}", round.to_s) : value })
    end
  end

  def once(step)
    case step["do"]
    when "proxy" then @proxy.tell(step.fetch("command"))
    when "start" then start
    when "stop" then @node.stop
    when "close" then client(step).close
    when "close_stream" then @streams.delete(step.fetch("stream")).then { |stream, *| stream.close }
    when "watch", "follow", "config", "observe" then open_stream(step)
    when "await" then await(@calls.delete(step.fetch("call")), step)
    when "cancel" then cancel(@calls.delete(step.fetch("call")))
    else
      op, path = about(step)
      # Resolved now: a step in the background is made with what is saved now.
      work = call(step)
      thread = Thread.new { measured(work) }
      thread.report_on_exception = false
      made = Call.new(thread, step, op, path)
      step["background"] ? @calls[step["background"]] = made : await(made, step)
    end
  end

  # What its errors are to name.
  def about(step)
    case step["do"]
    when "next" then @streams.fetch(step["stream"]).last(2)
    when *Calls::ON_KEPT then [step["do"], kept(step).last]
    else [step["do"], step["path"] || step["glob"]]
    end
  end

  def measured(work)
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    took = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) - began }
    [work.call, took.call]
  rescue Doozer::Error => e
    Fault.new(e, took.call)
  end

  def open_stream(step)
    path = step["path"] || step["glob"]
    opened = begin
      client(step).public_send(step["do"], path, *(resolve(step["rev"]) if step.key?("rev")))
    rescue Doozer::Error => e
      e # kept for the first `next`
    end
    @streams[step.fetch("stream")] = [opened, step["do"], path]
  end

  def client(step) = @clients.fetch(step.fetch("client", "c"))
end
