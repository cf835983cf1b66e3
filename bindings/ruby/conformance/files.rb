# frozen_string_literal: true

# Scenarios and steps as they stand in the files of bindings/spec/conformance. Its README says what each key means.
module Files
  SCENARIO = %w[name about via also_embedded history secret read_secret listen durable].freeze
  STEP = %w[do client path glob value value_hex value_size rev limit keys_only n txn fence stream lock leader registration
            live entered call secret via uri session_ttl_ms session_label command timeout_ms repeat save background
            expect_value expect_hex expect_size expect_missing expect_rev expect_rev_above expect_path expect_change
            expect_len expect_names expect_values expect_count expect_revs expect_held expect_member
            error error_op error_path error_part error_detail].freeze
  LINE = /\A([a-z0-9_]+) = (?:(-?\d+)|(true|false)|"((?:[^"\\[:cntrl:]]|\\["\\nt]|\\u00[0-7]\h)*)")\z/
  ESCAPES = { '\\\\' => "\\", '\\"' => '"', '\\n' => "\n", '\\t' => "\t" }.freeze

  # The scenarios of a file, each a hash whose "steps" are hashes; a file that is not understood fails.
  def self.read(path)
    scenarios = []
    File.foreach(path, chomp: true, encoding: "UTF-8").with_index(1) do |line, number|
      case line
      when "", /\A#/ then next
      when "[[scenario]]" then scenarios << (into = { "file" => path, "steps" => [] })
      when "[[scenario.step]]" then scenarios.last["steps"] << (into = {})
      else
        key, value = pair(line) || raise(Wrong, "#{path}:#{number}: not understood: #{line}")
        into = scenarios.last["steps"].last || scenarios.last
        known = into.key?("steps") ? SCENARIO : STEP
        (into["unknown"] ||= []) << key if !known.include?(key) || into.key?(key)
        into[key] = value
      end
    end
    scenarios
  end

  def self.pair(line)
    found = LINE.match(line) or return
    key, number, truth, text = found.captures
    return [key, Integer(number, 10)] if number
    return [key, truth == "true"] if truth

    [key, text.gsub(/\\u00(\h\h)|\\./) { |escape| $1 ? $1.hex.chr : ESCAPES.fetch(escape) }]
  end
end
