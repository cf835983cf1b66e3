# frozen_string_literal: true

require "timeout"

# The process of bindings/spec/proxy.py: a relay between clients and a member that breaks connections when it is told to.
class Proxy
  PROGRAM = File.expand_path("../../spec/proxy.py", __dir__)
  # How long it may take to answer; `expect` itself takes up to 10 s.
  ANSWER_S = 20

  attr_reader :address

  def initialize(member)
    @pipe = IO.popen(["python3", PROGRAM, member], "r+")
    @address = answer.delete_prefix("listening ")
  end

  # Has it carry out a command.
  def tell(command)
    @pipe.puts(command)
    @pipe.flush
    said = answer
    raise "the proxy answered `#{command}` with `#{said}`" unless said == "ok"
  end

  # Ends it: its input does.
  def close = @pipe.close

  private

  def answer
    Timeout.timeout(ANSWER_S) { @pipe.gets&.chomp } or raise "the proxy has ended"
  end
end
