# frozen_string_literal: true

# A small fiber scheduler: fibers of one thread wait by `IO.select`, and are woken by other threads through a pipe.
class Scheduler
  def initialize
    @alarm, @bell = IO.pipe
    @woken = Thread::Queue.new # fibers that may go on, from any thread
    @blocked = {} # fibers that wait to be woken, with until when they wait at most
    @reading = {} # fibers that wait for a descriptor, with it
    @timers = {} # what is raised in a fiber when its time is up: fiber and error, by time
  end

  def fiber(&block) = Fiber.new(blocking: false, &block).tap(&:resume)

  def block(_blocker, timeout = nil)
    @blocked[Fiber.current] = timeout && (now + timeout)
    Fiber.yield
  ensure
    @blocked.delete(Fiber.current)
  end

  def unblock(_blocker, fiber)
    @woken.push(fiber)
    @bell.write_nonblock(".")
  end

  def kernel_sleep(seconds = nil) = block(:sleep, seconds)

  def io_wait(io, events, _timeout)
    @reading[Fiber.current] = io
    Fiber.yield
    events
  ensure
    @reading.delete(Fiber.current)
  end

  def timeout_after(seconds, error, *arguments)
    timer = [now + seconds, Fiber.current]
    @timers[timer] = [error, *arguments]
    yield seconds
  ensure
    @timers.delete(timer)
  end

  def close
    turn until @blocked.empty? && @reading.empty?
    [@alarm, @bell].each(&:close)
  end

  private

  def turn
    readable, = IO.select([@alarm, *@reading.values], nil, nil, patience)
    @alarm.read_nonblock(4096, exception: false) if readable&.include?(@alarm)
    @woken.pop.then { |fiber| fiber.resume if @blocked.key?(fiber) } until @woken.empty?
    @reading.select { |_, io| readable&.include?(io) }.each_key { |fiber| fiber.resume if fiber.alive? }
    @blocked.select { |_, till| till && till <= now }.each_key { |fiber| fiber.resume if @blocked.key?(fiber) }
    @timers.select { |(till, _), _| till <= now }.each do |(till, fiber), error|
      fiber.raise(*error) if @timers.delete([till, fiber]) && fiber.alive?
    end
  end

  # Until the next thing that time brings.
  def patience
    first = [*@blocked.values.compact, *@timers.keys.map(&:first)].min
    first && [first - now, 0].max
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
