# frozen_string_literal: true

require_relative "helper"

# Every piece of Ruby in the gem's README runs, against a member of the test's own.
class ReadmeTest < DoozerTest
  def test_the_blocks
    readme = File.read(File.join(Gem::Specification.find_by_name("doozer").full_gem_path, "README.md"))
    blocks = readme.scan(/^```ruby\n(.*?)^```/m).flatten
    assert_equal 4, blocks.size
    Dir.mktmpdir do |folder|
      said = blocks.map do |block|
        listens = block.include?("listen:") ? "127.0.0.1:0" : member.address
        ruby("-rdoozer", "-e", block.gsub("127.0.0.1:8046", listens).gsub("/var/lib/myapp", folder))
      end
      assert_match(%r{\Adebug = true \(revision \d+\)\n/myapp.conf is now debug = false\nmine, with the token \d+\n\z}, said[0])
      assert_match(%r{\Ait was free\nleads, with the token \d+\n/services/web/1 is at 10.0.0.1:8080\nall are here\n2 changes},
                   said[1])
      assert_equal "page 0\npage 1\npage 2\n", said[2]
      left = client.walk("/**").map(&:path).grep_v(%r{\A/ctl/})
      assert_equal %w[/a /b /myapp.conf /report/last], left, "what was held was given back"
    end
  end
end
