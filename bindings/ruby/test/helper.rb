# frozen_string_literal: true

require "minitest/autorun"
require "open3"
require "tempfile"
require "timeout"
require "tmpdir"
require "doozer"
require_relative "proxy"

# A test with a member, clients and a proxy that are made when they are asked for, and ended with it. Nothing in it may hang.
class DoozerTest < Minitest::Test
  LIMIT_S = 60
  SOON_S = 10

  # What a thread is ended with.
  class Stop < StandardError; end

  def run
    Timeout.timeout(LIMIT_S) { super }
  end

  def teardown
    @threads&.each { |thread| ended(thread) }
    @opened&.reverse_each { |one| one.respond_to?(:stop) ? one.stop : one.close }
  end

  def opened(one)
    (@opened ||= []) << one
    one
  end

  def member = @member ||= opened(Doozer::Node.start(listen: "127.0.0.1:0"))

  def client = @client ||= opened(Doozer.connect(member.address))

  def another = opened(Doozer.connect(member.address))

  # A proxy before the member.
  def proxy
    @proxy ||= opened(Proxy.new(member.address)).tap do |proxy|
      # What clients learn of the member's address leads to it too.
      member.client { |client| client.set("/ctl/node/#{member.id}/addr", proxy.address, -1) }
    end
  end

  # A client that goes through the proxy.
  def proxied = @proxied ||= opened(Doozer.connect(proxy.address))

  def thread(&block)
    client # so that threads find it made
    thread = Thread.new(&block)
    thread.report_on_exception = false
    (@threads ||= []) << thread
    thread
  end

  # Ends a thread, and swallows what it ends with.
  def ended(thread)
    thread.kill.join(SOON_S)
  rescue StandardError
    nil
  end

  # Lets others run until something is so, which no event tells.
  def until_so
    Timeout.timeout(SOON_S) { Thread.pass until yield }
  end

  # Ends within a time in which nothing that waits for its time limit would.
  def at_once(seconds = 10)
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    result = yield
    took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
    assert_operator took, :<, seconds
    result
  end

  # A Ruby of its own with the same gem. Returns what it printed; it has to succeed.
  def ruby(*arguments, **environment)
    said, status = Open3.capture2e(environment.transform_keys(&:to_s), Gem.ruby, "-w", *arguments)
    assert status.success?, "#{status}: #{said}"
    said
  end

  # A forked child that has to succeed. It leaves without any clean-up of the parent's.
  def child
    pid = fork do
      Timeout.timeout(SOON_S) { yield }
      exit!(0)
    rescue Exception => e
      warn "in a child: #{e.full_message}"
      exit!(1)
    end
    -> { Timeout.timeout(2 * SOON_S) { Process.wait(pid) }.then { assert_predicate $?, :success? } }
  end
end
