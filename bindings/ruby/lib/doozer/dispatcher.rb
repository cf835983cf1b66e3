# frozen_string_literal: true

require "fiber"
require "io/wait"

module Doozer
  module Native
    # Wakes fibers whose calls have ended. One thread for each process waits for them all: what a runtime's own thread may
    # not do (it must never wait for Ruby's lock), and what a scheduler need not know of (its queues wake its fibers).
    module Dispatcher
      @making = Mutex.new

      class << self
        # Waits, as a fiber, until a Call has ended. Returns the error it ended with, or nil. Called by the native part.
        def wait(call)
          worker = current
          queue = Thread::Queue.new
          worker.start(call, queue)
          queue.pop.first
        ensure
          # If this is left in another way, nobody wants it any more.
          call.cancel
        end

        private

        # The worker of this process. A fork leaves the parent's thread behind.
        def current
          worker = @worker
          return worker if worker&.usable?

          @making.synchronize { @worker = Worker.new unless @worker&.usable? }
          @worker
        end
      end

      # The thread, and the queues of those who wait.
      class Worker
        def initialize
          @pid = Process.pid
          @completions = Completions.new
          # For each call its queue, and its fiber, which must not be collected: the queue knows of its stack. So a call
          # whose fiber nobody resumes any more goes on until it has ended. Used by all threads, but a step at a time,
          # each of which Ruby's lock makes one.
          @waiting = {}
          @thread = Thread.new { run }
          @thread.name = "doozer"
          # It ends with the process, not with whoever happened to be first.
          ThreadGroup::Default.add(@thread)
        end

        def usable? = @pid == Process.pid && @thread.alive?

        def start(call, queue)
          @waiting[call.object_id] = [queue, Fiber.current]
          call.submit(@completions, call.object_id)
        end

        private

        def run
          io = IO.for_fd(@completions.fd, autoclose: false)
          loop do
            io.wait_readable
            @completions.take.each { |number, error| @waiting.delete(number)&.first&.push([error]) }
          end
        end
      end

      private_constant :Worker
    end
  end
end
