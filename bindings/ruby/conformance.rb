# frozen_string_literal: true

# The runner of bindings/spec for Ruby: `ruby conformance.rb [DIRECTORY] [OUTPUT] [PART]`, with the gem installed.

require "doozer"
require "fileutils"
require "timeout"
require_relative "conformance/files"
require_relative "conformance/world"

# A scenario's outcome: nil, or why it failed.
def failure(scenario)
  return "no scenario has #{scenario["unknown"].join(", ")}" if scenario["unknown"]

  Timeout.timeout(60) do
    world = World.new(scenario)
    begin
      world.run
    ensure
      world.close
    end
  end
  nil
rescue StandardError => e
  e.is_a?(Wrong) ? e.message : e.full_message(highlight: false)
end

directory, output, part = ARGV
directory ||= File.expand_path("../spec/conformance", __dir__)
files = Dir[File.join(directory, "*.toml")].sort
abort "#{directory}: there are no scenarios (*.toml)" if files.empty?
twice = files.flat_map { |path| Files.read(path) }.flat_map do |scenario|
  embedded = scenario.merge("name" => "#{scenario["name"]}@embedded", "via" => "embedded")
  scenario["also_embedded"] ? [scenario, embedded] : [scenario]
end
lines = twice.select { |scenario| scenario["name"].include?(part.to_s) }.map do |scenario|
  why = failure(scenario)
  warn "#{scenario["file"]}: #{scenario["name"]}: #{why}" if why
  [scenario["name"], why ? "fail" : "pass", why.to_s.gsub(/[\t\r\n]/, " ")].join("\t")
end
if output
  FileUtils.mkdir_p(File.dirname(output))
  File.write(output, lines.map { |line| "#{line}\n" }.join)
end
failed = lines.count { |line| line.include?("\tfail\t") }
puts "conformance in Ruby: #{lines.size - failed} passed, #{failed} failed"
exit(failed.zero? && !lines.empty?)
